"""Strict YAML for files that people review: plain data only, read and written without surprises.

The reader refuses large or deep files, anchors, aliases, tags, second documents and repeated keys. It builds values
from events alone: PyYAML's C constructor crashes on deep nesting, and the Python one runs for seconds.

Numbers are plain decimals (``12``, ``-0.5``, ``1e-06``); ``true``, ``false`` and ``null`` have their usual meaning,
and a missing value is null. Everything else is text, including ``1:30``, ``off``, ``0x10``, ``1_000``, ``007``,
dates, ``.nan`` and ``1e400``, so that a numeric field rejects them. Keys are always text, and so are the values of
keys that name something (``TEXT_KEYS``): ``label: 16000`` gives ``"16000"``.
"""

from __future__ import annotations

import itertools
import json
import math
import os
import re
import stat
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import yaml
from yaml import events

from paretoroute.errors import ParetorouteError, checked_path, file_name

TEXT_KEYS = frozenset({"label", "model", "name", "of"})

MAX_BYTES = 16 * 2**20
MAX_DEPTH = 32
MAX_EVENTS = 200_000
MAX_SCALAR = 64 * 1024
MAX_NUMBER = 64
MAX_KEY = 1000  # YAML parsers recognise a key only within 1024 characters
FLOW_WIDTH = 110  # of a list or mapping on the line of its key
ROW_WIDTH = 240  # of one that is an item of a list, a row of a table

Parser: TypeAlias = type[Any]  # of the loaders of PyYAML, which share no base class
PARSER: Parser = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # used for its events only; the C one is 10 times faster
_KEYWORDS = {"": None, "null": None, "true": True, "false": False}
_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]*)", re.ASCII)
_FLOAT = re.compile(r"[-+]?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?", re.ASCII)
# A byte order mark inside the text is white space to the parser in C, and a part of a key to the one in Python.
_FORBIDDEN = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./+-]*(?: [A-Za-z0-9_./+-]+)*", re.ASCII)
_MISTAKABLE = frozenset("true false null yes no on off y n nan inf infinity".split())
_TOO_LARGE = (f"is larger than {MAX_BYTES // 2**20} MiB", "give the YAML file, not the data beside it")
_TOO_DEEP = (f"nests deeper than {MAX_DEPTH} levels", "flatten it")
_Path: TypeAlias = tuple[str | int, ...]  # keys and list positions from the root


class YamlError(ParetorouteError):
    """A YAML file that cannot be read safely, or data that cannot be written as such a file."""


def read(path: str | os.PathLike[str], *, text_keys: Collection[str] = TEXT_KEYS) -> Any:
    """Read a file as `loads` reads text.

    Args:
        path: the file, UTF-8, at most 16 MiB.
        text_keys: keys whose values, or lists of values, stay text.

    Raises:
        YamlError: the file is missing or unreadable, or breaks a rule in the module docstring.
    """
    content = read_bytes(path)
    return loads_bytes(content, name=file_name(Path(path)), text_keys=text_keys)


def read_bytes(path: str | os.PathLike[str], *, name: str = "") -> bytes:
    """Read the content of a file, at most 16 MiB; errors call it ``name``, or as the path does.

    Raises:
        YamlError: the file is missing, unreadable or larger.
    """
    path = checked_path(path, YamlError)
    name = name or file_name(path)
    try:
        is_file = stat.S_ISREG(os.stat(path).st_mode)
        content = _start_of(path) if is_file else b""
    except (OSError, ValueError) as error:  # a ValueError: the path holds a null character
        raise _error(name, f"cannot be read: {getattr(error, 'strerror', error)}", "check the path") from None
    if not is_file:
        raise _error(name, "is not a file", "name the YAML file itself")
    if len(content) > MAX_BYTES:
        raise _error(name, *_TOO_LARGE)
    return content


def _start_of(path: str | os.PathLike[str]) -> bytes:
    with open(path, "rb") as file:
        return file.read(MAX_BYTES + 1)


def loads_bytes(content: bytes, *, name: str, text_keys: Collection[str] = TEXT_KEYS) -> Any:
    """Read UTF-8 YAML as `loads` reads text; the arguments are those of `loads`.

    Raises:
        YamlError: the content is not UTF-8, or breaks a rule in the module docstring.
    """
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _error(name, "is not UTF-8 text", "save it as UTF-8", content.count(b"\n", 0, error.start) + 1) from None
    return loads(text, name=name, text_keys=text_keys)


