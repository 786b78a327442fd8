"""Forecast unlogged budgets between logged ones: python experiments/holes/run.py RUNS... [--seeds 2].

Each interior point of a log in turn is fitted without its runs but on offer, and compared with a fit that has them.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
from few_runs import without
from logs import read_log, split

import paretoroute as pr
from paretoroute.errors import GridError
from paretoroute.fitting.points.unlogged import UnloggedPoint, place_unlogged
from paretoroute.grid import cost_usd

DRAWS = 1000
FIGURES = ("quality", "cost / mean cost")


@dataclass(frozen=True)
class Ratio:
    """Mean absolute errors of a point when logged and unlogged, and the 90% interval of their ratio."""

    logged: float
    unlogged: float
    low: float
    high: float


def interior(runs: pr.Runs) -> list[UnloggedPoint]:
    """Return the points between two logged ones of their model and kind of budget."""
    points = []
    for point in runs.points:
        others = tuple(other for other in runs.points if other != point)
        try:
            points += place_unlogged([point], pr.Grid(others), others).unlogged
        except GridError:
            continue
    return points


def forecasts(policy: pr.Policy, test: pr.Runs, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Forecast quality and cost of one point at the held-out queries, ``(queries,)`` each."""
    column = policy.grid.index(name)
    at_queries = [policy.surface.at_text(text) for text in test.texts]
    cost = [cost_usd(one.amount, one.prompt_tokens, policy.grid)[column] for one in at_queries]
    return np.array([one.quality[column] for one in at_queries]), np.array(cost)


def one_split(runs: pr.Runs, gaps: list[UnloggedPoint], seed: int) -> dict[str, np.ndarray]:
    """Return errors by point, ``(logged or unlogged, figures, queries)``."""
    train, test = split(runs, seed)
    full = pr.fit(train)
    quality, cost = test.means("quality")[0], test.means("cost_usd")[0]
    errors = {}
    for gap in gaps:
        name, j = gap.point.name, runs.points.index(gap.point)
        policy = pr.fit(without(train, train.point == j), add_points=[gap.point])
        unit = float(np.nanmean(train.means("cost_usd")[0][:, j]))
        rows = []
        for fitted in (full, policy):
            quality_hat, cost_hat = forecasts(fitted, test, name)
            rows.append([quality_hat - quality[:, j], (cost_hat - cost[:, j]) / unit])
        errors[name] = np.array(rows)
        means = np.nanmean(errors[name], axis=2)
        print(
            f"  split {seed} {name}: forecast - realised mean quality {means[0, 0]:+.3f} logged, {means[1, 0]:+.3f} "
            f"unlogged; cost {means[0, 1]:+.1%}, {means[1, 1]:+.1%}",
            flush=True,
        )
    return errors


def ratio_of(splits: list[dict[str, np.ndarray]], figure: int, rng, *, mean: bool) -> Ratio:
    """Compare mean absolute errors; the interval resamples points, and queries where errors are per query."""
    names = list(splits[0])

    def both(points, rows):
        total = np.zeros(2)
        for errors, drawn in zip(splits, rows, strict=True):
            for name in points:
                chosen = errors[name][:, figure, drawn]
                total += np.abs(np.nanmean(chosen, 1)) if mean else np.nanmean(np.abs(chosen), 1)
        return total / len(points) / len(splits)

    whole = [np.arange(next(iter(errors.values())).shape[2]) for errors in splits]
    logged, unlogged = both(names, whole)
    ratios = []
    for _ in range(DRAWS):
        # The noise of queries is in both errors of a mean alike: resampling queries would only add to it.
        rows = whole if mean else [rng.integers(0, len(one), len(one)) for one in whole]
        resampled = both(rng.choice(names, len(names)), rows)
        ratios.append(resampled[1] / resampled[0])
    return Ratio(logged, unlogged, *np.quantile(ratios, [0.05, 0.95]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", help="Parquet files or folders, one log each; 'demo' is the shipped log")
    parser.add_argument("--seeds", type=int, default=2)
    args = parser.parse_args()
    rng = np.random.default_rng(0)
    for path in args.runs:
        runs = pr.demo_runs() if path == "demo" else read_log(path)
        gaps = interior(runs)
        size = f"{len(runs.query_ids)} queries, {len(runs.points)} points, {len(gaps)} of them between two others"
        print(f"log {Path(path).name}: {size}; {args.seeds} splits 70/30", flush=True)
        splits = [one_split(runs, gaps, seed) for seed in range(args.seeds)]
        for figure, name in enumerate(FIGURES):
            for mean in (False, True):
                ratio = ratio_of(splits, figure, rng, mean=mean)
                print(
                    f"  {name}, {'mean over queries' if mean else 'per query'}: error {ratio.logged:.4f} logged, "
                    f"{ratio.unlogged:.4f} unlogged, ratio {ratio.unlogged / ratio.logged:.3f} "
                    f"[{ratio.low:.3f}, {ratio.high:.3f}]"
                )


if __name__ == "__main__":
    main()
