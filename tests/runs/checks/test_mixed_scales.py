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
        (UNIT[:9], (0, 100)),  # too few
        (UNIT, (-1, 1)),  # rewards
        (["50%", True, "pass", "0%"] * 5, (0, 100)),  # no numbers
    ],
)
def test_other_logs_are_left_alone(qualities, scale):
    runs = read_runs(pd.DataFrame(rows_of(qualities, "a")), quality_scale=scale)

    assert not [text for text in texts(runs.notices) if "between 0 and 1" in text]
