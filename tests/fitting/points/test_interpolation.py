"""Unlogged points are placed between their neighbours on the scale of log tokens."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paretoroute.fitting.points.interpolation import along, prompt_along
from paretoroute.fitting.points.unlogged import UnloggedPoint
from paretoroute.grid import Budget, Point


def gap_of(kind, low, at, high):
    points = (Point("m", Budget(kind, str(a), a)) for a in (at, low, high))
    return UnloggedPoint(*points, (low, at, high))


@given(
    st.sampled_from(["thinking_tokens", "samples", "max_tokens", "effort"]),
    st.lists(st.integers(0, 10**6), min_size=4, max_size=4, unique=True).map(sorted),
    st.floats(1e-6, 1e6),
    st.floats(1.01, 1e3),
    st.booleans(),
)
def test_more_compute_lies_farther_along(kind, amounts, least, ratio, falls):
    low, one, two, high = map(float, amounts)
    ends = (least * ratio, least) if falls else (least, least * ratio)

    first, second = (along(gap_of(kind, low, at, high), *ends) for at in (one, two))

    assert 0 < first < second < 1


def test_votes_take_tokens_in_proportion_and_thinking_in_powers():
    assert along(gap_of("samples", 1.0, 3.0, 5.0), 100.0, 500.0) == pytest.approx(math.log(3) / math.log(5))
    assert along(gap_of("samples", 1.0, 3.0, 5.0), 200.0, 200.0) == pytest.approx(0.5)
    assert along(gap_of("thinking_tokens", 0.0, 1.0, 2.0), 100.0, 900.0) == pytest.approx(math.log(5) / math.log(9))
    assert along(gap_of("thinking_tokens", 2.0, 4.0, 8.0), 100.0, 120.0) == pytest.approx(0.5)
    assert along(gap_of("effort", 3.0, 4.0, 6.0), 1.0, 100.0) == pytest.approx(1 / 3)


def test_a_vote_reads_the_prompt_once_for_every_answer_and_no_vote_once():
    three = 3 * 200.0

    assert prompt_along(gap_of("samples", 1.0, 2.0, 3.0), 200.0, three) == pytest.approx(math.log(2) / math.log(3))
    assert prompt_along(gap_of("samples", 0.0, 1.0, 3.0), 200.0, three) == 0.0
    assert prompt_along(gap_of("samples", 1.0, 2.0, 3.0), 200.0, 200.0) == pytest.approx(0.5)
    assert prompt_along(gap_of("thinking_tokens", 0.0, 500.0, 1000.0), 200.0, 230.0) == pytest.approx(0.5)
