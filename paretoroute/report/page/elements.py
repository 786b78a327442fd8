"""Elements of a page: its frame, headings, sentences and tables. All text is escaped by ElementTree."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import NamedTuple
from xml.etree.ElementTree import Element, SubElement

from paretoroute.report.picture.svg_elements import clean

_NUMBER = re.compile(r"[<+-]?[x$]?[$]?\d[\d.,]*\d%?(?: \[[^\[\]]+\])?|\[[^\[\]]+, [^\[\]]+\]")
_NO_FETCH = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"


class Line(NamedTuple):
    """A row of a table: its CSS class, and its cells, the first of which names it."""

    kind: str
    cells: Sequence[str]


class Frame(NamedTuple):
    """The parts of a page that content is added to."""

    root: Element
    body: Element
    main: Element


def frame(title: str, *, scripts: Sequence[str] = ()) -> Frame:
    """Build an empty page that may fetch nothing.

    Args:
        title: of the window, and the first heading.
        scripts: sources of the Content-Security-Policy, such as ``'sha256-...'``; without any, no script may run.
    """
    root = Element("html", {"lang": "en", "xmlns": "http://www.w3.org/1999/xhtml"})
    head, body = SubElement(root, "head"), SubElement(root, "body")
    policy = _NO_FETCH + (f"; script-src {' '.join(scripts)}" if scripts else "")
    SubElement(head, "meta", {"charset": "utf-8"})
    SubElement(head, "meta", {"http-equiv": "Content-Security-Policy", "content": policy})
    SubElement(head, "meta", {"name": "viewport", "content": "width=device-width, initial-scale=1"})
    add(head, "title", title)
    SubElement(head, "style").text = stylesheet()
    return Frame(root, body, SubElement(body, "main"))


def stylesheet() -> str:
    """Return the style of all pages."""
    return files("paretoroute.report.page").joinpath("assets", "page.css").read_text(encoding="utf-8")


def add(parent: Element, tag: str, text: str, attributes: Mapping[str, str] | None = None) -> Element:
    """Add an element with text; a blank text is a space."""
    element = SubElement(parent, tag, {name: clean(value) for name, value in (attributes or {}).items()})
    element.text = clean(text) or " "
    return element


def add_sentence(parent: Element, tag: str, text: str, attributes: Mapping[str, str] | None = None) -> Element:
    """Add a sentence whose numbers and intervals stay on one line."""
    element = SubElement(parent, tag, dict(attributes or {}))
    text, end, last = clean(text), 0, None
    for number in _NUMBER.finditer(text):
        between = text[end : number.start()]
        if last is None:
            element.text = between
        else:
            last.tail = between
        last, end = SubElement(element, "span", {"class": "number"}), number.end()
        last.text = number[0]
    if last is None:
        element.text = text
    else:
        last.tail = text[end:]
    return element


def add_terms(parent: Element, entries: Sequence[tuple[str, str]]) -> None:
    """Add a list of keys and sentences."""
    terms = SubElement(parent, "dl")
    for key, text in entries:
        add(terms, "dt", key)
        add_sentence(terms, "dd", text)


def add_scroll(parent: Element, caption: str) -> Element:
    """Add a frame that scrolls sideways, also by the keyboard."""
    return SubElement(
        parent, "div", {"class": "scroll", "tabindex": "0", "role": "region", "aria-label": clean(caption)}
    )


def add_table(
    parent: Element,
    caption: str,
    heads: Sequence[str],
    rows: Sequence[Line],
    *,
    texts: Sequence[int] = (),
    long: Sequence[int] = (),
) -> None:
    """Add a table, whose first column names its rows.

    Args:
        parent: of the frame that it scrolls in.
        caption: its name for screen readers.
        heads: one per column.
        rows: from the top.
        texts: columns of texts, which wrap and are aligned to the left; all others but the first are numbers.
        long: columns of sentences.
    """
    table = SubElement(add_scroll(parent, caption), "table", {"aria-label": clean(caption)})
    top = SubElement(SubElement(table, "thead"), "tr")
    classes = {0: "name", **dict.fromkeys(texts, "text"), **dict.fromkeys(long, "text long")}
    for i, head in enumerate(heads):
        add(top, "th", head, {"scope": "col", "class": classes.get(i, "")})
    body = SubElement(table, "tbody")
    for row in rows:
        line = SubElement(body, "tr", {"class": row.kind})
        add(line, "th", row.cells[0], {"scope": "row", "class": "name"})
        for i, cell in enumerate(row.cells[1:], 1):
            add(line, "td", cell, {"class": classes[i]} if i in classes else None)


def add_details(parent: Element, summary: str, attributes: Mapping[str, str] | None = None) -> Element:
    """Add content that is folded away below a summary."""
    details = SubElement(parent, "details", {name: clean(value) for name, value in (attributes or {}).items()})
    add(details, "summary", summary)
    return details
