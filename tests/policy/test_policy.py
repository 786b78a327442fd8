"""Policies are solved anew without a fit, and come back from their files as they were written."""

import numpy as np
import pandas as pd
import pytest

import paretoroute as pr
from paretoroute.calibration import outcomes
from paretoroute.errors import GridError, PolicyChecksumError, PolicyError
from paretoroute.solver.rules import PriceRule
from tests.planner_cases import fitted, no_signal
from tests.policy.documents import side_of

QUERIES = ("please say which comes next: apple pear", "please say which comes next: lemma kernel", "なぜ空は青い")


def files(policy: pr.Policy, folder, name: str = "policy") -> tuple[bytes, bytes]:
    """Save a policy and give its two files."""
    folder.mkdir(exist_ok=True)
    policy.save(folder / f"{name}.yaml")
    return (folder / f"{name}.yaml").read_bytes(), side_of(folder / f"{name}.yaml").read_bytes()


def logged(policy: pr.Policy) -> tuple[float, float]:
    """Return the logged quality and cost of the policy's choices on its own calibration sample."""
    known, solution = outcomes.logged_outcomes(policy.calibration_sample, policy.grid), policy.document.solution
    chosen = known.chosen(PriceRule(solution.quality_per_usd, solution.split))
    return float(chosen.quality.mean()), float(chosen.cost_usd.mean())


def decided(policy: pr.Policy) -> list:
    planner = pr.Planner(policy)
    return [
        (d.point, d.expected_quality, d.expected_cost_usd, d.output_cap_tokens, d.status)
        for d in planner.plan_batch(QUERIES, query_ids=["a", "b", "c"])
    ]


def test_a_policy_read_back_and_saved_again_gives_the_same_bytes(tmp_path):
    first = files(fitted().policy, tmp_path / "a")

    second = files(pr.Policy.load(tmp_path / "a" / "policy.yaml"), tmp_path / "b")

    assert second == first
    assert first[0] == fitted().policy_path.read_bytes()


def test_a_policy_read_back_and_solved_again_for_its_own_target_is_the_same(tmp_path):
    loaded = pr.Policy.load(fitted().policy_path)

    assert files(loaded.solve(), tmp_path) == files(fitted().policy, tmp_path / "first")
    assert files(loaded.solve(pr.MaxCost(usd=0.002)), tmp_path) == files(fitted().policy, tmp_path / "first")


def test_there_and_back_again_gives_the_same_bytes(tmp_path):
    policy = fitted().policy

    there = policy.solve(pr.MinQuality(quality=0.8))
    back = there.solve(pr.MaxCost(usd=0.002))

    assert files(there, tmp_path / "there") != files(policy, tmp_path / "first")
    assert files(back, tmp_path / "back") == files(policy, tmp_path / "first")


def test_a_policy_in_memory_and_its_file_decide_alike(tmp_path):
    solved = fitted().policy.solve(pr.MinQuality(quality=0.8))
    solved.save(tmp_path / "solved.yaml")

    assert decided(pr.Policy.load(tmp_path / "solved.yaml")) == decided(solved)


def test_the_file_opens_with_its_schema_and_keeps_the_order_of_the_sections():
    lines = fitted().policy_path.read_text(encoding="utf-8").splitlines()
    keys = [line.split(":")[0] for line in lines if line and line[0] not in " #-"]

    assert next(line for line in lines if not line.startswith("#")) == "schema: 1"
    assert keys == (
        "schema name target solution expected grid features surface fitted_on versions trade_off coin_seed".split()
    )


def test_names_and_labels_stand_quoted_as_the_log_has_them():
    text = fitted().policy_path.read_text(encoding="utf-8")

    for words in ('model: "org/模型@v1"', 'label: "maj@5"', 'label: "8000"', 'label: "default"'):
        assert words in text


def test_no_query_and_no_path_is_in_the_files():
    yaml_bytes, numbers = files(fitted().policy, fitted().policy_path.parent)

    for secret in (b"theorem", b"apple", str(fitted().policy_path.parent).encode(), b"id-0000"):
        assert secret not in yaml_bytes
        assert secret not in numbers


def test_a_changed_side_file_is_refused(tmp_path):
    _, numbers = files(fitted().policy, tmp_path)
    side = side_of(tmp_path / "policy.yaml")
    side.write_bytes(numbers[:-1] + bytes([numbers[-1] ^ 1]))

    with pytest.raises(PolicyChecksumError, match=side.name):
        pr.Policy.load(tmp_path / "policy.yaml")


@pytest.mark.parametrize("usd", [0.0005, 0.001, 0.002, 0.004])
def test_more_money_is_spent_only_up_to_the_target_as_logged(usd):
    policy = fitted().policy.solve(pr.MaxCost(usd=usd))

    quality, cost = logged(policy)
    assert cost <= usd * (1 + 1e-9)
    assert cost == pytest.approx(policy.document.expected.cost_usd, rel=1e-9)
    assert quality >= policy.document.expected.quality_low


