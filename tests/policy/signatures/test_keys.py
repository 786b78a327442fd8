"""Keys: the vectors of RFC 8032 and RFC 8410, and files that hold no key to use."""

import base64
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import paretoroute as pr
from paretoroute.policy.signatures.keys import MAX_BYTES, PrivateKey, read_trusted_keys
from tests.policy.signatures.key_files import PRIVATE_DER, PUBLIC_DER, key_pair, pem

ORDER = 2**252 + 27742317777372353535851937790883648493  # of the group of Ed25519
RFC_8032 = {  # section 7.1: secret key, public key, message, signature
    "1": (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b"
        "d25bf5f0595bbe24655141438e7a100b",
    ),
    "2": (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c"
        "387b2eaeb4302aeeb00d291612bb0c00",
    ),
    "3": (
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc659"
        "4a7c15e9716ed28dc027beceea1ec40a",
    ),
    "SHA(abc)": (
        "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
        "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
        "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd"
        "454d4423643ce80e2a9ac94fa54ca49f",
        "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e030"
        "3dca179c138ac17ad9bef1177331a704",
    ),
}


@pytest.mark.parametrize("name", RFC_8032)
def test_keys_sign_and_verify_the_vectors_of_rfc_8032(name, tmp_path):
    secret, raw, message, signature = map(bytes.fromhex, RFC_8032[name])
    (tmp_path / "key.pem").write_bytes(pem("PRIVATE KEY", PRIVATE_DER + secret))
    (tmp_path / "key.pub.pem").write_bytes(pem("PUBLIC KEY", PUBLIC_DER + raw))

    private, public = PrivateKey.read(tmp_path / "key.pem"), pr.PublicKey.read(tmp_path / "key.pub.pem")

    assert private.public == public == pr.PublicKey(raw)
    assert private.sign(message) == signature
    assert public.verifies(signature, message)
    assert not public.verifies(signature, message + b"\0")
    assert not public.verifies(signature[:-1], message)
    assert not public.verifies(signature + b"\0", message)


def test_a_second_signature_of_the_same_message_cannot_be_derived_from_the_first():
    _, raw, message, signature = map(bytes.fromhex, RFC_8032["3"])
    scalar = int.from_bytes(signature[32:], "little")

    other = signature[:32] + (scalar + ORDER).to_bytes(32, "little")

    assert not pr.PublicKey(raw).verifies(other, message)


def test_the_key_files_of_rfc_8410_are_read(tmp_path):
    (tmp_path / "key.pem").write_bytes(
        pem("PRIVATE KEY", base64.b64decode("MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC"))
    )
    der = base64.b64decode("MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=")
    (tmp_path / "key.pub.pem").write_bytes(pem("PUBLIC KEY", der))

    key = pr.PublicKey.read(tmp_path / "key.pub.pem")

    assert key == PrivateKey.read(tmp_path / "key.pem").public
    assert key.id == hashlib.sha256(der).hexdigest()
    assert str(key) == f"key {key.id[:16]} (key.pub.pem)"


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n"])
def test_line_ends_of_a_key_file_may_be_those_of_windows_or_missing(end, tmp_path):
    ops = key_pair(tmp_path)
    content = ops.public.read_bytes().rstrip().replace(b"\n", end or b"\n") + end
    ops.public.write_bytes(content)

    assert pr.PublicKey.read(ops.public) == ops.key


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_keys_are_those_of_openssl_and_so_is_the_id(tmp_path):
    def openssl(*arguments: str, text: bool = True) -> bytes:
        return subprocess.run(["openssl", *arguments], cwd=tmp_path, check=True, capture_output=True).stdout

    openssl("genpkey", "-algorithm", "ed25519", "-out", "key.pem")
    openssl("pkey", "-in", "key.pem", "-pubout", "-out", "key.pub.pem")
    openssl("pkey", "-in", "key.pem", "-aes256", "-passout", "pass:open sesame", "-out", "locked.pem")
    key = pr.PublicKey.read(tmp_path / "key.pub.pem")

    assert PrivateKey.read(tmp_path / "key.pem").public == key
    assert PrivateKey.read(tmp_path / "locked.pem", passphrase="open sesame").public == key
    assert hashlib.sha256(openssl("pkey", "-pubin", "-in", "key.pub.pem", "-outform", "DER")).hexdigest() == key.id


