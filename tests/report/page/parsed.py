"""A page as a browser reads it, without one: its scripts, its tables, its attributes."""

from __future__ import annotations

from html.parser import HTMLParser

VOID = ("meta", "br", "input", "link", "img", "hr")


class Parsed(HTMLParser):
    """The elements of a page in order, the texts of its scripts, and the cells of its tables.

    Attributes:
        elements: tag and attributes of every element.
        scripts: attributes and text of every script.
        tables: rows of cells, by the name of the table.
        open: tags that were not closed.
    """

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.scripts: list[tuple[dict[str, str], str]] = []
        self.tables: dict[str, list[list[str]]] = {}
        self.open: list[str] = []
        self._rows: list[list[str]] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        attributes = {name: value or "" for name, value in attrs}
        self.elements.append((tag, attributes))
        if tag not in VOID:
            self.open.append(tag)
        if tag == "script":
            self.scripts.append((attributes, ""))
        elif tag == "table" and "aria-label" in attributes:
            self._rows = self.tables[attributes["aria-label"]] = []
        elif tag == "table":
            self._rows = []
        elif tag == "tr":
            self._rows.append([])
        elif tag in ("td", "th"):
            self._rows[-1].append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag, f"{tag} is closed in another element"

    def handle_data(self, data):
        if self.open and self.open[-1] == "script":
            attributes, text = self.scripts[-1]
            self.scripts[-1] = (attributes, text + data)
        elif "td" in self.open or "th" in self.open:
            self._rows[-1][-1] += data

    @property
    def policy(self) -> str:
        """The page's Content-Security-Policy."""
        return next(a["content"] for tag, a in self.elements if a.get("http-equiv") == "Content-Security-Policy")
