"""``certify``: show on queries that a fit never saw that its policy keeps a target.

The claim is about a mean: over queries like the certification runs, quality is at least the target (or cost at most).
At a level of 0.9 at most 10% of certification logs certify a policy that does not keep it, at every size of the log and
whatever the forecasts are worth. Three things make that so. The queries are new to the policy. The prices that may be
certified are ordered by the training side alone, and tested in that order up to the first failure. The p-values are
exact, and no draw is left to choose: its seed is a hash of both logs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import get_args

from paretoroute.encoders.base import Encoder, feature_function
from paretoroute.errors import (
    PolicyError,
    RunsError,
    TargetError,
    expect,
    needs_fit_extra,
    one_line,
    percent_hint,
    real,
)
from paretoroute.evaluation.certificate.claims import check_target, default_method
from paretoroute.evaluation.certificate.document import (
    at_rule,
    entry_of,
    policy_sha256,
    with_certificate,
    without_certificate,
)
from paretoroute.evaluation.certificate.held_out import FeatureFunction, HeldOutRuns, held_out_runs
from paretoroute.evaluation.certificate.p_values import METHODS, Method
from paretoroute.evaluation.certificate.prices import candidates
from paretoroute.evaluation.certificate.results import Certified, NotCertified
from paretoroute.evaluation.certificate.sequence import PriceTest, Setting, walk
from paretoroute.policy.codec import target_of, with_names
from paretoroute.policy.policy import Policy
from paretoroute.policy.schema_types import SplitEntry
from paretoroute.price import rounded_usd
from paretoroute.runs.table import Runs
from paretoroute.targets import MaxCost, MinQuality, Target

NOT_COVERED = (
    "single queries: the claim is about a mean",
    "calls that explore, or that limits of their own redirect",
    "traffic unlike the certification runs, such as after a drift",
    "errors of the judge or grader that gave the logged quality",
)
LIMITS_NOT_COVERED = "the policy's limits: the target alone was tested"
BILLS_NOT_COVERED = "other prices than the policy's, by which cost counts tokens here"
PROPENSITIES_NOT_COVERED = "errors of the logged propensities, which are taken to be right"


@needs_fit_extra
def certify(
    policy: Policy,
    runs: Runs,
    target: Target | None = None,
    *,
    level: float = 0.9,
    method: Method | None = None,
    features: FeatureFunction | None = None,
    encoder: Encoder | None = None,
) -> Certified | NotCertified:
    """Certify that a policy keeps a target, on runs of queries that its fit never saw.

    The certified policy is the given one at a price that passed: for a quality target the cheapest that did.

    Args:
        policy: a policy whose file keeps hashes of the queries of its fit.
        runs: with an outcome at the points that the policy calls.
        target: quality or cost; None: the policy's. For another one than its own the policy is solved first.
        level: confidence of the claim, in (0, 1).
        method: ``binomial`` (exact, on a yes/no draw for every graded loss), ``hoeffding_bentkus`` or ``betting``;
            None: binomial for a quality in [0, 1], betting for a ratio or a cost.
        features: the feature function that the policy was fitted with, if any.
        encoder: the encoder that the policy was fitted with, if any.

    Raises:
        RunsError: the fit saw some of the queries; or none of the policy's points is in the log.
        PolicyError: the policy keeps no record of the queries of its fit.
        TargetError: the target states no threshold, or the level is out of range.

    References:
        Angelopoulos, Bates, Candès, Jordan and Lei, "Learn then test", 2021, arXiv:2110.01052.
    """
    expect("the policy", policy, Policy, PolicyError)
    expect("the log", runs, Runs, RunsError)
    expect("the target", target, (*get_args(Target), type(None)), TargetError)
    if not 0 < real("level", level) < 1:
        raise TargetError(f"level must lie between 0 and 1, such as 0.9, got {level}.{percent_hint(level)}")
    if method is not None and not (isinstance(method, str) and method in METHODS):
        raise TargetError(f"method {one_line(repr(method))}: use {', '.join(METHODS)}")
    own = SplitEntry(by="other_runs", share=None, seed=None, sha256="0" * 64)
    function = feature_function(features, encoder)
    return certified(_solved(policy, target), runs, own, level=level, method=method, features=function)


def _solved(policy: Policy, target: Target | None) -> Policy:
    """Return the policy without a certificate, solved for the target where that is not its own."""
    policy = without_certificate(policy)
    own = target_of(policy.document.target)
    check_target(target or own)
    if target is None or with_names(target, policy.grid.names) == own:
        return policy
    return policy.solve(target)


def certified(
    policy: Policy,
    runs: Runs,
    split: SplitEntry,
    *,
    level: float,
    method: Method | None,
    features: FeatureFunction | None,
) -> Certified | NotCertified:
    """Certify a policy's own target; ``split`` says how the runs were kept from the fit."""
    held_out = held_out_runs(policy, runs, features)
    target = target_of(policy.document.target)
    setting = Setting(target=target, level=level, method=method or default_method(target), seed=_seed(policy, runs))
    tests = walk(policy, candidates(policy, target), held_out, setting)
    passed = [test for test in tests if test.p_value <= setting.delta]
    if not passed:
        return _refused(tests[0], held_out, setting)
    last = passed[-1]
    assert last.claim is not None, "a test without a claim never passes"
    moved = at_rule(policy, last.candidate, target)
    entry = entry_of(
        claim=f"{last.claim.text}, {_over(held_out)}",
        level=float(level),
        method=last.method,
        p_value=last.p_value,
        queries=len(held_out.group),
        groups=len(held_out.names),
        prices_tested=len(tests),
        missing=min(max(last.missing, 0.0), 1.0),
        cap_usd=last.claim.cap_usd,
        effective_queries=last.effective,
        runs_sha256=runs.sha256,
        split=split.model_copy(update={"sha256": _names_sha256(held_out.names)}),
        policy_sha256=policy_sha256(moved),
        not_covered=_not_covered(policy, last, held_out),
    )
    return Certified(with_certificate(moved, entry), policy)


