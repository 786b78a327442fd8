"""Logs of inspect_ai: ``.eval`` files and their ``.json`` form, one run per sample and epoch.

Tokens, latency and budget are those of the evaluated model alone: of its model events where these are logged, without
the calls of judges, which count in the sample's total time and usage too. The configuration of a model event is what
was asked for; without events, that of the plan and that of the model are merged.

References:
    UK AI Security Institute, inspect_ai, ``EvalLog`` in ``inspect_ai/log/_log.py``, version 0.3.285.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from paretoroute.errors import RunsError, file_name
from paretoroute.runs.checks.column_names import is_model_name
from paretoroute.runs.formats.json import parse
from paretoroute.runs.importers.budgets import budget_of
from paretoroute.runs.importers.calls import CACHED, FAILED, Aside, Call, Place, Reading, Tokens, Unusable
from paretoroute.runs.importers.messages import query_of
from paretoroute.runs.importers.model_names import is_same_model
from paretoroute.runs.importers.records import Record, opened
from paretoroute.runs.importers.scores import flat, score_of
from paretoroute.runs.importers.usage import agreeing_with, measured
from paretoroute.runs.importers.values import canonical, count, dig, first, items, mapping, number, seconds, text
from paretoroute.runs.importers.zstd_zip import open_zip

SUFFIXES = (".eval", ".json")
INVALID = "declared invalid in the log"
_ATTACHMENT = "attachment://"
_USAGE = (
    *("input_tokens", "output_tokens", "total_tokens"),
    *("input_tokens_cache_read", "input_tokens_cache_write", "reasoning_tokens"),
)


def read(files: Sequence[Path]) -> Reading:
    """Read logs and scores; see :class:`~paretoroute.runs.importers.read.Importer`."""
    reading = Reading()
    for path in files:
        if path.name.lower().endswith(".eval"):
            _read_eval(path, reading)
            continue
        for record in opened(path):
            if isinstance(record, Aside):
                reading.asides.append(record)
            elif isinstance(record.value.get("eval"), dict):
                _read_document(record, reading)
            elif (score := score_of(record)) is not None:
                reading.scores.append(score)
            else:
                reading.asides.append(Aside(record.place, "no log of inspect_ai"))
    return reading


def _read_eval(path: Path, reading: Reading) -> None:
    name = file_name(path)
    with open_zip(path) as archive:
        names = archive.names
        header_name = next((one for one in ("header.json", "_journal/start.json") if one in names), None)
        if header_name is None:
            raise RunsError(f"{name} has no header.json; it is no log of inspect_ai")
        header = _object(name, archive.read(header_name))
        samples = ((one, _object(name, archive.read(one))) for one in names if _is_sample(one))
        _read_samples(header, samples, Place(name), reading)


def _is_sample(name: str) -> bool:
    return name.startswith("samples/") and name.endswith(".json")


def _object(name: str, data: bytes) -> Mapping[str, Any]:
    value = parse(name, data)
    return value if isinstance(value, dict) else {}


def _read_document(record: Record, reading: Reading) -> None:
    samples = ((f"sample {i}", mapping(sample)) for i, sample in enumerate(items(record.value, "samples"), start=1))
    _read_samples(record.value, samples, record.place, reading)


def _read_samples(
    header: Mapping[str, Any], samples: Iterator[tuple[str, Mapping[str, Any]]], place: Place, reading: Reading
) -> None:
    preferred = reading.by_task.setdefault(text(dig(header, "eval", "task")), [])
    preferred += [name for name in _preferred(header) if name not in preferred]
    number_of_samples = 0
    for name, sample in samples:
        number_of_samples += 1
        where = place.part(name)
        try:
            reading.calls.append(_call(header, sample, where))
        except Unusable as why:
            reading.asides.append(why.at(where))
    if not number_of_samples:
        reading.asides.append(Aside(place, "a log without samples", "evaluate with log_samples=True"))


def _preferred(header: Mapping[str, Any]) -> list[str]:
    """Return the score that the log puts first: that of its headline, else that of its first scorer."""
    stated = first(dig(header, "results", "headline", "score"), dig(header, "results", "headline", "scorer"))
    names = [text(stated), *(text(dig(score, "name")) for score in items(header, "results", "scores"))]
    return [name for name in names if name]


def _call(header: Mapping[str, Any], sample: Mapping[str, Any], place: Place) -> Call:
    if sample.get("error"):
        raise Unusable(FAILED, text(dig(sample, "error", "message"))[:80])
    if sample.get("invalidation"):
        raise Unusable(INVALID)
    model = text(dig(header, "eval", "model"))
    if not model or model == "none/none":
        raise Unusable("no model")
    attachments = mapping(sample, "attachments")
    judging = _judging_spans(items(sample, "events"))
    events = [event for event in items(sample, "events") if dig(event, "event") == "model"]
    own = [event for event in events if _is_own(event, model) and text(event.get("span_id")) not in judging]
    cached = sum(event.get("cache") == "read" for event in own)
    if cached:  # its tokens and time, which count in no total, are those of the calls that were made
        raise Unusable(CACHED, f"{cached} of its {len(own)} calls" if cached < len(own) else "")
    tokens, cost = _tokens(sample, model, events, own)
    model = _answering(model, sample, own)
    epoch = number(sample.get("epoch"))
    return Call(
        place=place,
        query=query_of(_resolved(sample.get("input"), attachments)),
        beside=canonical(sample.get("choices")),
        model=model,
        budget=budget_of(_config(header, own), model=model),
        tokens=measured(tokens, model=model, has_answer=bool(text(dig(sample, "output", "completion")))),
        cost_usd=cost,
        latency_s=_latency(sample, own),
        time=_time(header, sample, own),
        tag=text(dig(header, "eval", "task")),
        sample_index=1.0 if epoch is None else epoch,
        scores=_scores(sample),
        ids={name: value for name, value in _ids(sample).items() if value},
        key=_key(header, sample),
        sample=_sample_name(header, sample),
    )


def _sample_name(header: Mapping[str, Any], sample: Mapping[str, Any]) -> str:
    """Return the name of a sample: its task, data set, id and target; a number alone may be another sample's too."""
    task, dataset = dig(header, "eval", "task"), dig(header, "eval", "dataset", "name")
    parts = (task, dataset, sample.get("id"), sample.get("target"), sample.get("choices"))
    return "" if sample.get("id") is None else canonical(parts)


