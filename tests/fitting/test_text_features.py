"""Fitting the featurizer: finite, reproducible to the bit, and of bounded width for any texts and embeddings."""

import numpy as np
import pytest

from paretoroute.fitting import text_features
from paretoroute.fitting.text_features import fit_embeddings, fit_texts
from tests.synthetic_log import make_runs


@pytest.fixture(scope="module")
def texts():
    return (*make_runs(queries=60).texts, "", "\ud800 half", "完全に新しい言葉")


@pytest.mark.parametrize(
    "texts",
    [("",) * 25, ("same text",) * 25, tuple(map(str, range(25))), ("", "a"), tuple(map(chr, range(0x4E00, 0x4E1E)))],
    ids=["no text", "one text", "numbers", "two queries", "a letter each"],
)
def test_texts_that_tell_little_still_give_finite_vectors(texts):
    featurizer, vectors = fit_texts(texts, seed=0)

    assert np.isfinite(vectors).all()
    for i, text in enumerate(texts):
        np.testing.assert_allclose(featurizer.of_text(text)[0], vectors[i], atol=1e-6)
    assert np.isfinite(featurizer.of_text("something else")[0]).all()


def test_the_rows_of_a_projection_lie_in_one_piece_each(texts):
    # of any other order, NumPy copies the whole projection for every text that is planned without saving the policy
    featurizer, _ = fit_texts(texts, seed=0)
    of_numbers, _ = fit_embeddings(np.random.default_rng(0).standard_normal((40, 6)))

    assert featurizer.projection.flags.c_contiguous
    assert of_numbers.projection.flags.c_contiguous


def test_the_same_texts_give_the_same_bits_again(texts):
    featurizer, vectors = fit_texts(texts, seed=0)

    again, other = fit_texts(texts, seed=0)

    np.testing.assert_array_equal(featurizer.directions, again.directions)
    np.testing.assert_array_equal(vectors, other)


def test_distances_between_embeddings_do_not_depend_on_the_unit_of_a_column():
    embeddings = np.random.default_rng(0).standard_normal((40, 6))

    _, one = fit_embeddings(embeddings)
    _, two = fit_embeddings(embeddings * [1, 1000, 1, 1, 0.001, 1])

    np.testing.assert_allclose(one @ one.T, two @ two.T, atol=5e-3)


def test_embeddings_of_every_source_of_a_long_log_are_told_apart(monkeypatch):
    monkeypatch.setattr(text_features, "FIT_SAMPLE", 60)
    monkeypatch.setattr(text_features, "RANK", 4)
    rng, sources = np.random.default_rng(0), np.linalg.qr(np.random.default_rng(1).standard_normal((40, 8)))[0].T
    # Queries are sorted by id: those of one source come first, and each source varies in directions of its own.
    embeddings = np.concatenate([rng.standard_normal((90, 4)) @ own for own in (sources[:4], sources[4:])])

    _, vectors = fit_embeddings(embeddings)

    spread = [vectors[rows].std(0).sum() for rows in (slice(0, 90), slice(90, None))]
    assert min(spread) > 0.5 * max(spread)


def test_embeddings_wider_than_the_log_is_long_are_reduced():
    embeddings = np.random.default_rng(0).standard_normal((30, 300))

    featurizer, vectors = fit_embeddings(embeddings)

    assert featurizer.directions.shape == (300, 30)
    np.testing.assert_allclose(featurizer.of_embedding(embeddings[3]), vectors[3], atol=1e-6)
