"""How much to trust each head for each component of a panel: stacking with pooled weights. JAX and optax.

A panel's residuals are written in an orthonormal basis V (points, components). Each head h forecasts component k of
query i out of fold, s_hik. The forecast is

    y_ij = b_j + sum_k V_jk sum_h w_hk s_hik,      w >= 0,

and the weights minimise the squared error of the logged cells (Brier, 1950: proper for probabilities) plus
tau_k sum_h (w_hk - w_h)^2, where w_h are the weights that all components but the first share. The first component is
difficulty as such; it moves all points alike and so decides little, and its weights do not fit the others.
Stacking: Wolpert, 1992; non-negative weights: Breiman, 1996.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

POOL_QUERIES = 100.0  # the shared weights count as so many queries
STEPS = 600

Floats = NDArray[np.float64]


def stack(forecasts: Floats, targets: Floats, query_weight: Floats, fold: NDArray[np.int64], folds: int) -> Floats:
    """Find the heads' weights for all queries and, for each fold, without it.

    Args:
        forecasts: out-of-fold forecasts, ``(heads, queries, components)``.
        targets: what they should have been, ``(queries, components)``.
        query_weight: how much is known of each query, ``(queries,)``.
        fold: fold of each query, ``(queries,)``.
        folds: how many there are.

    Returns:
        Weights ``(folds + 1, heads, components)``: entry f leaves out fold f, the last leaves out none.
    """
    import jax
    import jax.numpy as jnp

    heads, _, components = forecasts.shape
    gram = np.zeros((folds, components, heads, heads))
    cross = np.zeros((folds, components, heads))
    for f in range(folds):
        inside = fold == f
        part = forecasts[:, inside] * np.sqrt(query_weight[inside])[None, :, None]
        goal = targets[inside] * np.sqrt(query_weight[inside])[:, None]
        gram[f] = np.einsum("hik,gik->khg", part, part)
        cross[f] = np.einsum("hik,ik->kh", part, goal)
    size = np.array([query_weight[fold == f].sum() for f in range(folds)])
    grams = np.concatenate([gram.sum(0) - gram, gram.sum(0)[None]])
    crosses = np.concatenate([cross.sum(0) - cross, cross.sum(0)[None]])
    sizes = np.append(size.sum() - size, size.sum())
    with jax.enable_x64(True):
        solved = _solver()(jnp.asarray(grams), jnp.asarray(crosses), jnp.asarray(sizes))
        return np.asarray(solved).transpose(0, 2, 1)


def cross_fitted(forecasts: Floats, weights: Floats, fold: NDArray[np.int64]) -> Floats:
    """Mix every query's forecasts by the weights that were found without its fold: ``(queries, components)``.

    Args:
        forecasts: out of fold, ``(heads, queries, components)``.
        weights: as :func:`stack` gives them, ``(folds + 1, heads, components)``.
        fold: fold of each query, ``(queries,)``.
    """
    mixed = np.zeros(forecasts.shape[1:])
    for f in range(len(weights) - 1):
        inside = fold == f
        mixed[inside] = np.einsum("hik,hk->ik", forecasts[:, inside], weights[f])
    return mixed


@cache
def _solver():
    """Compile once for all panels of the same shape."""
    import jax

    return jax.jit(jax.vmap(_pooled))


def _pooled(gram, cross, size):
    """Weights of one training set, ``(components, heads)``, from grams ``(components, heads, heads)``."""
    import jax.numpy as jnp

    heads = gram.shape[-1]
    rest = slice(1, None) if gram.shape[0] > 1 else slice(None)
    shared = _minimise(gram[rest].sum(0)[None], cross[rest].sum(0)[None])[0]
    head_scale = jnp.trace(gram, axis1=1, axis2=2) / jnp.maximum(size * heads, 1e-12)
    pull = POOL_QUERIES * head_scale
    return _minimise(gram + pull[:, None, None] * jnp.eye(heads), cross + pull[:, None] * shared)


def _minimise(gram, cross):
    """Minimise w'Gw / 2 - g'w over w >= 0 by accelerated projected gradients (Beck and Teboulle, 2009)."""
    import jax
    import jax.numpy as jnp
    import optax

    step = 1.0 / jnp.maximum(jnp.trace(gram, axis1=1, axis2=2), 1e-12)[:, None]

    def advance(state, _):
        now, ahead, momentum = state
        gradient = jnp.einsum("khg,kg->kh", gram, ahead) - cross
        new = optax.projections.projection_non_negative(ahead - step * gradient)
        faster = 0.5 * (1 + jnp.sqrt(1 + 4 * momentum**2))
        return (new, new + (momentum - 1) / faster * (new - now), faster), None

    start = jnp.zeros_like(cross)
    (found, _, _), _ = jax.lax.scan(advance, (start, start, jnp.ones(())), None, length=STEPS)
    return found
