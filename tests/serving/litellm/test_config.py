"""A configuration of LiteLLM's proxy with an alias for each point reads back as the points."""

import pytest
import yaml

import paretoroute as pr
from paretoroute.errors import GridError
from paretoroute.planner.dialects import request_kwargs
from paretoroute.serving.litellm.config import config_text
from tests.planner_cases import fitted, write_rows

DEPLOYMENTS = {"small": "openai/small", "thinker": "anthropic/thinker", "metered": "openai/metered"}


@pytest.fixture(scope="module")
def planner():
    return pr.Planner(fitted().policy, dialect="litellm")


@pytest.fixture(scope="module")
def text(planner):
    return config_text(planner, deployments=DEPLOYMENTS)


def test_every_point_has_an_alias_with_its_own_arguments(planner, text):
    entries = yaml.safe_load(text)["model_list"]  # as LiteLLM reads it

    points = planner.policy.grid.points
    assert [entry["model_name"] for entry in entries] == [point.name for point in points]
    for entry, point in zip(entries, points, strict=True):
        params = entry["litellm_params"]
        model = params.pop("model")
        samples = int(point.budget.amount or 1) if point.budget.kind == "samples" else 1
        cap = params.get("max_tokens")
        written = request_kwargs("litellm", point, output_cap_tokens=cap and cap * samples)
        assert model == DEPLOYMENTS.get(point.model, point.model)
        assert {**params, "model": point.model} == written


def test_the_output_cap_leaves_room_for_the_longest_completion_logged(planner, text):
    entries = {entry["model_name"]: entry["litellm_params"] for entry in yaml.safe_load(text)["model_list"]}
    bounds = planner.policy.surface.bounds.most_completion_tokens

    for j, point in enumerate(planner.policy.grid.points):
        if bounds[j] > 0 and point.budget.kind != "samples":
            assert entries[point.name]["max_tokens"] >= bounds[j]


def test_fallbacks_are_aliases_of_other_models(text):
    fallbacks = dict(item for entry in yaml.safe_load(text)["router_settings"]["fallbacks"] for item in entry.items())

    assert set(fallbacks) == set(fitted().policy.grid.names)
    for name, others in fallbacks.items():
        assert 1 <= len(others) <= 3
        assert all(other.split("@")[0] != name.split("@")[0] for other in others)


def test_the_text_is_the_same_each_time_and_names_the_policy(planner, text):
    assert config_text(planner, deployments=DEPLOYMENTS) == text
    assert fitted().policy.sha256[:12] in text.splitlines()[0]


def test_a_point_that_the_policy_excludes_has_no_alias():
    policy = pr.fit(fitted().runs, pr.MaxCost(usd=0.002), limits=[pr.Forbid(("metered",))])

    deployments = {name: DEPLOYMENTS[name] for name in ("small", "thinker")}
    named = yaml.safe_load(config_text(pr.Planner(policy, dialect="litellm"), deployments=deployments))

    assert len(named["model_list"]) == len(policy.grid.points) - 1
    assert "metered" not in yaml.safe_dump(named)


def test_a_model_whose_provider_is_unknown_is_named(planner):
    with pytest.raises(GridError, match="provider of 'metered', 'small', 'thinker' is not known.*--deployment"):
        config_text(planner)
    with pytest.raises(GridError, match="no model 'smal' to deploy; near: 'small'"):
        config_text(planner, deployments={"smal": "openai/small"})


def planner_of(folder, *points: tuple[str, str, str]) -> pr.Planner:
    """Fit on twenty queries at points of (model, kind, label)."""
    rows = [
        {
            "query": f"text {i}",
            "model": model,
            "budget_kind": kind,
            "budget_label": label,
            "quality": 1,
            "cost_usd": 0.1,
        }
        for i in range(20)
        for model, kind, label in points
    ]
    path = write_rows(folder / "runs.jsonl", rows)
    return pr.Planner(pr.fit(pr.read_runs(path), pr.MaxCost(usd=1)), dialect="litellm")


@pytest.mark.parametrize(("model", "reading"), [("azure/a,b", "a list of models"), ("azure/*", "a pattern")])
def test_a_name_that_litellm_reads_as_something_else_is_refused(tmp_path, model, reading):
    with pytest.raises(GridError, match=f"LiteLLM reads .* as {reading}"):
        config_text(planner_of(tmp_path, (model, "none", "default"), ("gpt-4.1-mini", "none", "default")))


def test_models_of_known_providers_and_names_with_a_provider_need_no_deployment(tmp_path):
    names = ("gpt-5-mini", "claude-opus-4-6", "gemini-2.5-flash", "azure/own")

    text = config_text(planner_of(tmp_path, *((name, "none", "default") for name in names)))

    expected = {"openai/gpt-5-mini", "anthropic/claude-opus-4-6", "gemini/gemini-2.5-flash", "azure/own"}
    assert {entry["litellm_params"]["model"] for entry in yaml.safe_load(text)["model_list"]} == expected


def test_a_policy_of_one_model_has_no_fallbacks(tmp_path):
    text = config_text(planner_of(tmp_path, ("gpt-5", "effort", "low"), ("gpt-5", "effort", "high")))

    assert list(yaml.safe_load(text)) == ["model_list"]
