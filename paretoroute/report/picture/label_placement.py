"""Place the names in a picture: beside their dots, clear of each other, with a leader line where they are far."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

_DISTANCES = (0.0, 9.0, 20.0, 34.0, 50.0, 70.0, 95.0, 125.0)
_LEADER_FROM = 9.0
_DIRECTIONS = 24
_HARD, _SOFT = 20.0, 1.0  # weight of covering a square pixel of a name or dot, or of a line, against a pixel away


class Spot(NamedTuple):
    """A place in a picture, in pixels; ``y`` grows downwards."""

    x: float
    y: float


class Box(NamedTuple):
    """A rectangle in a picture, in pixels."""

    left: float
    top: float
    right: float
    bottom: float


@dataclass(frozen=True, slots=True)
class Wanted:
    """A name to place.

    Args:
        dot: centre of the dot that it names.
        radius: of the dot.
        width: of the text.
        height: of the text.
    """

    dot: Spot
    radius: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Label:
    """A placed name.

    Args:
        start: left end of the text, in the middle of its line.
        leader: the line from the dot to a name that is far from it.
    """

    start: Spot
    leader: tuple[Spot, Spot] | None


@dataclass(frozen=True, slots=True)
class _Offer:
    """A possible place of a name: its box, its leader and its distance from the dot."""

    box: Box
    leader: tuple[Spot, Spot] | None
    distance: float


@dataclass(frozen=True, slots=True)
class _Obstacles:
    """The edges of the picture, and boxes that a name must not cover, or should not."""

    bounds: Box
    hard: list[Box]
    soft: list[Box]


def place(wanted: Sequence[Wanted], bounds: Box, *, hard: Iterable[Box], soft: Iterable[Box]) -> list[Label]:
    """Place names one after the other, each where it covers least and is nearest to its dot.

    Args:
        wanted: the names, the most important first.
        bounds: of the picture.
        hard: boxes that must not be covered.
        soft: boxes that should not be covered.
    """
    obstacles, labels = _Obstacles(bounds, list(hard), list(soft)), []
    for name in wanted:
        offer = _cheapest(name, obstacles)
        obstacles.hard.append(offer.box)
        if offer.leader is not None:
            obstacles.soft.extend(sampled(offer.leader))
        labels.append(Label(Spot(offer.box.left, (offer.box.top + offer.box.bottom) / 2), offer.leader))
    return labels


def text_width(text: str, size: float) -> float:
    """Estimate the width of a text in a sans-serif face of this size, rather too wide than too narrow."""
    wide = sum(unicodedata.east_asian_width(char) in "WF" for char in text)
    narrow = sum(char in "iljtfr.,:;|!'()[] " for char in text)
    return size * (1.05 * wide + 0.36 * narrow + 0.6 * (len(text) - wide - narrow))


def sampled(line: Sequence[Spot], step: float = 5.0) -> list[Box]:
    """Cover a line through points by small boxes."""
    boxes = []
    for start, end in zip(line, line[1:], strict=False):
        count = max(int(math.dist(start, end) / step), 1)
        for i in range(count + 1):
            x, y = start.x + (end.x - start.x) * i / count, start.y + (end.y - start.y) * i / count
            boxes.append(Box(x - 2, y - 2, x + 2, y + 2))
    return boxes


def _cheapest(name: Wanted, obstacles: _Obstacles) -> _Offer:
    least, cheapest = math.inf, None
    for offer in _offers(name):
        if offer.distance >= least:  # the distance is part of the cost, and all later offers are at least as far
            break
        cost = _cost(offer, obstacles)
        if cost < least:
            least, cheapest = cost, offer
    assert cheapest is not None  # the first offer costs less than infinity
    return cheapest


def _offers(name: Wanted) -> Iterator[_Offer]:
    """Yield places around a dot: the nearest first, and right of it first."""
    for distance in _DISTANCES:
        reach = name.radius + 4 + distance
        for i in range(_DIRECTIONS):
            angle = 2 * math.pi * i / _DIRECTIONS
            right, down = math.cos(angle), math.sin(angle)
            sideways = reach + name.width / 2 if abs(right) > 0.3 else reach
            left = name.dot.x + right * sideways - name.width / 2
            top = name.dot.y + down * (reach + name.height / 2) - name.height / 2
            box = Box(left, top, left + name.width, top + name.height)
            yield _Offer(box, _leader(name, box) if distance >= _LEADER_FROM else None, distance)


def _leader(name: Wanted, box: Box) -> tuple[Spot, Spot]:
    """Draw the shortest line from the rim of the dot to the box."""
    dot = name.dot
    end = Spot(min(max(dot.x, box.left), box.right), min(max(dot.y, box.top), box.bottom))
    distance = math.dist(dot, end) or 1.0
    x, y = (at + (to - at) * name.radius / distance for at, to in zip(dot, end, strict=True))
    return Spot(x, y), end


def _cost(offer: _Offer, obstacles: _Obstacles) -> float:
    box, bounds = offer.box, obstacles.bounds
    outside = max(bounds.left - box.left, box.right - bounds.right, 0)
    outside += max(bounds.top - box.top, box.bottom - bounds.bottom, 0)
    cost = offer.distance + 1000 * outside
    cost += _HARD * sum(_overlap(box, other) for other in obstacles.hard)
    cost += _SOFT * sum(_overlap(box, other) for other in obstacles.soft)
    if offer.leader is not None:
        steps = sampled(offer.leader)[1:]
        cost += _SOFT * sum(_overlap(step, other) for step in steps for other in obstacles.hard)
    return cost


def _overlap(one: Box, other: Box) -> float:
    across = min(one.right, other.right) - max(one.left, other.left)
    down = min(one.bottom, other.bottom) - max(one.top, other.top)
    return across * down if across > 0 and down > 0 else 0.0
