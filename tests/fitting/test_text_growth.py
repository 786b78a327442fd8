"""Slopes of prompt tokens and costs over the length of the text, whether or not the log determines them."""

from __future__ import annotations

import numpy as np
import pytest

from paretoroute.fitting.text_growth import cost_growth, prompt_growth
from paretoroute.grid import Budget, Point
from paretoroute.surface.surface import TextSize

POINTS = (Point("small", Budget()), Point("big", Budget()))


def sizes_of(ascii_bytes, other_bytes=None) -> list[TextSize | None]:
    others = np.zeros(len(ascii_bytes)) if other_bytes is None else other_bytes
    return [TextSize(float(a), float(b)) for a, b in zip(ascii_bytes, others, strict=True)]


def slopes(fit, tokens: np.ndarray) -> np.ndarray:
    """Return tokens per ASCII byte and per other byte, ``(points, 2)``."""
    at_typical = np.nanmean(tokens / fit.factor, axis=0)
    return np.stack([fit.growth.per_ascii_byte, fit.growth.per_other_byte], axis=1) * at_typical[:, None]


def test_slopes_and_frames_of_a_noisy_log_are_recovered():
    draw = np.random.default_rng(0)
    ascii_bytes, other = draw.lognormal(6, 1, 400), draw.lognormal(5, 1, 400)
    mean = np.stack([50 + 0.3 * ascii_bytes + 0.1 * other, 4000 + 0.4 * ascii_bytes + 0.2 * other], axis=1)
    tokens = mean * draw.lognormal(-0.005, 0.1, mean.shape)

    fit = prompt_growth(tokens, sizes_of(ascii_bytes, other), POINTS)

    np.testing.assert_allclose(slopes(fit, tokens)[0], [0.3, 0.1], rtol=0.1)
    np.testing.assert_allclose(fit.growth.constant * np.nanmean(tokens / fit.factor, axis=0), [50, 4000], rtol=0.3)
    assert (fit.growth.flat_bytes == 0).all()


@pytest.mark.parametrize("lengths", [np.full(80, 30.0), np.arange(80) % 3 + 30.0])
def test_texts_of_one_length_leave_a_quarter_of_a_token_per_byte_beyond_them(lengths):
    tokens = np.full((80, 2), 700.0)

    fit = prompt_growth(tokens, sizes_of(lengths), POINTS)

    assert fit.growth.flat_bytes.tolist() == [lengths.max()] * 2
    np.testing.assert_array_equal(fit.factor, 1.0)
    far = fit.growth.at(TextSize(600_000, 0)) * 700
    np.testing.assert_allclose(far, 700 + 0.25 * (600_000 - lengths.max()), rtol=1e-6)


def test_a_script_that_was_never_logged_keeps_a_quarter_of_a_token_per_byte():
    other = np.geomspace(50, 5000, 60)

    fit = prompt_growth(np.stack([other / 12] * 2, axis=1), sizes_of(np.full(60, 2.0), other), POINTS)

    at_typical = other.mean() / 12
    assert fit.growth.per_other_byte[0] * at_typical == pytest.approx(1 / 12, rel=0.01)
    assert fit.growth.per_ascii_byte[0] * at_typical == pytest.approx(0.25, rel=0.01)


def test_tokens_are_never_counted_down_by_longer_texts():
    lengths = np.geomspace(100, 1000, 60)
    tokens = np.stack([2000 - lengths, 3000 - lengths], axis=1)

    fit = prompt_growth(tokens, sizes_of(lengths), POINTS)

    factors = [fit.growth.at(TextSize(n, 0)) for n in (10, 100, 1000, 10_000)]
    assert (np.diff(factors, axis=0) >= 0).all()


def test_a_point_with_few_runs_counts_as_its_model_does():
    lengths = np.geomspace(300, 9000, 80)
    points = (Point("big", Budget("effort", "high", 3)), Point("big", Budget("effort", "low", 1)))
    tokens = np.stack([0.4 * lengths + 10] * 2, axis=1)
    tokens[3:, 1] = np.nan

    fit = prompt_growth(tokens, sizes_of(lengths), points)

    np.testing.assert_allclose(slopes(fit, tokens)[:, 0], 0.4, rtol=0.02)


