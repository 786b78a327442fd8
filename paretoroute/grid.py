"""Budgets, points and the grid, and the one formula from tokens, prices and fees to USD.

A point is written ``model@budget_label``. Its name is looked up as a whole and never split, since names and labels may
themselves hold ``@``, spaces and slashes. A budget is the test-time compute of one call, never money.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from numbers import Real
from typing import NamedTuple

import numpy as np

from paretoroute._arrays import Floats
from paretoroute.errors import GridError, did_you_mean, expect, expect_items, shown
from paretoroute.price import TOKENS_PER_PRICE_UNIT, Price, TokenPrices, expect_prices, tokens_usd

BUDGET_KINDS = ("none", "effort", "thinking_tokens", "samples", "max_tokens")
MOST_KIND_CHARACTERS = 64
EFFORT_ORDER = ("none", "off", "minimal", "low", "medium", "high", "xhigh", "max")

PointKey = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Budget:
    """The test-time compute setting of a call.

    Args:
        kind: one of ``BUDGET_KINDS``, whose meaning is known, or any other word (``"strategy"``, ``"agents"``): not
            blank, printable, at most 64 characters.
        label: the text that names it (``"low"``, ``"8000"``); never parsed for a number.
        amount: its size where it is a number (tokens, samples, or the ordinal of an effort), else None.

    Raises:
        GridError: the kind is no such text.
    """

    kind: str = "none"
    label: str = "default"
    amount: float | None = None

    def __post_init__(self) -> None:
        expect("the kind of a budget", self.kind, str, GridError)
        if fault := kind_fault(self.kind):
            raise GridError(f"budget kind {shown(self.kind)} {fault}")
        expect("the label of a budget", self.label, str, GridError)
        expect("the amount of a budget", self.amount, (Real, type(None)), GridError)

    @property
    def place(self) -> float | None:
        """Its amount, or at a known kind that of its effort in ``EFFORT_ORDER``; None: its labels have no order."""
        if self.amount is not None:
            return self.amount
        if self.kind in BUDGET_KINDS and self.label in EFFORT_ORDER:
            return float(EFFORT_ORDER.index(self.label))
        return None

    @property
    def order(self) -> tuple[float, str]:
        """Sort key: budgets without an order first, then less compute first."""
        return (-math.inf if self.place is None else self.place, self.label)

    def is_below(self, other: Budget) -> bool:
        """Whether the other budget is of the same kind and is known to have more of it.

        An amount and the word for an effort are on different scales; only ``none`` and ``off`` lie below any amount.
        """
        if self.kind != other.kind or self.place is None or other.place is None or self.place >= other.place:
            return False
        same_scale = (self.amount is None) == (other.amount is None)
        return same_scale or (self.amount is None and self.label in ("none", "off"))


@dataclass(frozen=True, slots=True)
class Point:
    """One operating point: a model at a budget."""

    model: str
    budget: Budget

    def __post_init__(self) -> None:
        expect("the model of a point", self.model, str, GridError)
        expect("the budget of a point", self.budget, Budget, GridError)

    @property
    def name(self) -> str:
        """``model@budget_label``, as a person writes it."""
        return f"{self.model}@{self.budget.label}"

    @property
    def key(self) -> PointKey:
        """The model, and the kind and label of the budget: points that differ in the amount alone are the same."""
        return (self.model, self.budget.kind, self.budget.label)


@dataclass(frozen=True, slots=True)
class Between:
    """The place of an unlogged point between two logged points of its model and kind of budget.

    Args:
        below: label of the neighbour with less compute.
        above: label of the neighbour with more.
        along: how far from the one to the other, in (0, 1), on the scale of the logarithm of tokens.
    """

    below: str
    above: str
    along: float


class UnloggedColumn(NamedTuple):
    """An unlogged point, by columns of the grid.

    Args:
        column: of the point.
        below: column of the logged neighbour with less compute.
        above: column of the logged neighbour with more.
        along: how far from the one to the other, in (0, 1), on the scale of the logarithm of tokens.
    """

    column: int
    below: int
    above: int
    along: float


@dataclass(frozen=True)
class Grid:
    """The points on offer, in canonical order (model name, then less compute first), with their prices.

    Args:
        points: the points; no two are equal.
        prices: price by model name. A model that is missing here has no token price: its cost is forecast from
            logged cost (``cost: logged``) and cannot be repriced.
        between: the points that were never logged, with the two that they are forecast between.
        fees: mean fee of a call in USD, at points whose logged bill tokens x prices do not explain to the last digit.
            It may be negative (refunds); points that are missing here have none. New prices leave it as it is.
        most_fees: largest fee of a logged call in USD, at points where one is known.
    """

    points: tuple[Point, ...]
    prices: dict[str, Price] = field(default_factory=dict)
    between: dict[Point, Between] = field(default_factory=dict)
    fees: dict[Point, float] = field(default_factory=dict)
    most_fees: dict[Point, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        expect_items("the points of a grid", self.points, Point, GridError)
        expect_prices(self.prices)
        expect("the places between points", self.between, Mapping, GridError)
        expect("the fees of a grid", self.fees, Mapping, GridError)
        expect("the largest fees of a grid", self.most_fees, Mapping, GridError)
        if len(set(self.points)) != len(self.points):
            twice = Counter(self.points).most_common(1)[0][0]
            raise GridError(f"the grid names point {twice.name!r} twice; keep one of them")

    @cached_property
    def unlogged(self) -> tuple[UnloggedColumn, ...]:
        """The points that were never logged, in order, by their columns and those of their neighbours.

        Raises:
            GridError: a neighbour is not in the grid.
        """
        return tuple(
            UnloggedColumn(j, self._neighbour(point, place.below), self._neighbour(point, place.above), place.along)
            for j, point in enumerate(self.points)
            if (place := self.between.get(point)) is not None
        )

    def _neighbour(self, point: Point, label: str) -> int:
        for j, other in enumerate(self.points):
            if other.key == (point.model, point.budget.kind, label):
                return j
        raise GridError(
            f"point {point.name!r} was never logged and is forecast from {point.model}@{label}, which is not in the "
            "grid; keep both, or leave both out"
        )

    @cached_property
    def models(self) -> tuple[str, ...]:
        """Model names in order of first appearance."""
        return tuple(dict.fromkeys(point.model for point in self.points))

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of all points, in order."""
        return tuple(point.name for point in self.points)

    @cached_property
    def token_prices(self) -> TokenPrices:
        """The prices of the points' models per token."""
        prices = [self.prices.get(point.model) for point in self.points]
        return TokenPrices(
            np.array([p.input_usd_per_mtok if p else np.nan for p in prices]) / TOKENS_PER_PRICE_UNIT,
            np.array([p.output_usd_per_mtok if p else np.nan for p in prices]) / TOKENS_PER_PRICE_UNIT,
        )

    @cached_property
    def fee_usd(self) -> Floats:
        """The mean fee of a call at every point, ``(points,)``; unlogged points lie between their neighbours."""
        fees = np.array([self.fees.get(point, 0.0) for point in self.points])
        if self.fees:
            for column, below, above, along in self.unlogged:
                fees[column] = (1 - along) * fees[below] + along * fees[above]
        return fees

    @cached_property
    def most_fee_usd(self) -> Floats:
        """The largest fee of a logged call at every point, at least the mean one and 0, ``(points,)``.

        Unlogged points have the larger one of their neighbours.
        """
        most = np.maximum([self.most_fees.get(point, 0.0) for point in self.points], np.maximum(self.fee_usd, 0.0))
        for column, below, above, _ in self.unlogged if most.any() else ():
            most[column] = max(most[below], most[above])
        return most

    def billed_prompt(self, prompt_tokens: Floats, cached: Floats, written: Floats) -> Floats:
        """Return prompt tokens where those of a cache count by their price relative to the input price.

        Args:
            prompt_tokens: of the whole prompt, ``(..., points)``; likewise below.
            cached: of the prompt, those read from a cache; NaN is none.
            written: of the prompt, those written to a cache; NaN is none.
        """
        prices = [self.prices.get(point.model) for point in self.points]
        discount = np.array([price.cache_discount if price else 0.0 for price in prices])
        surcharge = np.array([price.cache_surcharge if price else 0.0 for price in prices])
        return prompt_tokens - np.nan_to_num(cached) * discount + np.nan_to_num(written) * surcharge

    def index(self, name: str) -> int:
        """Return the column of the point with this name, or of the only point of the model with this name.

        Raises:
            GridError: no point has the name (the near ones are listed), or several points share it.

        Example:
            >>> grid = Grid((Point("a", Budget()), Point("b@x", Budget("effort", "low"))))
            >>> grid.index("b@x@low")
            1
            >>> grid.index("a")
            0
        """
        expect("the name of a point", name, str, GridError)
        columns = [j for j, other in enumerate(self.names) if other == name]
        if len(columns) == 1:
            return columns[0]
        if columns:
            kinds = ", ".join(self.points[j].budget.kind for j in columns)
            raise GridError(
                f"point {name!r} is ambiguous: budgets of kinds {kinds} share this name; give them labels of their own"
            )
        columns = [j for j, point in enumerate(self.points) if point.model == name]
        if len(columns) == 1:
            return columns[0]
        if columns:
            points = ", ".join(repr(self.names[j]) for j in columns)
            raise GridError(f"model {name!r} has several points: {points}; name one of them")
        near = did_you_mean(name, self.names)
        raise GridError(f"point {shown(name)} is not in the grid; {near}. A point is written model@budget_label.")


