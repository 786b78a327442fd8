"""Compare choices within the stack: python experiments/variants/stack.py RUNS... [--seeds 5] [--inside].

Heads of six strengths and seven neighbourhoods are fitted once per split; a variant uses some of them, weighs them its
own way, and may correct the forecasts by those out of fold. Two levels as in a fit, without its factor on quality.
With ``--inside`` the training queries of each split are split again, and its held-out queries stay unseen. Figures are
those of experiments/stacking.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.optimize import isotonic_regression

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[1] / "stacking")]
from logs import filled, read_log, split
from run import gain_over_singles, pr_line

import paretoroute as pr
from paretoroute.fitting import text_features
from paretoroute.fitting.methods import ridge, second_level, stacking
from paretoroute.fitting.partial_logs.left_out_features import with_left_out_features
from paretoroute.runs.folds import folds, groups_of
from paretoroute.surface import neighbours
from paretoroute.surface.panel import second_level_inputs

Floats = np.ndarray
ridge.STRENGTHS = (0.3, 1.0, 3.0, 10.0, 30.0, 100.0)
neighbours.SIZES = (5, 10, 20, 40, 80, 150, 300)
PRIOR_QUERIES = 100.0  # with which a point's own slope is pooled
BAGS = 10
LEAST_RELEVANCE = 0.05


@dataclass(frozen=True)
class Variant:
    """A way to stack; the defaults are those of a fit.

    Args:
        rank: of the projection of the n-grams.
        left_out: whether the features of the training texts are by a projection that did not see them.
        strengths: of ridge.
        sizes: of neighbourhoods.
        folds: over which weights are cross-fitted.
        head_folds: folds that the heads leave out; 0: each query with its copies.
        pool: queries as which the weights that components share count.
        equal: queries as which equal weights count when the shared ones are fitted.
        bags: resamples of the queries over which weights are averaged; 0: none.
        relevance: quality below the static frontier at which a point counts by 1/e; 0: all points count alike.
        correct: what the forecasts out of fold correct: see :func:`corrected`.
    """

    rank: int = text_features.RANK
    left_out: bool = False
    strengths: tuple[float, ...] = (0.3, 3.0, 30.0)
    sizes: tuple[int, ...] = (10, 40, 150)
    folds: int = 5
    head_folds: int = 0
    pool: float = 100.0
    equal: float = 0.0
    bags: int = 0
    relevance: float = 0.0
    correct: str = ""

    @property
    def heads(self) -> list[int]:
        """The heads it uses, among all that are fitted."""
        own, count = [ridge.STRENGTHS.index(s) for s in self.strengths], len(ridge.STRENGTHS)
        for measure in range(neighbours.MEASURES):
            start = count + measure * len(neighbours.SIZES)
            own += [start + neighbours.SIZES.index(size) for size in self.sizes]
        return own


VARIANTS = {
    "as in a fit": Variant(),
    "left-out projection": Variant(left_out=True),
    "rank 32": Variant(rank=32),
    "rank 64": Variant(rank=64),
    "rank 256, left-out projection": Variant(rank=256, left_out=True),
    "10 folds": Variant(folds=10),
    "20 folds": Variant(folds=20),
    "heads leave out fifths": Variant(head_folds=5),
    "neighbours 5, 20, 80": Variant(sizes=(5, 20, 80)),
    "neighbours 20, 80, 300": Variant(sizes=(20, 80, 300)),
    "neighbours 40, 150": Variant(sizes=(40, 150)),
    "all seven sizes": Variant(sizes=neighbours.SIZES),
    "ridge 1, 10, 100": Variant(strengths=(1.0, 10.0, 100.0)),
    "ridge 3, 30, 100": Variant(strengths=(3.0, 30.0, 100.0)),
    "shared weights count as 1,000": Variant(pool=1000.0),
    "equal weights count as 100": Variant(equal=100.0),
    "equal weights count as 1,000, shared too": Variant(equal=1000.0, pool=1000.0),
    "weights of ten resamples": Variant(bags=BAGS),
    "points count by relevance, 0.05": Variant(relevance=0.05),
    "points count by relevance, 0.2": Variant(relevance=0.2),
    "one slope": Variant(correct="one slope"),
    "a slope per point": Variant(correct="a slope per point"),
    "slopes of difficulty and differences": Variant(correct="slopes of difficulty and differences"),
    "isotonic": Variant(correct="isotonic"),
}


@dataclass(frozen=True)
class Queries:
    """Features of training and held-out queries, and the groups and folds of the former."""

    features: Floats
    asked: Floats
    rank: int
    group: Floats
    keys: tuple[str, ...]

    @classmethod
    def of(cls, train: pr.Runs, test: pr.Runs, rank: int, left_out: bool) -> Queries:
        """Fit the features on the training texts."""
        text_features.RANK = rank
        fitted, keys = text_features.fit_texts(train.texts, seed=0), groups_of(train)
        if left_out:
            fitted = with_left_out_features(train.texts, fitted, folds(keys, 5, seed=0))
        featurizer, features = fitted
        asked = np.array([one.vector for one in featurizer.of_texts(test.texts)])
        return cls(features, asked, featurizer.rank, np.unique(keys, return_inverse=True)[1], tuple(keys))

    def heads(self, targets: Floats, head_folds: int) -> tuple[Floats, Floats]:
        """Return every head's out-of-fold forecasts, and its forecasts of the held-out queries."""
        outside = _heads(self.features, targets, self.asked, self.rank)
        if head_folds:
            fold = folds(self.keys, head_folds, seed=0)
            inside = np.zeros((len(outside), *targets.shape))
            for f in range(head_folds):
                kept, own = fold != f, fold == f
                inside[:, own] = _heads(self.features[kept], targets[kept], self.features[own], self.rank)
            return inside, outside
        linear = ridge.Decomposed.of(self.features).left_out(targets, self.group, np.arange(len(targets)))
        groups = neighbours.Groups(self.group, self.group)
        near = neighbours.averages_between(self.features, targets, self.features, self.rank, groups=groups)
        return np.concatenate([linear, near]), outside


