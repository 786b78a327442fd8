"""Means of every point, pooled over models and budgets, and a full matrix from a partly logged one. JAX and optax.

The model of one panel (quality, or log tokens) for query i and point j, over the cells that were logged:

    y_ij = b_j + u_i . v_j + noise of variance s^2 / n_ij
    u_i ~ N(0, I)                               what is special about the query: difficulty first
    b_j = c_m + d_j within model m, c_m ~ N(c, w^2)
    d along the budgets of a model: steps ~ N(0, t^2), second differences ~ N(0, t^2),
    and for quality a soft price on steps downward: more compute is *presumed* not to hurt

All priors are worth a handful of runs, so that data overrules them: on real logs more thinking sometimes does hurt.
This is probabilistic PCA (Tipping and Bishop, 1999) with missing cells and pooled means. The u_i are integrated out;
the rest is fitted by maximum a posteriori with Adam (Kingma and Ba, 2015).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from paretoroute._arrays import Floats
from paretoroute.grid import Point

RANK = 4
STEPS = 500
FIT_QUERIES = 4096  # the means and loadings are fitted on so many queries; the skills are found for all
MOST_TRIALS = 16.0  # beyond so many trials of a cell its own noise is no longer what matters
PRIOR_RUNS = 4.0  # what one prior is worth, in runs
DESCENT_RUNS = 4.0  # what the presumption that more compute does not hurt is worth


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
    """Find base ``(points,)``, the queries' skills ``(queries, rank)`` and the loadings ``(points, rank)``.

    With W_i = diag(n_ij) / s^2 over the logged cells, r_i = y_i - b and M_i = I + V'W_iV, the skills' posterior mean is
    M_i^-1 V'W_i r_i, and the skills integrate out to (Woodbury)
    -2 log p(y_i) = r'Wr - (V'Wr)' M^-1 (V'Wr) + log det M - log det W + const.
    """
    import jax
    import jax.numpy as jnp
    import optax

    models, member = np.unique([point.model for point in points], return_inverse=True)
    steps: Any = budget_steps(points)
    bends: Any = np.array([(a, b, d) for a, b in steps for c, d in steps if b == c], np.int64).reshape(-1, 3)
    rank = min(RANK, len(points) - 1)
    weight = np.minimum(count, MOST_TRIALS)
    cells = jnp.asarray(weight.sum())
    free = {
        "model": jnp.zeros(len(models)),
        "budget": jnp.zeros(len(points)),
        "loading": jax.random.normal(jax.random.key(seed), (len(points), rank)) * 0.3,
        "log_noise": jnp.zeros(()),
    }

    def base_of(free):
        return free["model"][member] + free["budget"]

    def posterior(free, values, weight):
        precision = weight * jnp.exp(-free["log_noise"])
        error = jnp.where(weight > 0, values - base_of(free), 0.0)
        loading = free["loading"]
        pull = (precision * error) @ loading
        spread = jnp.eye(rank) + jnp.einsum("qp,pa,pb->qab", precision, loading, loading)
        return precision, error, pull, spread, jnp.linalg.solve(spread, pull[..., None])[..., 0]

    def loss(free, values, weight):
        precision, error, pull, spread, skill = posterior(free, values, weight)
        fit = jnp.sum(precision * error**2) - jnp.sum(pull * skill) + jnp.sum(jnp.linalg.slogdet(spread)[1])
        fit += cells_in(weight) * free["log_noise"]
        step = free["budget"][steps[:, 1]] - free["budget"][steps[:, 0]]
        bend = free["budget"][bends[:, 0]] - 2 * free["budget"][bends[:, 1]] + free["budget"][bends[:, 2]]
        prior = jnp.sum(free["model"] ** 2) + jnp.sum(free["budget"] ** 2) + jnp.sum(step**2) + jnp.sum(bend**2)
        fall = jnp.sum(jnp.minimum(step, 0.0) ** 2) if rising else 0.0
        low_rank = PRIOR_RUNS * jnp.sum(free["loading"] ** 2)
        return 0.5 * (fit + PRIOR_RUNS * prior + DESCENT_RUNS * fall + low_rank) / cells

    def cells_in(weight):
        return jnp.sum(weight > 0)

    optimiser = optax.adam(optax.cosine_decay_schedule(0.05, STEPS))

    @jax.jit
    def run(free, values, weight):
        def step(carry, _):
            free, state = carry
            change, state = optimiser.update(jax.grad(loss)(free, values, weight), state)
            return (optax.apply_updates(free, change), state), None

        (free, _), _ = jax.lax.scan(step, (free, optimiser.init(free)), None, length=STEPS)
        return free

    some = np.linspace(0, len(scaled) - 1, min(len(scaled), FIT_QUERIES)).astype(int)
    found = run(free, jnp.asarray(scaled[some], jnp.float32), jnp.asarray(weight[some], jnp.float32))
    skills = [
        np.asarray(posterior(found, jnp.asarray(scaled[part], jnp.float32), jnp.asarray(weight[part], jnp.float32))[4])
        for part in (slice(start, start + FIT_QUERIES) for start in range(0, len(scaled), FIT_QUERIES))
    ]
    base, loading = np.asarray(base_of(found), np.float64), np.asarray(found["loading"], np.float64)
    return base, np.concatenate(skills).astype(np.float64), loading
