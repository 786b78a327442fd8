"""The forecast of every point at one query, priced and calibrated as the policy's solution is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from paretoroute._arrays import Floats, Mask, given_array
from paretoroute.errors import PolicyError, QueryError, shown
from paretoroute.grid import forecast_cost_usd
from paretoroute.planner.request import Request
from paretoroute.policy.policy import Policy
from paretoroute.surface.featurizer import TextFeatures, ngram_fingerprint, stated_fingerprint
from paretoroute.surface.surface import Amounts, TextSize

if TYPE_CHECKING:
    from paretoroute.policy.schema import FeaturesEntry, SecondViewEntry


_SOURCES = {"function": ("features", "feature function"), "encoder": ("encoder", "encoder")}


@dataclass(frozen=True, slots=True)
class QueryForecast:
    """Figures of every point at one query, ``(points,)`` each: a row of the tables of a batch, read where it is used.

    Args:
        tables: of all queries.
        query: the row.
    """

    tables: QueryForecasts
    query: int

    @property
    def amounts(self) -> Amounts:
        """Tokens, latency and quality before calibration; a context-free policy has its mean quality there."""
        return self.tables.amounts.row(self.query)

    @property
    def raw_cost_usd(self) -> Floats:
        """Cost before calibration, as the policy's rule reads it.

        A context-free policy has its mean cost there, whatever the length of the text.
        """
        return self.tables.raw_cost_usd[self.query]

    @property
    def quality(self) -> Floats:
        """Quality, calibrated, in [0, 1]."""
        return self.tables.quality[self.query]

    @property
    def cost_usd(self) -> Floats:
        """Cost, calibrated."""
        return self.tables.cost_usd[self.query]

    @property
    def latency_s(self) -> Floats:
        """Mean latency; NaN where none was logged."""
        return self.tables.amounts.latency_s[self.query]

    @property
    def is_read(self) -> bool:
        """Whether the query could be read; if not, its means over all logged queries stand for it."""
        return bool(self.tables.is_read[self.query])

    @property
    def is_unfamiliar(self) -> bool:
        """Whether the query could not be read, or is unlike the logged ones."""
        return self.tables.is_unfamiliar[self.query]

    @property
    def rule_figures(self) -> tuple[Floats, Floats, Floats]:
        """Quality, cost and latency as the policy's rule reads them: before calibration, 0 for an unknown latency."""
        quality, cost_usd, latency_s = self.tables.rule_figures
        return quality[self.query], cost_usd[self.query], latency_s[self.query]


