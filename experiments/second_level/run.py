"""Compare inputs of the second level: python experiments/second_level/run.py RUNS... [--seeds 5].

Figures are those of experiments/stacking: mean quality points over the best static mixture on the same held-out
queries, with every variant's best cost-quality curve there, averaged over 100 costs. All variants share the cost
forecasts of the first level.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.neighbors import NearestNeighbors

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[1] / "stacking")]
from logs import filled, split
from run import FOLDS, gain_over_singles, print_tables

import paretoroute as pr
from paretoroute.fitting.logged_panels import AMOUNT_COMPONENTS
from paretoroute.fitting.methods import ridge, second_level, stacking
from paretoroute.fitting.text_features import fit_texts
from paretoroute.runs.folds import folds, groups_of
from paretoroute.surface import neighbours
from paretoroute.surface.panel import LEADING

FIRST = "first level"
ALIKE = 20  # queries with equal features that share one forecast
SIZES = (15, 50, 150)


def stacked(inside, outside, targets, fold):
    """Return the out-of-fold and test components of stacked heads."""
    weights = stacking.stack(inside, targets, np.ones(len(targets)), fold, folds=FOLDS)
    return stacking.cross_fitted(inside, weights, fold), np.einsum("hik,hk->ik", outside, weights[-1])


def all_heads(features, rank, targets, group, asked):
    """Return every head's forecasts of the training queries without their own group, and of the test queries."""
    decomposed = ridge.Decomposed.of(features)
    inside = decomposed.left_out(targets, group, np.arange(len(features)))
    near = neighbours.averages_between(features, targets, features, rank, groups=neighbours.Groups(group, group))
    slopes, intercepts = decomposed.coefficients(targets)
    outside = np.einsum("if,sfk->sik", asked, slopes) + intercepts[:, None]
    asked_near = neighbours.averages_between(features, targets, asked, rank)
    return np.concatenate([inside, near]), np.concatenate([outside, asked_near])


def trees(features, targets, asked):
    """Return forecasts of extremely randomised trees (Geurts et al., 2006), out of bag and of the test queries."""
    forest = ExtraTreesRegressor(
        200, min_samples_leaf=5, max_features=0.3, bootstrap=True, oob_score=True, random_state=0
    )
    forest.fit(features, targets)
    shape = (1, -1, targets.shape[1])
    return forest.oob_prediction_.reshape(shape), forest.predict(asked).reshape(shape)


def near_in_forecasts(inputs, asked, targets):
    """Average the targets over the queries with the most similar forecasts."""
    scale = inputs.std(0) + 1e-12
    most = min(SIZES[-1] + 1, len(inputs) - 1)
    index = NearestNeighbors(n_neighbors=most).fit(inputs / scale)
    own, other = (index.kneighbors(part / scale, return_distance=False) for part in (inputs, asked))
    apart = [row[row != i][: SIZES[-1]] for i, row in enumerate(own)]
    inside = np.stack([[targets[row[:k]].mean(0) for row in apart] for k in SIZES])
    return inside, np.stack([targets[other[:, :k]].mean(1) for k in SIZES])


def one_split(runs: pr.Runs, seed: int) -> dict[str, float]:
    train, test = split(runs, seed)
    tables = {"quality": filled(train, "quality"), "cost": np.log(np.maximum(filled(train, "cost_usd"), 1e-7))}
    featurizer, features = fit_texts(train.texts, seed=0)
    asked = np.array([featurizer.of_text(text)[0] for text in test.texts])
    keys = groups_of(train)
    fold, copies = folds(keys, FOLDS, seed=0), np.unique(keys, return_inverse=True)[1]
    _, group, size = np.unique(features, axis=0, return_inverse=True, return_counts=True)
    alike = [np.flatnonzero(group.ravel() == g) for g in np.flatnonzero(size >= ALIKE)]
    parts = {}
    for name, table in tables.items():
        base = table.mean(0)
        basis = np.linalg.svd(table - base, full_matrices=False)[2].T[
            :, : AMOUNT_COMPONENTS if name == "cost" else None
        ]
        targets = (table - base) @ basis
        inside, outside = all_heads(features, featurizer.rank, targets, copies, asked)
        for rows in alike:
            inside[:, rows] = inside[:, rows].mean(axis=1, keepdims=True)
        parts[name] = base, basis, targets, (inside, outside), stacked(inside, outside, targets, fold)
    base, basis, targets, heads, (own, own_test) = parts["quality"]
    (tokens, tokens_test), (cost_base, cost_basis) = parts["cost"][4], parts["cost"][:2]
    cost_hat = np.exp(cost_base + tokens_test @ cost_basis.T)
    cost_hat *= filled(train, "cost_usd").mean(0) / cost_hat.mean(0)
    gain = gain_over_singles(filled(test, "quality"), filled(test, "cost_usd"))

    def judged(components):
        return gain(base + components @ basis.T, cost_hat)

    def second(inside, outside):
        ones = np.ones(len(targets))
        level = second_level.fit(inside, own, targets, query_weight=ones, fold=fold, folds=FOLDS).level
        return level.shift + level.keep * own_test + outside @ level.cross

    def inputs(quality, of_tokens=True):
        pairs = ((tokens, own), (tokens_test, own_test))
        return [np.hstack([t[:, : None if of_tokens else 0], q[:, :quality]]) for t, q in pairs]

    both = inputs(LEADING)
    gains = {
        FIRST: judged(own_test),
        "second level (default)": judged(second(*both)),
        "tokens alone": judged(second(*inputs(0))),
        "quality alone": judged(second(*inputs(LEADING, of_tokens=False))),
        "all of quality": judged(second(*inputs(None))),
    }
    for label, more in (
        ("neighbours among forecasts", near_in_forecasts(*both, targets)),
        ("trees", trees(features, targets, asked)),
    ):
        wider = [np.concatenate(pair) for pair in zip(heads, more, strict=True)]
        gains[label] = judged(stacked(*wider, targets, fold)[1])
    return gains


def lead(values, table):
    """Format the lead of a variant over the first level on the same splits."""
    ahead = values - table[FIRST]
    error = ahead.std(ddof=1) / len(ahead) ** 0.5 if len(ahead) > 1 else np.nan
    return f"lead {ahead.mean():+.2f}, s.e. over splits {error:.2f}"


if __name__ == "__main__":
    print_tables(__doc__, one_split, 5, lead)
