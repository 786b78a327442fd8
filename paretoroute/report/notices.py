"""The findings of a fit about its log, each once: rows set aside, assumptions, prices, notices and signals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from paretoroute.policy.schema import PolicyDocument
from paretoroute.report.labels import labels_of
from paretoroute.report.layout import Entries, Entry

if TYPE_CHECKING:
    from paretoroute.runs.table import Runs

_SHOWN = 3  # models named in one notice
_KEYS = {"set_aside": "set aside", "price": "prices", "signal": "signal", "certificate": "!"}


def fit_notices(runs: Runs, document: PolicyDocument, *, in_detail: bool = False) -> Entries:
    """List the findings about a log.

    Args:
        runs: the log as it was read.
        document: of the policy fitted on it.
        in_detail: whether to add the signals, and the notices that are otherwise only counted.
    """
    fitted_on, label = document.fitted_on, labels_of(document)
    entries = [Entry("log", f"read {fitted_on.runs} runs of {fitted_on.queries} queries at {fitted_on.points} points")]
    if fitted_on.assumption:
        entries.append(Entry("assumes", fitted_on.assumption))
    for kind, text in _shown(document, in_detail=in_detail):
        entries.append(Entry(_KEYS.get(kind, "note"), label.in_text(text)))
        if kind == "set_aside" and runs.set_aside:
            entries.append(Entry("", f"the first: {runs.set_aside[0]}"))
    return Entries(tuple(entries))


def with_log(told: Entries, runs: Runs) -> Entries:
    """Add to an answer what was found while its log was read."""
    entries = list(told.entries)
    for finding in runs.notices:
        entries.append(Entry(_KEYS.get(finding.kind, "note"), finding.text))
        if finding.kind == "set_aside" and runs.set_aside:
            entries.append(Entry("", f"the first: {runs.set_aside[0]}"))
    return Entries(tuple(entries))


def signals(document: PolicyDocument) -> Entries:
    """List how much of each figure the query explained in the fit."""
    label, findings = labels_of(document), document.fitted_on.findings_by_kind()
    return Entries(tuple(Entry("signal", label.in_text(text)) for kind, text in findings if kind == "signal"))


def notices(document: PolicyDocument) -> list[str]:
    """Return all findings but the verdict as sentences, those that differ in the model alone as one."""
    findings = [finding for finding in document.fitted_on.findings_by_kind() if finding[0] != "verdict"]
    label, models = labels_of(document), [entry.model for entry in document.grid]
    return [label.in_text(text) for _, text in merged(findings, models)]


def _shown(document: PolicyDocument, *, in_detail: bool) -> Iterator[tuple[str, str]]:
    """Yield kinds and sentences in the order of the file, without those that are shown elsewhere."""
    findings = document.fitted_on.findings_by_kind()
    if in_detail:
        yield from (finding for finding in findings if finding[0] != "verdict")
        return
    if prices := sum(kind == "price" for kind, _ in findings):
        models = "1 model" if prices == 1 else f"{prices} models"
        yield "price", f"those of {models} were derived from logged cost and tokens (see the policy file)"
    rest = [finding for finding in findings if finding[0] not in ("verdict", "signal", "price")]
    yield from merged(rest, [entry.model for entry in document.grid])


def merged(findings: Iterable[tuple[str, str]], models: Iterable[str]) -> list[tuple[str, str]]:
    """Merge findings of one kind that differ in the name of a model alone.

    Example:
        >>> merged([("note", "cost of a: logged"), ("note", "cost of b: logged")], ["a", "b"])
        [('note', 'cost of a, b: logged')]
    """
    by_length = sorted(models, key=len, reverse=True)
    alike: dict[tuple[str, str, str], list[str]] = {}
    for kind, text in findings:
        model = next((model for model in by_length if f" {model}:" in text), "")
        before, _, after = text.partition(f" {model}:") if model else (text, "", "")
        alike.setdefault((kind, before, after), []).append(model)
    return [(kind, _joined(before, names, after)) for (kind, before, after), names in alike.items()]


def _joined(before: str, models: list[str], after: str) -> str:
    if models[0] == "":
        return before
    counted = list(Counter(models))
    more = f" and {len(counted) - _SHOWN} more (see the policy file)" if len(counted) > _SHOWN else ""
    return f"{before} {', '.join(counted[:_SHOWN])}{more}:{after}"
