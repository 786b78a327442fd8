"""Budgets, points, token prices, and the grid: the ordered points a policy chooses from.

A point is written ``model@budget_label``. The name is looked up as a whole and never split, since names and
labels may themselves hold ``@``, spaces and slashes. Money is never called budget: a budget is the test-time
compute of one call.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field

import numpy as np

from paretoroute._arrays import Floats
from paretoroute.errors import GridError

BUDGET_KINDS = ("none", "effort", "thinking_tokens", "samples", "max_tokens")
TOKENS_PER_PRICE_UNIT = 1e6
EFFORT_ORDER = ("none", "off", "minimal", "low", "medium", "high", "xhigh", "max")


@dataclass(frozen=True, slots=True)
class Budget:
    """The test-time compute setting of a call.

    Args:
        kind: one of ``BUDGET_KINDS``.
        label: the text that names it (``"low"``, ``"8000"``); never parsed for meaning.
        amount: its size where it is a number (tokens, samples, or the ordinal of an effort), else None.
    """

    kind: str = "none"
    label: str = "default"
    amount: float | None = None

    def __post_init__(self) -> None:
        if self.kind not in BUDGET_KINDS:
            raise GridError(f"budget kind {self.kind!r} is unknown; use one of {', '.join(BUDGET_KINDS)}")

    @property
    def order(self) -> tuple[float, str]:
        """Sort key: less compute first."""
        if self.amount is not None:
            return (self.amount, self.label)
        if self.label in EFFORT_ORDER:
            return (float(EFFORT_ORDER.index(self.label)), self.label)
        return (0.0, self.label)


@dataclass(frozen=True, slots=True)
class Point:
    """One operating point: a model at a budget."""

    model: str
    budget: Budget

    @property
    def name(self) -> str:
        """``model@budget_label``, as a person writes it."""
        return f"{self.model}@{self.budget.label}"


@dataclass(frozen=True, slots=True)
class Price:
    """Token prices of one model, in USD per million tokens.

    Args:
        input_usd_per_mtok: price of prompt tokens.
        output_usd_per_mtok: price of completion tokens, hidden reasoning included.
        cached_input_usd_per_mtok: price of prompt tokens read from a cache; None: as ``input_usd_per_mtok``.
        source: ``given`` (by the user) or ``derived`` (from logged cost and tokens).
    """

    input_usd_per_mtok: float
    output_usd_per_mtok: float
    cached_input_usd_per_mtok: float | None = None
    source: str = "given"


@dataclass(frozen=True, slots=True)
class Between:
    """Where a point that was never logged lies: between two logged points of its model, of its kind of budget.

    Args:
        below: label of the neighbour with less compute.
        above: label of the neighbour with more.
        along: how far from the one to the other, in (0, 1), on the scale of the logarithm of tokens.
    """

    below: str
    above: str
    along: float


@dataclass(frozen=True, slots=True)
class Grid:
    """The points on offer, in canonical order (model name, then less compute first), with their prices.

    Args:
        points: the points; no two are equal.
        prices: price by model name. A model that is missing here has no token price: its cost is forecast from
            logged cost (``cost: logged``) and cannot be repriced.
        between: the points that were never logged, with the two that they are forecast between.
    """

    points: tuple[Point, ...]
    prices: dict[str, Price] = field(default_factory=dict)
    between: dict[Point, Between] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if len(set(self.points)) != len(self.points):
            raise GridError("the grid names a point twice")

    @property
    def holes(self) -> tuple[tuple[int, int, int, float], ...]:
        """The points that were never logged: column, those of its neighbours, and how far along.

        Raises:
            GridError: a neighbour is not in the grid.
        """
        found = []
        for j, point in enumerate(self.points):
            if (place := self.between.get(point)) is not None:
                low, high = (self._beside(point, label) for label in (place.below, place.above))
                found.append((j, low, high, place.along))
        return tuple(found)

    def _beside(self, point: Point, label: str) -> int:
        for j, other in enumerate(self.points):
            if (other.model, other.budget.kind, other.budget.label) == (point.model, point.budget.kind, label):
                return j
        raise GridError(
            f"point {point.name!r} was never logged and is forecast from {point.model}@{label}, which is not in the "
            "grid; keep both, or leave both out"
        )

    @property
    def models(self) -> tuple[str, ...]:
        """Model names in order of first appearance."""
        return tuple(dict.fromkeys(point.model for point in self.points))

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all points, in order."""
        return tuple(point.name for point in self.points)

    def index(self, name: str) -> int:
        """Find a point by its whole name.

        Raises:
            GridError: unknown (the near ones are listed), or several budgets share the name.

        Example:
            >>> grid = Grid((Point("a", Budget()), Point("b@x", Budget("effort", "low"))))
            >>> grid.index("b@x@low")
            1
        """
        found = [j for j, known in enumerate(self.names) if known == name]
        if len(found) == 1:
            return found[0]
        if found:
            kinds = ", ".join(self.points[j].budget.kind for j in found)
            raise GridError(f"point {name!r} is ambiguous: budgets of kinds {kinds} share this name")
        near = difflib.get_close_matches(name, self.names, n=5, cutoff=0.3) or list(self.names[:5])
        raise GridError(
            f"point {name!r} is not in the grid; near: {', '.join(repr(n) for n in near)}. "
            "A point is written model@budget_label."
        )


def canonical(points: set[Point]) -> tuple[Point, ...]:
    """Order points by model name, budget kind, then amount of compute."""
    return tuple(sorted(points, key=lambda p: (p.model, p.budget.kind, *p.budget.order)))


def point_key(point: Point) -> tuple[str, str, str]:
    """Return what tells points apart; the amount of a budget does not count."""
    return (point.model, point.budget.kind, point.budget.label)


def cost_usd(amount: Floats, prompt_tokens: Floats, grid: Grid) -> Floats:
    """Turn forecast amounts into USD per call at the grid's prices.

    Args:
        amount: completion tokens (USD for models without a token price), ``(..., points)``.
        prompt_tokens: ``(..., points)``; read only where there is a token price.
        grid: the points and prices.

    Returns:
        ``(..., points)``.
    """
    prices = [grid.prices.get(point.model) for point in grid.points]
    priced = np.array([price is not None for price in prices])
    paid_in = np.array([price.input_usd_per_mtok if price else 0.0 for price in prices]) / TOKENS_PER_PRICE_UNIT
    paid_out = np.array([price.output_usd_per_mtok if price else 1.0 for price in prices])
    paid_out = np.where(priced, paid_out / TOKENS_PER_PRICE_UNIT, 1.0)
    return np.where(priced, prompt_tokens, 0.0) * paid_in + amount * paid_out
