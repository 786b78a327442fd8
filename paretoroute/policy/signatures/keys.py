"""Ed25519 keys as ``openssl`` writes them, in PEM form: public ones to trust, and private ones to sign with.

A file holds one key and nothing else, at most 16 KiB. No message holds any of its content: a private key may lie where
a public one is expected.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from paretoroute.errors import SIGNATURE_PACKAGES, KeyFileError, checked_path, expect, expect_items, extra, file_name
from paretoroute.policy.signatures.curve import fault_of_key
from paretoroute.policy.signatures.small_file import NotPlain, read_small_file

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

MAX_BYTES = 16 * 1024
MAX_KEYS = 100  # that are trusted
KEY_BYTES, SIGNATURE_BYTES = 32, 64
MAKE_KEY = "openssl genpkey -algorithm ed25519 -out key.pem"
WRITE_PUBLIC_KEY = "openssl pkey -in key.pem -pubout -out key.pub.pem"
_DER_START = bytes.fromhex("302a300506032b6570032100")  # of an Ed25519 public key; its 32 bytes follow (RFC 8410)
_PEM = re.compile(
    rb"-----BEGIN ([A-Z0-9]+(?: [A-Z0-9]+)*)-----\r?\n([A-Za-z0-9+/=\r\n]+)-----END \1-----(?:\r?\n)*", re.ASCII
)
PUBLIC, PRIVATE, ENCRYPTED = "PUBLIC KEY", "PRIVATE KEY", "ENCRYPTED PRIVATE KEY"  # labels of PEM blocks


@dataclass(frozen=True, slots=True)
class PublicKey:
    """An Ed25519 public key, by which the signature of a policy is verified.

    Args:
        raw: its 32 bytes.
        name: of its file, for messages.

    Raises:
        KeyFileError: it has other than 32 bytes, is no canonical point of the curve, or is of small order.
    """

    raw: bytes
    name: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        expect("a public key", self.raw, bytes, KeyFileError)
        expect("the name of a public key", self.name, str, KeyFileError)
        if len(self.raw) != KEY_BYTES:
            raise KeyFileError(f"an Ed25519 public key has {KEY_BYTES} bytes, got {len(self.raw)}")
        if fault := fault_of_key(self.raw):
            raise KeyFileError(
                f"{self.name or 'the public key'}: {fault}; trust no key of that kind, and make a new pair: {MAKE_KEY}"
            )

    @staticmethod
    def read(path: str | os.PathLike[str]) -> PublicKey:
        """Read a public key from a PEM file, as ``openssl pkey -pubout`` writes it.

        Raises:
            KeyFileError: the file cannot be read, or holds a private key, several keys, a key of another kind, or one
                of small order.
        """
        path = checked_path(path, KeyFileError)
        name = file_name(path)
        pem = _read_pem(path, name)
        if pem.is_private:
            raise KeyFileError(
                f"{name}: holds a private key where the public one is expected; keep it where policies are signed, and "
                f"write the public one from it: {WRITE_PUBLIC_KEY}"
            )
        is_of_its_length = len(pem.der) == len(_DER_START) + KEY_BYTES
        if pem.label != PUBLIC or not is_of_its_length or not pem.der.startswith(_DER_START):
            kind = f"{PUBLIC.lower()} of another kind than Ed25519" if pem.label == PUBLIC else pem.label.lower()
            raise KeyFileError(f"{name}: holds a {kind}; make a pair of keys: {MAKE_KEY}, then {WRITE_PUBLIC_KEY}")
        return PublicKey(pem.der.removeprefix(_DER_START), name)

    @property
    def id(self) -> str:
        """SHA-256 of the key in DER, in hex: ``openssl pkey -pubin -in FILE -outform DER | sha256sum`` prints it."""
        return hashlib.sha256(_DER_START + self.raw).hexdigest()

    def __str__(self) -> str:
        """Return the start of the id, and the file's name."""
        return short_id(self.id) + (f" ({self.name})" if self.name else "")

    def verifies(self, signature: bytes, message: bytes) -> bool:
        """Return whether the owner of the key signed a message.

        Raises:
            MissingExtraError: ``cryptography`` is not installed.
        """
        with extra("signatures", SIGNATURE_PACKAGES, "verifying a signature"):
            from cryptography.exceptions import InvalidSignature
            from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
        try:
            Ed25519PublicKey.from_public_bytes(self.raw).verify(signature, message)
        except InvalidSignature:
            return False
        return True


