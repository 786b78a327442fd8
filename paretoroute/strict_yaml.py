"""YAML read with suspicion and written for review: plain data only, no surprises in either direction.

A file is refused before anything is built from it when it is too large, too deep or too long, when it uses
anchors, aliases, tags or a second document, or when a key is given twice. Only the parser's events are used, never
a YAML constructor: PyYAML's C one crashes the process on deep nesting, and the Python one runs for seconds.

Numbers are plain decimals (``12``, ``-0.5``, ``1e-06``), the words ``true``, ``false`` and ``null`` are what they
say, and a value left out is null. Everything else is text: ``1:30``, ``off``, ``0x10``, ``1_000``, ``007``, dates,
``.nan`` and ``1e400`` too, so that a field for a number refuses them. Keys are always text, and so is the value of a
key that names something (``TEXT_KEYS``): ``label: 16000`` gives ``"16000"``.
"""

from __future__ import annotations

import json
import math
import os
import re
import stat
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import yaml
from yaml import events

from paretoroute.errors import ParetorouteError

TEXT_KEYS = frozenset({"label", "model", "name", "of"})

MAX_BYTES = 16 * 2**20
MAX_DEPTH = 32
MAX_EVENTS = 200_000
MAX_SCALAR = 64 * 1024
MAX_NUMBER = 64
MAX_KEY = 1000  # libyaml finds a key only within 1024 characters
FLOW_WIDTH = 110
ROW_WIDTH = 240

Parser: TypeAlias = type[Any]  # of the loaders of PyYAML, which share no base class
PARSER: Parser = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # used for its events only; the C one is 10 times faster
_WORDS = {"": None, "null": None, "true": True, "false": False}
_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]*)", re.ASCII)
_FLOAT = re.compile(r"[-+]?(?:(?:0|[1-9][0-9]*)(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?", re.ASCII)
_FORBIDDEN = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./+-]*(?: [A-Za-z0-9_./+-]+)*", re.ASCII)
_MISTAKABLE = frozenset("true false null yes no on off y n nan inf infinity".split())


class YamlError(ParetorouteError):
    """A YAML file that cannot be read safely, or data that cannot be written as such a file."""


@dataclass(slots=True)
class _Open:
    """A list or mapping whose end has not been read yet.

    Args:
        into: what is being filled.
        text: whether scalars directly in it stay text.
        key: of a mapping, the key whose value comes next.
    """

    into: list[Any] | dict[str, Any]
    text: bool = False
    key: str | None = None

    def awaits_key(self) -> bool:
        return isinstance(self.into, dict) and self.key is None

    def takes_text(self, text_keys: Collection[str]) -> bool:
        return self.text if self.key is None else self.key in text_keys

    def take(self, value: Any) -> None:
        if isinstance(self.into, list):
            self.into.append(value)
        elif self.key is not None:
            self.into[self.key] = value
            self.key = None


