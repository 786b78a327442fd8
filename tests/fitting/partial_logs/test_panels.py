"""Fits of logs with one run per query: what they promise, support and leave out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

import paretoroute as pr
from paretoroute.solver.frontier import frontier

QUERIES, POINTS, TOPICS = 400, 3, 4
MATRIX = np.array([[0.9, 0.5, 0.2], [0.2, 0.5, 0.9], [0.6, 0.7, 0.8], [0.3, 0.3, 0.35]])  # quality by topic and point


def world(seed, *, queries=QUERIES, logger="uniform", column=False, every=False):
    """A log of one run per query (or of every point), whose topics are told by the words."""
    rng = np.random.default_rng(seed)
    topic = rng.integers(TOPICS, size=queries)
    share = np.full((queries, POINTS), 1 / POINTS)
    if logger == "follows":
        share = np.full((queries, POINTS), 0.1)
        share[np.arange(queries), topic % POINTS] = 0.8
    choice = (rng.random((queries, 1)) > share.cumsum(1)).sum(1)
    right = rng.random((queries, POINTS)) < MATRIX[topic]
    rows = []
    for i in range(queries):
        words = " ".join(f"topic{topic[i]}word{k}" for k in rng.integers(8, size=6))
        for j in range(POINTS) if every else [choice[i]]:
            row = {"query_id": f"q{i}", "query": f"{words} {i}", "model": f"m{j}", "quality": float(right[i, j])}
            rows.append(row | {"cost_usd": 1e-4 * 5**j * rng.lognormal(0, 0.3)})
            if column:
                rows[-1]["propensity"] = float(share[i, j])
    return pr.read_runs(pa.Table.from_pylist(rows))


def truth_of(policy):
    """The expected quality of a policy's choices on fresh queries of the same topics."""
    test, planner = world(1000, queries=300, every=True), pr.Planner(policy)
    names = [f"m{j}" for j in range(POINTS)]
    quality = []
    for i, text in enumerate(test.texts):
        topic = int(text[5])
        quality.append(MATRIX[topic, names.index(planner.plan(text, query_id=str(i)).model)])
    return float(np.mean(quality))


def test_a_full_log_has_no_support_and_one_run_per_query_has():
    full, partial = pr.fit(world(0, queries=60, every=True)), pr.fit(world(0, queries=200))

    assert full.calibration_sample.support is None
    assert full.document.expected.logger is None
    assert not any(kind == "support" for kind in full.document.fitted_on.finding_kinds)
    assert partial.calibration_sample.support is not None
    logged = partial.calibration_sample.logged_quality
    assert partial.document.expected.logger.quality == pytest.approx(float(np.nanmean(logged)), abs=1e-5)


def test_promises_hold_and_the_topics_are_used():
    misses, gains = [], []
    for seed in range(4):
        policy = pr.fit(world(seed, queries=600), pr.MaxCost(usd=1e-3))
        truth = truth_of(policy)
        misses.append(policy.document.expected.quality - truth)
        gains.append(truth - MATRIX[:, 1].mean())
        assert policy.document.expected.quality_low - 0.03 <= truth <= policy.document.expected.quality_high + 0.03

    assert abs(np.mean(misses)) < 0.04
    assert np.mean(gains) > 0.08


def test_the_cost_of_the_logged_choices_counts_runs_without_a_known_cost():
    known = world(5, queries=300)
    cost, dear = known.cost_usd.copy(), known.point == [point.model for point in known.points].index("m2")
    cost[dear & (np.arange(len(known)) % 5 > 0)] = np.nan

    logger = pr.fit(replace(known, cost_usd=cost)).document.expected.logger

    means = [np.nanmean(cost[known.point == j]) for j in range(len(known.points))]
    by_hand = np.mean(np.where(np.isnan(cost), np.array(means)[known.point], cost))
    assert logger.cost_usd == pytest.approx(by_hand, rel=1e-4)
    assert logger.cost_usd == pytest.approx(known.cost_usd.mean(), rel=0.05)


@pytest.mark.parametrize("column", [False, True])
def test_a_logger_that_followed_the_text_is_noticed_and_its_choices_do_not_fool_the_fit(column):
    policy = pr.fit(world(2, queries=800, logger="follows", column=column), pr.MaxCost(usd=1e-3))

    document = policy.document
    assert policy.surface.logging is not None
    support = [text for kind, text in document.fitted_on.findings_by_kind() if kind == "support"]
    assert "propensities are logged" in support[0] if column else "estimated" in support[0]
    assert "depended on the query" in support[0]
    assert abs(document.expected.quality - truth_of(policy)) < 0.08


