"""Queries with equal features, such as those without a text: they are fitted on what a planner computes for them."""

from dataclasses import replace

import numpy as np
import pytest

from paretoroute.fitting import pipeline
from paretoroute.fitting.draft import HeldOut
from paretoroute.fitting.panel import fit_panel
from paretoroute.fitting.sample import Sample, sample_order
from paretoroute.runs.table import Runs
from paretoroute.surface.neighbours import HEADS
from paretoroute.surface.surface import TextSize
from tests.synthetic_log import fitted, make_runs


def mostly_blank_runs(*, seed: int) -> Runs:
    """Blank three of four texts; what their queries are about still decides which point answers well."""
    runs = make_runs(queries=240, seed=seed)
    return replace(runs, texts=tuple("" if i % 4 else text for i, text in enumerate(runs.texts)))


def test_the_second_level_reads_of_them_what_a_planner_computes(monkeypatch: pytest.MonkeyPatch):
    drafts = []

    def spy(draft, second, sample, **options):
        drafts.append((draft, sample))
        return fit_panel(draft, second, sample, **options)

    monkeypatch.setattr(pipeline, "fit_panel", spy)

    surface = fitted(mostly_blank_runs(seed=5))[0].surface

    draft, sample = drafts[0]
    (rows,) = sample.alike
    vector = sample.features[rows[:1]]
    near = surface.neighbours.nearest(vector, surface.featurizer.rank)
    deployed = surface.quality.first_level.components(vector, near)
    spread = draft.targets.std()
    assert len(rows) == 180
    np.testing.assert_allclose(draft.components[rows], np.tile(deployed, (180, 1)), atol=0.01 * spread)


def test_they_are_forecast_at_the_mean_of_their_outcomes():
    misses = []
    for seed in range(6):
        runs = mostly_blank_runs(seed=seed)
        outcomes = runs.means("quality").mean[[not text for text in runs.texts]]
        forecast = fitted(runs)[0].surface.at_text("").quality
        misses.append(np.abs(forecast - outcomes.mean(axis=0)).max())

    # The standard error of such a mean is 0.035: a fit that took some of them for all would miss by as much.
    assert np.mean(misses) < 0.02, misses


def test_to_another_query_each_counts_as_their_mean():
    rng = np.random.default_rng(0)
    features, targets = rng.standard_normal((60, 4)), rng.standard_normal((60, 2))
    features[:30] = features[0]
    rows = np.arange(60)
    sample = Sample(rows, features, rows % 5, rows, features, 3)
    shared = targets.copy()
    shared[:30] = targets[:30].mean(0)

    np.testing.assert_allclose(sample.shared(targets), shared, atol=1e-12)
    apart = HeldOut(sample, rows >= 30, sample)
    np.testing.assert_allclose(apart.heads(targets), apart.heads(shared), atol=1e-12)


def test_fewer_than_20_stay_as_they_are():
    features, rows = np.arange(40.0)[:, None] // 19, np.arange(40)
    figures = np.arange(40.0)[:, None]

    assert (Sample(rows, features, rows % 5, rows, features, 1).shared(figures) == figures).all()


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("has_numbers", [False, True], ids=["one view", "two views"])
def test_they_are_forecast_in_the_sample_as_by_a_planner_to_the_last_bit(has_numbers, seed):
    runs = make_runs(queries=240, seed=seed, embedding=has_numbers)
    texts = tuple("please answer the attached question" if i % 4 else text for i, text in enumerate(runs.texts))
    vectors = runs.embeddings
    if vectors is not None:
        vectors = np.where(np.arange(240)[:, None] % 4, vectors[1], vectors)
    runs = replace(runs, texts=texts, embeddings=vectors)

    fit, _ = fitted(runs, second="embedding" if has_numbers else None)

    featurizer, sample = fit.surface.featurizer, fit.calibration_sample
    read = featurizer.of_text(texts[1]) if vectors is None else featurizer.of_both(texts[1], vectors[1])
    planned = fit.surface.at(*read, size=TextSize.of(texts[1]))
    alike = [i for i, row in enumerate(sample_order(runs)) if row % 4]
    assert not fit.surface.quality.is_constant
    assert (sample.quality[alike] == planned.quality).all()
    assert (sample.amount[alike] == planned.amount).all()
    assert (sample.prompt_tokens[alike] == planned.prompt_tokens).all()


def test_a_second_view_that_is_not_read_does_not_part_them():
    # a planner gives them one forecast, whatever numbers stand beside their texts
    numbers = np.random.default_rng(0).standard_normal((240, 8)).astype(np.float32)
    runs = replace(mostly_blank_runs(seed=0), embeddings=numbers)

    fit, _ = fitted(runs, second="embedding")

    surface, sample = fit.surface, fit.calibration_sample
    assert not surface.quality.first_level.weights[HEADS:].any()
    planned = surface.at(*surface.featurizer.of_both("", numbers[1].astype(np.float64)))
    blank = [i for i, row in enumerate(sample_order(runs)) if row % 4]
    for name in ("quality", "amount", "prompt_tokens"):
        assert (getattr(sample, name)[blank] == getattr(planned, name)).all(), name