def kind_fault(kind: str) -> str | None:
    """Return why a text cannot be a kind of budget, and the correction; None if it can.

    Example:
        >>> kind_fault("temperature"), kind_fault(" ")
        (None, 'is blank; name what the budget counts, or leave it out')
    """
    if not kind.strip():
        return "is blank; name what the budget counts, or leave it out"
    if not kind.isprintable():
        return "has a character that cannot be printed; remove it"
    if len(kind) > MOST_KIND_CHARACTERS:
        return f"is longer than {MOST_KIND_CHARACTERS} characters; shorten it"
    return None


def canonical(points: set[Point]) -> tuple[Point, ...]:
    """Order points by model name, budget kind, then amount of compute."""
    return tuple(sorted(points, key=lambda p: (p.model, p.budget.kind, *p.budget.order)))


def cost_usd(amount: Floats, prompt_tokens: Floats, grid: Grid) -> Floats:
    """Turn amounts into USD per call at the grid's prices: tokens times prices plus the point's mean fee.

    Args:
        amount: completion tokens (USD for models without a token price), ``(..., points)``.
        prompt_tokens: ``(..., points)``; read only where there is a token price.
        grid: the points, prices and fees.

    Returns:
        ``(..., points)``; a negative fee may take a small call below 0.
    """
    prices = grid.token_prices
    by_tokens = tokens_usd(prompt_tokens, amount, prices.prompt, prices.completion) + grid.fee_usd
    return np.where(prices.priced, by_tokens, amount)


def forecast_cost_usd(amount: Floats, prompt_tokens: Floats, grid: Grid) -> Floats:
    """Turn forecast amounts into the expected USD of a call, at least 0: see :func:`cost_usd`."""
    return np.maximum(cost_usd(amount, prompt_tokens, grid), 0.0)
