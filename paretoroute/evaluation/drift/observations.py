"""From logged calls to residuals: the forecast of every call at the point that was called."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from paretoroute._arrays import Floats
from paretoroute.evaluation.drift.calls import Calls
from paretoroute.evaluation.drift.reference import FIGURES, Reference
from paretoroute.fitting.points.token_totals import billed_totals
from paretoroute.planner.query_forecast import Forecaster
from paretoroute.planner.request import Request, labels_of
from paretoroute.policy.policy import Policy
from paretoroute.runs.align import grid_columns
from paretoroute.solver.rules import Rule

DIRECTIONS = 3
WIDEST = 3.0  # standard deviations beyond which a coordinate is clipped


@dataclass(frozen=True, slots=True)
class Observed:
    """One figure of one call.

    Args:
        figure: one of :data:`FIGURES`.
        forecast: by the policy.
        outcome: as logged.
    """

    figure: str
    forecast: float
    outcome: float


@dataclass(frozen=True, slots=True)
class Observation:
    """One call.

    Args:
        query_id: of its query.
        column: of the point that was called; -1 if the policy lacks it.
        point: its name.
        chosen: whether the policy chose the point.
        time: seconds since 1970, or None.
        figures: that have both an outcome and a forecast.
        is_forecast: whether the call could be forecast at all.
        other_policy: whether another policy decided.
        unfamiliar: whether the query is unlike the logged ones; None if it could not be read.
        place: its coordinates along the main directions of the logged queries; empty if it could not be read.
    """

    query_id: str
    column: int
    point: str
    chosen: bool
    time: float | None
    figures: tuple[Observed, ...] = ()
    is_forecast: bool = True
    other_policy: bool = False
    unfamiliar: bool | None = None
    place: tuple[float, ...] = ()


@dataclass(frozen=True)
class Directions:
    """The directions in which the logged queries differ most, scaled to unit variance.

    Args:
        centre: mean features, ``(width,)``.
        axes: ``(width, directions)``.
    """

    centre: Floats
    axes: Floats

    @staticmethod
    def of(policy: Policy) -> Directions:
        """Return the first three principal components of the logged queries that the policy keeps."""
        features = policy.surface.neighbours.features.astype(np.float64)
        centre = features.mean(axis=0)
        values, vectors = np.linalg.eigh(np.cov(features, rowvar=False, bias=True).reshape(len(centre), -1))
        order = np.argsort(-values)[:DIRECTIONS]
        kept = order[values[order] > 1e-9]
        axes = vectors[:, kept] / np.sqrt(values[kept])
        largest = axes[np.abs(axes).argmax(axis=0), np.arange(len(kept))]
        return Directions(centre, axes * np.sign(largest))  # LAPACK promises no sign, and a state may change machines

    def of_vector(self, vector: Floats) -> tuple[float, ...]:
        """Return the coordinates of a query."""
        return tuple(np.clip((vector - self.centre) @ self.axes, -WIDEST, WIDEST).tolist())


@dataclass(frozen=True, slots=True)
class _QueryFigures:
    """Forecasts of every point at one query, ``(points,)`` each."""

    figures: dict[str, Floats]
    choices: frozenset[int]
    unfamiliar: bool
    place: tuple[float, ...]


@dataclass
class Observer:
    """Forecasts logged calls by a policy.

    Args:
        policy: whose forecasts are compared.
        rule: its choices.
        references: the figures to compare, by name.
        features: the feature function that the policy was fitted with, if any.
    """

    policy: Policy
    rule: Rule
    references: dict[str, Reference]
    features: Callable[[str], ArrayLike] | None = None
    _forecaster: Forecaster = field(init=False)
    _directions: Directions = field(init=False)

    def __post_init__(self) -> None:
        self._forecaster = Forecaster(self.policy, self.features)
        self._directions = Directions.of(self.policy)
        entries = [point for entry in self.policy.document.grid for point in entry.points]
        self._called = np.array([point.share > 0 for point in entries], bool)

    def observe(self, calls: Calls) -> Iterator[Observation]:
        """Yield the calls in their order, with forecasts."""
        runs = billed_totals(calls.runs, self.policy.grid.prices).runs
        columns = grid_columns(runs, self.policy.grid)
        outcomes = {name: getattr(runs, name) for name in FIGURES}
        outcomes["quality"] = np.where(calls.has_quality, runs.quality, np.nan)
        for name in ("cost_usd", "completion_tokens"):
            outcomes[name] = np.where(runs.cost_is_mean, np.nan, outcomes[name])  # means over queries
        forecasts: dict[int, _QueryFigures | None] = {}
        for row in calls.order.tolist():
            query, point = int(runs.query[row]), int(runs.point[row])
            if query not in forecasts and columns[point] >= 0:
                forecasts[query] = self._figures(calls, query)
            outcome = {name: float(values[row]) for name, values in outcomes.items()}
            yield self._observation(calls, row, int(columns[point]), outcome, forecasts.get(query))

    def _observation(
        self, calls: Calls, row: int, column: int, outcomes: dict[str, float], cached: _QueryFigures | None
    ) -> Observation:
        runs, sha256 = calls.runs, calls.policy_sha256[row]
        point, time = runs.points[runs.point[row]].name, float(calls.time[row])
        is_own = bool(sha256) and sha256 == self.policy.sha256
        forecast = self._logged(calls, row) if cached is None and is_own else {}
        if cached is not None and column >= 0:
            forecast = {name: float(values[column]) for name, values in cached.figures.items()}
        figures = tuple(
            Observed(name, forecast[name], outcomes[name])
            for name in self.references
            if name in forecast and _is_usable(name, forecast[name], outcomes[name])
        )
        return Observation(
            query_id=runs.query_ids[runs.query[row]],
            column=column,
            point=point,
            chosen=is_own if cached is None else column in cached.choices,  # its own calls may explore
            time=time if np.isfinite(time) else None,
            figures=figures if column >= 0 else (),
            is_forecast=bool(forecast) or column < 0,
            other_policy=bool(sha256) and not is_own,
            unfamiliar=None if cached is None else cached.unfamiliar,
            place=() if cached is None else cached.place,
        )

    def _logged(self, calls: Calls, row: int) -> dict[str, float]:
        """Return the forecasts that the decision logged, for a call whose query the log does not have."""
        ratio = self.policy.document.solution.cost_ratio
        return {
            "quality": float(calls.forecasts["expected_quality"][row]),
            "cost_usd": float(calls.forecasts["expected_cost_usd"][row]) / ratio,
            "latency_s": float(calls.forecasts["expected_latency_s"][row]),
        }

    def _figures(self, calls: Calls, query: int) -> _QueryFigures | None:
        """Forecast every point at a query; None if it cannot be read."""
        runs = calls.runs
        reads_both = self.policy.document.features.second is not None  # a blank text is then left out, not refused
        text = runs.texts[query] or ("" if reads_both else None)
        embedding = None if runs.embeddings is None else runs.embeddings[query]
        labels = labels_of(tag=runs.tags[query], tenant=runs.tenants[query], step=runs.steps[query])
        request = Request(text=text, callable=self._called, embedding=embedding, labels=labels)
        forecast = self._forecaster.at(request)
        if not forecast.is_read:
            return None
        amounts = forecast.amounts
        figures = amounts.quality, forecast.raw_cost_usd, np.nan_to_num(amounts.latency_s)
        drawn = self.rule.distribution(*figures, labels=labels, callable=self._called)
        return _QueryFigures(
            figures={
                "quality": forecast.quality,
                "completion_tokens": np.where(self.policy.grid.token_prices.priced, amounts.amount, np.nan),
                "latency_s": amounts.latency_s,
                "cost_usd": forecast.raw_cost_usd,
            },
            choices=frozenset(point for probability, point in drawn if probability > 0),
            unfamiliar=bool(amounts.unfamiliar),
            place=self._directions.of_vector(self._vector(text, embedding)),
        )

    def _vector(self, text: str | None, embedding: ArrayLike | None) -> Floats:
        featurizer = self.policy.surface.featurizer
        if self.policy.document.features.kind == "hashed_ngrams":
            return featurizer.of_text(text or "").vector
        if self.features is not None and text is not None:
            embedding = self.features(text)
        return featurizer.of_embedding(np.asarray(embedding, np.float64))


def _is_usable(figure: str, forecast: float, outcome: float) -> bool:
    return np.isfinite(outcome) and np.isfinite(forecast) and (figure == "quality" or forecast > 0)
