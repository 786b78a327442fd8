"""Require a signature of a trusted key on a policy."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Sequence

from paretoroute.errors import SignatureError, file_name
from paretoroute.policy.files import PolicyBytes, read_policy
from paretoroute.policy.signatures.keys import PublicKey, read_trusted_keys, short_id
from paretoroute.policy.signatures.signature_file import message, read_signatures, sha256_of, signature_path

MOST_NAMED = 3  # trusted keys in a message


def signature_check(keys: Sequence[str | os.PathLike[str] | PublicKey]) -> Callable[[PolicyBytes], PublicKey]:
    """Return a check for :func:`read_policy`: that a policy has a valid signature of one of these keys.

    Raises:
        KeyFileError: a key cannot be read, or there is none.
    """
    return functools.partial(signing_key, keys=read_trusted_keys(keys))


def signing_key(policy: PolicyBytes, keys: Sequence[PublicKey]) -> PublicKey:
    """Return the trusted key that signed the bytes of a policy.

    Raises:
        SignatureError: there is no signature of these keys, or none that holds for these bytes.
        MissingExtraError: ``cryptography`` is not installed.
    """
    signatures = read_signatures(policy)
    trusted = [key for key in keys if key.id in signatures.by_key]
    if not trusted:
        raise SignatureError(
            f"{policy.name}: its file of signatures names {', '.join(map(short_id, signatures.by_key))}, and trusted "
            f"{'is' if len(keys) == 1 else 'are'} {_listed(keys)}; sign it with a trusted key, or trust another key "
            "once its owner has confirmed its id and the policy"
        )
    if signatures.policy_sha256 != sha256_of(policy.content):
        raise SignatureError(
            f"{policy.name}: was changed or replaced after {trusted[0]} signed it (an editor or a conversion of line "
            "ends is enough); review it and sign it again, or restore the file that was signed"
        )
    for key in trusted:
        if key.verifies(signatures.by_key[key.id], message(policy.content)):
            return key
    raise SignatureError(
        f"{policy.name}: the signature of {trusted[0]} in {file_name(signature_path(policy.file))} is damaged or "
        "forged; copy it again, or sign the policy again"
    )


def verify_signature(
    path: str | os.PathLike[str], *, trusted_keys: Sequence[str | os.PathLike[str] | PublicKey]
) -> PublicKey:
    """Return the trusted key that signed a policy, whose YAML fits the schema and whose side file has its hash.

    Raises:
        SignatureError: there is no signature of these keys, or none that holds.
        KeyFileError: a key cannot be read, or there is none.
        PolicyError: the policy cannot be read.
    """
    check, signers = signature_check(trusted_keys), list[PublicKey]()
    read_policy(path, check=lambda policy: signers.append(check(policy)))
    return signers[-1]  # of the bytes that were read last, and returned


def _listed(keys: Sequence[PublicKey]) -> str:
    more = f" and {len(keys) - MOST_NAMED} more" if len(keys) > MOST_NAMED else ""
    return ", ".join(map(str, keys[:MOST_NAMED])) + more
