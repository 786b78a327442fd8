"""A budget that was never logged, forecast between two that were: run.py RUNS... [--seeds 2].

Every interior point of the logs in turn: fitted without its runs but on offer, against fitted with them.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
from few_runs import without  # noqa: E402
from logs import read_log, split  # noqa: E402

import paretoroute as pr  # noqa: E402
from paretoroute.errors import GridError  # noqa: E402
from paretoroute.fitting.points.unlogged import UnloggedPoint, place_unlogged  # noqa: E402
from paretoroute.grid import cost_usd  # noqa: E402

DRAWS = 1000


def interior(runs: pr.Runs) -> list[UnloggedPoint]:
    """Points between two logged ones of their model and kind."""
    found = []
    for point in runs.points:
        others = tuple(other for other in runs.points if other != point)
        try:
            found += place_unlogged([point], pr.Grid(others), others).unlogged
        except GridError:
            continue
    return found


def forecasts(policy: pr.Policy, test: pr.Runs, column: int):
    """Quality and cost of one point at the held-out queries, ``(queries,)`` each."""
    amounts = [policy.surface.at_text(text) for text in test.texts]
    cost = [cost_usd(one.amount, one.prompt_tokens, policy.grid)[column] for one in amounts]
    return np.array([one.quality[column] for one in amounts]), np.array(cost)


def one_split(runs: pr.Runs, gaps: list[UnloggedPoint], seed: int):
    """Errors by point, ``(logged or not, quality or relative cost, queries)``."""
    train, test = split(runs, seed)
    full = pr.fit(train)
    quality, cost = test.means("quality")[0], test.means("cost_usd")[0]
    errors = {}
    for gap in gaps:
        name, j = gap.point.name, runs.points.index(gap.point)
        policy = pr.fit(without(train, train.point == j), add_points=[gap.point])
        column = policy.grid.index(name)
        unit = float(np.nanmean(train.means("cost_usd")[0][:, j]))
        found = []
        for one, at in ((full, full.grid.index(name)), (policy, column)):
            q, c = forecasts(one, test, at)
            found.append([q - quality[:, j], (c - cost[:, j]) / unit])
        errors[name] = np.array(found)
        means = np.nanmean(errors[name], axis=2)
        print(
            f"  split {seed} {name}: mean quality forecast minus logged: {means[0, 0]:+.3f} logged, {means[1, 0]:+.3f} "
            f"not; cost {means[0, 1]:+.1%}, {means[1, 1]:+.1%}",
            flush=True,
        )
    return errors


def ratios(splits, figure: int, rng, *, mean: bool) -> tuple[float, float, float, float, float]:
    """Mean absolute error logged, not logged, their ratio and its 90% interval: points and queries drawn anew."""
    names = list(splits[0])

    def both(points, rows):
        total = np.zeros(2)
        for errors, drawn in zip(splits, rows, strict=True):
            for name in points:
                picked = errors[name][:, figure, drawn]
                total += np.abs(np.nanmean(picked, 1)) if mean else np.nanmean(np.abs(picked), 1)
        return total / len(points) / len(splits)

    whole = [np.arange(next(iter(errors.values())).shape[2]) for errors in splits]
    logged, not_logged = both(names, whole)
    drawn = []
    for _ in range(DRAWS):
        # Of a mean the queries' noise is in both errors alike: drawing queries anew would only add to it.
        rows = whole if mean else [rng.integers(0, len(one), len(one)) for one in whole]
        one = both(rng.choice(names, len(names)), rows)
        drawn.append(one[1] / one[0])
    return logged, not_logged, not_logged / logged, *np.quantile(drawn, [0.05, 0.95])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", nargs="+", help="Parquet files or folders, one log each; 'demo' is the log that ships")
    parser.add_argument("--seeds", type=int, default=2)
    args = parser.parse_args()
    rng = np.random.default_rng(0)
    for path in args.runs:
        runs = pr.demo_runs() if path == "demo" else read_log(path)
        gaps = interior(runs)
        size = f"{len(runs.query_ids)} queries, {len(runs.points)} points, {len(gaps)} of them between two others"
        print(f"log {Path(path).name}: {size}; {args.seeds} splits 70/30", flush=True)
        found = [one_split(runs, gaps, seed) for seed in range(args.seeds)]
        for figure, name in enumerate(("quality", "cost / mean cost")):
            for mean in (False, True):
                logged, not_logged, ratio, low, high = ratios(found, figure, rng, mean=mean)
                what = "mean over queries" if mean else "per query"
                print(
                    f"  {name}, {what}: error {logged:.4f} logged, {not_logged:.4f} never logged, "
                    f"ratio {ratio:.3f} [{low:.3f}, {high:.3f}]"
                )


if __name__ == "__main__":
    main()
