"""Two views of a query in one surface: each has heads of its own, and both decide."""

from dataclasses import replace
from unittest import mock

import numpy as np
import pyarrow as pa
import pytest

import paretoroute as pr
from paretoroute.fitting import pipeline, signal
from paretoroute.fitting.methods import stacking
from paretoroute.fitting.sample import draw_sample, featurized
from paretoroute.surface import neighbours
from tests.synthetic_log import fitted, make_runs

HEADS = neighbours.HEADS + neighbours.SECOND_HEADS


def half_told(queries: int = 400, *, one_each: bool = False) -> pr.Runs:
    """Draw a log in which the text tells whether one model is right, and two numbers whether the other is."""
    draw, rows = np.random.default_rng(0), []
    for i in range(queries):
        by_text, by_numbers = draw.random(2) < 0.5
        text = f"{'Sort a list of records' if by_text else 'Name a river in France'}, {draw.integers(1000)}"
        about = {"query_id": f"q{i}", "query": text, "embedding": [float(by_numbers), float(draw.normal())]}
        calls = (("reads", 0.7 if by_text else 0.1), ("counts", 0.97 if by_numbers else 0.1))
        for model, chance in calls if not one_each else calls[i % 2 :][:1]:
            quality = float(draw.random() < chance)
            rows.append(about | {"model": model, "quality": quality, "cost_usd": 0.01, "completion_tokens": 100})
    return pr.read_runs(pa.Table.from_pylist(rows))


@pytest.fixture(scope="module")
def policies():
    runs = half_told()
    target = pr.BestTrade(usd_per_quality=1.0)
    return {"both": pr.fit(runs, target), "text": pr.fit(replace(runs, embeddings=None), target)}


def test_the_text_and_the_numbers_both_decide(policies):
    planner = pr.Planner(policies["both"])
    texts = {True: "Sort a list of records, 7", False: "Name a river in France, 7"}

    chosen = {
        (by_text, by_numbers): planner.plan(texts[by_text], embedding=[float(by_numbers), 0.0], query_id="a")
        for by_text in texts
        for by_numbers in (True, False)
    }

    assert chosen[True, False].model == "reads" and chosen[False, True].model == "counts"
    qualities = {key: decision.expected_quality for key, decision in chosen.items()}
    assert min(qualities[True, True], qualities[True, False], qualities[False, True]) > 0.55 > qualities[False, False]


def test_a_second_view_that_tells_something_raises_the_expected_quality(policies):
    both, text = (policies[name].document.expected for name in ("both", "text"))

    assert both.quality_low > text.quality


def test_the_surface_is_the_heads_of_both_views_weighted():
    runs = make_runs(embedding=True)
    surface = fitted(runs, second="embedding")[0].surface
    first, second, level = surface.neighbours, surface.featurizer.second, surface.quality.first_level
    own = surface.featurizer.own_width
    assert second is not None and first.second is not None
    assert level.weights.shape[0] == HEADS and level.slope.shape[0] == own + second.width
    vector = surface.featurizer.of_both(runs.texts[5] + " at noon", np.array([0.6, 0.3, 0.1])).vector

    components = level.offset + vector @ level.slope
    start = 0
    for features, part, rank, measures in (
        (first.features, slice(0, own), surface.featurizer.rank, 2),
        (first.second.features, slice(own, None), second.width, 1),
    ):
        near = neighbours.averages_between(
            features.astype(float), level.targets.astype(float), vector[None, part], rank, measures=measures
        )
        components = components + (level.weights[start : start + len(near)] * near[:, 0]).sum(0)
        start += len(near)

    assert start == HEADS
    inside = level.components(vector[None], first.nearest(vector[None], surface.featurizer.rank))[0]
    np.testing.assert_allclose(inside, components, rtol=1e-3, atol=1e-4)


def test_one_view_is_fitted_as_if_there_were_no_other():
    runs = make_runs(embedding=True, queries=60)

    (plain, _), (alone, _) = (fitted(one) for one in (runs, replace(runs, embeddings=None)))

    assert np.array_equal(plain.surface.quality.first_level.slope, alone.surface.quality.first_level.slope)
    assert plain.surface.neighbours.second is None


def test_views_share_rows_and_split_columns():
    runs = make_runs(embedding=True, queries=60)
    featurizer, features = featurized(runs, "hashed_ngrams", 0, second="embedding")

    sample = draw_sample(runs, features, featurizer.rank, points=4, seed=0, second_at=featurizer.own_width)
    text, numbers = sample.views

    assert np.array_equal(np.hstack([text.features, numbers.features]), sample.features)
    assert (text.rank, text.measures, numbers.rank, numbers.measures) == (featurizer.rank, 2, 3, 1)


def test_a_partial_log_reads_both_views(tmp_path):
    runs = half_told(one_each=True)

    pr.fit(runs, pr.BestTrade(usd_per_quality=1.0)).save(tmp_path / "p.yaml")
    planner = pr.Planner.load(tmp_path / "p.yaml")

    assert planner.policy.surface.quality.first_level.weights.shape[0] == HEADS
    assert planner.policy.calibration_sample.support is not None
    chosen = {
        planner.plan(f"Name a river in France, {i}", embedding=[1.0, 0.0], query_id=str(i)).model for i in range(5)
    }
    assert chosen == {"counts"}


def test_numbers_that_tell_nothing_hardly_move_the_forecasts():
    runs = make_runs(queries=200)
    draw = np.random.default_rng(0)
    noise = replace(runs, embeddings=draw.standard_normal((len(runs.texts), 24)).astype(np.float32))

    (text, _), (both, _), (whole, _) = (
        fitted(runs),
        fitted(noise, second="embedding"),
        _fitted_with_all_weights(noise),
    )

    moved = np.abs(both.calibration_sample.quality - text.calibration_sample.quality).mean()
    assert moved < 0.5 * np.abs(whole.calibration_sample.quality - text.calibration_sample.quality).mean()


def _fitted_with_all_weights(runs: pr.Runs):
    def stacked(sample, heads, targets, share, *, folds):
        return stacking.stack(heads, targets, share, sample.fold, folds=folds)

    with mock.patch.object(pipeline, "head_weights", stacked), mock.patch.object(signal, "head_weights", stacked):
        return fitted(runs, second="embedding")
