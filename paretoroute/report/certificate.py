"""Certificates in words: a policy's own, and the answers of ``certify`` and ``verify``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from paretoroute.policy.schema import PolicyDocument
from paretoroute.policy.schema_types import CertificateEntry
from paretoroute.price import UNIT, dollars_text, per_thousand
from paretoroute.report.layout import Entries, Entry

if TYPE_CHECKING:
    from paretoroute.evaluation.certificate.results import Certified, NotCertified

_PRINTED = 1e-3  # relative
_METHODS = {
    "binomial": "exact binomial test",
    "hoeffding_bentkus": "Hoeffding-Bentkus bound",
    "betting": "betting test",
    "off_policy_betting": "betting test on doubly robust estimates",
}


def certificate_entries(document: PolicyDocument) -> list[Entry]:
    """Describe the certificate of a policy; of one without, nothing.

    A certificate that is not of this very file is called so, and its claim is not repeated.
    """
    entry = document.certificate
    if entry is None:
        return []
    from paretoroute.evaluation.certificate.document import is_intact  # loaded only where there is a certificate

    if document.surface.sha256 and not is_intact(document):  # a policy in memory has no hash of its numbers yet
        text = "the policy or its certificate was edited after the certification: nothing is certified"
        return [Entry("!", text, "bold red")]
    entries = [
        Entry("certified", _claim_text(entry), "bold green"),
        Entry("", f"it does not cover {'; '.join(entry.not_covered)}"),
    ]
    if _falls_short(document):
        entries.append(Entry("", "expected is of other queries, those of the fit, and misses the target there"))
    return entries


def _falls_short(document: PolicyDocument) -> bool:
    """Return whether the expected figures miss the target by more than the digits that are printed."""
    expected, target = document.expected, document.target
    if target.kind == "max_cost":
        return expected.cost_usd > target.usd * (1 + _PRINTED)
    return target.kind == "min_quality" and expected.quality < target.quality * (1 - _PRINTED)


def _claim_text(entry: CertificateEntry) -> str:
    counted = f"{entry.queries} queries"
    if entry.groups < entry.queries:
        counted = f"{counted} in {entry.groups} groups of copies and conversations"
    new = "held out of the log" if entry.split.by == "hold_out" else "of another log"
    test = f"{_METHODS[entry.method]} on {counted} {new}, p = {entry.p_value:.3g}"
    return f"{entry.claim}, at level {entry.level:g} ({test})"


def certified_text(answer: Certified, out: Path | None) -> Entries:
    """Describe a policy that was certified, what certainty costs, and where it was written."""
    before, after = answer.before.document.expected, answer.policy.document.expected
    entry = answer.certificate
    entries = [
        Entry("certified", _claim_text(entry), "bold green"),
        Entry("", f"it does not cover {'; '.join(entry.not_covered)}"),
        Entry("price", f"the last that passed of {entry.prices_tested} tested, in an order that the fit's runs set"),
        Entry("expected", f"quality {after.quality:.3f}, {_cost_text(after.cost_usd)}, at the certified price"),
        Entry("before", f"quality {before.quality:.3f}, {_cost_text(before.cost_usd)}, as the target was solved"),
    ]
    if entry.missing:
        entries.append(Entry("missing", f"{entry.missing:.2%} of the calls were not logged, and count as the worst"))
    if out is None:
        entries.append(Entry("next", "give --out NEW.yaml to write the certified policy"))
    else:
        entries.append(Entry("written", str(out)))
    return Entries(tuple(entries))


def _cost_text(usd: float) -> str:
    return f"{dollars_text(per_thousand(usd))} {UNIT}"


def not_certified_text(answer: NotCertified) -> Entries:
    """Describe why a target is not certified, and what would help."""
    queries = f"{answer.queries} queries" + (f" in {answer.groups} groups" if answer.groups < answer.queries else "")
    test = (
        f"{answer.target} at level {answer.level:g}: {_METHODS[answer.method]} on {queries}, p = {answer.p_value:.3g}"
    )
    return Entries((Entry("!", "not certified", "bold red"), Entry("tested", test), Entry("reason", answer.reason)))


def verified_text(answer: Certified) -> Entries:
    """Describe a certificate that was computed again."""
    text = f"computed again, with the same result: {_claim_text(answer.certificate)}"
    return Entries((Entry("verified", text, "bold green"),))


def answer_json(answer: Certified | NotCertified) -> dict[str, Any]:
    """Return an answer as plain data."""
    from paretoroute.evaluation.certificate.results import Certified

    if isinstance(answer, Certified):
        expected = answer.policy.document.expected
        figures = {"expected_quality": expected.quality, "expected_cost_usd": expected.cost_usd}
        return {"certified": True, **answer.certificate.model_dump(mode="json"), **figures}
    return {
        "certified": False,
        "target": str(answer.target),
        "level": answer.level,
        "method": answer.method,
        "p_value": answer.p_value,
        "queries": answer.queries,
        "groups": answer.groups,
        "groups_needed": answer.groups_needed,
        "reason": answer.reason,
    }