def read(path: str | os.PathLike[str], *, text_keys: Collection[str] = TEXT_KEYS) -> Any:
    """Read a YAML file of plain data.

    Args:
        path: the file, UTF-8, at most 16 MiB.
        text_keys: keys whose value, or list of values, is returned as the text that stands there.

    Returns:
        None, bool, int, float, str, and lists and dicts of them.

    Raises:
        YamlError: the file is missing, or is not what this module's opening lines allow.
    """
    name = Path(path).name
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise _error(name, "is not a file", "name the YAML file itself")
        with open(path, "rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise _error(name, f"cannot be read: {error.strerror}", "check the path") from None
    if len(content) > MAX_BYTES:
        raise _too_large(name)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise _error(name, "is not UTF-8 text", "save it as UTF-8", line) from None
    return loads(text, name=name, text_keys=text_keys)


def loads(text: str, *, name: str, text_keys: Collection[str] = TEXT_KEYS, parser: Parser = PARSER) -> Any:
    """Read YAML text of plain data.

    Args:
        text: the YAML.
        name: what errors call it, a bare file name.
        text_keys: keys whose value, or list of values, is returned as the text that stands there.
        parser: PyYAML's loader in C where it is installed, or the one in Python; both read the same.

    Returns:
        None, bool, int, float, str, and lists and dicts of them.

    Raises:
        YamlError: the text is not what this module's opening lines allow.

    Example:
        >>> loads("{label: 16000, amount: 16000, off: 1:30}", name="grid.yaml")
        {'label': '16000', 'amount': 16000, 'off': '1:30'}
    """
    if len(text) > MAX_BYTES:
        raise _too_large(name)
    if found := _FORBIDDEN.search(text):
        line = text.count("\n", 0, found.start()) + 1
        raise _error(name, f"holds the character {ascii(found.group())}", "write it as an escape in quotes", line)
    root: list[Any] = []
    opened = [_Open(root)]
    for event in _checked_events(text, name, parser):
        if isinstance(event, events.ScalarEvent):
            _take_scalar(opened[-1], event, name, text_keys)
        elif isinstance(event, events.CollectionStartEvent):
            _open_collection(opened, event, name, text_keys)
        elif isinstance(event, events.CollectionEndEvent):
            closed = opened.pop()
            opened[-1].take(closed.into)
    if not root:
        raise _error(name, "is empty", "give the file that was written")
    return root[0]


def _take_scalar(top: _Open, event: events.ScalarEvent, name: str, text_keys: Collection[str]) -> None:
    if not top.awaits_key():
        plain = event.implicit[0]
        top.take(_plain_value(event.value, top.takes_text(text_keys)) if plain else event.value)
    elif isinstance(top.into, dict) and event.value in top.into:
        raise _error(name, f"key {_short(event.value)} is given twice", "keep one of them", _line(event))
    else:
        top.key = event.value


def _open_collection(opened: list[_Open], event: events.Event, name: str, text_keys: Collection[str]) -> None:
    top = opened[-1]
    if top.awaits_key():
        raise _error(name, "a list or mapping stands where a key belongs", "use plain text as the key", _line(event))
    if len(opened) > MAX_DEPTH:
        raise _too_deep(name, _line(event))
    is_list = isinstance(event, events.SequenceStartEvent)
    opened.append(_Open([], top.takes_text(text_keys)) if is_list else _Open({}))


def _plain_value(text: str, keep_text: bool) -> Any:
    """Turn an unquoted scalar into what it stands for; nothing at all is null even where text is kept."""
    if text == "" or (not keep_text and text in _WORDS):
        return _WORDS[text]
    if keep_text or len(text) > MAX_NUMBER:
        return text
    if _INTEGER.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text) and math.isfinite(number := float(text)):
        return number
    return text


def _checked_events(text: str, name: str, parser: Parser) -> Iterator[events.Event]:
    """Yield the parser's events one by one and stop at the first that is not allowed."""
    documents = 0
    for count, event in enumerate(_parser_events(text, name, parser)):
        if count >= MAX_EVENTS:
            raise _error(name, f"holds more than {MAX_EVENTS} items", "split it", _line(event))
        documents += isinstance(event, events.DocumentStartEvent)
        if documents > 1:
            raise _error(name, "holds a second document", "keep one document to a file", _line(event))
        if getattr(event, "anchor", None) is not None:
            raise _error(name, "uses an anchor or alias (& or *)", "write it out, or quote the text", _line(event))
        if getattr(event, "tag", None) is not None:
            raise _error(name, "uses a tag (!)", "remove it, or quote the text", _line(event))
        if isinstance(event, events.ScalarEvent):
            _check_scalar(event, name)
        yield event


