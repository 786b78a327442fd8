"""Which of logged and estimated chances a fit of a partial log goes by, and what the outcomes tell of the logger."""

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from scipy.stats import chi2

import paretoroute as pr
from paretoroute.fitting.methods.logistic import Design
from paretoroute.fitting.partial_logs import hidden_choice
from paretoroute.fitting.partial_logs.logging_policy import LoggerView
from paretoroute.fitting.partial_logs.more_effective_runs import with_more_effective_runs
from paretoroute.fitting.partial_logs.propensities import Propensities, fit_propensities
from paretoroute.fitting.sample import featurized
from paretoroute.runs.table import Runs
from tests.fitting.partial_logs.test_propensities import logged_by
from tests.synthetic_log import KINDS, make_runs


def logged(*, told: float, queries: int = 600) -> Runs:
    """A log of one run per query, with chances that follow its tag, or one drawn without a trace.

    Args:
        told: share of the queries that are judged by their own tag; the others by any.
        queries: of the log.
    """
    full, rng = make_runs(queries=queries, seed=3), np.random.default_rng(0)
    own = np.array([KINDS.index(tag) for tag in full.tags])
    any_kind = rng.integers(4, size=queries)
    kind = np.where(rng.random(queries) < told, own, any_kind)
    chance = np.full((queries, 4), 0.01)
    chance[np.arange(queries), kind] = 0.97
    return logged_by(full, chance, seed=1)


def of(runs: Runs) -> Propensities:
    return fit_propensities(runs, features_of(runs))


def features_of(runs: Runs) -> np.ndarray:
    return featurized(runs, "hashed_ngrams", 0)[1]


def design_of(runs: Runs) -> Design:
    return LoggerView.of(runs, features_of(runs)).design


def used_for(runs: Runs, own: Propensities) -> Propensities:
    return with_more_effective_runs(own, runs.means("quality").mean, design_of(runs))


def test_estimated_chances_replace_logged_ones_that_leave_few_effective_runs():
    runs = logged(told=0.6)
    own = of(runs)

    used = used_for(runs, own)

    assert (own.source, used.source, used.looks) == ("logged", "estimated", True)
    cells = own.weight > 0
    assert ((used.weight > 0) == cells).all()
    assert used.weight[cells] == pytest.approx(1 / own.reference[cells])
    supported = own.reference >= own.policy.least_chance
    assert used.weight[supported].max() < 0.5 * own.weight[supported].max()
    assert "the estimated ones are used" in used.findings[-1]
    assert used.findings[:-1] == own.findings


def test_logged_chances_stay_where_estimated_ones_leave_no_more_runs():
    runs = logged(told=1.0, queries=1200)
    own = of(runs)
    even = replace(own, weight=np.where(own.weight > 0, 4.0, 0.0), probability=np.full(own.weight.shape, 0.25))

    assert own.source == "logged"
    assert used_for(runs, even) is even


def test_shares_replace_logged_chances_that_no_query_explains():
    runs = logged(told=0.0)
    own = of(runs)

    used = used_for(runs, own)

    assert own.looks and not own.is_forecast
    assert (used.source, used.looks, used.replaces_logged) == ("marginal", False, True)
    share = np.bincount(runs.point, minlength=4) / len(runs.point)
    assert used.weight[runs.query, runs.point] == pytest.approx(1 / share[runs.point])
    assert "the shares are used" in used.findings[-1]


def test_a_point_that_was_called_little_at_first_and_much_later_counts_by_all_its_runs():
    first = logged_by(make_runs(queries=400, seed=3), np.tile([0.01, 0.01, 0.01, 0.97], (400, 1)), seed=1)
    later = logged_by(make_runs(queries=600, seed=4), np.tile([0.97, 0.01, 0.01, 0.01], (600, 1)), seed=2)
    table = pa.concat_tables([pa.Table.from_pylist(rows_of(one, name)) for one, name in ((first, "a"), (later, "b"))])
    runs = pr.read_runs(table)

    policy = pr.fit(runs, pr.MaxCost(usd=1.0))

    mean = np.nanmean(runs.means("quality").mean, axis=0)
    stated = [point.quality for entry in policy.document.grid for point in entry.points]
    assert stated[0] == pytest.approx(mean[0], abs=0.02)
    assumption = policy.document.fitted_on.assumption
    assert assumption is not None and "the logged propensities leave few effective runs" in assumption


def rows_of(runs: Runs, name: str) -> list[dict]:
    """List the runs as a log has them."""
    return [
        {
            "query_id": f"{name}{runs.query_ids[i]}",
            "query": runs.texts[i],
            "model": runs.points[j].model,
            "budget_kind": runs.points[j].budget.kind,
            "budget_label": runs.points[j].budget.label,
            "budget": runs.points[j].budget.amount,
            "quality": float(runs.quality[row]),
            "cost_usd": 1e-3 * (j + 1),
            "propensity": float(runs.propensity[row]),
        }
        for row, (i, j) in enumerate(zip(runs.query, runs.point, strict=True))
    ]


