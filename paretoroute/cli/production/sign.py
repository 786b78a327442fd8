"""The commands ``sign`` and ``verify-signature``: sign a policy, and check whose signature it has."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from paretoroute.cli.arguments.options import PolicyFile
from paretoroute.cli.arguments.trust import TrustedKeys, read_trusted_keys
from paretoroute.cli.console import show
from paretoroute.errors import KeyFileError
from paretoroute.policy.signatures.environment import VARIABLE

PASSPHRASE_VARIABLE = "PARETOROUTE_KEY_PASSPHRASE"


def sign(
    policy: PolicyFile,
    *,
    key: Annotated[
        Path,
        typer.Option(
            "--key",
            metavar="FILE",
            help="Ed25519 private key, as `openssl genpkey -algorithm ed25519` writes it; if it is encrypted, its "
            f"passphrase is that of {PASSPHRASE_VARIABLE}.",
        ),
    ],
) -> None:
    """Sign a policy, so that planners can require the signature.

    The signature is written to POLICY.yaml.sig; the policy itself is not changed. Signatures of the same policy by
    other keys are kept.
    """
    from paretoroute.policy.files import real_path
    from paretoroute.policy.signatures.sign import sign_policy
    from paretoroute.policy.signatures.signature_file import signature_path
    from paretoroute.report.layout import Entries, Entry

    public = sign_policy(policy, key=key, passphrase=os.environ.get(PASSPHRASE_VARIABLE))
    written = signature_path(real_path(policy) if policy.is_symlink() else policy)
    show(Entries((Entry("signed", str(policy)), Entry("key", public.id), Entry("written", str(written)))))


def verify_signature(policy: PolicyFile, *, trusted_key: TrustedKeys = None) -> None:
    """Check that a trusted key signed a policy.

    The exit code is 2 if none did, or if the policy was changed since.
    """
    from paretoroute.policy.signatures.verify import verify_signature as verify
    from paretoroute.report.layout import Entries, Entry

    keys = read_trusted_keys(trusted_key)
    if keys is None:
        raise KeyFileError(f"no key is trusted; name a public key: --trusted-key FILE, or set {VARIABLE}")
    public = verify(policy, trusted_keys=keys)
    show(Entries((Entry("signed", str(policy)), Entry("key", public.id), Entry("file", public.name))))
