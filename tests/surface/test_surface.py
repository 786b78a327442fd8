"""The surface: its formula against a slow version, prices, and the round trip through arrays."""

from dataclasses import replace

import numpy as np
import pytest

from paretoroute.errors import PolicyError
from paretoroute.fitting.result import context_free
from paretoroute.grid import Budget, Grid, Point, Price, cost_usd
from paretoroute.policy.arrays import from_arrays
from paretoroute.policy.checked.arrays import PANELS
from paretoroute.policy.packing import to_arrays
from paretoroute.surface import neighbours
from paretoroute.surface.panel import LEADING
from paretoroute.surface.surface import TextGrowth, TextSize
from tests.synthetic_log import bits, fitted, make_runs

TEXTS = (
    "Write a python function that merges two records",
    "Under the statute, may a tenant sublet the moon",
    "完全に別の言語",
    "",
    "Compose " * 300,
)
FIGURES = ("quality", "quality_se", "amount", "prompt_tokens", "latency_s")


@pytest.fixture(scope="module")
def arrays(signal_fit):
    fit, _ = signal_fit
    return to_arrays(fit.surface, fit.calibration_sample)


def label_names(fit) -> dict[str, tuple[str, ...]]:
    return {by: labels.names for by, labels in fit.calibration_sample.labels.items()}


def slow_components(panel, vector, nearest):
    level = panel.first_level
    near = neighbours.averages(nearest, level.targets.astype(float))[0]
    components = []
    for k in range(panel.basis.shape[1]):
        linear = level.offset[k] + sum(vector[f] * level.slope[f, k] for f in range(len(vector)))
        components.append(linear + sum(level.weights[h, k] * near[h, k] for h in range(len(near))))
    return components


def test_a_panel_is_base_plus_two_levels_of_stacked_heads(signal_fit):
    fit, _ = signal_fit
    surface = fit.surface
    panel = surface.quality
    vector, _ = surface.featurizer.of_text(TEXTS[0])
    nearest = surface.neighbours.nearest(vector[None], surface.featurizer.rank)
    second = panel.second_level

    own = slow_components(panel, vector, nearest)
    inputs = slow_components(surface.amount, vector, nearest) + own[:LEADING]
    figure = panel.base.copy()
    for k in range(panel.basis.shape[1]):
        cross = sum(inputs[r] * second.cross[r, k] for r in range(len(inputs)))
        figure += panel.basis[:, k] * (second.shift[k] + second.keep[k] * own[k] + cross)
    logs = surface.amount.base + surface.amount.basis @ slow_components(surface.amount, vector, nearest)

    assert not panel.is_constant and np.abs(second.cross).max() > 0
    forecast = surface.at_text(TEXTS[0])
    np.testing.assert_allclose(forecast.quality, np.clip(figure, 0, 1), atol=1e-6)
    scale = surface.amount.scale
    clipped = np.clip(logs, scale.low, scale.high)
    np.testing.assert_allclose(forecast.amount, np.exp(clipped) * scale.smearing, rtol=1e-6)


def test_the_basis_has_orthonormal_columns(signal_fit):
    fit, _ = signal_fit

    for name in PANELS:
        basis = getattr(fit.surface, name).basis
        np.testing.assert_allclose(basis.T @ basis, np.eye(basis.shape[1]), atol=1e-6, err_msg=name)


@pytest.mark.parametrize("text", TEXTS)
def test_forecasts_stay_in_range_for_any_text(signal_fit, text):
    fit, _ = signal_fit
    amounts = fit.surface.at_text(text)

    assert ((amounts.quality >= 0) & (amounts.quality <= 1)).all()
    assert (amounts.quality_se > 0).all()
    logged = fit.calibration_sample.logged_amount
    assert (amounts.amount > 0.3 * np.nanmin(logged, axis=0)).all()
    assert (amounts.amount < 3 * np.nanmax(logged, axis=0)).all()