def test_other_chances_stay_as_they_are():
    runs = logged(told=0.6)
    own = of(replace(runs, propensity=np.full(len(runs.propensity), np.nan)))

    assert own.source == "estimated"
    assert used_for(runs, own) is own


def test_a_fit_says_which_chances_it_goes_by():
    policy = pr.fit(logged(told=0.6), pr.MaxCost(usd=1e-3))

    support = [text for kind, text in policy.document.fitted_on.findings_by_kind() if kind == "support"]
    assert "propensities are estimated" in support[0]
    assert any("the estimated ones are used" in text for text in support)
    sample_support, assumption = policy.calibration_sample.support, policy.document.fitted_on.assumption
    assert sample_support is not None and sample_support.is_estimated
    assert assumption is not None and "the logged propensities leave few effective runs" in assumption


def of_two_policies(*, seed: int, queries: int = 900) -> Runs:
    """A third of the queries by one policy, which hardly ever calls three of four points; the rest by their kind."""
    full = make_runs(queries=queries, seed=seed)
    chance = np.full((queries, 4), 0.02)
    first = np.arange(queries) < queries // 3
    chance[first, 3] = 0.94
    chance[~first, np.array([KINDS.index(tag) for tag in full.tags])[~first]] = 0.94
    return logged_by(full, chance, seed=seed)


def of_hidden_choice(*, seed: int, queries: int = 900) -> Runs:
    """Calls the point of the query's kind, more often if it would answer well."""
    full = make_runs(queries=queries, seed=seed)
    kind = np.array([KINDS.index(tag) for tag in full.tags])
    would_answer = full.means("quality").mean[np.arange(queries), kind] > 0.5
    chance = np.where(would_answer, 0.94, 0.4)[:, None] * np.eye(4)[kind]
    chance += (1 - chance.sum(1, keepdims=True)) * (1 - np.eye(4)[kind]) / 3
    return logged_by(full, chance, seed=seed)


def p_value(runs: Runs) -> float:
    return hidden_choice.p_value(runs.means("quality").mean, of(runs), design_of(runs))


def test_a_log_of_several_policies_counts_by_their_common_chances():
    runs = of_two_policies(seed=0)
    own, kind = of(runs), np.array([KINDS.index(tag) for tag in runs.tags])

    used = used_for(runs, own)

    assert (own.source, used.source) == ("logged", "estimated")
    for j in range(3):
        common = (0.02 + 2 * np.where(kind == j, 0.94, 0.02)) / 3
        cells = (used.weight[:, j] > 0) & (kind == j)
        assert used.weight[cells, j] == pytest.approx(1 / common[cells], rel=0.5)
        assert used.weight[cells, j].mean() == pytest.approx(1 / common[cells][0], rel=0.1)
        assert own.weight[cells, j].max() == 50


def test_outcomes_that_do_not_follow_the_choice_show_no_hidden_knowledge():
    p_values = [p_value(of_two_policies(seed=seed, queries=450)) for seed in range(8)]

    assert sum(p < 0.05 for p in p_values) <= 1
    assert 0.15 < np.median(p_values) < 0.85


def test_outcomes_that_follow_the_choice_show_hidden_knowledge():
    runs = of_hidden_choice(seed=0)
    own = of(runs)

    assert p_value(runs) < 1e-6
    assert own.is_forecast
    assert used_for(runs, own) is own


def test_the_test_for_hidden_knowledge_is_that_of_a_slow_reference():
    runs = of_hidden_choice(seed=1, queries=300)
    own, quality = of(runs), runs.means("quality").mean
    no_features = Design(np.zeros((300, 0)), design_of(runs).labels[:, :0])
    square = points = 0.0
    for j in range(4):
        rows = np.flatnonzero(~np.isnan(quality[:, j]))
        if len(rows) < hidden_choice.LEAST_RUNS:
            continue
        known = np.column_stack([np.ones(len(rows)), np.log(own.reference[rows, j])])
        hat = known @ np.linalg.pinv(known)
        r = quality[rows, j] - hat @ quality[rows, j]
        z = np.log(own.probability[rows, j]) - hat @ np.log(own.probability[rows, j])
        if min(r.std(), z.std()) < 1e-6:
            continue
        square += (1 - 3 / len(rows)) * sum(r * z) ** 2 / sum((r * z) ** 2)
        points += 1

    assert points >= 3
    assert hidden_choice.p_value(quality, own, no_features) == pytest.approx(chi2.sf(square, points), rel=1e-6)


def test_copies_of_a_query_are_one_witness_of_hidden_knowledge():
    runs = of_hidden_choice(seed=2, queries=300)
    own, quality = of(runs), runs.means("quality").mean
    rows = np.tile(np.arange(300), 4)
    design, copied = design_of(runs), replace(own, groups=own.groups[rows])
    for name in ("probability", "reference", "weight"):
        copied = replace(copied, **{name: getattr(own, name)[rows]})

    once = hidden_choice.p_value(quality, own, design)
    four_times = hidden_choice.p_value(quality[rows], copied, Design(design.features[rows], design.labels[rows]))

    assert once / 10 < four_times < 10 * once
