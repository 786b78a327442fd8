"""A log split into training and held-out queries."""

import numpy as np

from paretoroute.fitting.points.log_grid import build_grid
from paretoroute.grid import Grid
from paretoroute.runs.table import Runs


def split(runs: Runs) -> tuple[Runs, Runs, Grid]:
    """Hold every fourth query out."""
    test = np.arange(len(runs.query_ids)) % 4 == 0
    grid, _ = build_grid(runs)
    return runs.select(~test), runs.select(test), grid
