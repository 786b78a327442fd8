"""The commands that write a policy: ``fit``, ``solve`` and ``demo``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from paretoroute.cli.console import console, say
from paretoroute.cli.options import (
    INFEASIBLE,
    AddPoints,
    Columns,
    Limits,
    MaxCostUsd,
    MinQualityOf,
    MinQualityShare,
    Out,
    PolicyFile,
    Prices,
    Ratio,
    RunFiles,
    Strict,
    Worth,
    check_out,
    read_columns,
    target_of,
)
from paretoroute.errors import TargetError

if TYPE_CHECKING:
    from paretoroute.policy.policy import Policy
    from paretoroute.runs.table import Runs


def _finish(policy: Policy, out: Path) -> None:
    from paretoroute.report import text

    policy.save(out)
    document = policy.document
    console().print(text.trade_off_table(document))
    say(text.summary(document))
    say(f"\nwritten   {out} and {out.with_suffix('.safetensors').name} beside it")
    if document.solution.status == "infeasible":
        raise typer.Exit(INFEASIBLE)


def fit(
    runs: RunFiles,
    out: Out,
    max_cost: MaxCostUsd = None,
    min_quality: MinQualityShare = None,
    min_quality_of: MinQualityOf = None,
    ratio: Ratio = None,
    worth: Worth = None,
    limit: Limits = None,
    columns: Columns = None,
    strict: Strict = False,
    grid: Annotated[Path | None, typer.Option("--grid", help="YAML file of the points to choose from.")] = None,
    add_point: AddPoints = None,
    prices: Prices = None,
    seed: Annotated[int, typer.Option("--seed", help="Same runs and seed, same bytes.")] = 0,
    name: Annotated[str | None, typer.Option("--name", help="Name of the policy; the file's if not given.")] = None,
) -> None:
    """Fit a policy on logged runs; without a target: as good as the best single point, as cheaply as possible."""
    from paretoroute.fitting.fit import fit as learn
    from paretoroute.grid_file import read_grid, read_prices
    from paretoroute.limits import parse_limit
    from paretoroute.runs.read import read_runs

    target = target_of(max_cost, min_quality, min_quality_of, ratio, worth)
    limits = [parse_limit(words) for words in limit or ()]
    check_out(out)
    given = None if prices is None else read_prices(prices)
    points = None if grid is None else read_grid(grid)
    notes = console(stderr=True)
    with notes.status("reading the runs") as status:
        log = read_runs(*runs, columns=read_columns(columns), strict=strict)
        policy = learn(
            log,
            target,
            limits=limits,
            grid=points,
            add_points=add_point or (),
            prices=given,
            seed=seed,
            name=name or out.stem,
            progress=status.update,
        )
    _say_about(log, policy)
    _finish(policy, out)


def _say_about(log: Runs, policy: Policy) -> None:
    from paretoroute.report import text

    about = policy.document.fitted_on
    say(f"read {about.runs} runs of {about.queries} queries at {about.points} points")
    for words in text.about_runs(log, policy.document):
        say(words if words.startswith("  ") else f"- {words}")


def solve(
    policy: PolicyFile,
    out: Out,
    max_cost: MaxCostUsd = None,
    min_quality: MinQualityShare = None,
    min_quality_of: MinQualityOf = None,
    ratio: Ratio = None,
    worth: Worth = None,
    limit: Limits = None,
    no_limits: Annotated[bool, typer.Option("--no-limits", help="Drop the limits that the policy has.")] = False,
    prices: Prices = None,
) -> None:
    """Solve a policy for another target, with other limits or at other prices, without a fit.

    Limits that are given replace those of the policy. A point that is out of order is left out by
    --limit "never MODEL@LABEL", and comes back without it.
    """
    from paretoroute.grid_file import read_prices
    from paretoroute.limits import parse_limit
    from paretoroute.policy.policy import Policy

    target = target_of(max_cost, min_quality, min_quality_of, ratio, worth)
    if target is None and prices is None and not limit and not no_limits:
        raise TargetError("nothing to solve for: give a target (--max-cost, --min-quality ...), --limit or --prices")
    if limit and no_limits:
        raise TargetError("--no-limits drops all limits; leave it out, or leave out --limit")
    limits = [parse_limit(words) for words in limit or ()] if limit or no_limits else None
    check_out(out)
    given = None if prices is None else read_prices(prices)
    _finish(Policy.load(policy).solve(target, limits=limits, prices=given), out)


def demo(
    out: Annotated[Path, typer.Option("--out", help="Where to write the policy.")] = Path("demo-policy.yaml"),
) -> None:
    """Fit, solve, export and plan on the log that ships with the package."""
    from paretoroute.fitting.fit import fit as learn
    from paretoroute.planner.planner import Planner
    from paretoroute.report import text
    from paretoroute.runs.demo import DEMO_QUERIES, demo_runs

    check_out(out)
    say("The log that ships with the package is of two TOY-SIZED open models on a laptop, see its data card.")
    log = demo_runs()
    with console(stderr=True).status("fitting") as status:
        policy = learn(log, name=out.stem, progress=status.update)
    policy.save(out)
    say(f"read {len(log)} runs of {len(log.query_ids)} queries at {len(log.points)} points")
    console().print(text.trade_off_table(policy.document))
    say(text.summary(policy.document))
    say(f"\nwritten   {out} and {out.with_suffix('.safetensors').name} beside it\n")
    planner = Planner.load(out)
    for number, query in enumerate(DEMO_QUERIES):
        say(f'"{query}"')
        say(text.decision_text(planner.plan(query, query_id=f"demo-{number}")) + "\n")
    say(f"next: paretoroute show {out}   or: paretoroute fit YOUR_RUNS.jsonl --out policy.yaml")
