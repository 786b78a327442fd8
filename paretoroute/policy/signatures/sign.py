"""Sign a policy: write the signature beside it, and keep those of other keys."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from paretoroute.errors import SignatureError, file_name
from paretoroute.policy.files import PolicyBytes, read_policy
from paretoroute.policy.files.replace import replace_file
from paretoroute.policy.signatures.keys import PrivateKey, PublicKey
from paretoroute.policy.signatures.signature_file import (
    MAX_SIGNATURES,
    Signatures,
    message,
    parse_signatures,
    read_signature_bytes,
    sha256_of,
    signature_path,
)


def sign_policy(
    path: str | os.PathLike[str], *, key: str | os.PathLike[str], passphrase: str | None = None
) -> PublicKey:
    """Sign a policy, so that a planner which trusts the key can require it: ``Planner.load(path, trusted_keys=[...])``.

    The signature is written to ``POLICY.yaml.sig`` beside the policy; signatures of the same bytes by other keys stay.
    The YAML has to fit the schema and the side file its hash in the YAML, through which it is signed, too.

    Args:
        path: the YAML file. If it is a link, the signature is written beside the file that it points to.
        key: PEM file of an Ed25519 private key, as ``openssl genpkey -algorithm ed25519`` writes it.
        passphrase: of an encrypted key.

    Returns:
        The public key to trust.

    Raises:
        KeyFileError: the key cannot be read or decrypted, or is of another kind.
        PolicyError: the policy cannot be read.
        SignatureError: the signature cannot be written, would replace a file that is none, or the policy or its
            signatures were changed meanwhile.
        MissingExtraError: ``cryptography`` is not installed.
    """
    private = PrivateKey.read(key, passphrase=passphrase)
    policy, public = _read(path), private.public
    before = _written(policy)
    signatures = _current(before, policy)
    signatures.by_key[public.id] = private.sign(message(policy.content))
    file = signature_path(policy.file)
    if len(signatures.by_key) > MAX_SIGNATURES:
        raise SignatureError(
            f"{file_name(file)}: holds {MAX_SIGNATURES} signatures; remove it, and sign again with fewer keys"
        )
    try:
        replace_file(file, signatures.text().encode(), check=lambda _: _check_unchanged(policy, before))
    except OSError as error:
        raise SignatureError(f"{file_name(file)}: cannot be written: {error.strerror}; check the folder") from None
    return public


def _read(path: str | os.PathLike[str]) -> PolicyBytes:
    """Return the bytes of a policy whose two files can be read."""
    read = list[PolicyBytes]()
    read_policy(path, check=read.append)
    return read[-1]


def _written(policy: PolicyBytes) -> bytes | None:
    """Return the content of the file of signatures, or None if there is none.

    Raises:
        SignatureError: it cannot be read.
    """
    return read_signature_bytes(policy) if os.path.lexists(signature_path(policy.file)) else None


def _current(written: bytes | None, policy: PolicyBytes) -> Signatures:
    """Return the signatures of these bytes; those of other bytes hold no longer.

    Raises:
        SignatureError: the file holds something else, which would be lost.
    """
    digest = sha256_of(policy.content)
    if written is not None:
        signatures = parse_signatures(written, file_name(signature_path(policy.file)))
        if signatures.policy_sha256 == digest:
            return signatures
    return Signatures(digest)


def _check_unchanged(policy: PolicyBytes, before: bytes | None) -> None:
    """Refuse to write over what another process wrote since it was read; called while no other process signs.

    Raises:
        SignatureError: the policy or its signatures were changed.
    """
    if _written(policy) != before or _content(policy.file) != policy.content:
        raise SignatureError(
            f"{policy.name}: another process saved or signed it meanwhile; review it, and sign it again"
        )


def _content(path: Path) -> bytes | None:
    with suppress(OSError):
        return path.read_bytes()
    return None