def _heads(train: Floats, targets: Floats, asked: Floats, rank: int) -> Floats:
    slopes, intercepts = ridge.Decomposed.of(train).coefficients(targets)
    linear = np.einsum("if,sfk->sik", asked, slopes) + intercepts[:, None]
    return np.concatenate([linear, neighbours.averages_between(train, targets, asked, rank)])


@dataclass(frozen=True)
class Panel:
    """A table in components: forecasts of all heads for training (out of fold) and held-out queries."""

    base: Floats
    back: Floats  # from components to points
    targets: Floats
    inside: Floats
    outside: Floats

    @classmethod
    def of(cls, table: Floats, queries: Queries, head_folds: int, scale: Floats) -> Panel:
        """Decompose a table whose points count by the square of ``scale``, and fit all heads."""
        base = table.mean(0)
        basis = np.linalg.svd((table - base) * scale, full_matrices=False)[2].T
        targets = ((table - base) * scale) @ basis
        return cls(base, basis.T / scale, targets, *queries.heads(targets, head_folds))


def stacked(panel: Panel, variant: Variant, fold: Floats) -> tuple[Floats, Floats]:
    """Weigh the heads: components of training queries, cross-fitted, and of held-out ones."""
    inside, outside = panel.inside[variant.heads], panel.outside[variant.heads]
    stacking.POOL_QUERIES, stacking._pooled = variant.pool, _pooled_to_equal(variant.equal)
    ones = np.ones(len(fold))
    weights = stacking.stack(inside, panel.targets, ones, fold, folds=variant.folds)
    if variant.bags:
        rng, total = np.random.default_rng(0), np.zeros_like(weights)
        for _ in range(variant.bags):
            drawn = rng.integers(0, len(fold), len(fold))
            total += stacking.stack(inside[:, drawn], panel.targets[drawn], ones, fold[drawn], folds=variant.folds)
        weights = total / variant.bags
    return stacking.cross_fitted(inside, weights, fold), np.einsum("hik,hk->ik", outside, weights[-1])


_POOLED, _NONNEGATIVE = stacking._pooled, stacking._nonnegative


def _pooled_to_equal(queries: float) -> Callable[[Floats, float], Floats]:
    """Return how to solve for weights whose shared ones are pulled to equal ones, which count as some queries."""

    def solved(systems: Floats, size: float) -> Floats:
        def pulled(rows: Floats) -> Floats:
            heads, calls.count = rows.shape[1] - 1, calls.count + 1
            if calls.count > 1:  # the first call is for the shared weights
                return _NONNEGATIVE(rows)
            mean = rows[:, :heads].mean(1)
            level = max(float(mean @ rows[:, heads]) / max(float(mean @ mean), 1e-300), 0.0) / heads
            pull = np.sqrt(queries / size * (rows[:, :heads] ** 2).sum() / heads)
            return _NONNEGATIVE(np.vstack([rows, pull * np.column_stack([np.eye(heads), np.full(heads, level)])]))

        calls = _Calls()
        stacking._nonnegative = pulled
        try:
            return _POOLED(systems, size)
        finally:
            stacking._nonnegative = _NONNEGATIVE

    return solved if queries else _POOLED


@dataclass
class _Calls:
    count: int = 0


