"""Batches of OpenAI, Anthropic, Gemini and Vertex AI: the files of a batch, joined on ``custom_id`` or ``key``.

The query, the effort, the number of samples and the model asked for stand in the input; the output has its own order,
and the dated name of the model. A batch costs half of the list price, and its hours in a queue are no latency.

Anthropic's requests (``params``) and results (``result``) are read as OpenAI's, and cost half of the list price, too.
So are Gemini's (``request``, ``response``), which name the model in the answer alone. Vertex AI writes both in a line.

References:
    OpenAI, "Batch API", ``/v1/chat/completions``, ``/v1/responses`` and ``/v1/completions``.
    Anthropic, "Batch processing", ``/v1/messages/batches``.
    Google, "Batch API" of Gemini, and "Batch inference" of Vertex AI: ``batchGenerateContent``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from paretoroute.errors import RunsError
from paretoroute.runs.importers.budgets import budget_of
from paretoroute.runs.importers.calls import FAILED, NO_MODEL, NOT_A_GENERATION, Aside, Call, Reading, Unusable
from paretoroute.runs.importers.messages import query_of
from paretoroute.runs.importers.model_names import is_same_model
from paretoroute.runs.importers.records import Record, opened
from paretoroute.runs.importers.scores import score_of
from paretoroute.runs.importers.usage import measured, usage_of
from paretoroute.runs.importers.values import dig, first, items, mapping, number, seconds, text

SUFFIXES = (".jsonl", ".ndjson", ".json", ".jsonl.gz")
BATCH_PRICE = 0.5  # of the list price
SEVERAL_REQUESTS = "several requests of its custom_id; import each batch with its own input file"
NO_ANSWER = "requests without an answer in the files"


def read(files: Sequence[Path]) -> Reading:
    """Read requests, answers, errors and scores; see :class:`~paretoroute.runs.importers.read.Importer`."""
    reading = Reading()
    requests: defaultdict[str, list[Record]] = defaultdict(list)
    answers: list[Record] = []
    for path in files:
        for record in (part for item in opened(path) for part in _parts(item)):
            if isinstance(record, Aside):
                reading.asides.append(record)
            elif isinstance(record.value.get("body"), Mapping):
                requests[text(record.value.get("custom_id"))].append(record)
            elif "response" in record.value or "error" in record.value:
                answers.append(record)
            elif (score := score_of(record)) is not None:
                reading.scores.append(score)
            else:
                reading.asides.append(Aside(record.place, "neither a request, an answer nor a score of a batch"))
    if answers and not requests:
        raise RunsError(
            "the files hold answers of a batch and no requests; give its input file too, where the queries stand"
        )
    for record in answers:
        try:
            reading.calls.append(_call(record, _request(record, requests)))
        except Unusable as why:
            reading.asides.append(why.at(record.place))
    answered = {text(record.value.get("custom_id")) for record in answers}
    reading.notes += [NO_ANSWER for custom_id in requests if custom_id not in answered]
    return reading


def _parts(record: Record | Aside) -> list[Record | Aside]:
    """Return the requests and answers that a record holds, as OpenAI writes them; Vertex AI writes both in one."""
    if isinstance(record, Aside):
        return [record]
    value, request = record.value, mapping(record.value, "request")
    name = text(value.get("key")) or text(value.get("custom_id"))
    answer = {"response": {"body": _answer_of_gemini(value)}, "error": _error_of_gemini(value)}
    if "contents" in request or ("key" in value and request):
        custom_id = name or str(record.place)
        both = [{"custom_id": custom_id, "body": request}]
        both += (
            [{"custom_id": custom_id, "is_unnamed": not name, **answer}] if {"response", "status"} & set(value) else []
        )
        return [replace(record, value=one) for one in both]
    if name and not {"custom_id", "value", "quality", "score"} & set(value) and {"response", "error"} & set(value):
        return [replace(record, value={"custom_id": name, **answer})]
    return [replace(record, value=_as_openai(value))]


def _answer_of_gemini(value: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return an answer of Gemini with the fields of OpenAI's; an empty one where it refused to answer."""
    body = mapping(value, "response")
    candidates = items(body, "candidates")
    fields = {"id": body.get("responseId"), "model": body.get("modelVersion"), "created": body.get("createTime")}
    return {**fields, "choices": candidates, "usage": body.get("usageMetadata")} if candidates else {}


