"""Observations of Langfuse: pages of its API in JSON, and its exports in JSON, JSON lines or CSV.

Usage is in disjoint buckets: the prompt is the sum of those named ``input``, the answer of those named ``output``. If
the logged total is that of ``input`` and ``output`` alone, a caller stated the others as parts of them.
Parameters hold defaults that nobody sent, of which none is a budget. User, session and tags may stand on the trace
alone, whose records may be among the files, and so may a score.

References:
    Langfuse, "Observations" of the public API; names with underscores are those of exports to a blob storage.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from paretoroute.runs.importers.budgets import budget_of
from paretoroute.runs.importers.calls import (
    FAILED,
    NESTED,
    NO_MODEL,
    NOT_A_CALL,
    NOT_A_GENERATION,
    Aside,
    Call,
    Place,
    Reading,
    Tokens,
    Unusable,
)
from paretoroute.runs.importers.messages import query_of
from paretoroute.runs.importers.records import Record, opened
from paretoroute.runs.importers.scores import score_of
from paretoroute.runs.importers.usage import billed, measured
from paretoroute.runs.importers.values import between, count, dig, first, items, mapping, number, parsed, seconds, text

SUFFIXES = (".json", ".jsonl", ".ndjson", ".csv", ".parquet", ".json.gz", ".jsonl.gz", ".csv.gz")
_PAGES = ("data", "rows", "records", "items", "traces")  # lists that a page of the API wraps
_PARTS = ("observations", "scores")  # of a trace that is written whole
_REASONING = "completion_tokens_details.reasoning_tokens"  # parts of OpenAI's usage, which stand beside its sums
_CACHED = "prompt_tokens_details.cached_tokens"
_WRITES = ("creation", "write")
_MAIN_IN, _MAIN_OUT = (
    ("input", "prompt", "input_tokens", "prompt_tokens"),
    ("output", "completion", "output_tokens", "completion_tokens"),
)


@dataclass
class _Log:
    """The records of the files.

    Args:
        observations: with their places.
        traces: by id.
    """

    observations: list[tuple[_Row, Place]] = field(default_factory=list)
    traces: dict[str, _Row] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Row:
    """A record whose fields are spelled as in the API, or with underscores as in exports.

    Args:
        value: the record.
    """

    value: Mapping[str, Any]

    def get(self, *names: str) -> Any:
        """Return the first field that is there; names are those of the API."""
        spelled = (spelling for name in names for spelling in (name, _snake(name)))
        return first(*(self.value.get(name) for name in spelled))


def _snake(name: str) -> str:
    return "".join(f"_{letter.casefold()}" if letter.isupper() else letter for letter in name)


def read(files: Sequence[Path]) -> Reading:
    """Read observations, traces and scores; see :class:`~paretoroute.runs.importers.read.Importer`."""
    reading, log = Reading(), _Log()
    for path in files:
        for record in _records(path):
            if isinstance(record, Aside):
                reading.asides.append(record)
            elif not _add(_Row(record.value), record.place, log):
                score = score_of(record)
                if score is not None:
                    reading.scores.append(score)
                else:
                    reading.asides.append(Aside(record.place, "neither an observation, a trace nor a score"))
    outer = set(_outer_generations(log.observations))
    for row, place in log.observations:
        try:
            if text(row.get("id")) in outer:
                raise Unusable(NESTED)
            reading.calls.append(_call(row, place, log.traces))
        except Unusable as why:
            reading.asides.append(why.at(place))
    return reading


def _records(path: Path) -> Iterator[Record | Aside]:
    """Yield the records of a file; those of a trace that is written whole are the trace and its scores."""
    for record in opened(path, *_PAGES):
        if isinstance(record, Aside):
            yield record
            continue
        value = record.value
        if isinstance(value.get("trace"), Mapping):  # as the page of a trace saves it
            value = {**value["trace"], **{name: item for name, item in value.items() if name != "trace"}}
        if not any(items(value, name) for name in _PARTS):
            yield record
            continue
        if value.get("id") is not None:
            yield replace(record, value=value)
        for name in _PARTS if value.get("id") is None else ("scores",):
            for i, item in enumerate(items(value, name), start=1):
                if isinstance(item, dict):
                    yield Record(record.place.part(f"{name.removesuffix('s')} {i}"), item, path)


def _add(row: _Row, place: Place, log: _Log) -> bool:
    """Take in an observation, or a trace with the observations inside it; return whether the record is one."""
    if row.get("dataType") is not None and row.get("type") is None:
        return False
    if row.get("type") is not None and (row.get("traceId") is not None or row.get("startTime") is not None):
        log.observations.append((row, place))
        return True
    inner = [item for item in items(row.value, "observations") if isinstance(item, Mapping)]
    is_score = row.get("value") is not None or row.get("stringValue") is not None
    if not inner and (is_score or row.get("id") is None or row.get("timestamp", "name", "sessionId", "userId") is None):
        return False
    log.traces[text(row.get("id"))] = row
    for i, item in enumerate(inner, start=1):
        log.observations.append((_Row(item), place.part(f"observation {i}")))
    return True


def _outer_generations(observations: Sequence[tuple[_Row, Place]]) -> Iterator[str]:
    """Yield the ids of generations inside which another generation stands."""
    by_id = {text(row.get("id")): row for row, _ in observations}
    generations = {name for name, row in by_id.items() if _kind(row) == "GENERATION"}
    for name in generations:
        seen: set[str] = set()
        parent = text(by_id[name].get("parentObservationId"))
        while parent in by_id and parent not in seen:
            seen.add(parent)
            if parent in generations:
                yield parent
                break
            parent = text(by_id[parent].get("parentObservationId"))


def _kind(row: _Row) -> str:
    return text(row.get("type")).upper()


def _call(row: _Row, place: Place, traces: Mapping[str, _Row]) -> Call:
    if _kind(row) == "EMBEDDING":
        raise Unusable(NOT_A_GENERATION, "embedding")
    if _kind(row) != "GENERATION":
        raise Unusable(NOT_A_CALL, _kind(row).casefold())
    if text(row.get("level")).upper() == "ERROR":
        raise Unusable(FAILED, text(row.get("statusMessage"))[:80])
    model = text(row.get("model", "providedModelName", "internalModel"))
    if not model:
        raise Unusable(NO_MODEL)
    trace_id, observation_id = text(row.get("traceId")), text(row.get("id"))
    trace = traces.get(trace_id, _Row({}))
    tokens = measured(_tokens(row), model=model, has_answer=bool(row.get("output")))
    parameters = mapping(row.get("modelParameters"))
    return Call(
        place=place,
        query=query_of(parsed(row.get("input"))),
        model=model,
        budget=budget_of(parameters, model=model),
        tokens=tokens,
        cost_usd=_cost(row, tokens),
        latency_s=_latency(row),
        time=seconds(row.get("startTime")),
        tenant=text(row.get("userId")) or text(trace.get("userId")),
        conversation=text(row.get("sessionId")) or text(trace.get("sessionId")),
        trace=trace_id,
        propensity=_propensity(row, trace),
        tag=_tag(row) or _tag(trace),
        ids={"observation_id": observation_id, "span_id": observation_id, "trace_id": trace_id},
        key=observation_id or None,
    )


def _tokens(row: _Row) -> Tokens:
    """Return the counts: sums of the buckets, or the three numbers of early versions."""
    usage = mapping(row.get("usageDetails"))
    buckets = {_bucket(name): read for name, value in usage.items() if (read := count(value)) is not None}
    if not any(_is_in(name) or _is_out(name) for name in buckets):
        legacy = mapping(row.get("usage"))
        if text(legacy.get("unit")).upper() not in ("", "TOKENS"):  # characters, seconds, images
            return Tokens()
        own_in = row.get("promptTokens", "inputTokens", "inputUsage")
        own_out = row.get("completionTokens", "outputTokens", "outputUsage")
        return Tokens(
            prompt=count(first(legacy.get("input"), legacy.get("promptTokens"), own_in)),
            completion=count(first(legacy.get("output"), legacy.get("completionTokens"), own_out)),
        )
    prompt, completion = _whole(buckets)
    return Tokens(
        prompt=prompt,
        completion=completion,
        reasoning=first(_sum(buckets, lambda name: _is_out(name) and "reasoning" in name), buckets.get(_REASONING)),
        cached=first(
            _sum(buckets, lambda name: _is_in(name) and "cache" in name and not _is_write(name)), buckets.get(_CACHED)
        ),
        cache_write=_sum(buckets, lambda name: _is_in(name) and "cache" in name and _is_write(name)),
    )


def _whole(buckets: Mapping[str, float]) -> tuple[float | None, float | None]:
    """Return the tokens of prompt and answer: sums of the buckets, or the two main ones where these are the total.

    Buckets that exceed a main one are no parts of it, whatever the total states: some callers add up the two main ones.
    """
    prompt, completion, total = _sum(buckets, _is_in), _sum(buckets, _is_out), buckets.get("total")
    main_in = _sum(buckets, lambda name: name in _MAIN_IN)
    main_out = _sum(buckets, lambda name: name in _MAIN_OUT)
    for one in (prompt, main_in):
        for other in (completion, main_out):
            is_whole = (one or 0) * 2 >= (prompt or 0) and (other or 0) * 2 >= (completion or 0)
            if is_whole and total and one is not None and other is not None and one + other == total:
                return one, other
    return prompt, completion


def _bucket(name: str) -> str:
    """Return the name of a bucket with underscores, as of OpenAI's usage where it is that in camel case."""
    spelled = _snake(name).casefold().lstrip("_")
    return {"prompttokens": "prompt_tokens", "completiontokens": "completion_tokens"}.get(spelled, spelled)


