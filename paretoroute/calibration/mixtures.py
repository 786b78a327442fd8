"""Mixtures of two neighbouring choices on a cost-quality curve, at a given mean cost.

A curve is the line through vertices, each with a mean cost and a mean quality. Between two vertices stands their
mixture: calling the upper one for a share of the queries, drawn at random.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from paretoroute._arrays import Floats, Indices
from paretoroute.forecast import Forecast
from paretoroute.solver.frontier import frontier


@dataclass(frozen=True)
class Mixtures:
    """Mixtures of neighbouring vertices, one for each mean cost asked for.

    Args:
        below: position of the cheaper vertex, ``(costs,)``.
        above: position of the dearer vertex, ``(costs,)``.
        share: weight of the dearer vertex, in [0, 1], ``(costs,)``.
        slope: quality per USD between the two; 0 beyond the ends of the curve, ``(costs,)``.
    """

    below: Indices
    above: Indices
    share: Floats
    slope: Floats


def interpolate(costs: Floats, *, cost_usd: Floats, quality: Floats) -> Mixtures:
    """Locate mean costs on a curve; beyond its ends the end vertex stands.

    Args:
        costs: mean costs to reach, ``(costs,)``.
        cost_usd: mean cost of the vertices, not falling, ``(vertices,)``.
        quality: mean quality of the vertices, ``(vertices,)``.
    """
    below = np.clip(np.searchsorted(cost_usd, costs, side="right") - 1, 0, max(len(cost_usd) - 2, 0))
    above = np.minimum(below + 1, len(cost_usd) - 1)
    width = cost_usd[above] - cost_usd[below]
    divisor = np.where(width > 0, width, 1.0)
    share = np.clip((costs - cost_usd[below]) / divisor, 0.0, 1.0) * (width > 0)
    sloped = (width > 0) & (costs >= cost_usd[0]) & (costs <= cost_usd[-1])
    return Mixtures(below, above, share, np.where(sloped, (quality[above] - quality[below]) / divisor, 0.0))


def hull(quality: Floats, cost_usd: Floats) -> Indices:
    """Return the choices on the upper hull of mean cost and mean quality, cheapest first: ``(vertices,)``.

    Args:
        quality: mean quality of each choice, in [0, 1], ``(choices,)``.
        cost_usd: mean cost of each choice, ``(choices,)``.
    """
    line = frontier(Forecast(quality=quality[None], cost_usd=cost_usd[None]))
    return np.concatenate([line.start, line.steps.target[line.first[1:] - 1]])


def quality_at_equal_cost(paid_usd: Floats, *, quality: Floats, cost_usd: Floats) -> Floats:
    """Return each query's quality under the mixture that costs as much on average as was paid: ``(queries,)``.

    A query that was paid more for than the mixture pays is credited with what the excess buys along the curve. This
    leaves the mean unchanged and makes the spread across queries include the noise of cost (the delta method).

    Args:
        paid_usd: cost paid for each query, ``(queries,)``.
        quality: outcomes at the vertices, in the order of their mean cost, ``(queries, vertices)``.
        cost_usd: outcomes at the vertices, ``(queries, vertices)``.
    """
    mix = interpolate(np.array([paid_usd.mean()]), cost_usd=cost_usd.mean(0), quality=quality.mean(0))
    below, above, share, slope = mix.below[0], mix.above[0], mix.share[0], mix.slope[0]
    mixed_quality = (1 - share) * quality[:, below] + share * quality[:, above]
    mixed_cost = (1 - share) * cost_usd[:, below] + share * cost_usd[:, above]
    return mixed_quality + slope * (paid_usd - mixed_cost)
