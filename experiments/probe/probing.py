"""Designs that may call a cheap point first, read the score of its answer, and then decide again.

Before any call the forecasts are those of a policy that is fitted on the training queries. The score of the
probe's answer falls into one of a few classes k, with chance P_k(x). What it changes has one of two
forms:

    additive:  quality after class k = quality before + sum_l (1[l = k] - P_l(x)) B_l        (points,)
    odds:      logit quality after class k = logit quality before + d_k                      (points,)

The first is a ridge regression of what the forecasts before leave unexplained, the second a logistic one, moved so that
the mean over classes is the forecast before, as it is in the first; B and d are shrunk to their mean over points. The
cost of a probe is added to everything; its own answer then costs nothing more. With price p of cost, in quality per
USD, the value of a probe is

    sum_k P_k max_j (after_kj - p cost_j [j is not the probe]) - p cost_probe - max_j (before_j - p cost_j).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from prepared import Fold, Side
from scipy.special import expit, logit

from paretoroute._arrays import Floats, Indices
from paretoroute.evaluation.routers.methods.regression import Coefficients, fit_columns

MOST_CLASSES = 5
CHANCE_STRENGTH = 2  # position among the ridge strengths
SMOOTHING = 0.05  # weight of the base rates beside forecast chances
POOLED = 10.0  # queries that pull the effects' mean over points to 0
OWN = 50.0  # queries that pull a point's effects to that mean


@dataclass(frozen=True)
class Known:
    """What is known of some queries before a call, and after each class of score.

    Args:
        before: quality, ``(queries, points)``.
        cost_usd: forecast, ``(queries, points)``.
        chance: of each class of score, ``(queries, classes)``.
        after: quality, ``(queries, classes, points)``.
    """

    before: Floats
    cost_usd: Floats
    chance: Floats
    after: Floats


@dataclass(frozen=True)
class Choices:
    """Points by query at one price.

    Args:
        first: the point called first, ``(queries,)``.
        probes: whether its score is read, ``(queries,)``.
        then: the point whose answer stands after each class of score, ``(queries, classes)``.
    """

    first: Indices
    probes: np.ndarray
    then: Indices


Rule = Callable[[Known, int, float], Choices]


def never(known: Known, probe: int, price: float) -> Choices:
    """Decide before any call."""
    first = (known.before - price * known.cost_usd).argmax(1)
    return Choices(first, np.zeros(len(first), bool), np.repeat(first[:, None], known.chance.shape[1], 1))


def always(known: Known, probe: int, price: float) -> Choices:
    """Probe every query, then decide by the quality after the score."""
    _, then = _probed(known, probe, price)
    return Choices(np.full(len(then), probe), np.ones(len(then), bool), then)


def worth(known: Known, probe: int, price: float) -> Choices:
    """Probe the queries at which the score is worth more than the probe costs at this price."""
    value, then = _probed(known, probe, price)
    priced = known.before - price * known.cost_usd
    gain = (known.chance * value).sum(1) - price * known.cost_usd[:, probe] - priced.max(1)
    first = np.where(gain > 0, probe, priced.argmax(1))
    return Choices(first, gain > 0, np.where(gain[:, None] > 0, then, first[:, None]))


def free(known: Known, probe: int, price: float) -> Choices:
    """Read the score only of answers that were called for anyway."""
    first = (known.before - price * known.cost_usd).argmax(1)
    _, then = _probed(known, probe, price)
    probes = first == probe
    return Choices(first, probes, np.where(probes[:, None], then, first[:, None]))


def accepting(least: int) -> Rule:
    """Return the rule that probes every query and keeps the answer from a class of score on."""

    def threshold(known: Known, probe: int, price: float) -> Choices:
        left = known.before - price * known.cost_usd
        left[:, probe] = -np.inf
        other = left.argmax(1)
        then = np.where(np.arange(known.chance.shape[1]) >= least, probe, other[:, None])
        return Choices(np.full(len(other), probe), np.ones(len(other), bool), then)

    return threshold


def _probed(known: Known, probe: int, price: float) -> tuple[Floats, Indices]:
    """Return the value of the best choice after each class of score, and the choice."""
    left = known.after - price * known.cost_usd[:, None]
    left[..., probe] = known.after[..., probe]
    return left.max(2), left.argmax(2)


DESIGNS: dict[str, tuple[Rule, ...]] = {
    "never": (never,),
    "always": (never, always),
    "threshold": (never, *(accepting(least) for least in range(1, MOST_CLASSES))),
    "worth": (worth,),
    "guarded": (never, worth),
    "free": (free,),
}


@dataclass(frozen=True)
class Outcome:
    """What choices realise: quality and the cost of all calls, ``(queries,)`` each, and the share that was probed."""

    quality: Floats
    cost_usd: Floats
    probed: float


def outcome(choices: Choices, probe: int, classes: Indices, quality: Floats, usd: Floats) -> Outcome:
    """Execute choices on logged outcomes."""
    each = np.arange(len(classes))
    last = choices.then[each, classes]
    again = choices.probes & (last != probe)
    paid = usd[each, choices.first] + np.where(again, usd[each, last], 0.0)
    return Outcome(quality[each, last], paid, float(choices.probes.mean()))


@dataclass(frozen=True)
class News:
    """What the score of one probe says, fitted on some queries.

    Args:
        chances: from features to the chances of the classes.
        base: their base rates, ``(classes,)``.
        effect: ``(classes, points)``.
        odds: whether the effects move the log odds.
    """

    chances: Coefficients
    base: Floats
    effect: Floats
    odds: bool

    def known(self, side: Side) -> Known:
        """Combine with the forecasts of some queries."""
        chance = _chance(self.chances, self.base, side.features)
        if self.odds:
            moved = expit(_logit(side.before)[:, None] + self.effect)
            after = moved + (side.before - np.einsum("qk,qkp->qp", chance, moved))[:, None]
        else:
            step = np.eye(len(self.base))[None] - chance[:, None]
            after = side.before[:, None] + step @ self.effect
        after = np.clip(after, 0.0, 1.0)
        return Known(side.before, side.planned_usd, chance, after)


def fit_news(side: Side, classes: Indices, count: int, fold: Indices, *, odds: bool) -> News:
    """Fit chances of the classes and the effects of their news, with chances out of fold."""
    onehot = np.eye(count)[classes]
    base, chance = onehot.mean(0), np.empty_like(onehot)
    for number in np.unique(fold):
        inside = fold == number
        model = fit_columns(side.features[~inside], onehot[~inside])
        chance[inside] = _chance(model, base, side.features[inside])
    effect = _odds(side, classes, count) if odds else _effects(onehot - chance, side.quality - side.before)
    return News(fit_columns(side.features, onehot), base, effect, odds)


def _chance(model: Coefficients, base: Floats, features: Floats) -> Floats:
    raw = np.maximum(model.predict(features)[CHANCE_STRENGTH], 0.0) + SMOOTHING * base
    return raw / raw.sum(1, keepdims=True)


def _effects(news: Floats, residual: Floats) -> Floats:
    """Regress what is unexplained on the news: ``(classes, points)``."""
    eye, gram = np.eye(news.shape[1]), news.T @ news
    pooled = np.linalg.solve(gram + POOLED * eye, news.T @ np.nanmean(residual, axis=1))
    own = residual - (news @ pooled)[:, None]
    logged = ~np.isnan(own)
    columns = [
        pooled + np.linalg.solve(news[rows].T @ news[rows] + OWN * eye, news[rows].T @ own[rows, j])
        for j, rows in enumerate(logged.T)
    ]
    return np.stack(columns, axis=1)


def _odds(side: Side, classes: Indices, count: int) -> Floats:
    """Fit by how much the log odds of quality move after each class: ``(classes, points)``."""
    before, logged = _logit(side.before), ~np.isnan(side.quality)
    quality = np.where(logged, side.quality, 0.0)
    effect = np.zeros((count, before.shape[1]))
    for k in range(count):
        rows = classes == k
        part = before[rows], quality[rows], logged[rows] * 1.0
        pooled = _moved(*part, np.zeros(1), np.full(before.shape[1], 1 / before.shape[1]), POOLED)
        effect[k] = _moved(*part, np.full(before.shape[1], pooled[0]), None, OWN)
    return effect


def _moved(
    before: Floats, quality: Floats, weight: Floats, centre: Floats, mean: Floats | None, queries: float
) -> Floats:
    """Solve for the step of the log odds, by Newton's method: of every point, or one step of all points' mean."""
    step, information = centre.copy(), queries / 4  # a query of even odds has 1/4
    for _ in range(25):
        now = expit(before + step)
        slope, curvature = (weight * (quality - now)).sum(0), (weight * now * (1 - now)).sum(0)
        if mean is not None:
            slope, curvature = np.array([slope @ mean]), np.array([curvature @ mean])
        step = step + (slope - information * (step - centre)) / (curvature + information)
    return step


def _logit(quality: Floats) -> Floats:
    return logit(np.clip(quality, 0.02, 0.98))


def class_edges(score: Floats) -> Floats:
    """Cut scores into at most five classes: by their values, or by quantiles."""
    values = np.unique(score[~np.isnan(score)])
    if len(values) <= MOST_CLASSES:
        return (values[1:] + values[:-1]) / 2
    return np.unique(np.quantile(values, np.linspace(0, 1, MOST_CLASSES + 1)[1:-1]))


def part(side: Side, rows: np.ndarray) -> Side:
    """Return some of the queries."""
    return Side(*(getattr(side, name)[rows] for name in Side.__dataclass_fields__))


@dataclass(frozen=True)
class Probe:
    """One probe on one fold: what is known of training queries, out of fold, and of test queries, with their scores.

    Args:
        column: of the point.
        train: cross-fitted.
        test: by the fit on all training queries.
        train_class: of each training query's score.
        test_class: likewise.
    """

    column: int
    train: Known
    test: Known
    train_class: Indices
    test_class: Indices


def probe_of(fold: Fold, column: int, *, odds: bool, shuffled: np.random.Generator | None = None) -> Probe:
    """Fit what a probe's score says on the training side. A score that is missing counts as the lowest class."""
    scores = [side.score[:, column] for side in (fold.train, fold.test)]
    if shuffled is not None:
        scores = [shuffled.permutation(score) for score in scores]
    edges = class_edges(scores[0])
    count = len(edges) + 1
    train_class, test_class = (np.searchsorted(edges, np.nan_to_num(s, nan=-1.0), side="right") for s in scores)
    parts = {}
    for number in np.unique(fold.fold):
        inside = fold.fold == number
        news = fit_news(part(fold.train, ~inside), train_class[~inside], count, fold.fold[~inside], odds=odds)
        parts[number] = np.flatnonzero(inside), news.known(part(fold.train, inside))
    rows = np.argsort(np.concatenate([where for where, _ in parts.values()]))
    tables = [
        np.concatenate([getattr(k, name) for _, k in parts.values()])[rows] for name in Known.__dataclass_fields__
    ]
    final = fit_news(fold.train, train_class, count, fold.fold, odds=odds)
    return Probe(column, Known(*tables), final.known(fold.test), train_class, test_class)
