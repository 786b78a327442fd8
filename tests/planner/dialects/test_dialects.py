"""From points to request arguments: every rule, every refusal, and what no request may hold."""

import json

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from paretoroute.errors import DialectError
from paretoroute.grid import BUDGET_KINDS, Budget, Point
from paretoroute.planner.dialects import DIALECTS, check, load, request_kwargs
from paretoroute.planner.dialects.base import EFFORT_LEVELS
from tests.planner.dialects.requests import ALLOWED_KEYS, CAP_NAMES, CHAT, point, refusal, settings
from tests.processes import python

each_dialect = pytest.mark.parametrize("dialect", CHAT)


def test_the_dialects_are_these():
    assert set(DIALECTS) == {"anthropic", "gemini", "litellm", "mistral", "openai", "openai_responses", "vllm"}


@each_dialect
def test_no_budget_sends_the_model_and_the_cap(dialect: str):
    kwargs = request_kwargs(dialect, point(), output_cap_tokens=500)

    assert kwargs == {"model": "m", CAP_NAMES[dialect]: 500}


@each_dialect
def test_without_a_cap_none_is_sent(dialect: str):
    assert request_kwargs(dialect, point(), output_cap_tokens=None) == {"model": "m"}


@each_dialect
@pytest.mark.parametrize("label", ["together", "off", "high", "8000"])
def test_the_label_of_no_budget_is_only_a_name(dialect: str, label: str):
    kwargs = request_kwargs(dialect, point("none", label), output_cap_tokens=500)

    assert kwargs == {"model": "m", CAP_NAMES[dialect]: 500}


@each_dialect
def test_the_model_name_is_sent_as_it_stands(dialect: str):
    odd = Point("azure/gpt-5@eu west", Budget())

    assert request_kwargs(dialect, odd, output_cap_tokens=None)["model"] == "azure/gpt-5@eu west"


@each_dialect
@pytest.mark.parametrize("level", ["none", "minimal", "low", "medium", "high", "xhigh", "max"])
def test_an_effort_is_sent_as_it_stands(dialect: str, level: str):
    kwargs = request_kwargs(dialect, point("effort", level), output_cap_tokens=500)

    assert kwargs == {"model": "m", "reasoning_effort": level, CAP_NAMES[dialect]: 500}


@each_dialect
def test_effort_off_is_sent_as_none(dialect: str):
    assert request_kwargs(dialect, point("effort", "off"), output_cap_tokens=None)["reasoning_effort"] == "none"


@each_dialect
def test_the_ordinal_of_an_effort_changes_nothing(dialect: str):
    with_ordinal = request_kwargs(dialect, point("effort", "high", 3.0), output_cap_tokens=500)

    assert with_ordinal == request_kwargs(dialect, point("effort", "high"), output_cap_tokens=500)


@each_dialect
@pytest.mark.parametrize("label", ["medium(default)", "High", " low", "default", "auto", "8000", ""])
def test_an_effort_that_is_no_level_is_refused(dialect: str, label: str):
    message = refusal(dialect, point("effort", label))

    assert message == (
        f"dialect {dialect!r} cannot express point {'m@' + label!r}: effort {label!r} is not one of none, minimal, "
        "low, medium, high, xhigh, max (or off, sent as none); give its runs the budget_label that was sent, or "
        "budget_kind none where no effort was sent"
    )


@each_dialect
def test_samples_divide_the_cap_among_them_rounding_down(dialect: str):
    kwargs = request_kwargs(dialect, point("samples", "maj@5", 5.0), output_cap_tokens=1004)

    assert kwargs == {"model": "m", "n": 5, CAP_NAMES[dialect]: 200}


@each_dialect
@pytest.mark.parametrize("n", [1, 128])
def test_n_is_given_at_every_samples_point(dialect: str, n: int):
    kwargs = request_kwargs(dialect, point("samples", "vote", float(n)), output_cap_tokens=None)

    assert kwargs == {"model": "m", "n": n}
    assert type(kwargs["n"]) is int


@each_dialect
def test_a_cap_of_one_token_a_sample_is_the_least(dialect: str):
    four = point("samples", "4", 4.0)

    assert request_kwargs(dialect, four, output_cap_tokens=4)[CAP_NAMES[dialect]] == 1
    assert refusal(dialect, four, cap=3) == (
        f"dialect {dialect!r} cannot express point 'm@4': an output cap of 3 tokens does not give each of 4 samples "
        "one; raise the cap or take a point with fewer samples"
    )


@each_dialect
@pytest.mark.parametrize(("amount", "shown"), [(0.0, "0"), (2.5, "2.5"), (-3.0, "-3"), (129.0, "129")])
def test_samples_out_of_range_are_refused(dialect: str, amount: float, shown: str):
    message = refusal(dialect, point("samples", "vote", amount))

    assert message == (
        f"dialect {dialect!r} cannot express point 'm@vote': its samples budget must be a whole number from 1 to 128, "
        f"got {shown}; correct the column budget, or leave the point out of the grid"
    )


