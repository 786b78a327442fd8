"""Samples of EleutherAI's lm-evaluation-harness (``--log_samples``), with the results file of the same time stamp.

A line is one document at one filter. A filter that takes the first response is a run of one sample; one that votes over
the repeats is a run at the budget ``samples``. Filters that only extract an answer differently are scores of one run.
The model's name stands in the results file alone. There are no tokens, costs and latencies.

References:
    Gao et al., "lm-evaluation-harness", ``lm_eval/loggers/evaluation_tracker.py``, version 0.4.13.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from paretoroute.grid import Budget
from paretoroute.runs.importers.budgets import TWO_BUDGETS, budget_of
from paretoroute.runs.importers.calls import NO_MODEL, NO_TEXT, Aside, Call, Query, Reading, Unusable
from paretoroute.runs.importers.messages import check_text, query_of
from paretoroute.runs.importers.records import Record, read_records
from paretoroute.runs.importers.scores import score_of
from paretoroute.runs.importers.values import canonical, dig, first, items, mapping, number, parsed, text
from paretoroute.runs.values import amount_text

SUFFIXES = (".jsonl", ".json")
_STAMP = re.compile(r"_(\d{4}-\d{2}-\d{2}T[\d:.-]+?)\.jsonl?(?:\.gz)?$", re.A)
_SAMPLES = re.compile(r"^samples_(.+?)(?:_\d{4}-\d{2}-\d{2}T[\d:.-]+?)?\.jsonl?(?:\.gz)?$", re.A)


@dataclass
class _Results:
    """What the results file of an evaluation states.

    Args:
        model: name of the model, or ``""``.
        parameters: of its generations.
        value: the file.
    """

    model: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    value: Mapping[str, Any] = field(default_factory=dict)

    def steps(self, task: str, filter_name: str) -> list[Mapping[str, Any]]:
        """Return the steps of a filter of a task."""
        for one in items(self.value, "configs", task, "filter_list"):
            if text(dig(one, "name")) == filter_name:
                return [step for step in items(one, "filter") if isinstance(step, Mapping)]
        return []

    def filters(self, task: str) -> list[str]:
        """Return the names of a task's filters, in order."""
        return [text(dig(one, "name")) for one in items(self.value, "configs", task, "filter_list")]


def read(files: Sequence[Path]) -> Reading:
    """Read samples, results and scores; see :class:`~paretoroute.runs.importers.read.Importer`."""
    reading = Reading()
    lines: list[Record] = []
    results: dict[tuple[Path, str], _Results] = {}
    for path in files:
        for record in read_records(path):
            if isinstance(record, Aside):
                reading.asides.append(record)
            elif "results" in record.value and ("configs" in record.value or "config" in record.value):
                results[path.parent, _stamp(path)] = _results_of(record)
            elif "doc_id" in record.value or "arguments" in record.value:
                lines.append(record)
            elif (score := score_of(record)) is not None:
                reading.scores.append(score)
            else:
                reading.asides.append(Aside(record.place, "neither samples nor results of lm-eval"))
    _add_calls(lines, results, reading)
    return reading


def _stamp(path: Path) -> str:
    match = _STAMP.search(path.name)
    return match.group(1) if match else ""


def _results_of(record: Record) -> _Results:
    value = record.value
    model_args = _pairs(dig(value, "config", "model_args"))
    name = first(
        text(value.get("model_name")),
        *(text(model_args.get(key)) for key in ("pretrained", "model", "model_name")),
        text(dig(value, "config", "model")),
    )
    parameters = {**model_args, **_pairs(dig(value, "config", "gen_kwargs"))}
    return _Results(name or "", parameters, value)


def _pairs(value: object) -> dict[str, Any]:
    """Return arguments as a mapping; lm-eval also writes them as ``a=1,b=2``."""
    if isinstance(value, Mapping):
        return dict(value)
    parts = [part.split("=", 1) for part in value.split(",")] if isinstance(value, str) else []
    return {part[0].strip(): part[1].strip() for part in parts if len(part) == 2}


def _add_calls(lines: Sequence[Record], results: Mapping[tuple[Path, str], _Results], reading: Reading) -> None:
    """Turn lines into calls: one for each document and budget, with a score for each metric and filter."""
    by_stamp = {stamp: result for (_, stamp), result in results.items()}
    calls: dict[str, Call] = {}
    filters: dict[str, set[str]] = {}
    scores: list[tuple[str, str, dict[str, object]]] = []
    for record in lines:
        stamp = _stamp(record.path)
        result = results.get((record.path.parent, stamp)) or by_stamp.get(stamp) or _Results()
        try:
            call = _call(record, result)
        except Unusable as why:
            reading.asides.append(why.at(record.place))
            continue
        key, name = str(call.key), text(record.value.get("filter"))
        calls.setdefault(key, call)
        if name in filters.setdefault(key, set()):
            reading.asides.append(Aside(record.place, "a record of a call that was read before"))
            continue
        filters[key].add(name)
        scores.append((key, name, _metrics(record, result)))
        _prefer(reading, result, record)
    by_key: dict[str, dict[str, list[object]]] = {key: {} for key in calls}
    for key, name, metrics in scores:
        for metric, value in metrics.items():
            by_key[key][f"{metric},{name}" if len(filters[key]) > 1 else metric] = [value]
    reading.calls += [replace(call, scores=by_key[key]) for key, call in calls.items()]


