"""Figures of a comparison with their intervals, from what all routers did on the held-out queries."""

from __future__ import annotations

import numpy as np

from paretoroute.calibration.intervals import resampled
from paretoroute.evaluation.comparison import Comparison, PolicyResult, RouterResult, verdict_on
from paretoroute.evaluation.details.details import details_of
from paretoroute.evaluation.protocol.held_out import HeldOut
from paretoroute.evaluation.protocol.hindsight import cost_at, hindsight_curve
from paretoroute.evaluation.protocol.metrics import metrics_of
from paretoroute.evaluation.routers.registry import kind_of
from paretoroute.evaluation.tradeoff_curves import Curve, cost_range, single_points


def summary_of(held_out: HeldOut) -> Comparison:
    """Summarise what the default, routers and the oracle did on the held-out queries."""
    study = held_out.study
    static = single_points(study.outcomes)
    rows = _results(held_out, static)
    policies = _policies(held_out, rows[0])
    return Comparison(
        runs=len(study.runs),
        queries=len(study.runs.query_ids),
        points=len(study.grid.points),
        folds=study.folds,
        seed=study.seed,
        best_single=study.grid.names[static.vertex[-1]],
        best_single_quality=float(static.quality[-1]),
        best_single_cost_usd=float(static.cost_usd[-1]),
        from_cost_usd=float(cost_range(static)[0]),
        rows=tuple(sorted(rows, key=lambda row: -row.fair_gain.value)),
        solved_policies=policies,
        verdict=verdict_on(rows, policies),
        left_out=held_out.left_out,
        notices=study.notices,
        details=details_of(study, held_out),
    )


def _policies(held_out: HeldOut, default: RouterResult) -> PolicyResult:
    ratio = held_out.cost_ratio(default.name)
    return PolicyResult(default.fair_gain, float(ratio.mean()), float(ratio.min()), float(ratio.max()))


def _results(held_out: HeldOut, static: Curve) -> list[RouterResult]:
    """Compute every router's figures, in the routers' order.

    All figures are resampled together, so that differences between routers have intervals of their own.
    """
    study, names = held_out.study, list(held_out.routers)
    costs = cost_range(static)
    baseline = static.influence(costs, study.outcomes)
    curves = [hindsight_curve(study, held_out.routers[name]) for name in names]
    hindsight = np.stack([curve.influence(costs) for curve in curves], axis=1) - baseline[:, None]
    fair = np.stack([held_out.over_queries(name, lambda judged: judged.gain) for name in names], axis=1)
    columns = 100 * np.column_stack([hindsight, hindsight[:, :1] - hindsight, fair, fair[:, :1] - fair])
    intervals, size = resampled(columns, study.groups, seed=study.seed), len(names)
    gain, lead, fair_gain, fair_lead = (intervals[start : start + size] for start in range(0, 4 * size, size))
    peak = float(static.quality[-1])
    return [
        RouterResult(
            name=name,
            gain=gain[k],
            lead=lead[k] if k else None,
            peak_quality=float(curve.hull.quality[-1]),
            cost_usd_at_best_single=cost_at(curve.hull, peak),
            kind=kind_of(name),
            fair_gain=fair_gain[k],
            fair_lead=fair_lead[k] if k else None,
            metrics=metrics_of(study, held_out, name),
        )
        for k, (name, curve) in enumerate(zip(names, curves, strict=True))
    ]
