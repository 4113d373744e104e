"""A page as text: what it says to who sees it or hears it, without what it looks like."""

import re
from dataclasses import dataclass
from html.parser import HTMLParser

VOID = {"br", "meta"}
SEPARATORS = {"dd": ": ", "td": " | ", "th": " | "}
INLINE = {"a", "code", "span", *SEPARATORS}
GROUPS = {"body", "div", "dl", "dt", "head", "html", "tbody", "thead", "ul"}


def outline(page: str) -> str:
    """Return a line for each block of a page, indented by what it stands in.

    Of a drawing only title and words are kept: its lines are others in each release of Matplotlib.
    """
    told = _Outline()
    told.feed(page)
    told.close()
    lines = "\n".join(str(one) for one in told.lines if one.name or one.text.strip()).split("\n")
    return "".join(f"{line.rstrip()}\n" for line in lines)


@dataclass
class _Line:
    depth: int
    name: str = ""
    text: str = ""

    def __str__(self) -> str:
        text = self.text.rstrip()
        gap = "" if not (self.name and text) else "\n" if "\n" in text else "  "
        deeper = "\n" + "  " * (self.depth + 1)
        return "  " * self.depth + f"{self.name}{gap}{text}".replace("\n", deeper)


class _Outline(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.lines = [_Line(0)]
        self._open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self._open.append(tag)
        if tag not in INLINE | VOID:
            self._begin(tag, dict(attrs))
        elif self.lines[-1].text:
            self._say(SEPARATORS.get(tag) or " " * (self._ends() != " "))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag, f"</{tag}> ends what it did not begin"
        if tag not in {*INLINE, "dt"}:  # what a term means stands in its line
            self.lines.append(_Line(self._depth()))

    def handle_data(self, data: str) -> None:
        if not {"code", "pre"} & {*self._open}:  # the branches of a plan are made of room
            data = re.sub(r"\s+", " ", data)
            data = data.lstrip() if self._ends() in ("", " ") else data
        self._say(data)

    def _begin(self, tag: str, attributes: dict[str, str | None]) -> None:
        if self._is_left_out():
            return
        name = attributes.get("role") or ("" if tag in GROUPS else tag)
        state = "open" if "open" in attributes else ""
        label = f'"{attributes["aria-label"]}"' if "aria-label" in attributes else ""
        words = " ".join(one for one in (name, state, label) if one)
        self.lines.append(_Line(self._depth() - (tag not in GROUPS), words))

    def _depth(self) -> int:
        return sum(one not in GROUPS for one in self._open)

    def _ends(self) -> str:
        return self.lines[-1].text[-1:]

    def _say(self, text: str) -> None:
        if not self._is_left_out():
            self.lines[-1].text += text

    def _is_left_out(self) -> bool:
        if "svg" not in self._open:
            return "style" in self._open
        inside = self._open[self._open.index("svg") + 1 :]
        return inside not in ([], ["title"], ["desc"])