def _is_in(name: str) -> bool:
    return "input" in name or name in ("prompt_tokens", "prompt")


def _is_out(name: str) -> bool:
    return "output" in name or name in ("completion_tokens", "completion")


def _is_write(name: str) -> bool:
    return any(word in name for word in _WRITES)


def _sum(buckets: Mapping[str, float], belongs: Any) -> float | None:
    counted = [value for name, value in buckets.items() if belongs(name)]
    return sum(counted) if counted else None


def _cost(row: _Row, tokens: Tokens) -> float | None:
    """Return the total cost; 0 is of a model that Langfuse has no price of."""
    details = mapping(row.get("costDetails"))
    parts = [read for name, value in details.items() if name != "total" and (read := count(value)) is not None]
    candidates = (
        details.get("total"),
        row.get("totalCost"),
        row.get("calculatedTotalCost"),
        sum(parts) if parts else None,
    )
    return next((usd for candidate in candidates if (usd := billed(candidate, tokens)) is not None), None)


def _latency(row: _Row) -> float | None:
    whole = between(row.get("startTime"), row.get("endTime"))
    return whole if whole is not None else count(row.get("latency"))


def _propensity(row: _Row, trace: _Row) -> float | None:
    for one in (row, trace):
        metadata = mapping(one.get("metadata"))
        logged = first(
            dig(metadata, "paretoroute", "propensity"),
            dig(metadata, "attributes", "paretoroute.propensity"),
            metadata.get("propensity"),
        )
        read = number(logged)
        if read is not None and 0 < read <= 1:
            return read
    return None


def _tag(row: _Row) -> str:
    tags = parsed(row.get("tags", "traceTags"))
    return next(filter(None, map(text, tags)), "") if isinstance(tags, list) else text(tags)
