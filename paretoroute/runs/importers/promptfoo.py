"""Results of promptfoo (``eval --output results.json``, ``.jsonl`` or ``.yaml``), with its configuration.

The budget stands in the configuration of a provider alone, which is matched by its label: two providers may have one
id. Results from promptfoo's own cache, failed ones and those without an assertion are set aside.

References:
    promptfoo, ``EvaluateResult`` in ``src/types/index.ts``, version 0.123.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from paretoroute import _yaml
from paretoroute.runs.importers.budgets import budget_of
from paretoroute.runs.importers.calls import (
    CACHED,
    FAILED,
    NO_MODEL,
    NO_TEXT,
    Aside,
    Call,
    Place,
    Query,
    Reading,
    Tokens,
    Unusable,
)
from paretoroute.runs.importers.messages import check_text, query_of
from paretoroute.runs.importers.records import Record, read_records
from paretoroute.runs.importers.scores import score_of
from paretoroute.runs.importers.usage import billed, measured, with_whole_prompt
from paretoroute.runs.importers.values import canonical, count, dig, first, items, mapping, number, text
from paretoroute.runs.importers.yaml_logs import read_yaml

SUFFIXES = (".json", ".jsonl", ".yaml", ".yml")
_KINDS = frozenset(
    """chat completion completions responses response messages realtime assistant embedding deployment converse
    text-generation""".split()
)
_ERROR = 2  # promptfoo's ResultFailureReason.ERROR
_NO_QUALITY = ("cost", "latency")
SCORES_SPENDING = "results whose score has assertions on cost or latency among it, which are no quality of the answer"
_UNJUDGED = "no assertion judges the answer"
_ADVICE = "promptfoo also writes JSON, which may be larger: promptfoo export eval ID -o results.json"


@dataclass
class _Providers:
    """The providers of the configurations among the files.

    Args:
        by_label: configuration of a provider by its label.
        by_id: likewise by its id; several where the ids are equal.
    """

    by_label: dict[str, list[Mapping[str, Any]]] = field(default_factory=dict)
    by_id: dict[str, list[Mapping[str, Any]]] = field(default_factory=dict)

    def add(self, config: Mapping[str, Any]) -> None:
        """Take in the providers of a configuration."""
        for name, entry in _entries(config.get("providers", config.get("targets"))):
            settings = mapping(entry.get("config"))
            label = text(entry.get("label"))
            if label and settings not in self.by_label.setdefault(label, []):
                self.by_label[label].append(settings)
            if settings not in self.by_id.setdefault(name, []):
                self.by_id[name].append(settings)

    def config_of(self, provider: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the configuration of a result's provider.

        Raises:
            Unusable: it has a label that no configuration has, or several providers have its name and other budgets.
        """
        name, label = text(provider.get("id")), text(provider.get("label"))
        found = self.by_label.get(label) or self.by_label.get(name) or self.by_id.get(name) or self.by_id.get(label)
        if not found and label and label != name:
            raise Unusable("a provider that no configuration describes; give promptfooconfig too", label)
        if not found:
            return {}
        if len({_budget_key(config) for config in found}) > 1:
            raise Unusable("several providers of one id, which only labels tell apart", label or name)
        return found[0]


def _budget_key(config: Mapping[str, Any]) -> str:
    try:
        return repr((budget_of(config), text(config.get("model"))))
    except Unusable as why:
        return str(why)


