"""Where an unlogged point lies between logged ones of its model, and when a name or an amount is refused."""

import pytest

import paretoroute as pr
from paretoroute.fitting.points.unlogged import named, place_unlogged, split_request
from paretoroute.grid import Budget, Grid, Point

AMOUNTS = (2000, 8000, 32000)
THINKING = [Point("deep", Budget("thinking_tokens", str(a), float(a))) for a in AMOUNTS]
VOTES = [Point("crowd", Budget("samples", f"maj@{n}", float(n))) for n in (1, 5, 9)]
EFFORTS = [Point("thinker", Budget("effort", label)) for label in ("low", "high")]
NUMBERED = [Point("o", Budget("effort", label, n)) for label, n in (("low", 1.0), ("default", 2.0), ("high", 3.0))]
PLAIN = [Point("small", Budget())]
WARM = [Point("warm", Budget("temperature", label, float(label))) for label in ("0", "0.5", "1")]
STRATEGIES = [Point("team", Budget("strategy", label)) for label in ("low", "high", "debate")]
LOGGED = [*THINKING, *VOTES, *EFFORTS, *NUMBERED, *PLAIN, *WARM, *STRATEGIES]


@pytest.mark.parametrize(
    ("point", "message"),
    [
        (
            Point("deep", Budget("thinking_tokens", "64000", 64000.0)),
            "2000, 8000, 32000: it lies above what was",
        ),
        (Point("deep", Budget("thinking_tokens", "500", 500.0)), "it lies below what was logged.*Log runs of it"),
        (Point("deep", Budget("thinking_tokens", "auto")), "its place among them is unknown. Give its amount"),
        (Point("deep", Budget("thinking_tokens", "auto", -1.0)), "its place among them is unknown"),
        (Point("deep", Budget("thinking_tokens", "8k", 8000.0)), "has the amount of 'deep@8000', which was logged"),
        (Point("deep", Budget("effort", "low")), "nothing of kind effort to forecast it between"),
        (Point("small", Budget("none", "other")), "'small' there is default, and nothing of kind none"),
        (Point("thinker", Budget("effort", "max")), "'thinker' there is effort low, high: it lies above"),
        (Point("thinker", Budget("effort", "brisk")), "its place among them is unknown"),
        (Point("team", Budget("strategy", "medium")), "there is strategy low, high, debate, and its place among them"),
        (Point("warm", Budget("temperature", "1.5", 1.5)), "it lies above what was logged"),
        (
            Point("nobody", Budget("effort", "low")),
            "no other point of model 'nobody' was logged with a cost",
        ),
    ],
)
def test_a_point_beyond_the_log_is_refused_by_name(point, message):
    with pytest.raises(pr.GridError, match=message) as error:
        place_unlogged([point], Grid(tuple(LOGGED)), LOGGED)
    assert repr(point.name) in str(error.value)


@pytest.mark.parametrize(
    ("name", "kind", "amount", "below", "above"),
    [
        ("deep@16000", "thinking_tokens", 16000.0, "8000", "32000"),
        ("deep@3000", "thinking_tokens", 3000.0, "2000", "8000"),
        ("thinker@medium", "effort", None, "low", "high"),
        ("warm@0.3", "temperature", 0.3, "0", "0.5"),
    ],
)
def test_a_name_is_read_as_the_log_writes_its_budgets(name, kind, amount, below, above):
    point = named(name, LOGGED)
    [placed] = place_unlogged([point], Grid(tuple(LOGGED)), LOGGED).unlogged

    assert (point.budget.kind, point.budget.amount) == (kind, amount)
    assert (placed.below.budget.label, placed.above.budget.label) == (below, above)


def test_an_amount_is_told_by_another_model_of_the_log():
    others = [Point("choir", Budget("samples", f"maj@{n}", float(n))) for n in (1, 3, 9)]

    assert named("crowd@maj@3", [*VOTES, *others]).budget.amount == 3.0
    with pytest.raises(pr.GridError, match="'crowd@maj@3' was never logged.*place among them is unknown"):
        place_unlogged([named("crowd@maj@3", VOTES)], Grid(tuple(VOTES)), VOTES)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nobody@low", "no run of its model was logged; the log has 'deep', 'crowd'"),
        ("deep", "no run of its model was logged.*written model@budget_label"),
        (
            "both@brisk",
            "does not show which kind of budget 'brisk' is for 'both', logged at effort low; th",
        ),
    ],
)
def test_a_name_that_cannot_be_read_is_refused(name, message):
    both = [Point("both", Budget("effort", "low")), Point("both", Budget("thinking_tokens", "5", 5.0))]

    with pytest.raises(pr.GridError, match=message):
        named(name, [*LOGGED, *both])


def test_a_grid_keeps_its_order_and_an_added_point_follows_its_lower_neighbour():
    wanted = Grid((THINKING[2], Point("deep", Budget("thinking_tokens", "16000", 16000.0)), THINKING[0], PLAIN[0]))

    request = split_request(LOGGED, wanted, ["deep@3000"])
    offer = place_unlogged(request.unlogged, request.logged, LOGGED, order=wanted.points)

    assert request.logged.names == ("deep@32000", "deep@2000", "small@default")
    assert [p.name for p in offer.points] == ["deep@32000", "deep@16000", "deep@2000", "deep@3000", "small@default"]
    assert {one.below.name for one in offer.unlogged} == {"deep@2000"}, "only points on offer have forecasts"


def test_points_between_the_same_two_stand_in_order_of_their_compute():
    logged = [Point("t", Budget("effort", "minimal", 1.0)), Point("t", Budget("effort", "high", 4.0)), *PLAIN]

    offer = place_unlogged([named("t@medium", logged), named("t@low", logged)], Grid(tuple(logged)), logged)

    assert [p.name for p in offer.points] == ["t@minimal", "t@low", "t@medium", "t@high", "small@default"]
