"""Forecast one level of a model from its other levels: every candidate rule for the mean of a level.

A series holds the levels of one model and kind of budget. Compute is the logarithm of mean completion tokens; for the
hidden level it is itself forecast, by :func:`at_place`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from itertools import product

import jax
import jax.numpy as jnp
import numpy as np
import optax
from scipy.optimize import nnls

STEPS = 1500
RATE = 0.03


@dataclass(frozen=True)
class Series:
    """Levels of one model and kind, with rising compute.

    Args:
        kind: kind of budget.
        columns: of the levels among the points of the log, ``(levels,)``.
        amounts: their amounts, or their places on the scale of efforts, ``(levels,)``.
    """

    kind: str
    columns: np.ndarray
    amounts: np.ndarray


def neighbours(size: int, hidden: int) -> tuple[int, int]:
    """Return the two nearest other levels: on both sides, or the two that are nearest to an end."""
    if hidden == 0:
        return 1, 2
    return (hidden - 1, hidden + 1) if hidden < size - 1 else (size - 3, size - 2)


def on_line(places: np.ndarray, values: np.ndarray, hidden: int) -> float:
    """Return the value at the hidden level of the line through its two nearest neighbours."""
    a, b = neighbours(len(places), hidden)
    share = (places[hidden] - places[a]) / (places[b] - places[a])
    return float((1 - share) * values[a] + share * values[b])


def at_place(series: Series, values: np.ndarray, hidden: int) -> float:
    """Forecast tokens or cost: linear in the amount for votes and above amount 0, else a power of the amount."""
    a, b = neighbours(len(values), hidden)
    if series.kind != "effort" and (series.kind == "samples" or min(series.amounts[[a, hidden]]) == 0):
        line = on_line(series.amounts, values, hidden)
        return max(line, 0.2 * float(values[a if hidden == 0 else b]))
    places = series.amounts if series.kind == "effort" else np.log(np.maximum(series.amounts, 1e-9))
    return float(np.exp(on_line(places, np.log(values), hidden)))


def cost_by_prices(series: Series, prompts: np.ndarray, tokens: np.ndarray, cost: np.ndarray, hidden: int) -> float:
    """Forecast mean cost as the package does: both kinds of tokens, times prices fitted on the other levels."""
    prompt = on_line(np.maximum(series.amounts, 1.0) if series.kind == "samples" else series.amounts, prompts, hidden)
    others = np.arange(len(cost)) != hidden
    used = np.stack([prompts, tokens], 1)[others] / cost[others, None]
    prices, _ = nnls(used, np.ones(others.sum()))
    return float(prices @ [max(prompt, 0.0), at_place(series, tokens, hidden)])


@dataclass(frozen=True)
class Table:
    """All series of a log as padded arrays ``(series, levels)``.

    Args:
        place: compute, from 0 at the lowest level of each series.
        value: the figure that is modelled, in units of its typical range over a series.
        error: standard error of value.
        seen: which entries are levels with a value.
        kind: number of each series' kind, ``(series,)``.
    """

    place: np.ndarray
    value: np.ndarray
    error: np.ndarray
    seen: np.ndarray
    kind: np.ndarray


def curve(params: dict[str, jax.Array], kind: jax.Array, place: jax.Array) -> jax.Array:
    """Evaluate level + reach (1 - exp(-speed x)) - fall x for every series."""
    reach = (params["kind_reach"][kind] + params["reach"])[:, None]
    speed = jnp.exp(params["kind_speed"][kind] + params["speed"])[:, None]
    fall = (params["kind_fall"][kind] + params["fall"])[:, None]
    return params["level"][:, None] + reach * (1 - jnp.exp(-speed * place)) - fall * place


def _loss(params, place, value, error, seen, kind):
    miss = jnp.where(seen, (value - curve(params, kind, place)) / error, 0.0)
    pooled = (params["reach"] / 0.5) ** 2 + (params["speed"] / 0.5) ** 2 + (params["fall"] / 0.15) ** 2
    kinds = (params["kind_reach"] - 1) ** 2 + params["kind_speed"] ** 2 + (params["kind_fall"] / 0.3) ** 2
    return (miss**2).sum() + pooled.sum() + kinds.sum()


@partial(jax.jit, static_argnames="kinds")
def _fit_all(place, value, error, seen, kind, *, kinds: int):
    optimiser = optax.adam(RATE)

    def one(place, value, error, seen):
        count = jnp.maximum(seen.sum(1), 1)
        level = jnp.where(seen, value, 0).sum(1) / count - 0.5
        zeros = {name: jnp.zeros(len(kind)) for name in ("reach", "speed", "fall")}
        pooled = {"kind_reach": jnp.ones(kinds), "kind_speed": jnp.zeros(kinds), "kind_fall": jnp.zeros(kinds)}
        params = {"level": level, **zeros, **pooled}

        def step(carry, _):
            params, state = carry
            gradient = jax.grad(_loss)(params, place, value, error, seen, kind)
            update, state = optimiser.update(gradient, state)
            return (jax.tree.map(jnp.add, params, update), state), None

        (params, _), _ = jax.lax.scan(step, (params, optimiser.init(params)), None, length=STEPS)
        return curve(params, kind, place)

    return jax.vmap(one)(place, value, error, seen)


def saturating(tables: list[Table]) -> np.ndarray:
    """Fit the pooled saturating curve to tables of one shape at once: fitted values ``(tables, series, levels)``."""
    place, value, error, seen = (
        np.stack([getattr(t, name) for t in tables]) for name in ("place", "value", "error", "seen")
    )
    kind = tables[0].kind
    return np.asarray(_fit_all(place, value, error, seen, kind, kinds=int(kind.max()) + 1))


def gaussian_process(table: Table) -> np.ndarray:
    """Return fitted values ``(series, levels)``: a curve per kind and one per series, by marginal likelihood."""
    rows, cols = np.nonzero(np.isfinite(table.place))
    x, kind = table.place[rows, cols], table.kind[rows]
    seen = table.seen[rows, cols]
    y, noise = table.value[rows, cols][seen], table.error[rows, cols][seen] ** 2
    same, alike = rows[:, None] == rows, kind[:, None] == kind
    best = (-np.inf, np.zeros(len(x)))
    for pooled, own, length in product((0.3, 1.0, 3.0), (0.01, 0.05, 0.2, 0.5), (0.7, 1.5, 3.0)):
        shape = np.exp(-0.5 * ((x[:, None] - x) / length) ** 2) + 0.3 * np.outer(x, x)
        cov = 25.0 * same + 1.0 + alike * pooled * shape + same * own * shape
        factor = np.linalg.cholesky(cov[np.ix_(seen, seen)] + np.diag(noise))
        half = np.linalg.solve(factor, y - y.mean())
        evidence = -0.5 * half @ half - np.log(np.diag(factor)).sum()
        if evidence > best[0]:
            best = (evidence, y.mean() + cov[:, seen] @ np.linalg.solve(factor.T, half))
    fitted = np.zeros_like(table.value)
    fitted[rows, cols] = best[1]
    return fitted
