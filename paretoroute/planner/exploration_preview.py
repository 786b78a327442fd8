"""The price of exploring, before any call: cost and quality on the calibration sample of a policy."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from paretoroute._arrays import Indices, evenly_spaced
from paretoroute.planner.exploration import Call, Explorer, own_probabilities
from paretoroute.policy.policy import Policy
from paretoroute.price import UNIT, rounded_usd
from paretoroute.solver.rules import Rule

MOST_QUERIES = 2000  # of the calibration sample that are read


@dataclass(frozen=True)
class ExplorationPreview:
    """The price of exploring, on the logged queries that the policy keeps as its calibration sample.

    Args:
        share: of the calls that is to explore, in [0, 1).
        calls: share of the calls that does explore; less than ``share`` where only one point may be called, or where
            limits leave no room.
        points: share of all calls that each point receives to explore, by name, largest first.
        cost_usd: change of the mean cost per query; negative where the explored points are cheaper.
        quality: change of the mean quality; negative where it is lower.
        held_by: limits on the population that keep exploring away from some points.
        queries: number of queries that the figures rest on.
    """

    share: float
    calls: float
    points: dict[str, float]
    cost_usd: float
    quality: float
    held_by: tuple[str, ...]
    queries: int

    @property
    def meaning(self) -> str:
        """The price as a sentence."""
        if self.calls == 0:
            return "no call explores: no other point may be called"
        cost, points = 1000 * self.cost_usd, 100 * self.quality
        text = (
            f"exploring {_percent(self.calls)} of the calls {'saves' if cost < 0 else 'costs'} "
            f"{rounded_usd(abs(cost), 3)} {UNIT} and {'gains' if points > 0 else 'loses'} {abs(points):.2g} quality "
            "points (of 100), on queries like the logged ones"
        )
        if self.calls < 0.999 * self.share:
            why = "limits leave no room for more" if self.held_by else "for some queries no other point may be called"
            text += f"; {_percent(self.share)} were asked for, and {why}"
        return text

    @staticmethod
    def of(policy: Policy, rule: Rule, explorer: Explorer) -> ExplorationPreview:
        """Evaluate exploring beside a policy's rule on its calibration sample.

        Args:
            policy: the policy that decides the other calls.
            rule: of the policy.
            explorer: chooses the points of the share that explores.
        """
        outcomes, names = policy.outcomes, policy.grid.names
        queries = len(outcomes.quality)
        rows = evenly_spaced(queries, MOST_QUERIES)
        calls, change, held_by = np.zeros(len(names)), np.zeros(2), dict[str, None]()
        for call, row in zip(_sample_calls(policy, rule, rows), rows, strict=True):
            explored = explorer.explore(call)
            moved = explored.probability - explored.probability.sum() * call.own
            calls += explored.probability
            change += outcomes.cost_usd[row] @ moved, outcomes.quality[row] @ moved
            held_by.update(dict.fromkeys(explored.held_by))
        calls, change = calls / len(rows), change / len(rows)
        order = np.argsort(-calls, kind="stable")
        return ExplorationPreview(
            share=explorer.share,
            calls=float(calls.sum()),
            points={names[j]: float(calls[j]) for j in order if calls[j] > 0},
            cost_usd=float(change[0]),
            quality=float(change[1]),
            held_by=tuple(held_by),
            queries=len(rows),
        )


def _sample_calls(policy: Policy, rule: Rule, rows: Indices) -> Iterator[Call]:
    """Return queries of the calibration sample as calls that only the policy's own limits restrict."""
    forecast, solution = policy.outcomes.forecast, policy.document.solution
    for row in rows:
        one = forecast.take(slice(row, row + 1))
        quality, cost = one.quality[0], np.broadcast_to(one.cost_usd, one.quality.shape)[0]
        latency = np.full(len(quality), np.nan) if one.latency_s is None else one.latency_s[0]
        allowed = np.ones(len(quality), bool) if one.callable is None else np.atleast_2d(one.callable)[0]
        labels = {by: str(label[row]) for by, label in (forecast.labels or {}).items() if label[row]}
        figures = quality, cost, np.nan_to_num(latency)
        yield Call(
            own=own_probabilities(rule.distribution(*figures, labels=labels, callable=allowed), len(quality)),
            callable=allowed,
            raw_quality=quality,
            raw_cost_usd=cost,
            quality=np.clip(quality + solution.quality_shift, 0.0, 1.0),
            cost_usd=cost * solution.cost_ratio,
            latency_s=latency,
            weights=rule.weights(labels),
            labels=labels,
        )


def _percent(share: float) -> str:
    return f"{100 * share:.3g}%"
