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

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from paretoroute._arrays import Floats
from paretoroute.fitting.methods import latent_skills
from paretoroute.fitting.methods.latent_skills import DESCENT_RUNS, PRIOR_RUNS, Layout
from paretoroute.grid import BUDGET_KINDS, Point

FIT_QUERIES = 4096  # queries on which means and loadings are fitted; skills are inferred for all
MOST_TRIALS = 16.0  # beyond so many trials of a cell its own noise no longer matters


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
    rows = np.linspace(0, len(panel.scaled) - 1, min(len(panel.scaled), FIT_QUERIES)).astype(int)
    layout = _layout(panel.points, descent_runs=DESCENT_RUNS if panel.rising else 0.0)
    start = latent_skills.start(layout, seed)
    free = latent_skills.minimise(
        start, layout, panel.scaled[rows], panel.weight[rows], trials=float(panel.weight.sum())
    )
    return _Model(free.base(layout), latent_skills.skills(free, layout, panel.scaled, panel.weight), free.loading)


def _layout(points: Sequence[Point], *, descent_runs: float) -> Layout:
    model = np.unique([point.model for point in points], return_inverse=True)[1].astype(np.int64)
    steps = budget_steps(points)
    bends = [(a, b, d) for a, b in steps.tolist() for c, d in steps.tolist() if b == c]
    is_compute = np.array([points[j].budget.kind in BUDGET_KINDS for j, _ in steps.tolist()], bool)
    return Layout(model, steps, np.array(bends, np.int64).reshape(-1, 3), descent_runs * is_compute)
