"""The planner: holds a policy in memory and decides one query at a time. NumPy only, no network.

Per query: forecast quality and cost at every point, drop the points that break a limit of this call, and take the
argmax of quality - price x cost. Where two points tie, a coin decides: a hash of the policy's seed and the query's id,
never of its text, since with no signal in the text every query ties.
"""

from __future__ import annotations

import hashlib
import math
import os
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from paretoroute._arrays import Floats
from paretoroute.errors import PolicyError, QueryError, TargetError
from paretoroute.grid import cost_usd
from paretoroute.limits import CallLimit, MaxMeanLatency, PopulationLimit
from paretoroute.planner import dialects
from paretoroute.planner.cost_cap import CostCap
from paretoroute.planner.decision import Alternative, Decision
from paretoroute.planner.explain import explain
from paretoroute.planner.request import check_id, fraction, not_negative, positive, text_of, unknown_model
from paretoroute.policy.codec import rule_of
from paretoroute.policy.eligibility import may_call
from paretoroute.policy.policy import Policy
from paretoroute.query import Query
from paretoroute.solver.argmax import scored
from paretoroute.surface.featurizer import function_fingerprint, ngram_fingerprint
from paretoroute.surface.surface import Amounts

if TYPE_CHECKING:
    from paretoroute.planner.agent_task import Task


BYTES_PER_TOKEN = 3.0  # of a prompt that has to fit into a context; ordinary text has about four
FALLBACKS = 3