def test_points_beyond_the_support_are_not_called():
    policy = pr.fit(world(3, queries=1500, logger="follows"), pr.MaxCost(usd=1e-3))
    planner = pr.Planner(policy)

    for topic in range(TOPICS):
        text = " ".join(f"topic{topic}word{k}" for k in range(6))
        vector, _ = policy.surface.featurizer.of_text(text)
        supported = policy.surface.supported(vector, {})
        called = planner.plan(text, query_id="a").model
        assert supported[[point.model for point in policy.grid.points].index(called)]


def test_saved_and_loaded_a_policy_of_a_partial_log_plans_and_solves_alike(tmp_path):
    policy = pr.fit(world(4, queries=300, logger="follows"), pr.MaxCost(usd=1e-3))
    policy.save(tmp_path / "policy.yaml")
    loaded = pr.Policy.load(tmp_path / "policy.yaml")

    assert loaded.solve(pr.MaxCost(usd=5e-4)).document.expected == policy.solve(pr.MaxCost(usd=5e-4)).document.expected
    for text in world(5, queries=20).texts:
        assert pr.Planner(loaded).plan(text, query_id="1").point == pr.Planner(policy).plan(text, query_id="1").point


def test_points_with_few_runs_are_left_out_by_name():
    runs = world(6, queries=200)
    few = pa.Table.from_pylist(
        [{"query_id": f"few{i}", "query": f"rare words {i}", "model": "rare", "quality": 1.0, "cost_usd": 1e-4}
         for i in range(3)]
    )  # fmt: skip
    rows = [
        {
            "query_id": runs.query_ids[i],
            "query": runs.texts[i],
            "model": runs.points[j].model,
            "quality": q,
            "cost_usd": c,
        }
        for i, j, q, c in zip(runs.query, runs.point, runs.quality, runs.cost_usd, strict=True)
    ]
    policy = pr.fit(pr.read_runs(pa.concat_tables([pa.Table.from_pylist(rows), few])))

    assert "rare@default" not in policy.grid.names
    assert any("rare@default (3)" in text for text in policy.document.fitted_on.findings)


def test_luck_of_a_point_does_not_vouch_for_itself():
    """In pure noise the best of 12 thin points is no better than the others, whatever its own runs say."""
    promised, by_own_means = [], []
    for seed in range(4):
        rng = np.random.default_rng(seed)
        rows = [
            {
                "query_id": f"q{i}",
                "query": f"some words {i} {rng.integers(9)}",
                "model": f"m{rng.integers(12):02d}",
                "quality": float(rng.random() < 0.5),
                "cost_usd": 1e-4 * (1 + rng.random()),
            }
            for i in range(240)
        ]
        policy = pr.fit(pr.read_runs(pa.Table.from_pylist(rows)))
        sample = policy.calibration_sample
        # The planted fault: means of all runs, raw ones as a policy without shrinkage has them.
        raw = np.nanmean(sample.logged_quality, axis=0)
        promised.append(policy.document.expected.quality)
        by_own_means.append(float(raw.max()))

    assert abs(np.mean(promised) - 0.5) < 0.06
    assert np.mean(by_own_means) - 0.5 > 0.12


def test_where_queries_have_no_text_the_deployed_forecasts_tie_and_those_without_a_fold_stay_apart():
    rng = np.random.default_rng(0)
    rows = [
        {
            "query_id": f"q{i}",
            "query": "",
            "model": f"m{rng.integers(3)}",
            "quality": float(rng.random() < 0.5),
            "cost_usd": 1e-4,
        }
        for i in range(200)
    ]
    policy = pr.fit(pr.read_runs(pa.Table.from_pylist(rows)))
    sample = policy.calibration_sample

    assert len(np.unique(sample.support.deployed_quality, axis=0)) == 1
    assert len(np.unique(sample.quality, axis=0)) > 1


def test_a_log_too_thin_for_an_interval_says_how_much_is_missing():
    policy = pr.fit(world(7, queries=24))

    document = policy.document
    if document.expected.effective_queries < 20:
        assert document.solution.status in ("unsupported", "infeasible")
        assert document.expected.quality_low is None and document.expected.cost_usd_high is None
        assert "more runs" in document.solution.meaning


