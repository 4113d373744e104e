"""Matplotlib's drawings as inline SVG: text stays text, and the page's style sheet has the colours.

Every colour drawn with stands for a variable of the page, so one drawing serves light and dark.
"""

import io
import logging
import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

INK, SOFT, LINE, OURS, THEIRS, LIMIT, BAD = (f"#0101{number:02x}" for number in range(1, 8))
VARIABLES = dict(
    zip(
        (INK, SOFT, LINE, OURS, THEIRS, LIMIT, BAD),
        ("ink", "soft", "line", "ours", "theirs", "limit", "failed"),
        strict=True,
    )
)
WIDTH, HEIGHT, POINTS_PER_INCH = 400, 270, 72  # as wide as a phone
ROW_HEIGHT, MARGIN_HEIGHT = 40, 50
STYLE: Mapping[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "the same names in every drawing of the same figures",
    "font.family": "DejaVu Sans",  # comes with Matplotlib: the same measures on every machine
    "font.size": 12,
    "legend.fontsize": 12,
    "axes.labelsize": 12,
    "xtick.labelsize": 12,
    "ytick.labelsize": 12,
    "text.parse_math": False,
    "text.color": SOFT,
    "axes.labelcolor": SOFT,
    "axes.edgecolor": LINE,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": LINE,
    "grid.linewidth": 0.8,
    "xtick.color": SOFT,
    "ytick.color": SOFT,
    "legend.frameon": False,
    "legend.borderaxespad": 0.2,
    "legend.handlelength": 1.6,
    "legend.columnspacing": 1.2,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
    **{f"{axis}tick.{kind}.size": 0 for axis in "xy" for kind in ("major", "minor")},
}
SVG, LINKS = "{http://www.w3.org/2000/svg}", "{http://www.w3.org/1999/xlink}href"
LEFT_OUT = ("metadata", "style")  # neither belongs to one picture of a page
NOT_TURNED = "rotate(-0 "
FAMILY = re.compile(r"font-family: [^;]*; ")
REFERRED = re.compile(r"url\(#([^)]+)\)")

logging.getLogger("matplotlib").setLevel(logging.ERROR)  # it warns of its own cache of fonts


@dataclass(frozen=True)
class Picture:
    """A picture as inline SVG (or several small ones), in words, and its figures as a table."""

    svgs: tuple[str, ...]
    caption: str
    words: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    are_small: bool = False


def drawn(
    key: str,
    caption: str,
    words: str,
    draw: Callable[[Axes], None],
    *,
    width: int = WIDTH,
    height: int = HEIGHT,
) -> str:
    """Return what `draw` puts on the axes of a new figure; `key` is unique on the page."""
    with matplotlib.rc_context(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a letter its font lacks: the reader's has it
        matplotlib.rcdefaults()  # whatever this machine prefers
        matplotlib.rcParams.update(STYLE)
        size = (width / POINTS_PER_INCH, height / POINTS_PER_INCH)
        figure = Figure(size, dpi=POINTS_PER_INCH, layout="constrained")
        draw(figure.subplots())
        paper = io.StringIO()
        figure.savefig(paper, format="svg", metadata={"Date": None})
    return inlined(paper.getvalue(), re.sub(r"\W+", "-", key), caption, words)


def legend(axes: Axes, columns: int = 3) -> None:
    """Say above the axes which line is whose."""
    handles, labels = axes.get_legend_handles_labels()
    place: dict[str, Any] = {"loc": "lower left", "bbox_to_anchor": (0, 1), "ncols": columns}
    axes.legend(handles, labels, labelcolor=SOFT, **place)


def rows(axes: Axes, names: Sequence[str]) -> None:
    """Name rows at 0, 1, … from the top, each above what will be drawn in it."""
    axes.set_ylim(len(names) - 0.6, -0.8)
    axes.set_yticks([])
    for row, name in enumerate(names):
        place: dict[str, Any] = {"transform": axes.get_yaxis_transform(), "va": "bottom"}
        axes.text(0.01, row - 0.22, name, color=INK, **place)


def inlined(text: str, key: str, caption: str, words: str) -> str:
    """Return Matplotlib's SVG for the middle of a page, named and described for who can't see."""
    root = ElementTree.fromstring(text)
    names = _names(root, key)
    _clean(root, names)
    box = root.get("viewBox", "")
    root.attrib = {
        "xmlns": SVG[1:-1],
        "class": "picture",
        "viewBox": box,
        "role": "img",
        "aria-labelledby": f"{key}-title {key}-words",
    }
    for position, (tag, said) in enumerate((("title", caption), ("desc", words))):
        described = ElementTree.Element(tag, id=f"{key}-{'words' if position else tag}")
        described.text = said
        root.insert(position, described)
    return ElementTree.tostring(root, encoding="unicode")


def _names(root: ElementTree.Element, key: str) -> dict[str, str]:
    """Return a name of the page's own for everything in the picture that is referred to."""
    referred: dict[str, None] = {}
    for element in root.iter():
        for name, value in element.attrib.items():
            found = [value[1:]] if name == LINKS else REFERRED.findall(value)
            referred.update(dict.fromkeys(found))
    return {one: f"{key}-{number}" for number, one in enumerate(referred)}


def _clean(element: ElementTree.Element, names: dict[str, str]) -> None:
    element.tag = element.tag.removeprefix(SVG)
    element.attrib = dict(_attributes(element.attrib, names))
    element.text, element.tail = (text and text.strip() for text in (element.text, element.tail))
    for child in list(element):
        if child.tag.removeprefix(SVG) in LEFT_OUT:
            element.remove(child)
        else:
            _clean(child, names)


def _attributes(attributes: dict[str, str], names: dict[str, str]) -> list[tuple[str, str]]:
    kept = []
    for name, value in attributes.items():
        if name == LINKS:
            kept.append(("href", f"#{names[value[1:]]}"))
        elif name == "id":
            kept += [("id", names[value])] if value in names else []
        elif not value.startswith(NOT_TURNED):
            kept.append((name, _styled(value, names)))
    return kept


def _styled(value: str, names: dict[str, str]) -> str:
    for colour, variable in VARIABLES.items():
        value = value.replace(colour, f"var(--{variable})")
    value = REFERRED.sub(lambda found: f"url(#{names[found[1]]})", value)
    return FAMILY.sub("", value)  # the page has its own