def _error_of_gemini(value: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Return why there is no answer, or None: Gemini's error, Vertex AI's status, or that the prompt was blocked."""
    for holder in (value, mapping(value, "response")):
        if error := holder.get("error"):
            return {"code": first(dig(error, "status"), dig(error, "message"), dig(error, "code"), error)}
    status = text(value.get("status"))
    blocked = text(dig(value, "response", "promptFeedback", "blockReason"))
    return {"code": status[:80] or blocked} if status or blocked else None


def _as_openai(value: dict[str, Any]) -> dict[str, Any]:
    """Return a request or a result of Anthropic's batches as one of OpenAI's; any other object as it is."""
    result = value.get("result")
    if "custom_id" not in value or "body" in value or "response" in value:
        return value
    if isinstance(value.get("params"), Mapping) and result is None:
        return {"custom_id": value["custom_id"], "body": value["params"]}
    if not isinstance(result, Mapping) or not isinstance(result.get("type"), str):
        return value
    message = mapping(result, "message")
    if result["type"] == "succeeded" and message:
        return {"custom_id": value["custom_id"], "id": message.get("id"), "response": {"body": message}}
    code = first(text(dig(result, "error", "error", "type")), text(dig(result, "error", "type")), result["type"])
    return {"custom_id": value["custom_id"], "error": {"code": code}}


def _request(record: Record, requests: Mapping[str, Sequence[Record]]) -> Mapping[str, Any]:
    """Return the request that an answer is of; of the requests of several batches, the one to its model.

    Raises:
        Unusable: there is none, or several that differ.
    """
    custom_id = text(record.value.get("custom_id"))
    same = requests.get(custom_id, [])
    if not same:
        raise Unusable("no request of its custom_id", custom_id)
    if any(one.value != same[0].value for one in same):
        answered = text(dig(record.value, "response", "body", "model"))
        same = [one for one in same if answered and is_same_model(text(dig(one.value, "body", "model")), answered)]
    if not same or any(one.value != same[0].value for one in same):
        raise Unusable(SEVERAL_REQUESTS, custom_id)
    return same[0].value


def _call(record: Record, request: Mapping[str, Any]) -> Call:
    answer, parameters = mapping(record.value, "response", "body"), mapping(request, "body")
    status = number(dig(record.value, "response", "status_code"))
    url = text(request.get("url"))
    if record.value.get("error") or answer.get("error") or (status is not None and status != 200) or not answer:
        code = first(dig(record.value, "error", "code"), dig(answer, "error", "type"), status)
        raise Unusable(FAILED, text(code) or str(code))
    if text(answer.get("status")) in ("failed", "cancelled"):
        raise Unusable(FAILED, text(answer.get("status")))
    if any(part in url for part in ("embeddings", "moderations", "images")) or "data" in answer:
        raise Unusable(NOT_A_GENERATION, url)
    asked, answered = text(parameters.get("model")), text(answer.get("model"))
    model = answered if answered and not (asked and is_same_model(asked, answered)) else asked  # of a deployment's name
    if not model:
        raise Unusable(NO_MODEL)
    custom_id = text(record.value.get("custom_id"))
    choices = len(items(answer, "choices"))
    name = "" if record.value.get("is_unnamed") else custom_id
    ids = {"custom_id": name, "key": name, "id": text(record.value.get("id")), "response_id": text(answer.get("id"))}
    return Call(
        place=record.place,
        query=query_of(parameters),
        model=model,
        budget=budget_of(parameters, model=model, choices=max(1, choices)),
        tokens=measured(usage_of(answer.get("usage")), model=model),
        time=seconds(first(answer.get("created"), answer.get("created_at"))),
        tenant=text(parameters.get("user")),
        tag=text(dig(parameters, "metadata", "tag")),
        ids={name: value for name, value in ids.items() if value},
        key=text(record.value.get("id")) or custom_id or None,
        price_factor=BATCH_PRICE,
    )
