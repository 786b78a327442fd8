"""A second level of stacking: forecasts of tokens and quality as inputs to quality.

Tokens are logged with little noise and indicate how hard a query is, while quality is a coin flip or two. So the
forecast components of tokens help to forecast those of quality, and so do the leading components of quality itself,
since the shrinkage of the first level is not optimal for the small components that decide between points. With z_i the
first level's components of both panels at query i and s_i those of quality, the second level forecasts

    t_ik = g_k s_ik + sum_r h_rk (c_rk + z_i . D_rk),      g, h >= 0,

D_r being ridge regressions of the components on z at several strengths, and g, h stacked like the heads of the first
level: by what they forecast out of fold, pooled over components. Forecasting responses from one another's forecasts:
Breiman and Friedman, "Predicting multivariate responses in multiple linear regression", JRSS B 59(1), 1997. A stack
upon a stack: Wolpert, 1992.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from paretoroute._arrays import Floats
from paretoroute.fitting.methods import ridge, stacking
from paretoroute.surface.panel import SecondLevel

STRENGTHS = (30.0, 300.0, 3000.0)  # in numbers of queries, of inputs with variance 1


@dataclass(frozen=True)
class SecondLevelFit:
    """A fitted second level.

    Args:
        level: its coefficients.
        components: its out-of-fold forecasts, ``(queries, components)``.
    """

    level: SecondLevel
    components: Floats


def fit(
    inputs: Floats, own: Floats, targets: Floats, *, query_weight: Floats, fold: NDArray[np.int64], folds: int
) -> SecondLevelFit:
    """Fit the second level of one panel.

    Args:
        inputs: out-of-fold forecast components of all panels that are read, ``(queries, inputs)``.
        own: out-of-fold forecasts of the panel's components, ``(queries, components)``.
        targets: components to forecast, ``(queries, components)``.
        query_weight: share of the points that were logged of each query, ``(queries,)``.
        fold: fold of each query, ``(queries,)``.
        folds: number of folds.
    """
    scale = inputs.std(0)
    scale = np.where(scale > 1e-12, scale, np.inf)  # a constant input carries no information
    standard = inputs / scale
    whole = ridge.moments(standard, targets)
    heads = np.zeros((1 + len(STRENGTHS), *targets.shape))
    heads[0] = own
    for f in range(folds):
        inside = fold == f
        if inside.all():  # all queries are of one group, and nothing is left to fit on: the forecasts stay 0
            continue
        slopes, intercepts = ridge.coefficients(whole - ridge.moments(standard[inside], targets[inside]), STRENGTHS)
        heads[1:, inside] = np.einsum("if,sfk->sik", standard[inside], slopes) + intercepts[:, None]
    weights = stacking.stack(heads, targets, query_weight, fold, folds=folds)
    slopes, intercepts = ridge.coefficients(whole, STRENGTHS)
    keep, mix = weights[-1, 0], weights[-1, 1:]
    level = SecondLevel(
        keep=keep,
        cross=np.einsum("sfk,sk->fk", slopes, mix) / scale[:, None],
        shift=np.einsum("sk,sk->k", intercepts, mix),
    )
    return SecondLevelFit(level, stacking.cross_fitted(heads, weights, fold))
