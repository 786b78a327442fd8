"""The file of signatures: one form, byte by byte, that other Ed25519 programs verify."""

import hashlib
import re
import shutil
import subprocess

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

import paretoroute as pr
from paretoroute.policy.signatures.signature_file import (
    MAX_BYTES,
    MAX_SIGNATURES,
    TYPE,
    Signatures,
    message,
    parse_signatures,
)
from tests.policy.signatures.key_files import signature_of

KEYS = st.integers(0, 2**256 - 1).map(lambda number: f"{number:064x}")
SIGNATURES = st.dictionaries(KEYS, st.binary(min_size=64, max_size=64), min_size=1, max_size=MAX_SIGNATURES)


def refusal(content: bytes) -> str:
    with pytest.raises(pr.SignatureError) as caught:
        parse_signatures(content, "policy.yaml.sig")
    assert "\n" not in str(caught.value)
    return str(caught.value)


@given(digest=KEYS, by_key=SIGNATURES)
def test_the_text_is_read_back_and_is_yaml(digest, by_key):
    written = Signatures(digest, by_key)

    assert parse_signatures(written.text().encode(), "p.yaml.sig") == written
    data = yaml.safe_load(written.text())
    assert (data["schema"], data["type"], data["policy_sha256"]) == (1, TYPE, digest)
    assert [(entry["key"], entry["ed25519"]) for entry in data["signatures"]] == [
        (key, by_key[key].hex()) for key in sorted(by_key)
    ]


def test_the_largest_file_keeps_the_limit_on_its_size():
    by_key = {f"{number:064x}": b"\xff" * 64 for number in range(MAX_SIGNATURES)}

    assert len(Signatures("f" * 64, by_key).text()) <= MAX_BYTES


def test_the_message_is_the_encoding_of_dsse():
    assert message(b"hello world") == b"DSSEv1 42 application/vnd.paretoroute.policy.v1+yaml 11 hello world"


ONE = Signatures("a" * 64, {"b" * 64: b"\x01" * 64}).text().encode()
TWO = Signatures("a" * 64, {"b" * 64: b"\x01" * 64, "c" * 64: b"\x02" * 64}).text().encode()
LAST = TWO.splitlines(keepends=True)[-1]
FULL = Signatures("a" * 64, {f"{number:064x}": b"\1" * 64 for number in range(MAX_SIGNATURES)}).text().encode()
REFUSED = {
    "empty": (b"", "is cut off"),
    "no signature": (ONE[: ONE.index(b"  - ")], "is cut off"),
    "cut in a line": (TWO[:-10], "is cut off"),
    "no end of line": (ONE[:-1], "is cut off"),
    "line ends of Windows": (ONE.replace(b"\n", b"\r\n"), "line 1: is not as paretoroute sign writes it"),
    "a byte order mark": (b"\xef\xbb\xbf" + ONE, "line 1: is not as"),
    "a comment": (b"# ours\n" + ONE, "line 1: is not as"),
    "another type": (ONE.replace(b"policy.v1", b"policy.v2"), "line 2: is not as"),
    "capitals in hex": (ONE.replace(b"a" * 64, b"A" * 64), "line 3: is not as"),
    "other digits": (ONE.replace(b"a" * 64, "\u0663".encode() * 64), "line 3: is not as"),
    "an empty line": (ONE + b"\n", "line 6: is not as"),
    "a key twice": (TWO + LAST, "line 7: is not as"),
    "keys in another order": (ONE + ONE.splitlines(keepends=True)[-1].replace(b"b" * 64, b"a" * 64), "line 6: is not"),
    "17 signatures": (FULL + LAST, "line 21: is not as"),
    "a short signature": (ONE.replace(b"01" * 64, b"01" * 63), "line 5: is not as"),
    "a newer schema": (ONE.replace(b"schema: 1", b"schema: 2"), "schema 2 was written by a newer paretoroute"),
    "an older schema": (ONE.replace(b"schema: 1", b"schema: 0"), "line 1: is not as"),
    "OpenPGP": (b"-----BEGIN PGP SIGNATURE-----\n\niQEz\n-----END PGP SIGNATURE-----\n", "line 1: is not as"),
    "a bomb": (b"[" * 4000, "is cut off"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_any_other_form_is_refused_by_line(name):
    content, reason = REFUSED[name]

    assert re.match(rf"policy\.yaml\.sig(, |: ){reason}", refusal(content))


@given(content=st.binary(max_size=300))
def test_any_bytes_are_refused(content):
    refusal(content)


@pytest.mark.parametrize("place", range(len(ONE)))
def test_a_byte_that_is_changed_gives_another_content_or_none(place):
    for bit in range(8):
        changed = bytearray(ONE)
        changed[place] ^= 1 << bit
        try:
            assert parse_signatures(bytes(changed), "p.yaml.sig").text().encode() == changed
        except pr.SignatureError:
            pass


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_openssl_verifies_a_signature_as_the_page_shows(policy, ops, tmp_path):
    pr.sign_policy(policy, key=ops.private)
    written = yaml.safe_load(signature_of(policy).read_text(encoding="ascii"))
    content = policy.read_bytes()
    head = f"DSSEv1 {len(TYPE)} {TYPE} {len(content)} ".encode()
    (tmp_path / "message").write_bytes(head + content)
    (tmp_path / "signature").write_bytes(bytes.fromhex(written["signatures"][0]["ed25519"]))

    command = ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", ops.public, "-rawin", "-in", "message"]
    done = subprocess.run(
        [*command, "-sigfile", "signature"], cwd=tmp_path, capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stdout.strip()) == (0, "Signature Verified Successfully"), done.stderr
    assert written["policy_sha256"] == hashlib.sha256(content).hexdigest()
    assert written["signatures"][0]["key"] == ops.key.id