def loads(
    text: str,
    *,
    name: str,
    text_keys: Collection[str] = TEXT_KEYS,
    parser: Parser = PARSER,
    expand: Callable[[Iterator[events.Event]], Iterator[events.Event]] = iter,
) -> Any:
    """Read YAML text as plain data: None, bool, int, float, str, and lists and dicts of them.

    Args:
        text: the YAML.
        name: the file name in error messages, without its folder.
        text_keys: keys whose values, or lists of values, stay text.
        parser: PyYAML's loader in C where it is installed, or the one in Python; both read the same.
        expand: changes the events of the parser before they are checked.

    Raises:
        YamlError: the text breaks a rule in the module docstring.

    Example:
        >>> loads("{label: 16000, amount: 16000, off: 1:30}", name="grid.yaml")
        {'label': '16000', 'amount': 16000, 'off': '1:30'}
    """
    if len(text) > MAX_BYTES:
        raise _error(name, *_TOO_LARGE)
    if forbidden := _FORBIDDEN.search(text):
        line = text.count("\n", 0, forbidden.start()) + 1
        raise _error(name, f"holds the character {ascii(forbidden.group())}", "write it as an escape in quotes", line)
    reader = _Reader(_checked_events(expand(_parser_events(text, name, parser)), name), name, text_keys)
    values = [reader.value(event) for event in reader.events if isinstance(event, events.NodeEvent)]
    if not values:
        raise _error(name, "is empty", "give the file that was written")
    return values[0]


@dataclass(frozen=True, slots=True)
class _Reader:
    """Builds values from checked events by recursive descent, at most `MAX_DEPTH` calls deep."""

    events: Iterator[events.Event]
    name: str
    text_keys: Collection[str]

    def value(self, event: events.Event, depth: int = 0, *, text: bool = False) -> Any:
        """Return the value that starts with this event; ``text`` keeps the scalars directly in it as text."""
        if isinstance(event, events.ScalarEvent):
            return _plain_value(event.value, text) if event.implicit[0] else event.value
        if depth == MAX_DEPTH:
            raise _error(self.name, *_TOO_DEEP, event)
        if isinstance(event, events.SequenceStartEvent):
            return [self.value(item, depth + 1, text=text) for item in self._until_end()]
        mapping: dict[str, Any] = {}
        for key in self._until_end():
            if not isinstance(key, events.ScalarEvent):
                raise _error(self.name, "uses a list or mapping as a key", "use plain text", key)
            if key.value in mapping:
                raise _error(self.name, f"key {_short(key.value)} is given twice", "keep one of them", key)
            mapping[key.value] = self.value(next(self.events), depth + 1, text=key.value in self.text_keys)
        return mapping

    def _until_end(self) -> Iterator[events.Event]:
        return itertools.takewhile(lambda event: not isinstance(event, events.CollectionEndEvent), self.events)


def _plain_value(text: str, keep_text: bool) -> Any:
    """Return the value of an unquoted scalar; an empty one is null even if text is kept."""
    if text == "" or (not keep_text and text in _KEYWORDS):
        return _KEYWORDS[text]
    if keep_text or len(text) > MAX_NUMBER:
        return text
    if _INTEGER.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text) and math.isfinite(number := float(text)):
        return number
    return text


def _checked_events(stream: Iterator[events.Event], name: str) -> Iterator[events.Event]:
    """Yield the parser's events up to the first that is not allowed."""
    for count, event in enumerate(stream):
        if count >= MAX_EVENTS:
            raise _error(name, f"holds more than {MAX_EVENTS} items", "split it", event)
        if count > 1 and isinstance(event, events.DocumentStartEvent):  # the first one is event 1
            raise _error(name, "holds a second document", "keep one document to a file", event)
        if getattr(event, "anchor", None) is not None:
            raise _error(name, "uses an anchor or alias (& or *)", "write it out, or quote the text", event)
        if getattr(event, "tag", None) is not None:
            raise _error(name, "uses a tag (!)", "remove it, or quote the text", event)
        if isinstance(event, events.ScalarEvent) and len(event.value) > MAX_SCALAR:
            raise _error(name, f"holds a text of more than {MAX_SCALAR} characters", "shorten it", event)
        if isinstance(event, events.ScalarEvent) and _SURROGATE.search(event.value):
            raise _error(name, "holds half a character (a lone surrogate)", "remove it", event)
        yield event


def _parser_events(text: str, name: str, parser: Parser) -> Iterator[events.Event]:
    try:
        yield from yaml.parse(text, Loader=parser)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problem = error.problem or error.context or "cannot be parsed"
        line = None if mark is None else mark.line + 1
        if "nesting depth" in problem:  # PyYAML 6.0.4 has a limit of its own, which acts before ours
            raise _error(name, *_TOO_DEEP, line) from None
        raise _error(name, f"is not YAML: {problem}", "correct this line or write the file again", line) from None
    except (yaml.YAMLError, ValueError) as error:  # the Python parser lets an escape beyond Unicode through to chr()
        raise _error(name, f"is not YAML: {' '.join(str(error).split())}", "write the file again") from None


def dumps(data: Any, *, comments: Mapping[str, str] | None = None, text_keys: Collection[str] = TEXT_KEYS) -> str:
    """Write plain data as YAML that `loads` returns unchanged; equal data gives equal text.

    Keys keep their order. Text that some YAML reader could take for another value is quoted, and so are the values
    of ``text_keys``. Short flat mappings and lists below the top level are written on one line.

    Args:
        data: None, bool, int, float, str, and lists, tuples (read back as lists) and mappings of them.
        comments: comments to put above top-level keys, by key.
        text_keys: keys whose values, or lists of values, must be text.

    Raises:
        YamlError: a NaN or infinity, a lone surrogate, too long or too deep, or a type that is not plain data.

    Example:
        >>> print(dumps({"name": "16000", "limits": {"usd": 1e-06, "on": True}}), end="")
        name: "16000"
        limits: {usd: 1.0e-06, "on": true}
    """
    if not isinstance(data, Mapping) or not data:
        return _emitted(_events(data, (), text_keys=text_keys))
    parts: list[str] = []
    for key, value in data.items():
        if comments and key in comments:
            parts += ["\n"] * bool(parts) + [f"# {line}\n" for line in comments[key].splitlines()]
        parts.append(_emitted(_events({key: value}, (), text_keys=text_keys)))
    return "".join(parts)


