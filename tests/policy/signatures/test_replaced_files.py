"""Files that are replaced while they are read, and links: the bytes that were verified are those that are used."""

import itertools
import os
import shutil
import sys

import pytest

import paretoroute as pr
from paretoroute import _yaml
from paretoroute.policy.files import read_policy
from paretoroute.policy.signatures import signature_file
from paretoroute.policy.signatures.verify import signature_check
from tests.policy.documents import side_of
from tests.policy.files.test_replace import save
from tests.policy.signatures.key_files import copy_signed, read, refusal, signature_of

posix = pytest.mark.skipif(sys.platform == "win32", reason="links are those of POSIX")


def test_the_bytes_that_were_verified_are_those_that_are_used(policy, ops, tmp_path):
    """Whoever replaces the file after it was verified changes nothing."""
    pr.sign_policy(policy, key=ops.private)
    content = policy.read_bytes()
    check = signature_check([ops.public])

    def check_then_replace(read):
        check(read)
        policy.write_bytes(content.replace(b"reasoning traffic", b"an attack"))

    files = read_policy(policy, check=check_then_replace)

    assert policy.read_bytes() != content
    assert files.document.name == "reasoning traffic"
    assert files.sha256 == signature_file.sha256_of(content)


def test_the_yaml_is_read_once(policy, ops, monkeypatch):
    pr.sign_policy(policy, key=ops.private)
    reads, read_bytes = [], _yaml.read_bytes
    monkeypatch.setattr(_yaml, "read_bytes", lambda path, **more: reads.append(path) or read_bytes(path, **more))

    read(policy, ops.public)

    assert len(reads) == 1


def test_a_side_file_that_is_replaced_after_the_check_is_refused(policy, ops):
    pr.sign_policy(policy, key=ops.private)
    check, side = signature_check([ops.public]), side_of(policy)

    def check_then_replace(read):
        check(read)
        side.write_bytes(side.read_bytes()[:-1] + b"x")

    with pytest.raises(pr.PolicyChecksumError, match="was changed"):
        read_policy(policy, check=check_then_replace)


def test_a_policy_and_signature_that_are_replaced_between_the_two_reads_are_read_again(
    policy, ops, tmp_path, monkeypatch
):
    pr.sign_policy(policy, key=ops.private)
    new = copy_signed(policy, tmp_path / "new")
    save(new)
    pr.sign_policy(new, key=ops.private)
    read_small, turns = signature_file.read_small_file, itertools.count()

    def read_after_a_deployment(path, **more):
        if next(turns) == 0:
            copy_signed(new, policy.parent)
        return read_small(path, **more)

    monkeypatch.setattr(signature_file, "read_small_file", read_after_a_deployment)

    assert read(policy, ops.public).document.name == "new"
    assert next(turns) == 2


@posix
def test_the_signature_lies_beside_the_file_that_a_link_points_to(policy, ops, tmp_path):
    link = tmp_path / "deployed" / "current.yaml"
    link.parent.mkdir()
    link.symlink_to(policy)
    assert "current.yaml: is not signed: policy.yaml.sig is missing beside policy.yaml" in refusal(link, ops.public)

    pr.sign_policy(link, key=ops.private)

    assert signature_of(policy).exists() and os.listdir(link.parent) == ["current.yaml"]
    read(link, ops.public)
    shutil.copy(signature_of(policy), link.parent / "current.yaml.sig")
    signature_of(policy).unlink()
    assert "is not signed" in refusal(link, ops.public)  # who writes beside the link does not vouch for the file


@posix
def test_a_link_that_is_pointed_to_an_unsigned_release_is_refused_and_back_again_is_read(policy, ops, tmp_path):
    releases = [copy_signed(policy, tmp_path / name) for name in ("one", "two")]
    pr.sign_policy(releases[0], key=ops.private)
    link = tmp_path / "current"
    link.symlink_to(tmp_path / "one")
    read(link / "policy.yaml", ops.public)

    link.unlink()
    link.symlink_to(tmp_path / "two")
    assert "is not signed" in refusal(link / "policy.yaml", ops.public)
    link.unlink()
    link.symlink_to(tmp_path / "one")
    read(link / "policy.yaml", ops.public)