def test_a_surface_that_went_through_arrays_forecasts_the_same_bits(signal_fit, arrays):
    fit, grid = signal_fit

    surface, traffic = from_arrays(
        arrays,
        features="hashed_ngrams",
        points=len(grid.points),
        labels=label_names(fit),
    )

    for text in TEXTS:
        before, after = fit.surface.at_text(text), surface.at_text(text)
        for name in FIGURES:
            assert getattr(before, name).tobytes() == getattr(after, name).tobytes(), (name, text[:30])
        assert before.unfamiliar == after.unfamiliar
    before, after = fit.surface.context_free(), surface.context_free()
    for name in FIGURES:
        assert getattr(before, name).tobytes() == getattr(after, name).tobytes(), name
    assert bits(to_arrays(surface, traffic)) == bits(arrays)


def test_a_surface_of_embeddings_goes_through_arrays_too():
    fit, grid = fitted(make_runs(embedding=True), kind="embedding")

    surface, _ = from_arrays(
        to_arrays(fit.surface, fit.calibration_sample),
        features="embedding",
        points=len(grid.points),
        labels=label_names(fit),
    )

    for embedding in np.random.default_rng(0).standard_normal((10, 3)).astype(np.float32):
        before, after = (some.at(some.featurizer.of_embedding(embedding)) for some in (fit.surface, surface))
        for name in FIGURES:
            assert getattr(before, name).tobytes() == getattr(after, name).tobytes(), name


def test_a_policy_without_growth_of_prompts_plans_as_before(arrays, signal_fit):
    fit, grid = signal_fit
    older = {name: array for name, array in arrays.items() if not name.startswith(("prompt_growth.", "amount_growth."))}

    labels = {by: labels.names for by, labels in fit.calibration_sample.labels.items()}

    surface, _ = from_arrays(older, features="hashed_ngrams", points=len(grid.points), labels=labels)

    assert surface.prompt_growth is None
    long, short = (surface.at_text("Compose " * n).prompt_tokens for n in (10_000, 100_000))
    assert (short < 2.01 * np.nanmax(fit.calibration_sample.logged_prompt_tokens)).all()
    np.testing.assert_allclose(long, short, rtol=0.2)


def test_a_figure_grows_in_proportion_to_the_bytes_beyond_its_constant():
    growth = TextGrowth(
        constant=np.array([0.5, 1.0, 1.0]),
        per_ascii_byte=np.array([0.01, 0.01, 0.0]),
        per_other_byte=np.array([0.02, 0.02, 0.0]),
        flat_bytes=np.array([0.0, 100.0, 0.0]),
    )

    assert growth.at(None).tolist() == [1.0, 1.0, 1.0]
    np.testing.assert_allclose(growth.at(TextSize(50, 0)), [1.0, 1.0, 1.0])
    np.testing.assert_allclose(growth.at(TextSize(100, 100)), [3.5, 1.0 + 0.5 * 3, 1.0])
    assert growth.is_flat.tolist() == [False, True, True]
    assert TextSize.of("ab河🎉") == TextSize(2, 7)
    assert TextSize.of(" \n") is None


def test_panels_that_were_not_fitted_stay_absent(signal_fit, arrays):
    fit, grid = signal_fit
    some = {name: array for name, array in arrays.items() if not name.startswith(("latency.", "prompt."))}

    some = {name: array for name, array in some.items() if not name.endswith("latency_s")}

    surface, _ = from_arrays(some, features="hashed_ngrams", points=len(grid.points), labels=label_names(fit))

    assert surface.latency is None
    assert surface.prompt is None
    assert np.isnan(surface.at_text("x").prompt_tokens).all()


def test_a_grid_of_another_size_is_refused(arrays, signal_fit):
    fit, _ = signal_fit
    with pytest.raises(PolicyError, match=r"array amount.base has shape \(4,\), must have \(5,\); fit again"):
        from_arrays(arrays, features="hashed_ngrams", points=5, labels=label_names(fit))