def test_quality_rises_with_money():
    qualities = [
        fitted().policy.solve(pr.MaxCost(usd=usd)).document.expected.quality for usd in (0.0005, 0.001, 0.002, 0.004)
    ]

    assert qualities == sorted(qualities)


def test_more_money_than_can_be_spent_is_slack():
    document = fitted().policy.solve(pr.MaxCost(usd=1.0)).document

    assert document.solution.status == "slack"
    assert document.solution.binds == ()
    assert document.expected.cost_usd < 0.1


def test_an_infeasible_target_gives_the_nearest_one_and_the_policy_that_meets_it():
    too_cheap = fitted().policy.solve(pr.MaxCost(usd=1e-7))
    too_good = fitted().policy.solve(pr.MinQuality(quality=0.999))

    for policy, kind in ((too_cheap, "max_cost"), (too_good, "min_quality")):
        solution = policy.document.solution
        assert solution.status == "infeasible"
        assert solution.nearest is not None
        assert solution.nearest.kind == kind
        assert policy.document.target.kind == kind
        assert pr.Planner(policy).plan(QUERIES[0]).status in ("infeasible", "unfamiliar")
    nearest = too_cheap.document.solution.nearest
    assert nearest is not None and nearest.kind == "max_cost"
    assert nearest.usd == pytest.approx(too_cheap.document.expected.cost_usd, rel=1e-6)
    again = fitted().policy.solve(pr.MaxCost(usd=nearest.usd))
    assert again.document.solution.status != "infeasible"


@pytest.mark.parametrize("ratio", [0.6, 0.9, 1.0])
def test_a_relative_target_is_taken_against_the_logged_quality_of_its_point(ratio):
    policy = fitted().policy.solve(pr.MinQuality(ratio=ratio, of="thinker@8000"))
    known = outcomes.logged_outcomes(policy.calibration_sample, policy.grid)
    floor = ratio * known.quality[:, policy.grid.index("thinker@8000")].mean()

    quality, _ = logged(policy)
    target = policy.document.target
    assert policy.document.solution.status == "met"
    assert quality >= floor - 1e-9
    assert target.kind == "min_quality_of"
    assert (target.of, target.ratio) == ("thinker@8000", ratio)


def test_a_point_given_by_column_is_written_down_by_name():
    target = fitted().policy.solve(pr.MinQuality(ratio=0.9, of=4)).document.target

    assert target.kind == "min_quality_of"
    assert target.of == "thinker@8000"


def test_an_unknown_point_names_the_near_ones():
    with pytest.raises(GridError) as caught:
        fitted().policy.solve(pr.MinQuality(ratio=0.9, of="thinker@800"))

    assert str(caught.value).startswith("point 'thinker@800' is not in the grid; near: 'thinker@8000', 'thinker@2000'")


def test_a_price_change_needs_no_fit_and_keeps_quality_and_tokens():
    policy = fitted().policy
    dear = {
        name: pr.Price(3 * price.input_usd_per_mtok, 3 * price.output_usd_per_mtok)
        for name, price in policy.grid.prices.items()
    }

    repriced = policy.solve(pr.MaxCost(usd=0.006), prices=dear)

    entries = zip(policy.document.grid, repriced.document.grid, strict=True)
    for before, after in entries:
        factor = 1 if before.cost == "logged" else 3
        for one, two in zip(before.points, after.points, strict=True):
            assert two.cost_usd == pytest.approx(factor * one.cost_usd, rel=1e-4)  # derived prices are rounded ones
            assert two.quality == one.quality
    assert repriced.document.expected.cost_usd <= 0.006 * (1 + 1e-9)
    assert np.array_equal(repriced.calibration_sample.amount, policy.calibration_sample.amount)


def test_prices_that_cannot_apply_are_refused_by_model():
    policy = fitted().policy
    price = pr.Price(1.0, 2.0)

    with pytest.raises(GridError, match="a price is given for 'smal', which is not in the grid; near: 'small'"):
        policy.solve(prices={"smal": price})
    with pytest.raises(GridError, match="model 'metered' cannot be repriced"):
        policy.solve(prices={"metered": price})


def test_the_shares_of_the_points_are_what_the_planner_does_on_its_own_traffic():
    policy = no_signal().policy
    shares = {f"{entry.model}@{point.label}": point.share for entry in policy.document.grid for point in entry.points}
    planner = pr.Planner(policy)
    points = [planner.plan(QUERIES[0], query_id=str(i)).point.name for i in range(3000)]

    assert sum(shares.values()) == pytest.approx(1.0)
    for name, share in shares.items():
        assert points.count(name) / 3000 == pytest.approx(share, abs=0.04)


def test_every_point_has_an_interval_around_its_quality_that_no_target_changes():
    policy = fitted().policy
    points, again = (
        [point for entry in one.document.grid for point in entry.points]
        for one in (policy, policy.solve(pr.MinQuality(quality=0.8)))
    )

    for point, other in zip(points, again, strict=True):
        assert 0 <= point.quality_low < point.quality < point.quality_high <= 1
        assert (other.quality_low, other.quality_high) == (point.quality_low, point.quality_high)
        # All 200 queries were logged as right or wrong.
        assert point.quality_high - point.quality_low == pytest.approx(
            2 * 1.645 * (point.quality * (1 - point.quality) / 200) ** 0.5, rel=0.05
        )


