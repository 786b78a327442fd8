"""Texts of the command line: a policy's target, its trade-off, and a replay."""

import io
from dataclasses import replace

import pytest
from rich.console import Console

from paretoroute.evaluation.replay import Replay
from paretoroute.policy.schema import TargetBestTrade, TargetMaxCost, TargetMinQuality, TargetMinQualityOf
from paretoroute.report.text import replay_text, target_text, trade_off_table
from tests.report.documents import PLAIN

REPLAY = Replay(
    quality=0.71,
    quality_low=0.68,
    quality_high=0.74,
    cost_usd=0.002,
    cost_usd_low=0.0018,
    cost_usd_high=0.0022,
    predicted_quality=0.72,
    predicted_cost_usd=0.0021,
    queries=400,
    effective_queries=380.0,
    calls={"small@low": 300, "large@high": 100},
)


@pytest.mark.parametrize(
    ("target", "text"),
    [
        (TargetMaxCost(kind="max_cost", usd=0.002), "highest quality at a mean cost of at most $0.002 per query"),
        (TargetMinQuality(kind="min_quality", quality=0.8), "lowest cost at a mean quality of at least 0.8"),
        (
            TargetMinQualityOf(kind="min_quality_of", of="m@high", ratio=0.9),
            "lowest cost at 0.9 times the quality of m@high",
        ),
        (TargetMinQualityOf(kind="min_quality_of", of="m@high", ratio=1.0), "lowest cost at the quality of m@high"),
        (
            TargetBestTrade(kind="best_trade", usd_per_quality=0.01),
            "best trade at $0.01 for a right answer in place of a wrong one",
        ),
    ],
)
def test_a_target_is_written_in_words(target, text):
    assert target_text(PLAIN.model_copy(update={"target": target})) == text


def test_the_trade_off_rises_in_cost_and_holds_the_policy_and_the_best_single_point():
    stream = io.StringIO()
    Console(width=120, file=stream).print(trade_off_table(PLAIN))
    lines = stream.getvalue().splitlines()

    costs = [float(part[1:]) for line in lines for part in line.split() if part.startswith("$")]

    assert len(costs) == len(PLAIN.trade_off) + 2
    assert costs == sorted(costs)
    assert sum("> this policy (met)" in line for line in lines) == 1
    assert sum("best single: large@high" in line for line in lines) == 1


def test_a_replay_gives_realised_and_predicted_figures_and_no_warning():
    quality, cost, queries, calls = replay_text(REPLAY).splitlines()

    assert quality == "quality   0.7100 [0.6800, 0.7400]; predicted 0.7200"
    assert cost == "cost      $0.002 [$0.0018, $0.0022] per query; predicted $0.0021"
    assert queries == "queries   400, of which 380 were logged at the point chosen"
    assert calls == "calls     small@low 75%, large@high 25%"


def test_a_replay_lists_limits_and_warns_of_few_queries_and_of_runs_that_were_fitted_on():
    limits = {"share of large at most 0.2": 0.25, "latency at most 2 s": None}

    text = replay_text(replace(REPLAY, effective_queries=30.0, seen=True, limits=limits))

    assert "limit     share of large at most 0.2: realised 0.25\n" in text
    assert "limit     latency at most 2 s: realised nothing logged\n" in text
    assert "warning   the policy was fitted on these very runs" in text
    assert "warning   fewer than 50 queries count" in text
