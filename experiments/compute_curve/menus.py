"""Compare menus of all levels, shrunk in several ways, with menus of one well-chosen level per model.

python experiments/compute_curve/menus.py RUNS... [--seeds 5]. A ridge on the text forecasts every point; menus differ
in what they do with these forecasts. Costs are the training means of the points.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
from candidates import gaussian_process, saturating
from logs import filled, read_log
from run import finite, ngrams, ridge, series_of, table_of

import paretoroute as pr

COSTS = 8
PRICES = 60
SHARES = (0.5, 0.0)  # of a level's own deviation, kept beside that of its model
JOINT = (
    "all levels", "all, half of a level's own deviation", "all, deviations of the model alone",
    "all, means of the saturating curve", "all, means of the Gaussian process",
)  # fmt: skip
HALVES = ("one level, chosen at each price", "lowest level", "middle level", "highest level")


def shrunk(deviation: np.ndarray, groups: list[np.ndarray], share: float) -> np.ndarray:
    """Pull the deviations of a model's levels to their mean over levels."""
    result = deviation.copy()
    for columns in groups:
        mean = deviation[:, columns].mean(1, keepdims=True)
        result[:, columns] = mean + share * (deviation[:, columns] - mean)
    return result


def fitted_means(series, q, t, standard) -> tuple[np.ndarray, np.ndarray]:
    """Return the means of points after the saturating curve, and after the Gaussian process."""
    places = [np.log(t[s.columns]) for s in series]
    errors = [standard[s.columns] for s in series]
    table, unit = table_of(series, places, [q[s.columns] for s in series], errors, None)
    curve, process = q.copy(), q.copy()
    curves, processes = saturating([finite(table)])[0], gaussian_process(table)
    for i, s in enumerate(series):
        curve[s.columns] = curves[i, : len(s.columns)] * unit
        process[s.columns] = processes[i, : len(s.columns)] * unit
    return curve, process


def realised(scores, offered, prices, c, quality, cost) -> tuple[np.ndarray, np.ndarray]:
    """Return realised mean cost and quality at every price; ``offered`` are columns per price."""
    rows, spent, reached = np.arange(len(quality)), [], []
    for price, columns in zip(prices, offered, strict=True):
        choice = columns[(scores[:, columns] - price * c[columns]).argmax(1)]
        spent.append(cost[rows, choice].mean())
        reached.append(quality[rows, choice].mean())
    order = np.argsort(spent)
    return np.array(spent)[order], np.array(reached)[order]


def one_split(runs: pr.Runs, series, seed: int) -> np.ndarray:
    """Return realised quality in points, ``(menus, costs)``, at the same costs for all menus."""
    used = np.concatenate([s.columns for s in series])
    quality, cost, tokens = (filled(runs, name) for name in ("quality", "cost_usd", "completion_tokens"))
    held = np.zeros(len(quality), bool)
    held[np.random.default_rng(seed).permutation(len(held))[: int(0.3 * len(held))]] = True
    x = ngrams(runs.texts)
    deviation = ridge(x[~held], quality[~held], x[held])
    q, c, t = quality[~held].mean(0), cost[~held].mean(0), tokens[~held].mean(0)
    curve, process = fitted_means(series, q, t, quality[~held].std(0) / (~held).sum() ** 0.5)
    groups = [s.columns for s in series]
    prices = np.concatenate([[0.0], np.geomspace(0.001, 100, PRICES) / np.median(c[used])])
    scores = [q + deviation, *(q + shrunk(deviation, groups, s) for s in SHARES), curve + deviation]
    menus = [(one, [used] * len(prices)) for one in (*scores, process + deviation)]
    tuned = [np.array([g[(q[g] - price * c[g]).argmax()] for g in groups]) for price in prices]
    fixed = [np.array([g[at(len(g))] for g in groups]) for at in (lambda n: 0, lambda n: n // 2, lambda n: n - 1)]
    menus += [(scores[0], offered) for offered in (tuned, *([menu] * len(prices) for menu in fixed))]
    paths = [realised(one, offered, prices, c, quality[held], cost[held]) for one, offered in menus]
    joint = paths[0][0]
    costs = np.geomspace(joint[0], joint[-1], COSTS + 1)[1:]
    return 100 * np.array([np.interp(np.log(costs), np.log(spent), reached, left=np.nan) for spent, reached in paths])


def standard_error(gain: np.ndarray) -> np.ndarray:
    """Return the standard error of the mean over splits, the first axis."""
    return gain.std(0, ddof=1) / len(gain) ** 0.5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", nargs="+")
    parser.add_argument("--seeds", type=int, default=5)
    args = parser.parse_args()
    for path in args.runs:
        runs = pr.demo_runs() if path == "demo" else read_log(path, coverage=0.6)
        series = series_of(runs)
        results = np.array([one_split(runs, series, seed) for seed in range(args.seeds)])
        print(f"log {Path(path).name}: {len(series)} models, against one level chosen at each price", flush=True)
        for n, name in enumerate((*JOINT, *HALVES)):
            gain = results[:, n] - results[:, len(JOINT)]
            gain = gain[:, np.isfinite(gain).all(0)]  # costs that the menu can go down to in every split
            if not gain.size:
                print(f"    {name:38s} never as cheap as the others")
                continue
            behind = (gain.mean(0) < -2 * standard_error(gain)).sum()
            print(
                f"    {name:38s} {gain.mean():+.2f} (se over splits {standard_error(gain.mean(1)):.2f}), worst cost "
                f"{gain.mean(0).min():+.2f}, behind by 2 se at {behind} of {gain.shape[1]}",
                flush=True,
            )


if __name__ == "__main__":
    main()
