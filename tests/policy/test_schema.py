"""The JSON schema of a policy file."""

import json

from paretoroute.grid import BUDGET_KINDS
from paretoroute.policy.files import policy_schema
from paretoroute.policy.schema import PointEntry
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
