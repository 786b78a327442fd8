"""The rows of an import: calls of a model, and records that are no usable call, each with its place in the log."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from paretoroute.grid import Budget

FAILED = "failed call"
CACHED = "answered from a cache"
NOT_A_CALL = "not a model call"
NOT_A_GENERATION = "not a generation of text"
REDACTED = "query text redacted"
NO_TEXT = "no query text"
NO_MODEL = "no model"
NO_SCORE = "no score"
OTHER_SCORE = "judged by other scores than the one that is the quality"
UNDRAWN = "no propensity: no planner drew the point"
REPEATED = "a record of a call that was read before"
NESTED = "the same call is logged again inside it"

Query = str | list[dict[str, Any]]  # a text, or chat messages of role and content


@dataclass(frozen=True, slots=True)
class Place:
    """Where a record stands.

    Args:
        file: name of the file.
        position: its line or row, from 1; 0: the file as a whole.
        unit: what ``position`` counts.
        detail: the part of that line or row, such as ``span 0af1``.
    """

    file: str
    position: int = 0
    unit: str = "line"
    detail: str = ""

    def part(self, detail: str) -> Place:
        """Return the place of a part of this record."""
        return Place(self.file, self.position, self.unit, detail)

    def __str__(self) -> str:
        parts = [self.file, f"{self.unit} {self.position}" if self.position else "", self.detail]
        return ", ".join(filter(None, parts))


@dataclass(frozen=True, slots=True)
class Aside:
    """A record that is no usable call.

    Args:
        place: where it stands.
        reason: why it is none; equal for all records of one kind.
        detail: what to add for this one, or ``""``.
    """

    place: Place
    reason: str
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.place}: {self.reason}" + (f" ({self.detail})" if self.detail else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """Token counts of a call; None: unknown.

    Args:
        prompt: of the whole prompt, those read from or written to a cache included.
        completion: of the whole answer, hidden reasoning included.
        reasoning: of the answer, hidden reasoning.
        cached: of the prompt, read from a cache.
        cache_write: of the prompt, written to a cache.
    """

    prompt: float | None = None
    completion: float | None = None
    reasoning: float | None = None
    cached: float | None = None
    cache_write: float | None = None

    @property
    def are_known(self) -> bool:
        """Whether a price can be computed."""
        return self.prompt is not None and self.completion is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One logged call of a model.

    Args:
        place: where it stands in the log.
        query: what was asked.
        model: which model answered, as the log names it.
        budget: the test-time compute that was asked of that model.
        tokens: what was counted.
        cost_usd: what was billed; None: unknown.
        latency_s: from the request to the end of the answer.
        time: when it started, in seconds since 1970.
        tenant: on whose behalf, or ``""``.
        conversation: the conversation that the log names, or ``""``.
        trace: the request that it is part of; a conversation only where several queries share it.
        propensity: the probability with which its point was chosen.
        tag: a label of the query, or ``""``.
        sample_index: which repeat of the query it is.
        scores: the values that judge the answer, by name.
        ids: values of the ids that scores may name, the most specific id first.
        key: equal for two records of one call; None: no two records are compared.
        beside: what belongs to the query and is not in its text, such as the choices of an answer.
        sample: equal for calls of one sample of a benchmark, whatever its words, or ``""``.
        sample_is_certain: whether it tells samples apart by what they hold, and not by a name alone.
        price_factor: what the call costs relative to the list price, such as 0.5 in a batch.
    """

    place: Place
    query: Query
    model: str
    budget: Budget = Budget()
    tokens: Tokens = Tokens()
    cost_usd: float | None = None
    latency_s: float | None = None
    time: float | None = None
    tenant: str = ""
    conversation: str = ""
    trace: str = ""
    propensity: float | None = None
    tag: str = ""
    sample_index: float | None = None
    scores: Mapping[str, Sequence[object]] = field(default_factory=dict)
    ids: Mapping[str, str] = field(default_factory=dict)
    key: str | None = None
    beside: str = ""
    sample: str = ""
    sample_is_certain: bool = False
    price_factor: float = 1.0


@dataclass(frozen=True, slots=True)
class Score:
    """A judgement of an answer that stands apart from the call.

    Args:
        place: where it stands.
        name: of what it judges, or ``""``.
        value: a number, boolean or word.
        ids: values of its ids, by name.
        model: whose answer it judges, or ``""``.
    """

    place: Place
    name: str
    value: object
    ids: Mapping[str, str]
    model: str = ""


@dataclass
class Reading:
    """What a source read from its files.

    Args:
        calls: the calls, in the order of the log.
        asides: the records that are no usable call.
        scores: judgements that stand apart.
        preferred: names of the score to take where there are several, the best first.
        by_task: these names by tag, where each task has scores of its own, as in benchmarks.
        notes: sentences for the user.
        verbatim: whether model names are the log's own and no provider's, and stay as they are.
    """

    calls: list[Call] = field(default_factory=list)
    asides: list[Aside] = field(default_factory=list)
    scores: list[Score] = field(default_factory=list)
    preferred: list[str] = field(default_factory=list)
    by_task: dict[str, list[str]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    verbatim: bool = False

    def add(self, row: Call | Aside) -> None:
        """Take in a row."""
        if isinstance(row, Call):
            self.calls.append(row)
        else:
            self.asides.append(row)


class Unusable(Exception):
    """Raised while a record is read: it is no usable call.

    Args:
        reason: why; equal for all records of one kind.
        detail: what to add for this one.
    """

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(reason)
        self.reason, self.detail = reason, detail

    def at(self, place: Place) -> Aside:
        """Return it as a record that is set aside."""
        return Aside(place, self.reason, self.detail)


@dataclass(frozen=True, slots=True)
class Reason:
    """The records that were set aside for one reason.

    Args:
        text: the reason.
        records: how many there are.
        first: the first of them.
    """

    text: str
    records: int
    first: Aside

    def __str__(self) -> str:
        more = f", {self.first.detail}" if self.first.detail else ""
        return f"{self.records}, {self.text} (first: {self.first.place}{more})"


def by_reason(asides: Sequence[Aside]) -> list[Reason]:
    """Count records by reason, the commonest first."""
    counts = Counter(aside.reason for aside in asides)
    first: dict[str, Aside] = {}
    for aside in asides:
        first.setdefault(aside.reason, aside)
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [Reason(text, count, first[text]) for text, count in ordered]
