"""`make bench`: run every benchmark, print a table, write JSON."""

import json
import platform
import sys
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks import generator, phases
from benchmarks.row import Row

BENCHMARKS = {"phases": phases.measure, "generator": generator.measure}
RESULT = Path(".lab/bench.json")


def main() -> None:
    """Run the benchmarks named on the command line, or all of them."""
    names = sys.argv[1:] or list(BENCHMARKS)
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown:
        sys.exit(f"no benchmark {', '.join(unknown)}; choose from {', '.join(BENCHMARKS)}")
    console = Console(highlight=False)
    results: dict[str, list[Row]] = {}
    for name in names:
        with console.status(f"{name} …"):
            results[name] = BENCHMARKS[name]()
        console.print(_table(name, results[name]))
    RESULT.parent.mkdir(parents=True, exist_ok=True)
    document = {
        "machine": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        "results": {name: [asdict(row) for row in rows] for name, rows in results.items()},
    }
    RESULT.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    console.print(f"written to {RESULT}")


def _table(name: str, rows: list[Row]) -> Table:
    table = Table(title=name, title_justify="left", box=None, header_style="dim")
    for column in ("what", "figure", "unit", "note"):
        table.add_column(column, justify="right" if column == "figure" else "left")
    for row in rows:
        table.add_row(row.what, f"{row.figure:,.3g}", row.unit, row.note)
    return table


if __name__ == "__main__":
    main()
