"""Estimated chances in place of logged ones, where logged ones leave too few effective runs.

Logged propensities are right, and may be useless. Where a logger sends nearly all hard queries to strong points, the
few runs of hard queries at weak points decide their means, with weights of hundreds. Where the log was written by
several policies, one after the other, a point that one of them hardly ever called counts by these few runs, as if the
thousands of runs by the others told nothing; and at queries for which some of them had no chance to call it, 1/p is
too small on average. Chances estimated from the query depend on it alone. They are those of all policies together,
the weights of least variance for such a log (the balance heuristic: Veach and Guibas, "Optimally combining sampling
techniques for Monte Carlo rendering", SIGGRAPH 1995, doi:10.1145/218380.218498; Agarwal, Basu, Schnabel and Joachims,
"Effective evaluation using logged bandit feedback from multiple loggers", KDD 2017, doi:10.1145/3097983.3098155), and
even for one logger they balance queries better than its own (Hirano, Imbens and Ridder, "Efficient estimation of
average treatment effects using the estimated propensity score", Econometrica 71(4), 2003,
doi:10.1111/1468-0262.00442).

Where the query does not forecast the choice, the shares of the points stand in for them.

They are wrong if the logger knew of a query what features and labels do not tell. They are taken if the outcomes show
no sign of that (:mod:`~paretoroute.fitting.partial_logs.hidden_choice`), and if they leave at least twice as many
effective runs of a point (Kish, 1965; at the queries where the log supports it; geometric mean over the runs).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from paretoroute._arrays import Floats
from paretoroute.fitting.methods.logistic import Design
from paretoroute.fitting.partial_logs import hidden_choice
from paretoroute.fitting.partial_logs.propensities import Propensities

LEAST_GAIN = 2.0  # factor by which estimated chances must leave more effective runs of a point
LEVEL = 0.01  # of the test whether the logger knew more


def with_more_effective_runs(propensities: Propensities, quality: Floats, design: Design) -> Propensities:
    """Return the propensities, or estimated ones in place of logged ones if these leave far fewer effective runs.

    Args:
        propensities: of a log. Only logged ones that differ between the runs of a point are ever replaced.
        quality: of the logged cells, NaN elsewhere, ``(queries, points)``.
        design: features and labels of the queries.
    """
    if propensities.source != "logged" or not propensities.looks:
        return propensities
    other = with_estimated(propensities)
    is_supported = other.reference >= propensities.policy.least_chance if other.looks else other.weight > 0
    logged, estimated = (_effective(np.where(is_supported, one.weight, 0.0)) for one in (propensities, other))
    runs = np.where(is_supported, other.weight * other.probability, 0.0).sum(axis=0)
    if not runs.any() or _mean_factor(estimated, logged, runs) < LEAST_GAIN:
        return propensities
    if hidden_choice.p_value(quality, propensities, design) < LEVEL:
        return propensities
    by = "those estimated from the query's text, tag, tenant and step" if other.looks else "the shares of the points"
    text = (
        f"the logged propensities leave {np.median(logged[runs > 0]):.0f} effective runs of a point in the median, and "
        f"{by} {np.median(estimated[runs > 0]):.0f}: the {'estimated ones' if other.looks else 'shares'} are used"
    )
    return replace(other, findings=(*propensities.findings, text))


def with_estimated(propensities: Propensities) -> Propensities:
    """Return estimated propensities, or shares if the model does not forecast the choice, in place of logged ones."""
    target = propensities.weight * propensities.probability
    share = target.mean(axis=0)
    probability = propensities.reference if propensities.is_forecast else np.tile(share, (len(target), 1))
    return replace(
        propensities,
        source="estimated" if propensities.is_forecast else "marginal",
        looks=propensities.is_forecast,
        probability=probability,
        weight=np.divide(target, probability, out=np.zeros_like(target), where=target > 0),
        replaces_logged=True,
    )


def _effective(weight: Floats) -> Floats:
    """Return the effective number of runs of every point, ``(points,)``."""
    square = (weight**2).sum(axis=0)
    return np.divide(weight.sum(axis=0) ** 2, square, out=np.zeros_like(square), where=square > 0)


def _mean_factor(more: Floats, fewer: Floats, runs: Floats) -> float:
    """Return the mean over the runs of the factors between two effective numbers of their point, none below 1 run."""
    return float(np.exp(np.average(np.log(np.maximum(more, 1.0) / np.maximum(fewer, 1.0)), weights=runs)))