class PrivateKey:
    """An Ed25519 private key. Its content is never shown.

    Args:
        key: of ``cryptography``.
    """

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key

    @staticmethod
    def read(path: str | os.PathLike[str], *, passphrase: str | None = None) -> PrivateKey:
        """Read a private key from a PEM file, as ``openssl genpkey -algorithm ed25519`` writes it.

        Args:
            path: the file.
            passphrase: of an encrypted key.

        Raises:
            KeyFileError: the file cannot be read, holds a public key, several keys or a key of another kind, or is
                encrypted and the passphrase is missing or wrong.
            MissingExtraError: ``cryptography`` is not installed.
        """
        path = checked_path(path, KeyFileError)
        expect("the passphrase", passphrase, (str, type(None)), KeyFileError)
        name = file_name(path)
        pem = _read_pem(path, name)
        if pem.label == PUBLIC:
            raise KeyFileError(f"{name}: holds a public key; name the private key that belongs to it, to sign with")
        if pem.label not in (PRIVATE, ENCRYPTED):
            raise KeyFileError(
                f"{name}: holds a {pem.label.lower()}, which is not read; make a key to sign with: {MAKE_KEY}"
            )
        if pem.label == PRIVATE:
            return PrivateKey(_decoded(pem.content, None, name))
        if not passphrase:
            raise KeyFileError(
                f"{name}: is encrypted, and there is no passphrase; set PARETOROUTE_KEY_PASSPHRASE (in Python: "
                "passphrase=...)"
            )
        try:
            secret = passphrase.encode("utf-8", "surrogateescape")
        except UnicodeEncodeError:
            raise KeyFileError(f"{name}: the passphrase holds half a character; read it as UTF-8") from None
        return PrivateKey(_decoded(pem.content, secret, name))

    @property
    def public(self) -> PublicKey:
        """The public key that belongs to it."""
        return PublicKey(self._key.public_key().public_bytes_raw())

    def sign(self, message: bytes) -> bytes:
        """Return the signature of a message, 64 bytes."""
        return self._key.sign(message)


def read_trusted_keys(keys: Sequence[str | os.PathLike[str] | PublicKey]) -> tuple[PublicKey, ...]:
    """Read the public keys that are trusted.

    Args:
        keys: at least one: their PEM files, or keys that were read.

    Raises:
        KeyFileError: there is none, which would trust nothing; or one cannot be read, or is no public key.
    """
    if isinstance(keys, str | bytes):
        raise KeyFileError(
            "trusted_keys must be a list of files of public keys, not one text; write trusted_keys=[FILE]"
        )
    expect_items("trusted_keys", keys, (str, os.PathLike, PublicKey), KeyFileError)
    if not 0 < len(keys) <= MAX_KEYS:
        raise KeyFileError(
            f"trusted_keys must be 1 to {MAX_KEYS} public keys, got {len(keys)}; leave trusted_keys out to require no "
            "signature"
        )
    return tuple(key if isinstance(key, PublicKey) else PublicKey.read(key) for key in keys)


def short_id(key: str) -> str:
    """Return the start of a key's id, for messages."""
    return f"key {key[:16]}"


class _Pem(NamedTuple):
    """The one block of a PEM file."""

    label: str
    der: bytes
    content: bytes

    @property
    def is_private(self) -> bool:
        return self.label.endswith(PRIVATE)


def _read_pem(path: Path, name: str) -> _Pem:
    try:
        content = read_small_file(path, most=MAX_BYTES)
    except NotPlain as error:
        raise KeyFileError(f"{name}: {error}; name the file of one key") from None
    except (OSError, ValueError) as error:  # a ValueError: the path holds a null character or half a character
        reason = getattr(error, "strerror", None) or "the path is no name of a file"
        raise KeyFileError(f"{name}: cannot be read: {reason}; check the path") from None
    if content.count(b"-----BEGIN ") > 1:
        raise KeyFileError(f"{name}: holds several keys or certificates; write each key to a file of its own")
    block = _PEM.fullmatch(content)
    with suppress(binascii.Error):
        if block is not None:
            return _Pem(block[1].decode(), base64.b64decode(b"".join(block[2].split()), validate=True), content)
    raise KeyFileError(
        f"{name}: is no key in PEM form as openssl writes it, or holds more than that; copy it again, or make a pair "
        f"of keys: {MAKE_KEY}, then {WRITE_PUBLIC_KEY}"
    )


def _decoded(content: bytes, passphrase: bytes | None, name: str) -> Ed25519PrivateKey:
    """Return the private key in a PEM file; the passphrase is that of an encrypted one."""
    with extra("signatures", SIGNATURE_PACKAGES, "signing a policy"):
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.serialization import load_pem_private_key
    try:
        key = load_pem_private_key(content, passphrase)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        reason = "cannot be decrypted: the passphrase is wrong, or the file damaged" if passphrase else "is damaged"
        raise KeyFileError(f"{name}: {reason}; check it with: openssl pkey -in {name} -noout") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyFileError(f"{name}: holds a private key of another kind than Ed25519; make one: {MAKE_KEY}")
    return key