def tagged(seed, *, queries=600):
    """One run per query; calls of the tag ``long`` cost 30 times as much at both points, which no text tells."""
    rng = np.random.default_rng(seed)
    point, is_long = rng.integers(2, size=queries), rng.random(queries) < 0.5
    return pr.read_runs(
        pa.table(
            {
                "query_id": [f"q{i}" for i in range(queries)],
                "query": [" ".join(f"word{k}" for k in rng.integers(300, size=8)) for _ in range(queries)],
                "tag": np.where(is_long, "long", "short"),
                "model": np.where(point == 1, "strong", "weak"),
                "quality": (rng.random(queries) < np.where(point == 1, 0.8, 0.4)).astype(float),
                "cost_usd": np.where(point == 1, 1e-3, 1e-4)
                * np.where(is_long, 30, 1)
                * rng.lognormal(0, 0.1, queries),
            }
        )
    )


def called_by_tag(policy):
    """The share of calls to the strong point among long and among short queries, half way along the frontier."""
    outcomes = policy.outcomes
    line = frontier(outcomes.forecast)
    chance = outcomes.corrected.policies(outcomes.forecast, line).chance(len(line.price) / 2)
    is_long = policy.calibration_sample.labels["tag"].values == "long"
    return [float(chance[rows, policy.grid.index("strong")].mean()) for rows in (is_long, ~is_long)]


def test_the_policies_that_are_judged_do_not_choose_by_tags_that_a_planner_does_not_see(tmp_path):
    policy = pr.fit(tagged(0), pr.MaxCost(usd=4e-3))
    support = policy.calibration_sample.support
    seeing = replace(support, blind_quality=None, blind_amount=None)  # the planted fault
    fault = replace(policy, calibration_sample=replace(policy.calibration_sample, support=seeing))
    of_long, of_short = called_by_tag(policy)
    fault_of_long, fault_of_short = called_by_tag(fault)

    assert abs(of_long - of_short) < 0.15
    assert fault_of_short - fault_of_long > 0.3
    policy.save(tmp_path / "policy.yaml")
    loaded = pr.Policy.load(tmp_path / "policy.yaml")
    assert loaded.solve(pr.MaxCost(usd=2e-3)).document.expected == policy.solve(pr.MaxCost(usd=2e-3)).document.expected


def test_costs_of_queries_that_look_cheap_are_their_means_where_these_vary_most():
    """The logarithm of the cost is twice as spread where a query looks cheap: one smearing factor would not do."""
    rng, queries = np.random.default_rng(3), 1500
    topic, point = rng.integers(2, size=queries), rng.integers(POINTS, size=queries)
    spread = np.array([1.5, 0.3])[topic]
    cost = 1e-3 * np.exp(2.0 * topic + spread * rng.normal(size=queries))
    words = [" ".join(f"topic{t}word{k}" for k in rng.integers(8, size=6)) for t in topic]
    rows = [
        {"query_id": f"q{i}", "query": f"{words[i]} {i}", "model": f"m{point[i]}", "quality": 0.5, "cost_usd": cost[i]}
        for i in range(queries)
    ]

    policy = pr.fit(pr.read_runs(pa.Table.from_pylist(rows)))

    forecast = np.asarray(policy.outcomes.cross_fitted.cost_usd).mean(1)
    is_logged = policy.outcomes.is_logged
    logged = np.nansum(np.where(is_logged, policy.outcomes.logged_cost_usd, 0.0), axis=1)
    cheap = forecast < np.median(forecast)
    for half in (cheap, ~cheap):
        assert forecast[half].mean() == pytest.approx(logged[half].mean(), rel=0.15)


def test_a_run_with_a_tiny_propensity_is_asked_about_and_makes_no_best_point():
    runs = world(6, queries=300, column=True)
    propensity = runs.propensity.copy()
    propensity[0] = 1e-9

    document = pr.fit(replace(runs, propensity=propensity)).document

    asked = [text for text in document.fitted_on.findings if "weighs as much as all others" in text]
    assert len(asked) == 1
    assert repr(runs.query_ids[runs.query[0]]) in asked[0]
    entries = {entry.model: entry.points[0] for entry in document.grid}
    best = entries[document.expected.best_single.point.split("@")[0]]
    assert best.quality_low <= document.expected.best_single.quality <= best.quality_high
    for j, point in enumerate(runs.points):
        logged = runs.cost_usd[runs.point == j].mean()
        assert entries[point.model].cost_usd == pytest.approx(logged, rel=0.3)
