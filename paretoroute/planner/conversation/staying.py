"""Staying with the model of a conversation's previous call, whose prompt is in the provider's cache.

A provider bills the part of a prompt that it has in its cache at a lower price, and a change of the model loses that.
So the cost of every point of the previous model is lowered by

    cached tokens x (price of a fresh token - price of a cached one),

and the points are compared as always, by quality - price x cost at the policy's price. The previous point itself may
also have a margin: another point has to be better by more, so that rewordings of one query, whose scores differ by a
little, do not flip the choice to and fro.

The target is kept: where the policy bounds the mean of a figure (cost, quality, or a limit on the population), the call
stays only with a point whose figure, the saving included, is no worse than that of the policy's own choice. What
staying costs at most is the margin per call, in quality at the policy's price.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from paretoroute._arrays import Floats, Mask
from paretoroute.errors import TargetError, fraction, shown
from paretoroute.grid import Grid, Point
from paretoroute.price import TOKENS_PER_PRICE_UNIT
from paretoroute.solver.argmax import scored
from paretoroute.solver.constraints import Constraint, target_coefficients
from paretoroute.solver.rules import MixtureRule, PointProbability, Rule
from paretoroute.targets import Target

Figures = tuple[Floats, Floats, Floats]  # quality, cost and latency as a rule reads them, (queries, points) each


class HasPoint(Protocol):
    """A decision."""

    @property
    def point(self) -> Point:
        """The point that was called."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class CallSet:
    """Some calls of one conversation, as the policy would decide them.

    Args:
        rule: of the policy.
        target: of the policy.
        labels: of the queries, by kind.
        callable: the points that keep every limit of each call, bool ``(queries, points)``.
        figures: of every point without any saving.
    """

    rule: Rule
    target: Target
    labels: Mapping[str, str]
    callable: Mask
    figures: Figures

    def bounded(self, figures: Figures, query: int) -> list[Floats]:
        """Return the figures whose means the policy bounds from above at one query, ``(points,)`` each."""
        quality, cost, latency = (figure[query] for figure in figures)
        return [
            one.quality * quality
            + one.cost * cost
            + one.latency * latency
            + (np.zeros(len(quality)) if one.points is None else one.points)
            for one in self._constraints()
        ]

    def _constraints(self) -> list[Constraint]:
        if isinstance(self.rule, MixtureRule):
            applies = self.rule.applies_to(self.labels)
            return [one for one, counts in zip(self.rule.constraints, applies, strict=True) if counts]
        own = target_coefficients(self.target).constraint
        return [] if own is None else [own]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stay:
    """The previous call of a conversation, on the points of a grid.

    Args:
        column: of its point; None: the grid has other points of its model alone.
        members: the points of its model, bool ``(points,)``.
        margin: by how much quality another point has to be better than the previous one.
        saving_usd: of the cached tokens of the prompt against fresh ones.
        cached_usd: of these tokens at the price of a cache, below which no prompt costs.
        fresh_usd_per_token: price of the model's prompt tokens.
    """

    column: int | None
    members: Mask
    margin: float
    saving_usd: float = 0.0
    cached_usd: float = 0.0
    fresh_usd_per_token: float = 0.0

    def saved_usd(self, prompt_tokens: Floats, cost_ratio: float) -> Floats:
        """Return what the cache saves at every point, in calibrated USD, ``(queries, points)``.

        The prompt costs no less than its cached tokens do, however short the forecast is.

        Args:
            prompt_tokens: forecast, as billed, ``(queries, points)``.
            cost_ratio: of the policy: calibrated over forecast cost.
        """
        prompt_usd = cost_ratio * np.nan_to_num(prompt_tokens) * self.fresh_usd_per_token
        saved = np.minimum(self.saving_usd, np.maximum(prompt_usd - self.cached_usd, 0.0))
        return np.where(self.members, saved, 0.0)

    @staticmethod
    def calls(rule: Rule, target: Target, *, labels: Mapping[str, str], callable: Mask, figures: Figures) -> CallSet:
        """Return calls to decide; the arguments are those of the class."""
        return CallSet(rule=rule, target=target, labels=labels, callable=callable, figures=figures)

    def kept(
        self, distributions: Sequence[Sequence[PointProbability]], calls: CallSet, *, discounted: Figures
    ) -> list[list[PointProbability]]:
        """Return the distributions of the policy's choices, where each may give way to a point of the previous model.

        Args:
            distributions: of the points that the policy would call, one for each call.
            calls: the calls.
            discounted: the figures of every point with the saving.
        """
        scores = scored(*discounted, calls.rule.weights(calls.labels))
        if self.column is not None:
            scores[:, self.column] += self.margin * calls.rule.weights(calls.labels).quality
        kept: list[list[PointProbability]] = []
        for i, distribution in enumerate(distributions):
            own, saved = calls.bounded(calls.figures, i), calls.bounded(discounted, i)
            shares: dict[int, float] = {}
            for probability, point in distribution:
                allowed = self.members & calls.callable[i]
                for without, with_saving in zip(own, saved, strict=True):
                    allowed = allowed & (with_saving <= without[point])
                column = _better(scores[i], allowed, than=point)
                shares[column] = shares.get(column, 0.0) + probability
            kept.append([PointProbability(share, column) for column, share in shares.items()])
        return kept


