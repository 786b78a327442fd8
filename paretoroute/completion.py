"""Means of every point, pooled over models and budgets, and a full matrix from a partly logged one. JAX and optax.

The model of one panel (quality, or log tokens) for query i and point j, over the cells that were logged:

    y_ij = b_j + u_i . v_j + noise of variance s^2 / n_ij
    u_i ~ N(0, I)                               what is special about the query: difficulty first
    b_j = c_m + d_j within model m, c_m ~ N(c, w^2)
    d along the budgets of a model: steps ~ N(0, t^2), second differences ~ N(0, t^2),
    and for quality a soft price on steps downward: more compute is *presumed* not to hurt

All priors are worth a handful of runs, so that data overrules them: on real logs more thinking sometimes does hurt.
Fitted by maximum a posteriori with Adam (Kingma and Ba, 2015). Probabilistic PCA with missing cells (Tipping and
Bishop, 1999) with pooled means.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from paretoroute.grid import Point

RANK = 4
STEPS = 400
PRIOR_RUNS = 4.0  # what one prior is worth, in runs
DESCENT_RUNS = 4.0  # what the presumption that more compute does not hurt is worth

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Completed:
    """A panel without holes.

    Args:
        base: pooled mean of every point, ``(points,)``.
        residual: logged cell, or its conditional mean where none was logged, minus ``base``: ``(queries, points)``.
    """

    base: Floats
    residual: Floats


def budget_steps(points: Sequence[Point]) -> NDArray[np.int64]:
    """List the neighbouring budgets within a model: ``(steps, 2)`` columns, less compute first.

    Budgets of different kinds are never compared, nor those without an order.
    """
    steps = []
    for j, (one, two) in enumerate(zip(points, points[1:], strict=False)):
        same = one.model == two.model and one.budget.kind == two.budget.kind
        if same and one.budget.order[0] < two.budget.order[0]:
            steps.append((j, j + 1))
    return np.array(steps, np.int64).reshape(-1, 2)


def complete(cells: Floats, count: Floats, points: Sequence[Point], *, rising: bool, seed: int) -> Completed:
    """Pool the points' means and fill the holes of one panel.

    Args:
        cells: logged means, ``(queries, points)``, NaN where nothing was logged.
        count: how many trials each rests on, ``(queries, points)``.
        points: the points, in canonical order.
        rising: whether more compute is presumed not to lower the figure (quality, tokens).
        seed: of the starting values.
    """
    known = count > 0
    trials = known.sum(0)
    total = max(int(known.sum()), 1)
    overall = float(np.nansum(cells) / total)
    spread = float(np.sqrt(np.nansum(np.where(known, cells - overall, 0) ** 2) / total)) or 1.0
    scaled = np.where(known, (np.nan_to_num(cells) - overall) / spread, 0.0)
    if known.all() and trials.min() >= 50 * PRIOR_RUNS:
        base = np.average(scaled, axis=0)
        return Completed(overall + spread * base, spread * (scaled - base))
    pooled, skill, loading = _fit(scaled, count, points, rising, seed)
    filled = np.where(known, scaled, pooled + skill @ loading.T)
    runs = known.sum(0)
    base = (runs * filled.mean(0) + PRIOR_RUNS * pooled) / (runs + PRIOR_RUNS)
    return Completed(overall + spread * base, spread * (filled - base))


def _fit(
    scaled: Floats, count: Floats, points: Sequence[Point], rising: bool, seed: int
) -> tuple[Floats, Floats, Floats]:
    import jax
    import jax.numpy as jnp
    import optax

    models, member = np.unique([point.model for point in points], return_inverse=True)
    steps: Any = budget_steps(points)
    bends: Any = np.array([(a, b, d) for a, b in steps for c, d in steps if b == c], np.int64).reshape(-1, 3)
    rank = min(RANK, len(points) - 1)
    values = jnp.asarray(scaled, jnp.float32)
    weight = jnp.asarray(np.minimum(count, 16.0), jnp.float32)
    start = jax.random.normal(jax.random.key(seed), (len(points), rank)) * 0.3
    free = {
        "model": jnp.zeros(len(models)),
        "budget": jnp.zeros(len(points)),
        "loading": start,
        "skill": jnp.zeros((len(scaled), rank)),
    }

    def base_of(free):
        return free["model"][member] + free["budget"]

    def loss(free):
        base = base_of(free)
        error = values - base - free["skill"] @ free["loading"].T
        fit = 0.5 * jnp.sum(weight * error**2)
        step = free["budget"][steps[:, 1]] - free["budget"][steps[:, 0]]
        bend = free["budget"][bends[:, 0]] - 2 * free["budget"][bends[:, 1]] + free["budget"][bends[:, 2]]
        prior = jnp.sum(free["model"] ** 2) + jnp.sum(free["budget"] ** 2) + jnp.sum(step**2) + jnp.sum(bend**2)
        fall = jnp.sum(jnp.minimum(step, 0.0) ** 2) if rising else 0.0
        low_rank = jnp.sum(free["skill"] ** 2) + PRIOR_RUNS * jnp.sum(free["loading"] ** 2)
        return fit + 0.5 * (PRIOR_RUNS * prior + DESCENT_RUNS * fall + low_rank)

    # Curvature differs by orders of magnitude between a point's mean and a query's skill; Adam scales each.
    optimiser = optax.adam(optax.cosine_decay_schedule(0.1, STEPS))

    @jax.jit
    def run(free):
        def step(carry, _):
            free, state = carry
            gradient = jax.grad(loss)(free)
            change, state = optimiser.update(gradient, state)
            return (optax.apply_updates(free, change), state), None

        (free, _), _ = jax.lax.scan(step, (free, optimiser.init(free)), None, length=STEPS)
        return base_of(free), free["skill"], free["loading"]

    base, skill, loading = run(free)
    return np.asarray(base, np.float64), np.asarray(skill, np.float64), np.asarray(loading, np.float64)
