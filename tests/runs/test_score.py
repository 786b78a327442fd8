"""The optional column ``score``."""

from dataclasses import replace

import numpy as np

import paretoroute as pr
from tests.runs.test_read import GOOD, read_rows
from tests.synthetic_log import make_runs


def test_a_score_is_read_where_it_is_a_number_and_sets_no_row_aside(tmp_path):
    scores = [0.25, None, "high", float("inf"), 3]

    runs = read_rows(tmp_path, *(GOOD | {"query_id": f"q{k}", "score": score} for k, score in enumerate(scores)))

    np.testing.assert_array_equal(runs.score, [0.25, np.nan, np.nan, np.nan, 3.0])
    assert runs.set_aside_count == 0
    np.testing.assert_array_equal(runs.means("score").mean[:2, 0], [0.25, np.nan])
    assert runs.select(np.arange(5) == 4).score.tolist() == [3.0]


def test_the_hash_of_a_log_is_the_same_with_and_without_scores(tmp_path):
    plain, scored = (read_rows(tmp_path, GOOD | more) for more in ({}, {"score": 0.5}))

    assert plain.sha256 == scored.sha256


def test_no_fit_reads_a_score(tmp_path):
    runs = make_runs(queries=90)
    scored = replace(runs, score=np.random.default_rng(0).random(len(runs)))

    files = []
    for name, log in (("without", runs), ("with", scored)):
        (tmp_path / name).mkdir()
        pr.fit(log, pr.BestTrade(usd_per_quality=0.01), name="p").save(tmp_path / name / "p.yaml")
        files.append({path.name: path.read_bytes() for path in (tmp_path / name).iterdir()})

    assert files[0] == files[1]
