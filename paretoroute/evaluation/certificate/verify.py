"""``verify``: compute a certificate again, from the policy and the runs that it names."""

from __future__ import annotations

import math
from typing import cast

from paretoroute.encoders.base import Encoder, feature_function
from paretoroute.errors import CertificateError, PolicyError, RunsError, expect, needs_fit_extra
from paretoroute.evaluation.certificate.certify import certified
from paretoroute.evaluation.certificate.document import (
    policy_sha256,
    sealed,
    without_certificate,
)
from paretoroute.evaluation.certificate.held_out import FeatureFunction
from paretoroute.evaluation.certificate.hold_out import HoldOut, held_out_side
from paretoroute.evaluation.certificate.p_values import METHODS, Method
from paretoroute.evaluation.certificate.results import Certified, NotCertified
from paretoroute.policy.policy import Policy
from paretoroute.policy.schema_types import CertificateEntry
from paretoroute.runs.table import Runs

CLOSE = 1e-6  # p-values of two machines may differ by rounding, relative


@needs_fit_extra
def verify(
    policy: Policy, runs: Runs, *, features: FeatureFunction | None = None, encoder: Encoder | None = None
) -> Certified:
    """Verify the certificate of a policy by computing it again.

    Args:
        policy: with a certificate.
        runs: the certification runs; or the whole log, where a part of it was held out.
        features: the feature function that the policy was fitted with, if any.
        encoder: the encoder that the policy was fitted with, if any.

    Raises:
        CertificateError: there is no certificate; the policy or the certificate was edited; the runs are others; or the
            tests give another result.
        RunsError: the fit saw some of the queries.
    """
    expect("the policy", policy, Policy, PolicyError)
    expect("the log", runs, Runs, RunsError)
    entry = policy.document.certificate
    if entry is None:
        raise CertificateError(
            f"policy {policy.document.name!r} has no certificate; make one with `paretoroute certify POLICY RUNS --out`"
        )
    _check_hashes(policy, entry)
    side = _certification_runs(policy, entry, runs)
    method = cast("Method | None", entry.method if entry.method in METHODS else None)
    function = feature_function(features, encoder)
    answer = certified(
        without_certificate(policy), side, entry.split, level=entry.level, method=method, features=function
    )
    if isinstance(answer, NotCertified):
        raise CertificateError(f"the certificate does not hold: {answer.reason}")
    _compare(entry, answer.certificate)
    return answer


def _check_hashes(policy: Policy, entry: CertificateEntry) -> None:
    if sealed(entry) != entry:
        raise CertificateError("the certificate was edited after the certification; restore it, or certify again")
    if policy_sha256(policy) != entry.policy_sha256:
        raise CertificateError(
            "the policy was changed after the certification: its certificate is about another one; restore the policy, "
            "or certify again"
        )


def _certification_runs(policy: Policy, entry: CertificateEntry, runs: Runs) -> Runs:
    """Return the runs of the certificate: the ones given, or the part of them that was held out."""
    if runs.sha256 == entry.runs_sha256:
        return runs
    split = entry.split
    if split.by == "hold_out" and split.share is not None and split.seed is not None:
        try:
            side = held_out_side(policy, runs, HoldOut(share=split.share, seed=split.seed))
        except RunsError:
            side = runs
        if side.sha256 == entry.runs_sha256:
            return side
    raise CertificateError(
        f"these {len(runs.query_ids)} queries are not the {entry.queries} of the certificate, or some of their runs "
        "differ; give the log that it was made on, whole and with the same --columns and --quality-scale"
    )


def _compare(entry: CertificateEntry, again: CertificateEntry) -> None:
    """Refuse a certificate that differs from the one that was computed again.

    Raises:
        CertificateError: they differ.
    """
    if math.isclose(entry.p_value, again.p_value, rel_tol=CLOSE, abs_tol=1e-300):
        again = sealed(again.model_copy(update={"p_value": entry.p_value}))
    if entry == again:
        return
    names = [
        name for name in type(entry).model_fields if name != "sha256" and getattr(entry, name) != getattr(again, name)
    ]
    shown = "; ".join(f"{name} is {getattr(again, name)}, not {getattr(entry, name)}" for name in names[:2])
    raise CertificateError(f"the certificate does not hold: computed again, {shown or 'it differs'}; certify again")
