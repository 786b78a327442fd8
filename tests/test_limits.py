"""Limits in words: what is printed reads back, and what makes no sense is refused with a way out."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paretoroute.errors import TargetError
from paretoroute.grid import Budget, Grid, Point
from paretoroute.limits import (
    ContextLength,
    Forbid,
    LabelGroup,
    MaxCallCost,
    MaxCallLatency,
    MaxCostOf,
    MaxMeanLatency,
    MaxShare,
    MinQualityOf,
    Require,
    columns_of,
    on_grid,
    parse_limit,
)

GRID = Grid(
    (
        Point("openai/big", Budget("effort", "low")),
        Point("openai/big", Budget("effort", "high")),
        Point("openai/small", Budget()),
        Point("local", Budget("samples", "5", 5)),
    )
)
NAMES = st.text(st.characters(codec="ascii", exclude_characters=",\n", min_codepoint=33), min_size=1, max_size=12)
SHARES = st.floats(0, 1)
AMOUNTS = st.floats(1e-9, 1e9)
BY = st.sampled_from(["tag", "tenant", "step"])
LIMITS = st.one_of(
    st.builds(MaxShare, SHARES, NAMES),
    st.builds(MaxMeanLatency, AMOUNTS),
    st.builds(MaxMeanLatency, AMOUNTS, NAMES, BY),
    st.builds(MaxCostOf, AMOUNTS, NAMES, BY),
    st.builds(MinQualityOf, SHARES, NAMES, BY),
    st.builds(MaxCallLatency, AMOUNTS, st.floats(0.5, 0.999)),
    st.builds(MaxCallCost, AMOUNTS, st.floats(0.5, 0.999)),
    st.builds(ContextLength, st.integers(1, 10**7), NAMES),
    st.builds(Forbid, st.lists(NAMES, min_size=1, max_size=3)),
    st.builds(Require, st.lists(NAMES, min_size=1, max_size=3), NAMES, BY),
)


@given(LIMITS)
def test_a_limit_reads_back_from_the_words_it_prints(limit):
    assert parse_limit(str(limit)) == limit


@pytest.mark.parametrize(
    ("words", "limit"),
    [
        ("latency of a call at most 30 s", MaxCallLatency(30.0, 0.95)),
        ("mean cost of tenant acme corp at most 0.01", MaxCostOf(0.01, "acme corp", "tenant")),
        ("share of maj@5 at most 0.25", MaxShare(0.25, "maj@5")),
        ("never a, b of tag secret", Forbid(("a", "b"), "secret")),
    ],
)
def test_what_people_write_is_understood(words, limit):
    assert parse_limit(words) == limit


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("big at most 20%", "limit 'big at most 20%' is of no known form; nearest: share of MODEL at most 0.2"),
        ("share of big at most 20", "a share must lie in [0, 1], got 20. Percent? Divide by 100."),
        ("mean latency at most -1 s", "a mean latency must be a positive number, got -1"),
        ("max latency 5s", "nearest: mean latency [of tag TAG] at most 5 s; "),
        ("mean latency at most 1e s", "limit 'mean latency at most 1e s': '1e' is no number"),
        ("latency of a call at most 3 s at quantile 0.5.", "'0.5.' is no number"),
        ("context of big at most 1e999 tokens", "a context length must be a positive number, got inf"),
        ("never a of tag b\nc", "is of no known form"),
        ("latency of a call at most 3 s at quantile 0.2", "a quantile must lie in [0.5, 1), got 0.2"),
    ],
)
def test_what_makes_no_sense_is_refused(words, message):
    with pytest.raises(TargetError, match=re.escape(message)):
        parse_limit(words)


@pytest.mark.parametrize(
    "text",
    [
        "never a" + " of tag b" * 20_000 + "\nx",
        "share of a" + " at most 1" * 20_000 + " z",
        "mean latency of tag a" + " at most 1 s" * 20_000 + "z",
        "cost of a call at most " + "1" * 200_000 + "z",
    ],
    ids=lambda text: text[:12],
)
def test_a_hostile_text_is_refused_in_linear_time(text):
    with pytest.raises(TargetError, match="is of no known form"):  # a quadratic pattern takes a minute here
        parse_limit(text)


def test_a_limit_knows_the_queries_it_is_confined_to():
    assert MaxShare(0.5, "big").group is None
    assert MaxMeanLatency(1.0).group is None
    assert MaxMeanLatency(1.0, "acme", "tenant").group == LabelGroup("tenant", "acme")
    assert MaxCostOf(1.0, "plan", "step").group == LabelGroup("step", "plan")
    assert MinQualityOf(0.5, "code").group == LabelGroup("tag", "code")


def test_models_points_and_providers_are_found_in_the_grid():
    assert columns_of(["openai/big"], GRID) == (0, 1)
    assert columns_of(["openai/big@high", "local"], GRID) == (1, 3)
    assert on_grid(MaxShare(0.5, "openai/*"), GRID).columns == (0, 1, 2)


@pytest.mark.parametrize(
    "limit", [MaxShare(0.5, "openai/bug"), Forbid(("openai/bug",)), ContextLength(10, "openai/bug")]
)
def test_an_unknown_model_is_refused_with_those_near_it(limit):
    with pytest.raises(TargetError, match=re.escape("no model or point is called 'openai/bug'; near: 'openai/big'")):
        on_grid(limit, GRID)


def test_a_list_of_models_is_not_a_text():
    with pytest.raises(
        TargetError, match=re.escape("Forbid needs a list of models, got the text 'big'; write ['big']")
    ):
        Forbid("big")
