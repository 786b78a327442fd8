"""Names of points as people read them, and that they can be typed back."""

from hypothesis import given
from hypothesis import strategies as st

from paretoroute.errors import GridError
from paretoroute.grid import Budget, Grid, Point
from paretoroute.report.labels import labels_of_points

DEFAULT, HIGH = Budget(), Budget("effort", "high")


def test_default_is_hidden_only_where_the_model_has_no_other_point():
    label = labels_of_points([Point("a", DEFAULT), Point("b", DEFAULT), Point("b", HIGH), Point("c", HIGH)])

    assert [label(name) for name in ("a@default", "b@default", "b@high", "c@high")] == [
        "a",
        "b@default",
        "b@high",
        "c@high",
    ]


def test_a_model_that_is_called_like_a_point_keeps_its_full_name():
    label = labels_of_points([Point("b@high", DEFAULT), Point("b", HIGH), Point("b", DEFAULT)])

    assert label("b@high@default") == "b@high@default"


def test_sentences_name_points_likewise_and_keep_longer_names_whole():
    label = labels_of_points([Point("a", DEFAULT), Point("my-a", HIGH)])

    text = label.in_text("x0.5 of a@default, not my-a@default or a@defaults; (a@default) and a@default.")

    assert text == "x0.5 of a, not my-a@default or a@defaults; (a) and a."


@given(
    st.sets(st.tuples(st.sampled_from(["a", "b", "a@default", "a@high"]), st.sampled_from([DEFAULT, HIGH])), min_size=1)
)
def test_every_name_that_people_read_leads_back_to_its_point(pairs):
    grid = Grid(tuple(Point(model, budget) for model, budget in sorted(pairs, key=str)))
    label = labels_of_points(grid.points)

    for j, point in enumerate(grid.points):
        if grid.names.count(point.name) > 1:
            continue
        assert grid.index(label(point.name)) == j
        assert grid.index(point.name) == j


def test_a_model_with_several_points_is_no_point():
    grid = Grid((Point("b", DEFAULT), Point("b", HIGH)))

    try:
        grid.index("b")
    except GridError as error:
        assert "model 'b' has several points: 'b@default', 'b@high'" in str(error)
    else:
        raise AssertionError("b is ambiguous")
