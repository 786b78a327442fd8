"""The forecast of every point at one query, priced and calibrated as the policy's solution is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from paretoroute._arrays import Floats, Mask, given_array
from paretoroute.errors import PolicyError, QueryError, shown
from paretoroute.grid import forecast_cost_usd
from paretoroute.planner.request import Request
from paretoroute.policy.policy import Policy
from paretoroute.surface.featurizer import function_fingerprint, ngram_fingerprint
from paretoroute.surface.surface import Amounts, TextSize


@dataclass(frozen=True)
class QueryForecast:
    """Figures of every point at one query, ``(points,)`` each.

    Args:
        amounts: tokens, latency and quality before calibration; a context-free policy has its mean quality there.
        raw_cost_usd: before calibration, as the policy's rule reads it; a context-free policy has its mean cost there,
            whatever the length of the text.
        quality: calibrated, in [0, 1].
        cost_usd: calibrated.
        is_read: whether the query could be read; if not, its means over all logged queries stand for it.
    """

    amounts: Amounts
    raw_cost_usd: Floats
    quality: Floats
    cost_usd: Floats
    is_read: bool

    @property
    def latency_s(self) -> Floats:
        """Mean latency; NaN where none was logged."""
        return self.amounts.latency_s

    @property
    def rule_figures(self) -> tuple[Floats, Floats, Floats]:
        """Quality, cost and latency as the policy's rule reads them: before calibration, 0 for an unknown latency."""
        return self.amounts.quality, self.raw_cost_usd, np.nan_to_num(self.latency_s)


@dataclass(frozen=True)
class PointFigures:
    """Expected quality and cost of every point, and whether it may be called, ``(points,)`` each.

    Args:
        quality: calibrated, in [0, 1].
        cost_usd: calibrated.
        callable: bool.
    """

    quality: Floats
    cost_usd: Floats
    callable: Mask

    @staticmethod
    def of_step(policy: Policy, step: str) -> PointFigures:
        """Return the means over the logged queries of a step of a task, or over all where the step was not logged."""
        outcomes, labels = policy.outcomes, policy.calibration_sample.labels.get("step")
        rows = slice(None) if labels is None or step not in labels.names else labels.values == step
        mask = outcomes.forecast.callable
        quality = np.clip(outcomes.quality[rows].mean(0), 0.0, 1.0)
        return PointFigures(
            quality=quality,
            cost_usd=np.maximum(outcomes.cost_usd[rows].mean(0), 0.0),
            callable=np.ones(len(quality), bool) if mask is None else np.asarray(mask[rows].any(axis=0)),
        )


class Forecaster:
    """Forecasts one query at a time by a policy's surface.

    Args:
        policy: whose surface, prices and calibration are used.
        features: the feature function that the policy was fitted with, if any.

    Raises:
        PolicyError: the features are not those of the fit.
    """

    def __init__(self, policy: Policy, features: Callable[[str], ArrayLike] | None) -> None:
        _check_features(policy, features)
        self._surface, self._grid, self._features = policy.surface, policy.grid, features
        self._kind = policy.document.features.kind
        self._solution = policy.document.solution
        self._latency_known = policy.calibration_sample.latency_known(policy.grid)
        self._means = policy.outcomes.forecast if self._solution.prompt_blind else None
        self._most_usd = _most_usd(policy)

    def at(self, request: Request) -> QueryForecast:
        """Forecast every point for a request.

        Raises:
            QueryError: the embedding has another width or is not finite.
        """
        amounts, is_read = self._amounts(request)
        amounts = replace(amounts, latency_s=np.where(self._latency_known, amounts.latency_s, np.nan))
        if self._means is None:
            raw_cost = cost = self._cost_usd(amounts)
        else:
            amounts, raw_cost = replace(amounts, quality=self._means.quality[0]), self._means.cost_usd[0]
            cost = np.maximum(raw_cost + self._of_length(TextSize.of(request.text)), 0.0)
        return QueryForecast(
            amounts=amounts,
            raw_cost_usd=raw_cost,
            quality=np.clip(amounts.quality + self._solution.quality_shift, 0.0, 1.0),
            cost_usd=self._calibrated(cost),
            is_read=is_read,
        )

    def _cost_usd(self, amounts: Amounts) -> Floats:
        return forecast_cost_usd(amounts.amount, amounts.prompt_tokens, self._grid)

    def _of_length(self, size: TextSize | None) -> Floats:
        """Return what the length of a text adds to the mean cost of the logged ones, ``(points,)``."""
        if size is None:
            return np.zeros(len(self._grid.points))
        of_text, typical = (self._surface.context_free(some) for some in (size, None))
        return self._cost_usd(of_text) - self._cost_usd(typical)

    def _calibrated(self, cost: Floats) -> Floats:
        """Correct costs as measured on the log; what a text costs beyond the dearest logged one is counted as it is."""
        within = np.fmin(cost, self._most_usd)
        return within * self._solution.cost_ratio + (cost - within)

    def _amounts(self, request: Request) -> tuple[Amounts, bool]:
        """Return what the surface forecasts, and whether the query could be read."""
        text, embedding = request.text, request.embedding
        if self._kind == "hashed_ngrams":
            if text is None or not (text.strip() or self._surface.has_empty_queries):
                return self._surface.context_free(), False
            return self._surface.at_text(text, labels=request.labels), True
        if self._kind == "function" and self._features is not None and text is not None:
            embedding = self._features(text)
        if embedding is None:
            return self._surface.context_free(TextSize.of(text)), False
        return self._surface.at(self._vector(embedding), size=TextSize.of(text), labels=request.labels), True

    def _vector(self, embedding: ArrayLike) -> Floats:
        featurizer, vector = self._surface.featurizer, given_array(embedding)
        width = len(featurizer.centre)
        is_vector = vector.shape == (width,) and vector.dtype.kind in "fiu"
        if not is_vector or not np.isfinite(vector).all():
            raise QueryError(
                f"the embedding must be {width} finite numbers, got {vector.dtype} of shape {vector.shape}"
            )
        return featurizer.of_embedding(vector)


def _most_usd(policy: Policy) -> Floats:
    """Return the largest forecast cost of each point among the logged queries; infinite where costs do not grow."""
    sample, surface, grid = policy.calibration_sample, policy.surface, policy.grid
    if surface.prompt_growth is None and surface.amount_growth is None:
        return np.full(len(grid.points), np.inf)
    return forecast_cost_usd(sample.amount.max(0), sample.prompt_tokens.max(0), grid)


def _check_features(policy: Policy, features: Callable[[str], ArrayLike] | None) -> None:
    about = policy.document.features
    if features is not None and not callable(features):
        raise PolicyError(f"features must be a function from a text to a vector, got {shown(features)}")
    if features is not None and about.kind != "function":
        raise PolicyError("the policy was fitted without a feature function, so it reads none; leave features= out")
    if about.kind == "function":
        if features is None:
            raise PolicyError(f"the policy was fitted with the feature function {about.name!r}; pass it as features=")
        if function_fingerprint(features) != about.fingerprint:
            raise PolicyError(
                f"the feature function returns other numbers than {about.name!r} did at the fit; "
                "use that version, or fit again"
            )
    elif about.kind == "hashed_ngrams" and about.fingerprint != ngram_fingerprint():
        raise PolicyError("the policy was fitted with n-grams of another version of this package; fit again")
