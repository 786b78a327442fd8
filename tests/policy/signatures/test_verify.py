"""A policy without a valid signature of a trusted key is refused, and the bytes that were verified are those used."""

import os
import random
import shutil
import sys

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import paretoroute as pr
from paretoroute import _yaml
from paretoroute.policy.files import read_policy
from paretoroute.policy.signatures import signature_file
from tests.policy.documents import side_of
from tests.policy.files.test_replace import save
from tests.policy.signatures.key_files import copy_signed, key_pair, read, refusal, signature_of
from tests.processes import ROOT

SHIPPED = ROOT / "policies" / "demo-max-cost.yaml"
posix = pytest.mark.skipif(sys.platform == "win32", reason="links are those of POSIX")
each_byte = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=150, deadline=None
)


def test_a_signed_policy_is_read_planned_and_names_its_signer(tmp_path, ops):
    policy = copy_signed(SHIPPED, tmp_path / "release")
    assert pr.sign_policy(policy, key=ops.private) == ops.key

    loaded = pr.Policy.load(policy, trusted_keys=[ops.public])
    planner = pr.Planner.load(str(policy), trusted_keys=[ops.key], dialect="openai", seed=1)

    assert loaded.document == pr.Policy.load(SHIPPED).document
    assert planner.plan("Who wrote it?").policy_sha256 == loaded.sha256
    assert pr.verify_signature(policy, trusted_keys=[ops.public]).name == "ops.pub.pem"


def test_signing_changes_no_byte_of_the_policy_and_signing_again_none_of_the_signature(policy, ops):
    before = {path.name: path.read_bytes() for path in policy.parent.iterdir() if path.is_file()}

    pr.sign_policy(policy, key=ops.private)
    once = signature_of(policy).read_bytes()
    pr.sign_policy(policy, key=ops.private)

    after = {path.name: path.read_bytes() for path in policy.parent.iterdir() if path.is_file()}
    assert after == before | {"policy.yaml.sig": once}


def test_a_policy_without_a_signature_is_refused_with_what_to_do(policy, ops):
    expected = (
        "policy.yaml: is not signed: policy.yaml.sig is missing beside policy.yaml; copy it there, or sign the policy "
        "with paretoroute sign"
    )

    assert refusal(policy, ops.public) == expected
    assert issubclass(pr.SignatureError, pr.PolicyError)
    with pytest.raises(pr.SignatureError):
        pr.Planner.load(policy, trusted_keys=[ops.public])
    assert read_policy(policy).document.name  # which need not be signed where no key is named


def test_a_signature_of_another_key_is_refused_with_both_keys(policy, ops):
    other = key_pair(ops.public.parent, "other")
    pr.sign_policy(policy, key=other.private)

    message = refusal(policy, ops.public)

    assert message.startswith(
        f"policy.yaml: its file of signatures names key {other.key.id[:16]}, and trusted is {ops.key}; sign it with"
    )
    many = [key_pair(ops.public.parent, f"key{number}").key for number in range(5)]
    assert f"trusted are {many[0]}, {many[1]}, {many[2]} and 2 more;" in refusal(policy, *many)


def test_a_changed_policy_is_refused_with_the_key_that_signed_it(policy, ops):
    pr.sign_policy(policy, key=ops.private)
    policy.write_bytes(policy.read_bytes().replace(b"\n", b"\r\n"))

    assert refusal(policy, ops.public).startswith(
        f"policy.yaml: was changed or replaced after {ops.key} signed it (an editor or a conversion of line ends"
    )


def test_a_signature_of_another_policy_is_refused(policy, ops, tmp_path):
    other = copy_signed(policy, tmp_path / "other")
    save(other)
    pr.sign_policy(other, key=ops.private)
    shutil.copy(signature_of(other), policy.parent)

    assert "policy.yaml: was changed or replaced after" in refusal(policy, ops.public)


def test_a_signature_whose_hash_was_adapted_is_refused(policy, ops):
    pr.sign_policy(policy, key=ops.private)
    old = signature_file.sha256_of(policy.read_bytes())
    policy.write_bytes(policy.read_bytes().replace(b"gpt-5", b"gpt-6"))
    new = signature_file.sha256_of(policy.read_bytes())
    signature_of(policy).write_text(signature_of(policy).read_text().replace(old, new))

    assert refusal(policy, ops.public) == (
        f"policy.yaml: the signature of {ops.key} in policy.yaml.sig is damaged or forged; copy it again, or sign the "
        "policy again"
    )


def test_a_signature_under_the_name_of_another_key_is_refused(policy, ops):
    other = key_pair(ops.public.parent, "other")
    pr.sign_policy(policy, key=other.private)
    signature_of(policy).write_text(signature_of(policy).read_text().replace(other.key.id, ops.key.id))

    assert "is damaged or forged" in refusal(policy, ops.public)


def test_the_bare_bytes_or_a_message_of_another_type_signed_by_a_trusted_key_are_no_signature(policy, ops):
    from paretoroute.policy.signatures.keys import PrivateKey

    content, private = policy.read_bytes(), PrivateKey.read(ops.private)
    encoded = signature_file.message(content)
    for message in (content, encoded.replace(b"policy.v1", b"policy.v2"), encoded + b"\n", content[1:]):
        signed = signature_file.Signatures(signature_file.sha256_of(content), {ops.key.id: private.sign(message)})
        signature_of(policy).write_text(signed.text())
        assert "is damaged or forged" in refusal(policy, ops.public)


