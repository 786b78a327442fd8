"""Walk through the prices of a policy, testing each on held-out runs, until one fails."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import Literal

import numpy as np

from paretoroute._arrays import Floats
from paretoroute.calibration.off_policy.estimators import effective_size
from paretoroute.evaluation.certificate.claims import Claim, claim_of
from paretoroute.evaluation.certificate.held_out import HeldOutRuns
from paretoroute.evaluation.certificate.p_values import Method, off_policy_betting, p_value
from paretoroute.evaluation.certificate.partial_log import LEAST_EFFECTIVE
from paretoroute.evaluation.certificate.prices import Candidate
from paretoroute.policy.policy import Policy
from paretoroute.targets import MinQuality, Target

POWER = 0.95  # with which the number of queries that would be needed certifies the observed margin
MOST_MISSING = 0.05  # share of the calls whose outcome may be unknown; each counts as the worst


def fewest_groups(limit: float, *, level: float, method: str) -> int:
    """Return how many groups without any loss certify a limit.

    A binomial tail, like Hoeffding's bound, is (1 - alpha)^n then, and the wealth of the largest bets (1 + alpha)^n.

    Args:
        limit: alpha, of the mean loss, above 0.
        level: confidence.
        method: the test.
    """
    gain = -math.log1p(-limit) if method != "betting" and limit < 1 else math.log1p(limit)
    return math.ceil(-math.log(1 - level) / gain - 1e-9)


def groups_needed(margin: float, spread: float, *, level: float, is_exact: bool) -> int | None:
    """Return how many groups certify a margin about 95 times in 100; None for no margin.

    n = (z + z_.95)^2 s^2 / margin^2, with z = z_level for the exact test, and s^2 = q (1 - q). Bounds and bets take
    z = sqrt(2 ln(1 / delta)): at its best stake log wealth is about normal, with variance 2 ln(1 / delta) and mean
    sqrt(2 n ln(1 / delta)) margin / s - ln(1 / delta), and has to reach ln(1 / delta).

    Args:
        margin: of the mean loss below its limit.
        spread: s, standard deviation of what the test reads.
        level: confidence.
        is_exact: whether the test is the binomial one.
    """
    if margin <= 0:
        return None
    z = NormalDist().inv_cdf(level) if is_exact else math.sqrt(2 * math.log(1 / (1 - level)))
    return math.ceil(((z + NormalDist().inv_cdf(POWER)) * spread / margin) ** 2)


@dataclass(frozen=True, kw_only=True)
class PriceTest:
    """The test of one rule.

    Args:
        candidate: the rule, with its training figures.
        claim: what was tested; None where the cost has no cap, and then nothing was.
        method: the test.
        p_value: in [0, 1].
        margin: observed distance of the mean loss below its limit; negative above it.
        spread: standard deviation of what the test reads: a yes or no, the loss itself, or the estimate of a query.
        missing: share of the calls whose outcome was not logged, in [0, 1].
        effective: effective sample size on a partial log, else None.
        fault: why a partial log could not be used, in words, else None.
    """

    candidate: Candidate
    claim: Claim | None
    method: Method | Literal["off_policy_betting"]
    p_value: float
    margin: float
    spread: float
    missing: float
    effective: float | None = None
    fault: str | None = None

    def groups_needed(self, level: float) -> int | None:
        """Return how many groups would certify the observed margin about 95 times in 100; None where there is none.

        See `groups_needed`.
        """
        needed = groups_needed(self.margin, self.spread, level=level, is_exact=self.method == "binomial")
        if needed is None or self.claim is None:
            return None
        return max(needed, fewest_groups(self.claim.limit, level=level, method=self.method))


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
    """Test the rules in order up to the first that fails; all but the last of a longer walk have passed.

    Where the first rule's calls are mostly not logged, all are tested by propensities, if those can be used.
    """
    uniform = draws(held_out.names, setting.seed)
    first = price_test(policy, rules[0], held_out, setting, uniform)
    fault = _fault(held_out, setting) if first.missing > MOST_MISSING else None
    by_propensity = first.missing > MOST_MISSING and fault is None
    tests: list[PriceTest] = []
    for candidate in rules:
        if by_propensity:
            tests.append(partial_test(policy, candidate, held_out, setting))
        else:
            tests.append(replace(price_test(policy, candidate, held_out, setting, uniform), fault=fault))
        if tests[-1].p_value > setting.delta:
            break
    return tests


def _fault(held_out: HeldOutRuns, setting: Setting) -> str | None:
    """Return why propensities cannot stand in for missing outcomes; None: they can."""
    if not (isinstance(setting.target, MinQuality) and setting.target.quality is not None):
        return "and propensities stand in for them only where the target is a quality in [0, 1]"
    return held_out.weights.fault


def price_test(
    policy: Policy, candidate: Candidate, held_out: HeldOutRuns, setting: Setting, uniform: Floats
) -> PriceTest:
    """Test one rule on logged outcomes; each that is missing counts as the worst."""
    claim = claim_of(setting.target, candidate.rule, policy, held_out)
    logged = held_out.quality if claim is None or claim.cap_usd is None else held_out.cost_usd
    missing = float(held_out.expected(candidate.rule, np.isnan(logged).astype(np.float64)).mean())
    p, margin, spread = 1.0, 0.0, 1.0
    if claim is not None:
        losses = held_out.by_group(held_out.expected(candidate.rule, claim.table))
        losses = np.clip(losses, 0.0, 1.0)  # probabilities may add up to 1 + 1e-16
        p = float(p_value(losses, claim.limit, method=setting.method, draws=uniform, delta=setting.delta))
        mean = float(losses.mean())
        margin = claim.limit - mean
        spread = float(losses.std()) if setting.method == "betting" else (mean * (1 - mean)) ** 0.5
    return PriceTest(
        candidate=candidate,
        claim=claim,
        method=setting.method,
        p_value=p,
        margin=margin,
        spread=spread,
        missing=missing,
    )


def partial_test(policy: Policy, candidate: Candidate, held_out: HeldOutRuns, setting: Setting) -> PriceTest:
    """Test the quality of one rule on doubly robust estimates of its calls; see `partial_log`.

    No outcome could correct a forecast at a point that the log lacks: calls there count as the worst.
    """
    claim = claim_of(setting.target, candidate.rule, policy, held_out)
    assert claim is not None, "claims about quality have no cap"
    rule, is_logged, floor = candidate.rule, ~np.isnan(held_out.quality), 1 - claim.limit
    weight = np.where(is_logged, held_out.weights.weight, 0.0)
    forecast = np.where(is_logged.any(axis=0), held_out.forecast.quality, 0.0)
    error = np.where(is_logged, held_out.quality - forecast, 0.0)
    values = held_out.by_group(held_out.expected(rule, forecast + weight * error))
    effective = effective_size(held_out.expected(rule, weight))
    p, fault = 1.0, None
    if effective < LEAST_EFFECTIVE:
        fault = f"and the effective sample size is {effective:.0f}, below the {LEAST_EFFECTIVE:.0f} that are asked for"
    else:
        least = -held_out.weights.largest
        p = float(off_policy_betting(values, floor, delta=setting.delta, least=least))
    return PriceTest(
        candidate=candidate,
        claim=claim,
        method="off_policy_betting",
        p_value=p,
        margin=float(values.mean()) - floor,
        spread=float(values.std()),
        missing=float(held_out.expected(rule, (~is_logged).astype(np.float64)).mean()),
        effective=effective,
        fault=fault,
    )


def draws(names: Sequence[str], seed: str) -> Floats:
    """Return a number in [0, 1) for each group, a hash of the seed and its name, ``(groups,)``."""
    key = hashlib.sha256(seed.encode()).digest()
    hashes = [hashlib.blake2b(name.encode("utf-8", "replace"), key=key, digest_size=8).digest() for name in names]
    return np.array([int.from_bytes(one, "big") >> 11 for one in hashes], np.float64) / 2**53
