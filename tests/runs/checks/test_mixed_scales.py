"""A file or a model whose quality lies in [0, 1] is not on the wide scale of the log, and is not its worst."""

import pandas as pd
import pytest

from paretoroute.errors import RunsError
from paretoroute.runs.findings import texts
from paretoroute.runs.read import read_runs
from tests.runs.logs import GOOD, write_csv, write_jsonl


def rows_of(qualities, name, **columns):
    """Return one row of a query of its own for each quality."""
    return [GOOD | columns | {"query": f"question {name} {i}", "quality": value} for i, value in enumerate(qualities)]


UNIT = [0, 1, 1, 0.5] * 5
HUNDRED = [0, 100, 87.5, 1] * 5


def test_files_on_two_scales_are_refused_by_name(tmp_path):
    first = write_jsonl(tmp_path / "a.jsonl", rows_of(UNIT, "a"))
    second = write_csv(tmp_path / "b.csv", rows_of(HUNDRED, "b"))

    for files in ((first, second), (second, first)):
        with pytest.raises(RunsError, match=r"throughout file a\.jsonl, on the scale 0:100 .* at most; bring"):
            read_runs(*files, quality_scale=(0, 100))


def test_models_on_two_scales_are_refused_by_name():
    rows = [*rows_of(UNIT, "a", model="judged"), *rows_of(HUNDRED, "b", model="graded")]

    with pytest.raises(RunsError, match=r"throughout model judged, on the scale 0:100"):
        read_runs(pd.DataFrame(rows), quality_scale=(0, 100))


def test_a_wide_scale_of_a_log_in_0_1_is_refused():
    with pytest.raises(RunsError, match=r"in the whole log, where the scale 0:100 is given.*; leave out the scale"):
        read_runs(pd.DataFrame(rows_of(UNIT, "a")), quality_scale=(0, 100))


def test_a_narrow_scale_may_hold_weak_models_and_is_reported():
    runs = read_runs(pd.DataFrame(rows_of(UNIT, "a")), quality_scale=(0, 5))

    assert max(runs.quality) == 0.2
    assert texts(runs.notices)[-1].endswith("the scale 0:5 is given; if it is another scale, leave out the scale")


@pytest.mark.parametrize(
    ("qualities", "scale"),
    [
        (HUNDRED, (0, 100)),
        ([0.0] * 20, (0, 100)),  # all wrong on any scale
        (UNIT[:2], (0, 100)),  # too few
        ([1.0] * 9, (1, 5)),  # all of them the worst
        ([0, 0.5, 1.5, 2, 5] * 4, (0, 5)),  # half stars
        (UNIT, (-1, 1)),  # rewards
        (["50%", True, "pass", "0%"] * 5, (0, 100)),  # no numbers
    ],
)
def test_other_logs_are_left_alone(qualities, scale):
    runs = read_runs(pd.DataFrame(rows_of(qualities, "a")), quality_scale=scale)

    assert not [text for text in texts(runs.notices) if "between 0 and 1" in text]


def test_tags_on_two_scales_are_refused_by_name():
    rows = [*rows_of(UNIT, "a", tag="law"), *rows_of(HUNDRED, "b", tag="sums")]

    with pytest.raises(RunsError, match=r"throughout tag law, on the scale 0:100"):
        read_runs(pd.DataFrame(rows), quality_scale=(0, 100))


@pytest.mark.parametrize("best", [5, 100])
def test_a_few_values_on_another_scale_are_asked_about(tmp_path, best):
    first = write_jsonl(tmp_path / "a.jsonl", rows_of([0, 1, 1, 0], "a"))
    second = write_jsonl(tmp_path / "b.jsonl", rows_of([0, best, best, 2], "b"))

    (asked,) = [
        text for text in texts(read_runs(first, second, quality_scale=(0, best)).notices) if "between 0" in text
    ]

    assert f"throughout file a.jsonl, on the scale 0:{best} of the whole log; if it is another scale" in asked


def test_a_few_fractions_in_one_file_beside_whole_percent_in_another_are_refused(tmp_path):
    first = write_jsonl(tmp_path / "a.jsonl", rows_of([0, 0.5, 1], "a"))
    second = write_jsonl(tmp_path / "b.jsonl", rows_of([0, 87, 100, 50], "b"))

    with pytest.raises(RunsError, match=r"throughout file a\.jsonl, on the scale 0:100"):
        read_runs(first, second, quality_scale=(0, 100))


def test_fractions_scattered_among_whole_numbers_are_asked_about():
    rows = rows_of([0, 0.5, 1, 4, 5, 3, 0.5, 5], "a")

    notices = texts(read_runs(pd.DataFrame(rows), quality_scale=(0, 5)).notices)

    assert [text for text in notices if "such as 0.5, and whole numbers alone above 1, on the scale 0:5" in text]


@pytest.mark.parametrize(
    ("qualities", "best", "is_asked"),
    [
        ([0, 1, 5, 1, 0, 5, 1], 5, True),
        ([0, 1, 100, 1, 60, 85, 1], 100, True),
        ([0, 1, 5, 1, 3, 5, 1], 5, False),
        ([0, 1, 100, 1, 7, 85, 1], 100, False),
        ([0, 1, 5, 5], 5, False),
    ],
)
def test_ones_that_may_be_the_best_of_another_scale_are_asked_about(qualities, best, is_asked):
    notices = texts(read_runs(pd.DataFrame(rows_of(qualities, "a")), quality_scale=(0, best)).notices)

    assert any("quality is 1 in some rows, and no other number is near it" in text for text in notices) == is_asked


def test_a_hard_tag_on_a_scale_to_ten_is_asked_about_and_not_refused():
    rows = [*rows_of([0, 1, 0, 1, 1] * 3, "a", tag="hard"), *rows_of([0, 1, 3, 7, 10] * 3, "b", tag="easy")]

    notices = texts(read_runs(pd.DataFrame(rows), quality_scale=(0, 10)).notices)

    assert any("throughout tag hard, on the scale 0:10 of the whole log; if it is another" in text for text in notices)
