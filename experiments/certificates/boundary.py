"""Test every p-value at the boundary of its hypothesis: python experiments/certificates/boundary.py.

The mean loss equals the limit, so that P(p <= delta) must not exceed delta: 20,000 samples per setting.
"""

from __future__ import annotations

import math

import numpy as np
from rich.console import Console
from rich.table import Table
from scipy import special

from paretoroute.evaluation.certificate.p_values import METHODS, p_value

DELTA, REPLICATIONS, BLOCK = 0.1, 20_000, 1000
MOST = DELTA + 3 * math.sqrt(DELTA * (1 - DELTA) / REPLICATIONS)
SETTINGS = [
    (size, mean, kind) for size in (100, 500) for mean in (0.05, 0.2, 0.5) for kind in ("yes or no", "graded")
] + [(2000, 0.2, "yes or no"), (2000, 0.2, "graded")]


def drawn(kind: str, mean: float, shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Draw losses in [0, 1] of a given mean."""
    if kind == "yes or no":
        return (rng.random(shape) < mean).astype(np.float64)
    return rng.beta(2 * mean, 2 * (1 - mean), shape)


def by_normal_theory(losses: np.ndarray, limit: float) -> np.ndarray:
    """Planted fault: a normal approximation."""
    error = np.maximum(losses.std(axis=-1, ddof=1) / math.sqrt(losses.shape[-1]), 1e-12)
    return special.ndtr((losses.mean(axis=-1) - limit) / error)


def rates(size: int, mean: float, kind: str) -> dict[str, float]:
    """Return how often each test rejects."""
    rng = np.random.default_rng([size, round(100 * mean), len(kind)])
    rejected = dict.fromkeys((*METHODS, "planted: normal theory", "planted: plug-in"), 0)
    for _ in range(REPLICATIONS // BLOCK):
        losses = drawn(kind, mean, (BLOCK, size), rng)
        draws = rng.random(losses.shape)
        for method in METHODS:
            p = p_value(losses, mean, method=method, draws=draws, delta=DELTA)
            rejected[method] += int((p <= DELTA).sum())
        rejected["planted: normal theory"] += int((by_normal_theory(losses, mean) <= DELTA).sum())
        rejected["planted: plug-in"] += int((losses.mean(axis=-1) < mean).sum())
    return {name: count / REPLICATIONS for name, count in rejected.items()}


def main() -> None:
    """Print the rates."""
    table = Table(title=f"P(p <= {DELTA}) at the boundary; at most {MOST:.4f} is within noise")
    columns = (*METHODS, "planted: normal theory", "planted: plug-in")
    for name in ("queries", "mean loss", "losses", *columns):
        table.add_column(name)
    for size, mean, kind in SETTINGS:
        figures = rates(size, mean, kind)
        table.add_row(str(size), str(mean), kind, *(f"{figures[name]:.4f}" for name in columns))
    Console(width=140).print(table)


if __name__ == "__main__":
    main()
