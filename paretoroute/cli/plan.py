"""The command ``plan``: decide what to call, for one query or for each query of a file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from paretoroute.cli.console import say
from paretoroute.cli.options import PolicyFile
from paretoroute.errors import QueryError

if TYPE_CHECKING:
    from paretoroute.planner.decision import Decision
    from paretoroute.planner.planner import Planner


def plan(
    policy: PolicyFile,
    query: Annotated[str | None, typer.Argument(metavar="QUERY", help="The query, in quotes.")] = None,
    queries: Annotated[
        Path | None, typer.Option("--queries", help="JSONL file: query, and query_id if you like, per line.")
    ] = None,
    max_cost: Annotated[
        float | None, typer.Option("--max-cost", help="Hard limit on the bill of each call in USD.")
    ] = None,
    min_quality: Annotated[float | None, typer.Option("--min-quality", help="Least forecast quality.")] = None,
    max_latency: Annotated[float | None, typer.Option("--max-latency", help="Largest mean latency in s.")] = None,
    models: Annotated[str | None, typer.Option("--models", help="Models that may be called: A,B,...")] = None,
    query_id: Annotated[str | None, typer.Option("--query-id", help="Opaque key that seeds the coin.")] = None,
    tag: Annotated[str | None, typer.Option("--tag", help="Tag of the query, for limits on tags.")] = None,
    tenant: Annotated[str | None, typer.Option("--tenant", help="Its tenant, for limits on tenants.")] = None,
    step: Annotated[str | None, typer.Option("--step", help="Its step, for limits on steps.")] = None,
    request: Annotated[
        str | None, typer.Option("--request", metavar="DIALECT", help="Also give the arguments for openai or litellm.")
    ] = None,
    form: Annotated[str, typer.Option("--format", help="text, json or jsonl.")] = "text",
) -> None:
    """Decide what to call for one query, or for each query of a file."""
    from paretoroute.planner.planner import Planner

    if form not in ("text", "json", "jsonl"):
        raise QueryError(f"--format {form!r}: use text, json or jsonl")
    if (query is None) == (queries is None):
        raise QueryError("give one query in quotes, or --queries FILE.jsonl")
    planner = Planner.load(policy, dialect=request)
    limits: dict[str, Any] = {"max_cost_usd": max_cost, "min_quality": min_quality, "max_latency_s": max_latency}
    if models is not None:
        limits["models"] = [name.strip() for name in models.split(",")]
    named = {"tag": tag, "tenant": tenant, "step": step}
    if queries is None:
        answers = [_answer(planner.plan(query, query_id=query_id, **named, **limits), form, request)]
    else:
        answers = list(_answers(planner, queries, named, limits, form, request))
    text = {"text": "\n\n", "json": ",\n", "jsonl": "\n"}[form].join(answers)
    say(f"[\n{text}\n]" if form == "json" and queries is not None else text)


def _answers(
    planner: Planner, path: Path, labels: dict[str, Any], limits: dict[str, Any], form: str, request: str | None
) -> Iterator[str]:
    for where, one in _queries(path):
        try:
            # A line's own labels win over those of the command.
            yield _answer(planner.plan(**{**labels, **one}, **limits), form, request)
        except QueryError as error:
            raise QueryError(f"{where}: {error}") from None


def _answer(decision: Decision, form: str, request: str | None) -> str:
    arguments = None if request is None else decision.request_kwargs(request)
    if form == "text":
        from paretoroute.report.text import decision_text

        words = decision_text(decision)
        return words if arguments is None else f"{words}\nrequest   {json.dumps(arguments, ensure_ascii=False)}"
    row = decision.to_row()
    if form == "json":
        other = decision.runner_up
        row["why"] = decision.why
        row["runner_up"] = (
            None
            if other is None
            else {
                "point": other.point,
                "expected_quality": other.expected_quality,
                "expected_cost_usd": other.expected_cost_usd,
            }
        )
        row["fallbacks"] = list(decision.fallbacks)
    if arguments is not None:
        row["request"] = arguments
    return json.dumps(row, ensure_ascii=False, indent=2 if form == "json" else None)


def _queries(path: Path) -> list[tuple[str, dict[str, Any]]]:
    """Read the queries of a file, each with the words for where it stands."""
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError as error:
        raise QueryError(f"{path}: cannot be read: {error.strerror}") from None
    found = []
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        where = f"{path.name}, line {number}"
        try:
            row = json.loads(line)
        except ValueError as error:
            reason = f"{error.msg} at column {error.colno}" if isinstance(error, json.JSONDecodeError) else error
            raise QueryError(f"{where}: not JSON ({reason}); each line is an object with a query") from None
        if not isinstance(row, dict) or not ({"query", "embedding"} & set(row)):
            raise QueryError(f'{where}: not an object with a query; write {{"query": "..."}}')
        key = row.get("query_id")
        one = {"query": row.get("query"), "query_id": None if key is None else str(key)}
        one |= {by: str(row[by]) for by in ("tag", "tenant", "step") if row.get(by) is not None}
        if row.get("embedding") is not None:
            one["embedding"] = row["embedding"]
        found.append((where, one))
    if not found:
        raise QueryError(f"{path.name}: no query in it")
    return found