def _prefer(reading: Reading, result: _Results, record: Record) -> None:
    """Prefer the first metric, and of its filters the first one."""
    metrics = list(_metrics(record, result))
    filters = result.filters(_task(record))
    names = [*metrics, *(f"{metric},{name}" for metric in metrics for name in filters)]
    preferred = reading.by_task.setdefault(_task(record), [])
    preferred += [name for name in names if name not in preferred]


def _task(record: Record) -> str:
    match = _SAMPLES.match(record.path.name)
    return text(record.value.get("task")) or (match.group(1) if match else "")


def _call(record: Record, result: _Results) -> Call:
    task = _task(record)
    model = result.model or _folder_model(record.path)
    if not model:
        raise Unusable(NO_MODEL, "give the results_*.json of the same time stamp too")
    prompt, parameters = _request(record)
    own = budget_of(parameters, model=model)
    asked = budget_of({**result.parameters, **parameters}, model=model) if own == Budget() else own
    budget = _budget(record, result, task, asked)
    parts = (
        _stamp(record.path) or record.path.stem,
        model,
        task,
        record.value.get("doc_id"),
        budget.kind,
        budget.label,
    )
    doc_id = text(record.value.get("doc_id"))
    document = text(record.value.get("doc_hash")) or canonical(record.value.get("doc"))
    return Call(
        place=record.place,
        query=prompt,
        model=model,
        budget=budget,
        tag=task,
        ids={"doc_id": doc_id} if doc_id else {},
        key=" ".join(map(str, parts)),
        sample=canonical([task, doc_id, document]) if document else "",
        sample_is_certain=True,
    )


def _folder_model(path: Path) -> str:
    """Return the model that lm-eval names a folder after, with ``__`` for each slash."""
    return path.parent.name.replace("__", "/") if _SAMPLES.match(path.name) and path.parent.name else ""


def _request(record: Record) -> tuple[Query, Mapping[str, Any]]:
    """Return the prompt of a line and the parameters of its generation.

    Raises:
        Unusable: it has no text.
    """
    arguments = record.value.get("arguments")
    if isinstance(arguments, Mapping):
        one = mapping(next(iter(arguments.values()), None))
        prompt, parameters = one.get("arg_0"), one.get("arg_1")
    else:
        parts = items(arguments)
        one = parts[0] if parts and isinstance(parts[0], list) else parts
        prompt, parameters = (one[0] if one else None), (one[1] if len(one) > 1 else None)
    return _prompt(prompt), parameters if isinstance(parameters, Mapping) else {}


def _prompt(value: object) -> Query:
    """Return a prompt: its text, or the chat messages that lm-eval writes for an API as JSON, alone in a list.

    Raises:
        Unusable: it has no text.
    """
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    messages = parsed(value)
    if isinstance(messages, list) and messages and all(dig(message, "role") for message in messages):
        return query_of(messages)
    if not isinstance(value, str):
        raise Unusable(NO_TEXT)
    check_text(value)
    return value


def _budget(record: Record, result: _Results, task: str, budget: Budget) -> Budget:
    """Return the budget of a line: the samples that its filter votes over, or that of the request.

    Raises:
        Unusable: the filter neither takes the first response nor votes; or there are two budgets.
    """
    responses = items(record.value, "resps")
    repeats = max((len(part) for part in responses if isinstance(part, list)), default=1)
    name = text(record.value.get("filter"))
    steps = result.steps(task, name)
    functions = [text(step.get("function")).rpartition(".")[2].casefold() for step in steps] or [name.casefold()]
    is_vote = any("majority" in function or function.startswith(("maj", "vote")) for function in functions)
    if not is_vote:
        takes_first = not steps or any(function in ("take_first", "takefirstfilter") for function in functions)
        if repeats > 1 and not takes_first:
            raise Unusable("a filter that neither takes the first response nor votes", name)
        return budget
    kept = [number(first(dig(step, "kwargs", "k"), step.get("k"))) for step in steps]
    votes = min([int(k) for k in kept if k] + [repeats])
    if votes > 1 and budget != Budget():
        raise Unusable(TWO_BUDGETS, f"{budget.kind} {budget.label} with a vote over {votes}")
    return Budget("samples", amount_text(votes), votes) if votes > 1 else budget


def _metrics(record: Record, result: _Results) -> dict[str, object]:
    """Return the values of the metrics for which more is better."""
    row = record.value
    direction = mapping(result.value, "higher_is_better", _task(record))
    names = [name for name in items(row, "metrics") if isinstance(name, str)]
    known = ("doc_id", "resps", "filtered_resps", "arguments", "target", "doc", "filter", "metrics")
    names = names or [key for key, value in row.items() if key not in known and isinstance(value, int | float)]
    return {name: row[name] for name in names if _is_number(row.get(name)) and direction.get(name) is not False}


def _is_number(value: object) -> bool:
    """Return whether a value is a number or a boolean."""
    return isinstance(value, bool) or number(value) is not None
