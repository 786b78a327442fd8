"""The body of a request: read within a limit of bytes and time, and parsed as strict JSON."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

from starlette.requests import Request

from paretoroute.errors import shown
from paretoroute.serving.http.faults import Fault

MOST_DEPTH = 64
READ_S = 30.0
_DRAINED = 16  # limits' worth of bytes that are still read, so that a client reads the refusal
_CLOSE = {"Connection": "close"}


class Body(NamedTuple):
    """The content of a request.

    Args:
        fields: of its JSON object.
        size: in bytes.
    """

    fields: dict[str, Any]
    size: int


async def read_body(request: Request, *, most_bytes: int) -> bytes:
    """Return the body of a request, which must declare JSON.

    Args:
        request: whose body is read.
        most_bytes: that the body may have.

    Raises:
        Fault: the body is of another type, too large or too slow.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        stated = f"the body is of type {shown(kind)}" if kind else "the body has no type"
        raise Fault(415, f"{stated}; send application/json", where="Content-Type")
    try:
        async with asyncio.timeout(READ_S):
            return await _read(request, most_bytes)
    except TimeoutError:
        message = f"the body did not arrive within {READ_S:.0f} s; send it at once"
        raise Fault(408, message, where="body", headers=_CLOSE) from None


async def _read(request: Request, most_bytes: int) -> bytes:
    """Return the body; a larger one is read on for a while and dropped, else the client would not read the refusal."""
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size <= most_bytes:
            parts.append(part)
        elif size > _DRAINED * most_bytes:
            break
        else:
            parts.clear()
    if size > most_bytes:
        advice = "shorten the query, split the batch, or start the service with a higher --max-body"
        message = f"the body is larger than {most_bytes} bytes; {advice}"
        raise Fault(413, message, where="body", headers=_CLOSE)
    return b"".join(parts)


def parse_object(content: bytes) -> dict[str, Any]:
    """Parse a JSON object strictly: UTF-8, no key twice, no NaN, at most 64 levels deep.

    Raises:
        Fault: it is something else.
    """
    try:
        value = json.loads(content.decode("utf-8"), object_pairs_hook=_object, parse_constant=_constant)
    except RecursionError:
        raise _too_deep() from None
    except UnicodeDecodeError:
        raise Fault(400, "not valid UTF-8; send JSON in UTF-8", where="body") from None
    except ValueError as error:
        reason = "a number of thousands of digits"  # which Python's own message would explain by its settings
        if isinstance(error, json.JSONDecodeError):
            reason = f"{error.msg} at character {error.pos + 1}"
        elif isinstance(error, _Lax):
            reason = str(error)
        raise Fault(400, f"not JSON ({reason}); send one JSON object", where="body") from None
    if not isinstance(value, dict):
        raise Fault(400, 'the body is no JSON object; send {"query": "..."}', where="body")
    _check_depth(value)
    return value


class _Lax(ValueError):
    """What Python reads as JSON and no other program does."""


def _object(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object, none of whose keys may stand twice."""
    keys = dict(pairs)
    if len(keys) != len(pairs):
        counts = Counter(name for name, _ in pairs)
        twice = next(name for name, count in counts.items() if count > 1)
        raise _Lax(f"key {shown(twice)} stands twice")
    return keys


def _constant(name: str) -> float:
    raise _Lax(f"{name} is no number of JSON")


def _check_depth(value: dict[str, Any]) -> None:
    level: list[Any] = [value]
    for _ in range(MOST_DEPTH):
        inner = (item.values() if isinstance(item, dict) else item for item in level)
        level = [item for items in inner for item in items if isinstance(item, dict | list)]
        if not level:
            return
    raise _too_deep()


def _too_deep() -> Fault:
    return Fault(400, f"JSON that is nested more than {MOST_DEPTH} levels deep; send a flatter object", where="body")
