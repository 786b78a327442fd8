"""The JSON schema of a policy file."""

import json
import re

import pytest

import paretoroute as pr
from paretoroute.errors import PolicyError
from paretoroute.grid import BUDGET_KINDS
from paretoroute.policy.files import policy_schema
from paretoroute.policy.schema import PointEntry
from tests.planner_cases import fitted
from tests.policy.documents import DOCUMENT
from tests.processes import ROOT

SCHEMA_FILE = ROOT / "paretoroute" / "data" / "policy.schema.json"


def test_the_committed_json_schema_is_current():
    assert json.loads(SCHEMA_FILE.read_text(encoding="utf-8")) == policy_schema(), "write it again: paretoroute schema"


def test_every_key_of_the_document_is_in_the_json_schema():
    schema = policy_schema()

    assert list(DOCUMENT) == list(schema["properties"])
    assert all(not section.get("additionalProperties", True) for section in [schema, *schema["$defs"].values()])


def test_the_json_schema_names_the_known_budget_kinds_and_takes_any_other_of_64_characters():
    kind = policy_schema()["$defs"]["PointEntry"]["properties"]["kind"]

    assert all(known in kind["description"] for known in BUDGET_KINDS)
    assert "enum" not in kind and kind["maxLength"] == 64
    assert "kind" in PointEntry.model_fields


def test_a_grid_in_another_order_than_its_numbers_is_refused(tmp_path):
    path = tmp_path / "p.yaml"
    fitted().policy.save(path)
    text = path.read_text(encoding="utf-8")
    start, end = text.index("grid:\n") + len("grid:\n"), text.index("\n# How a query becomes")
    first, *others = re.split(r"(?m)^(?=  - model)", text[start:end])[1:]
    path.write_text(text[:start] + "".join([*others, first]).rstrip() + "\n" + text[end:], encoding="utf-8")

    with pytest.raises(PolicyError, match=r"is point \d of the grid, and point \d of surface.points"):
        pr.Planner.load(path)


def test_points_may_be_renamed_and_older_policies_have_no_order(tmp_path):
    path = tmp_path / "p.yaml"
    fitted().policy.save(path)
    text = path.read_text(encoding="utf-8")

    path.write_text(text.replace('model: "small"', 'model: "small-2"'), encoding="utf-8")
    assert "small-2" in pr.Policy.load(path).grid.models
    path.write_text(re.sub(r"(?m)^  points: .*\n(  +- .*\n)*(?=  settings)", "", text), encoding="utf-8")
    assert pr.Policy.load(path).document.surface.points == ()
