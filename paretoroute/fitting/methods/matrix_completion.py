"""Matrix completion: pooled means of every point, and a full panel from a partly logged one. JAX and optax.

The model of one panel (quality, or log tokens) for query i and point j, over the logged cells:

    y_ij = b_j + u_i . v_j + noise of variance s^2 / n_ij
    u_i ~ N(0, I)                               latent skills of the query: difficulty first
    b_j = c_m + d_j within model m, c_m ~ N(c, w^2)
    d along the budgets of a model: steps ~ N(0, t^2), second differences ~ N(0, t^2),
    and for quality a soft penalty on steps downward: more compute is *presumed* not to hurt

All priors are worth a handful of runs, so that data overrule them: on real logs more thinking sometimes does hurt.
This is probabilistic PCA (Tipping and Bishop, 1999) with missing cells and pooled means. The u_i are integrated out;
the rest is fitted by maximum a posteriori with Adam (Kingma and Ba, 2015).

With W_i = diag(n_ij) / s^2 over the logged cells, r_i = y_i - b and M_i = I + V'W_iV, the skills' posterior mean is
M_i^-1 V'W_i r_i, and the skills integrate out to (Woodbury)
-2 log p(y_i) = r'Wr - (V'Wr)' M^-1 (V'Wr) + log det M - log det W + const.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from paretoroute._arrays import Floats
from paretoroute.grid import BUDGET_KINDS, Point

RANK = 4
STEPS = 500
LEARNING_RATE = 0.05
FIT_QUERIES = 4096  # queries on which means and loadings are fitted; skills are inferred for all
MOST_TRIALS = 16.0  # beyond so many trials of a cell its own noise no longer matters
PRIOR_RUNS = 4.0  # weight of one prior, in runs
DESCENT_RUNS = 4.0  # weight of the presumption that more compute does not hurt, in runs


@dataclass(frozen=True)
class Completed:
    """A panel without missing cells.

    Args:
        base: pooled mean of every point, ``(points,)``.
        residual: logged cell, or its conditional mean where it is missing, minus ``base``: ``(queries, points)``.
    """

    base: Floats
    residual: Floats


def budget_steps(points: Sequence[Point]) -> NDArray[np.int64]:
    """List the neighbouring budgets within a model: ``(steps, 2)`` columns, less compute first.

    Budgets of different kinds are never compared, nor labels without an order.
    """
    steps: list[tuple[int, int]] = []
    for j, (one, two) in enumerate(zip(points, points[1:], strict=False)):
        if one.model == two.model and one.budget.is_below(two.budget):
            steps.append((j, j + 1))
    return np.array(steps, np.int64).reshape(-1, 2)


def complete(cells: Floats, count: Floats, points: Sequence[Point], *, rising: bool, seed: int) -> Completed:
    """Pool the points' means and complete one panel.

    Args:
        cells: logged means, ``(queries, points)``, NaN in missing cells.
        count: number of trials behind each, ``(queries, points)``.
        points: the points, in canonical order.
        rising: whether more compute is presumed not to lower the figure (quality, tokens). More of a budget of a kind
            that is not one of ``BUDGET_KINDS`` (a temperature, the rank of a strategy) may be less compute: nothing
            is presumed there.
        seed: of the starting values.
    """
    is_logged = count > 0
    queries = is_logged.sum(0)
    total = max(int(is_logged.sum()), 1)
    overall = float(np.nansum(cells) / total)
    spread = float(np.sqrt(np.nansum(np.where(is_logged, cells - overall, 0) ** 2) / total)) or 1.0
    scaled = np.where(is_logged, (np.nan_to_num(cells) - overall) / spread, 0.0)
    if is_logged.all() and queries.min() >= 50 * PRIOR_RUNS:
        base = np.average(scaled, axis=0)
        return Completed(overall + spread * base, spread * (scaled - base))
    model = _fit(_Panel(scaled, np.minimum(count, MOST_TRIALS), points, rising), seed)
    filled = np.where(is_logged, scaled, model.base + model.skills @ model.loadings.T)
    base = (queries * filled.mean(0) + PRIOR_RUNS * model.base) / (queries + PRIOR_RUNS)
    return Completed(overall + spread * base, spread * (filled - base))


@dataclass(frozen=True)
class _Panel:
    """A panel to complete.

    Args:
        scaled: logged means, standardised, 0 in missing cells, ``(queries, points)``.
        weight: trials behind each, at most 16, 0 in missing cells, ``(queries, points)``.
        points: the points.
        rising: whether a fall with more compute is penalised.
    """

    scaled: Floats
    weight: Floats
    points: Sequence[Point]
    rising: bool


@dataclass(frozen=True)
class _Model:
    """A fitted low-rank model.

    Args:
        base: ``(points,)``.
        skills: ``(queries, rank)``.
        loadings: ``(points, rank)``.
    """

    base: Floats
    skills: Floats
    loadings: Floats


def _fit(panel: _Panel, seed: int) -> _Model:
    """Fit the model on up to 4,096 queries, evenly spaced, and infer the skills of all."""
    import jax.numpy as jnp

    layout = _layout(panel.points)
    rows = np.linspace(0, len(panel.scaled) - 1, min(len(panel.scaled), FIT_QUERIES)).astype(int)
    values, weight = (jnp.asarray(table[rows], jnp.float32) for table in (panel.scaled, panel.weight))
    minimise = _minimiser(layout, rising=panel.rising and bool(layout.steps))
    free = minimise(_start(panel.points, layout, seed), values, weight, jnp.asarray(panel.weight.sum()))
    skills: list[Any] = []
    for start in range(0, len(panel.scaled), FIT_QUERIES):
        part = slice(start, start + FIT_QUERIES)
        values, weight = (jnp.asarray(table[part], jnp.float32) for table in (panel.scaled, panel.weight))
        skills.append(np.asarray(_posterior(free, layout, values, weight).skill))
    return _Model(
        base=np.asarray(_base(free, layout), np.float64),
        skills=np.concatenate(skills).astype(np.float64),
        loadings=np.asarray(free["loading"], np.float64),
    )


class _Layout(NamedTuple):
    """The parameters that points share; hashable, since a program is compiled for each layout.

    Args:
        model: the model of every point.
        steps: columns of neighbouring budgets.
        is_compute: whether more of the budget is more compute, for each step.
        bends: columns of three neighbouring budgets.
    """

    model: tuple[int, ...]
    steps: tuple[tuple[int, ...], ...]
    is_compute: tuple[bool, ...]
    bends: tuple[tuple[int, ...], ...]


def _layout(points: Sequence[Point]) -> _Layout:
    model = np.unique([point.model for point in points], return_inverse=True)[1]
    steps = [tuple(step) for step in budget_steps(points).tolist()]
    bends = [(a, b, d) for a, b in steps for c, d in steps if b == c]
    is_compute = [points[j].budget.kind in BUDGET_KINDS for j, _ in steps]
    return _Layout(tuple(model.tolist()), tuple(steps), tuple(is_compute), tuple(bends))


def _start(points: Sequence[Point], layout: _Layout, seed: int) -> dict[str, Any]:
    """Return the starting values of the free parameters."""
    import jax
    import jax.numpy as jnp

    rank = min(RANK, len(points) - 1)
    return {
        "model": jnp.zeros(max(layout.model) + 1),
        "budget": jnp.zeros(len(points)),
        "loading": jax.random.normal(jax.random.key(seed), (len(points), rank)) * 0.3,
        "log_noise": jnp.zeros(()),
    }


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


def _base(free: dict[str, Any], layout: _Layout) -> Any:
    return free["model"][np.array(layout.model)] + free["budget"]


def _posterior(free: dict[str, Any], layout: _Layout, values: Any, weight: Any) -> _Posterior:
    import jax.numpy as jnp

    precision = weight * jnp.exp(-free["log_noise"])
    error = jnp.where(weight > 0, values - _base(free, layout), 0.0)
    loading = free["loading"]
    pull = (precision * error) @ loading
    spread = jnp.eye(loading.shape[1]) + jnp.einsum("qp,pa,pb->qab", precision, loading, loading)
    return _Posterior(precision, error, pull, spread, jnp.linalg.solve(spread, pull[..., None])[..., 0])


def _loss(layout: _Layout, *, rising: bool) -> Callable[[dict[str, Any], Any, Any, Any], Any]:
    """Return the negative log posterior per trial, a function of parameters, values, weights and number of trials."""
    import jax.numpy as jnp

    steps, bends = np.array(layout.steps, int).reshape(-1, 2), np.array(layout.bends, int).reshape(-1, 3)
    is_compute = np.array(layout.is_compute, bool)

    def loss(free: dict[str, Any], values: Any, weight: Any, trials: Any) -> Any:
        own = _posterior(free, layout, values, weight)
        fit = jnp.sum(own.precision * own.error**2) - jnp.sum(own.pull * own.skill)
        fit += jnp.sum(jnp.linalg.slogdet(own.spread)[1])
        fit += jnp.sum(weight > 0) * free["log_noise"]
        step = free["budget"][steps[:, 1]] - free["budget"][steps[:, 0]]
        bend = free["budget"][bends[:, 0]] - 2 * free["budget"][bends[:, 1]] + free["budget"][bends[:, 2]]
        prior = jnp.sum(free["model"] ** 2) + jnp.sum(free["budget"] ** 2) + jnp.sum(step**2) + jnp.sum(bend**2)
        presumed = step if is_compute.all() else step[is_compute]
        fall = jnp.sum(jnp.minimum(presumed, 0.0) ** 2) if rising else 0.0
        low_rank = PRIOR_RUNS * jnp.sum(free["loading"] ** 2)
        return 0.5 * (fit + PRIOR_RUNS * prior + DESCENT_RUNS * fall + low_rank) / trials

    return loss


@lru_cache(maxsize=8)
def _minimiser(layout: _Layout, *, rising: bool) -> Callable[[dict[str, Any], Any, Any, Any], dict[str, Any]]:
    """Return a minimiser of the loss by Adam with a cosine schedule, in one loop.

    It is kept: JAX compiles it once for all panels of one shape, and compilation takes most of a small fit.
    """
    import jax
    import optax

    optimiser = optax.adam(optax.cosine_decay_schedule(LEARNING_RATE, STEPS))
    gradient = jax.grad(_loss(layout, rising=rising))

    @jax.jit
    def run(free: dict[str, Any], values: Any, weight: Any, trials: Any) -> dict[str, Any]:
        def step(carry: Any, _: None) -> tuple[Any, None]:
            free, state = carry
            change, state = optimiser.update(gradient(free, values, weight, trials), state)
            return (optax.apply_updates(free, change), state), None

        (free, _), _ = jax.lax.scan(step, (free, optimiser.init(free)), None, length=STEPS)
        return free

    return run