def _parser_events(text: str, name: str, parser: Parser) -> Iterator[events.Event]:
    try:
        yield from yaml.parse(text, Loader=parser)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problem = error.problem or error.context or "cannot be parsed"
        line = None if mark is None else mark.line + 1
        if "nesting depth" in problem:  # PyYAML 6.0.4 has a limit of its own, which acts before ours
            raise _too_deep(name, line) from None
        raise _error(name, f"is not YAML: {problem}", "correct this line or write the file again", line) from None
    except YamlError:
        raise
    except (yaml.YAMLError, ValueError) as error:  # the Python parser lets an escape beyond Unicode through to chr()
        problem = " ".join(str(error).split())
        raise _error(name, f"is not YAML: {problem}", "write the file again") from None


def _check_scalar(event: events.ScalarEvent, name: str) -> None:
    if len(event.value) > MAX_SCALAR:
        raise _error(name, f"holds a text of more than {MAX_SCALAR} characters", "shorten it", _line(event))
    if any("\ud800" <= char <= "\udfff" for char in event.value):
        raise _error(name, "holds half a character (a lone surrogate)", "remove it", _line(event))


def dumps(data: Any, *, comments: Mapping[str, str] | None = None, text_keys: Collection[str] = TEXT_KEYS) -> str:
    """Write plain data as YAML that `loads` gives back unchanged; the same data gives the same text.

    Keys keep their order. Text that any YAML reader could take for something else is quoted, and so is the value of
    a key in ``text_keys``. Short flat mappings and lists stand on one line.

    Args:
        data: None, bool, int, float, str, and lists, tuples (read back as lists) and mappings of them.
        comments: a comment to put above a top-level key, by key.
        text_keys: keys whose value is text.

    Raises:
        YamlError: a NaN or infinity, a lone surrogate, too long or too deep, or a type that is not plain data.

    Example:
        >>> print(dumps({"name": "16000", "limits": {"usd": 1e-06, "on": True}}), end="")
        name: "16000"
        limits: {usd: 1.0e-06, "on": true}
    """
    _check_depth(data, MAX_DEPTH)
    if not isinstance(data, Mapping):
        return "\n".join(_block(data, "", False, text_keys)) + "\n"
    lines: list[str] = []
    for key, value in data.items():
        if comments and key in comments:
            lines += [""] * bool(lines) + [f"# {line}" for line in comments[key].splitlines()]
        lines += _pair(key, value, "", text_keys)
    return "\n".join(lines or ["{}"]) + "\n"


def _check_depth(value: Any, levels: int) -> None:
    if _is_collection(value):
        if levels == 0:
            raise YamlError(f"data nests deeper than {MAX_DEPTH} levels and cannot be written; flatten it")
        for item in value.values() if isinstance(value, Mapping) else value:
            _check_depth(item, levels - 1)


def _is_collection(value: Any) -> bool:
    return isinstance(value, Mapping | list | tuple)


def _block(value: Any, where: str, text: bool, text_keys: Collection[str]) -> list[str]:
    """Lines of a value in block style, from column 0; ``text`` says that scalars in it must be text."""
    if isinstance(value, Mapping) and value:
        return [line for key, item in value.items() for line in _pair(key, item, where, text_keys)]
    if isinstance(value, list | tuple) and value:
        rows = [_on_one_line(item, f"{where}.{i}", text, text_keys, ROW_WIDTH) for i, item in enumerate(value)]
        if None not in rows:
            return [f"- {row}" for row in rows]
        blocks = [_block(item, f"{where}.{i}", text, text_keys) for i, item in enumerate(value)]
        return [f"{'  ' if i else '- '}{line}" for block in blocks for i, line in enumerate(block)]
    return [_on_one_line(value, where, text, text_keys, ROW_WIDTH) or ""]


def _pair(key: Any, value: Any, where: str, text_keys: Collection[str]) -> list[str]:
    head = f"{_key(key, where)}:"
    place, text = f"{where}.{key}" if where else key, key in text_keys
    row = _on_one_line(value, place, text, text_keys, FLOW_WIDTH - len(head))
    if row is not None:
        return [f"{head} {row}"]
    return [head, *(f"  {line}" for line in _block(value, place, text, text_keys))]


