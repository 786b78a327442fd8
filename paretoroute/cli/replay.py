"""The command ``replay``: evaluate a policy on logged runs."""

from __future__ import annotations

import json
from dataclasses import asdict

from paretoroute.cli.console import print_text
from paretoroute.cli.options import Columns, PolicyFile, RunFiles, Strict, TextOrJson, check_format, read_columns


def replay(
    policy: PolicyFile,
    runs: RunFiles,
    *,
    columns: Columns = None,
    strict: Strict = False,
    form: TextOrJson = "text",
) -> None:
    """Evaluate a policy on logged runs by the logged outcomes of the points that it chooses."""
    check_format(form, "text", "json")
    from paretoroute.evaluation.replay import replay as replay_policy
    from paretoroute.planner.planner import Planner
    from paretoroute.report.text import replay_text
    from paretoroute.runs.read import read_runs

    planner = Planner.load(policy)
    outcome = replay_policy(planner, read_runs(*runs, columns=read_columns(columns), strict=strict))
    if form == "text":
        print_text(replay_text(outcome))
        return
    figures = {name: None if value != value else value for name, value in asdict(outcome).items()}  # no NaN in JSON
    print_text(json.dumps(figures, ensure_ascii=False, indent=2))