def findings_of(policy, kind):
    return [text for own, text in policy.document.fitted_on.findings_by_kind() if own == kind]


def test_a_signal_finding_states_how_much_the_query_explains_by_how_many_components():
    with_signal, without = (findings_of(made.policy, "signal")[0] for made in (fitted(), no_signal()))

    assert with_signal.startswith("quality: signal found: the query explains ")
    # Easy or hard is all that distinguishes the two kinds of query.
    assert with_signal.endswith("5 components of 5 kept, 1 of which carries 90% of what the forecasts vary by")
    assert without.startswith("quality: no signal found: the query explains ")
    assert without.endswith("no components kept")


def test_the_verdict_is_the_last_finding_and_states_on_how_many_queries_it_rests():
    pays, does_not = (findings_of(made.policy, "verdict") for made in (fitted(), no_signal()))

    assert pays[0].startswith("routing pays")
    assert pays[0].endswith("out of fold on 200 queries, 200 effective")
    assert fitted().policy.document.fitted_on.findings[-1] == pays[0]
    assert does_not[0].startswith("routing does not pay")


def edited(folder, old: str, new: str):
    """Copy a saved policy to a folder, edit it, and return its path."""
    fitted().policy.save(folder / "policy.yaml")
    text = (folder / "policy.yaml").read_text(encoding="utf-8")
    assert old in text
    (folder / "policy.yaml").write_text(text.replace(old, new, 1), encoding="utf-8")
    return folder / "policy.yaml"


@pytest.mark.parametrize(
    ("old", "new", "name"),
    [
        (
            "input: 1.0, cached_input: null, output: 4.0",
            "input: 1000, cached_input: null, output: 4000",
            "thinker@2000",
        ),
        (
            "input: 1.0, cached_input: null, output: 4.0",
            "input: 0.001, cached_input: null, output: 0.004",
            "thinker@2000",
        ),
        ("    cost: tokens", "    cost: logged", ""),
    ],
    ids=["per thousand tokens", "a thousandth", "numbers of the other kind"],
)
def test_prices_of_another_unit_and_numbers_of_another_kind_are_refused_with_what_to_do(tmp_path, old, new, name):
    with pytest.raises(PolicyError, match=rf"policy\.yaml: grid: a call of {name}.* costs .* and solve with --prices"):
        pr.Policy.load(edited(tmp_path, old, new))


def test_a_price_edited_by_less_is_read(tmp_path):
    path = edited(
        tmp_path, "input: 1.0, cached_input: null, output: 4.0", "input: 0.5, cached_input: null, output: 2.0"
    )

    assert pr.Policy.load(path).grid.prices["thinker"].output_usd_per_mtok == 2.0


def test_a_policy_whose_forecasts_are_far_from_a_mean_cost_of_few_runs_is_read(tmp_path):
    rows, chance = [], np.random.default_rng(0)
    for i in range(120):
        text = ("prove the theorem " if i % 2 else "say hello to ") + " ".join(chance.choice(list("abcdefgh"), 6))
        for model in ("small", "large") if i < 6 else ("small",):
            completion = int(50 * chance.lognormal(0.0, 0.5)) + 1
            if model == "large" and i == 3:  # one answer without an end carries the mean of six away
                completion *= 100_000
            about = {"query_id": f"q{i}", "query": text, "model": model, "quality": float(chance.random() < 0.6)}
            rows.append(about | {"prompt_tokens": 30, "completion_tokens": completion, "cost_usd": completion * 1e-6})

    made = pr.fit(pr.read_runs(pd.DataFrame(rows)), seed=0)
    made.save(tmp_path / "p.yaml")

    assert pr.Policy.load(tmp_path / "p.yaml").grid == made.grid


def test_a_policy_with_a_refund_above_the_calls_of_its_budget_is_read(tmp_path):
    rows, chance = [], np.random.default_rng(0)
    for i in range(40):
        for model, label, usd in (("small", "none", 1e-5), ("thinker", "low", 1e-4), ("thinker", "high", 1e-2)):
            cost = usd * chance.lognormal(0.0, 0.5)
            if i == 7 and label == "low":
                cost = -5e-3  # of a call at the other budget
            about = {"query_id": f"q{i}", "query": f"say {i}", "model": model, "quality": float(chance.random() < 0.6)}
            rows.append(about | {"budget_kind": "effort", "budget_label": label, "cost_usd": cost})

    made = pr.fit(pr.read_runs(pd.DataFrame(rows)), seed=0)
    made.save(tmp_path / "p.yaml")

    read_back = pr.Policy.load(tmp_path / "p.yaml").calibration_sample.logged_amount
    assert read_back.min() == np.float32(-5e-3)