@dataclass(frozen=True)
class QueryForecasts:
    """Figures of every point at some queries, ``(queries, points)`` each: those of :class:`QueryForecast`.

    ``is_read`` is ``(queries,)``.
    """

    amounts: Amounts
    raw_cost_usd: Floats
    quality: Floats
    cost_usd: Floats
    is_read: Mask

    @cached_property
    def rule_figures(self) -> tuple[Floats, Floats, Floats]:
        """Quality, cost and latency as the policy's rule reads them: before calibration, 0 for an unknown latency."""
        latency_s = self.amounts.latency_s
        return self.amounts.quality, self.raw_cost_usd, np.where(np.isnan(latency_s), 0.0, latency_s)

    @cached_property
    def is_unfamiliar(self) -> list[bool]:
        """Whether each query could not be read, or is unlike the logged ones."""
        return np.logical_or(~self.is_read, self.amounts.unfamiliar).tolist()

    def less(self, saved_usd: Floats, cost_ratio: float) -> QueryForecasts:
        """Return the same forecasts at costs that are lower by a saving, at least 0.

        Args:
            saved_usd: calibrated, ``(queries, points)``.
            cost_ratio: calibrated over forecast cost.
        """
        return replace(
            self,
            raw_cost_usd=np.maximum(self.raw_cost_usd - saved_usd / max(cost_ratio, 1e-300), 0.0),
            cost_usd=np.maximum(self.cost_usd - saved_usd, 0.0),
        )

    def row(self, query: int) -> QueryForecast:
        """Return the forecast of one of the queries."""
        return QueryForecast(self, query)


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
    """Forecasts queries by a policy's surface, each as if it came alone.

    Args:
        policy: whose surface, prices and calibration are used.
        features: the feature function that the policy was fitted with, if any.

    Raises:
        PolicyError: the features are not those of the fit.
    """

    def __init__(self, policy: Policy, features: Callable[[str], ArrayLike] | None) -> None:
        _check_features(policy, features)
        self._surface, self._grid, self._features = policy.surface, policy.grid, features
        self._kind, second = policy.document.features.kind, policy.document.features.second
        self._second = None if second is None else second.kind
        self._solution = policy.document.solution
        self._latency_known = policy.calibration_sample.latency_known(policy.grid)
        self._means = policy.outcomes.forecast if self._solution.prompt_blind else None
        self._most_usd = _most_usd(policy)

    def at(self, request: Request) -> QueryForecast:
        """Forecast every point for a request.

        Raises:
            QueryError: the embedding has another width or is not finite; or of the two views of the policy one is
                missing.
        """
        return self.at_each([request]).row(0)

    def at_each(self, requests: Sequence[Request]) -> QueryForecasts:
        """Forecast every point for some requests of equal labels, each as if it came alone.

        Raises:
            QueryError: an embedding has another width or is not finite; or of the two views of the policy one is
                missing.
        """
        features = self.features_of_each(requests)
        is_read = np.array([one is not None for one in features])
        amounts = self._amounts(requests, features, is_read)
        if not self._latency_known.all():
            amounts = replace(amounts, latency_s=np.where(self._latency_known, amounts.latency_s, np.nan))
        if self._means is None:
            raw_cost = cost = self._cost_usd(amounts.amount, amounts.prompt_tokens)
        else:
            shape = amounts.quality.shape
            amounts = replace(amounts, quality=np.broadcast_to(self._means.quality[0], shape))
            raw_cost = np.broadcast_to(self._means.cost_usd[0], shape)
            cost = np.maximum(raw_cost + self._of_lengths([TextSize.of(request.text) for request in requests]), 0.0)
        return QueryForecasts(
            amounts=amounts,
            raw_cost_usd=raw_cost,
            quality=np.minimum(np.maximum(amounts.quality + self._solution.quality_shift, 0.0), 1.0),
            cost_usd=self._calibrated(cost),
            is_read=is_read,
        )

    def _cost_usd(self, amount: Floats, prompt_tokens: Floats) -> Floats:
        return forecast_cost_usd(amount, prompt_tokens, self._grid)

    def _of_lengths(self, sizes: Sequence[TextSize | None]) -> Floats:
        """Return what the lengths of texts add to the mean cost of the logged ones, ``(texts, points)``."""
        typical = self._surface.context_free()
        of_texts = self._surface.grown(typical, sizes)
        own, usual = (self._cost_usd(one.amount, one.prompt_tokens) for one in (of_texts, typical))
        return own - usual

    def _calibrated(self, cost: Floats) -> Floats:
        """Correct costs as measured on the log; what a text costs beyond the dearest logged one is counted as it is."""
        within = np.fmin(cost, self._most_usd)
        return within * self._solution.cost_ratio + (cost - within)

    def features_of_each(self, requests: Sequence[Request]) -> Sequence[TextFeatures | None]:
        """Return the features of some queries; None for each of which nothing can be read.

        Raises:
            QueryError: as of :meth:`features_of`.
        """
        if self._kind != "hashed_ngrams" or self._second is not None:
            return [self.features_of(request) for request in requests]
        texts = [request.text for request in requests if self._is_text_read(request.text)]
        featurized = iter(self._surface.featurizer.of_texts([text or "" for text in texts]) if texts else ())
        return [next(featurized) if self._is_text_read(request.text) else None for request in requests]

    def _is_text_read(self, text: str | None) -> bool:
        """Whether a query has a text, or the log had queries without one, which have a forecast of their own."""
        return bool(text and text.strip()) or self._surface.has_empty_queries

    def features_of(self, request: Request) -> TextFeatures | None:
        """Return the features of a query; None if nothing of it can be read.

        Raises:
            QueryError: the embedding has another width or is not finite; or of the two views of the policy one is
                missing.
        """
        text, embedding = request.text, request.embedding
        if self._second is not None:
            return self._both_views(text, embedding)
        if self._kind == "hashed_ngrams":
            return self._surface.featurizer.of_text(text or "") if self._is_text_read(text) else None
        if self._kind == "function" and self._features is not None and text is not None:
            embedding = self._features(text)
        if embedding is None:
            return None
        featurizer = self._surface.featurizer
        return TextFeatures(featurizer.of_embedding(_checked(embedding, len(featurizer.centre))), 1.0)

    def _both_views(self, text: str | None, embedding: ArrayLike | None) -> TextFeatures | None:
        """Return the features of a text and of the numbers beside it; None without either, and for a blank text."""
        featurizer = self._surface.featurizer
        if text is None:
            if embedding is None:
                return None
            if not self._surface.has_empty_queries:
                raise QueryError("the policy reads the text of a query and numbers beside it; the text is missing")
            text = ""
        if not (text.strip() or self._surface.has_empty_queries):
            return None
        if self._second != "embedding" and self._features is not None:
            embedding = self._features(text)
        if embedding is None:
            width = len(featurizer.second.centre) if featurizer.second else 0
            raise QueryError(
                f"the policy reads the text of a query and an embedding of {width} numbers beside it; "
                "the embedding is missing: pass embedding="
            )
        return featurizer.of_both(text, _checked(embedding, len(featurizer.second.centre) if featurizer.second else 0))

    def _amounts(self, requests: Sequence[Request], features: Sequence[TextFeatures | None], is_read: Mask) -> Amounts:
        """Return the forecasts of the surface, ``(queries, points)``; the means stand for what cannot be read."""
        read = [(one, TextSize.of(request.text)) for one, request in zip(features, requests, strict=True) if one]
        if len(read) == len(requests):
            return self._surface_at(read, requests[0].labels)
        tables = Amounts.empty(len(requests), points=len(self._grid.points))
        if read:
            tables.put(is_read, self._surface_at(read, requests[0].labels))
        for i in np.flatnonzero(~is_read).tolist():
            size = None if self._kind == "hashed_ngrams" else TextSize.of(requests[i].text)
            tables.put(i, self._surface.context_free(size))
        return tables

    def _surface_at(self, read: Sequence[tuple[TextFeatures, TextSize | None]], labels: Mapping[str, str]) -> Amounts:
        return self._surface.at_each(
            np.stack([one.vector for one, _ in read]),
            [one.known_share for one, _ in read],
            sizes=[size for _, size in read],
            labels=labels,
        )


