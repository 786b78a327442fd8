"""The two answers of a certification."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from paretoroute.evaluation.certificate.p_values import Method
from paretoroute.policy.policy import Policy
from paretoroute.policy.schema_types import CertificateEntry
from paretoroute.targets import Target


@dataclass(frozen=True)
class Certified:
    """A target that a test showed, and the policy that keeps it.

    Args:
        policy: at the certified price, with the certificate in its document; save it.
        before: the policy as it was given, or as it was solved for another target.
    """

    policy: Policy
    before: Policy

    @property
    def certificate(self) -> CertificateEntry:
        """The claim, its level, its test, and what it does not cover."""
        entry = self.policy.document.certificate
        assert entry is not None, "a certified policy carries its certificate"
        return entry

    @property
    def p_value(self) -> float:
        """Of the certified price: the chance of runs as good as these if the claim were just false, at most."""
        return self.certificate.p_value


@dataclass(frozen=True)
class NotCertified:
    """A target that no test showed.

    Args:
        target: that was tested.
        level: that was asked for.
        method: the test.
        p_value: the least that was reached; 1 where nothing could be tested.
        queries: number of certification queries.
        groups: of them, copies and turns of one conversation counted once.
        groups_needed: how many would certify the observed margin about 95 times in 100; None where there is no margin,
            and where nothing could be tested.
        reason: in words.
    """

    target: Target
    level: float
    method: Method | Literal["off_policy_betting"]
    p_value: float
    queries: int
    groups: int
    groups_needed: int | None
    reason: str

    def __str__(self) -> str:
        return self.reason
