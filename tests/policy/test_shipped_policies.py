"""The policies in the repository load, plan, and are what the README beside them says."""

import json
import re
from pathlib import Path

import pytest

import paretoroute as pr
from paretoroute.policy.files import policy_schema

FOLDER = Path(__file__).parents[2] / "policies"
NUMBER = re.compile(r"\d+(?:\.\d+)?")
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


def leaves(tree, where=""):
    """Yield every value of nested mappings and lists with its place."""
    if isinstance(tree, dict | list):
        for key, value in tree.items() if isinstance(tree, dict) else enumerate(tree):
            yield from leaves(value, f"{where}.{key}")
    else:
        yield where, tree


def test_solving_one_for_the_target_of_the_other_gives_the_other():
    solved = pr.Policy.load(FOLDER / "demo-same-quality.yaml").solve(pr.MaxCost(usd=4e-6)).document
    shipped = pr.Policy.load(FOLDER / "demo-max-cost.yaml").document

    found, expected = (dict(leaves(document.model_dump(exclude={"surface"}))) for document in (solved, shipped))

    assert found.keys() == expected.keys()
    for place, value in expected.items():
        # Files hold six digits, and the last digits of a sum over the queries are the processor's.
        if isinstance(value, float):
            assert found[place] == pytest.approx(value, rel=2e-5, abs=1e-9), place
        elif isinstance(value, str):
            assert NUMBER.sub("#", found[place]) == NUMBER.sub("#", value), place
            numbers = [[float(number) for number in NUMBER.findall(text)] for text in (found[place], value)]
            assert numbers[0] == pytest.approx(numbers[1], rel=0.1), place  # sentences round to two digits
        else:
            assert found[place] == value, place


def test_the_schema_beside_them_is_current():
    assert json.loads((FOLDER / "policy.schema.json").read_text(encoding="utf-8")) == policy_schema()


def test_a_policy_is_shown_in_a_line():
    policy = pr.Policy.load(FOLDER / "demo-same-quality.yaml")

    assert repr(policy) == (
        "<Policy 'demo-same-quality': mean quality at least 1 of that of smollm2-135m@16, met; 13 points, "
        "fitted on 1,053 queries>"
    )