def _on_one_line(value: Any, where: str, text: bool, text_keys: Collection[str], width: int) -> str | None:
    """A scalar, or a flat mapping or list that fits the width; None for all else."""
    if not _is_collection(value):
        return _scalar(value, where, text)
    if any(_is_collection(item) for item in (value.values() if isinstance(value, Mapping) else value)):
        return None
    if isinstance(value, Mapping):
        items = [(_key(key, where), _scalar(item, f"{where}.{key}", key in text_keys)) for key, item in value.items()]
        row = "{" + ", ".join(f"{key}: {item}" for key, item in items) + "}"
    else:
        row = "[" + ", ".join(_scalar(item, f"{where}.{i}", text) for i, item in enumerate(value)) + "]"
    return row if len(row) <= max(width, 2) else None


def _key(key: Any, where: str) -> str:
    if not isinstance(key, str):
        raise YamlError(f"{where}: key {_short(key)} is not text; use text as keys")
    written = _text(key, where, quote=False)
    if len(written) > MAX_KEY:
        raise YamlError(f"{where}: key {_short(key)} is longer than {MAX_KEY} characters; shorten it")
    return written


def _scalar(value: Any, where: str, text: bool) -> str:
    if isinstance(value, str):
        return _text(value, where, quote=text)
    if text:
        raise YamlError(f"{where}: must be text, got {_short(value)}; write it as text")
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, int) and abs(value) < 10 ** (MAX_NUMBER - 1):
        return int.__repr__(value)
    if isinstance(value, float) and math.isfinite(value):
        digits = float.__repr__(value)  # a NumPy float is a float, but names its type in repr()
        bare_exponent = "e" in digits and "." not in digits
        return digits.replace("e", ".0e") if bare_exponent else digits  # YAML 1.1 takes 1e-06 for text
    raise YamlError(f"{where}: {_short(value)} cannot be written; give a finite number, text, true, false or null")


def _text(text: str, where: str, *, quote: bool) -> str:
    if len(text) > MAX_SCALAR:
        raise YamlError(f"{where}: holds a text of more than {MAX_SCALAR} characters; shorten it")
    if not quote and _PLAIN.fullmatch(text) and text.lower() not in _MISTAKABLE:
        return text
    quoted = json.dumps(text, ensure_ascii=False)  # a JSON string is a YAML string in double quotes
    return quoted if quoted.isprintable() else "".join(_printable(char, where) for char in quoted)


def _printable(char: str, where: str) -> str:
    if char.isprintable():
        return char
    if "\ud800" <= char <= "\udfff":
        raise YamlError(f"{where}: holds half a character (the lone surrogate {ascii(char)}); remove it")
    return f"\\u{ord(char):04x}" if ord(char) < 0x10000 else f"\\U{ord(char):08x}"


def _error(name: str, reason: str, fix: str, line: int | None = None) -> YamlError:
    shown = name if name.isprintable() else ascii(name)
    return YamlError(f"{shown}{'' if line is None else f', line {line}'}: {reason}; {fix}")


def _too_deep(name: str, line: int | None) -> YamlError:
    return _error(name, f"nests deeper than {MAX_DEPTH} levels", "flatten it", line)


def _too_large(name: str) -> YamlError:
    return _error(name, f"is larger than {MAX_BYTES // 2**20} MiB", "give the YAML file, not the data beside it")


def _line(event: events.Event) -> int:
    return event.start_mark.line + 1


def _short(value: object) -> str:
    if isinstance(value, int) and abs(value) >= 10**MAX_NUMBER:
        return f"an integer of more than {MAX_NUMBER} digits"
    shown = ascii(value) if isinstance(value, str) and not value.isprintable() else repr(value)
    return shown if len(shown) <= 60 else f"{shown[:57]}..."
