"""The call before in a conversation, as the caller of a proxy names it in the metadata of its request.

``metadata.paretoroute`` holds ``previous``, a point or the name of a model, and ``cached_tokens``; it is an object, or
JSON in a text, since OpenAI's clients send texts alone there. The margin for staying, and the price of a cached token,
stand in the environment of the proxy: a margin that callers choose would choose what they spend.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from paretoroute.errors import GridError
from paretoroute.grid import Budget, Grid, Point
from paretoroute.runs.importers.values import dig, mapping, number, text
from paretoroute.serving.litellm.settings import Settings

PLACES = (("metadata",), ("litellm_metadata",), ("metadata", "requester_metadata"))
KEY = "paretoroute"


@dataclass(frozen=True, slots=True)
class PreviousCall:
    """A call whose model alone is known, or whose point is.

    Args:
        point: that was called; it need not be in the grid.
    """

    point: Point


def stays_of(data: Mapping[str, Any], grid: Grid, settings: Settings) -> Iterator[dict[str, Any]]:
    """Yield the arguments of a plan that state the call before: all of them, then those without the cached tokens.

    Args:
        data: the request, as the proxy holds it.
        grid: of the policy.
        settings: of the hook.

    Raises:
        GridError: the previous call is neither a point nor a model of the policy.
    """
    named = next((found for place in PLACES if (found := mapping(data, *place, KEY))), {})
    previous = text(named.get("previous"))
    if not previous:
        return
    arguments: dict[str, Any] = {"previous": _call_named(previous, grid), "switch_margin": settings.switch_margin}
    cached = number(named.get("cached_tokens"))
    if cached is not None and cached > 0:
        yield {**arguments, "cached_tokens": cached, "cached_price_ratio": settings.cached_price_ratio}
    yield arguments


def states_previous(data: Mapping[str, Any]) -> bool:
    """Return whether a request names a call before."""
    return any(dig(data, *place, KEY, "previous") is not None for place in PLACES)


def _call_named(name: str, grid: Grid) -> PreviousCall:
    try:
        return PreviousCall(grid.points[grid.index(name)])
    except GridError:
        if name not in grid.models:
            raise
    return PreviousCall(Point(name, Budget()))
