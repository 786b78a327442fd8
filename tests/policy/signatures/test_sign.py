"""Signing: what is refused, what is kept, and what another process does meanwhile."""

import os
import sys

import pytest

import paretoroute as pr
from paretoroute.policy.signatures import sign
from paretoroute.policy.signatures.signature_file import MAX_SIGNATURES, parse_signatures
from tests.policy.documents import replace_in, side_of
from tests.policy.files.test_replace import save
from tests.policy.signatures.key_files import key_pair, signature_of


def signers(policy) -> set[str]:
    return set(parse_signatures(signature_of(policy).read_bytes(), "").by_key)


def test_signatures_of_the_same_bytes_are_kept_and_those_of_others_dropped(policy, ops):
    other = key_pair(ops.public.parent, "other")
    pr.sign_policy(policy, key=ops.private)
    pr.sign_policy(policy, key=str(other.private))
    assert signers(policy) == {ops.key.id, other.key.id}

    save(policy)
    pr.sign_policy(policy, key=other.private)

    assert signers(policy) == {other.key.id}


def test_a_file_that_holds_something_else_is_not_written_over(policy, ops):
    for content in (b"-----BEGIN PGP SIGNATURE-----\n", b"", b"x" * 5000):
        signature_of(policy).write_bytes(content)
        with pytest.raises(pr.SignatureError, match=r"^policy\.yaml\.sig"):
            pr.sign_policy(policy, key=ops.private)
        assert signature_of(policy).read_bytes() == content


def test_the_sixteen_signatures_of_a_file_are_not_exceeded(policy, ops):
    for number in range(MAX_SIGNATURES):
        pr.sign_policy(policy, key=key_pair(ops.public.parent, f"key{number}").private)

    with pytest.raises(pr.SignatureError, match="policy.yaml.sig: holds 16 signatures; remove it"):
        pr.sign_policy(policy, key=ops.private)
    assert len(signers(policy)) == MAX_SIGNATURES
    pr.sign_policy(policy, key=ops.private.parent / "key3.pem")  # again


@pytest.mark.parametrize("spoil", ["yaml", "side", "schema", "missing"])
def test_a_policy_that_cannot_be_read_is_not_signed(policy, ops, spoil):
    if spoil == "yaml":
        policy.write_bytes(policy.read_bytes()[:100])
    elif spoil == "side":
        side_of(policy).write_bytes(b"x")
    elif spoil == "schema":
        replace_in(policy, "schema: 1", "schema: 2")
    else:
        policy.unlink()

    with pytest.raises(pr.PolicyError):
        pr.sign_policy(policy, key=ops.private)
    assert not signature_of(policy).exists()


def test_keys_that_cannot_sign_are_refused_before_anything_is_written(policy, ops):
    for key in (ops.public, ops.public.parent / "missing.pem", policy, policy.parent):
        with pytest.raises(pr.KeyFileError):
            pr.sign_policy(policy, key=key)
    for key in (None, 1, b"key.pem"):
        with pytest.raises(pr.KeyFileError):
            pr.sign_policy(policy, key=key)  # pyright: ignore[reportArgumentType]  # refused
    assert not signature_of(policy).exists()


def test_a_policy_that_is_saved_while_it_is_signed_is_not_signed(policy, ops, monkeypatch):
    message = sign.message
    monkeypatch.setattr(sign, "message", lambda content: save(policy) or message(content))

    with pytest.raises(pr.SignatureError, match="policy.yaml: another process saved or signed it meanwhile; review it"):
        pr.sign_policy(policy, key=ops.private)
    assert not signature_of(policy).exists()


def test_a_signature_that_another_process_adds_meanwhile_is_not_lost(policy, ops, monkeypatch):
    other, message = key_pair(ops.public.parent, "other"), sign.message

    def signed_meanwhile(content):
        monkeypatch.setattr(sign, "message", message)
        pr.sign_policy(policy, key=other.private)
        return message(content)

    monkeypatch.setattr(sign, "message", signed_meanwhile)

    with pytest.raises(pr.SignatureError, match="meanwhile"):
        pr.sign_policy(policy, key=ops.private)
    assert signers(policy) == {other.key.id}


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_to_is_named(policy, ops):
    policy.parent.chmod(0o500)
    try:
        with pytest.raises(pr.SignatureError, match="policy.yaml.sig: cannot be written: Permission denied"):
            pr.sign_policy(policy, key=ops.private)
    finally:
        policy.parent.chmod(0o700)


def test_a_folder_of_the_name_of_the_signature_is_refused(policy, ops):
    signature_of(policy).mkdir()

    with pytest.raises(pr.SignatureError, match="policy.yaml.sig: is not a plain file"):
        pr.sign_policy(policy, key=ops.private)
    assert list(policy.parent.glob(".*.tmp")) == []
