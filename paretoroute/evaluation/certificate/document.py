"""The certificate in a policy's file: its entry, the price that it moves, and the hashes that tie the two together."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, cast

from paretoroute._arrays import Floats
from paretoroute.calibration.estimate import PolicyValue
from paretoroute.calibration.outcomes import logged_outcomes
from paretoroute.evaluation.certificate.prices import Candidate
from paretoroute.policy import schema as doc
from paretoroute.policy.codec import target_entry
from paretoroute.policy.eligibility import restrict
from paretoroute.policy.files.write import packed
from paretoroute.policy.packing import to_arrays
from paretoroute.policy.policy import Policy
from paretoroute.policy.schema_types import CertificateEntry
from paretoroute.policy.sections import expected_section, readable, without_findings
from paretoroute.policy.solution_section import LEAST_KEPT
from paretoroute.solver.rules import PriceRule
from paretoroute.solver.solution import Facts, meaning
from paretoroute.targets import MaxCost, Target

_PLACEHOLDER = "0" * 64


def at_rule(policy: Policy, candidate: Candidate, target: Target) -> Policy:
    """Return a policy whose price is the certified one, with the figures to expect there.

    A policy with limits on the population was tested as it is, and stays so.
    """
    value = candidate.value
    if value is None:
        return policy
    document, outcomes, rule = policy.document, policy.outcomes, value.rule
    solution = document.solution.model_copy(
        update={
            "quality_per_usd": float(rule.price),
            "split": float(rule.split),
            "quality_shift": float(value.quality_shift) + 0.0,  # never -0
            "cost_ratio": float(value.cost_ratio),
            "gap": float(outcomes.gap(rule)),
        }
    )
    if _keeps_limits(policy):
        solution = solution.model_copy(update=_status(value, target, has_limits=bool(document.limits)))
    update = {
        "target": target_entry(target),
        "solution": solution,
        "expected": expected_section(outcomes, value, policy.grid.names),
        "grid": _with_shares(document.grid, outcomes.call_shares(rule)),
    }
    return Policy(document.model_copy(update=update), policy.surface, policy.calibration_sample)


def _keeps_limits(policy: Policy) -> bool:
    """Return whether most logged queries have a point within the limits on calls; else a policy stays infeasible."""
    sample, grid = policy.calibration_sample, policy.grid
    forecast = logged_outcomes(sample, grid).forecast
    eligible = restrict(forecast, policy.limits, sample=sample, surface=policy.surface, grid=grid)
    return eligible.share_kept >= LEAST_KEPT


def _status(value: PolicyValue[PriceRule], target: Target, *, has_limits: bool) -> dict[str, Any]:
    """Return the status of a certified price, and its meaning in a sentence."""
    price = value.rule.price
    facts = Facts(shadow_price=price / value.cost_ratio, is_best=price == 0, has_limits=has_limits)
    if isinstance(target, MaxCost):
        status, binds = ("slack", ()) if price == 0 else ("met", ("cost",))
    else:
        status, binds = "met", ("quality",)
    return {"status": status, "meaning": meaning(status, target, None, facts), "nearest": None, "binds": binds}


def _with_shares(grid: Sequence[doc.GridEntry], shares: Floats) -> tuple[doc.GridEntry, ...]:
    """Return the grid with the shares of calls, ``(points,)``."""
    share = iter(shares)
    return tuple(
        entry.model_copy(
            update={
                "points": tuple(
                    point.model_copy(update={"share": readable(min(max(float(next(share)), 0.0), 1.0))})
                    for point in entry.points
                )
            }
        )
        for entry in grid
    )


def with_certificate(policy: Policy, entry: CertificateEntry) -> Policy:
    """Return a policy that carries a certificate."""
    document = policy.document.model_copy(update={"certificate": entry})
    return Policy(document, policy.surface, policy.calibration_sample)


def without_certificate(policy: Policy) -> Policy:
    """Return the policy that the certificate is about."""
    fitted_on = without_findings(policy.document.fitted_on, "certificate")  # why an earlier try failed
    document = policy.document.model_copy(update={"certificate": None, "fitted_on": fitted_on})
    return Policy(document, policy.surface, policy.calibration_sample)


def policy_sha256(policy: Policy) -> str:
    """Hash a policy without its certificate: every entry of its document, and its numbers; not its file names."""
    if policy.sha256:  # it was read from files, and the hash of its numbers was checked
        numbers = policy.document.surface.sha256
    else:
        arrays = to_arrays(policy.surface, policy.calibration_sample)
        numbers = hashlib.sha256(packed(arrays, policy.document.name)).hexdigest()
    return document_sha256(policy.document, numbers)


def document_sha256(document: doc.PolicyDocument, numbers_sha256: str) -> str:
    """Hash a document without its certificate and the name of its side file.

    Args:
        document: content of the YAML file.
        numbers_sha256: hash of the side file.
    """
    surface = document.surface.model_copy(update={"file": "", "sha256": numbers_sha256})
    return _sha256_of(document.model_copy(update={"surface": surface, "certificate": None}).model_dump(by_alias=True))


def sealed(entry: CertificateEntry) -> CertificateEntry:
    """Return an entry with the hash of its own content."""
    return entry.model_copy(update={"sha256": _sha256_of(entry.model_dump(exclude={"sha256"}))})


def entry_of(**content: Any) -> CertificateEntry:
    """Build and seal an entry."""
    return sealed(CertificateEntry(**content, sha256=_PLACEHOLDER))


def is_intact(document: doc.PolicyDocument) -> bool:
    """Return whether neither a document, as it was read, nor its certificate was edited since the certification."""
    entry = document.certificate
    if entry is None:
        return False
    return sealed(entry) == entry and entry.policy_sha256 == document_sha256(document, document.surface.sha256)


def _sha256_of(content: Mapping[str, Any]) -> str:
    text = json.dumps(_plain(content), sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _plain(value: Any) -> Any:
    """Return data in which equal numbers are written alike: whole ones as integers."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in cast("Mapping[Any, Any]", value).items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in cast("list[Any]", value)]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value
