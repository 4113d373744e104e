"""`make bench`: run benchmarks, print tables, write JSON; with --record also docs/measurements.md.

Without names all of them run. Results of earlier runs stay in the JSON until they are replaced.
"""

import json
import platform
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import psutil
from rich.console import Console
from rich.table import Table

from benchmarks import combinations, containment, generator, gradings, phases, watching
from benchmarks.row import Row

BENCHMARKS: dict[str, Callable[[], list[Row]]] = {
    "generator": generator.measure,
    "gradings_waiting": gradings.waiting,
    "gradings_computing": gradings.computing,
    "combinations": combinations.measure,
    "containment": containment.measure,
    "phases": phases.measure,
    "watching": watching.measure,
}
RESULT, RECORD = Path(".lab/bench.json"), Path("docs/measurements.md")
RECORD_OPTION = "--record"
INTRODUCTION = """# Measurements

What `make bench` showed last on a developer's machine; on yours: `make bench`, and with
`ARGS=--record` it writes this page anew. Milliseconds belong to one machine and one moment; what is
promised are ratios within a run and counts of wrong verdicts.
"""


def main() -> None:
    """Run the benchmarks named on the command line, or all of them."""
    names = [name for name in sys.argv[1:] if name != RECORD_OPTION] or list(BENCHMARKS)
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown:
        sys.exit(f"no benchmark {', '.join(unknown)}; choose from {', '.join(BENCHMARKS)}")
    console = Console(highlight=False)
    results: dict[str, Any] = json.loads(RESULT.read_text()) if RESULT.exists() else {}
    for name in names:
        load = psutil.getloadavg()[0]
        with console.status(f"{name} …"):
            rows = BENCHMARKS[name]()
        console.print(_table(name, rows))
        results[name] = {
            "machine": _machine(),
            "date": time.strftime("%Y-%m-%d"),
            "load_average_before": round(load, 2),
            "rows": [asdict(row) for row in rows],
        }
        RESULT.parent.mkdir(parents=True, exist_ok=True)
        RESULT.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    console.print(f"written to {RESULT}")
    if RECORD_OPTION in sys.argv:
        RECORD.write_text(_page(results), encoding="utf-8")
        console.print(f"written to {RECORD}")


def _machine() -> str:
    system = f"{platform.system()} {platform.machine()}, {psutil.cpu_count()} cores"
    return f"{system}, Python {platform.python_version()}"


def _table(name: str, rows: list[Row]) -> Table:
    table = Table(title=name, title_justify="left", box=None, header_style="dim")
    for column in ("what", "figure", "unit", "note"):
        table.add_column(column, justify="right" if column == "figure" else "left")
    for row in rows:
        table.add_row(row.what, _figure(row.figure), row.unit, row.note)
    return table


def _figure(figure: float | None) -> str:
    return "–" if figure is None else f"{figure:,.3g}"


def _page(results: dict[str, Any]) -> str:
    """Return the measurements as Markdown, one section per benchmark."""
    parts = [INTRODUCTION]
    for name, one in sorted(results.items()):
        summary = (BENCHMARKS[name].__doc__ or "").strip()
        lines = [
            f"## {name}\n",
            f"{summary}\n",
            f"`make bench ARGS={name}` on {one['date']}, {one['machine']}, "
            f"load average {one['load_average_before']:g} before it.\n",
            "| what | figure | unit | note |",
            "|---|---:|---|---|",
        ]
        lines += [
            f"| {row['what']} | {_figure(row['figure'])} | {row['unit']} | {row['note']} |"
            for row in one["rows"]
        ]
        parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)


if __name__ == "__main__":
    main()
