"""A query: text or chat messages, and its id."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import math
import re
import sys
from collections.abc import Mapping, Sequence
from typing import Any, Literal

Query = str | Sequence[Any] | Mapping[str, Any]  # a text, chat messages, or an object that holds these

_ROLES = frozenset(("system", "developer", "user", "assistant", "tool", "function"))
_STATES_CONTENT = ("content", "tool_calls", "function_call")
_NO_TEXT = ("{}", "[]", "null", '""')  # as spend logs write a prompt that was not stored
_MEDIA = ("image", "audio", "video", "file", "document", "media")  # in the types of parts that are no text
_BESIDE_TEXT = ("tool_calls", "function_call", "tool_call_id", "name", "refusal", "reasoning_content", "audio")
_PER_VALUE = 8  # bytes for quotes, brackets and separators around a value, however a chat template writes them
NOT_UTF8 = "not valid UTF-8 text (a stray byte or half a character)"
LONE_MESSAGE = "user: "  # how the text of a chat of one message began in logs of earlier versions
MOST_MARKS = 30  # in a row, which languages keep below ten
_JOINER = "\u034f"  # the combining grapheme joiner, before which marks are not reordered


class Misfit(ValueError):
    """A value of the wrong type or form; the message is the reason, without the value."""


def query_text(value: object) -> str:
    r"""Return the text of a query: a text as it is, or chat messages as lines ``role: content``.

    A query has one text, however it is written. A text that is the JSON of chat messages counts as these messages, a
    chat of one message of a user as that message, and characters that are written with accents of their own as those
    that have them (Unicode's form NFC). Any other text stays as it is, except that an empty JSON value (``{}``, ``[]``,
    ``null``), as logs write where prompts are not stored, is no text. Logs and calls of the planner are read by this
    one function.

    Args:
        value: text, or a list of messages whose content is text, None (a call of tools) or a list of parts, or
            ``{"messages": [...]}``. A message is ``{"role": ..., "content": ...}`` or an object with these attributes,
            as clients return. A part without text is shown as its type in brackets, such as ``[image_url]``.

    Raises:
        Misfit: the value is neither; the message names its type.

    Example:
        >>> query_text([{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Why?"}])
        'system: Be brief.\nuser: Why?'
        >>> query_text('[{"role": "user", "content": "Why?"}]'), query_text("[redacted]"), query_text("{}")
        ('Why?', '[redacted]', '')
    """
    text = _text_as_written(value)
    return text if text.isascii() else normalised(text, "NFC")


def _text_as_written(value: object) -> str:
    """Return the text of a query in the Unicode form in which it is written."""
    if is_absent(value):
        return ""
    if isinstance(value, str):
        return _text_in(value)
    if isinstance(value, Mapping) and (not value or "messages" in value):
        value = value.get("messages") or ()
    messages = listed(value)
    if messages is None:
        raise Misfit(f"{kind_of(value)} where text or a list of chat messages belongs")
    return _joined(messages)


def _text_in(text: str) -> str:
    """Return a text, or the text of the chat messages that it is the JSON of."""
    if _is_no_text(text):
        return ""
    messages = _messages_in(text)
    if messages is not None:
        with contextlib.suppress(Misfit):  # content of another form: plain text
            return _joined(messages)
    return sound(text)


def _is_no_text(text: str) -> bool:
    json_text = text.strip()
    return len(json_text) < 8 and "".join(json_text.split()) in _NO_TEXT


def _messages_in(text: str) -> list[Any] | None:
    """Return the chat messages that a text is the JSON of, or None."""
    json_text = text.strip()
    if json_text[:1] not in ("[", "{") or not ('"role"' in json_text or '"messages"' in json_text):
        return None
    import json  # loaded only for a text that looks like it

    try:
        value = json.loads(json_text)
    except (ValueError, RecursionError):  # broken, or nested too deeply
        return None
    is_wrapped = isinstance(value, dict) and "messages" in value
    messages = (value["messages"] or []) if is_wrapped else value
    return messages if isinstance(messages, list) and all(map(_is_message, messages)) else None


def _is_message(value: object) -> bool:
    """Return whether a JSON value is a chat message beyond doubt."""
    if not isinstance(value, dict) or not isinstance(value.get("role"), str):
        return False
    return value["role"] in _ROLES and any(name in value for name in _STATES_CONTENT)


def _joined(messages: Sequence[object]) -> str:
    texts = [(_role(message, i), _content(message, i)) for i, message in enumerate(messages, start=1)]
    if len(texts) == 1 and texts[0][0] == "user":
        content = texts[0][1]
        if _messages_in(content) is None:  # else it would be read as them
            return "" if _is_no_text(content) else sound(content)
    return sound("\n".join(f"{role}: {content}" for role, content in texts))


def _role(message: object, position: int) -> str:
    role = _field(message, "role")
    role = getattr(role, "value", role)  # of an enumeration
    if not isinstance(role, str):
        raise Misfit(f"chat message {position} has no role")
    return role


def _content(message: object, position: int) -> str:
    content = _field(message, "content")
    if content is None or isinstance(content, str):
        return content or ""
    parts = listed(content)
    if parts is None:
        raise Misfit(f"the content of chat message {position} is neither text nor a list of parts")
    return "\n".join(_part(part, position) for part in parts)


def _part(part: object, position: int) -> str:
    for text, form in ((part, "{}"), (_field(part, "text"), "{}"), (_field(part, "type"), "[{}]")):
        if isinstance(text, str):
            return form.format(text)
    raise Misfit(f"a content part of chat message {position} has neither text nor a type")


def _field(item: object, name: str) -> object:
    """Return a field of a message, which is a mapping or an object of a client."""
    return item.get(name) if isinstance(item, Mapping) else getattr(item, name, None)


def bytes_beside_text(value: object) -> float:
    """Return how many bytes the prompt of a query holds beside its text: calls of tools, their ids, names.

    What the text as it is sent takes beyond its form NFC counts too. Infinite where the prompt holds an image, audio or
    a file, whose tokens no text bounds.

    Args:
        value: a query that `query_text` reads.

    Example:
        >>> bytes_beside_text("Why?"), bytes_beside_text([{"role": "user", "content": [{"type": "image_url"}]}])
        (0.0, inf)
        >>> call = {"function": {"name": "add", "arguments": "[1, 2]"}}
        >>> bytes_beside_text([{"role": "assistant", "content": None, "tool_calls": [call]}]) > len('"add" [1, 2]')
        True
    """
    more = _bytes_beyond_nfc(value)
    if isinstance(value, str):
        if value.lstrip()[:1] not in ("[", "{") or _text_in(value) == value:
            return more
        import json  # loaded only for a text that is the JSON of messages

        value = json.loads(value)
    if isinstance(value, Mapping):
        value = value.get("messages")
    try:
        return sum((_beside(message) for message in listed(value) or ()), more)
    except RecursionError:
        return math.inf


def _bytes_beyond_nfc(value: object) -> float:
    text = _text_as_written(value)
    return 0.0 if text.isascii() else float(max(0, len(text.encode()) - len(normalised(text, "NFC").encode())))


def _beside(message: object) -> float:
    """Return the bytes of the fields of a message beside its role and the text of its content."""
    names = message.keys() if isinstance(message, Mapping) else _BESIDE_TEXT
    fields = {name: _field(message, name) for name in names if name not in ("role", "content")}
    parts = listed(_field(message, "content")) or ()
    return _json_bytes({name: field for name, field in fields.items() if field is not None}, 0.0) + sum(
        (_beside_part(part) for part in parts), 0.0
    )


def _beside_part(part: object) -> float:
    if isinstance(part, str):
        return 0.0
    if isinstance(_field(part, "text"), str):
        rest = {name: part[name] for name in part if name not in ("text", "type")} if isinstance(part, Mapping) else {}
        return _json_bytes(rest, 0.0)
    return _json_bytes(part) if isinstance(part, Mapping) and len(part) > 1 else math.inf


def _json_bytes(value: object, around: float = _PER_VALUE) -> float:
    """Return the bytes of a value as JSON at most; infinite if it holds what is no text."""
    if isinstance(value, str):
        escapes = sum(map(value.count, ('"', "\\", "\n", "\r", "\t")))
        return len(value.encode("utf-8", "replace")) + escapes + around
    if isinstance(value, Mapping):
        kind = value.get("type")
        if isinstance(kind, str) and any(word in kind.casefold() for word in _MEDIA):
            return math.inf
        if any(isinstance(name, str) and any(word in name for word in ("image_url", "input_audio")) for name in value):
            return math.inf
        return sum((_json_bytes(name) + _json_bytes(item) for name, item in value.items()), around)
    if value is None or isinstance(value, bool | int | float):
        return len(str(value)) + around
    items = listed(value)
    if items is not None:
        return sum(map(_json_bytes, items), around)
    dump = getattr(value, "model_dump", None)  # of pydantic, which clients answer with
    return _json_bytes(dump(), around) if callable(dump) else math.inf


def listed(value: object) -> Sequence[object] | None:
    """Return the items of a list, tuple or array; None if the value is none of these."""
    if isinstance(value, Sequence):
        return None if isinstance(value, str | bytes | bytearray) else value
    items = value.tolist() if hasattr(value, "tolist") else None  # pyright: ignore[reportAttributeAccessIssue]  # has it
    return items if isinstance(items, list) else None


def normalised(text: str, form: Literal["NFC", "NFKC"]) -> str:
    """Return a text in a normal form, in time linear in its length.

    The time would be quadratic in the longest run of combining marks: in a run of more than 30, a character that stands
    for nothing is put after every 30.

    References:
        Unicode Standard Annex 15, "Unicode normalization forms", section 13, stream-safe text format.
    """
    import unicodedata  # loaded only for a text beyond ASCII

    if _may_be_marks().search(text):
        text = _many_marks().sub(rf"\g<0>{_JOINER}", text)
    return unicodedata.normalize(form, text)


@functools.cache
def _may_be_marks() -> re.Pattern[str]:
    """Match more than 30 signs of which each may be a mark; two that count as letters are listed."""
    return re.compile(rf"(?:[^\w\s\0-\x7f]|[\uff9e\uff9f]){{{MOST_MARKS + 1}}}")


@functools.cache
def _many_marks() -> re.Pattern[str]:
    """Match 30 marks that another follows: characters whose form begins with one that may be reordered."""
    from unicodedata import combining, normalize

    signs = (chr(code) for code in range(0x80, sys.maxunicode + 1) if not 0xD800 <= code < 0xE000)
    marks = "".join(re.escape(sign) for sign in signs if combining(normalize("NFKD", sign)[0]) > 0)
    return re.compile(f"[{marks}]{{{MOST_MARKS}}}(?=[{marks}])")


def query_id_of(text: str) -> str:
    """Return the id of a query that was logged without one: a hash of its text alone."""
    return "q:" + hashlib.sha256(text.encode()).hexdigest()[:16]


def sound(text: str) -> str:
    """Return the text as it is.

    Raises:
        Misfit: it holds half a character (a lone surrogate), which cannot be encoded as UTF-8.
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        raise Misfit(NOT_UTF8) from None
    return text


def is_absent(value: object) -> bool:
    """Return whether a value is None or NaN, which stand for a missing one."""
    return value is None or (isinstance(value, float) and math.isnan(value))


def kind_of(value: object) -> str:
    """Name the kind of a value in a message."""
    for kind, name in (
        (bool, "a boolean"),
        (str, "text"),
        (int | float, "a number"),
        (bytes, "bytes"),
        (Mapping, "an object"),
        (Sequence, "a list"),
    ):
        if isinstance(value, kind):
            return name
    return f"a {type(value).__name__}"