def encrypted(secret: bytes, passphrase: bytes) -> bytes:
    """Return the PEM file of an encrypted private key."""
    key = Ed25519PrivateKey.from_private_bytes(secret)
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(passphrase),
    )


def test_an_encrypted_key_needs_its_passphrase_which_is_never_asked_for_nor_shown(tmp_path):
    path = tmp_path / "locked.pem"
    path.write_bytes(encrypted(b"s" * 32, "öpen".encode()))

    assert PrivateKey.read(path, passphrase="öpen").public == key_pair(tmp_path, seed=b"s" * 32).key
    for passphrase in (None, ""):
        with pytest.raises(pr.KeyFileError, match="locked.pem: is encrypted, .* PARETOROUTE_KEY_PASSPHRASE"):
            PrivateKey.read(path, passphrase=passphrase)
    with pytest.raises(pr.KeyFileError, match="locked.pem: cannot be decrypted: the passphrase is wrong") as caught:
        PrivateKey.read(path, passphrase="sesame")
    assert "sesame" not in str(caught.value)
    with pytest.raises(pr.KeyFileError, match="locked.pem: the passphrase holds half a character"):
        PrivateKey.read(path, passphrase="\ud800")
    with pytest.raises(pr.KeyFileError, match="the passphrase must be of type str"):
        PrivateKey.read(path, passphrase=b"sesame")  # pyright: ignore[reportArgumentType]  # refused


def test_a_passphrase_for_a_key_that_needs_none_is_ignored(tmp_path):
    ops = key_pair(tmp_path)

    assert PrivateKey.read(ops.private, passphrase="not needed").public == ops.key


def test_a_private_key_where_a_public_one_is_expected_is_refused_and_not_shown(tmp_path):
    for number, content in enumerate(
        (key_pair(tmp_path).private.read_bytes(), encrypted(b"s" * 32, b"x"), pem("OPENSSH PRIVATE KEY", b"secret"))
    ):
        path = tmp_path / f"{number}.pem"
        path.write_bytes(content)
        with pytest.raises(
            pr.KeyFileError, match=rf"{number}.pem: holds a private key where .* openssl pkey"
        ) as caught:
            pr.PublicKey.read(path)
        secrets = content.splitlines()[1:-1]
        assert not any(line.decode() in str(caught.value) for line in secrets)
        assert caught.value.__suppress_context__ or caught.value.__context__ is None
    assert "ops" not in repr(PrivateKey.read(tmp_path / "ops.pem"))


def public_pem(key) -> bytes:
    return key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def private_pem(key) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


OTHERS = {
    "rsa": rsa.generate_private_key(65537, 2048),
    "ec": ec.generate_private_key(ec.SECP256R1()),
    "ed448": ed448.Ed448PrivateKey.generate(),
}


@pytest.mark.parametrize("kind", OTHERS)
def test_keys_of_another_kind_are_refused(kind, tmp_path):
    (tmp_path / "key.pub.pem").write_bytes(public_pem(OTHERS[kind]))
    (tmp_path / "key.pem").write_bytes(private_pem(OTHERS[kind]))

    with pytest.raises(pr.KeyFileError, match="key.pub.pem: holds a public key of another kind than Ed25519; make"):
        pr.PublicKey.read(tmp_path / "key.pub.pem")
    with pytest.raises(pr.KeyFileError, match="key.pem: holds a private key of another kind than Ed25519; make"):
        PrivateKey.read(tmp_path / "key.pem")


def test_a_public_key_where_a_private_one_is_expected_is_refused(tmp_path):
    with pytest.raises(pr.KeyFileError, match="ops.pub.pem: holds a public key; name the private key"):
        PrivateKey.read(key_pair(tmp_path).public)


