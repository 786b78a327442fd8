"""Features of the logged texts as new ones have them."""

from __future__ import annotations

import numpy as np
import pytest

from paretoroute.fitting.partial_logs.left_out_features import with_left_out_features
from paretoroute.fitting.text_features import fit_texts

QUERIES, FOLDS = 600, 5


def texts_of(seed, queries=QUERIES):
    """Short texts on 4 topics, half of their words rare ones."""
    rng = np.random.default_rng(seed)

    def words(stem, count):
        return [f"{stem}{k}" for k in rng.integers(count, size=5)]

    return [" ".join(words(f"topic{topic}word", 20) + words("rare", 900)) for topic in rng.integers(4, size=queries)]


@pytest.fixture(scope="module")
def fitted():
    return fit_texts(texts_of(0), seed=0)


@pytest.fixture(scope="module")
def left_out(fitted):
    return with_left_out_features(texts_of(0), fitted, np.arange(QUERIES) % FOLDS)


def spread(features, rank):
    """The variance of the leading quarter of the features of texts, and of the others, ``(2,)``."""
    variance = features[:, :rank].var(0)
    return np.array([variance[: rank // 4].sum(), variance[rank // 4 :].sum()])


def test_features_vary_as_those_of_new_texts_do_and_those_of_the_fit_vary_more(fitted, left_out):
    rank = fitted.featurizer.rank
    new = np.stack([fitted.featurizer.of_text(text)[0] for text in texts_of(1)])

    of_left_out, of_fitted = (spread(one.features, rank) / spread(new, rank) for one in (left_out, fitted))

    assert (of_left_out > [0.85, 0.4]).all() and (of_left_out < 1.15).all()
    assert (of_fitted > [1.4, 2.0]).all()  # the planted fault


def test_leading_features_and_statistics_stay(fitted, left_out):
    rank = fitted.featurizer.rank
    leading = [np.corrcoef(fitted.features[:, j], left_out.features[:, j])[0, 1] for j in range(3)]

    assert min(leading) > 0.9
    np.testing.assert_array_equal(left_out.features[:, rank:], fitted.features[:, rank:])
    assert left_out.featurizer is fitted.featurizer


def test_a_text_has_no_say_in_its_own_direction():
    """The n-grams of one fold's texts are theirs alone: nothing of them is left for the others to know."""
    fold = np.arange(40) % 2
    texts = [f"{'abc' if k else 'xyz'} {'def' if k else 'uvw'} {i % 5}" for i, k in enumerate(fold)]
    fitted = fit_texts(texts, seed=0)
    left_out = with_left_out_features(texts, fitted, fold)
    rank = fitted.featurizer.rank

    whole, own = (np.square(one.features[:, :rank]).sum(1) for one in (fitted, left_out))
    assert whole.min() > 0.9
    assert own.max() < 0.5


def test_equal_texts_have_equal_features():
    texts = [text for text in texts_of(2, 60) for _ in range(2)] + [""] * 5
    fold = np.append(np.arange(60).repeat(2) % FOLDS, np.zeros(5, np.int64))
    features = with_left_out_features(texts, fit_texts(texts, seed=0), fold).features

    np.testing.assert_array_equal(features[:120:2], features[1:120:2])
    assert (features[-5:] == features[-1]).all()
