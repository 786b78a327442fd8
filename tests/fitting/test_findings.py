"""Findings: every kind of finding is one that a policy file knows, and each warns about what it names."""

from dataclasses import replace
from typing import get_args

import numpy as np
import pyarrow as pa
import pytest

import paretoroute as pr
from paretoroute.calibration.intervals import Interval
from paretoroute.fitting.findings import (
    constant_findings,
    family_findings,
    signal_findings,
    uniform_findings,
    unlogged_findings,
    verdict,
)
from paretoroute.grid import Between, Budget, Point
from paretoroute.policy import schema
from paretoroute.runs import findings
from tests.synthetic_log import Recipe, make_runs, rows_of


def test_a_policy_file_knows_the_kinds_of_the_log_and_of_the_fit():
    assert get_args(schema.FindingKind) == get_args(findings.FindingKind)


def test_a_signal_within_noise_that_is_followed_is_called_faint(signal_fit):
    fit, grid = signal_fit
    signals = tuple(replace(one, explained=1.2 * one.explained_se, follows=0.42) for one in fit.signals)

    texts = [finding.text for finding in signal_findings(replace(fit, signals=signals), grid)]

    assert texts and all(": faint signal: the query explains " in text for text in texts)
    assert all("within noise; followed at 42%, as far as it was seen; " in text for text in texts)
    found = tuple(replace(one, explained=9.0 * one.explained_se, follows=1.0) for one in fit.signals)
    assert not any("follow" in one.text for one in signal_findings(replace(fit, signals=found), grid))


def test_an_unlogged_point_is_named_with_its_neighbours():
    points = [Point("deep", Budget("thinking_tokens", label)) for label in ("2000", "8000", "32000")]

    (finding,) = unlogged_findings(points, {points[1]: Between("2000", "32000", 0.5)})

    assert finding.kind == "unlogged"
    assert finding.text.startswith("deep@8000 was never logged: it is forecast between deep@2000 and deep@32000, 50%")


def test_a_log_of_few_families_of_queries_states_as_how_many_they_count():
    rows = rows_of(Recipe(queries=60))
    for row in rows:
        row["conversation"] = f"c{int(row['query_id'][1:]) // 6}"

    (finding,) = family_findings(pr.read_runs(pa.Table.from_pylist(rows)))

    assert finding.kind == "families"
    assert finding.text.startswith("60 queries in 10 families")
    assert "count as 10;" in finding.text
    assert family_findings(make_runs(queries=60)) == ()


def test_queries_that_share_one_text_are_reported_all_of_them_or_many():
    rows = rows_of(Recipe(queries=60))
    assert uniform_findings(pr.read_runs(pa.Table.from_pylist(rows)), "hashed_ngrams") == ()

    some = [row | ({"query": "[redacted]"} if row["query_id"] < "q0030" else {}) for row in rows]
    (finding,) = uniform_findings(pr.read_runs(pa.Table.from_pylist(some)), "hashed_ngrams")
    assert finding.text.startswith("30 of 60 queries have one text ('[redacted]')")

    every = [row | {"query": "{}"} for row in rows]
    (finding,) = uniform_findings(pr.read_runs(pa.Table.from_pylist(every)), "hashed_ngrams")
    assert finding.kind == "note"
    assert finding.text.startswith(
        "all 60 queries have one text (empty, as where none is stored), so the policy cannot tell them"
    )

    alike = [row | {"embedding": [1.0, 2.0]} for row in rows]
    (finding,) = uniform_findings(pr.read_runs(pa.Table.from_pylist(alike)), "embedding")
    assert finding.text.startswith("all 60 queries have one vector of features")


@pytest.mark.parametrize(
    ("gain", "start"),
    [
        (Interval(1.0, 0.2, 1.8), "routing pays on these runs; against the best static mixture"),
        (Interval(0.5, -0.2, 1.2), "routing does not pay on these runs: no gain is visible; against"),
        (Interval(-1.0, -1.8, -0.2), "routing does not pay on these runs: it loses; against"),
        (Interval(0.0, 0.0, 0.0), "routing does not pay on these runs: no gain is visible; against"),
        (Interval(0.2, 0.004, 0.4), "routing does not pay on these runs: no gain is visible; against"),
        (Interval(0.2, 0.006, 0.4), "routing pays on these runs; against"),
    ],
)
def test_routing_pays_only_where_the_whole_interval_of_its_gain_is_above_zero(gain, start):
    text = verdict(gain, 300, 240.0)

    assert text.startswith(start)
    assert text.endswith(f"{gain.value:+.2f} quality points [{gain.low:+.2f}, {gain.high:+.2f}] "
                         "out of fold on 300 queries, 240 effective")  # fmt: skip


def test_a_quality_that_is_the_same_in_all_runs_is_asked_about():
    runs = make_runs(queries=60)
    same = replace(runs, quality=np.ones_like(runs.quality))

    (finding,) = constant_findings(same)

    assert finding.text.startswith(f"quality is 1 in all {len(runs)} runs: nothing tells the points apart")
    assert constant_findings(runs) == ()


def test_the_verdict_of_a_log_given_twice_under_other_ids_is_no_surer():
    rows = _rows_of_kinds()
    copies = [dict(row, query_id=f"{row['query_id']}-{k}") for k in range(3) for row in rows]

    once, thrice = (_verdict_width(pr.fit(pr.read_runs(pa.Table.from_pylist(log)))) for log in (rows, copies))

    assert thrice > 0.85 * once  # as queries they would tell 1.7 times as much


def _verdict_width(policy):
    (text,) = [text for kind, text in policy.document.fitted_on.findings_by_kind() if kind == "verdict"]
    low, high = text.split("[")[1].split("]")[0].split(",")
    return float(high) - float(low)


def _rows_of_kinds():
    chance, rows = np.random.default_rng(3), []
    for i in range(90):
        hard = i % 3 == 0
        text = f"{'prove the lemma' if hard else 'list some names'} of kind {chance.integers(10**6)}"
        for model, cost, skill in (("small", 1e-4, 0.2 if hard else 0.8), ("big", 2e-3, 0.8 if hard else 0.85)):
            quality = float(chance.random() < skill)
            rows.append({"query": text, "query_id": str(i), "model": model, "quality": quality, "cost_usd": cost})
    return rows