@each_byte
@given(data=st.data())
def test_any_changed_byte_of_the_yaml_is_refused_before_it_is_parsed(policy, ops, monkeypatch, data):
    if not signature_of(policy).exists():
        pr.sign_policy(policy, key=ops.private)
    content = policy.read_bytes()
    place, value = data.draw(st.integers(0, len(content) - 1)), data.draw(st.integers(1, 255))
    changed = bytearray(content)
    changed[place] ^= value
    monkeypatch.setattr(_yaml, "loads_bytes", lambda *_, **__: pytest.fail("was parsed"))
    try:
        policy.write_bytes(changed)
        assert "was changed or replaced" in refusal(policy, ops.public)
    finally:
        monkeypatch.undo()
        policy.write_bytes(content)


@each_byte
@given(data=st.data())
def test_any_changed_byte_of_the_side_file_is_refused(policy, ops, data):
    if not signature_of(policy).exists():
        pr.sign_policy(policy, key=ops.private)
    side = side_of(policy)
    content = side.read_bytes()
    changed = bytearray(content)
    changed[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        side.write_bytes(changed)
        with pytest.raises(pr.PolicyChecksumError, match="was changed after the policy was written"):
            read(policy, ops.public)
    finally:
        side.write_bytes(content)


def test_any_changed_byte_of_the_signature_is_refused(policy, ops):
    pr.sign_policy(policy, key=ops.private)
    content, rng = signature_of(policy).read_bytes(), random.Random(0)

    for place in range(len(content)):
        changed = bytearray(content)
        changed[place] ^= rng.randrange(1, 256)
        signature_of(policy).write_bytes(changed)
        assert "policy.yaml" in refusal(policy, ops.public)
    for changed in (content[:-1], content + b"\n", content[1:], b" " + content):
        signature_of(policy).write_bytes(changed)
        assert "policy.yaml" in refusal(policy, ops.public)
    signature_of(policy).write_bytes(content)
    read(policy, ops.public)


def test_keys_are_rotated_with_both_signatures_and_then_without_the_old_one(policy, ops):
    new = key_pair(ops.public.parent, "new")
    pr.sign_policy(policy, key=ops.private)
    pr.sign_policy(policy, key=new.private)

    for trusted in ([ops.public], [new.public], [ops.public, new.public]):
        read(policy, *trusted)
    assert pr.verify_signature(policy, trusted_keys=[new.public]) == new.key
    signature_of(policy).unlink()
    pr.sign_policy(policy, key=new.private)
    read(policy, ops.public, new.public)
    assert "trusted is" in refusal(policy, ops.public)


def test_one_good_signature_of_a_trusted_key_is_enough(policy, ops):
    new = key_pair(ops.public.parent, "new")
    pr.sign_policy(policy, key=ops.private)
    pr.sign_policy(policy, key=new.private)
    good = signature_of(policy).read_text()
    spoilt = signature_file.parse_signatures(good.encode(), "").by_key[ops.key.id].hex()
    signature_of(policy).write_text(good.replace(spoilt, "0" * 128))

    assert pr.verify_signature(policy, trusted_keys=[ops.public, new.public]) == new.key
    assert "is damaged or forged" in refusal(policy, ops.public)


def test_a_signature_that_is_a_link_a_folder_a_pipe_or_too_large_is_refused(policy, ops, tmp_path):
    pr.sign_policy(policy, key=ops.private)
    path = signature_of(policy)
    content = path.read_bytes()
    path.write_bytes(content + b"\n" * 4096)
    assert "policy.yaml.sig: is larger than 4096 bytes; put the file" in refusal(policy, ops.public)
    path.unlink()
    path.mkdir()
    assert "policy.yaml.sig: is not a plain file" in refusal(policy, ops.public)
    path.rmdir()
    if sys.platform != "win32":
        (tmp_path / "elsewhere.sig").write_bytes(content)
        path.symlink_to(tmp_path / "elsewhere.sig")
        assert "policy.yaml.sig: is a link" in refusal(policy, ops.public)
        path.unlink()
        os.mkfifo(path)
        assert "policy.yaml.sig: is not a plain file" in refusal(policy, ops.public)


def test_a_new_policy_that_is_saved_over_a_signed_one_has_no_valid_signature(policy, ops):
    pr.sign_policy(policy, key=ops.private)
    signature = signature_of(policy).read_bytes()

    save(policy)

    assert "policy.yaml: was changed or replaced after" in refusal(policy, ops.public)
    assert signature_of(policy).read_bytes() == signature, "a save removes nothing that it did not write"
    pr.sign_policy(policy, key=ops.private)
    assert read(policy, ops.public).document.name == "new"


def test_a_fit_that_gives_the_same_bytes_keeps_its_signature(tmp_path, ops):
    policy = copy_signed(SHIPPED, tmp_path / "release")
    pr.sign_policy(policy, key=ops.private)

    pr.Policy.load(policy).save(policy)

    assert pr.verify_signature(policy, trusted_keys=[ops.public]) == ops.key


def test_keys_that_cannot_be_read_and_an_empty_list_never_switch_the_check_off(policy, ops):
    pr.sign_policy(policy, key=ops.private)
    for keys in ([], [ops.public, policy.parent / "missing.pem"], [ops.private], ""):
        for call in (pr.Policy.load, pr.Planner.load, pr.verify_signature):
            with pytest.raises(pr.KeyFileError):
                call(policy, trusted_keys=keys)


def test_a_policy_that_cannot_be_read_is_refused_with_a_signature_too(policy, ops):
    pr.sign_policy(policy, key=ops.private)
    side_of(policy).unlink()

    with pytest.raises(pr.PolicyChecksumError, match="is missing"):
        pr.verify_signature(policy, trusted_keys=[ops.public])
