"""Check a mixture of choices by plain loops."""

from __future__ import annotations

import numpy as np

TAGS = ("code", "maths", "talk")


def sums(forecast, rows, mixture):
    """Every row's sum, and the share of every point at every query, of the mixture by plain loops."""
    n = forecast.quality.shape[0]
    share = np.zeros(forecast.quality.shape)
    for side in mixture.components:
        for i in range(n):
            share[i, side.choice[i]] += side.weight[mixture.group[i]]
    assert np.allclose(share.sum(axis=1), 1.0, atol=1e-9)
    used = []
    for row in rows:
        table = row.quality * forecast.quality + row.cost * np.broadcast_to(forecast.cost_usd, share.shape)
        if row.latency:
            table = table + row.latency * np.broadcast_to(forecast.latency_s, share.shape)
        if row.points is not None:
            table = table + row.points
        if row.queries is not None:
            table = table * row.queries[:, None]
        used.append((share * table).sum())
    return share, np.array(used)


def scale_of(forecast, row):
    return max(abs(row.rhs), 1e-6 * row.size * float(forecast.cost_usd.max() if row.cost else 1.0))


def exceeded(forecast, rows, mixture):
    """Return the constraint that a mixture exceeds, or that it calls a masked point; empty if neither."""
    share, used = sums(forecast, rows, mixture)
    if forecast.callable is not None and share[~np.broadcast_to(forecast.callable, share.shape)].any():
        return "calls a point that is not callable"
    for row, value in zip(rows, used, strict=True):
        if value > row.rhs + 4e-9 * scale_of(forecast, row) + 1e-300:
            return f"{row.name} is exceeded: {value} > {row.rhs}"
    return ""
