"""Compare other features, heads and shrinkage: python experiments/variants/run.py RUNS... [--seeds 5].

Figures are those of experiments/stacking: mean quality points over the best static mixture on the same held-out
queries, with every variant's best cost-quality curve there, averaged over 100 costs.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[1] / "stacking")]
from logs import filled, split
from run import FOLDS, all_heads, gain_over_singles, pr_line, print_tables

import paretoroute as pr
from paretoroute.fitting.methods import ridge, stacking
from paretoroute.fitting.text_features import fit_texts
from paretoroute.runs.folds import folds, groups_of

LANDMARKS = 1000
WIDTHS = (0.1, 0.3)  # of the kernel exp((cosine - 1) / width)
MARGIN = 0.04  # quality below the static frontier


def word_features(train: list[str], test: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Return 64 latent dimensions of words and word pairs, without character n-grams."""
    bag = TfidfVectorizer(sublinear_tf=True, min_df=2, ngram_range=(1, 2), max_features=50_000)
    counts = bag.fit_transform(train)
    latent = TruncatedSVD(min(64, min(counts.shape) - 2), random_state=0).fit(counts)
    return latent.transform(counts), latent.transform(bag.transform(test))


def kernels(train: np.ndarray, test: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return Nystroem features of the kernel from at most 1,000 landmarks, one pair per width."""
    unit = [np.hstack([part, np.full((len(part), 1), 0.05)]) for part in (train, test)]
    unit = [part / np.linalg.norm(part, axis=1, keepdims=True) for part in unit]
    marks = unit[0][np.random.default_rng(0).permutation(len(train))[:LANDMARKS]]
    out = []
    for width in WIDTHS:
        size, axes = np.linalg.eigh(np.exp((marks @ marks.T - 1) / width))
        kept = size > 1e-6 * size[-1]
        turn = axes[:, kept] / np.sqrt(size[kept])
        out.append(tuple(np.exp((part @ marks.T - 1) / width) @ turn for part in unit))
    return out


def ridges(pairs, targets, fold):
    """Return ridge's out-of-fold and test forecasts at every strength on each pair of features."""
    inside, outside = [], []
    for train, test in pairs:
        own = np.zeros((len(ridge.STRENGTHS), *targets.shape))
        for f in range(FOLDS):
            slopes, intercepts = ridge.coefficients(ridge.moments(train[fold != f], targets[fold != f]))
            own[:, fold == f] = np.einsum("if,sfk->sik", train[fold == f], slopes) + intercepts[:, None]
        slopes, intercepts = ridge.coefficients(ridge.moments(train, targets))
        inside.append(own)
        outside.append(np.einsum("if,sfk->sik", test, slopes) + intercepts[:, None])
    return np.concatenate(inside), np.concatenate(outside)


def one_split(runs: pr.Runs, seed: int) -> dict[str, float]:
    train, test = split(runs, seed)
    tables = {"quality": filled(train, "quality"), "cost": np.log(np.maximum(filled(train, "cost_usd"), 1e-7))}
    true_quality, true_cost = filled(test, "quality"), filled(test, "cost_usd")
    featurizer, features = fit_texts(train.texts, seed=0)
    asked = np.array([featurizer.of_text(text)[0] for text in test.texts])
    fold = folds(groups_of(train), FOLDS, seed=0)
    extra = {"words": [word_features(list(train.texts), list(test.texts))], "kernel": kernels(features, asked)}
    forecasts: dict[tuple[str, str], np.ndarray] = {}
    for name, table in tables.items():
        base = table.mean(0)
        basis = np.linalg.svd(table - base, full_matrices=False)[2].T
        targets = (table - base) @ basis
        heads = {"": all_heads(features, featurizer.rank, targets, fold, asked)}
        heads |= {label: ridges(pairs, targets, fold) for label, pairs in extra.items()}
        for label, used in VIEWS.items():
            inside, outside = (np.concatenate([heads[view][side] for view in used]) for side in (0, 1))
            weights = stacking.stack(inside, targets, np.ones(len(targets)), fold, folds=FOLDS)[-1]
            forecasts[label, name] = np.einsum("hik,hk->ik", outside, weights) @ basis.T
    return _judged(tables, forecasts, true_quality, true_cost, filled(train, "cost_usd"))


VIEWS = {
    "default heads": ("",), "and a view of words": ("", "words"), "words alone": ("words",),
    "and kernel ridge": ("", "kernel"), "kernel ridge alone": ("kernel",), "all of them": ("", "words", "kernel"),
}  # fmt: skip


def _judged(tables, forecasts, quality, cost, train_cost) -> dict[str, float]:
    judged = gain_over_singles(quality, cost)
    means = tables["quality"].mean(0)

    def gain(change, tokens, lost=None):
        cost_hat = np.exp(tables["cost"].mean(0) + tokens)
        cost_hat *= train_cost.mean(0) / cost_hat.mean(0)
        quality_hat = means + change - (0 if lost is None else 9.0 * lost)
        return judged(quality_hat, cost_hat)

    gains = {label: gain(forecasts[label, "quality"], forecasts[label, "cost"]) for label in VIEWS}
    own, tokens = (forecasts["default heads", name] for name in ("quality", "cost"))
    below = np.interp(train_cost.mean(0), *pr_line(np.stack([train_cost.mean(0), means], axis=1))[::-1]) - means
    return gains | {
        "quality shrunk 30% to its means": gain(0.7 * own, tokens),
        "quality expanded 30% from its means": gain(1.3 * own, tokens),
        "constant costs": gain(own, 0.0 * tokens),
        "points 4 below the static frontier dropped": gain(own, tokens, below > MARGIN),
    }


def lead(values, table):
    """Format the lead of a variant over the default on the same splits."""
    ahead = values - table["default heads"]
    error = ahead.std(ddof=1) / len(ahead) ** 0.5 if len(ahead) > 1 else np.nan
    return f"lead {ahead.mean():+.2f}, s.e. over splits {error:.2f}"


if __name__ == "__main__":
    print_tables(__doc__, one_split, 5, lead)
