"""A policy that is fitted with an encoder plans with the same one, and says how to name it where it is missing."""

import json

import pytest

import paretoroute as pr
from tests.encoders.tiny_model import write_model
from tests.planner_cases import command, make_rows, write_rows

pytest.importorskip("onnxruntime")
pytest.importorskip("tokenizers")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_model(tmp_path_factory.mktemp("models") / "encoder")


@pytest.fixture(scope="module")
def policy(folder):
    rows = make_rows(60, seed=3)
    for row in rows:
        row["query"] = f"{row['query']} {'a rose' if row['query_id'][-1] in '13579' else 'is red'}"
    log = write_rows(folder.parent / "log.jsonl", rows)
    out = folder.parent / "policy.yaml"
    assert command("fit", log, "--out", out, "--max-cost", "0.001", "--encoder", folder).code == 0
    return out


def test_the_policy_names_the_encoder(policy, folder):
    second = pr.Policy.load(policy).document.features.second

    assert (second.kind, second.name) == ("encoder", pr.OnnxEncoder(folder).name)


def test_a_plan_reads_the_encoder(policy, folder):
    planned = command("plan", policy, "a rose is red", "--query-id", "a", "--encoder", folder, "--format", "json")

    expected = pr.Planner.load(policy, encoder=pr.OnnxEncoder(folder)).plan("a rose is red", query_id="a")
    assert json.loads(planned.out)["expected_quality"] == expected.to_json()["expected_quality"]


@pytest.mark.parametrize(("arguments", "word"), [([], "encoder="), (["--encoder", "missing"], "model.onnx")])
def test_a_plan_without_the_encoder_is_refused(policy, arguments, word):
    refused = command("plan", policy, "a rose is red", *arguments)

    assert refused.code == 2
    assert word in refused.err
