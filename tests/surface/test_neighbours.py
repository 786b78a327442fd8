"""Neighbours: one query at a time and many at once give the same averages, those of an obvious version."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paretoroute.surface.neighbours import (
    CONSTANT,
    HEADS,
    LEAST_SIMILARITY,
    MEASURES,
    SIZES,
    UNIT,
    Groups,
    Units,
    averages,
    averages_between,
    index,
    most_similar,
    weights,
)

RANK = 4


def slow_averages(train, targets, vector, rank):
    """Six plain loops over cosines."""
    found = []
    for take in (rank, train.shape[1]):
        here = np.append(vector[:take], CONSTANT)
        cosines = []
        for row in train:
            there = np.append(row[:take], CONSTANT)
            cosines.append(here @ there / np.sqrt((here @ here) * (there @ there)))
        nearest = sorted(range(len(train)), key=lambda i: -cosines[i])
        for size in SIZES:
            near = nearest[:size]
            weight = np.array([max(cosines[i], LEAST_SIMILARITY) ** 2 for i in near])
            found.append(sum(w * targets[i] for w, i in zip(weight, near, strict=True)) / weight.sum())
    return np.stack(found)


def table(queries, seed=0):
    chance = np.random.default_rng(seed)
    return chance.standard_normal((queries, 7)).astype(np.float16).astype(np.float64)


@pytest.mark.parametrize("train_size", [1, 6, 25, 300])
def test_one_by_one_many_at_once_and_the_slow_version_agree(train_size):
    train, asking = table(train_size), table(9, seed=1)
    targets = np.random.default_rng(2).standard_normal((train_size, 3))

    many = averages_between(train, targets, asking, RANK)

    kept = index(train, RANK)
    assert many.shape == (HEADS, 9, 3)
    for i, vector in enumerate(asking):
        one = averages(kept.nearest(vector[None], RANK), targets)[0]
        np.testing.assert_allclose(many[:, i], slow_averages(train, targets, vector, RANK), rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(one, many[:, i], rtol=2e-3, atol=1e-3)  # look-up rounds cosines to about 1e-4


@pytest.mark.parametrize("train_size", [8, 60, 400])
def test_neighbours_of_the_same_group_are_as_if_they_were_not_there(train_size):
    train = table(train_size)
    targets = np.random.default_rng(2).standard_normal((train_size, 2))
    group = np.arange(train_size) // 4

    many = averages_between(train, targets, train, RANK, groups=Groups(group, group))

    for i in (0, 3, train_size - 1):
        rest = group != group[i]
        expected = slow_averages(train[rest], targets[rest], train[i], RANK)
        np.testing.assert_allclose(many[:, i], expected, rtol=1e-5, atol=1e-6)


def test_more_queries_than_a_block_are_averaged_like_few():
    train, asking = table(60), table(1030, seed=1)
    targets = np.random.default_rng(2).standard_normal((60, 2))

    many = averages_between(train, targets, asking, RANK)

    np.testing.assert_allclose(many[:, -3:], averages_between(train, targets, asking[-3:], RANK), rtol=1e-5, atol=1e-7)


def test_a_logged_query_is_its_own_nearest_neighbour():
    train = table(200)

    nearest = index(train, RANK).nearest(train[17:18], RANK)

    assert nearest.rows.shape == (1, MEASURES, SIZES[-1])
    assert nearest.rows[0, :, 0].tolist() == [17, 17]
    assert nearest.similarity[0, :, 0] == pytest.approx(1, abs=4 / UNIT)
    assert (np.diff(nearest.similarity) <= 0).all()


@pytest.mark.parametrize("train_size", [150, 151, 700, 5000])
@pytest.mark.parametrize("width", [RANK, 7])
def test_neighbours_do_not_depend_on_the_batch_and_are_those_of_a_full_sort(train_size, width):
    train, asking = table(train_size)[:, :width], table(70, seed=1)[:, :width]
    train[20:40] = train[20]  # copies tie, and the first come first
    asking[3] = train[20]
    kept = index(train, RANK)
    units = Units.of(kept.features.astype(np.float64), RANK)
    text, rest = (part.astype(np.float64) / UNIT for part in (units.text, units.rest))

    together = kept.nearest(asking, RANK)

    assert together.rows.shape == (70, 1 if width == RANK else MEASURES, 150)
    for i in range(len(asking)):
        alone, own = kept.nearest(asking[i : i + 1], RANK), Units.of(asking[i : i + 1], RANK)
        np.testing.assert_array_equal(alone.rows[0], together.rows[i])
        np.testing.assert_array_equal(alone.similarity[0], together.similarity[i])
        for measure, similarity in enumerate(together.similarity[i]):
            cosine = text @ own.text[0] / UNIT
            if measure:
                cosine = cosine * units.ratio * own.ratio[0] + rest @ own.rest[0] / UNIT
            np.testing.assert_allclose(similarity, np.sort(cosine)[::-1][:150], atol=3e-7)
    assert together.rows[3, 0, :20].tolist() == list(range(20, 40))


@pytest.mark.parametrize("width", [8, 129, 1024])
def test_products_of_unit_vectors_are_exact_whole_numbers(width):
    rng = np.random.default_rng(0)
    logged, asking = rng.standard_normal((40, width)), rng.standard_normal((3, width))
    logged[0], logged[1] = asking[0], -asking[0]  # the largest sums that there can be
    one, other = Units.of(logged, width), Units.of(asking, width)

    products = other.text @ one.columns().text

    expected = other.text.astype(np.int64) @ one.text.astype(np.int64).T
    np.testing.assert_array_equal(products, expected)
    largest = np.abs(other.text).astype(np.int64) @ np.abs(one.text).astype(np.int64).T  # of any order of summation
    assert 0.99 * UNIT**2 < largest.max() < 2**24


def test_queries_without_text_are_neighbours_of_one_another():
    train = np.vstack([np.zeros((12, 7)), 0.5 * np.abs(table(200))])
    targets = np.r_[np.ones(12), np.zeros(200)][:, None]

    silent = averages(index(train, RANK).nearest(np.zeros((1, 7)), RANK), targets)[0, :, 0]
    spoken = averages(index(train, RANK).nearest(train[50:51], RANK), targets)[0, :, 0]

    assert silent[[0, 3]] == pytest.approx(1)
    assert silent.min() > 0.5, "the 12 without text should outweigh 150 with one"
    assert spoken[[0, 3]] == pytest.approx(0)


def test_weights_sum_to_one_and_even_opposite_neighbours_count_a_little():
    share = weights(np.array([[0.9, 0.5, -0.8], [-1.0, -1.0, -1.0]]), 3)

    np.testing.assert_allclose(share.sum(axis=1), 1)
    np.testing.assert_allclose(share[1], 1 / 3)
    assert share[0, 0] > share[0, 1] > share[0, 2] > 0


def test_an_index_that_is_stored_in_half_precision_finds_the_same():
    features = np.random.default_rng(0).standard_normal((50, 7))
    first = index(features, RANK)

    again = index(first.features, RANK)

    for part in ("text", "rest", "ratio"):
        np.testing.assert_array_equal(getattr(first.columns, part), getattr(again.columns, part))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 5), st.integers(1, 900), st.sampled_from([3, 50, 10**6]))
def test_the_most_similar_are_the_first_of_a_stable_sort(seed, queries, logged, levels):
    chance = np.random.default_rng(seed)
    similarity = np.rint(chance.standard_normal((queries, logged)) * levels).astype(np.float32) * np.float32(0.25)
    similarity *= chance.choice(np.array([1, -1], np.float32), similarity.shape)  # zeros of both signs

    rows, found = most_similar(similarity)

    expected = np.argsort(-similarity, axis=1, kind="stable")[:, :150]
    np.testing.assert_array_equal(rows, expected)
    np.testing.assert_array_equal(found, np.take_along_axis(similarity, expected, 1))