@each_dialect
@pytest.mark.parametrize(("cap", "sent"), [(None, 300), (1000, 300), (300, 300), (200, 200)])
def test_a_max_tokens_budget_is_itself_the_cap_and_a_lower_one_wins(dialect: str, cap: int | None, sent: int):
    kwargs = request_kwargs(dialect, point("max_tokens", "short", 300.0), output_cap_tokens=cap)

    assert kwargs == {"model": "m", CAP_NAMES[dialect]: sent}
    assert type(kwargs[CAP_NAMES[dialect]]) is int


@each_dialect
@pytest.mark.parametrize("amount", [0.0, -1.0, 0.5, float("nan"), float("inf"), 1e300])
def test_a_max_tokens_budget_that_is_no_number_of_tokens_is_refused(dialect: str, amount: float):
    message = refusal(dialect, point("max_tokens", "short", amount))

    assert f"its max_tokens budget must be a whole number of at least 1, got {amount:.16g};" in message


@each_dialect
@pytest.mark.parametrize("kind", ["samples", "max_tokens"])
def test_a_label_is_never_parsed_for_a_missing_amount(dialect: str, kind: str):
    message = refusal(dialect, point(kind, "16"))

    assert message == (
        f"dialect {dialect!r} cannot express point 'm@16': its {kind} budget has no amount, and the label '16' is "
        "never parsed for one; give its runs a number in the column budget"
    )


def test_two_requests_share_no_state():
    off = point("thinking_tokens", "off", 0.0)
    request_kwargs("litellm", off, output_cap_tokens=1)["thinking"]["type"] = "changed by the caller"

    assert request_kwargs("litellm", off, output_cap_tokens=1)["thinking"] == {"type": "disabled"}


@each_dialect
@pytest.mark.parametrize("cap", [0, -5, 1.5, 100.0, True, "100", float("nan")])
def test_a_cap_that_is_no_positive_whole_number_is_refused(dialect: str, cap: object):
    with pytest.raises(DialectError) as caught:
        request_kwargs(dialect, point(), output_cap_tokens=cap)  # type: ignore[arg-type]  # refused

    assert str(caught.value) == f"output_cap_tokens must be a whole number of at least 1, or None, got {cap!r}"


@each_dialect
def test_numpy_numbers_leave_as_plain_ones(dialect: str):
    four = point("samples", "4", np.float64(4.0))

    kwargs = request_kwargs(dialect, four, output_cap_tokens=np.int64(400))  # type: ignore[arg-type]  # as good as int

    assert json.loads(json.dumps(kwargs)) == {"model": "m", "n": 4, CAP_NAMES[dialect]: 100}


@pytest.mark.parametrize("dialect", ["claude", "OpenAI", "openai.chat", ""])
def test_an_unknown_dialect_is_told_the_known_ones(dialect: str):
    expected = f"dialect {dialect!r} is unknown; use one of {', '.join(DIALECTS)}"

    with pytest.raises(DialectError) as from_request:
        request_kwargs(dialect, point(), output_cap_tokens=1)
    with pytest.raises(DialectError) as from_check:
        check(dialect, [])

    assert str(from_request.value) == expected
    assert str(from_check.value) == expected


def test_a_grid_that_can_be_expressed_passes_the_check():
    shared = [point(), point("effort", "off"), point("samples", "128", 128.0), point("max_tokens", "1", 1.0)]

    check("openai", shared)
    check("openai", [])
    check("litellm", [*shared, point("thinking_tokens", "off"), point("thinking_tokens", "64k", 64_000.0)])


@pytest.mark.parametrize("dialect", [name for name in DIALECTS if "none" in load(name).levels])
def test_two_points_that_send_the_same_request_are_named(dialect: str):
    points = [point("effort", "off"), point("effort", "none"), point("none", "a"), point(), point("effort", "low")]

    with pytest.raises(DialectError) as caught:
        check(dialect, points)

    head, *lines = str(caught.value).splitlines()
    assert head == (f"dialect {dialect!r} sends the same request for several points of this grid, which are one point:")
    assert lines[:2] == ["  'm@off', 'm@none'", "  'm@a', 'm@default'"]
    assert lines[2].startswith("give their runs one budget_kind and budget_label and fit again")


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_table_of_levels_is_what_the_dialect_takes(dialect: str):
    levels = load(dialect).levels

    for level in EFFORT_LEVELS:
        if level in levels:
            assert level in json.dumps(request_kwargs(dialect, point("effort", level), output_cap_tokens=900)).lower()
        else:
            assert f"effort {level!r} is not one of {', '.join(levels)}" in refusal(
                dialect, point("effort", level), 900
            )
    check(dialect, [point("effort", level) for level in levels])