class _Dumper(yaml.SafeDumper):
    """Indents lists inside mappings and escapes only the characters that would be invisible in a review."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, indentless=False)

    def write_double_quoted(self, text: str, split: bool = True) -> None:
        self.write_indicator(_quoted(text), need_whitespace=True)


def _emitted(node: list[events.Event]) -> str:
    document = [events.DocumentStartEvent(), *node, events.DocumentEndEvent()]
    stream = [events.StreamStartEvent(), *document, events.StreamEndEvent()]
    return yaml.emit(stream, Dumper=_Dumper, width=math.inf, allow_unicode=True)


def _events(value: Any, path: _Path, *, text_keys: Collection[str], text: bool = False) -> list[events.Event]:
    """Return the events of a value at a path; ``text`` requires that the scalars directly in it are text."""
    if not isinstance(value, Mapping | list | tuple):
        return [_scalar(value, path, text=text)]
    if len(path) >= MAX_DEPTH:
        raise _error(path[:1], *_TOO_DEEP)
    is_mapping = isinstance(value, Mapping)
    items: list[events.Event] = []
    for key, item in value.items() if is_mapping else enumerate(value):
        if is_mapping:
            items.append(_key(key, path))
            text = key in text_keys
        items += _events(item, (*path, key), text_keys=text_keys, text=text)
    flow = bool(path) and _fits_on_one_line(items, path[-1])
    if is_mapping:
        return [events.MappingStartEvent(None, None, True, flow_style=flow), *items, events.MappingEndEvent()]
    return [events.SequenceStartEvent(None, None, True, flow_style=flow), *items, events.SequenceEndEvent()]


def _fits_on_one_line(items: list[events.Event], last: str | int) -> bool:
    scalars = [item for item in items if isinstance(item, events.ScalarEvent)]
    width = ROW_WIDTH if isinstance(last, int) else FLOW_WIDTH - len(last)
    return len(scalars) == len(items) and sum(len(item.value) + (4 if item.style else 2) for item in scalars) <= width


def _key(key: Any, path: _Path) -> events.ScalarEvent:
    if not isinstance(key, str):
        raise _error(path, f"key {_short(key)} is not text", "use text as keys")
    if len(_quoted(key)) > MAX_KEY:
        raise _error(path, f"key {_short(key)} is longer than {MAX_KEY} characters", "shorten it")
    return _scalar(key, path)


def _scalar(value: Any, path: _Path, *, text: bool = False) -> events.ScalarEvent:
    if isinstance(value, str):
        if len(value) > MAX_SCALAR:
            raise _error(path, f"holds a text of more than {MAX_SCALAR} characters", "shorten it")
        if half := _SURROGATE.search(value):
            raise _error(path, f"holds half a character (the lone surrogate {ascii(half.group())})", "remove it")
        plain = not text and _PLAIN.fullmatch(value) and value.lower() not in _MISTAKABLE
        return events.ScalarEvent(None, None, (True, True), value, style=None if plain else '"')
    if text:
        raise _error(path, f"must be text, got {_short(value)}", "write it as text")
    short_integer = isinstance(value, int) and abs(value) < 10 ** (MAX_NUMBER - 1)
    if not (value is None or short_integer or (isinstance(value, float) and math.isfinite(value))):
        raise _error(path, f"{_short(value)} cannot be written", "give a finite number, text, true, false or null")
    number = re.sub(r"^(-?\d+)e", r"\1.0e", json.dumps(value))  # YAML 1.1 reads 1e-06 as text
    return events.ScalarEvent(None, None, (True, True), number)


def _quoted(text: str) -> str:
    quoted = json.dumps(text, ensure_ascii=False)  # a JSON string is also a double-quoted YAML string
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in quoted)


def _error(place: str | _Path, reason: str, fix: str, at: events.Event | int | None = None) -> YamlError:
    name = place if isinstance(place, str) else ".".join(map(str, place)) or "data"
    shown = name if name.isprintable() else ascii(name)
    line = at.start_mark.line + 1 if isinstance(at, events.Event) else at
    return YamlError(f"{shown}{'' if line is None else f', line {line}'}: {reason}; {fix}")


def _short(value: object) -> str:
    if isinstance(value, int) and abs(value) >= 10**MAX_NUMBER:
        return f"an integer of more than {MAX_NUMBER} digits"
    shown = ascii(value) if isinstance(value, str) and not value.isprintable() else repr(value)
    return shown if len(shown) <= 60 else f"{shown[:57]}..."