def _judging_spans(events: Sequence[Any]) -> set[str]:
    """Return the ids of the spans in which scorers run."""
    judging: set[str] = set()
    for event in events:
        if dig(event, "event") == "span_begin":
            is_inside = text(dig(event, "parent_id")) in judging
            if is_inside or text(dig(event, "type")) in ("scorers", "scorer"):
                judging.add(text(dig(event, "id")))
    return judging - {""}


def _is_own(event: Mapping[str, Any], model: str) -> bool:
    """Return whether a model event is an answer of the evaluated model, not of a judge nor a failed attempt."""
    is_judge = text(event.get("role")) not in ("", "default")
    return text(event.get("model")) == model and not is_judge and not event.get("error") and not event.get("pending")


def _answering(model: str, sample: Mapping[str, Any], own: Sequence[Mapping[str, Any]]) -> str:
    """Return the model; behind a deployment of Azure, whose name is its owner's, the one that the answer names."""
    if "azure" not in model.casefold().split("/")[:-1]:
        return model
    outputs = [*(mapping(event, "output") for event in own), mapping(sample, "output")]
    answered = next((name for output in outputs if is_model_name(name := text(output.get("model")))), model)
    return model if is_same_model(model, answered) else answered


def _config(header: Mapping[str, Any], own: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """Return the parameters of the calls."""
    for event in own:
        if isinstance(event.get("config"), Mapping):
            return event["config"]
    plan, model = mapping(header, "plan", "config"), mapping(header, "eval", "model_generate_config")
    return {**model, **{name: value for name, value in plan.items() if value is not None}}


def _tokens(
    sample: Mapping[str, Any], model: str, events: Sequence[Mapping[str, Any]], own: Sequence[Mapping[str, Any]]
) -> tuple[Tokens, float | None]:
    """Return the counts of the evaluated model, and its cost where the log states it.

    Early versions count the cache of some providers inside the prompt, and reasoning beside the answer.
    """
    usage: Mapping[str, Any] = mapping(dig(sample, "model_usage", model))
    shares_its_model = any(event not in own and text(event.get("model")) == model for event in events)
    if own and (shares_its_model or not usage):
        usage = _sum([mapping(event, "output", "usage") for event in own])
    read = {name: count(usage.get(name)) for name in _USAGE}
    cached, written = read["input_tokens_cache_read"], read["input_tokens_cache_write"]
    prompt = read["input_tokens"]
    cache = (cached or 0) + (written or 0)
    tokens = Tokens(
        prompt=None if prompt is None else prompt + cache,
        completion=read["output_tokens"],
        reasoning=read["reasoning_tokens"],
        cached=cached,
        cache_write=written,
    )
    return agreeing_with(tokens, read["total_tokens"], beside=cache), count(usage.get("total_cost"))


def _sum(usages: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    names = (*_USAGE, "total_cost")
    read = {name: [value for usage in usages if (value := count(usage.get(name))) is not None] for name in names}
    return {name: sum(values) for name, values in read.items() if values}


def _latency(sample: Mapping[str, Any], own: Sequence[Mapping[str, Any]]) -> float | None:
    """Return the time of the model's own calls; without events the working time of the sample, which holds more."""
    times = [first(count(event.get("working_time")), count(dig(event, "output", "time"))) for event in own]
    if times and None not in times:
        return sum(times)
    return count(first(sample.get("working_time"), sample.get("total_time")))


def _time(header: Mapping[str, Any], sample: Mapping[str, Any], own: Sequence[Mapping[str, Any]]) -> float | None:
    event_time = own[0].get("timestamp") if own else None
    return seconds(first(sample.get("started_at"), event_time, dig(header, "eval", "created")))


def _scores(sample: Mapping[str, Any]) -> dict[str, list[object]]:
    values = {name: dig(score, "value") for name, score in mapping(sample, "scores").items()}
    if not values and isinstance(sample.get("score"), Mapping):  # logs of early versions
        values = {"score": dig(sample, "score", "value")}
    return flat(values)


def _resolved(value: object, attachments: Mapping[str, Any], depth: int = 8) -> object:
    """Return an input with the texts that the log stores apart."""
    if isinstance(value, str):
        if value.startswith(_ATTACHMENT):
            return attachments.get(value.removeprefix(_ATTACHMENT), value)
        return value
    if isinstance(value, list) and depth:
        return [_resolved(item, attachments, depth - 1) for item in value]
    if isinstance(value, Mapping) and depth:
        return {name: _resolved(item, attachments, depth - 1) for name, item in value.items()}
    return value


def _ids(sample: Mapping[str, Any]) -> dict[str, str]:
    return {"uuid": text(sample.get("uuid")), "sample_uuid": text(sample.get("uuid"))}


def _key(header: Mapping[str, Any], sample: Mapping[str, Any]) -> str | None:
    """Return the key of a sample: one log may be given as ``.eval`` and as ``.json``, and a retry copies samples."""
    uuid = text(sample.get("uuid"))
    if uuid:
        return uuid
    parts = (dig(header, "eval", "run_id"), dig(header, "eval", "task_id"), sample.get("id"), sample.get("epoch"))
    return None if None in parts else " ".join(map(str, parts))