@pytest.mark.parametrize("dialect", DIALECTS)
def test_samples_are_asked_for_at_once_or_refused_by_name(dialect: str):
    most = load(dialect).most_samples("m")
    several = point("samples", "vote", 5.0)

    if most == 1:
        assert "has no argument n for 5 samples in one call; load the planner with repeat_calls" in refusal(
            dialect, several, 900
        )
        one = request_kwargs(dialect, point("samples", "one", 1.0), output_cap_tokens=900)
        assert one == request_kwargs(dialect, point(), output_cap_tokens=900)
        check(dialect, [several, point()], repeat_calls=True)
    else:
        sent = settings(request_kwargs(dialect, several, output_cap_tokens=900))
        assert sent.get("n", sent.get("candidate_count")) == 5
        assert sent[CAP_NAMES[dialect]] == 180


def test_repeated_calls_of_one_sample_are_the_call_itself():
    with pytest.raises(DialectError, match="'m@1', 'm@default'"):
        check("anthropic", [point("samples", "1", 1.0), point()], repeat_calls=True)


def test_the_check_names_every_refused_point_with_its_reason_and_no_other():
    points = [
        Point("good", Budget("effort", "low")),
        Point("a", Budget("thinking_tokens", "8000", 8000.0)),
        Point("b", Budget("effort", "medium(default)")),
        Point("fine", Budget()),
        Point("c", Budget("samples", "200", 200.0)),
        Point("d", Budget("strategy", "debate")),
    ]

    with pytest.raises(DialectError) as caught:
        check("openai", iter(points))

    head, *lines = str(caught.value).splitlines()
    assert head == "dialect 'openai' cannot express points of this grid:"
    assert [line.split(": ")[0] for line in lines] == [
        "  'a@8000'",
        "  'b@medium(default)'",
        "  'c@200'",
        "  'd@debate'",
    ]
    assert "takes no number of thinking tokens" in lines[0]
    assert "effort 'medium(default)' is not one of" in lines[1]
    assert "from 1 to 128, got 200" in lines[2]
    assert "no argument for a budget of kind 'strategy'; leave the point out of the grid, or plan without" in lines[3]


amounts = st.one_of(
    st.none(),
    st.integers(-2, 300_000).map(float),
    st.integers(1, 130).map(float),
    st.floats(),
)


labels = st.one_of(st.sampled_from([*EFFORT_LEVELS, "off", "default", "8000", "maj@5"]), st.text(max_size=8))


budgets = st.builds(Budget, st.sampled_from([*BUDGET_KINDS, "strategy", "temperature"]), labels, amounts)


points = st.builds(Point, st.text(min_size=1, max_size=8), budgets)


caps = st.one_of(st.none(), st.integers(1, 200), st.integers(1, 400_000))


@given(dialect=st.sampled_from(DIALECTS), drawn=points, cap=caps)
def test_a_request_holds_the_point_and_nothing_else(dialect: str, drawn: Point, cap: int | None):
    try:
        kwargs = request_kwargs(dialect, drawn, output_cap_tokens=cap)
    except DialectError as error:
        assert repr(drawn.name) in str(error)
        return

    assert kwargs["model"] == drawn.model
    assert settings(kwargs).keys() <= ALLOWED_KEYS[dialect]
    assert json.loads(json.dumps(kwargs, allow_nan=False)) == kwargs
    sent = settings(kwargs)
    sent_cap = sent.get(CAP_NAMES[dialect])
    assert sent_cap is None or sent_cap >= 1
    if cap is not None:
        assert sent_cap is not None
        assert sent_cap * sent.get("n", sent.get("candidate_count", 1)) <= cap


@given(dialect=st.sampled_from(DIALECTS), drawn=points)
def test_a_point_passes_the_check_exactly_when_a_roomy_cap_expresses_it(dialect: str, drawn: Point):
    assume(drawn.budget.amount is None or not 1e9 < drawn.budget.amount < 1e16)
    roomy = load(dialect).most_output_tokens(drawn.model) or 10**10

    try:
        check(dialect, [drawn])
    except DialectError:
        with pytest.raises(DialectError):
            request_kwargs(dialect, drawn, output_cap_tokens=roomy)
    else:
        request_kwargs(dialect, drawn, output_cap_tokens=roomy)


def test_making_requests_loads_no_client():
    code = (
        "import sys; from paretoroute.planner.dialects import request_kwargs; "
        "clients = {'openai', 'litellm', 'anthropic', 'google', 'mistralai', 'httpx', 'httpx2', 'jax'}; "
        "print(sorted(clients & sys.modules.keys()))"
    )

    done = python("-c", code)

    assert (done.stdout.strip(), done.stderr) == ("[]", "")