def _over(held_out: HeldOutRuns) -> str:
    """Word what the mean is over: a group of several queries has the weight of one."""
    once = ", copies and turns of one conversation counted once" if len(held_out.names) < len(held_out.group) else ""
    return f"over queries like the certification runs{once}"


def _not_covered(policy: Policy, test: PriceTest, held_out: HeldOutRuns) -> tuple[str, ...]:
    limits = (LIMITS_NOT_COVERED,) if policy.document.limits else ()
    propensities = (PROPENSITIES_NOT_COVERED,) if test.effective is not None else ()
    bills = held_out.bills.repriced if isinstance(target_of(policy.document.target), MaxCost) else {}
    repriced = (f"{BILLS_NOT_COVERED}: {name} was billed x{ratio:.3g} of them" for name, ratio in bills.items())
    return (*NOT_COVERED, *limits, *propensities, *repriced)


def _seed(policy: Policy, runs: Runs) -> str:
    """Return the seed of the yes/no draws, which leaves nothing to choose: a hash of both logs and the fit's seed."""
    log = policy.document.fitted_on
    return f"certificate {log.runs_sha256} {log.seed} {runs.sha256}"


def _names_sha256(names: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(names).encode("utf-8", "replace")).hexdigest()


def _refused(test: PriceTest, held_out: HeldOutRuns, setting: Setting) -> NotCertified:
    needed = test.groups_needed(setting.level)
    return NotCertified(
        target=setting.target,
        level=setting.level,
        method=test.method,
        p_value=test.p_value,
        queries=len(held_out.group),
        groups=len(held_out.names),
        groups_needed=needed,
        reason=_reason(test, held_out, needed, setting),
    )


def _reason(test: PriceTest, held_out: HeldOutRuns, needed: int | None, setting: Setting) -> str:
    if test.claim is None and held_out.bills.beyond_tokens:
        bills = ", ".join(f"x{ratio:.3g} for {name}" for name, ratio in held_out.bills.beyond_tokens.items())
        return (
            f"the bills in these runs hold more than tokens ({bills} of tokens times prices; tools?), so that no "
            "output cap bounds the cost of a call, and a mean of unbounded costs cannot be certified; leave them out"
        )
    if test.claim is None:
        return (
            "the policy calls points that are not priced by tokens, so that no output cap bounds the cost of a call, "
            "and a mean of unbounded costs cannot be certified; give token prices and tokens to the fit"
        )
    if test.fault is not None:
        return (
            f"{test.missing:.0%} of the policy's calls were not logged for their query, {test.fault}; log the points "
            "that the policy calls for all certification queries, or more queries with propensities"
        )
    groups, safest = len(held_out.names), "cheapest" if isinstance(setting.target, MaxCost) else "best"
    if needed is None:
        return f"these runs do not reach the target even at the {safest} price: {_shortfall(test, setting)}"
    return (
        f"at the {safest} price the runs reach the target, {_shortfall(test, setting)}, but {groups} queries are too "
        f"few to show it: the p-value is {test.p_value:.3g} and has to be at most {setting.delta:.3g}. About {needed} "
        "queries would show this margin"
    )


def _shortfall(test: PriceTest, setting: Setting) -> str:
    """Word the observed margin in the unit of the target."""
    assert test.claim is not None, "only claims have margins"
    margin, target = test.margin, setting.target
    side = "better" if margin > 0 else "short"
    if test.claim.cap_usd is not None:
        return f"by {rounded_usd(abs(margin) * test.claim.cap_usd, 3)} per query" + (" less" if margin > 0 else " more")
    scale = 1.0
    if isinstance(target, MinQuality) and target.quality is None:
        scale = 1 + float(target.ratio or 1.0)
    return f"by {100 * abs(margin) * scale:.2g} quality points (of 100)" + ("" if side == "better" else " too low")