GOOD = pem("PUBLIC KEY", PUBLIC_DER + b"k" * 32)
NO_KEYS = {
    "empty": (b"", "is no key in PEM form"),
    "text": (b"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA ops@host\n", "is no key in PEM form"),
    "text before it": (b"# ours\n" + GOOD, "is no key in PEM form"),
    "text after it": (GOOD + b"ours\n", "is no key in PEM form"),
    "a byte order mark": (b"\xef\xbb\xbf" + GOOD, "is no key in PEM form"),
    "a header": (GOOD.replace(b"KEY-----\n", b"KEY-----\nProc-Type: 4,ENCRYPTED\n", 1), "is no key in PEM form"),
    "two keys": (GOOD + GOOD, "holds several keys"),
    "other labels": (GOOD.replace(b"END PUBLIC", b"END OTHER"), "is no key in PEM form"),
    "no base64": (GOOD.replace(b"=", b"==="), "is no key in PEM form"),
    "a certificate": (GOOD.replace(b"PUBLIC KEY", b"CERTIFICATE"), "holds a certificate; make"),
    "a short key": (pem("PUBLIC KEY", PUBLIC_DER + b"k" * 31), "holds a public key of another kind than Ed25519"),
    "a long key": (pem("PUBLIC KEY", PUBLIC_DER + b"k" * 33), "holds a public key of another kind than Ed25519"),
    "null": (b"\0" * 100, "is no key in PEM form"),
    "more than 16 KiB": (GOOD + b"\n" * MAX_BYTES, "is larger than 16384 bytes"),
}


@pytest.mark.parametrize("name", NO_KEYS)
def test_a_file_that_is_no_key_or_more_than_one_is_refused(name, tmp_path):
    content, reason = NO_KEYS[name]
    path = tmp_path / "key.pub.pem"
    path.write_bytes(content)

    with pytest.raises(pr.KeyFileError, match=f"^key.pub.pem: {reason}"):
        pr.PublicKey.read(path)
    with pytest.raises(pr.KeyFileError, match="^key.pub.pem: "):
        PrivateKey.read(path)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200, deadline=None)
@given(
    content=st.binary(max_size=200) | st.builds(lambda a, b: GOOD[:a] + b + GOOD[a:], st.integers(0, 120), st.binary())
)
def test_any_bytes_are_a_key_or_refused(content, tmp_path):
    path = tmp_path / "key.pem"
    path.write_bytes(content)

    for read in (pr.PublicKey.read, PrivateKey.read):
        try:
            read(path)
        except pr.KeyFileError as error:
            assert str(error).startswith("key.pem: ") and "\n" not in str(error)


def test_paths_that_lead_to_no_file_are_refused(tmp_path):
    paths = {tmp_path / "missing.pem": "missing.pem: cannot be read: No such file", tmp_path: "is not a plain file"}
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.pem")
        paths[tmp_path / "pipe.pem"] = "pipe.pem: is not a plain file"  # and no wait for its writer
    if sys.platform.startswith("linux"):
        paths[Path("/dev/zero")] = "zero: is not a plain file"

    for path, reason in paths.items():
        for read in (pr.PublicKey.read, PrivateKey.read):
            with pytest.raises(pr.KeyFileError, match=reason):
                read(path)
    with pytest.raises(pr.KeyFileError, match="cannot be read: the path is no name of a file"):
        pr.PublicKey.read("a\0b")


@pytest.mark.skipif(sys.platform == "win32", reason="links are those of POSIX")
def test_a_key_may_lie_behind_a_link(tmp_path):
    ops = key_pair(tmp_path)
    (tmp_path / "current.pem").symlink_to(ops.public)

    assert pr.PublicKey.read(tmp_path / "current.pem") == ops.key


@pytest.mark.parametrize("raw", [b"", b"k" * 31, b"k" * 33, "k" * 32, None])
def test_a_key_of_other_than_32_bytes_is_refused(raw):
    with pytest.raises(pr.KeyFileError, match="public key"):
        pr.PublicKey(raw)


def test_trusted_keys_are_files_or_keys_and_at_least_one(tmp_path):
    ops = key_pair(tmp_path)

    assert read_trusted_keys([ops.public, str(ops.public), ops.key]) == (ops.key,) * 3
    for empty in ([], (), set()):
        with pytest.raises(pr.KeyFileError, match="must be 1 to 100 public keys, got 0; leave trusted_keys out"):
            read_trusted_keys(empty)
    with pytest.raises(pr.KeyFileError, match="must be 1 to 100 public keys, got 101"):
        read_trusted_keys([ops.key] * 101)
    with pytest.raises(pr.KeyFileError, match=r"must be a list .* write trusted_keys=\[FILE\]"):
        read_trusted_keys(str(ops.public))
    for wrong in (ops.public, 1, [1], [ops.key.raw]):
        with pytest.raises(pr.KeyFileError, match="trusted_keys must be"):
            read_trusted_keys(wrong)  # pyright: ignore[reportArgumentType]  # refused
