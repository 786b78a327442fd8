"""The published metrics of a router in a comparison, each with the reason where it does not apply.

Cost metrics are of the fair curve: the mean cost and quality that the router realised for each of the cost targets.
Share metrics are of the curve over a two-point system's knob.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from paretoroute._arrays import Mask
from paretoroute.evaluation.metrics import arena_score, cost_quality
from paretoroute.evaluation.metrics.cost_quality import CostCurve
from paretoroute.evaluation.metrics.strong_share import StrongShareCurve
from paretoroute.evaluation.protocol.held_out import HeldOut, HeldOutRouter
from paretoroute.evaluation.protocol.study import Study
from paretoroute.evaluation.tradeoff_curves import Outcomes, cost_range, single_points

SMALL = 0.1  # points whose mean cost is at most this part of the best single point's are small


@dataclass(frozen=True)
class Metrics:
    """Values by name, None where a metric does not apply, and the reasons.

    Args:
        values: see ``docs/explanation/comparison.md`` for every formula.
        left_out: reasons, by the names of the metrics that do not apply.
    """

    values: dict[str, float | None]
    left_out: dict[str, str]


def small_points(outcomes: Outcomes, cost_share: float = SMALL) -> Mask:
    """Return which points are small, bool ``(points,)``.

    Args:
        outcomes: of all queries.
        cost_share: a small point's mean cost is at most this part of the best single point's.
    """
    return outcomes.cost_usd.mean(0) <= cost_share * single_points(outcomes).cost_usd[-1]


def metrics_of(study: Study, held_out: HeldOut, name: str) -> Metrics:
    """Compute all metrics of one router."""
    router = held_out.routers[name]
    every = {**_of_cost(study, held_out, name), **_of_spending(held_out, name), **_of_calls(study, held_out, name)}
    shares, reason = _of_shares(router)
    left_out = dict.fromkeys((key for key, value in shares.items() if value is None), reason)
    if every["latency_s"] is None:
        left_out["latency_s"] = "the log has no latency of all calls"
    if every["qnc"] is None:
        left_out["qnc"] = "for no target does it reach the best single point's quality"
    if every["aiq"] is None:
        left_out["aiq"] = "it spends the same for all targets"
    return Metrics({**every, **shares}, left_out)


def _of_cost(study: Study, held_out: HeldOut, name: str) -> dict[str, float | None]:
    """Compute the metrics of the fair curve and of its distance to the oracle."""
    quality = held_out.over_queries(name, lambda judged: judged.quality.T)
    cost = held_out.over_queries(name, lambda judged: judged.cost_usd.T)
    order = np.argsort(cost.mean(0), kind="stable")
    curve = CostCurve(cost.mean(0)[order], quality.mean(0)[order])
    outcomes = study.outcomes
    single = CostCurve(outcomes.cost_usd.mean(0), outcomes.quality.mean(0))
    static = single_points(outcomes)
    ends = cost_range(static, 2)
    price = float(np.diff(static.at(ends))[0] / np.diff(ends)[0]) if ends[1] > ends[0] else 0.0
    oracle = (outcomes.quality - price * outcomes.cost_usd).max(1)
    return {
        "aiq": cost_quality.aiq(curve),
        "deferral_area": cost_quality.deferral_area(curve, float(single.cost.max())),
        "qnc": cost_quality.qnc(curve.hull, single),
        "peak_quality": float(curve.quality.max()),
        "arena_score": max(
            arena_score.score(float(q), 1000 * float(c), clamp=True)
            for q, c in zip(curve.quality, curve.cost, strict=True)
        ),
        "regret": float((oracle[:, None] - (quality - price * cost)).mean()),
    }


def _of_spending(held_out: HeldOut, name: str) -> dict[str, float | None]:
    """Compare realised with target mean costs, over folds and targets."""
    ratio = held_out.cost_ratio(name)
    return {"target_attainment": float((ratio <= 1).mean()), "cost_ratio": float(ratio.mean())}


def _of_calls(study: Study, held_out: HeldOut, name: str) -> dict[str, float | None]:
    """Average calls, latency, and the share of calls to small points."""
    judged = held_out.routers[name].judged
    share = held_out.over_queries(name, lambda one: one.share)
    static = single_points(study.outcomes)
    small = small_points(study.outcomes)
    latency = None
    if all(one.latency_s is not None for one in judged):
        table = held_out.over_queries(name, lambda one: np.asarray(one.latency_s))
        latency = None if np.isnan(table).all() else float(np.nanmean(table))
    quality = held_out.over_queries(name, lambda one: one.quality.T)
    return {
        "calls": float(share.sum(1).mean()),
        "latency_s": latency,
        "small_share": float(share[:, small].sum() / share.sum()),
        "loss_to_best_single": float(static.quality[-1] - quality.mean()),
    }


def _of_shares(router: HeldOutRouter) -> tuple[dict[str, float | None], str]:
    """Compute APGR and CPT of a two-point system from always weak to always strong."""
    names = ("apgr", "cpt_50", "cpt_80")
    if router.knobs is None or router.knobs.strong_calls is None:
        return dict.fromkeys(names), "it does not choose between two points"
    share, quality = router.knobs.strong_calls.mean(1), router.knobs.quality.mean(1)
    order = np.argsort(share, kind="stable")
    curve = StrongShareCurve(share[order], quality[order], float(quality[order][0]), float(quality[order][-1]))
    values = (curve.apgr, curve.cpt(0.5), curve.cpt(0.8))
    return dict(zip(names, values, strict=True)), "its strong point is no better than its weak one on the test queries"
