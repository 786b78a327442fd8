"""The command ``monitor``: compare the forecasts of a policy with the outcomes of its calls."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from paretoroute.cli.arguments.options import (
    INFEASIBLE,
    Columns,
    Join,
    PolicyFile,
    RunFiles,
    ScaleOfQuality,
    TextOrJson,
    check_format,
    read_columns,
    read_quality_scale,
)
from paretoroute.cli.console import print_text, show

StateFile = Annotated[
    Path | None,
    typer.Option("--state", help="JSON file with the state, read and updated; the first call creates it."),
]
Horizon = Annotated[
    int | None,
    typer.Option(
        "--horizon",
        metavar="CALLS",
        help="Number of calls within which the chance of a false alarm is at most 5%; 60000 by default.",
    ),
]
FailOnDrift = Annotated[bool, typer.Option("--fail-on-drift", help="Exit with 3 if a change was detected.")]


def monitor(
    policy: PolicyFile,
    runs: RunFiles,
    *,
    state: StateFile = None,
    horizon: Horizon = None,
    fail_on_drift: FailOnDrift = False,
    columns: Columns = None,
    quality_scale: ScaleOfQuality = None,
    join: Join = "id",
    form: TextOrJson = "text",
) -> None:
    """Test whether the outcomes of a policy's calls still agree with its forecasts.

    The report names what changed, by how much and since when.
    """
    check_format(form, "text", "json")
    from paretoroute.errors import TargetError
    from paretoroute.evaluation.drift.monitor import HORIZON_CALLS, Monitor
    from paretoroute.policy.policy import Policy
    from paretoroute.report.drift import drift_table, drift_text
    from paretoroute.report.labels import labels_of

    scale = read_quality_scale(quality_scale)
    loaded = Policy.load(policy)
    if state is not None and state.exists():
        watch = Monitor.load(state, loaded)
        if horizon not in (None, watch.record.streams.horizon_calls):
            raise TargetError(
                f"--horizon {horizon}: {state.name} has a horizon of {watch.record.streams.horizon_calls}; leave it out"
            )
    else:
        watch = Monitor(loaded, horizon_calls=HORIZON_CALLS if horizon is None else horizon)
    report = watch.update(*runs, columns=read_columns(columns), quality_scale=scale, join=join)
    if state is not None:
        watch.save(state)
    if form == "json":
        print_text(json.dumps(_finite(asdict(report)), ensure_ascii=False, indent=2))
    else:
        label = labels_of(loaded.document)
        show(drift_text(report, label), *([drift_table(report, label)] if report.points else []))
    if fail_on_drift and report.drifted:
        raise typer.Exit(INFEASIBLE)


def _finite(value: Any) -> Any:
    """Replace numbers that JSON lacks by null, at any depth."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
