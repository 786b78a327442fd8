"""The command ``replay``: evaluate a policy on logged runs."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from paretoroute.cli.console import say
from paretoroute.cli.options import Columns, PolicyFile, RunFiles, Strict, read_columns
from paretoroute.errors import QueryError


def replay(
    policy: PolicyFile,
    runs: RunFiles,
    columns: Columns = None,
    strict: Strict = False,
    form: Annotated[str, typer.Option("--format", help="text or json.")] = "text",
) -> None:
    """Judge a policy on logged runs: what its choices would have given."""
    from dataclasses import asdict

    if form not in ("text", "json"):
        raise QueryError(f"--format {form!r}: use text or json")
    from paretoroute.evaluation.replay import replay as judge
    from paretoroute.planner.planner import Planner
    from paretoroute.report.text import replay_text
    from paretoroute.runs.read import read_runs

    planner = Planner.load(policy)
    found = judge(planner, read_runs(*runs, columns=read_columns(columns), strict=strict))
    if form == "text":
        say(replay_text(found))
        return
    figures = {name: None if value != value else value for name, value in asdict(found).items()}  # no NaN in JSON
    say(json.dumps(figures, ensure_ascii=False, indent=2))
