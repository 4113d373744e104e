"""The page that a real grade writes, with load and a failure, in a real browser."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser import Tab, open_browser

pytestmark = pytest.mark.alone
GRADED = ("-r", "reads-own-writes", "-r", "fast-reads", "-r", "flat-reads", "--all")


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory, new_kit: Callable[[Path], Any]) -> Path:
    """What the grade of a service wrote that answers with what was overwritten."""
    kit = new_kit(tmp_path_factory.mktemp("stale"))
    stale, out = kit.folder / "stale", kit.folder / "out"
    shutil.copytree(kit.folder / "labs/service/solutions/cached", stale)
    notes = stale / "notes.py"
    notes.write_text(notes.read_text().replace("self.cache.delete(key)", "pass"))
    done = kit.lab("grade", "service", "--from", stale, "--out", out, *GRADED)
    assert done.code == 1, done.output
    return out


@pytest.fixture(scope="module")
def report(written: Path) -> Any:
    return json.loads((written / "report.json").read_bytes())


@pytest.fixture(scope="module")
def tab(written: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tab]:
    """A browser that shows the page."""
    with open_browser(tmp_path_factory.mktemp("browser")) as opened:
        opened.open(written / "report.html", 1280)
        yield opened


def test_asks_for_nothing_and_complains_of_nothing(tab: Tab, written: Path) -> None:
    assert tab.asked_for() == [(written / "report.html").as_uri()]
    assert tab.complaints() == []


def test_shows_the_load_in_pictures_and_tells_it_in_words(tab: Tab, report: Any) -> None:
    told = tab.pictures()
    assert len(told) == tab.run("document.querySelectorAll('figure svg').length")
    captions = tab.run("[...document.querySelectorAll('figcaption')].map(one => one.innerText)")
    assert "Offered and achieved: reads" in captions
    for caption in captions:
        title, _, _ = caption.partition(", as the data grows")
        assert any(words.startswith(title) and len(words) > len(caption) for words in told), title
    load = next(one for one in report["loads"] if one["profile"] == "reads")
    [rates] = [one for one in told if one.startswith("Offered and achieved: reads")]
    assert f"in {load['runs']} run" in rates
    assert f"{load['submission']['errors']} failed" in rates
    sizes = tab.run("[...document.querySelectorAll('figure svg')].map(one => one.clientHeight)")
    assert min(sizes) > 50


def test_shows_what_was_asked_and_answered_when_it_failed(tab: Tab, report: Any) -> None:
    failed = next(one for one in report["requirements"] if one["id"] == "reads-own-writes")
    exchange = failed["checks"][0]["feedback"]["exchange"]
    shown = tab.run("document.querySelector('.check .two').innerText")
    assert f"GET {exchange['url']}" in shown
    assert "/notes/note-" in shown
    assert "200" in shown
    assert exchange["response_body"] == "first"
    assert "first" in shown
