"""Settings of the hook from the environment."""

import os
from pathlib import Path

import pytest

from paretoroute.errors import KeyFileError, PolicyError, SignatureError, TargetError
from paretoroute.policy.signatures.sign import sign_policy
from paretoroute.serving.litellm.rewriting import load
from paretoroute.serving.litellm.settings import Settings
from tests.policy.signatures.key_files import key_pair
from tests.serving.cases import policy_in


def test_all_settings_are_read():
    environment = {
        "PARETOROUTE_POLICY": "policy.yaml",
        "PARETOROUTE_MODEL": "auto",
        "PARETOROUTE_SAFE_POINT": "gpt-5@low",
        "PARETOROUTE_EXPLORE": "0.05",
        "PARETOROUTE_LOG": "calls.jsonl",
        "PARETOROUTE_VOTES": "callers",
        "PARETOROUTE_TRUSTED_KEYS": f"ops.pub.pem{os.pathsep}/etc/keys/new.pem",
        "PATH": "/bin",
    }

    expected = Settings(
        policy=Path("policy.yaml"),
        model="auto",
        safe_point="gpt-5@low",
        explore=0.05,
        log=Path("calls.jsonl"),
        callers_vote=True,
        trusted_keys=(Path("ops.pub.pem"), Path("/etc/keys/new.pem")),
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
        ({"PARETOROUTE_POLICY": "p", "PARETOROUTE_SWITCH_MARGIN": "2"}, TargetError, "SWITCH_MARGIN must be a quality"),
        ({"PARETOROUTE_POLICY": "p", "PARETOROUTE_CACHED_PRICE_RATIO": "10%"}, TargetError, "CACHED_PRICE_RATIO must"),
        ({"PARETOROUTE_POLICY": "p", "PARETOROUTE_VOTES": "yes"}, TargetError, "PARETOROUTE_VOTES must be callers"),
        ({"PARETOROUTE_POLICY": "p", "PARETOROUTE_TRUSTED_KEYS": ""}, KeyFileError, "holds an empty path"),
        ({"PARETOROUTE_POLICY": "p", "PARETOROUTE_TRUSTED_KEYS": " "}, KeyFileError, "holds an empty path"),
        ({"PARETOROUTE_POLICY": "p", "PARETOROUTE_TRUSTED_KEY": "k"}, PolicyError, "write PARETOROUTE_TRUSTED_KEYS"),
        ({"PARETOROUTE_POLICY": "p", "PARETOROUTE_SIGNED_BY": "k"}, KeyFileError, "write PARETOROUTE_TRUSTED_KEYS"),
    ],
)
def test_settings_that_would_be_ignored_or_misread_are_refused(environment, error, message):
    with pytest.raises(error, match=message):
        Settings.from_environment(environment)


def test_variables_of_other_parts_pass():
    Settings.from_environment({"PARETOROUTE_POLICY": "p", "PARETOROUTE_TOKEN": "x", "PARETOROUTE_KEY_PASSPHRASE": "y"})


def test_the_hook_requires_the_signature_of_a_trusted_key(tmp_path):
    policy, ops, other = policy_in(tmp_path), key_pair(tmp_path), key_pair(tmp_path, "other")
    environment = {"PARETOROUTE_POLICY": str(policy), "PARETOROUTE_VOTES": "callers"}
    signed = environment | {"PARETOROUTE_TRUSTED_KEYS": str(ops.public)}
    load(Settings.from_environment(environment))
    with pytest.raises(SignatureError, match="policy.yaml: is not signed"):
        load(Settings.from_environment(signed))

    sign_policy(policy, key=other.private)
    with pytest.raises(SignatureError, match="file of signatures names"):
        load(Settings.from_environment(signed))
    sign_policy(policy, key=ops.private)
    load(Settings.from_environment(signed))
    with pytest.raises(KeyFileError, match="missing.pem: cannot be read"):
        load(Settings.from_environment(signed | {"PARETOROUTE_TRUSTED_KEYS": str(tmp_path / "missing.pem")}))
