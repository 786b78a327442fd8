"""The policies in the repository load, plan, and are what the README beside them says."""

import json
from pathlib import Path

import pytest

import paretoroute as pr
from paretoroute.policy.files import policy_schema

FOLDER = Path(__file__).parents[2] / "policies"
NAMES = ("demo-same-quality", "demo-max-cost")


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_policy_loads_and_plans(name):
    planner = pr.Planner.load(FOLDER / f"{name}.yaml")

    decision = planner.plan("What is 8 times 7?", query_id="a")

    assert decision.point in planner.policy.grid.points
    assert decision.status in ("met", "slack")


@pytest.mark.parametrize("name", NAMES)
def test_a_shipped_policy_is_of_the_log_that_ships(name):
    document = pr.Policy.load(FOLDER / f"{name}.yaml").document

    assert document.fitted_on.runs_sha256 == pr.demo_runs().sha256


def test_solving_one_for_the_target_of_the_other_gives_the_other(tmp_path):
    pr.Policy.load(FOLDER / "demo-same-quality.yaml").solve(pr.MaxCost(usd=4e-6)).save(tmp_path / "demo-max-cost.yaml")

    found, shipped = ((folder / "demo-max-cost.yaml").read_text() for folder in (tmp_path, FOLDER))

    assert found.replace("demo-same-quality", "") == shipped.replace("demo-same-quality", "")


def test_the_schema_beside_them_is_current():
    assert json.loads((FOLDER / "policy.schema.json").read_text()) == policy_schema()
