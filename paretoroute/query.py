"""A query: text or chat messages, and its id."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from typing import Any

Query = str | Sequence[Any]  # a text, or chat messages

NOT_UTF8 = "not valid UTF-8 text (a stray byte or half a character)"


class Misfit(ValueError):
    """A value of the wrong type or form; the message is the reason, without the value."""


def query_text(value: object) -> str:
    r"""Return the text of a query: a text as it is, or chat messages as lines ``role: content``.

    Args:
        value: text, or a list of messages ``{"role": ..., "content": ...}`` whose content is text, None (a call of
            tools) or a list of parts. A part without text is shown as its type in brackets, such as ``[image_url]``.

    Raises:
        Misfit: the value is neither; the message names its type.

    Example:
        >>> query_text([{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Why?"}])
        'system: Be brief.\nuser: Why?'
    """
    if is_absent(value):
        return ""
    if isinstance(value, str):
        return sound(value)
    if not isinstance(value, Sequence) or isinstance(value, bytes | bytearray):
        raise Misfit(f"{kind_of(value)} where text or a list of chat messages belongs")
    return sound("\n".join(_message(message, i) for i, message in enumerate(value, start=1)))


def _message(message: object, position: int) -> str:
    role = message.get("role") if isinstance(message, Mapping) else None
    if not isinstance(message, Mapping) or not isinstance(role, str):
        raise Misfit(f"chat message {position} has no role")
    content = message.get("content")
    if isinstance(content, Sequence) and not isinstance(content, str | bytes):
        return f"{role}: " + "\n".join(_part(part, position) for part in content)
    if content is not None and not isinstance(content, str):
        raise Misfit(f"the content of chat message {position} is neither text nor a list of parts")
    return f"{role}: {content or ''}"


def _part(part: object, position: int) -> str:
    if isinstance(part, str):
        return part
    if isinstance(part, Mapping):
        if isinstance(part.get("text"), str):
            return part["text"]
        if isinstance(part.get("type"), str):
            return f"[{part['type']}]"
    raise Misfit(f"a content part of chat message {position} has neither text nor a type")


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
