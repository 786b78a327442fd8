"""Hints about the columns of a log: which ones other tools write for a known column, wide tables, and nested fields.

Every hint is a suggestion. Nothing is renamed unless the caller asks for it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from paretoroute.errors import close_names, one_line
from paretoroute.runs.findings import Finding
from paretoroute.runs.values import is_absent_text

# Names that other tools give to a known column, likeliest first; compared in lower case, letters and digits alone.
OTHER_NAMES: dict[str, str] = {
    "query": "messages prompt question input query_text user_prompt instruction request text",
    "query_id": "request_id question_id prompt_id example_id task_id doc_id item_id id",
    "model": "model_name model_id llm engine deployment model_used",
    "quality": "score accuracy acc correct is_correct rating reward grade passed success judge_score exact_match stars",
    "cost_usd": "spend response_cost total_cost cost cost_in_usd usd price calculated_total_cost",
    "prompt_tokens": "input_tokens tokens_in num_prompt_tokens input_token_count prompt_token_count",
    "completion_tokens": "output_tokens tokens_out num_completion_tokens output_token_count candidates_token_count",
    "reasoning_tokens": "thinking_tokens thoughts_token_count reasoning_token_count",
    "cached_prompt_tokens": "cached_tokens cache_read_input_tokens cached_input_tokens cached_content_token_count",
    "cache_write_tokens": "cache_creation_input_tokens cache_write_input_tokens cache_creation_tokens",
    "latency_s": "latency duration response_time elapsed elapsed_time total_time latency_seconds duration_seconds",
    "budget_label": "reasoning_effort effort thinking_level",
    "budget": "thinking_budget budget_tokens reasoning_budget max_thinking_tokens",
    "tag": "category subject dataset domain topic eval_name",
    "tenant": "user customer user_id customer_id end_user team_id",
    "conversation": "session_id conversation_id thread_id chat_id session",
    "step": "step_name stage node",
    "sample_index": "sample_id attempt repeat epoch run_index",
    "propensity": "probability action_probability",
    "embedding": "embeddings vector query_embedding",
}
_CLUES = {  # what keeps a column from being renamed
    "id": "joins the runs of a query, as query_id, only if all of them share it",
    "requestid": "joins the runs of a query, as query_id, only if all of them share it",
    "totaltokens": "does not split the prompt from the answer; log prompt_tokens and completion_tokens",
    "inputtokens": "of Anthropic leave out cached tokens, which prompt_tokens include",
}
_FAILED = "is not read: calls that failed count as answers, so leave them out of the log"
_CACHED = "is not read: answers from a cache count as calls, so leave them out of the log"
_CLUES |= dict.fromkeys(("status", "error", "errortype", "errormessage", "exception", "statuscode"), _FAILED)
_CLUES |= dict.fromkeys(("cachehit", "cached", "fromcache", "iscached"), _CACHED)
_CLUES["currency"] = "is not read: all costs count as USD"
_BESIDE = ("cost_usd", "budget_label")  # without these a log is also of little use
_STARTS, _ENDS = ("starttime", "startedat", "start"), ("endtime", "endedat", "completedat", "finishedat", "end")
_MODEL_NAME = re.compile(
    r"gpt|claude|llama|mi[sx]tral|gemini|gemma|qwen|qwq|deepseek|phi-?\d|wizardlm|vicuna|grok|palm|nova-|kimi|glm|falcon"
    r"|dbrx|jamba|sonnet|haiku|opus|smollm|command-r|\byi-|(?:^|[/@ _-])o[134](?:-|$)",
    re.I,
)
_TIMES = ("latency", "duration", "time", "elapsed")
_MILLISECONDS = re.compile(r"(?:_|latency|duration|time|elapsed)(?:ms|msecs?|millis|milliseconds)$")
_SUFFIX_LENGTH = 9  # a longer name also counts at the end of a column's name (usage.prompt_tokens)
_SHOWN = 30
_KEYS = {re.sub(r"[^a-z0-9]", "", name): column for column, names in OTHER_NAMES.items() for name in names.split()}
_NORMALIZED = _KEYS | {column.replace("_", ""): column for column in OTHER_NAMES}

Samples = Mapping[str, Sequence[object]]


class _Lacking(NamedTuple):
    """A source that lacks required columns."""

    source: str
    seen: Collection[str]
    needed: Sequence[str]
    samples: Samples


def guess(name: str) -> str | None:
    """Return the known column that a column of another name may be, or None.

    Example:
        >>> guess("reasoningEffort"), guess("usage.prompt_tokens"), guess("colour")
        ('budget_label', 'prompt_tokens', None)
    """
    if name in OTHER_NAMES:
        return None
    key, field = _key(name), _key(name.rpartition(".")[2])
    if column := _NORMALIZED.get(key) or _NORMALIZED.get(field):
        return column
    ends = [(len(end), column) for end, column in _NORMALIZED.items() if key.endswith(end)]
    longest, column = max(ends, default=(0, ""))
    return column if longest > _SUFFIX_LENGTH else None


def guesses(names: Iterable[str], present: Collection[str]) -> dict[str, str]:
    """Return the likeliest of the names for each known column that is not present."""
    best: dict[str, tuple[int, str]] = {}
    order = {key: place for place, key in enumerate(_KEYS)}
    for name in sorted(names):
        column = guess(name)
        if column is not None and column not in present:
            best[column] = min(best.get(column, (len(order), name)), (order.get(_key(name), len(order)), name))
    return {column: best[column][1] for column in OTHER_NAMES if column in best}


def lacking(source: str, seen: Collection[str], needed: Sequence[str], samples: Samples) -> str:
    """Word the error about required columns that a source lacks, with what can be done.

    Args:
        source: its name.
        seen: the columns that it has.
        needed: the known columns that it lacks.
        samples: some values by column; empty where the source cannot be read again.
    """
    log = _Lacking(source, seen, needed, samples)
    start = f"{source} has no column {' and no '.join(needed)}"
    guessed = guesses(seen, set(seen) - set(needed))
    near = guessed | _misspelt(log)
    near = {column: near[column] for column in needed if column in near}
    if wide := _wide(log, near):
        return f"{start}: {wide}"
    there = f"it has {listed(sorted(seen))}"
    if nested := _nested(samples, needed):
        return f"{start}; {there}. {nested}"
    if near:
        asked = " and ".join(f"is {name} the {column}?" for column, name in near.items())
        others = {column: guessed[column] for column in _BESIDE if column in guessed and column not in needed}
        asked += "".join(f" and is {name} the {column}?" for column, name in others.items())
        unnamed = [column for column in needed if column not in near]
        rest = "".join(f"; if it has the {column} too, name it likewise: {column}=NAME" for column in unnamed)
        return f"{start}; {there}; {asked} Then add --columns {_renamed(near | others)}{rest}"
    return f"{start}; {there}. If one of these is meant, name it with --columns {needed[0]}=NAME"


def is_model_name(text: str) -> bool:
    """Return whether a text holds the name of a family of models."""
    return _MODEL_NAME.search(text) is not None


def other_unit(columns: Mapping[str, str]) -> str | None:
    """Word the error about a column whose name states another unit than the column it is to be read as, or None.

    Args:
        columns: name in the log by known name, as the caller gave them.

    Example:
        >>> other_unit({"latency_s": "latency"}), other_unit({"latency_s": "latency_ms"})
        (None, 'latency_ms is in milliseconds, and latency_s is in seconds: divide it by 1000 in the log')
    """
    latency, cost = columns.get("latency_s", ""), columns.get("cost_usd", "")
    if _is_milliseconds(latency):
        return f"{latency} is in milliseconds, and latency_s is in seconds: divide it by 1000 in the log"
    if re.search(r"(^|_)cents?$", _spaced(cost)):
        return f"{cost} is in cents, and cost_usd is in USD: divide it by 100 in the log"
    return None


def ignored(unknown: Collection[str], present: Collection[str], samples: Samples) -> list[Finding]:
    """Return a finding about the columns that were not read, with the known ones that they may be.

    Args:
        unknown: the columns that were not read.
        present: the known columns that the log has.
        samples: some values by column.
    """
    if not unknown:
        return []
    near = guesses(unknown, present)
    if "query" in present and _key(near.get("query_id", "")) in _CLUES:
        del near["query_id"]  # the text joins the runs of a query, which an id of the call would part
    clues = [f"{name} {clue}" for name in sorted(unknown) if (clue := _CLUES.get(_key(name)))]
    clues += [
        f"{name} is in milliseconds, and latency_s is in seconds"
        for name in sorted(unknown)
        if "latency_s" not in present and _is_milliseconds(name)
    ]
    if "latency_s" not in present and (times := _times(unknown)):
        clues.append(f"latency_s would be {times[1]} - {times[0]}; log it as a column of seconds")
    text = f"columns that are not known were ignored: {listed(sorted(unknown))}"
    text += f"; if meant, add --columns {_renamed(near)}" if near else ""
    text += f" ({'; '.join(clues)})" if clues else ""
    nested = _nested(samples, set(OTHER_NAMES) - set(present))
    return [Finding("column", f"{text}. {nested}" if nested else text)]


def _is_milliseconds(name: str) -> bool:
    spaced = _spaced(name).rstrip("_")
    unit = _MILLISECONDS.search(spaced)
    return unit is not None and any(word in spaced[: unit.end()] for word in _TIMES)


def _spaced(name: str) -> str:
    """Write a name in lower case with underscores between its words."""
    return re.sub(r"[^a-z0-9]+", "_", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).casefold())


def _key(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.casefold())


def _renamed(near: Mapping[str, str]) -> str:
    """Write the value of ``--columns``, in quotes where a shell needs them."""
    text = ",".join(f"{column}={name}" for column, name in near.items())
    return text if re.fullmatch(r"[\w=,.:/-]+", text) else f'"{text}"'


def listed(names: Sequence[str]) -> str:
    """Name the first 30 and count the rest."""
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(one_line(name, 60) for name in names[:_SHOWN]) + more


def _misspelt(log: _Lacking) -> dict[str, str]:
    near = {column: close_names(column, log.seen, most=1, cutoff=0.75) for column in log.needed}
    return {column: names[0] for column, names in near.items() if names}


def _times(names: Collection[str]) -> tuple[str, str] | None:
    """Return the columns of a start and an end, if both are there."""
    by_key = {_key(name): name for name in names}
    start, end = (next((by_key[key] for key in keys if key in by_key), None) for keys in (_STARTS, _ENDS))
    return None if start is None or end is None else (start, end)


def _wide(log: _Lacking, near: Mapping[str, str]) -> str | None:
    """Describe a table with a column per model, and the reshaping that it needs; None if it is none."""
    if "model" not in log.needed or "model" in near:
        return None
    others = [name for name in log.seen if name not in OTHER_NAMES and guess(name) is None]
    numeric = sorted(name for name in others if not log.samples or _is_numeric(log.samples.get(name, ())))
    models = [name for name in numeric if _MODEL_NAME.search(name)]
    may_hold_queries = len(numeric) < len(log.seen)  # a column of texts, or one named like a known column
    if len(models) < 2 and log.samples and may_hold_queries and "quality" in log.needed and "quality" not in near:
        models = numeric
    if len(models) < 2:
        return None
    query = "query" if "query" in log.seen else guesses(log.seen, ()).get("query", "query")
    shown = ", ".join(f'"{name}"' for name in models[:3]) + (", ..." if len(models) > 3 else "")
    return (
        f"it looks like a wide table with one column per model ({listed(models[:6])}), which --columns cannot name; "
        "paretoroute import --guess FILE writes a mapping of them, or "
        f'write one row per run, in pandas: frame.melt(id_vars=["{query}"], value_vars=[{shown}], var_name="model", '
        'value_name="quality"); costs likewise, joined by query and model (docs/howto/logs.md, Wide tables)'
    )


def _is_numeric(values: Sequence[object]) -> bool:
    stated = [value for value in values if not (value is None or (isinstance(value, str) and is_absent_text(value)))]
    return bool(stated) and all(_is_number(value) for value in stated)


def _is_number(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return isinstance(value, bool)
    try:
        float(value)
    except OverflowError:  # a whole number above the largest float
        return True
    except ValueError:
        return False
    return True


def _nested(samples: Samples, wanted: Collection[str]) -> str | None:
    """Name the fields of nested objects that are or may be known columns."""
    inside: list[str] = []
    order = [column for column in OTHER_NAMES if column in wanted]
    for name, values in sorted(samples.items()):
        objects: list[dict[str, Any]] = [value for value in values if isinstance(value, dict)]
        keys = {str(key) for value in objects for key in value}
        columns = {key: key if key in OTHER_NAMES else guess(key) for key in keys}
        inside += [f"{name}.{key}" for column in order for key in sorted(keys) if columns[key] == column]
    if not inside:
        return None
    return (
        f"Nested fields are not read ({', '.join(inside[:6])}): flatten the rows, in pandas with "
        f"json_normalize(rows), and name them with --columns {guess(inside[0]) or 'NAME'}={inside[0]}"
    )
