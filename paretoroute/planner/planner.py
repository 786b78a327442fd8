"""The planner: holds a policy in memory and decides one query at a time. NumPy only, no network.

Per query: forecast quality and cost at every point, drop the points that break a limit, and take the argmax of
quality - price x cost. Where several points tie, one is drawn: by a hash of the policy's seed and the query's id, never
of its text, since all queries tie where the text predicts nothing.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

from numpy.typing import ArrayLike

from paretoroute._arrays import Mask
from paretoroute.errors import DialectError, PolicyError, TargetError, expect, expect_seed, fraction
from paretoroute.planner.admission import DecisionCounts
from paretoroute.planner.cost_cap import CostCap
from paretoroute.planner.deciding import Decider
from paretoroute.planner.decision import Decision
from paretoroute.planner.query_forecast import Forecaster, PointFigures
from paretoroute.planner.request import shared_request, with_each
from paretoroute.policy.policy import Policy
from paretoroute.query import Query

if TYPE_CHECKING:
    from paretoroute.encoders.base import Encoder
    from paretoroute.planner.agent_task import Task
    from paretoroute.planner.exploration import Explorer
    from paretoroute.planner.exploration_preview import ExplorationPreview
    from paretoroute.policy.signatures.keys import PublicKey

AT_ONCE = 64  # queries of a batch, so that their products with the logged queries stay in the cache


class Planner:
    """Decides what to call for one query at a time, or for a batch. Threads may share a planner.

    Args:
        policy: the policy to follow.
        dialect: if given, every point must be expressible in it, by a request that no other point sends.
        repeat_calls: whether the caller makes the calls of ``decision.repeated_calls`` for samples beyond one call's.
        seed: of the draws for queries without an id, in this process; None: from the operating system, as in
            processes forked from it, and in copies.
        features: the feature function that the policy was fitted with, if any.
        encoder: the encoder that the policy was fitted with, if any.
        explore: share of the calls, in [0, 1), that go to points which the policy would not call, to learn about them;
            they keep every limit of the call. Tasks do not explore.
        safe_point: the point (``model@label``) for queries that are unlike the logged ones or cannot be read, where it
            keeps the limits of a call, if not those of the population. None: the policy decides on them.

    Raises:
        DialectError: points cannot be expressed in the dialect, or are sent as the same request; all are named.
        GridError: the safe point is not in the grid.
        PolicyError: the features are not those of the fit.
        TargetError: the share to explore is out of range.

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
        encoder: Encoder | None = None,
        explore: float = 0.0,
        repeat_calls: bool = False,
        safe_point: str | None = None,
    ) -> None:
        expect("the policy", policy, Policy, PolicyError)
        expect("the dialect", dialect, (str, type(None)), DialectError)
        expect_seed(0 if seed is None else seed, TargetError)
        if encoder is not None:
            from paretoroute.encoders.base import feature_function  # loaded only where one is given

            features = feature_function(features, encoder)
        self.policy, self.dialect, self.features, self._grid = policy, dialect, features, policy.grid
        self.safe_point = safe_point
        if dialect is not None:
            from paretoroute.planner import dialects  # loaded only where a dialect is given

            dialects.check(dialect, self._grid.points, repeat_calls=repeat_calls)
        self.cost_cap = CostCap(self._grid, policy.surface, dialect, repeat_calls=repeat_calls)
        self._forecaster, self._explorer = Forecaster(policy, features), _explorer(policy, explore)
        self._decider = Decider(
            policy,
            forecaster=self._forecaster,
            cost_cap=self.cost_cap,
            seed=seed,
            safe_column=None if safe_point is None else self._grid.index(safe_point),
            explorer=self._explorer,
        )
        self.rule, self._unlimited = self._decider.rule, shared_request(self._grid)

    @staticmethod
    def load(
        path: str | os.PathLike[str],
        *,
        dialect: str | None = None,
        seed: int | None = None,
        features: Callable[[str], ArrayLike] | None = None,
        encoder: Encoder | None = None,
        explore: float = 0.0,
        repeat_calls: bool = False,
        safe_point: str | None = None,
        trusted_keys: Sequence[str | os.PathLike[str] | PublicKey] | None = None,
    ) -> Planner:
        """Read a policy and return its planner; the other arguments are those of the class and of :meth:`Policy.load`.

        With ``trusted_keys``, public keys or PEM files of them, the policy must be signed by one of them.

        Raises:
            PolicyError: the policy cannot be read or trusted.
            SignatureError: there is no signature of a trusted key, or the policy was changed after it was signed.
            KeyFileError: a file holds no public key, or the list of trusted keys is empty.
            DialectError: a point cannot be expressed in the dialect, or several are sent as the same request.
            GridError: the safe point is not in the grid.
            TargetError: the share to explore is out of range.
        """
        options: dict[str, Any] = {"dialect": dialect, "seed": seed, "features": features, "encoder": encoder}
        options |= {"explore": explore, "repeat_calls": repeat_calls, "safe_point": safe_point}
        return Planner(Policy.load(path, trusted_keys=trusted_keys), **options)

    @property
    def counts(self) -> DecisionCounts:
        """Decisions so far, with those on unfamiliar queries apart; threads may read it while others decide."""
        return self._decider.tally.read()

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
        callable: Mask | None = None,
        tag: str | None = None,
        tenant: str | None = None,
        step: str | None = None,
        previous: Decision | str | None = None,
        cached_tokens: float = 0.0,
        cached_price_ratio: float | None = None,
        switch_margin: float = 0.0,
    ) -> Decision:
        """Choose the point for one query; without text and embedding, or with a blank text, by the mean forecasts.

        Args:
            query: a text or chat messages, or None.
            query_id: an opaque key that seeds the draw between tied points.
            embedding: ready features, for a policy that reads an ``embedding``.
            max_cost_usd: hard limit on the cost of this call, kept for certain while prompts are built as in the log.
            min_quality: least expected quality.
            max_latency_s: largest mean latency; points without a logged latency do not keep it.
            models: names of the models that may be called; None: all.
            price: quality per USD in place of the policy's, for pacing.
            callable: which points may be called, bool ``(points,)``.
            tag: of the query, read only by limits on tags.
            tenant: the customer or user of the query, read only by limits on tenants.
            step: of an agent's task, read only by limits on steps.
            previous: the decision, or point, of the conversation's call before this one.
            cached_tokens: of the prompt that the previous model has in its cache; they lower the cost of its points.
            cached_price_ratio: price of a cached token over that of a fresh one, in [0, 1]; None: the policy's prices.
            switch_margin: by how much quality another point has to be better than the previous one, in [0, 1].

        Raises:
            GridError: the previous point is not in the grid.
            QueryError: the query is neither text nor chat messages, its id is not text, or the embedding does not fit.
            TargetError: a limit is out of range, names an unknown model, needs a latency and none was logged, or leaves
                no point to call.
        """
        limits: dict[str, Any] = {
            "previous": previous,
            "cached_price_ratio": cached_price_ratio,
            "max_cost_usd": max_cost_usd,
            "min_quality": min_quality,
            "max_latency_s": max_latency_s,
            "models": models,
            "price": price,
            "callable": callable,
            "tag": tag,
            "tenant": tenant,
            "step": step,
        }
        shared = self._unlimited
        is_usual = type(cached_tokens) is type(switch_margin) is float and cached_tokens == switch_margin == 0.0
        if not is_usual or any(limit is not None for limit in limits.values()):
            limits |= {"cached_tokens": cached_tokens, "switch_margin": switch_margin}
            shared = shared_request(self._grid, **limits)
        return self._decider.decide([shared.of_query(query, query_id, embedding)])[0]

    def plan_batch(
        self,
        queries: Iterable[Query | None],
        *,
        query_ids: Sequence[str | None] | None = None,
        embeddings: Iterable[ArrayLike | None] | None = None,
        **limits: Any,
    ) -> list[Decision]:
        """Decide for many queries, each as if it came alone; the other arguments are those of :meth:`plan`.

        They share the products with the logged queries, and the checks of the limits.

        Args:
            queries: texts or chat messages; None where there is an embedding alone.
            query_ids: one each, or None.
            embeddings: ready features, one each ``(queries, embedding)``, or None.
            limits: on every call.

        Raises:
            QueryError: there are more or fewer ids or embeddings than queries; or as :meth:`plan`.
            TargetError: as :meth:`plan`.
        """
        embedding, decisions = limits.pop("embedding", None), list[Decision]()
        batch, shared = with_each(queries, query_ids=query_ids, embeddings=embeddings), None
        while rows := list(islice(batch, AT_ONCE)):
            shared = shared or shared_request(self._grid, **limits)
            asked = [shared.of_query(row.query, row.query_id, row.embedding_or(embedding)) for row in rows]
            decisions += self._decider.decide(asked)
        return decisions

    def start_task(self, steps: Sequence[str | tuple[str, Query]], *, max_cost_usd: float) -> Task:
        """Start an agent's task, whose calls share one sum of money; the arguments are those of the class."""
        from paretoroute.planner.agent_task import Task

        return Task(self, steps, max_cost_usd=max_cost_usd)

    def figures(self, query: Query, *, step: str | None = None, max_cost_usd: float | None = None) -> PointFigures:
        """Return the expected quality and cost of every point for a query, and whether it may be called.

        Args:
            query: a text or chat messages.
            step: of an agent's task, for limits on steps.
            max_cost_usd: hard limit on the cost of the call.

        Raises:
            QueryError: the query is neither text nor chat messages.
        """
        request = shared_request(self._grid, step=step, max_cost_usd=max_cost_usd).of_query(query, None, None)
        forecast = self._forecaster.at(request)
        return PointFigures(forecast.quality, forecast.cost_usd, self._decider.admission.within_cost(request, forecast))

    def mean_figures(self, step: str) -> PointFigures:
        """Return every point's means over the logged queries of a step, or over all where the step was not logged."""
        return PointFigures.of_step(self.policy, step)

    def preview_exploration(self) -> ExplorationPreview:
        """Return what exploring costs, and which points it calls, on the queries that the policy was fitted on.

        Raises:
            TargetError: the planner does not explore.
        """
        if self._explorer is None:
            raise TargetError("the planner does not explore; load it with a share of calls, such as explore=0.05")
        from paretoroute.planner.exploration_preview import ExplorationPreview

        return ExplorationPreview.of(self.policy, self.rule, self._explorer)


def _explorer(policy: Policy, share: float) -> Explorer | None:
    if fraction("explore", share) == 0:
        return None
    from paretoroute.planner.exploration import Explorer  # loaded only where calls explore

    return Explorer(policy, share)
