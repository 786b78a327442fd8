"""A certificate: on new queries alone, at prices that the training side orders, and the same whatever the order."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

import paretoroute as pr
from paretoroute.evaluation.certificate import certify as module
from paretoroute.evaluation.certificate.prices import candidates
from paretoroute.runs.table import ROW_NUMBERS
from tests.evaluation.certificate.cases import certified, policy, sides
from tests.synthetic_log import Recipe, make_runs, rows_of


def replayed(policy: pr.Policy, runs: pr.Runs) -> pr.Replay:
    return pr.replay(pr.Planner(policy), runs)


def new_rows(queries: int) -> list[dict]:
    """Draw rows of queries that the fit never saw."""
    return [{**row, "query": f"new: {row['query']}"} for row in rows_of(Recipe(queries=queries))]


def read(rows: list[dict]) -> pr.Runs:
    return pr.read_runs(pa.Table.from_pylist(rows))


def keep(runs: pr.Runs, rows: np.ndarray) -> pr.Runs:
    """Keep some runs of a log, bool ``(runs,)``."""
    columns = {name: getattr(runs, name)[rows] for name in ("query", "point", "cost_is_mean", *ROW_NUMBERS)}
    return replace(runs, **columns)


def test_the_certified_policy_is_the_last_price_that_passed_and_carries_its_certificate(tmp_path):
    answer = certified()

    entry = answer.certificate
    assert entry.claim == "mean quality at least 0.8, over queries like the certification runs"
    assert (entry.level, entry.method, entry.missing) == (0.9, "binomial", 0)
    assert entry.p_value == answer.p_value <= 1 - 0.9
    assert entry.queries == entry.groups == len(sides().others.query_ids)
    assert entry.runs_sha256 == sides().others.sha256
    answer.policy.save(tmp_path / "certified.yaml")
    assert pr.Policy.load(tmp_path / "certified.yaml").document.certificate == entry


def test_the_certified_policy_does_what_was_tested():
    outcome = replayed(certified().policy, sides().others)

    assert outcome.quality > 0.8
    assert outcome.predicted_quality == pytest.approx(certified().policy.document.expected.quality, abs=0.05)
    assert outcome.effective_queries == outcome.queries


def test_the_quality_that_the_planner_reaches_gives_the_same_p_value():
    from scipy import stats

    runs = sides().others  # one run of 0 or 1 in every cell: nothing is left to the draws
    right = round(replayed(certified().policy, runs).quality * len(runs.query_ids))

    assert certified().p_value == pytest.approx(stats.binom.cdf(len(runs.query_ids) - right, len(runs.query_ids), 0.2))


def test_the_order_of_the_rows_does_not_matter():
    rows = new_rows(60)
    shuffled = [rows[i] for i in np.random.default_rng(1).permutation(len(rows))]

    first, second = (pr.certify(policy(), read(one), pr.MinQuality(0.6)) for one in (rows, shuffled))

    assert isinstance(first, pr.Certified) and isinstance(second, pr.Certified)
    assert first.certificate == second.certificate


def test_queries_that_the_fit_saw_are_refused_with_their_number():
    with pytest.raises(pr.RunsError, match=r"^351 of 351 queries were seen by the fit.*--hold-out 0\.5"):
        pr.certify(policy(), sides().fitted)


def test_one_copy_of_a_seen_query_is_enough_whatever_its_id_and_punctuation():
    rows = new_rows(60)
    seen = sides().fitted.texts[0].upper() + "?!"
    rows[0:4] = [{**row, "query": seen, "query_id": "other"} for row in rows[0:4]]

    with pytest.raises(pr.RunsError, match=r"^1 of \d+ queries were seen by the fit \('other';"):
        pr.certify(policy(), read(rows))


def test_a_policy_without_a_record_of_its_queries_is_refused():
    older = replace(policy(), calibration_sample=replace(policy().calibration_sample, seen=None))

    with pytest.raises(pr.PolicyError, match="no record of the queries.*fit it again"):
        pr.certify(older, sides().others)


def test_what_these_runs_do_not_reach_is_not_certified_and_no_number_is_promised():
    answer = pr.certify(policy(), sides().others, pr.MinQuality(0.99))

    assert isinstance(answer, pr.NotCertified)
    assert answer.p_value > 0.5
    assert answer.groups_needed is None
    assert "do not reach the target even at the best price" in str(answer)


def test_too_few_queries_are_told_how_many_would_do():
    few = np.arange(len(sides().others.query_ids)) % 12 == 0
    answer = pr.certify(policy(), sides().others.select(few), pr.MinQuality(0.88))

    assert isinstance(answer, pr.NotCertified)
    assert answer.groups_needed is not None
    assert answer.groups_needed > answer.groups == few.sum()
    assert f"About {answer.groups_needed} queries" in answer.reason


def test_the_number_needed_follows_the_formula():
    few = np.arange(len(sides().others.query_ids)) % 12 == 0
    answer = pr.certify(policy(), sides().others.select(few), pr.MinQuality(0.88))
    assert isinstance(answer, pr.NotCertified)
    best = candidates(policy().solve(pr.MinQuality(0.88)), pr.MinQuality(0.88))[0]
    moved = module.at_rule(policy(), best, pr.MinQuality(0.88))

    quality = replayed(moved, sides().others.select(few)).quality

    assert answer.groups_needed == int(
        np.ceil((1.281552 + 1.644854) ** 2 * quality * (1 - quality) / (quality - 0.88) ** 2)
    )


@pytest.mark.parametrize(
    ("target", "method"),
    [
        (pr.MinQuality(ratio=1.0, of="tenor@high"), "betting"),
        (pr.MinQuality(0.8), "binomial"),
        (pr.MaxCost(usd=0.003), "betting"),
    ],
)
def test_other_targets_and_methods_are_certified_too(target, method):
    answer = pr.certify(policy(), sides().others, target)

    assert isinstance(answer, pr.Certified)
    assert answer.certificate.method == method
    outcome = replayed(answer.policy, sides().others)
    if isinstance(target, pr.MaxCost):
        assert outcome.cost_usd < 0.003
        assert answer.certificate.cap_usd is not None
        assert f"min(cost, ${answer.certificate.cap_usd:.4g})" in answer.certificate.claim
    else:
        assert outcome.quality > (0.8 if target.quality else 0.77)


def test_the_best_trade_a_level_of_1_and_unknown_methods_are_refused():
    with pytest.raises(pr.TargetError, match="no threshold"):
        pr.certify(policy(), sides().others, pr.BestTrade(usd_per_quality=1.0))
    with pytest.raises(pr.TargetError, match="level must lie between 0 and 1"):
        pr.certify(policy(), sides().others, level=1.0)
    with pytest.raises(pr.TargetError, match="use binomial, hoeffding_bentkus, betting"):
        pr.certify(policy(), sides().others, method="normal")  # type: ignore[arg-type]  # refused


def test_a_cell_that_was_not_logged_counts_as_the_worst():
    runs = sides().others
    dropped = (runs.quality == 0) & (runs.query % 2 == 0)  # where failures leave no row, the others flatter the policy
    kept = keep(runs, ~dropped)

    flattered, honest = (pr.certify(policy(), one, pr.MinQuality(0.85)) for one in (kept, runs))

    assert isinstance(flattered, pr.Certified) and isinstance(honest, pr.Certified)
    assert flattered.certificate.missing > 0
    assert flattered.policy.document.solution == honest.policy.document.solution
    assert flattered.p_value == pytest.approx(honest.p_value)


def test_one_run_per_query_is_not_certified_and_the_reason_is_the_log():
    runs = sides().others

    answer = pr.certify(policy(), keep(runs, runs.point == runs.query % len(runs.points)))

    assert isinstance(answer, pr.NotCertified)
    assert "calls were not logged for their query" in answer.reason


def test_copies_count_as_one_query():
    rows = new_rows(120)
    copies = [{**row, "query_id": f"{row['query_id']}/{k}"} for row in rows for k in range(10)]

    once, often = (pr.certify(policy(), read(one), pr.MinQuality(0.7)) for one in (rows, copies))

    assert isinstance(once, pr.Certified) and isinstance(often, pr.Certified)
    assert often.certificate.groups == once.certificate.groups == 120
    assert often.certificate.queries == 1200
    assert often.certificate.p_value == pytest.approx(once.certificate.p_value)


def test_the_cost_of_points_without_a_token_price_has_no_cap_and_is_not_certified():
    runs = make_runs(surcharge=("basso", "tenor"))
    is_fitted = np.arange(len(runs.query_ids)) // 3 % 2 == 0
    unpriced = pr.fit(runs.select(is_fitted), pr.MaxCost(usd=0.003))

    answer = pr.certify(unpriced, runs.select(~is_fitted))

    assert isinstance(answer, pr.NotCertified)
    assert (answer.p_value, answer.groups_needed) == (1.0, None)
    assert "not priced by tokens" in answer.reason


def test_costs_count_at_the_prices_of_the_policy():
    dear = policy().solve(pr.MaxCost(usd=0.03), prices={"tenor": pr.Price(20.0, 100.0), "basso": pr.Price(2.0, 10.0)})

    tenfold, before = pr.certify(dear, sides().others), pr.certify(policy(), sides().others, pr.MaxCost(usd=0.003))

    assert isinstance(tenfold, pr.Certified) and isinstance(before, pr.Certified)
    assert tenfold.certificate.cap_usd == pytest.approx(10 * (before.certificate.cap_usd or 0), rel=1e-3)
    assert tenfold.p_value == pytest.approx(before.p_value, rel=1e-3)


def test_a_policy_with_limits_on_the_population_is_tested_as_it_is():
    limited = policy().solve(pr.MinQuality(0.85), limits=[pr.MaxShare(0.5, "tenor")])

    lower = pr.certify(limited, sides().others, pr.MinQuality(0.8))
    answer = pr.certify(limited, sides().others)

    for one in (lower, answer):
        if isinstance(one, pr.Certified):
            assert one.certificate.prices_tested == 1
            assert one.policy.document.solution == one.before.document.solution
            assert one.certificate.not_covered[-1].startswith("the policy's limits")
    assert isinstance(answer, pr.NotCertified) or answer.p_value > 0.01  # solved to meet 0.85 exactly, without a margin
