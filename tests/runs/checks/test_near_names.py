"""Names that differ only in form are named in a finding; versions and families are not."""

from __future__ import annotations

import pytest

from paretoroute.grid import Budget, Point
from paretoroute.runs.checks.near_names import near_names
from tests.runs.logs import GOOD, read_rows


def models(*names):
    return [finding.text for finding in near_names([Point(name, Budget()) for name in names])]


def labels(*budgets):
    return [finding.text for finding in near_names([Point("m", Budget(*budget)) for budget in budgets])]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("gpt-4o", "GPT-4o"),
        ("gpt-4o", "gpt-4o "),
        ("gpt-4o", "ｇｐｔ-4o"),
        ("caf\u00e9", "cafe\u0301"),
        ("gpt-4o", "openai/gpt-4o"),
        ("azure/gpt-4o", "openai/GPT-4o"),
        ("gpt-4o", "openrouter/openai/gpt-4o"),
        ("gpt-4o", "openai:gpt-4o"),
        ("gpt-4o", "our-proxy/gpt-4o"),
        ("claude-3-haiku-20240307", "us.anthropic.claude-3-haiku-20240307-v1:0"),
        ("anthropic.claude-3-haiku-20240307-v1:0", "bedrock/eu.anthropic.claude-3-haiku-20240307-v1:0"),
    ],
)
def test_models_that_differ_only_in_form_or_provider_are_both_named(one, other):
    [text] = models(one, other, "small", "other")

    assert text.startswith("models that differ only in form or in the prefix of a provider are kept apart: ")
    shown = ascii if "caf" in one else repr
    assert shown(one) in text and shown(other) in text and "'small'" not in text


@pytest.mark.parametrize(
    "names",
    [
        ("gpt-4o", "gpt-4o-mini", "gpt-4o-2024-08-06", "gpt-4o-2024-05-13"),
        ("claude-3-haiku-20240307", "claude-3-5-haiku-20241022", "claude-3-opus"),
        ("llama/8b", "qwen/8b", "llama/70b"),
        ("meta-llama/Llama-3-8B", "NousResearch/Llama-3-8B"),
        ("llama3:8b", "llama3:70b"),
        ("o1", "o1-mini", "openai/o3"),
    ],
)
def test_versions_sizes_and_families_are_not_flagged(names):
    assert models(*names) == []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("strategy", "cot"), ("strategy", "CoT")),
        (("strategy", "cot"), ("strategy", " cot")),
        (("strategy", "caf\u00e9"), ("strategy", "cafe\u0301")),
        (("samples", "maj@5"), ("samples", "Maj@5")),
    ],
)
def test_labels_that_differ_only_in_form_are_both_named(one, other):
    [text] = labels(one, other, ("strategy", "debate"))

    shown = ascii if "caf" in one[1] else repr
    assert text.startswith("points that differ only in form of their labels or kinds are kept apart: ")
    assert shown(f"m@{one[1]}") in text and shown(f"m@{other[1]}") in text


def test_kinds_that_differ_only_in_form_are_named_with_their_points():
    [text] = labels(("strategy", "cot"), ("Strategy", "cot"))

    assert "'m@cot of kind Strategy' and 'm@cot of kind strategy'" in text


def test_a_known_kind_or_effort_in_another_form_is_named():
    assert labels(("Thinking-Tokens", "8000", 8000.0)) == [
        "budget kind 'Thinking-Tokens' is a kind of its own, not 'thinking_tokens'; "
        "write thinking_tokens if that is meant"
    ]
    assert labels(("none", "High")) == ["label 'High' is not read as the effort 'high'; write high if that is meant"]
    assert labels(("effort", "high"), ("effort", "low"), ("none", "fast"), ("strategy", "High")) == []


def test_only_labels_of_one_model_are_compared_and_equal_labels_of_two_kinds_are_not():
    points = [Point("a", Budget("strategy", "cot")), Point("b", Budget("strategy", "CoT"))]

    assert near_names(points) == []
    assert labels(("thinking_tokens", "off", 0.0), ("effort", "off")) == []


def test_names_that_differ_only_in_form_stay_apart_in_the_runs(tmp_path):
    runs = read_rows(tmp_path, GOOD | {"model": "gpt-4o"}, GOOD | {"model": "openai/gpt-4o"})

    assert [point.model for point in runs.points] == ["gpt-4o", "openai/gpt-4o"]
    assert "'gpt-4o' and 'openai/gpt-4o'" in runs.notices[0].text


def test_many_groups_are_counted_and_the_first_are_shown():
    [text] = models(*(f"{prefix}m{i}" for i in range(9) for prefix in ("", "openai/")))

    assert text.count(" and 'openai/") == 5 and "; and 4 more; " in text


@pytest.mark.parametrize(
    "spelled", [("16k", "16384"), ("16k", "16000"), ("16,384", "16384"), ("16_384", "16384.0"), ("16K tokens", "16k")]
)
def test_labels_that_may_spell_one_number_are_both_named(spelled):
    one, other = spelled

    (text,) = labels(("thinking_tokens", one), ("thinking_tokens", other), ("thinking_tokens", "1024"))

    assert text.startswith("points whose labels may spell one number are kept apart: ")
    assert repr(f"m@{one}") in text
    assert repr(f"m@{other}") in text
    assert "1024" not in text


@pytest.mark.parametrize("spelled", [("16k", "8192"), ("2.5", "25"), ("1,6", "16"), ("low", "high"), ("v1", "1")])
def test_labels_of_other_numbers_are_not(spelled):
    assert labels(*(("thinking_tokens", label) for label in spelled)) == []
    assert labels(("thinking_tokens", "8"), ("samples", "8.0")) == []