def _better(scores: Floats, allowed: Mask, *, than: int) -> int:
    """Return the allowed column with the highest score where that is above the score of a column, else that column."""
    if not allowed.any():
        return than
    best = int(np.where(allowed, scores, -np.inf).argmax())
    return best if scores[best] > scores[than] else than


def stay_of(
    previous: HasPoint | str,
    grid: Grid,
    *,
    cached_tokens: float = 0.0,
    cached_price_ratio: float | None = None,
    margin: float = 0.0,
) -> Stay | None:
    """Return the previous call on the points of a grid; None where the grid has no point of its model any more.

    Args:
        previous: a decision, whose point need not be in the grid, or the name of a point that is.
        grid: the points and prices.
        cached_tokens: tokens of the prompt that the previous model has in its cache, checked.
        cached_price_ratio: price of a cached token over that of a fresh one, in [0, 1]; None: by the grid's prices.
        margin: by how much quality another point has to be better than the previous one, checked.

    Raises:
        GridError: a name is not in the grid, or ambiguous.
        TargetError: the previous call is neither, the ratio is out of range, or tokens are cached at an unknown price.
    """
    if isinstance(previous, str):
        point = grid.points[grid.index(previous)]
    else:
        point = _point_of(previous)
        if point is None:
            raise TargetError(f"previous must be a decision or the name of a point, got {shown(previous)}")
    members = np.array([other.model == point.model for other in grid.points])
    if not members.any():
        return None
    column = next((j for j, other in enumerate(grid.points) if other.key == point.key), None)
    if cached_tokens == 0:
        return Stay(column=column, members=members, margin=margin)
    fresh, cached = _token_prices(grid, point.model, cached_price_ratio)
    return Stay(
        column=column,
        members=members,
        margin=margin,
        saving_usd=cached_tokens * (fresh - cached),
        cached_usd=cached_tokens * cached,
        fresh_usd_per_token=fresh,
    )


def _point_of(previous: object) -> Point | None:
    """Return the point of a decision; None where the object is none."""
    try:
        point = getattr(previous, "point", None)
    except Exception:  # of the object's own
        return None
    return point if isinstance(point, Point) else None


def _token_prices(grid: Grid, model: str, ratio: float | None) -> tuple[float, float]:
    """Return the prices of a fresh and of a cached prompt token of a model in USD.

    Raises:
        TargetError: one of them is unknown, or the ratio is out of range.
    """
    price = grid.prices.get(model)
    if price is None:
        raise TargetError(
            f"cached_tokens: {shown(model)} has no token price, so that the saving of its cache is unknown; leave "
            "cached_tokens out, or give its prices and fit again"
        )
    if ratio is None and price.cached_input_usd_per_mtok is None:
        raise TargetError(
            f"cached_tokens: the policy has no cached_input price of {shown(model)}; give cached_price_ratio=, such as "
            "0.1, or solve again with a price file that has it"
        )
    share = 1 - price.cache_discount if ratio is None else fraction("cached_price_ratio", ratio)
    fresh = price.input_usd_per_mtok / TOKENS_PER_PRICE_UNIT
    return fresh, share * fresh
