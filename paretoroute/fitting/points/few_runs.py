"""Out-of-fold forecasts of points with few runs, such as a model that was added to a long log.

The cells of such a point are imputed from its runs, and heads learn them: forecasts of a query without its own cells
would still know its run from what was imputed to its neighbours. So every fold of queries is forecast as if the point
had not been called for it: its cells are imputed anew without the fold, and learnt by the same heads. Queries with
and without a run are then forecast alike. Otherwise a policy would call the point more often, or less, where it was
logged, and what was logged there would not stand for the rest.
"""

from __future__ import annotations

import numpy as np

from paretoroute._arrays import Floats
from paretoroute.fitting.draft import heads_left_out
from paretoroute.fitting.logged_panels import LoggedPanel
from paretoroute.fitting.methods import gaussian_process
from paretoroute.fitting.methods.matrix_completion import Completed
from paretoroute.fitting.sample import Sample


def left_out(logged: LoggedPanel, completed: Completed, basis: Floats, weights: Floats, sample: Sample) -> Floats:
    """Forecast points with few runs, ``(sample, points)``; NaN at all others.

    Args:
        logged: the panel.
        completed: by the low-rank model.
        basis: of the components, ``(points, components)``.
        weights: of the heads, without each fold and by all, ``(folds + 1, heads, components)``.
        sample: the queries.
    """
    forecast = np.full((len(sample.rows), len(basis)), np.nan)
    few = gaussian_process.with_few_runs(logged.count)
    if not few.any():
        return forecast
    for k in np.unique(sample.fold):
        inside = np.flatnonzero(sample.fold == k)
        is_kept = ~np.isin(sample.group, sample.group[sample.rows[inside]])
        count = np.where(is_kept[:, None] | ~few, logged.count, 0.0)
        filled = gaussian_process.fill(completed, logged.values, count, sample.all_features, few=few)
        heads = heads_left_out(sample, filled.residual @ basis, inside)
        components = np.einsum("hik,hk->ik", heads, weights[k])
        forecast[np.ix_(inside, few)] = filled.base[few] + components @ basis[few].T
    return forecast