def corrected(how: str, truth: Floats, inside: Floats, asked: Floats) -> Floats:
    """Correct deviations from the points' means by how those out of fold meet the truth: all ``(queries, points)``."""

    def slope(r: Floats, f: Floats) -> float:
        return float((r * f).sum() / max((f * f).sum(), 1e-300))

    common = slope(truth, inside)
    if how == "one slope":
        return common * asked
    if how == "a slope per point":
        power = (inside**2).sum(0)
        prior = PRIOR_QUERIES / len(inside) * power.mean()
        return asked * ((truth * inside).sum(0) + prior * common) / (power + prior)
    if how == "slopes of difficulty and differences":
        (r, f), mean = (table - table.mean(1, keepdims=True) for table in (truth, inside)), asked.mean(1, keepdims=True)
        difficulty = slope(truth.mean(1), inside.mean(1))
        return max(difficulty, 0.0) * mean + max(slope(r, f), 0.0) * (asked - mean)
    if how == "isotonic":
        order = np.argsort(inside, axis=None, kind="stable")
        fitted = isotonic_regression(truth.ravel()[order]).x
        return np.interp(asked, inside.ravel()[order], fitted)
    return asked


def relevance(quality: Floats, cost: Floats, reach: float) -> Floats:
    """Return the square root of what every point counts, by its quality below the static frontier: ``(points,)``."""
    if not reach:
        return np.ones(len(quality))
    frontier = np.interp(cost, *pr_line(np.stack([cost, quality], axis=1))[::-1])
    return np.sqrt(np.maximum(np.exp(-np.maximum(frontier - quality, 0.0) / reach), LEAST_RELEVANCE))


def one_split(train: pr.Runs, test: pr.Runs, names: list[str]) -> dict[str, float]:
    """Return each variant's gain over the best static mixture, in points."""
    quality, cost = filled(train, "quality"), filled(train, "cost_usd")
    tables = {"quality": quality, "cost": np.log(np.maximum(cost, 1e-7))}
    gain = gain_over_singles(filled(test, "quality"), filled(test, "cost_usd"))
    views: dict[tuple[int, bool], Queries] = {}
    panels: dict[tuple[object, ...], Panel] = {}
    gains = {}
    for label in names:
        variant = VARIANTS[label]
        view = variant.rank, variant.left_out
        if view not in views:
            views[view] = Queries.of(train, test, *view)
        queries = views[view]
        fold = folds(queries.keys, variant.folds, seed=0)
        own = {}
        for name, table in tables.items():
            reach = variant.relevance if name == "quality" else 0.0
            key = name, view, variant.head_folds, reach
            if key not in panels:
                scale = relevance(quality.mean(0), cost.mean(0), reach)
                panels[key] = Panel.of(table, queries, variant.head_folds, scale)
            own[name] = panels[key], *stacked(panels[key], variant, fold)
        (panel, inside, asked), (of_cost, inside_cost, asked_cost) = own["quality"], own["cost"]
        second = second_level.fit(
            second_level_inputs(inside_cost, inside), inside, panel.targets, query_weight=np.ones(len(fold)),
            fold=fold, folds=variant.folds,
        )  # fmt: skip
        change = second.level.components(asked, second_level_inputs(asked_cost, asked)) @ panel.back
        change = corrected(variant.correct, quality - panel.base, second.components @ panel.back, change)
        dollars = np.exp(of_cost.base + asked_cost @ of_cost.back)
        ratio = cost.mean(0) / np.exp(of_cost.base + inside_cost @ of_cost.back).mean(0)
        gains[label] = gain(panel.base + change, dollars * ratio)
    return gains


def sampled(runs: pr.Runs, queries: int | None) -> pr.Runs:
    """Keep some queries of a log, at random."""
    kept = np.zeros(len(runs.query_ids), bool)
    kept[np.random.default_rng(0).permutation(len(kept))[:queries]] = True
    return runs.select(kept)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", help="logs; join two with a +")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--queries", type=int, help="keep at most so many of each log")
    parser.add_argument("--only", nargs="+", choices=VARIANTS, default=[], help="variants beside the one of a fit")
    parser.add_argument("--inside", action="store_true", help="split the training queries again")
    args = parser.parse_args()
    names = [next(iter(VARIANTS)), *(args.only or list(VARIANTS)[1:])]
    leads: dict[str, list[float]] = {}
    for name in args.runs:
        runs, results = sampled(read_log(*name.split("+")), args.queries), []
        for seed in range(args.seeds):
            train, test = split(runs, seed)
            results.append(one_split(*(split(train, 1000 + seed) if args.inside else (train, test)), names))
        label = "+".join(Path(part).name for part in name.split("+"))
        print(f"{label}: {len(runs.query_ids)} queries, {len(runs.points)} points, {args.seeds} splits", flush=True)
        table = {key: np.array([one[key] for one in results]) for key in results[0]}
        base = table[names[0]]
        for key, values in table.items():
            ahead = values - base
            leads.setdefault(key, []).append(ahead.mean())
            error = ahead.std(ddof=1) / len(ahead) ** 0.5
            print(f"  {key:44s}{values.mean():+7.2f}  lead {ahead.mean():+.2f} ({error:.2f})", flush=True)
    print("mean lead over the logs, and its standard error over them")
    for key, values in leads.items():
        print(f"  {key:44s}{np.mean(values):+7.2f} ({np.std(values, ddof=1) / len(values) ** 0.5:.2f})")


if __name__ == "__main__":
    main()
