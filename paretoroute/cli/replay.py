"""The command ``replay``: evaluate a policy on logged runs."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from dataclasses import replace as changed
from pathlib import Path
from typing import Annotated

import typer

from paretoroute.cli.arguments.completion import policy_files
from paretoroute.cli.arguments.options import (
    Columns,
    Join,
    PolicyFile,
    RunFiles,
    ScaleOfQuality,
    Strict,
    TextOrJson,
    check_format,
    read_columns,
    read_quality_scale,
)
from paretoroute.cli.console import print_text, show

Against = Annotated[
    Path | None,
    typer.Option(
        "--against",
        metavar="POLICY.yaml",
        help="Compare with this policy on the same queries.",
        autocompletion=policy_files,
    ),
]


def replay(
    policy: PolicyFile,
    runs: RunFiles,
    *,
    columns: Columns = None,
    quality_scale: ScaleOfQuality = None,
    join: Join = "id",
    strict: Strict = False,
    against: Against = None,
    form: TextOrJson = "text",
) -> None:
    """Estimate a policy's quality and cost on logged runs.

    The log may be partial, with points chosen by anyone. The estimate is then doubly robust: forecasts, corrected by
    the errors at the logged outcomes, weighted by inverse propensities (those of the log, else estimated).
    """
    check_format(form, "text", "json")
    from paretoroute.evaluation.replay import replay as replay_policy
    from paretoroute.planner.planner import Planner
    from paretoroute.report.labels import labels_of
    from paretoroute.report.outcomes import replay_table, replay_text
    from paretoroute.runs.read import read_runs

    scale = read_quality_scale(quality_scale)
    planner, other = Planner.load(policy), None if against is None else Planner.load(against)
    log = read_runs(*runs, columns=read_columns(columns), strict=strict, quality_scale=scale, join=join)
    outcome = replay_policy(planner, log, against=other)
    if outcome.against is not None and against is not None:
        outcome = changed(outcome, against=changed(outcome.against, name=against.name))
    if form == "text":
        label = labels_of(planner.policy.document)
        show(replay_text(outcome, label), replay_table(outcome, label))
        return
    print_text(json.dumps(_without_nan(asdict(outcome)), ensure_ascii=False, indent=2))


def _without_nan(value: object) -> object:
    """Replace NaN, which JSON lacks, by None, at any depth."""
    if isinstance(value, dict):
        return {name: _without_nan(item) for name, item in value.items()}
    return None if isinstance(value, float) and math.isnan(value) else value
