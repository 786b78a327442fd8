"""The file of signatures beside a policy, ``POLICY.yaml.sig``: YAML of one form, read byte by byte as it is written.

    schema: 1
    type: application/vnd.paretoroute.policy.v1+yaml
    policy_sha256: "6c1f..."
    signatures:
      - {key: "09ab...", ed25519: "73d0..."}

``policy_sha256`` is the hash of the YAML file that was signed, and only explains a refusal. A key is named by its id
(:attr:`PublicKey.id`), a signature is in hex; there is at most one of each key, in order of their ids. Any other byte
is refused, so that no file has two readings.

The signed message is that of DSSE, the envelope of in-toto and Sigstore (https://github.com/secure-systems-lab/dsse):
``DSSEv1``, and the length and bytes of the type and of the YAML, separated by blanks. So a signature of a policy is
none of anything else, and any Ed25519 program can verify it.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from pathlib import Path

from paretoroute.errors import SignatureError, file_name
from paretoroute.policy.files import PolicyBytes
from paretoroute.policy.signatures.small_file import NotPlain, read_small_file

SUFFIX = ".sig"
TYPE = "application/vnd.paretoroute.policy.v1+yaml"
SCHEMA_VERSION = 1
MAX_BYTES = 4096
MAX_SIGNATURES = 16
_OPENING = (f"schema: {SCHEMA_VERSION}", f"type: {TYPE}")
_SCHEMA = re.compile(r"schema: ([0-9]{1,9})", re.ASCII)
_DIGEST = re.compile(r'policy_sha256: "([0-9a-f]{64})"', re.ASCII)
_ENTRY = re.compile(r'  - \{key: "([0-9a-f]{64})", ed25519: "([0-9a-f]{128})"\}', re.ASCII)


@dataclass(frozen=True, slots=True)
class Signatures:
    """The content of a file of signatures.

    Args:
        policy_sha256: of the YAML file that was signed, in hex.
        by_key: signatures of 64 bytes by the ids of their keys; at most 16.
    """

    policy_sha256: str
    by_key: dict[str, bytes] = field(default_factory=dict[str, bytes])

    def text(self) -> str:
        """Return the content of the file."""
        lines = [*_OPENING, f'policy_sha256: "{self.policy_sha256}"', "signatures:"]
        lines += [f'  - {{key: "{key}", ed25519: "{self.by_key[key].hex()}"}}' for key in sorted(self.by_key)]
        return "\n".join(lines) + "\n"


def signature_path(policy: Path) -> Path:
    """Return where the signatures of a policy lie; the policy is the YAML file itself, not a link to it."""
    return policy.parent / (policy.name + SUFFIX)  # with_name() refuses a path without a name, such as /


def message(content: bytes) -> bytes:
    """Return what is signed of the content of a YAML file: the encoding of DSSE."""
    return b"DSSEv1 %d %s %d %s" % (len(TYPE), TYPE.encode(), len(content), content)


def sha256_of(content: bytes) -> str:
    """Return the SHA-256 of the content of a YAML file, in hex."""
    return hashlib.sha256(content).hexdigest()


def read_signatures(policy: PolicyBytes) -> Signatures:
    """Read the signatures of a policy.

    Raises:
        SignatureError: there is no file of them, or it is not in the form in which it is written.
    """
    path = signature_path(policy.file)
    return parse_signatures(read_signature_bytes(policy), file_name(path))


def read_signature_bytes(policy: PolicyBytes) -> bytes:
    """Read the content of the file of signatures.

    Raises:
        SignatureError: there is none, or it cannot be read.
    """
    path = signature_path(policy.file)
    name = file_name(path)
    try:
        return read_small_file(path, most=MAX_BYTES, follow_links=False)
    except FileNotFoundError:
        raise SignatureError(
            f"{policy.name}: is not signed: {name} is missing beside {file_name(policy.file)}; copy it there, or sign "
            "the policy with paretoroute sign"
        ) from None
    except NotPlain as error:
        raise SignatureError(f"{name}: {error}; put the file that paretoroute sign wrote beside the policy") from None
    except OSError as error:
        raise SignatureError(f"{name}: cannot be read: {error.strerror}; check its permissions") from None


def parse_signatures(content: bytes, name: str) -> Signatures:
    """Parse the content of a file of signatures, called ``name`` in errors.

    Raises:
        SignatureError: it is not in the form in which it is written, or of a newer schema.
    """
    *lines, rest = content.decode("ascii", "replace").split("\n")
    opening, parsed = len(_OPENING), Signatures("")
    for number, line in enumerate(lines):
        if number < opening:
            is_right = line == _OPENING[number]
        elif number == opening:
            digest = _DIGEST.fullmatch(line)
            is_right, parsed = digest is not None, Signatures(digest[1] if digest else "")
        elif number == opening + 1:
            is_right = line == "signatures:"
        else:
            is_right = _add(parsed.by_key, line)
        if not is_right:
            raise _refusal(line, number, name)
    if rest or not parsed.by_key:
        raise SignatureError(f"{name}: is cut off; copy the file again, or sign the policy again")
    return parsed


def _add(by_key: dict[str, bytes], line: str) -> bool:
    """Add the signature of a line; return whether it is one, after those of the lines before."""
    entry = _ENTRY.fullmatch(line)
    if entry is None or len(by_key) == MAX_SIGNATURES or (by_key and entry[1] <= max(by_key)):
        return False
    by_key[entry[1]] = bytes.fromhex(entry[2])
    return True


def _refusal(line: str, number: int, name: str) -> SignatureError:
    schema = _SCHEMA.fullmatch(line) if number == 0 else None
    if schema is not None and int(schema[1]) > SCHEMA_VERSION:
        return SignatureError(
            f"{name}: schema {schema[1]} was written by a newer paretoroute (this one reads schema {SCHEMA_VERSION}); "
            "upgrade paretoroute"
        )
    return SignatureError(
        f"{name}, line {number + 1}: is not as paretoroute sign writes it; copy the file again, or remove it and sign "
        "the policy again"
    )
