"""Times that Python cannot hold are defects of their rows, and those it can are read exactly."""

from datetime import UTC, datetime

import pyarrow as pa
import pytest

import paretoroute as pr
from paretoroute.runs.columns.python_values import TimeOutOfRange, python_values

HUGE = 2**62
ODD = {
    "seconds": pa.array([HUGE, 1], pa.duration("s")),
    "stamps": pa.array([HUGE, 1], pa.timestamp("s")),
    "microseconds": pa.array([HUGE, 1], pa.timestamp("us")),
    "in a zone": pa.array([HUGE, 1], pa.timestamp("us", "Europe/Paris")),
    "days": pa.array([2**31 - 1, 1], pa.int32()).view(pa.date32()),
    "in lists": pa.array([[HUGE], [1]], pa.list_(pa.duration("s"))),
}
FIELDS = ("query", "query_id", "model", "quality", "cost_usd", "embedding", "latency_s")


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("kind", ODD)
def test_a_time_out_of_range_is_a_defect_of_its_row(kind, field):
    log = {"query": ["a", "b"], "model": ["m", "m"], "quality": [1.0, 0.0]}

    with pytest.raises(pr.RunsError, match="TimeOutOfRange|list of numbers|no role|a list where"):
        pr.read_runs(pa.table(log | {field: ODD[kind]}))


@pytest.mark.parametrize("kind", ODD)
def test_a_time_out_of_range_is_no_label(kind):
    log = {"query": ["a", "b"], "model": ["m", "m"], "quality": [1.0, 0.0], "tag": ODD[kind]}

    runs = pr.read_runs(pa.table(log))

    assert set(runs.tags) <= {None, "1"}


def test_the_other_values_of_such_a_column_are_kept():
    values = python_values(ODD["stamps"])

    assert isinstance(values[0], TimeOutOfRange) and "out of range" == repr(values[0])
    assert values[1] == datetime(1970, 1, 1, 0, 0, 1)


def test_a_zone_that_nobody_knows_is_read_by_its_instants():
    column = pa.array([0, 1_500_000], pa.timestamp("us", "Nowhere/Land"))

    assert list(python_values(column)) == [
        datetime(1970, 1, 1, tzinfo=UTC),
        datetime(1970, 1, 1, 0, 0, 1, 500_000, tzinfo=UTC),
    ]


def test_nanoseconds_are_cut_off_beside_a_time_out_of_range():
    zoned = pa.array([1_000_000_001, None], pa.timestamp("ns", "Nowhere/Land"))

    assert list(python_values(zoned)) == [datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC), None]


def test_a_map_is_no_embedding():
    column = pa.array([[("a", 1)], [("b", 2)]], pa.map_(pa.string(), pa.int64()))
    log = {"query_id": ["a", "b"], "model": ["m", "m"], "quality": [1.0, 0.0], "embedding": column}

    with pytest.raises(pr.RunsError, match="not a list of numbers"):
        pr.read_runs(pa.table(log))