class Planner:
    """Decides what to call.

    Args:
        policy: the policy to follow.
        dialect: if given, every point must be expressible in it.
        seed: of the coin for queries without an id; None: from the operating system.
        features: the feature function that the policy was fitted with, if any.

    Raises:
        DialectError: a point cannot be expressed in the dialect; all such points are named.
        PolicyError: the features are not those of the fit.

    Example:
        >>> import paretoroute as pr
        >>> planner = Planner(pr.fit(pr.demo_runs(), pr.MaxCost(usd=4e-6)))
        >>> planner.plan("What is 2 + 2?").propensity
        1.0
    """

    def __init__(
        self,
        policy: Policy,
        *,
        dialect: str | None = None,
        seed: int | None = None,
        features: Callable[[str], ArrayLike] | None = None,
    ) -> None:
        self.policy = policy
        self.dialect = dialect
        self._features = features
        self._grid = policy.grid
        self._solution = policy.document.solution
        _check_features(policy, features)
        if dialect is not None:
            dialects.check(dialect, self._grid.points)
        limits = policy.limits
        self._call_limits = [limit for limit in limits if isinstance(limit, CallLimit)]
        population = tuple(limit for limit in limits if isinstance(limit, PopulationLimit))
        self.rule = rule_of(policy.document, population, self._grid)
        self._reads_latency = any(isinstance(limit, MaxMeanLatency) for limit in population)
        blind = self._solution.prompt_blind
        self._blind = policy.record.forecast if blind else None
        self._coin = np.random.default_rng(seed)
        self._seed = policy.document.coin_seed.encode()
        self._models = np.array([point.model for point in self._grid.points])
        self.bill = CostCap(self._grid, policy.surface, dialect)

    @staticmethod
    def load(
        path: str | os.PathLike[str],
        *,
        dialect: str | None = None,
        seed: int | None = None,
        features: Callable[[str], ArrayLike] | None = None,
    ) -> Planner:
        """Read a policy and make its planner; the arguments are those of the class.

        Raises:
            PolicyError: the policy cannot be read or trusted.
            DialectError: a point cannot be expressed in the dialect.
        """
        return Planner(Policy.load(path), dialect=dialect, seed=seed, features=features)

    def plan(
        self,
        query: Query | None,
        *,
        query_id: str | None = None,
        embedding: ArrayLike | None = None,
        max_cost_usd: float | None = None,
        min_quality: float | None = None,
        max_latency_s: float | None = None,
        models: Collection[str] | None = None,
        price: float | None = None,
        callable: NDArray[np.bool_] | None = None,
        tag: str | None = None,
        tenant: str | None = None,
        step: str | None = None,
    ) -> Decision:
        """Decide what to call for one query.

        Args:
            query: a text or chat messages; None with an embedding. Without either, or with nothing but blanks, the
                prompt-blind means decide and the status is ``fallback``, unless queries without a text were logged.
            query_id: an opaque key that seeds the coin.
            embedding: ready features, for a policy that was fitted on an ``embedding`` column.
            max_cost_usd: hard limit on the bill of this call, kept for certain as long as the prompt is built as in
                the log: only points priced by tokens whose prompt fits, with a lowered output cap.
            min_quality: least forecast quality of the point.
            max_latency_s: largest forecast mean latency; points without one are left out.
            models: names of the models that may be called; None: all.
            price: quality per USD to use instead of the policy's, for pacing.
            callable: which points may be called at all, bool ``(points,)``.
            tag: of the query; read only by limits on tags.
            tenant: on whose behalf it is asked; read only by limits on tenants.
            step: of an agent's run; read only by limits on steps.

        Raises:
            QueryError: the query is neither text nor chat messages, its id is no text, or the embedding has another
                width.
            TargetError: a limit is out of range, names an unknown model, or no point is callable, also by the policy's
                own rules on models.
        """
        text = text_of(query)
        check_id(query_id)
        amounts, read = self._forecast(text, embedding)
        quality, cost = self._expected(amounts)
        caps = self.bill.caps(amounts)
        may = self._may(models, callable)
        fits, caps_fitting = self.bill.fitting(text, amounts, cost, caps, max_cost_usd)
        labels = {by: name for by, name in (("tag", tag), ("tenant", tenant), ("step", step)) if name}
        may, kept = self._own_limits(text, amounts, labels, may)
        limited = may & fits & kept
        if min_quality is not None:
            limited &= quality >= fraction("min_quality", min_quality)
        if max_latency_s is not None:
            limited &= np.nan_to_num(amounts.latency_s, nan=np.inf) <= positive("max_latency_s", max_latency_s)
        feasible = bool(limited.any())
        among = limited if feasible else self._nearest(may, fits, quality, cost, amounts.latency_s, min_quality)
        rule = self.rule if price is None else self.rule.at_price(not_negative("price", price))
        raw, latency = self._raw_cost(amounts), np.nan_to_num(amounts.latency_s)
        picks = rule.distribution(amounts.quality, raw, latency, labels, among)
        column, propensity = self._toss(picks, query_id)
        scores = np.where(among, scored(amounts.quality, raw, latency, rule.weights(labels)), -np.inf)
        capped = feasible and caps_fitting[column] < caps[column]
        status = self._status(feasible, read, bool(capped), amounts.unfamiliar)
        decision = self._decision(
            column, scores, amounts, quality, cost, caps_fitting, propensity, status, query_id, len(picks) > 1
        )
        if max_cost_usd is not None and not feasible and not self.bill.priced[may].any():
            return replace(decision, why=f"{decision.why} A hard cost limit needs points priced by tokens; none is.")
        return decision

    def plan_batch(
        self, queries: Iterable[Query | None], *, query_ids: Sequence[str | None] | None = None, **limits: Any
    ) -> list[Decision]:
        """Decide for many queries, each as if it came alone; the arguments are those of :meth:`plan`."""
        asked = list(queries)
        ids = query_ids if query_ids is not None else [None] * len(asked)
        if len(ids) != len(asked):
            raise QueryError(f"{len(asked)} queries came with {len(ids)} query_ids; give one each, or none at all")
        return [self.plan(query, query_id=key, **limits) for query, key in zip(asked, ids, strict=True)]

    def start_task(self, steps: Sequence[str | tuple[str, Query]], *, max_cost_usd: float) -> Task:
        """Start an agent run whose calls share one sum of money; the arguments are those of the class."""
        from paretoroute.planner.agent_task import Task

        return Task(self, steps, max_cost_usd=max_cost_usd)

    def figures(
        self, query: Query, *, step: str | None = None, max_cost_usd: float | None = None
    ) -> tuple[Floats, Floats, NDArray[np.bool_]]:
        """Give what every point is expected to do for a query: quality, cost, and whether it may be called.

        Args:
            query: a text or chat messages.
            step: of an agent's run.
            max_cost_usd: hard limit on the bill.

        Returns:
            Quality and USD, calibrated, and bool, ``(points,)`` each.

        Raises:
            QueryError: the query is neither text nor chat messages.
        """
        text = text_of(query)
        amounts, _ = self._forecast(text, None)
        quality, cost = self._expected(amounts)
        fits, _ = self.bill.fitting(text, amounts, cost, self.bill.caps(amounts), max_cost_usd)
        own, _ = self._own_limits(text, amounts, {"step": step} if step else {}, np.ones(len(cost), bool))
        return quality, cost, fits & own

    def mean_figures(self, step: str) -> tuple[Floats, Floats, NDArray[np.bool_]]:
        """Give what every point did on average for the logged queries of a step, or for all where it was not logged.

        Returns:
            Quality, USD and whether it may be called at all, ``(points,)`` each.
        """
        record, labels = self.policy.record, self.policy.traffic.labels.get("step")
        rows = slice(None) if labels is None or step not in labels.names else labels.values == step
        mask = record.forecast.callable
        may = np.ones(len(self._models), bool) if mask is None else np.asarray(mask[rows].any(axis=0))
        return np.clip(record.quality[rows].mean(0), 0.0, 1.0), np.maximum(record.cost_usd[rows].mean(0), 0.0), may

    def _forecast(self, text: str | None, embedding: ArrayLike | None) -> tuple[Amounts, bool]:
        """Forecast every point as the policy does; the second tells whether the query could be read."""
        amounts, read = self._surface_at(text, embedding)
        return amounts if self._blind is None else replace(amounts, quality=self._blind.quality[0]), read

    def _surface_at(self, text: str | None, embedding: ArrayLike | None) -> tuple[Amounts, bool]:
        surface, kind = self.policy.surface, self.policy.document.features.kind
        if kind == "hashed_ngrams":
            if text is None or not (text.strip() or surface.knows_blanks):
                return surface.flattened(), False
            return surface.at_text(text), True
        if kind == "function" and self._features is not None and text is not None:
            embedding = self._features(text)
        if embedding is None:
            return surface.flattened(), False
        vector = np.asarray(embedding, np.float64)
        width = len(surface.featurizer.centre)
        if vector.shape != (width,) or not np.isfinite(vector).all():
            raise QueryError(f"the embedding must be {width} finite numbers, got shape {vector.shape}")
        return surface.at(surface.featurizer.of_embedding(vector)), True

    def _expected(self, amounts: Amounts) -> tuple[Floats, Floats]:
        """Give the calibrated quality and cost of every point, ``(points,)`` each."""
        quality = np.clip(amounts.quality + self._solution.quality_shift, 0.0, 1.0)
        return quality, self._raw_cost(amounts) * self._solution.cost_ratio

    def _raw_cost(self, amounts: Amounts) -> Floats:
        if self._blind is not None:
            return self._blind.cost_usd[0]
        return cost_usd(amounts.amount, amounts.prompt_tokens, self._grid)

    def _may(self, models: Collection[str] | None, callable: NDArray[np.bool_] | None) -> NDArray[np.bool_]:
        may = np.ones(len(self._models), bool)
        if models is not None:
            if isinstance(models, str):
                raise TargetError(f"models must be a list of names, got the text {models!r}; write [{models!r}]")
            unknown = set(models) - set(self._models)
            if unknown:
                raise TargetError(unknown_model(sorted(unknown)[0], self._grid.models))
            may &= np.isin(self._models, list(models))
        if callable is not None:
            mask = np.asarray(callable)
            if mask.shape != may.shape or mask.dtype != np.bool_:
                raise TargetError(f"callable must be bool of shape {may.shape}, got {mask.dtype} {mask.shape}")
            may &= mask
        if not may.any():
            raise TargetError("no point is callable; allow at least one model")
        return may

    def _nearest(self, may, fits, quality, cost, latency_s, min_quality) -> NDArray[np.bool_]:
        """Pick what comes nearest to limits that cannot all be kept: money first, then quality, then latency."""
        if not (may & fits).any():
            away, some = cost, may
        elif min_quality is not None:
            away, some = -quality, may & fits
        else:
            away, some = np.nan_to_num(latency_s, nan=np.inf), may & fits
        return some & (away == away[some].min())

    def _own_limits(
        self, text: str | None, amounts: Amounts, labels: dict[str, str], may: NDArray[np.bool_]
    ) -> tuple[NDArray[np.bool_], bool]:
        """Find the points, of those that may be called, that keep the policy's own limits, and whether any does.

        Where none keeps the limits on a call's figures the nearest one stays; a rule on models is never bent.
        """
        if self._reads_latency and (may & np.isfinite(amounts.latency_s)).any():
            may = may & np.isfinite(amounts.latency_s)
        if not self._call_limits:
            return may, True
        size = 0 if text is None else len(text.encode("utf-8", "replace"))
        mask, kept = may_call(
            self._call_limits,
            self.policy.surface,
            self._grid,
            (amounts.amount, amounts.prompt_tokens, amounts.latency_s),
            labels,
            callable=may,
            least_prompt_tokens=size / BYTES_PER_TOKEN,
        )
        return mask, bool(kept)

    def _toss(self, picks: list[tuple[float, int]], query_id: str | None) -> tuple[int, float]:
        """Draw one of the points, each with its probability; give it and the probability."""
        if len(picks) == 1:
            return picks[0][1], 1.0
        if query_id is None:
            toss = float(self._coin.random())
        else:
            digest = hashlib.blake2b(self._seed + b":" + query_id.encode("utf-8", "replace"), digest_size=8).digest()
            toss = int.from_bytes(digest, "big") / 2**64
        for share, column in picks:
            if toss < share:
                return column, share
            toss -= share
        return picks[-1][1], picks[-1][0]

    def _status(self, feasible: bool, read: bool, capped: bool, unfamiliar: bool) -> str:
        if not feasible:
            return "infeasible"
        if not read:
            return "fallback"
        if capped:
            return "capped"
        return "unfamiliar" if unfamiliar else self._solution.status

    def _decision(self, column, scores, amounts, quality, cost, caps, propensity, status, query_id, drawn) -> Decision:
        order = [int(j) for j in np.argsort(-scores, kind="stable") if j != column and np.isfinite(scores[j])]
        latency = float(amounts.latency_s[column])
        cap = float(caps[column])
        runner_up = None
        if order:
            j = order[0]
            runner_up = Alternative(self._grid.names[j], float(quality[j]), float(cost[j]))
        return Decision(
            id=os.urandom(8).hex(),
            query_id=query_id,
            policy_sha256=self.policy.sha256,
            point=self._grid.points[column],
            expected_quality=float(quality[column]),
            expected_quality_se=float(amounts.quality_se[column]),
            expected_cost_usd=float(cost[column]),
            expected_latency_s=None if math.isnan(latency) else latency,
            output_cap_tokens=int(cap) if math.isfinite(cap) else None,
            propensity=propensity,
            status=status,
            why=explain(self._named(column), runner_up, quality[column], cost[column], status, drawn),
            runner_up=runner_up,
            fallbacks=tuple(self._grid.names[j] for j in order[:FALLBACKS]),
            interpolated=self._grid.points[column] in self._grid.between,
        )

    def _named(self, column: int) -> str:
        """Name a point, and say so if it was never logged."""
        place = self._grid.between.get(self._grid.points[column])
        beside = f" (never logged: forecast between {place.below} and {place.above})" if place else ""
        return self._grid.names[column] + beside


def _check_features(policy: Policy, features: Callable[[str], ArrayLike] | None) -> None:
    about = policy.document.features
    if about.kind == "function":
        if features is None:
            raise PolicyError(f"the policy was fitted with the feature function {about.name!r}; pass it as features=")
        if function_fingerprint(features) != about.fingerprint:
            raise PolicyError(
                f"the feature function gives other numbers than {about.name!r} did at the fit; "
                "use that version, or fit again"
            )
    elif about.kind == "hashed_ngrams" and about.fingerprint != ngram_fingerprint():
        raise PolicyError("the policy was fitted with n-grams of another version of this package; fit again")
