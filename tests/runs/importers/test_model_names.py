"""Names of models: providers, regions and versions go, and what tells two models apart stays."""

import pytest

from paretoroute.runs.importers.model_names import normalised


@pytest.mark.parametrize(
    "logged, name",
    [
        ("azure/eu/gpt-4o-2024-08-06", "gpt-4o"),
        ("azure/global-standard/gpt-4o", "gpt-4o"),
        ("bedrock/us-east-1/anthropic.claude-opus-4-6-v1:0", "claude-opus-4-6"),
        (
            "arn:aws:bedrock:us-east-1:123:inference-profile/us.anthropic.claude-3-5-sonnet-20241022-v2:0",
            "claude-3-5-sonnet",
        ),
        ("vertex_ai/gemini-2.5-flash@us-central1", "gemini-2.5-flash"),
        ("gemini-2.5-pro@default", "gemini-2.5-pro"),
        ("claude-sonnet-4@20250514", "claude-sonnet-4"),
        ("anthropic.claude-v2:1", "claude-v2:1"),  # version 1 and version 2 are two models
        ("openrouter/meta-llama/llama-3.1-8b-instruct:free", "meta-llama/llama-3.1-8b-instruct:free"),
        ("eu/some-model", "eu/some-model"),  # no provider stands before it
        ("me@home", "me@home"),
    ],
)
def test_a_name_keeps_what_is_the_model(logged, name):
    assert normalised([logged]) == {logged: name}


def test_two_versions_of_one_name_are_two_models():
    names = ["amazon.nova-pro-v1:0", "us.amazon.nova-pro-v2:0", "amazon.nova-lite-v1:0"]

    assert list(normalised(names).values()) == ["nova-pro-v1:0", "nova-pro-v2:0", "nova-lite"]
