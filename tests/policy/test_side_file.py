"""A side file that is missing, changed, too large or damaged is refused."""

import hashlib
import json
import os
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy

from paretoroute import _yaml
from paretoroute.errors import PolicyChecksumError, PolicyError
from paretoroute.policy.files import read_policy
from paretoroute.policy.files.write import write_policy
from paretoroute.policy.schema import PolicyDocument
from tests.policy.documents import ARRAYS, DOCUMENT, refusal, replace_in, side_of


def sign(path: Path) -> None:
    """Put the side file's present checksum into the YAML, as someone who changes both would."""
    document = _yaml.read(path)
    sha256 = hashlib.sha256((path.parent / document["surface"]["file"]).read_bytes()).hexdigest()
    replace_in(path, document["surface"]["sha256"], sha256)


def test_a_missing_side_file_is_named(policy):
    side = side_of(policy)
    side.unlink()

    message = refusal(policy, PolicyChecksumError)

    assert f"policy.yaml: {side.name} is missing; copy it beside policy.yaml" == message


def test_one_flipped_bit_in_the_side_file_is_noticed(policy):
    side = side_of(policy)
    content = bytearray(side.read_bytes())
    content[-1] ^= 1
    side.write_bytes(content)

    message = refusal(policy, PolicyChecksumError)

    assert ".safetensors was changed after the policy was written; fit or copy both files again" in message


def test_a_side_file_of_another_policy_is_noticed(policy, tmp_path):
    write_policy(tmp_path / "other.yaml", PolicyDocument.model_validate(DOCUMENT), {"weights": np.ones(3)})
    side_of(tmp_path / "other.yaml").replace(side_of(policy))

    assert "was changed" in refusal(policy, PolicyChecksumError)


def test_a_side_file_that_is_a_link_or_a_folder_is_refused(policy):
    side = side_of(policy)
    side.rename(policy.parent / "real.safetensors")
    side.symlink_to(policy.parent / "real.safetensors")
    assert ".safetensors is a link or no plain file" in refusal(policy, PolicyChecksumError)

    side.unlink()
    side.mkdir()
    assert ".safetensors is a link or no plain file" in refusal(policy, PolicyChecksumError)


def test_a_linked_policy_finds_its_side_file_beside_the_real_one(policy, tmp_path):
    (tmp_path / "deployed").mkdir()
    link = tmp_path / "deployed" / "current.yaml"
    link.symlink_to(policy)

    assert read_policy(policy)[0] == read_policy(link)[0]


def test_a_side_file_that_is_too_large_is_refused_unread(policy):
    os.truncate(side_of(policy), 2**36)  # sparse: it takes no room on the disk

    assert ".safetensors is larger than 1 GiB" in refusal(policy, PolicyChecksumError)


@pytest.mark.parametrize("size", [0, 4, 8, 60, -1])
def test_a_truncated_side_file_with_a_matching_checksum_is_damaged(policy, size):
    side = side_of(policy)
    side.write_bytes(side.read_bytes()[:size])
    sign(policy)

    assert ".safetensors: is damaged: " in refusal(policy, PolicyError)


def test_a_side_file_that_claims_a_huge_array_is_damaged(policy):
    header = json.dumps({"a": {"dtype": "F64", "shape": [2**40], "data_offsets": [0, 2**43]}}).encode()
    side_of(policy).write_bytes(len(header).to_bytes(8, "little") + header)
    sign(policy)

    assert ".safetensors: is damaged: " in refusal(policy, PolicyError)


def test_an_array_of_a_type_that_is_never_written_is_refused(policy):
    header = json.dumps({"a": {"dtype": "BF16", "shape": [1], "data_offsets": [0, 2]}}).encode()
    side_of(policy).write_bytes(len(header).to_bytes(8, "little") + header + b"\0\0")
    sign(policy)

    assert ".safetensors: array a has type BF16" in refusal(policy, PolicyError)


def test_the_side_file_is_readable_by_safetensors_itself(policy):
    arrays = safetensors.numpy.load_file(side_of(policy))

    np.testing.assert_array_equal(ARRAYS["weights"], arrays["weights"])


@pytest.mark.parametrize("name", ["policy.0123456789ab.safetensors", "policy.safetensors"])
def test_a_side_file_in_place_of_the_policy_names_the_yaml_file(policy, name):
    side = side_of(policy).rename(policy.parent / name)

    assert refusal(side, PolicyError) == f"{name}: holds the numbers of a policy; name its YAML file, policy.yaml"
