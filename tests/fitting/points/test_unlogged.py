"""Unlogged points: forecast between two logged ones, marked as such, and refused beyond the log."""

import math
from dataclasses import replace

import numpy as np
import pytest

import paretoroute as pr
from paretoroute.calibration.baselines import best_single
from paretoroute.calibration.outcomes import logged_outcomes
from paretoroute.grid import Between
from tests.planner_cases import command, write_rows

AMOUNTS = (2000, 8000, 32000)
CURVE = {"easy": (0.9, 0.92, 0.94), "hard": (0.3, 0.62, 0.8)}  # of deep at 2000, 8000 and 32000 thinking tokens
TOKENS = (400.0, 800.0, 1600.0)
WORDS = {
    "easy": ("apple", "pear", "plum", "cherry", "lemon", "melon", "grape", "peach"),
    "hard": ("theorem", "lemma", "integral", "manifold", "functor", "topology", "spectrum", "kernel"),
}
PRICE = {"deep": (1.0, 10.0), "small": (0.2, 0.8)}
HOLE = "deep@8000"


def rows_of(queries=300, *, seed=0, kinds=True, blank=0):
    """Two kinds of query; ``small`` knows the easy ones, and ``deep`` the hard ones once it thinks."""
    chance = np.random.default_rng(seed)
    rows = []
    for i in range(queries):
        kind = ("easy", "hard")[i % 2]
        text = "please say which comes next: " + " ".join(chance.choice(WORDS[kind if kinds else "easy"], 8))
        prompt = 40 + (len(text) // 4 if kinds else 20)
        points = [("small", "none", "default", None, 50.0, 0.9 if kind == "easy" else 0.1)]
        points += [
            ("deep", "thinking_tokens", str(a), a, t, q) for a, t, q in zip(AMOUNTS, TOKENS, CURVE[kind], strict=True)
        ]
        for model, budget, label, amount, tokens, quality in points:
            completion = float(round(tokens * chance.lognormal(0.0, 0.2)))
            rows.append(
                {
                    "query_id": f"q{seed}-{i:04}", "query": "" if i < blank else text, "model": model,
                    "budget_kind": budget, "budget_label": label, "budget": amount,
                    "quality": float(chance.random() < quality), "prompt_tokens": prompt,
                    "completion_tokens": completion, "latency_s": completion / 50,
                    "cost_usd": (prompt * PRICE[model][0] + completion * PRICE[model][1]) / 1e6,
                }
            )  # fmt: skip
    return rows


def read(rows):
    import pyarrow as pa

    return pr.read_runs(pa.Table.from_pylist(rows), strict=True)


def without_hole(rows):
    return [row for row in rows if f"{row['model']}@{row['budget_label']}" != HOLE]


@pytest.fixture(scope="module")
def policy():
    """A policy fitted without any run of deep@8000, which is on offer."""
    return pr.fit(read(without_hole(rows_of())), pr.MaxCost(usd=0.0045), add_points=[HOLE])


@pytest.fixture(scope="module")
def full():
    return pr.fit(read(rows_of()), pr.MaxCost(usd=0.0045))


@pytest.fixture(scope="module")
def fresh():
    """Queries that no fit has seen, logged everywhere."""
    return read(rows_of(200, seed=5))


def test_every_forecast_of_a_point_never_logged_lies_between_those_of_its_neighbours(policy, fresh):
    below, hole, above = (policy.grid.index(f"deep@{amount}") for amount in AMOUNTS)

    for text in fresh.texts:
        found = policy.surface.at_text(text)
        for figure in (found.quality, found.amount, found.prompt_tokens, found.latency_s):
            low, high = sorted((figure[below], figure[above]))
            assert low * (1 - 1e-6) <= figure[hole] <= high * (1 + 1e-6)


def test_the_forecast_is_about_as_near_to_the_truth_as_with_runs_of_the_point(policy, full, fresh):
    truth = np.array([CURVE["easy" if any(w in t for w in WORDS["easy"]) else "hard"][1] for t in fresh.texts])

    error, amounts = {}, {}
    for name, made in (("hole", policy), ("logged", full)):
        column = made.grid.index(HOLE)
        found = [made.surface.at_text(text) for text in fresh.texts]
        error[name] = np.abs(np.array([one.quality[column] for one in found]) - truth).mean()
        amounts[name] = np.mean([one.amount[column] for one in found])

    # Quality is concave in the log of tokens here by 0.035 on average: that much a line must miss.
    assert error["hole"] < error["logged"] + 0.045
    np.testing.assert_allclose(amounts["hole"], amounts["logged"], rtol=0.05)


def test_the_policy_file_says_that_the_point_was_never_logged(policy, tmp_path):
    policy.save(tmp_path / "policy.yaml")
    text = (tmp_path / "policy.yaml").read_text(encoding="utf-8")
    again = pr.Policy.load(tmp_path / "policy.yaml")

    assert 'between: ["2000", "32000"]' in text
    assert text.count("never_logged") == 1
    assert "deep@8000 was never logged: it is forecast between deep@2000 and deep@32000, 50% of the way" in text
    assert again.grid == policy.grid
    assert again.grid.between == {policy.grid.points[1]: Between("2000", "32000", pytest.approx(0.5))}
    [entry] = [p for model in again.document.grid for p in model.points if p.label == "8000"]
    assert entry.queries == 0
    assert again.document.fitted_on.points == 3
    assert again.solve(pr.MaxCost(usd=0.004)).document == policy.solve(pr.MaxCost(usd=0.004)).document.model_copy(
        update={"surface": again.document.surface}
    )


def test_a_file_whose_neighbours_were_edited_away_is_refused(policy, tmp_path):
    policy.save(tmp_path / "policy.yaml")
    path = tmp_path / "policy.yaml"
    path.write_text(
        path.read_text(encoding="utf-8").replace('["2000", "32000"]', '["2000", "31000"]'), encoding="utf-8"
    )

    with pytest.raises(pr.PolicySchemaError, match="'8000' lies between budgets, but '31000' was not logged"):
        pr.Policy.load(path)


def test_the_planner_calls_it_where_it_is_the_best_trade_and_says_so(policy, fresh):
    planner = pr.Planner(policy)
    decisions = {text: planner.plan(text, query_id=text) for text in fresh.texts}
    picked = [text for text, decision in decisions.items() if decision.point.name == HOLE]

    assert len(picked) > 20
    assert all(any(word in text for word in WORDS["hard"]) for text in picked)
    one = decisions[picked[0]]
    assert one.interpolated
    assert "deep@8000 (never logged: forecast between 2000 and 32000)" in one.why
    assert not any(d.interpolated or "never logged" in d.why for d in decisions.values() if d.point.name != HOLE)


def test_costs_on_new_queries_are_as_promised_though_half_the_calls_go_to_the_point(policy, fresh):
    found = pr.replay(pr.Planner(policy), fresh)

    assert found.calls[HOLE] > 20
    np.testing.assert_allclose(found.cost_usd, found.predicted_cost_usd, rtol=0.1)
    assert found.quality > found.predicted_quality - 0.03  # the curve is concave: the truth is better
    expected = policy.document.expected
    share = next(p.share for e in policy.document.grid for p in e.points if p.label == "8000")
    np.testing.assert_allclose(expected.effective_queries, expected.queries * (1 - share), rtol=1e-4)


def test_what_came_of_its_neighbours_stands_in_for_what_came_of_it(policy):
    known = logged_outcomes(policy.calibration_sample, policy.grid)
    below, hole, above = (policy.grid.index(f"deep@{amount}") for amount in AMOUNTS)

    assert known.unlogged == (hole,)
    np.testing.assert_allclose(
        known.quality[:, hole], (known.quality[:, below] + known.quality[:, above]) / 2, atol=1e-6
    )
    miss = (known.cost_usd / known.forecast.cost_usd)[:, [below, above]].mean(axis=1)
    np.testing.assert_allclose(known.cost_usd[:, hole], known.forecast.cost_usd[:, hole] * miss, rtol=1e-5)
    assert np.isnan(known.logged_quality[:, hole]).all()
    np.testing.assert_array_equal(known.calibration_quality[:, hole], known.quality[:, hole])
    np.testing.assert_array_equal(known.calibration_cost_usd[:, hole], known.cost_usd[:, hole])
    assert policy.grid.names[best_single(known)] == "deep@32000"
    with_luck = replace(known, quality=known.quality + np.eye(len(policy.grid.points))[hole])
    assert policy.grid.names[best_single(with_luck)] == "deep@32000", "the best single point has to be a logged one"


def test_new_prices_reach_it(policy):
    dear = policy.solve(prices={"deep": pr.Price(2.0, 20.0)})
    hole = dear.grid.index(HOLE)

    assert dear.grid.between == policy.grid.between
    np.testing.assert_allclose(
        logged_outcomes(dear.calibration_sample, dear.grid).cost_usd[:, hole],
        2 * logged_outcomes(policy.calibration_sample, policy.grid).cost_usd[:, hole],
        rtol=1e-6,
    )


def test_limits_may_name_it(policy):
    capped = policy.solve(limits=[pr.MaxShare(0.1, HOLE)])
    shares = {f"{e.model}@{p.label}": p.share for e in capped.document.grid for p in e.points}

    assert shares[HOLE] <= 0.1 + 1e-6
    assert HOLE not in {pr.Planner(policy.solve(limits=[pr.Forbid((HOLE,))])).plan("kernel lemma").point.name}


def test_hard_caps_hold_by_the_larger_neighbours_bounds(policy, fresh):
    below, hole, above = (policy.grid.index(f"deep@{amount}") for amount in AMOUNTS)
    bounds = policy.surface.bounds
    planner = pr.Planner(policy)
    only = np.arange(len(policy.grid.points)) == hole

    assert bounds.most_completion_tokens[hole] == bounds.most_completion_tokens[above]
    assert bounds.prompt_overhead_tokens[hole] == max(bounds.prompt_overhead_tokens[[below, above]])
    for text in fresh.texts[:40]:
        decision = planner.plan(text, max_cost_usd=0.2, callable=only)
        most_prompt = len(text.encode()) + bounds.prompt_overhead_tokens[hole]
        assert decision.point.name == HOLE
        assert (most_prompt * 1.0 + decision.output_cap_tokens * 10.0) / 1e6 <= 0.2
        assert decision.output_cap_tokens > 8000, "a cap below the thinking budget would be another point"


def test_it_is_less_certain_than_its_neighbours_mean_would_be(policy, full):
    column = policy.grid.index(HOLE)

    between, logged = (made.surface.context_free().quality_se[column] for made in (policy, full))

    assert logged * 0.6 < between < 0.1
    assert policy.surface.queries[column] > 1


@pytest.mark.parametrize("blank", [0, 60])
def test_queries_that_tie_in_the_traffic_tie_at_the_planner_to_the_last_bit(blank):
    runs = read(without_hole(rows_of(200, kinds=bool(blank), blank=blank)))

    policy = pr.fit(runs, pr.MaxCost(usd=0.004), add_points=[HOLE])

    column = policy.grid.index(HOLE)
    if blank:
        same = policy.surface.at_text("")
        tables = (
            policy.calibration_sample.quality,
            policy.calibration_sample.amount,
            policy.calibration_sample.prompt_tokens,
        )
        for figure, table in zip((same.quality, same.amount, same.prompt_tokens), tables, strict=True):
            assert (table[:, column] == np.float32(figure[column])).sum() >= blank
    else:
        flat = policy.surface.context_free()
        assert policy.surface.quality.is_constant
        assert set(policy.calibration_sample.quality[:, column]) == {np.float32(flat.quality[column])}


def test_a_context_free_policy_keeps_it_between():
    from paretoroute.fitting.result import Fit, context_free

    made = pr.fit(read(without_hole(rows_of(200))), pr.MaxCost(usd=0.004), add_points=[HOLE])
    below, hole, above = (made.grid.index(f"deep@{amount}") for amount in AMOUNTS)

    constant = context_free(Fit(made.surface, made.calibration_sample, (), made.grid.between), made.grid)

    means = constant.surface.context_free()
    np.testing.assert_allclose(means.amount[hole], math.sqrt(means.amount[below] * means.amount[above]), rtol=1e-4)
    np.testing.assert_array_equal(constant.calibration_sample.amount[0], means.amount.astype(np.float32))
    assert constant.between == made.grid.between


GRID_FILE = """\
models:
  - model: deep
    budgets:
      - {kind: thinking_tokens, label: "2000"}
      - {kind: thinking_tokens, label: "middling", amount: MIDDLING}
      - {kind: thinking_tokens, label: "32000"}
  - model: small
    budgets: [{kind: none, label: default}]
"""


def test_on_the_command_line_by_name_or_by_grid_file(tmp_path):
    log = write_rows(tmp_path / "runs.jsonl", without_hole(rows_of(200)))
    grid, prices, out = tmp_path / "grid.yaml", tmp_path / "prices.yaml", tmp_path / "policy.yaml"
    grid.write_text(GRID_FILE.replace("MIDDLING", "8000"), encoding="utf-8")
    prices.write_text("deep: {input: 2.0, output: 20.0}\n", encoding="utf-8")

    said = command("fit", log, "--out", out, "--add-point", HOLE, "--max-cost", "0.005")
    by_file = command("fit", log, "--out", tmp_path / "other.yaml", "--grid", grid, "--max-cost", "0.005")
    solved = command("solve", out, "--prices", prices, "--max-cost", "0.01", "--out", tmp_path / "dear.yaml")

    assert (said.code, by_file.code, solved.code) == (0, 0, 0), said.err + by_file.err + solved.err
    assert "deep@8000 was never logged: it is forecast between deep@2000 and deep@32000" in said.out
    assert "deep@middling was never logged" in by_file.out
    assert pr.Policy.load(tmp_path / "dear.yaml").grid.between == pr.Policy.load(out).grid.between
    shown = command("show", out, "--out", tmp_path / "policy.html")
    assert shown.code == 0
    assert shown.out.count("never logged") == 1
    assert "<td>never logged</td>" in (tmp_path / "policy.html").read_text(encoding="utf-8")
    assert command("fit", "--help").out.count("--add-point") == 1


def test_on_the_command_line_a_point_beyond_the_log_is_refused_and_nothing_written(tmp_path):
    log = write_rows(tmp_path / "runs.jsonl", without_hole(rows_of(40)))
    grid, out = tmp_path / "grid.yaml", tmp_path / "policy.yaml"
    grid.write_text(GRID_FILE.replace("MIDDLING", "64000"), encoding="utf-8")

    by_file = command("fit", log, "--out", out, "--grid", grid)
    by_name = command("fit", log, "--out", out, "--add-point", "deep@500")

    assert (by_file.code, by_name.code) == (2, 2)
    assert by_file.err.startswith("paretoroute: point 'deep@middling' was never logged; of 'deep' there is")
    assert "it lies below what was logged" in by_name.err
    assert not out.exists()
