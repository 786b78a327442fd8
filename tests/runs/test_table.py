"""The table of runs: means, selections, and its hash."""

import math
from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paretoroute.errors import RunsError
from paretoroute.runs.read import read_runs
from tests.runs.logs import GOOD, logs, read_rows, write_jsonl


@settings(max_examples=40)
@given(logs, st.sampled_from(["quality", "cost_usd", "latency_s"]))
def test_means_are_those_of_a_slow_and_obvious_loop(tmp_path_factory, log, column):
    path = write_jsonl(tmp_path_factory.mktemp("logs") / "log.jsonl", log)
    total, weight = defaultdict(float), defaultdict(float)
    runs = read_runs(path)
    for i in range(len(runs)):
        value = getattr(runs, column)[i]
        if not math.isnan(value):
            total[runs.query[i], runs.point[i]] += runs.trials[i] * value
            weight[runs.query[i], runs.point[i]] += runs.trials[i]

    mean, count = runs.means(column)

    assert mean.shape == count.shape == (len(runs.query_ids), len(runs.points))
    for q, p in np.ndindex(mean.shape):
        assert count[q, p] == weight[q, p]
        if weight[q, p]:
            assert mean[q, p] == pytest.approx(total[q, p] / weight[q, p], rel=1e-12, abs=1e-300)
        else:
            assert math.isnan(mean[q, p])


def test_runs_are_shown_in_a_line(tmp_path):
    runs = read_rows(tmp_path, GOOD)

    assert repr(runs) == f"<Runs: {len(runs)} runs of {len(runs.query_ids)} queries at {len(runs.points)} points>"


def test_select_keeps_the_runs_of_some_queries_and_all_points(tmp_path):
    log = [GOOD | {"query_id": q, "model": m, "tag": f"t{q}"} for q in "abc" for m in ("large", "small")]
    runs = read_rows(tmp_path, *log[:5])

    some = runs.select(np.array([True, False, True]))

    assert (some.query_ids, some.tags, len(some), some.points) == (("a", "c"), ("ta", "tc"), 3, runs.points)
    assert some.query.tolist() == [0, 0, 1]
    assert some.sha256 != runs.sha256
    with pytest.raises(RunsError, match=r"bool mask of shape \(3,\)"):
        runs.select(np.array([0, 2]))
    with pytest.raises(RunsError, match="keep no query"):
        runs.select(np.zeros(3, bool))


def test_one_point_is_no_choice(tmp_path):
    with pytest.raises(RunsError, match="all runs are at one point, 'small@default': there is nothing to choose"):
        read_rows(tmp_path, GOOD).require_choice()
    with pytest.raises(RunsError, match="or budget. Rows set aside: 2, such as .*line 2: propensity: not in"):
        read_rows(tmp_path, GOOD, *[GOOD | {"model": "large", "propensity": 50}] * 2).require_choice()
    read_rows(tmp_path, GOOD, GOOD | {"model": "large"}).require_choice()


def test_the_hash_changes_with_any_number(tmp_path):
    base = read_rows(tmp_path, GOOD).sha256

    for change in ({"quality": 0.5}, {"latency_s": 0.0}, {"query": "x"}, {"tag": "x"}, {"cost_source": "mean"}):
        assert read_rows(tmp_path, GOOD | change).sha256 != base