# Each of these would otherwise plan with wrong numbers, or fail at the first query in production.
CUT = [
    "quality.base", "quality.offset", "quality.slope", "quality.targets", "quality.weights", "quality.basis",
    "quality.low", "quality.spread", "amount.smear", "prompt.slope", "latency.high", "familiarity.centre",
    "familiarity.inverse", "featurizer.buckets", "featurizer.weights", "featurizer.projection", "featurizer.scales",
    "featurizer.centre", "featurizer.scale", "bounds.prompt_overhead_tokens",
    "bounds.most_completion_tokens", "prompt_growth.constant", "prompt_growth.flat_bytes", "neighbours.features",
    "queries", "traffic.quality", "traffic.logged_amount",
]  # fmt: skip


@pytest.mark.parametrize("name", CUT)
def test_an_array_that_is_one_row_short_is_refused(arrays, signal_fit, name):
    fit, grid = signal_fit
    cut = arrays | {name: arrays[name][:-1]}

    with pytest.raises(PolicyError, match="array .* has shape .*, must have .*; fit again, or copy both files again"):
        from_arrays(cut, features="hashed_ngrams", points=len(grid.points), labels=label_names(fit))


@pytest.mark.parametrize("name", sorted(CUT))
def test_an_array_that_is_missing_is_refused(arrays, signal_fit, name):
    fit, grid = signal_fit
    rest = {key: array for key, array in arrays.items() if key != name}

    with pytest.raises(PolicyError, match=f"array {name} is missing; fit again, or copy both files again"):
        from_arrays(rest, features="hashed_ngrams", points=len(grid.points), labels=label_names(fit))


@pytest.mark.parametrize("name", ["quality.extra", "amount.keep", "labels.colour", "traffic.weight", "more"])
def test_an_array_that_nobody_knows_is_refused(arrays, signal_fit, name):
    fit, grid = signal_fit
    more = arrays | {name: np.zeros(3, np.float32)}

    with pytest.raises(PolicyError, match=f"array {name} belongs to no part of this policy"):
        from_arrays(more, features="hashed_ngrams", points=len(grid.points), labels=label_names(fit))


def test_cost_is_tokens_times_prices_and_where_there_is_no_price_the_amount_itself():
    grid = Grid((Point("a", Budget()), Point("b", Budget())), {"a": Price(3.0, 15.0)})

    cost = cost_usd(np.array([[200.0, 0.07]]), np.array([[1000.0, np.nan]]), grid)

    np.testing.assert_allclose(cost, [[1000 * 3e-6 + 200 * 15e-6, 0.07]], rtol=1e-12)


def test_a_fit_made_context_free_forecasts_the_logged_means_for_every_query(signal_fit):
    fit, grid = signal_fit

    reduced = context_free(fit, grid)

    means = reduced.surface.context_free()
    for text in TEXTS:
        forecast, counted = reduced.surface.at_text(text), reduced.surface.context_free(TextSize.of(text))
        for name in ("quality", "amount"):
            np.testing.assert_array_equal(getattr(forecast, name), getattr(means, name))
        np.testing.assert_array_equal(forecast.prompt_tokens, counted.prompt_tokens)
    np.testing.assert_array_equal(
        np.unique(reduced.calibration_sample.quality, axis=0), means.quality[None].astype(np.float32)
    )
    np.testing.assert_allclose(means.amount, np.nanmean(fit.calibration_sample.logged_amount, axis=0), rtol=1e-5)
    assert reduced.calibration_sample.logged_quality is fit.calibration_sample.logged_quality


def test_a_query_far_from_the_log_is_less_certain(signal_fit):
    fit, _ = signal_fit
    surface = fit.surface
    near = surface.familiarity.centre
    far = near + 3 * np.eye(len(near))[0]

    one, two = surface.at(near), surface.at(far)

    assert (two.quality_se > one.quality_se).all()
    assert two.unfamiliar
    assert not one.unfamiliar
    assert surface.at(near, known_share=0.0).unfamiliar
    anything = replace(surface, familiarity=replace(surface.familiarity, least_known=0.0))
    assert not anything.at(near, known_share=0.0).unfamiliar
