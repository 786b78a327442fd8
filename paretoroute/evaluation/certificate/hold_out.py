"""Split one log for a certificate: fit on one side, certify on the other, and never fit again on both."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from paretoroute._arrays import Mask
from paretoroute.errors import RunsError, TargetError, percent_hint, real
from paretoroute.evaluation.certificate.certify import certified
from paretoroute.evaluation.certificate.held_out import FeatureFunction
from paretoroute.evaluation.certificate.results import Certified, NotCertified
from paretoroute.fitting.sample import LEAST_QUERIES
from paretoroute.policy.codec import target_of
from paretoroute.policy.policy import Policy
from paretoroute.policy.schema_types import SplitEntry
from paretoroute.policy.sections import with_finding
from paretoroute.runs.folds import groups_of, is_seen
from paretoroute.runs.table import Runs
from paretoroute.targets import BestTrade, Target


@dataclass(frozen=True, kw_only=True)
class HoldOut:
    """A part of a log, chosen by a hash of seed and group: copies and turns of one conversation stay together.

    Args:
        share: of the groups that are held out on average, in (0, 1).
        seed: of the hash.
    """

    share: float
    seed: int

    def mask(self, runs: Runs) -> Mask:
        """Return which queries are held out, bool ``(queries,)``, whatever their order.

        Raises:
            RunsError: one of the sides is empty.
        """
        held = np.array([self._place(name) < self.share for name in groups_of(runs)], bool)
        if held.all() or not held.any():
            side = "every query" if held.all() else "no query"
            raise RunsError(
                f"a hold-out of {self.share:g} takes {side} of {len(held)}; log more queries, or hold out another share"
            )
        return held

    def _place(self, group: str) -> float:
        digest = hashlib.sha256(f"hold out {self.seed}:{group}".encode("utf-8", "replace")).digest()
        return int.from_bytes(digest[:8], "big") / 2**64

    def entry(self) -> SplitEntry:
        """Write it down; the hash of the groups is filled in by the certification."""
        return SplitEntry(by="hold_out", share=self.share, seed=self.seed, sha256="0" * 64)


def held_out_side(policy: Policy, runs: Runs, split: HoldOut) -> Runs:
    """Return the held-out runs of a log, without queries that are copies of fitted ones outside their conversation.

    Raises:
        RunsError: nothing is held out.
    """
    held, hashes = split.mask(runs), policy.calibration_sample.seen
    if hashes is not None:
        held &= ~is_seen(runs, hashes, policy.document.fitted_on.runs_sha256)
    return runs.select(held)


def fit_and_certify(
    runs: Runs,
    fit: Callable[[Runs], Policy],
    *,
    target: Target | None,
    level: float,
    share: float,
    seed: int,
    features: FeatureFunction | None,
) -> Policy:
    """Fit on one side of a log and certify on the other.

    Args:
        runs: the log.
        fit: fits a policy.
        target: of the fit.
        level: of the certificate, in (0, 1).
        share: of the groups to hold out, in (0, 1).
        seed: of the split.
        features: the feature function, if any.

    Returns:
        The certified policy; or the policy as it was fitted, with a finding of kind ``certificate`` that states why it
        is not certified.

    Raises:
        RunsError: one of the sides is empty, or too small to fit on.
        TargetError: the level or the share is out of range, or the target states no threshold.
    """
    for name, value in (("certify", level), ("hold_out", share)):
        if not 0 < real(name, value) < 1:
            raise TargetError(f"{name} must lie between 0 and 1, got {value}.{percent_hint(value)}")
    if isinstance(target, BestTrade):
        raise TargetError("the best trade has no threshold that could be certified; give another target")
    split = HoldOut(share=float(share), seed=seed)
    held = split.mask(runs)
    if (left := int((~held).sum())) < LEAST_QUERIES:
        raise RunsError(
            f"a hold-out of {share:g} leaves {left} of {len(held)} queries for the fit, which needs at least "
            f"{LEAST_QUERIES}; hold out a smaller share, such as 0.5, or log more queries"
        )
    policy = fit(runs.select(~held))
    answer = certified(
        policy, held_out_side(policy, runs, split), split.entry(), level=level, method=None, features=features
    )
    return answer.policy if isinstance(answer, Certified) else _marked(policy, answer)


def _marked(policy: Policy, answer: NotCertified) -> Policy:
    """Return a policy with the finding that it is not certified."""
    text = f"not certified: {target_of(policy.document.target)} at level {answer.level:g}: {answer.reason}"
    fitted_on = with_finding(policy.document.fitted_on, "certificate", text)
    document = policy.document.model_copy(update={"fitted_on": fitted_on})
    return Policy(document, policy.surface, policy.calibration_sample)
