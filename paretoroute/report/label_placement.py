"""Where to write the names in a picture: beside their dots, clear of each other, with a line where they are far."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

Box = tuple[float, float, float, float]

_DISTANCES = (0.0, 9.0, 20.0, 34.0, 50.0, 70.0, 95.0, 125.0)
_LEADER_FROM = 9.0
_DIRECTIONS = 24
_HARD, _SOFT = 20.0, 1.0  # what covering a square pixel of a name or dot, or of a line, weighs against a pixel away


@dataclass(frozen=True, slots=True)
class Wanted:
    """A name to be written beside a dot at ``(x, y)`` of radius ``radius``; ``width`` and ``height`` are the text's."""

    x: float
    y: float
    radius: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Label:
    """Where a name goes: the left end and the middle of its line, and a line to the dot where it is far from it."""

    x: float
    y: float
    leader: Box | None


def place(wanted: Sequence[Wanted], bounds: Box, hard: Iterable[Box], soft: Iterable[Box]) -> list[Label]:
    """Place names one after the other, each where it covers least and is nearest to its dot.

    Args:
        wanted: the names, the most important first.
        bounds: of the picture: left, top, right, bottom.
        hard: boxes of what must not be covered.
        soft: boxes of what should rather not be covered.
    """
    taken, lines, placed = list(hard), list(soft), []
    for want in wanted:
        box, leader = _cheapest(want, bounds, taken, lines)
        taken.append(box)
        if leader is not None:
            lines += sampled([leader[:2], leader[2:]])
        placed.append(Label(box[0], (box[1] + box[3]) / 2, leader))
    return placed


def text_width(text: str, size: float) -> float:
    """Estimate how wide a text is in a sans-serif face of this size, rather too wide than too narrow."""
    wide = sum(unicodedata.east_asian_width(char) in "WF" for char in text)
    narrow = sum(char in "iljtfr.,:;|!'()[] " for char in text)
    return size * (1.05 * wide + 0.36 * narrow + 0.6 * (len(text) - wide - narrow))


def sampled(line: Sequence[tuple[float, float]], step: float = 5.0) -> list[Box]:
    """Cover a line through points by small boxes."""
    boxes = []
    for (x0, y0), (x1, y1) in zip(line, line[1:], strict=False):
        count = max(int(math.dist((x0, y0), (x1, y1)) / step), 1)
        for i in range(count + 1):
            x, y = x0 + (x1 - x0) * i / count, y0 + (y1 - y0) * i / count
            boxes.append((x - 2, y - 2, x + 2, y + 2))
    return boxes


def _cheapest(want: Wanted, bounds: Box, hard: Sequence[Box], soft: Sequence[Box]) -> tuple[Box, Box | None]:
    least, found = math.inf, None
    for box, leader, away in _offers(want):
        if away >= least:  # being away costs that much, and all that follow are as far
            break
        cost = _cost(box, leader, away, bounds, hard, soft)
        if cost < least:
            least, found = cost, (box, leader)
    assert found is not None  # the first offer costs less than infinity
    return found


def _offers(want: Wanted) -> Iterable[tuple[Box, Box | None, float]]:
    """Places around a dot: the nearest first, and right of it first."""
    for away in _DISTANCES:
        reach = want.radius + 4 + away
        for i in range(_DIRECTIONS):
            angle = 2 * math.pi * i / _DIRECTIONS
            right, down = math.cos(angle), math.sin(angle)
            middle_x = want.x + right * (reach + want.width / 2) if abs(right) > 0.3 else want.x + right * reach
            middle_y = want.y + down * (reach + want.height / 2)
            left, top = middle_x - want.width / 2, middle_y - want.height / 2
            box = (left, top, left + want.width, top + want.height)
            leader = None
            if away >= _LEADER_FROM:
                end = min(max(want.x, box[0]), box[2]), min(max(want.y, box[1]), box[3])
                distance = math.dist((want.x, want.y), end) or 1.0
                start = (want.x + (end[0] - want.x) * want.radius / distance,
                         want.y + (end[1] - want.y) * want.radius / distance)  # fmt: skip
                leader = (*start, *end)
            yield box, leader, away


def _cost(
    box: Box, leader: Box | None, away: float, bounds: Box, hard: Sequence[Box], soft: Sequence[Box]
) -> float:  # fmt: skip
    outside = max(bounds[0] - box[0], box[2] - bounds[2], 0) + max(bounds[1] - box[1], box[3] - bounds[3], 0)
    cost = away + 1000 * outside
    cost += _HARD * sum(_overlap(box, other) for other in hard) + _SOFT * sum(_overlap(box, other) for other in soft)
    if leader is not None:
        steps = sampled([leader[:2], leader[2:]])[1:]
        cost += _SOFT * sum(_overlap(step, other) for step in steps for other in hard)
    return cost


def _overlap(one: Box, other: Box) -> float:
    across = min(one[2], other[2]) - max(one[0], other[0])
    down = min(one[3], other[3]) - max(one[1], other[1])
    return across * down if across > 0 and down > 0 else 0.0
