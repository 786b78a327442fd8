"""Which part of a partial fit is missing: python experiments/partial_logs/ceilings.py DATA --out CELLS.jsonl.

The same partial logs are fitted as they are and with parts that only the full log knows: the true means of the points
(``means``), the slopes on the query's features that the same model learns from every cell of the log's queries
(``slopes``), those of one figure alone, or both. The lines have the part beside the name of the logger; print them with
``tables.py``.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import run

import paretoroute as pr
from paretoroute.fitting import pipeline
from paretoroute.fitting.logged_panels import LoggedPanel, panels_of
from paretoroute.fitting.methods import pooled_slopes
from paretoroute.fitting.methods.pooled_means import Cells
from paretoroute.fitting.methods.pooled_slopes import PooledSlopes
from paretoroute.fitting.partial_logs import panels
from paretoroute.grid import Grid
from paretoroute.runs.align import on_grid

PARTS = ("nothing", "means of quality", "means", "slopes", "slopes of quality", "slopes of tokens", "both")
NAMES = ("tokens", "quality")
fit_models, fit_partial, log_partially = panels._models, pipeline._partial_panels, run.logged_by


class Known:
    """What the full log tells.

    Args:
        part: of a fit that is taken from the full log.
    """

    def __init__(self) -> None:
        self.part, self.full, self.values = PARTS[0], None, {}
        self.models: dict[bytes, dict[str, PooledSlopes]] = {}

    def logged_by(self, train: pr.Runs, *args, **options):
        """Keep the full log of a partial one."""
        self.full = train
        return log_partially(train, *args, **options)

    def partial_panels(self, runs: pr.Runs, grid: Grid, logged: dict[str, LoggedPanel], sample, *, seed: int):
        """Keep the full panels of the queries and points of a partial log, in its units."""
        rows = np.isin(np.array(self.full.query_ids), np.array(runs.query_ids))
        full = on_grid(self.full.select(rows), grid)
        assert tuple(full.query_ids) == tuple(runs.query_ids)
        every, queries = panels_of(full, grid), np.arange(len(full.query_ids))
        for name in NAMES:
            self.values[name] = every[name].values
            if name == "tokens":  # of the logged text, then of one of typical length in the partial log's units
                self.values[name] = self.values[name] + np.log(every[name].factor(queries))
                self.values[name] = self.values[name] - np.log(logged[name].factor(queries))
        return fit_partial(runs, grid, logged, sample, seed=seed)

    def fitted(self, sample, fold, labels) -> dict[str, PooledSlopes]:
        """Fit the model of a partial log on every cell; kept for the next part of the same log."""
        key = self.values["quality"].tobytes()
        if key not in self.models:
            self.models = {key: {}}
            covariates = []
            for name in NAMES:
                values = self.values[name]
                cells = Cells.of(np.nan_to_num(values), np.where(np.isnan(values), 0.0, 1.0))
                model = pooled_slopes.fit(cells, sample.all_features, covariates, fold, labels=labels)
                if name == "tokens":
                    model = panels._following_means(model, cells, fold)
                    covariates = [panels._means_by_fold(model)]
                self.models[key][name] = model
        return self.models[key]

    def replaced(self, logged, sample, fold, propensities, labels):
        """Fit the panels, and take the known part from the full log."""
        for name, model in dict(fit_models(logged, sample, fold, propensities, labels)).items():
            if name in NAMES:
                if self.part in ("slopes", "both", f"slopes of {name}"):
                    own, model = model, self.fitted(sample, fold, labels)[name]
                    model = shifted(model, own.forecast.mean(0) - model.forecast.mean(0))
                    model = replace(model, means=own.means, fold_means=own.fold_means)
                if self.part in ("means", "both", f"means of {name}"):
                    model = shifted(model, np.nanmean(self.values[name], axis=0) - model.forecast.mean(0))
            yield name, model


def shifted(model: PooledSlopes, by: np.ndarray) -> PooledSlopes:
    """Move all forecasts of each point."""
    return replace(
        model,
        base=model.base + by,
        means=replace(model.means, mean=model.means.mean + by),
        forecast=model.forecast + by,
        fold_means=model.fold_means + by,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="folder of the logs")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--log", default="mixture")
    parser.add_argument("--logger", default="rows")
    parser.add_argument("--parts", nargs="+", default=list(PARTS), choices=PARTS)
    parser.add_argument("--seeds", nargs=2, type=int, default=[700, 706], metavar=("FIRST", "END"))
    parser.add_argument("--cache", type=Path, help="folder for logs that were read")
    args = parser.parse_args()
    known = Known()
    run.logged_by, pipeline._partial_panels, panels._models = known.logged_by, known.partial_panels, known.replaced
    for seed in range(*args.seeds):
        for known.part in args.parts:
            begun = time.perf_counter()
            result = run.cell(args.log, args.logger, seed, column=False, args=args)
            key, seconds = (args.log, f"{args.logger}, {known.part} known", 0, seed), time.perf_counter() - begun
            with args.out.open("a", encoding="utf-8") as file:
                file.write(json.dumps({"cell": key, "seconds": seconds, **result}) + "\n")


if __name__ == "__main__":
    main()
