"""The calibration sample of a policy: forecasts and logged means of logged queries, for solving without a new fit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from paretoroute._arrays import Floats32, Mask
from paretoroute.grid import Grid, cost_usd, forecast_cost_usd

if TYPE_CHECKING:
    from paretoroute.forecast import Forecast

SIZE_CAP_BYTES = 4_500_000
MOST_QUERIES = 20_000
MOST_NAMES = 200
PER_QUERY = (
    "weight", "is_supported", "fold", "deployed_quality", "deployed_amount", "deployed_prompt_tokens",
    "blind_quality", "blind_amount",
)  # fmt: skip


@dataclass(frozen=True)
class Labels:
    """One name per query, by which limits group them.

    Args:
        names: the names; the first is ``""``, no label.
        codes: position in ``names``, int16 ``(queries,)``.
    """

    names: tuple[str, ...]
    codes: NDArray[np.int16]

    @staticmethod
    def of(values: Sequence[str]) -> Labels:
        """Number the names of some queries; beyond the commonest 200 they count as no label."""
        count = Counter(value for value in values if value)
        kept = sorted(sorted(count, key=lambda name: (-count[name], name))[:MOST_NAMES])
        place = {name: i for i, name in enumerate(kept, start=1)}
        return Labels(("", *kept), np.array([place.get(value, 0) for value in values], np.int16))

    @property
    def values(self) -> NDArray[np.str_]:
        """The name of every query, ``(queries,)``."""
        return np.array(self.names)[self.codes]


@dataclass(frozen=True)
class LogSupport:
    """How far a partial log supports estimates on the calibration sample.

    Args:
        weight: inverse chance of the logged cells, 0 elsewhere, float32 ``(queries, points)``.
        is_supported: cells that the log can speak for, ``(queries, points)``; None where the logger did not look.
        looks: whether the logger looked at the query.
        is_estimated: whether the chances are estimated: those of a logger that looked, or in place of logged ones.
        quality_error: variance of the mean forecast quality, float32 ``(points,)``.
        cost_error: variance of the mean forecast cost, relative to its square, float32 ``(points,)``.
        fold: the fold of every query, int8 ``(queries,)``.
        deployed_quality: forecasts of the surface itself, by which a planner chooses; those of the sample are of the
            fits without each query's fold, float32 ``(queries, points)``.
        deployed_amount: likewise, of the amount, float32 ``(queries, points)``.
        deployed_prompt_tokens: likewise, of the prompt tokens; None where none was logged, and in policies written
            before they were kept.
        blind_quality: forecasts of the fits without each query's fold, without what the query's labels add, which a
            planner does not see; float32 ``(queries, points)``, None if labels add nothing.
        blind_amount: likewise, of the amount.
    """

    weight: Floats32
    is_supported: Mask | None
    looks: bool
    is_estimated: bool
    quality_error: Floats32
    cost_error: Floats32
    fold: NDArray[np.int8]
    deployed_quality: Floats32
    deployed_amount: Floats32
    deployed_prompt_tokens: Floats32 | None = None
    blind_quality: Floats32 | None = None
    blind_amount: Floats32 | None = None

    def take(self, queries: int) -> LogSupport:
        """Keep the first queries."""
        tables = {name: table[:queries] for name in PER_QUERY if (table := getattr(self, name)) is not None}
        return replace(self, **tables)


@dataclass(frozen=True)
class CalibrationSample:
    """Out-of-fold forecasts and logged means at a sample of the logged queries: float32 ``(queries, points)`` each.

    The policy carries it, without any text, and every solve works on it: the sample stands for the *traffic*, the
    stream of queries that the policy will route, which is taken to be like the log. The arrays in the side file and
    the texts of a policy call it ``traffic``.

    Args:
        quality: forecast quality.
        amount: forecast completion tokens (USD at points that are not priced by tokens).
        prompt_tokens: forecast prompt tokens, 0 where not priced by tokens.
        logged_quality: NaN where nothing was logged.
        logged_amount: NaN where nothing was logged.
        logged_prompt_tokens: NaN where nothing was logged.
        latency_s: forecast mean latency, or None where too little was logged.
        logged_latency_s: NaN where nothing was logged, or None with ``latency_s``.
        labels: by kind (``tag``, ``tenant``, ``step``), where any was logged.
        seen: ascending hashes of all queries of the fit, in the sample or not, uint64 ``(hashes,)``; None in policies
            written before they were kept. See :func:`paretoroute.runs.folds.query_hashes`.
        support: of a log with few cells per query; None of any other.
        fold: of every query, int8 ``(queries,)``; None of a partial log, whose support has it, and in policies written
            before it was kept.
    """

    quality: Floats32
    amount: Floats32
    prompt_tokens: Floats32
    logged_quality: Floats32
    logged_amount: Floats32
    logged_prompt_tokens: Floats32
    latency_s: Floats32 | None = None
    logged_latency_s: Floats32 | None = None
    labels: Mapping[str, Labels] = field(default_factory=dict[str, Labels])
    seen: NDArray[np.uint64] | None = None
    support: LogSupport | None = None
    fold: NDArray[np.int8] | None = None

    def forecast(self, grid: Grid) -> Forecast:
        """Return the forecasts with costs at the grid's prices; NaN as the latency of points without a logged one."""
        from paretoroute.forecast import Forecast  # loaded only where something is solved

        cost = forecast_cost_usd(self.amount.astype(np.float64), self.prompt_tokens.astype(np.float64), grid)
        latency = None
        if self.latency_s is not None:
            latency = np.where(self.latency_known(grid), self.latency_s.astype(np.float64), np.nan)
        return Forecast(
            quality=self.quality.astype(np.float64),
            cost_usd=cost,
            latency_s=latency,
            labels={by: labels.values for by, labels in self.labels.items()},
        )

    def deployed(self, grid: Grid) -> Forecast:
        """Return the forecasts by which a planner chooses: of a partial log those of the surface itself."""
        left_out = self.forecast(grid)
        if self.support is None:
            return left_out
        quality, amount, prompt = (
            table.astype(np.float64)
            for table in (self.support.deployed_quality, self.support.deployed_amount, self.deployed_prompt_tokens)
        )
        return replace(left_out, quality=quality, cost_usd=forecast_cost_usd(amount, prompt, grid))

    @property
    def deployed_prompt_tokens(self) -> Floats32:
        """Return the prompt tokens by which a planner chooses: of a partial log those of the surface itself."""
        deployed = None if self.support is None else self.support.deployed_prompt_tokens
        return self.prompt_tokens if deployed is None else deployed

    def blind(self, grid: Grid) -> Forecast:
        """Return the forecasts by which the fits without each query's fold choose: without what its labels add."""
        left_out, support = self.forecast(grid), self.support
        if support is None or support.blind_quality is None or support.blind_amount is None:
            return left_out
        amount, prompt = support.blind_amount.astype(np.float64), self.prompt_tokens.astype(np.float64)
        quality = support.blind_quality.astype(np.float64)
        return replace(left_out, quality=quality, cost_usd=forecast_cost_usd(amount, prompt, grid))

    def latency_known(self, grid: Grid) -> Mask:
        """Return which points have a logged latency, or lie between two that have one, ``(points,)``.

        The surface has a number at the other points too, which rests on nothing.
        """
        if self.latency_s is None or self.logged_latency_s is None:
            return np.zeros(len(grid.points), bool)
        has_latency: Mask = np.asarray((~np.isnan(self.logged_latency_s)).any(axis=0))
        for place in grid.unlogged:
            has_latency[place.column] = has_latency[place.below] and has_latency[place.above]
        return has_latency

    def logged_cost_usd(self, grid: Grid) -> NDArray[np.float64]:
        """Return the logged cost at the grid's prices, ``(queries, points)``, NaN where nothing was logged."""
        return cost_usd(self.logged_amount.astype(np.float64), self.logged_prompt_tokens.astype(np.float64), grid)


def sample_size(queries: int, points: int, *, latency: bool = False) -> int:
    """Return how many queries the calibration sample has: at most 20,000, in at most 4.5 MB.

    Args:
        queries: number of logged queries.
        points: number of points of the grid.
        latency: whether the sample includes latencies.
    """
    return min(queries, MOST_QUERIES, max(200, SIZE_CAP_BYTES // (points * (32 if latency else 24))))
