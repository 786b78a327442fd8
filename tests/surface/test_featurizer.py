"""A planner featurizes one text exactly as the fit featurized it among many."""

import numpy as np
import pytest

from paretoroute.fitting.text_features import fit_embeddings, fit_texts
from paretoroute.surface.featurizer import STATISTICS_CLIP, STATISTICS_SCALE, function_fingerprint, ngram_fingerprint
from paretoroute.surface.ngrams import HALF, hashed, statistics
from tests.synthetic_log import make_runs

STRANGE = ("", "   ", "🎉", "\ud800 half", "完全に新しい言葉", "Write " * 30_000, "0")


@pytest.fixture(scope="module")
def texts():
    return (*make_runs(queries=60).texts, *STRANGE, "")


@pytest.fixture(scope="module")
def fitted_texts(texts):
    return fit_texts(texts, seed=0)


def slow_vector(featurizer, text):
    """Weigh, balance and project with dictionaries and one n-gram at a time."""
    place = {int(bucket): i for i, bucket in enumerate(featurizer.buckets)}
    _, *counts = hashed([text])
    counted = zip(*(part.tolist() for part in counts), strict=True)
    weighed = {b: v * float(featurizer.weights[place[b]]) for b, v in counted if b in place}
    words = sum(v * v for b, v in weighed.items() if b < HALF)
    grams = sum(v * v for b, v in weighed.items() if b >= HALF)
    vector = np.zeros(featurizer.rank)
    for bucket, value in weighed.items():
        norm = (2 * (words if bucket < HALF else grams)) ** 0.5
        vector += value / norm * featurizer.directions[place[bucket]].astype(float)
    standard = (statistics(text) - featurizer.centre) / featurizer.scale
    return np.append(vector, STATISTICS_SCALE * np.clip(standard, -STATISTICS_CLIP, STATISTICS_CLIP))


def test_one_text_gives_the_vector_of_the_fit(texts, fitted_texts):
    featurizer, vectors = fitted_texts

    assert vectors.shape == (len(texts), featurizer.width)
    for i, text in enumerate(texts):
        found, known = featurizer.of_text(text)
        np.testing.assert_allclose(found, vectors[i], atol=1e-6, err_msg=repr(text[:40]))
        assert 0 <= known <= 1


def test_texts_together_have_the_features_of_each_alone_to_the_bit(texts, fitted_texts):
    featurizer, _ = fitted_texts
    several = [*texts[:20], "Ganz etwas anderes: \u00fcberall", *STRANGE]

    for text, (vector, known) in zip(several, featurizer.of_texts(several), strict=True):
        alone = featurizer.of_text(text)
        assert vector.tobytes() == alone.vector.tobytes() and known == alone.known_share


@pytest.mark.parametrize(
    "text", ["Write a verse in which 17 tenants sort the rent", "Ganz etwas anderes: überall ÄÖÜ", *STRANGE]
)
def test_seen_or_not_a_text_gives_the_vector_of_a_slow_version(fitted_texts, text):
    featurizer, _ = fitted_texts

    np.testing.assert_allclose(featurizer.of_text(text)[0], slow_vector(featurizer, text), atol=1e-6)


def test_text_parts_are_at_most_of_unit_length(fitted_texts):
    featurizer, vectors = fitted_texts

    length = np.linalg.norm(vectors[:, : featurizer.rank], axis=1)
    assert length.max() <= 1 + 1e-2  # the projection is kept in eight bits
    assert length[:60].min() > 0.5


def test_texts_of_a_kind_lie_closer_than_texts_of_different_kinds(fitted_texts):
    featurizer, vectors = fitted_texts
    part = vectors[:60, : featurizer.rank]
    unit = part / np.linalg.norm(part, axis=1, keepdims=True)

    alike = unit @ unit.T
    kind = np.arange(60) % 3
    same = (kind[:, None] == kind) & ~np.eye(60, dtype=bool)
    assert alike[same].mean() > 2 * alike[kind[:, None] != kind].mean()


def test_nothing_is_unknown_in_an_empty_text_and_all_is_in_a_foreign_one(fitted_texts):
    featurizer, _ = fitted_texts

    assert featurizer.of_text("")[1] == 1.0
    assert featurizer.of_text("ყველაფერი უცხოა")[1] < 0.2
    assert featurizer.of_text("Write a python function that parses the header")[1] > 0.5


def test_one_embedding_gives_the_vector_of_the_fit():
    chance = np.random.default_rng(0)
    embeddings = (chance.standard_normal((40, 6)) * [1, 10, 100, 1, 1, 0] + 7).astype(np.float32)

    featurizer, vectors = fit_embeddings(embeddings)

    assert vectors.shape == (40, featurizer.width)
    assert np.isfinite(vectors).all()
    assert np.sqrt((vectors**2).sum(1).mean()) == pytest.approx(1, abs=0.01)
    for row, vector in zip(embeddings, vectors, strict=True):
        np.testing.assert_allclose(featurizer.of_embedding(row), vector, atol=1e-6)


def test_the_fingerprint_of_the_n_grams_stays_as_it_is():
    # Policies name it: a change of the features makes every policy written before unreadable. Change it knowingly.
    assert ngram_fingerprint() == "47197941f73dbd0775910868e07f7929ac31e35887503f4bb7c8467a3d972aeb"


def test_the_fingerprint_of_a_function_tells_functions_apart_but_forgives_rounding():
    base = function_fingerprint(lambda text: [len(text), 0.5])

    assert base == function_fingerprint(lambda text: np.array([len(text) + 1e-5, 0.5 - 1e-5], np.float32))
    assert base != function_fingerprint(lambda text: [len(text), 0.6])
    assert function_fingerprint(lambda text: [0.0]) == function_fingerprint(lambda text: [-1e-9])
