"""Features of what a text tells about its tag: the chance of each tag given the text, by linear discriminants.

Tags often name what decides the quality of a model, such as the benchmark or the task. A few hundred outcomes a point
teach ridge regression which directions of the features separate the tags; the tags themselves teach it at once, and
they are logged without noise. With x the features of a text, m_t their mean and p_t the share of tag t, and S the
covariance within tags, shrunk as if two more queries had been seen in every direction,

    chance of t = exp(a_t + x . b_t) / sum over tags,      b_t = S^-1 m_t,      a_t = log p_t - m_t . b_t / 2

(Fisher, "The use of multiple measurements in taxonomic problems", 1936; shrunk as in Friedman, "Regularized
discriminant analysis", JASA 84, 1989). A logged query gets the chances by the tags of the other folds, since a query
that a planner meets did not teach the tags of its words. A planner reads the text alone. What is gained:
``experiments/tags``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from paretoroute._arrays import Floats, single
from paretoroute.fitting.sample import FOLDS, LEAST_QUERIES
from paretoroute.fitting.text_features import Featurized
from paretoroute.runs.folds import folds, groups_of
from paretoroute.runs.table import Runs
from paretoroute.surface.featurizer import Featurizer, of_tags

LEAST_OF_A_TAG = 20  # queries; rarer tags are not read
MOST_TAGS = 32  # the most frequent ones
LEAST_SHARE = 0.5  # of the queries that have one of the tags that are read
RIDGE = 2.0  # queries


class Discriminants(NamedTuple):
    """Linear discriminants of some classes.

    Args:
        slopes: ``(width, classes)``.
        intercepts: ``(classes,)``.
    """

    slopes: Floats
    intercepts: Floats


def with_tags(fitted: Featurized, runs: Runs, *, seed: int) -> Featurized:
    """Add the chance of each tag given the text to the features, where a log has at least two frequent tags.

    Args:
        fitted: the featurizer of the log's texts, with their features.
        runs: the log.
        seed: of the folds.
    """
    code = _codes(runs.tags)
    if code is None or len(set(runs.texts)) < 2:
        return fitted
    width = fitted.featurizer.text_width
    own, beside = fitted.features[:, :width], fitted.features[:, width:]
    whole = discriminants(own, code, classes=int(code.max()) + 1)
    featurizer = replace(fitted.featurizer, tag_slopes=single(whole.slopes), tag_intercepts=single(whole.intercepts))
    return Featurized(featurizer, np.hstack([own, _left_out(own, code, featurizer, runs, seed=seed), beside]))


def _left_out(own: Floats, code: NDArray[np.intp], featurizer: Featurizer, runs: Runs, *, seed: int) -> Floats:
    """Compute the features of every query by the tags of the other folds, ``(queries, tags)``.

    Queries whose texts have equal features get equal ones, since a planner can't tell them apart: those without a
    text, and those of one template that differ in their numbers. Where there are 20 or more of them they get what a
    planner computes, since they are to tie there too.
    """
    fold = folds(groups_of(runs), FOLDS, seed=seed)
    found = np.zeros((len(code), featurizer.tags))
    for k in range(FOLDS):
        inside = fold == k
        slopes, intercepts = discriminants(own[~inside], code[~inside], classes=featurizer.tags)
        found[inside] = of_tags(own[inside] @ slopes + intercepts)
    rows: dict[bytes, list[int]] = {}
    for i, row in enumerate(own):
        rows.setdefault(row.tobytes(), []).append(i)
    for alike in rows.values():
        if len(alike) >= LEAST_QUERIES:
            found[alike] = featurizer.of_text(runs.texts[alike[0]]).vector[featurizer.text_width :]
        else:
            found[alike] = found[alike[0]]
    return found


def discriminants(features: Floats, code: NDArray[np.intp], *, classes: int) -> Discriminants:
    """Fit linear discriminants; a class without a query gets a chance of about that of one in half of a query.

    Args:
        features: ``(queries, width)``.
        code: class of every query, -1 for none, ``(queries,)``.
        classes: number of classes.
    """
    known = code >= 0
    features, code = features[known], code[known]
    member = np.zeros((len(code), classes))
    member[np.arange(len(code)), code] = 1.0
    size = member.sum(0)
    means = member.T @ features / np.maximum(size, 1.0)[:, None]
    within = features - means[code]
    scatter = within.T @ within + RIDGE * np.eye(features.shape[1])
    slopes = np.linalg.solve(scatter, means.T) * max(len(code), 1)
    share = np.maximum(size, 0.5) / max(len(code), 1)
    return Discriminants(slopes, np.log(share) - (means.T * slopes).sum(0) / 2)


def _codes(tags: Sequence[str | None]) -> NDArray[np.intp] | None:
    """Number the tags of the queries, -1 where a query has none that is read; None where too few are told apart."""
    sizes = Counter(tag for tag in tags if tag)
    frequent = [tag for tag, size in sorted(sizes.items(), key=_rank) if size >= LEAST_OF_A_TAG][:MOST_TAGS]
    number = {tag: code for code, tag in enumerate(sorted(frequent))}
    code = np.array([number.get(tag or "", -1) for tag in tags], np.intp)
    return code if len(frequent) >= 2 and (code >= 0).mean() >= LEAST_SHARE else None


def _rank(counted: tuple[str, int]) -> tuple[int, str]:
    return -counted[1], counted[0]
