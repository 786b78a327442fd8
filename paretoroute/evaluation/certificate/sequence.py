"""Walk through the prices of a policy, testing each on held-out runs, until one fails."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from paretoroute._arrays import Floats
from paretoroute.evaluation.certificate.claims import Claim, claim_of
from paretoroute.evaluation.certificate.held_out import HeldOutRuns
from paretoroute.evaluation.certificate.p_values import Method, p_value
from paretoroute.evaluation.certificate.prices import Candidate
from paretoroute.policy.policy import Policy
from paretoroute.targets import Target

POWER = 0.95  # with which the number of queries that would be needed certifies the observed margin
MOST_MISSING = 0.05  # share of the calls whose outcome may be unknown; each counts as the worst


@dataclass(frozen=True)
class PriceTest:
    """The test of one rule.

    Args:
        candidate: the rule, with its training figures.
        claim: what was tested; None where the cost has no cap, and then nothing was.
        p_value: in [0, 1].
        mean_loss: observed over groups.
        spread: standard deviation of what the test reads: a yes or no, or the loss itself.
        missing: share of the calls whose outcome was not logged, in [0, 1].
    """

    candidate: Candidate
    claim: Claim | None
    p_value: float
    mean_loss: float
    spread: float
    missing: float

    @property
    def margin(self) -> float:
        """Observed distance of the mean loss below its limit; 0 or less where it is not."""
        return 0.0 if self.claim is None else self.claim.limit - self.mean_loss

    def groups_needed(self, level: float) -> int | None:
        """Return how many groups would certify the observed margin 95 times in 100; None where there is none.

        n = (z_level + z_.95)^2 s^2 / margin^2, with s^2 = q (1 - q) for yes or no.
        """
        if self.margin <= 0:
            return None
        z = NormalDist().inv_cdf(level) + NormalDist().inv_cdf(POWER)
        return int(np.ceil((z * self.spread / self.margin) ** 2))


@dataclass(frozen=True, kw_only=True)
class Setting:
    """How a target is tested.

    Args:
        target: of quality or cost.
        level: confidence, such as 0.9.
        method: the test.
        seed: of the yes/no draws, text.
    """

    target: Target
    level: float
    method: Method
    seed: str

    @property
    def delta(self) -> float:
        """Largest p-value that passes."""
        return 1 - self.level


def walk(policy: Policy, rules: Sequence[Candidate], held_out: HeldOutRuns, setting: Setting) -> list[PriceTest]:
    """Test the rules in order up to the first that fails; all but the last of a longer walk have passed."""
    uniform = draws(held_out.names, setting.seed)
    tests: list[PriceTest] = []
    for candidate in rules:
        tests.append(price_test(policy, candidate, held_out, setting, uniform))
        if tests[-1].p_value > setting.delta:
            break
    return tests


def price_test(
    policy: Policy, candidate: Candidate, held_out: HeldOutRuns, setting: Setting, uniform: Floats
) -> PriceTest:
    """Test one rule."""
    claim = claim_of(setting.target, candidate.rule, policy, held_out)
    known = held_out.quality if claim is None or claim.cap_usd is None else held_out.cost_usd
    missing = float(held_out.expected(candidate.rule, np.isnan(known).astype(np.float64)).mean())
    if claim is None:
        return PriceTest(candidate, None, 1.0, 1.0, 1.0, missing)
    losses = held_out.by_group(held_out.expected(candidate.rule, claim.table))
    losses = np.clip(losses, 0.0, 1.0)  # probabilities may add up to 1 + 1e-16
    p = p_value(losses, claim.limit, method=setting.method, draws=uniform, delta=setting.delta)
    mean = float(losses.mean())
    variance = float(losses.var()) if setting.method == "betting" else mean * (1 - mean)
    return PriceTest(candidate, claim, float(p), mean, max(variance, 0.0) ** 0.5, missing)


def draws(names: Sequence[str], seed: str) -> Floats:
    """Return a number in [0, 1) for each group, a hash of the seed and its name, ``(groups,)``."""
    key = hashlib.sha256(seed.encode()).digest()
    hashes = [hashlib.blake2b(name.encode("utf-8", "replace"), key=key, digest_size=8).digest() for name in names]
    return np.array([int.from_bytes(one, "big") >> 11 for one in hashes], np.float64) / 2**53
