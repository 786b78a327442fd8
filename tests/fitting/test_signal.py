"""The signal test: noise is no signal, and what decides in doubt has not read the queries that it forecasts."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import paretoroute as pr
from paretoroute.fitting import pipeline
from paretoroute.fitting.draft import PanelDraft
from paretoroute.fitting.logged_panels import LoggedPanel
from paretoroute.fitting.points.log_grid import build_grid
from paretoroute.fitting.result import Signal
from paretoroute.fitting.sample import Sample
from paretoroute.fitting.signal import CERTAIN_SE, HonestForecasts, signal_of
from tests.synthetic_log import make_runs

QUERIES, POINTS = 120, 4


def sample_of(queries: int, *, group=None, seed: int = 0) -> Sample:
    rng = np.random.default_rng(seed)
    rows, features = np.arange(queries), rng.standard_normal((queries, 6)) / 2
    group = rows if group is None else group
    return Sample(rows, features, group % 5, group, features, 4)


def panel_of(values: np.ndarray) -> LoggedPanel:
    return LoggedPanel("quality", values, np.isfinite(values) * 1.0, False, values.shape[1])


def draft_of(logged: LoggedPanel, sample: Sample) -> PanelDraft:
    """Draft a panel without missing cells, as the pipeline does where all is logged."""
    base = logged.values.mean(0)
    return PanelDraft(
        logged=logged,
        base=base,
        basis=np.eye(POINTS),
        targets=logged.values - base,
        logged_share=np.ones(len(logged.values)),
        weights=np.zeros((9, POINTS)),
        components=np.zeros((len(sample.rows), POINTS)),
        left_out=np.full((len(sample.rows), POINTS), np.nan),
    )


def drafts(sample: Sample, *, seed: int = 1, signal: float = 0.0) -> dict[str, PanelDraft]:
    rng = np.random.default_rng(seed)
    values = [rng.standard_normal((len(sample.rows), POINTS)) for _ in range(2)]
    values[0] += signal * sample.features[:, :1]
    return {name: draft_of(panel_of(own), sample) for name, own in zip(("quality", "tokens"), values, strict=True)}


def test_moving_the_mean_of_a_point_is_no_signal():
    rng = np.random.default_rng(0)
    values = np.where(rng.random((QUERIES, POINTS)) < 0.3, rng.random((QUERIES, POINTS)), np.nan)
    pooled = np.full(POINTS, 0.3)
    forecast = np.broadcast_to(np.nanmean(values, axis=0), values.shape)

    signal = signal_of(panel_of(values), pooled, forecast, sample_of(QUERIES))

    assert signal.explained == pytest.approx(0.0, abs=1e-12) and not signal.used


def test_copies_of_a_query_count_once():
    sample, rng = sample_of(QUERIES), np.random.default_rng(2)
    values = rng.standard_normal((QUERIES, POINTS))
    forecast = 0.1 * values + 0.3 * rng.standard_normal(values.shape)
    base = np.zeros(POINTS)
    once = signal_of(panel_of(values), base, forecast, sample)
    copies = sample_of(4 * QUERIES, group=np.repeat(sample.group, 4))
    four = signal_of(panel_of(np.repeat(values, 4, axis=0)), base, np.repeat(forecast, 4, axis=0), copies)

    assert four.explained == pytest.approx(once.explained)
    assert four.explained_se == pytest.approx(once.explained_se)


def test_one_group_of_queries_shows_no_signal():
    sample = sample_of(QUERIES, group=np.zeros(QUERIES, int))
    values = np.random.default_rng(3).standard_normal((QUERIES, POINTS))

    assert not signal_of(panel_of(values), np.zeros(POINTS), values, sample).used


def hard_queries(*, differences: float):
    """Draw figures that vary by a hardness that nothing forecasts, and by a forecast difference of two points."""
    rng = np.random.default_rng(5)
    hardness = 3.0 * rng.standard_normal((QUERIES, 1))
    known = np.outer(rng.standard_normal(QUERIES), [1.0, -1.0, 0.0, 0.0])
    return hardness + differences * known + 0.1 * rng.standard_normal((QUERIES, POINTS)), known + 0.25 * hardness[::-1]


def test_quality_is_followed_where_only_the_differences_between_points_are_forecast():
    values, forecast = hard_queries(differences=1.0)
    panel, base = panel_of(values), np.zeros(POINTS)

    quality = signal_of(panel, base, forecast, sample_of(QUERIES))
    tokens = signal_of(replace(panel, name="tokens"), base, forecast, sample_of(QUERIES))
    without = signal_of(panel_of(hard_queries(differences=0.0)[0]), base, forecast, sample_of(QUERIES))

    assert quality.follows > 0.7 and not quality.is_found
    assert not tokens.used
    assert without.follows < 0.3


@pytest.mark.parametrize(("errors", "is_found"), [(1.2, False), (1.7, True), (-2.0, False)])
def test_a_signal_is_found_beyond_the_one_sided_95_percent(errors, is_found):
    assert Signal("quality", errors * 0.01, 0.01, follows=1.0).is_found == is_found


def test_forecasts_that_deviate_twice_as_far_as_the_log_are_halved():
    panel = panel_of(np.random.default_rng(6).standard_normal((QUERIES, POINTS)))
    panel = replace(panel, values=panel.values - panel.values.mean(0))

    signal = signal_of(panel, np.zeros(POINTS), 2.0 * panel.values, sample_of(QUERIES))

    assert signal.follows == pytest.approx(0.5, abs=1e-3)


@pytest.mark.parametrize("name", ["quality", "tokens"])
def test_an_honest_forecast_has_not_read_any_outcome_of_its_fold(name):
    sample = sample_of(QUERIES)
    some = drafts(sample, signal=2.0)
    inside = sample.fold == 3
    other = {
        key: replace(draft, targets=np.where(inside[:, None], -5 * draft.targets, draft.targets))
        for key, draft in some.items()
    }

    before, after = (HonestForecasts(each, sample).forecast(name) for each in (some, other))

    np.testing.assert_allclose(after[inside], before[inside], atol=1e-12)
    assert np.abs(after[~inside] - before[~inside]).max() > 1e-3


def test_honest_forecasts_find_a_signal_that_is_there():
    sample = sample_of(400)
    honest = HonestForecasts(drafts(sample, signal=2.0), sample)
    draft = honest.drafts["quality"]

    signal = signal_of(draft.logged, draft.base, honest.forecast("quality"), sample)

    assert signal.used and signal.explained > 4 * signal.explained_se


def test_a_certain_signal_is_followed_whole_and_any_other_as_far_as_honest_forecasts_go():
    sample = sample_of(QUERIES)
    honest = HonestForecasts(drafts(sample), sample)
    draft = honest.drafts["quality"]
    noise = np.random.default_rng(4).standard_normal(draft.targets.shape)
    again = signal_of(draft.logged, draft.base, honest.forecast("quality"), sample)

    for share, is_certain in ((1.0, True), (0.25, False), (-1.0, False)):
        components = 0.1 * (share * draft.targets + noise)
        plain = signal_of(draft.logged, draft.base, draft.forecast(components), sample)
        assert (plain.explained / plain.explained_se > CERTAIN_SE) == is_certain
        assert honest.test("quality", components) == (replace(plain, follows=1.0) if is_certain else again)


def test_cells_of_points_with_few_runs_do_not_count_in_honest_forecasts():
    sample = sample_of(QUERIES)
    some = drafts(sample)
    few = np.full((QUERIES, POINTS), np.nan)
    few[:30, 3] = 0.5
    some["quality"] = replace(some["quality"], left_out=few)

    forecast = HonestForecasts(some, sample).forecast("quality")

    np.testing.assert_array_equal(np.isnan(forecast), ~np.isnan(few))


@pytest.mark.parametrize("groups", [1, 2, 3])
def test_queries_of_very_few_groups_are_forecast_at_the_means(groups):
    sample = sample_of(40, group=np.arange(40) % groups)

    assert np.isfinite(HonestForecasts(drafts(sample), sample).forecast("quality")).all()


def noise_log(seed: int) -> pr.Runs:
    """Draw 20 points of five models with five runs each, one per query, whose outcomes follow no query."""
    rng = np.random.default_rng(seed)
    point = rng.permutation(np.repeat(np.arange(20), 5))
    return pr.read_runs(
        pd.DataFrame(
            {
                "query": [" ".join(rng.choice(list("abcdefghijklmnopqrstuvwxyz"), 12)) for _ in point],
                "model": [f"m{j % 5}" for j in point],
                "budget_kind": "effort",
                "budget_label": [("low", "medium", "high", "xhigh")[j // 5] for j in point],
                "quality": (rng.random(100) < rng.uniform(0.3, 0.9, 20)[point]).astype(float),
                "cost_usd": rng.lognormal(-7, 0.6, 100),
            }
        )
    )


def test_pure_noise_with_five_runs_per_point_is_seldom_a_signal():
    found = []
    for seed in range(5):
        runs = noise_log(seed)
        found += [signal.is_found for signal in pipeline.fit_surface(runs, build_grid(runs).grid).signals]

    assert sum(found) <= 1


def test_a_signal_survives_on_a_tenth_of_a_log():
    runs = make_runs(queries=60)
    fit = pipeline.fit_surface(runs, build_grid(runs).grid)

    assert next(signal for signal in fit.signals if signal.name == "quality").is_found


def full_noise_log(seed: int) -> pr.Runs:
    """Draw 120 queries at all of four points, whose outcomes follow no query."""
    rng = np.random.default_rng(seed)
    rows = [
        {
            "query_id": f"q{i}",
            "query": text,
            "model": f"m{j}",
            "quality": float(rng.random() < 0.4 + 0.1 * j),
            "cost_usd": 1e-4 * 2**j,
        }
        for i, text in enumerate(" ".join(rng.choice(list("abcdefghijklmnopqrstuvwxyz"), 12)) for _ in range(QUERIES))
        for j in range(POINTS)
    ]
    return pr.read_runs(pd.DataFrame(rows))


def test_forecasts_of_noise_are_shrunk_nearly_to_the_means():
    spread = []
    for seed in range(4):
        runs = full_noise_log(seed)
        fit = pipeline.fit_surface(runs, build_grid(runs).grid)
        spread.append(fit.calibration_sample.quality.std(0).max())

    assert np.mean(spread) < 0.02


def test_a_panel_followed_by_half_lies_half_way_between_the_means_and_its_forecasts(signal_runs, monkeypatch):
    grid = build_grid(signal_runs).grid

    def fitted(follows):
        monkeypatch.setattr(HonestForecasts, "test", lambda self, name, components: Signal(name, 0.5, 0.01, follows))
        return pipeline.fit_surface(signal_runs, grid)

    none, half, whole = map(fitted, (0.0, 0.5, 1.0))

    def forecasts(fit):
        of_text = np.stack([fit.surface.at_text(text).quality for text in signal_runs.texts[:20]])
        return fit.surface.quality.base, of_text

    base, _ = forecasts(none)
    assert np.ptp(forecasts(none)[1], axis=0).max() < 1e-6 < np.ptp(forecasts(half)[1], axis=0).max()
    assert np.ptp(forecasts(half)[1], axis=0).max() < np.ptp(forecasts(whole)[1], axis=0).max()
    np.testing.assert_allclose(forecasts(half)[0], base)
