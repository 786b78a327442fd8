"""Whether outcomes show that the logger knew more of a query than its features and labels tell.

If the logger saw no more than they do, a run's outcome does not depend on the propensity that was logged with it, given
the query and the point. With several policies in one log, for example, the propensity of a cell differs between them,
but not by what they knew. If the logger saw more, runs that it would rather not have made turn out otherwise than the
rest. For point j, let r and z be the residuals of quality and of the log propensity by least squares on the forecast of
quality from the query, common to all points, and on the estimated log propensity. Then

    t_j = sum_i r_i z_i / sqrt(sum_i (r_i z_i)^2)

is about standard normal, whatever the variance of the residuals (White, "A heteroskedasticity-consistent covariance
matrix estimator and a direct test for heteroskedasticity", Econometrica 48(4), 1980, doi:10.2307/1912934), and the sum
of the squares is chi-square distributed with one degree of freedom per point. Queries of one group share a term.
"""

from __future__ import annotations

import numpy as np
from scipy.stats import chi2

from paretoroute._arrays import Floats, Indices, evenly_spaced
from paretoroute.fitting.methods.logistic import Design
from paretoroute.fitting.methods.pooled_means import Cells, shared_effects
from paretoroute.fitting.partial_logs.propensities import Propensities

MOST_QUERIES = 10_000  # that the test reads
STRENGTH = 3.0  # of the penalty on what a query's features add to quality
LEAST_RUNS = 10  # of a point that is tested
LEAST_CHANCE = 1e-12  # keeps logarithms finite
LEAST_SPREAD = 1e-6  # standard deviation of residuals that are not rounding errors


def p_value(quality: Floats, propensities: Propensities, design: Design) -> float:
    """Return the p-value of the hypothesis that the logger knew no more than the features and labels tell.

    Args:
        quality: of the logged cells, NaN elsewhere, ``(queries, points)``.
        propensities: logged, with a model of the logger.
        design: features and labels of the queries.

    Returns:
        1 where nothing can be tested, as where a point's propensities do not differ beyond their estimate.
    """
    rows = evenly_spaced(len(quality), MOST_QUERIES)
    quality, design = quality[rows], design.take(rows)
    weight = np.where(np.isnan(quality), 0.0, (propensities.weight[rows] > 0).astype(np.float64))
    cells = Cells.of(np.nan_to_num(quality), weight)
    figures = np.hstack([design.features, design.labels.toarray()])
    figures = figures - figures.mean(axis=0)
    by_query = figures @ shared_effects(cells, figures, STRENGTH)
    where, groups = (rows[cells.query], cells.point), propensities.groups[rows]
    logged, estimated = (
        np.log(np.maximum(chance[where], LEAST_CHANCE)) for chance in (propensities.probability, propensities.reference)
    )
    squares = []
    for j in range(cells.points):
        own = np.flatnonzero(cells.point == j)
        if len(own) < LEAST_RUNS:
            continue
        known = np.column_stack([np.ones(len(own)), by_query[cells.query[own]], estimated[own]])
        outcome, choice = _residual(cells.value[own], known), _residual(logged[own], known)
        freedom = 1 - known.shape[1] / len(own)
        square = freedom * _score_square(outcome * choice, groups[cells.query[own]])
        if min(outcome.std(), choice.std()) > LEAST_SPREAD:
            squares.append(square)
    return float(chi2.sf(sum(squares), len(squares))) if squares else 1.0


def _residual(values: Floats, known: Floats) -> Floats:
    return values - known @ np.linalg.lstsq(known, values, rcond=None)[0]


def _score_square(terms: Floats, groups: Indices) -> float:
    """Return t^2 of a sum whose terms are independent between groups."""
    by_group = np.bincount(groups, terms)
    return float(terms.sum()) ** 2 / max(float(by_group @ by_group), 1e-300)
