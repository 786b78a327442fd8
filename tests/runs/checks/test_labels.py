"""Labels as lists and objects: never a reason to set a row aside."""

import datetime

import pandas as pd
import pytest

from paretoroute.runs.findings import texts
from paretoroute.runs.read import read_runs
from tests.runs.logs import GOOD, assert_same, read_rows, write_csv, write_parquet

COLUMNS = ("tag", "tenant", "step", "conversation")


def stated(runs, name):
    return getattr(runs, f"{name}s")


@pytest.mark.parametrize("name", COLUMNS)
@pytest.mark.parametrize("values", [(["a", "b"], ["c"], []), ('["a", "b"]', ' ["c"]', "[]")])
def test_the_first_item_of_a_list_is_the_label(tmp_path, name, values):
    log = [GOOD | {"query_id": str(i), name: value} for i, value in enumerate(values)]

    runs = read_rows(tmp_path, *log)

    assert stated(runs, name) == ("a", "c", None) and runs.set_aside_count == 0
    assert texts(runs.notices) == (f"{name} holds lists: the first item of each list is the label",)
    assert_same(runs, read_runs(write_parquet(tmp_path / "log.parquet", log)))
    assert_same(runs, read_runs(pd.DataFrame(log)))


@pytest.mark.parametrize(
    "value",
    [{"team": "x"}, '{"team": "x"}', [{"team": "x"}], '[["x"]]', b"x", datetime.date(2026, 1, 1), '["\\ud800"]'],
)
def test_an_object_is_no_label_and_its_row_is_kept(value):
    runs = read_runs(pd.DataFrame([GOOD | {"tag": value}, GOOD | {"query": "other", "tag": value}]))

    assert runs.tags == (None, None) and runs.set_aside_count == 0
    assert texts(runs.notices) == ("tag holds objects: objects are no labels and are left out",)


def test_numbers_and_text_in_brackets_are_labels_as_they_stand(tmp_path):
    log = [GOOD | {"query_id": str(i), "tag": value} for i, value in enumerate([7, True, "[beta] x", "{prod}"])]

    runs = read_rows(tmp_path, *log)

    assert (runs.tags, runs.notices) == (("7", "true", "[beta] x", "{prod}"), ())


def test_a_renamed_column_of_lists_mixed_with_objects_gives_one_finding(tmp_path):
    log = [
        {"query": str(i), "model": "m", "quality": 1, "request_tags": value}
        for i, value in enumerate(['["eu"]', "{}", "us", ""])
    ]

    runs = read_runs(write_csv(tmp_path / "log.csv", log), columns={"tag": "request_tags"})

    assert sorted(map(str, runs.tags)) == ["None", "None", "eu", "us"]
    (notice,) = texts(runs.notices)
    assert notice.startswith("tag holds lists and objects: the first item of each list is the label; objects are no")
