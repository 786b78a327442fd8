"""Compare weightings of the heads: python experiments/stacking/run.py RUNS... [--seeds 3].

Every variant forecasts held-out queries and gets the best cost-quality curve on their outcomes, so that only the
forecasts differ. Figures are mean quality points over the best static mixture on the same held-out queries, averaged
over 100 costs.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
from logs import filled, read_log, split

import paretoroute as pr
from paretoroute.fitting.methods import ridge, stacking
from paretoroute.fitting.text_features import fit_texts
from paretoroute.runs.folds import folds, groups_of
from paretoroute.surface import neighbours

FOLDS = 5


def curve(quality_hat, cost_hat, quality, cost):
    """Return mean (cost, quality) of a forecast's choices at 220 multipliers."""
    rows, scale = np.arange(len(quality)), 1 / np.median(cost)
    prices = [0.0, *(scale * np.logspace(-4, 3, 220))]
    choices = [np.full(len(rows), cost.mean(0).argmin()), *((quality_hat - p * cost_hat).argmax(1) for p in prices)]
    return np.array([(cost[rows, p].mean(), quality[rows, p].mean()) for p in choices])


def hull_at(points, grid):
    line = pr.frontier(pr.Forecast(quality=points[:, 1][None], cost_usd=points[:, 0][None]))
    return np.interp(grid, line.cost_usd, line.quality)


def all_heads(features, rank, targets, fold, test):
    """Return every head's out-of-fold forecasts of the training queries, and its forecasts of the test queries."""

    def heads(train, goal, asked):
        slopes, intercepts = ridge.coefficients(ridge.moments(train, goal))
        linear = np.einsum("if,sfk->sik", asked, slopes) + intercepts[:, None]
        return np.concatenate([linear, neighbours.averages_between(train, goal, asked, rank)])

    inside = np.zeros((len(ridge.STRENGTHS) + neighbours.HEADS, *targets.shape))
    for f in range(FOLDS):
        inside[:, fold == f] = heads(features[fold != f], targets[fold != f], features[fold == f])
    return inside, heads(features, targets, test)


def one_split(runs, seed):
    train, test = split(runs, seed)
    quality, cost = filled(train, "quality"), np.log(np.maximum(filled(train, "cost_usd"), 1e-7))
    true_quality, true_cost = filled(test, "quality"), filled(test, "cost_usd")
    featurizer, features = fit_texts(train.texts, seed=0)
    asked = np.array([featurizer.of_text(text)[0] for text in test.texts])
    fold = folds(groups_of(train), FOLDS, seed=0)
    panels = {}
    for name, table in (("quality", quality), ("cost", cost)):
        base = table.mean(0)
        basis = np.linalg.svd(table - base, full_matrices=False)[2].T
        targets = (table - base) @ basis
        panels[name] = (base, basis, targets, *all_heads(features, featurizer.rank, targets, fold, asked))

    def forecast(name, weights_of):
        base, basis, targets, inside, outside = panels[name]
        return base + np.einsum("hik,hk->ik", outside, weights_of(inside, targets)) @ basis.T

    def stacked(pool):
        def weights_of(inside, targets):
            stacking.POOL_QUERIES = pool
            return stacking.stack(inside, targets, np.ones(len(targets)), fold, folds=FOLDS)[-1]

        return weights_of

    def single(head):
        def weights_of(inside, targets):
            weights = np.zeros((len(inside), targets.shape[1]))
            weights[head] = 1.0
            return weights

        return weights_of

    strengths = len(ridge.STRENGTHS)
    variants = {
        "pooled weights": stacked(100.0), "one set of weights": stacked(1e9), "weights per component": stacked(0.0),
        "ridge, strength 3": single(1), "ridge, strength 30": single(2),
        "40 neighbours": single(strengths + 1), "150 neighbours": single(strengths + 2),
    }  # fmt: skip
    gain = gain_over_singles(true_quality, true_cost)
    gains = {}
    for label, weights_of in variants.items():
        cost_hat = np.exp(forecast("cost", weights_of))
        cost_hat *= filled(train, "cost_usd").mean(0) / cost_hat.mean(0)
        gains[label] = gain(forecast("quality", weights_of), cost_hat)
    return gains


def gain_over_singles(quality, cost):
    """Return a function that evaluates forecasts: points over the best static mixture, mean over 100 costs."""
    singles = np.stack([cost.mean(0), quality.mean(0)], axis=1)
    top = singles[singles[:, 1].argmax()]
    low = np.interp(0.6 * top[1], *pr_line(singles))
    grid = np.geomspace(max(low, singles[:, 0].min()), top[0], 101)[1:]
    static = hull_at(singles, grid)

    def gain(quality_hat, cost_hat):
        return 100 * float((hull_at(curve(quality_hat, cost_hat, quality, cost), grid) - static).mean())

    return gain


def pr_line(points):
    line = pr.frontier(pr.Forecast(quality=points[:, 1][None], cost_usd=points[:, 0][None]))
    return line.quality, line.cost_usd


def print_tables(description, one_split, seeds, line):
    """Run every log's splits and print a line per variant; ``line`` formats its figures, given those of all."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", help="logs; join two with a +")
    parser.add_argument("--seeds", type=int, default=seeds)
    args = parser.parse_args()
    means = {}
    for name in args.runs:
        runs = read_log(*name.split("+"))
        results = [one_split(runs, seed) for seed in range(args.seeds)]
        label = "+".join(Path(part).name for part in name.split("+"))
        table = {key: np.array([r[key] for r in results]) for key in results[0]}
        print(f"{label}: {len(runs.query_ids)} queries, {len(runs.points)} points, {args.seeds} splits", flush=True)
        for key, values in table.items():
            print(f"  {key:44s}{values.mean():+7.2f}   {line(values, table)}", flush=True)
            means.setdefault(key, []).append(values.mean())
    print("mean over the logs")
    for key, values in means.items():
        print(f"  {key:44s}{np.mean(values):+7.2f}")


def ends(values, table):
    """Format the range over the splits."""
    return f"splits {values.min():+.2f} to {values.max():+.2f}"


if __name__ == "__main__":
    print_tables(__doc__, one_split, 3, ends)
