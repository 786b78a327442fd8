"""The variable that names trusted keys: no mistake in it switches verification off."""

import os
from pathlib import Path

import pytest

from paretoroute.errors import KeyFileError
from paretoroute.policy.signatures.environment import VARIABLE, key_paths_in


def test_paths_are_separated_as_in_path():
    assert key_paths_in({VARIABLE: f"a.pem{os.pathsep} b c.pem"}) == [Path("a.pem"), Path("b c.pem")]
    assert key_paths_in({"PATH": "/bin", "PARETOROUTE_TOKEN": "x", "PARETOROUTE_DESIGN": "y"}) is None


@pytest.mark.parametrize(
    "name", ["PARETOROUTE_TRUTSED_KEYS", "PARETOROUTE_TUSTED_KEYS", "PARETOROUTE_TURSTED_KEY", VARIABLE.lower()]
)
def test_a_misspelt_variable_does_not_switch_verification_off(name):
    with pytest.raises(KeyFileError, match=f"'{name}' is unknown; write {VARIABLE}$"):
        key_paths_in({name: "ops.pub.pem"})


def test_other_variables_of_ours_are_not_taken_for_it():
    others = ("TOKEN", "KEY_PASSPHRASE", "SAFE_POINT", "POLICY", "EXPLORE", "DIALECT", "GOLDEN", "TRACED_CALLS")

    assert key_paths_in({f"PARETOROUTE_{name}": "x" for name in others}) is None


@pytest.mark.parametrize("empty", ["", " ", os.pathsep, f"a.pem{os.pathsep}"])
def test_an_empty_path_is_refused(empty):
    with pytest.raises(KeyFileError, match=f"^{VARIABLE} holds an empty path; set it to files of public keys"):
        key_paths_in({VARIABLE: empty})


@pytest.mark.parametrize("name", ["TRUSTED_KEY", "TRUSTED", "TRUST_KEYS", "PUBLIC_KEY", "SIGNED_BY", "POLICY_SIGNER"])
def test_a_variable_that_nearly_has_the_name_is_refused(name):
    with pytest.raises(KeyFileError, match=f"'PARETOROUTE_{name}' is unknown; write {VARIABLE}$"):
        key_paths_in({f"PARETOROUTE_{name}": "ops.pub.pem"})