def _checked(embedding: ArrayLike, width: int) -> Floats:
    vector = given_array(embedding)
    is_vector = vector.shape == (width,) and vector.dtype.kind in "fiu"
    if not is_vector or not np.isfinite(vector).all():
        raise QueryError(f"the embedding must be {width} finite numbers, got {vector.dtype} of shape {vector.shape}")
    return vector


def _most_usd(policy: Policy) -> Floats:
    """Return the largest forecast cost of each point among the logged queries; infinite where costs do not grow."""
    sample, surface, grid = policy.calibration_sample, policy.surface, policy.grid
    if surface.prompt_growth is None and surface.amount_growth is None:
        return np.full(len(grid.points), np.inf)
    return forecast_cost_usd(sample.amount.max(0), sample.prompt_tokens.max(0), grid)


def _check_features(policy: Policy, features: Callable[[str], ArrayLike] | None) -> None:
    about = policy.document.features
    if about.kind == "hashed_ngrams" and about.fingerprint != ngram_fingerprint():
        raise PolicyError("the policy was fitted with n-grams of another version of this package; fit again")
    if features is not None and not callable(features):
        raise PolicyError(f"features must be a function from a text to a vector, got {shown(features)}")
    computed = about if about.second is None else about.second
    if computed.kind in _SOURCES:
        _check_function(computed, features)
    elif features is not None:
        raise PolicyError("the policy was fitted without a feature function, so it reads none; leave features= out")


def _check_function(about: FeaturesEntry | SecondViewEntry, features: Callable[[str], ArrayLike] | None) -> None:
    """Refuse another function or encoder than that of the fit, and none."""
    argument, noun = _SOURCES[about.kind]
    if features is None:
        option = ", or plan with --encoder FOLDER" if argument == "encoder" else ""
        raise PolicyError(f"the policy was fitted with the {noun} {about.name!r}; pass it as {argument}={option}")
    if hasattr(features, "own_fingerprint") != (about.kind == "encoder"):
        raise PolicyError(f"the policy was fitted with the {noun} {about.name!r}; pass it as {argument}=, and no other")
    if stated_fingerprint(features) != about.fingerprint:
        raise PolicyError(
            f"the {noun} returns other numbers than {about.name!r} did at the fit; use that version, or fit again"
        )
