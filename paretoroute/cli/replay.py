"""The command ``replay``: evaluate a policy on logged runs."""

from __future__ import annotations

import json
from dataclasses import asdict

from paretoroute.cli.console import print_text, show
from paretoroute.cli.options import (
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


def replay(
    policy: PolicyFile,
    runs: RunFiles,
    *,
    columns: Columns = None,
    quality_scale: ScaleOfQuality = None,
    join: Join = "id",
    strict: Strict = False,
    form: TextOrJson = "text",
) -> None:
    """Evaluate a policy on logged runs by the logged outcomes of the points that it chooses."""
    check_format(form, "text", "json")
    from paretoroute.evaluation.replay import replay as replay_policy
    from paretoroute.planner.planner import Planner
    from paretoroute.report.labels import labels_of
    from paretoroute.report.outcomes import replay_text
    from paretoroute.runs.read import read_runs

    scale = read_quality_scale(quality_scale)
    planner = Planner.load(policy)
    log = read_runs(*runs, columns=read_columns(columns), strict=strict, quality_scale=scale, join=join)
    outcome = replay_policy(planner, log)
    if form == "text":
        show(replay_text(outcome, labels_of(planner.policy.document)))
        return
    figures = {name: None if value != value else value for name, value in asdict(outcome).items()}  # no NaN in JSON
    print_text(json.dumps(figures, ensure_ascii=False, indent=2))
