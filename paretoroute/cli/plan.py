"""The command ``plan``: decide what to call, for one query or for each query of a file."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from paretoroute.cli.arguments import conversation
from paretoroute.cli.arguments.completion import one_of
from paretoroute.cli.arguments.encoder import EncoderFolder, read_encoder
from paretoroute.cli.arguments.options import INFEASIBLE, PolicyFile, check_format
from paretoroute.cli.arguments.trust import TrustedKeys, read_trusted_keys
from paretoroute.cli.console import print_text, show
from paretoroute.errors import GridError, QueryError, TargetError

if TYPE_CHECKING:
    from paretoroute.cli.arguments.query_file import FileQuery
    from paretoroute.planner.decision import Decision
    from paretoroute.planner.planner import Planner
    from paretoroute.report.layout import Entries

_BETWEEN = {"json": ",\n", "jsonl": "\n"}
_Dialect = Annotated[
    str | None,
    typer.Option(
        "--request",
        metavar="DIALECT",
        help="Also print the arguments for a client: anthropic, gemini, litellm, mistral, openai, openai_responses, "
        "vllm.",
        autocompletion=one_of("anthropic", "gemini", "litellm", "mistral", "openai", "openai_responses", "vllm"),
    ),
]
_Explore = Annotated[
    float,
    typer.Option(
        "--explore",
        metavar="SHARE",
        help="Share of the calls that go to points which the policy would not call, such as 0.05; alone: its price.",
    ),
]
_SafePoint = Annotated[
    str | None,
    typer.Option("--safe-point", metavar="POINT", help="Point for queries that are unlike the logged ones."),
]
_Form = Annotated[
    str, typer.Option("--format", help="text, json or jsonl.", autocompletion=one_of("text", "json", "jsonl"))
]


def plan(
    policy: PolicyFile,
    query: Annotated[str | None, typer.Argument(metavar="QUERY", help="The query, in quotes.")] = None,
    *,
    queries: Annotated[
        Path | None, typer.Option("--queries", help="JSONL file with a query and optionally a query_id per line.")
    ] = None,
    max_cost: Annotated[
        float | None, typer.Option("--max-cost", help="Hard cap on the cost of each call in USD.")
    ] = None,
    min_quality: Annotated[float | None, typer.Option("--min-quality", help="Least forecast quality.")] = None,
    max_latency: Annotated[
        float | None, typer.Option("--max-latency", help="Largest forecast mean latency in s.")
    ] = None,
    models: Annotated[str | None, typer.Option("--models", help="Models that may be called: A,B,...")] = None,
    query_id: Annotated[str | None, typer.Option("--query-id", help="Opaque key that seeds the random draw.")] = None,
    tag: Annotated[str | None, typer.Option("--tag", help="Tag of the query, for limits on tags.")] = None,
    tenant: Annotated[str | None, typer.Option("--tenant", help="Tenant of the query, for limits on tenants.")] = None,
    step: Annotated[str | None, typer.Option("--step", help="Step of the query, for limits on steps.")] = None,
    previous: conversation.Previous = None,
    cached_tokens: conversation.CachedTokens = None,
    cached_price_ratio: conversation.CachedPriceRatio = None,
    switch_margin: conversation.SwitchMargin = None,
    explore: _Explore = 0.0,
    safe_point: _SafePoint = None,
    request: _Dialect = None,
    encoder: EncoderFolder = None,
    trusted_key: TrustedKeys = None,
    form: _Form = "text",
) -> None:
    """Choose the point to call for one query, or for each query of a file.

    Without a query, --explore prints the price of exploring. The exit code is 3 if no point keeps the limits of a call;
    the nearest point is then printed, as infeasible. With a file it is 3 only if that holds for every query.
    """
    from paretoroute.planner.planner import Planner

    check_format(form, "text", *_BETWEEN)
    given = (query is not None) + (queries is not None)
    if given != 1 and not (given == 0 and explore):
        raise QueryError("give one query in quotes, or --queries FILE.jsonl")
    planner = Planner.load(
        policy,
        dialect=request,
        explore=explore,
        safe_point=safe_point,
        encoder=read_encoder(encoder),
        trusted_keys=read_trusted_keys(trusted_key),
    )
    if given == 0:
        return _show_price(planner, form)
    allowed = None if models is None else [name.strip() for name in models.split(",")]
    limits = {"max_cost_usd": max_cost, "min_quality": min_quality, "max_latency_s": max_latency}
    stay = {"previous": previous, "cached_tokens": cached_tokens, "cached_price_ratio": cached_price_ratio}
    details = {"tag": tag, "tenant": tenant, "step": step, **stay, "switch_margin": switch_margin}
    if queries is None:
        decisions = [planner.plan(query, query_id=query_id, models=allowed, **limits, **details)]
    else:
        from paretoroute.cli.arguments.query_file import read_queries  # loads the readers of logs

        decisions = _decide_lines(planner, read_queries(queries), details, models=allowed, **limits)
    if form == "text":
        show(*(_sentences(decision, planner, request) for decision in decisions))
    else:
        rows = [_row(decision, form, request, explores=explore > 0) for decision in decisions]
        print_text(_json_text(rows, form, is_list=queries is not None))
    if decisions and not any(decision.keeps_limits for decision in decisions):
        raise typer.Exit(INFEASIBLE)


def _decide_lines(
    planner: Planner, lines: Sequence[FileQuery], details: Mapping[str, Any], **limits: Any
) -> list[Decision]:
    """Decide on the lines of a file, together where neighbours have the same labels and previous call.

    A line's own labels and previous call win over those of the command. Lines keep their order, in which queries
    without an id draw.

    Raises:
        QueryError: the planner refuses a query; the message names its line.
        GridError: the previous call of a line is not in the grid.
        TargetError: a limit, or what a line states about its previous call, is out of range.
    """
    decisions: list[Decision] = []
    for own, group in itertools.groupby(lines, key=lambda line: {**details, **line.labels, **line.stay}):
        together = list(group)
        try:
            decisions += planner.plan_batch(
                [line.query for line in together],
                query_ids=[line.query_id for line in together],
                embeddings=[line.embedding for line in together],
                **limits,
                **own,
            )
        except (QueryError, GridError, TargetError):
            for line in together:  # one by one, to name the line that is refused
                _check_line(planner, line, **limits, **own)
            raise
    return decisions


def _check_line(planner: Planner, line: FileQuery, **details: Any) -> None:
    try:
        planner.plan(line.query, query_id=line.query_id, embedding=line.embedding, **details)
    except (QueryError, GridError, TargetError) as error:
        if not line.stay and not isinstance(error, QueryError):
            raise  # of a limit that all lines share
        raise type(error)(f"{line.where}: {error}") from None


def _sentences(decision: Decision, planner: Planner, request: str | None) -> Entries:
    """Format a decision in words, with the arguments of the request for a dialect if one is given."""
    from paretoroute.report.labels import labels_of
    from paretoroute.report.layout import Entries, Entry
    from paretoroute.report.outcomes import decision_text

    text = decision_text(decision, labels_of(planner.policy.document))
    if request is None:
        return text
    calls = [decision.request_kwargs(request), *_fallback_requests(decision, request)]
    lines = [json.dumps(arguments, ensure_ascii=False) for arguments in calls]
    names = ["request", *["then"] * len(decision.fallbacks)]
    return Entries((*text.entries, *map(Entry, names, lines)))


def _fallback_requests(decision: Decision, request: str) -> list[dict[str, Any]]:
    """Return the arguments of each fallback, in order."""
    return [call.request_kwargs(request) for call in decision.fallback_calls]


def _show_price(planner: Planner, form: str) -> None:
    """Print what exploring costs."""
    from paretoroute.report.labels import labels_of
    from paretoroute.report.outcomes import exploration_text

    preview = planner.preview_exploration()
    if form == "text":
        show(exploration_text(preview, labels_of(planner.policy.document)))
    else:
        print_text(json.dumps(asdict(preview), ensure_ascii=False, indent=2 if form == "json" else None))


def _json_text(rows: Sequence[Mapping[str, Any]], form: str, *, is_list: bool) -> str:
    """Format decisions as JSON or as JSON lines."""
    indent = 2 if form == "json" else None
    text = _BETWEEN[form].join(json.dumps(row, ensure_ascii=False, indent=indent) for row in rows)
    return f"[\n{text}\n]" if form == "json" and is_list else text


def _row(decision: Decision, form: str, request: str | None, *, explores: bool) -> dict[str, Any]:
    """Return a decision as JSON has it, with the arguments of the requests for a dialect if one is given."""
    row = decision.to_json() if form == "json" else decision.to_row()
    if explores:
        row["explores"] = decision.explores
    if request is not None:
        row["request"] = decision.request_kwargs(request)
        row["fallback_requests"] = _fallback_requests(decision, request)
    return row
