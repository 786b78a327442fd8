"""Keys as ``openssl`` writes them, made without it from seeds, and a signed policy."""

from __future__ import annotations

import base64
import shutil
from pathlib import Path
from typing import NamedTuple

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

import paretoroute as pr
from paretoroute.policy.files import PolicyFiles, read_policy
from paretoroute.policy.signatures.verify import signature_check

PUBLIC_DER, PRIVATE_DER = bytes.fromhex("302a300506032b6570032100"), bytes.fromhex("302e020100300506032b657004220420")


def pem(label: str, der: bytes) -> bytes:
    """Return a PEM file of one block."""
    text = base64.encodebytes(der).decode()
    return f"-----BEGIN {label}-----\n{text}-----END {label}-----\n".encode()


class KeyPair(NamedTuple):
    """The files of a private and a public key, and the public key."""

    private: Path
    public: Path
    key: pr.PublicKey


def key_pair(folder: Path, name: str = "ops", *, seed: bytes = b"") -> KeyPair:
    """Write a pair of keys; the name is the seed where none is given."""
    secret = seed or name.encode().ljust(32, b".")
    raw = Ed25519PrivateKey.from_private_bytes(secret).public_key().public_bytes_raw()
    private, public = folder / f"{name}.pem", folder / f"{name}.pub.pem"
    private.write_bytes(pem("PRIVATE KEY", PRIVATE_DER + secret))
    public.write_bytes(pem("PUBLIC KEY", PUBLIC_DER + raw))
    return KeyPair(private, public, pr.PublicKey(raw, public.name))


def signature_of(policy: Path) -> Path:
    """Return the file of signatures of a policy."""
    return policy.with_name(f"{policy.name}.sig")


def copy_signed(policy: Path, folder: Path) -> Path:
    """Copy a policy, its numbers and its signatures."""
    folder.mkdir(exist_ok=True)
    for file in policy.parent.glob(f"{policy.stem}.*"):
        shutil.copy(file, folder)
    return folder / policy.name


def read(policy: Path, *keys: Path | pr.PublicKey) -> PolicyFiles:
    """Read a policy that one of the keys must have signed."""
    return read_policy(policy, check=signature_check(keys))


def refusal(policy: Path, *keys: Path | pr.PublicKey) -> str:
    """Return why a policy is refused for its signatures."""
    with pytest.raises(pr.SignatureError) as caught:
        read(policy, *keys)
    message = str(caught.value)
    assert "\n" not in message and len(message) < 500
    assert str(policy.parent) not in message, "a message must not name folders"
    return message