def _entries(providers: object) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield id and entry of each provider; one is a text, an object with an id, or an object by id."""
    for one in providers if isinstance(providers, list) else [providers]:
        if isinstance(one, str):
            yield one, {}
        elif isinstance(one, Mapping) and "id" in one:
            yield text(one.get("id")), one
        elif isinstance(one, Mapping):
            for name, entry in one.items():
                yield str(name), mapping(entry)


def read(files: Sequence[Path]) -> Reading:
    """Read results, configurations and scores; see :class:`~paretoroute.runs.importers.read.Importer`."""
    reading, providers = Reading(preferred=["score"]), _Providers()
    results: list[tuple[Mapping[str, Any], Place]] = []
    for path in files:
        for record in [_yaml_record(path)] if path.suffix.lower() in (".yaml", ".yml") else read_records(path):
            if isinstance(record, Aside):
                reading.asides.append(record)
                continue
            rows = list(_results_of(record))
            results += rows
            providers.add(mapping(record.value, "config") if rows else record.value)
            if not rows and (score := score_of(record)) is not None:
                reading.scores.append(score)
            elif not rows and "providers" not in record.value and "targets" not in record.value:
                reading.asides.append(Aside(record.place, "neither results nor a configuration of promptfoo"))
    for row, place in results:
        try:
            reading.calls.append(_call(row, place, providers))
            reading.notes += [SCORES_SPENDING] * _scores_spending(row)
        except Unusable as why:
            reading.asides.append(why.at(place))
    return reading


def _yaml_record(path: Path) -> Record:
    """Return the document of a YAML file, in which promptfoo writes a value that it has twice as an alias."""
    return Record(Place(path.name), dict(mapping(read_yaml(path, advice=_ADVICE))), path)


def _results_of(record: Record) -> Iterator[tuple[Mapping[str, Any], Place]]:
    """Yield the results of a file, which wraps them once or twice, or has one a line."""
    value = record.value
    if "prompt" in value and "provider" in value:
        yield value, record.place
        return
    rows = items(value, "results", "results") or items(value, "results") or items(value, "outputs")
    for i, row in enumerate(rows, start=1):
        if isinstance(row, Mapping):
            yield row, Place(record.place.file, i, "result")


def _call(row: Mapping[str, Any], place: Place, providers: _Providers) -> Call:
    response = mapping(row, "response")
    if number(row.get("failureReason")) == _ERROR or response.get("error") or _is_error(row):
        raise Unusable(FAILED, text(first(response.get("error"), row.get("error")))[:80])
    if response.get("cached") is True or _is_of_cache(row):
        raise Unusable(CACHED)
    stated = row.get("provider")
    provider = {"id": stated} if isinstance(stated, str) else mapping(stated)
    config = providers.config_of(provider)
    model = text(config.get("model")) or model_of(text(provider.get("id")))
    if not model:
        raise Unusable(NO_MODEL)
    prompt = first(dig(row, "prompt", "raw"), row.get("prompt") if isinstance(row.get("prompt"), str) else None)
    if not isinstance(prompt, str):
        raise Unusable(NO_TEXT)
    query = _query(prompt)
    check_text(query)
    options = {**config, **mapping(row, "prompt", "config"), **mapping(row, "testCase", "options")}
    tokens = measured(_tokens(row), model=text(provider.get("id")), has_answer=bool(response.get("output")))
    latency_ms = count(first(row.get("latencyMs"), response.get("latencyMs")))
    identity = text(row.get("id"))
    return Call(
        place=place,
        query=query,
        model=model,
        budget=budget_of(options, model=model),
        tokens=tokens,
        cost_usd=_cost(row, tokens),
        latency_s=None if latency_ms is None else latency_ms / 1000,
        scores=_scores(row),
        ids={"id": identity, "result_id": identity} if identity else {},
        key=identity or None,
        sample=_test_of(row),
        sample_is_certain=True,
    )


def _query(prompt: str) -> Query:
    """Return a prompt, and chat messages in YAML as messages, as promptfoo sends them; JSON is read everywhere."""
    if not prompt.lstrip().startswith("- role:"):
        return prompt
    try:
        return query_of(_yaml.loads(prompt, name="prompt", text_keys=("role", "content", "text")))
    except (_yaml.YamlError, Unusable):
        return prompt


def _test_of(row: Mapping[str, Any]) -> str:
    """Return the test of a result: its number and its variables; ``""`` where it has none of them."""
    variables = mapping(row, "vars") or mapping(row, "testCase", "vars")
    if row.get("testIdx") is None or not variables:
        return ""
    return canonical([row["testIdx"], variables])


def _scores_spending(row: Mapping[str, Any]) -> bool:
    """Return whether assertions on cost or latency count in the score of a result."""
    asserted = [*items(row, "testCase", "assert"), *(dig(one, "assertion") for one in _judged(row))]
    kinds = {text(dig(one, "type")) for one in asserted if number(dig(one, "weight")) != 0}
    return not kinds.isdisjoint(_NO_QUALITY)


def _judged(row: Mapping[str, Any]) -> list[Any]:
    return items(row, "gradingResult", "componentResults")


def _is_of_cache(row: Mapping[str, Any]) -> bool:
    """Return whether all tokens that a result counts are those of an answer from promptfoo's cache."""
    usage = mapping(row, "response", "tokenUsage") or mapping(row, "tokenUsage")
    cached = count(usage.get("cached"))
    return bool(cached) and not count(usage.get("prompt")) and not count(usage.get("completion"))


def _is_error(row: Mapping[str, Any]) -> bool:
    """Return whether a result of an older version failed: it has an error and neither a grade nor an answer."""
    return bool(row.get("error")) and not row.get("gradingResult") and not dig(row, "response", "output")


def model_of(provider: str) -> str:
    """Return the model in the id of a provider.

    Example:
        >>> model_of("openai:chat:gpt-5-mini"), model_of("openrouter:meta-llama/llama-3:free"), model_of("gpt-5")
        ('gpt-5-mini', 'meta-llama/llama-3:free', 'gpt-5')
    """
    head, colon, rest = provider.partition(":")
    if not colon or head in ("file", "exec", "http", "https", "python"):
        return provider
    kind, colon, model = rest.partition(":")
    return model if colon and kind.casefold() in _KINDS else rest


def _tokens(row: Mapping[str, Any]) -> Tokens:
    """Return the counts of the answer, without those of graders."""
    usage = mapping(row, "response", "tokenUsage") or mapping(row, "tokenUsage")
    details = mapping(usage, "completionDetails")
    tokens = Tokens(
        prompt=count(usage.get("prompt")),
        completion=count(usage.get("completion")),
        reasoning=count(details.get("reasoning")),
        cached=count(details.get("cacheReadInputTokens")) or None,
        cache_write=count(details.get("cacheCreationInputTokens")) or None,
    )
    return with_whole_prompt(tokens)


def _cost(row: Mapping[str, Any], tokens: Tokens) -> float | None:
    """Return the cost of the answer; a cost of 0 is of a model without a price."""
    return billed(first(dig(row, "response", "cost"), row.get("cost")), tokens)


def _scores(row: Mapping[str, Any]) -> dict[str, list[object]]:
    """Return the score of a result, and the named ones.

    Raises:
        Unusable: nothing judged the answer.
    """
    grading = mapping(row, "gradingResult")
    reason = text(grading.get("reason")).casefold()
    asserted = items(row, "testCase", "assert") or items(grading, "componentResults")
    if reason == "no assertions" or (not grading and not asserted and not row.get("namedScores")):
        raise Unusable(_UNJUDGED)
    score = first(row.get("score"), grading.get("score"), row.get("success"))
    named = {name: [value] for name, value in mapping(row, "namedScores").items() if number(value) is not None}
    return {**named, **({} if score is None else {"score": [score]})}
