"""The low-rank model of matrix completion, fitted by maximum a posteriori. JAX and optax.

JAX compiles a program for every shape, which takes longer than to run it. Tables are therefore padded with queries and
points that were never logged, up to few different sizes: they have no part in the likelihood, and parameters that only
they read stay where they are or shrink by themselves. What depends on the grid is an argument of the program.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from paretoroute._arrays import Floats

STEPS = 500
LEARNING_RATE = 0.05
PRIOR_RUNS = 4.0  # weight of one prior, in runs
DESCENT_RUNS = 4.0  # weight of the presumption that more compute does not hurt, in runs
RANK = 4
LEAST_QUERIES, LEAST_POINTS = 256, 8  # of the padded tables
SIZES_PER_DOUBLING = 2


class Layout(NamedTuple):
    """What points share.

    Args:
        model: the model of every point, numbered from 0, ``(points,)``.
        steps: columns of neighbouring budgets, less compute first, ``(steps, 2)``.
        bends: columns of three neighbouring budgets, ``(bends, 3)``.
        descent_runs: weight of the presumption that the figure does not fall at each step, in runs, ``(steps,)``.
    """

    model: NDArray[np.int64]
    steps: NDArray[np.int64]
    bends: NDArray[np.int64]
    descent_runs: Floats

    def padded(self, points: int) -> Layout:
        """Pad to a number of points: those added have a model each to themselves; steps from a point to itself."""
        more = points - len(self.model)
        return Layout(
            np.concatenate([self.model, np.arange(more) + points - more]),
            _filled(self.steps, points),
            _filled(self.bends, points),
            _filled(self.descent_runs, points),
        )


@dataclass(frozen=True)
class Free:
    """The free parameters.

    Args:
        model: part of a point's mean that its model shares, ``(points,)`` by the number of the model.
        budget: its own part, ``(points,)``.
        loading: ``(points, rank)``.
        log_noise: log of the variance of one run.
    """

    model: Floats
    budget: Floats
    loading: Floats
    log_noise: float

    def base(self, layout: Layout) -> Floats:
        """Return the mean of every point, ``(points,)``."""
        return self.model[layout.model] + self.budget


def start(layout: Layout, seed: int) -> Free:
    """Return the starting values: zeros, and small random loadings of a rank below the number of points."""
    import jax

    points = len(layout.model)
    rank = min(RANK, points - 1)
    loading = np.zeros((points, RANK))  # a column of zeros has no gradient
    loading[:, :rank] = np.asarray(jax.random.normal(jax.random.key(seed), (points, rank))) * 0.3
    return Free(np.zeros(points), np.zeros(points), loading, 0.0)


def minimise(free: Free, layout: Layout, values: Floats, weight: Floats, *, trials: float) -> Free:
    """Minimise the negative log posterior by Adam.

    Args:
        free: starting values.
        layout: of the points.
        values: standardised, 0 in missing cells, ``(queries, points)``.
        weight: trials behind each, 0 in missing cells, ``(queries, points)``.
        trials: of the whole log, by which the loss is divided.
    """
    import jax.numpy as jnp

    queries, points = values.shape
    shape = (_roomy(queries, LEAST_QUERIES), _roomy(points, LEAST_POINTS))
    tables = [jnp.asarray(_filled(_filled(table.T, shape[1]).T, shape[0]), jnp.float32) for table in (values, weight)]
    names = ("model", "budget", "loading")
    parameters = {name: jnp.asarray(_filled(getattr(free, name), shape[1]), jnp.float32) for name in names}
    parameters["log_noise"] = jnp.asarray(free.log_noise, jnp.float32)
    fitted = _minimiser()(parameters, layout.padded(shape[1]), *tables, jnp.asarray(trials, jnp.float32))
    model, budget, loading = (np.asarray(fitted[name], np.float64)[:points] for name in names)
    return Free(model, budget, loading, float(fitted["log_noise"]))


def skills(free: Free, layout: Layout, values: Floats, weight: Floats) -> Floats:
    """Infer the posterior mean of the skills of queries, ``(queries, rank)``; arguments as in :func:`minimise`."""
    return np.asarray(_posterior(vars(free), layout, values, weight, np).skill)


def _filled(table: Any, size: int) -> Any:
    """Append zeros to a table, up to a number of rows."""
    return np.concatenate([table, np.zeros((size - len(table), *table.shape[1:]), table.dtype)])


def _roomy(size: int, least: int) -> int:
    """Return the least of the padded sizes that holds a table of some size."""
    if size <= least:
        return least
    doublings = math.ceil(SIZES_PER_DOUBLING * math.log2(size / least) - 1e-9)
    return math.ceil(least * 2 ** (doublings / SIZES_PER_DOUBLING) - 1e-9)


class _Posterior(NamedTuple):
    """The posterior of the skills of some queries, and its parts.

    Args:
        precision: of every cell, 0 where missing, ``(queries, points)``.
        error: cell minus base, 0 where missing, ``(queries, points)``.
        pull: V'Wr, ``(queries, rank)``.
        spread: M, ``(queries, rank, rank)``.
        skill: posterior mean, ``(queries, rank)``.
    """

    precision: Any
    error: Any
    pull: Any
    spread: Any
    skill: Any


def _posterior(free: dict[str, Any], layout: Layout, values: Any, weight: Any, xp: Any) -> _Posterior:
    """Compute the posterior by NumPy or JAX, passed as ``xp``."""
    precision = weight * xp.exp(-free["log_noise"])
    error = xp.where(weight > 0, values - (free["model"][layout.model] + free["budget"]), 0.0)
    loading = free["loading"]
    pull = (precision * error) @ loading
    spread = xp.eye(loading.shape[1]) + xp.einsum("qp,pa,pb->qab", precision, loading, loading)
    return _Posterior(precision, error, pull, spread, xp.linalg.solve(spread, pull[..., None])[..., 0])


def _loss(free: dict[str, Any], layout: Layout, values: Any, weight: Any, trials: Any) -> Any:
    """Compute the negative log posterior per trial."""
    import jax.numpy as jnp

    own = _posterior(free, layout, values, weight, jnp)
    fit = jnp.sum(own.precision * own.error**2) - jnp.sum(own.pull * own.skill)
    fit += jnp.sum(jnp.linalg.slogdet(own.spread)[1])
    fit += jnp.sum(weight > 0) * free["log_noise"]
    budget = free["budget"]
    step = budget[layout.steps[:, 1]] - budget[layout.steps[:, 0]]
    bend = budget[layout.bends[:, 0]] - 2 * budget[layout.bends[:, 1]] + budget[layout.bends[:, 2]]
    prior = jnp.sum(free["model"] ** 2) + jnp.sum(budget**2) + jnp.sum(step**2) + jnp.sum(bend**2)
    fall = jnp.sum(layout.descent_runs * jnp.minimum(step, 0.0) ** 2)
    low_rank = PRIOR_RUNS * jnp.sum(free["loading"] ** 2)
    return 0.5 * (fit + PRIOR_RUNS * prior + fall + low_rank) / trials


@lru_cache(maxsize=1)
def _minimiser() -> Any:
    """Return a minimiser of the loss by Adam with a cosine schedule, in one loop; kept, as JAX keeps its programs."""
    import jax
    import optax

    optimiser = optax.adam(optax.cosine_decay_schedule(LEARNING_RATE, STEPS))
    gradient = jax.grad(_loss)

    @jax.jit
    def run(free: dict[str, Any], layout: Layout, values: Any, weight: Any, trials: Any) -> dict[str, Any]:
        def step(carry: Any, _: None) -> tuple[Any, None]:
            free, state = carry
            change, state = optimiser.update(gradient(free, layout, values, weight, trials), state)
            return (optax.apply_updates(free, change), state), None

        (free, _), _ = jax.lax.scan(step, (free, optimiser.init(free)), None, length=STEPS)
        return free

    return run