def test_votes_read_the_prompt_as_often_as_the_log_shows():
    points = (Point("m", Budget("samples", "1", 1)), Point("m", Budget("samples", "5", 5)))
    tokens = np.full((40, 2), 20.0)

    once = prompt_growth(tokens, sizes_of(np.full(40, 80.0)), points)
    each = prompt_growth(tokens * [1, 5], sizes_of(np.full(40, 80.0)), points)

    assert slopes(once, tokens)[:, 0] == pytest.approx([0.25, 0.25], rel=1e-6)
    assert slopes(each, tokens * [1, 5])[:, 0] == pytest.approx([0.25, 1.25], rel=1e-6)


def test_predictions_add_up_to_the_logged_tokens_and_hide_rounding():
    lengths = np.geomspace(300, 9000, 60).astype(int)
    tokens = np.stack([lengths // 4 + 12] * 2, axis=1).astype(float)

    fit = prompt_growth(tokens, sizes_of(lengths), POINTS)

    np.testing.assert_allclose((fit.rest * fit.factor).sum(0), tokens.sum(0), rtol=1e-5)
    assert np.ptp(fit.rest) == 0
    np.testing.assert_array_equal(fit.logged, tokens)


def test_a_log_without_texts_has_no_growth():
    assert prompt_growth(np.full((3, 2), 5.0), [None] * 3, POINTS) is None
    assert cost_growth(np.full((3, 2), 5.0), np.ones(2, bool), [None] * 3) is None


def test_a_query_without_a_text_stands_for_a_typical_one():
    lengths = np.geomspace(300, 9000, 60)

    fit = prompt_growth(np.stack([0.25 * lengths] * 2, axis=1), [None, *sizes_of(lengths[1:])], POINTS)

    np.testing.assert_array_equal(fit.factor[0], 1.0)


def test_costs_grow_where_the_length_explains_them_and_beyond_the_log_where_it_does_in_part():
    draw = np.random.default_rng(0)
    lengths = np.geomspace(300, 9000, 200)
    explained = 1e-6 * lengths + 1e-4
    in_part = 2e-3 + 1e-6 * lengths + draw.normal(0, 2e-3, 200)
    noise = draw.lognormal(-7, 0.1, 200)
    tokens = 0.25 * lengths  # of completions, at a point that is priced by tokens
    cost = np.stack([explained, in_part, noise, np.full(200, np.nan), tokens], axis=1)

    fit = cost_growth(cost, np.arange(5) < 4, sizes_of(lengths))

    assert fit.growth.flat_bytes.tolist() == [0.0, 9000.0, 0.0, 0.0, 0.0]
    assert fit.growth.per_ascii_byte[2:].tolist() == [0.0, 0.0, 0.0]
    np.testing.assert_array_equal(fit.logged, cost)
    np.testing.assert_allclose(fit.rest[:, 2:], cost[:, 2:], rtol=1e-12)
    explained_far = fit.growth.at(TextSize(600_000, 0))[0] * (1e-6 * lengths.mean() + 1e-4)
    assert explained_far == pytest.approx(0.6001, rel=0.01)
    # Continued from what the line says at the longest text.
    assert fit.growth.at(TextSize(600_000, 0))[1] * (2e-3 + 9e-3) == pytest.approx(0.6, rel=0.5)


@pytest.mark.parametrize(("share", "fee_usd"), [(0.04, 0.25), (0.3, 0.05), (0.01, 3.0)])
def test_costs_grow_also_where_some_have_another_reason(share, fee_usd):
    draw = np.random.default_rng(0)
    lengths = np.geomspace(300, 9000, 200)
    cost = 2e-3 + 1e-6 * lengths + draw.normal(0, 3e-4, 200)
    charged = draw.permutation(200) < 200 * share
    cost[charged] += fee_usd

    fit = cost_growth(cost[:, None], np.ones(1, bool), sizes_of(lengths))

    far, farther = (float(fit.growth.at(TextSize(size, 0))[0]) * cost.mean() for size in (300_000, 600_000))
    assert farther - far == pytest.approx(0.3, rel=0.35)


def test_costs_with_fees_that_do_not_grow_stay_as_they_are():
    draw = np.random.default_rng(1)
    lengths = draw.permutation(np.geomspace(300, 9000, 200))
    cost = draw.lognormal(-7, 0.2, 200) + 0.05 * (np.arange(200) < 8)

    assert cost_growth(cost[:, None], np.ones(1, bool), sizes_of(lengths)) is None
