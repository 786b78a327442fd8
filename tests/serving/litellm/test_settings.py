"""Settings of the hook from the environment."""

from pathlib import Path

import pytest

from paretoroute.errors import PolicyError, TargetError
from paretoroute.serving.litellm.settings import Settings


def test_all_settings_are_read():
    environment = {
        "PARETOROUTE_POLICY": "policy.yaml",
        "PARETOROUTE_MODEL": "auto",
        "PARETOROUTE_SAFE_POINT": "gpt-5@low",
        "PARETOROUTE_EXPLORE": "0.05",
        "PARETOROUTE_LOG": "calls.jsonl",
        "PARETOROUTE_VOTES": "callers",
        "PATH": "/bin",
    }

    expected = Settings(
        policy=Path("policy.yaml"),
        model="auto",
        safe_point="gpt-5@low",
        explore=0.05,
        log=Path("calls.jsonl"),
        callers_vote=True,
    )
    assert Settings.from_environment(environment) == expected


def test_all_but_the_policy_has_a_default():
    read = Settings.from_environment({"PARETOROUTE_POLICY": "p.yaml", "PARETOROUTE_EXPLORE": " "})

    assert read == Settings(policy=Path("p.yaml"), model="paretoroute")


@pytest.mark.parametrize(
    ("environment", "error", "message"),
    [
        ({}, PolicyError, "PARETOROUTE_POLICY is not set"),
        ({"PARETOROUTE_POLICY": "p", "PARETOROUTE_EXPLROE": "0.1"}, PolicyError, "write PARETOROUTE_EXPLORE"),
        ({"PARETOROUTE_POLICY": "p", "PARETOROUTE_EXPLORE": "5%"}, TargetError, "share of the calls.*got '5%'"),
        ({"PARETOROUTE_POLICY": "p", "PARETOROUTE_EXPLORE": "5"}, TargetError, "share of the calls.*got '5'"),
        ({"PARETOROUTE_POLICY": "p", "PARETOROUTE_EXPLORE": "nan"}, TargetError, "share of the calls"),
        ({"PARETOROUTE_POLICY": "p", "PARETOROUTE_VOTES": "yes"}, TargetError, "PARETOROUTE_VOTES must be callers"),
    ],
)
def test_settings_that_would_be_ignored_or_misread_are_refused(environment, error, message):
    with pytest.raises(error, match=message):
        Settings.from_environment(environment)


def test_variables_of_other_parts_pass():
    Settings.from_environment({"PARETOROUTE_POLICY": "p", "PARETOROUTE_TOKEN": "x"})
