"""The commands that write a policy: ``fit``, ``solve`` and ``demo``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from paretoroute.cli.console import console, print_text
from paretoroute.cli.options import (
    INFEASIBLE,
    AddPoints,
    Columns,
    LimitTexts,
    MaxCostUsd,
    MinQualityOf,
    MinQualityShare,
    Out,
    PolicyFile,
    PriceFile,
    Ratio,
    RunFiles,
    ScaleOfQuality,
    Strict,
    TargetOptions,
    Worth,
    check_out,
    read_columns,
    read_limits,
    read_price_file,
    read_quality_scale,
)
from paretoroute.errors import TargetError

if TYPE_CHECKING:
    from paretoroute.policy.policy import Policy
    from paretoroute.runs.table import Runs


def fit(
    runs: RunFiles,
    out: Out,
    *,
    max_cost: MaxCostUsd = None,
    min_quality: MinQualityShare = None,
    min_quality_of: MinQualityOf = None,
    ratio: Ratio = None,
    worth: Worth = None,
    limit: LimitTexts = None,
    columns: Columns = None,
    quality_scale: ScaleOfQuality = None,
    strict: Strict = False,
    grid: Annotated[Path | None, typer.Option("--grid", help="YAML file of the points to choose from.")] = None,
    add_point: AddPoints = None,
    prices: PriceFile = None,
    seed: Annotated[int, typer.Option("--seed", help="Same runs and seed, same bytes.")] = 0,
    name: Annotated[str | None, typer.Option("--name", help="Name of the policy; the file's by default.")] = None,
) -> None:
    """Fit a policy on logged runs. Without a target: as good as the best single point, as cheaply as possible."""
    from paretoroute.fitting.fit import fit as fit_policy
    from paretoroute.grid_file import read_grid
    from paretoroute.runs.read import read_runs

    options = TargetOptions(
        max_cost=max_cost, min_quality=min_quality, min_quality_of=min_quality_of, ratio=ratio, worth=worth
    )
    target, limits = options.target(), read_limits(limit)
    scale = read_quality_scale(quality_scale)
    check_out(out)
    token_prices = read_price_file(prices)
    points = None if grid is None else read_grid(grid)
    with console(stderr=True).status("reading the runs") as status:
        log = read_runs(*runs, columns=read_columns(columns), strict=strict, quality_scale=scale)
        policy = fit_policy(
            log,
            target,
            limits=limits,
            grid=points,
            add_points=add_point or (),
            prices=token_prices,
            seed=seed,
            name=name or out.stem,
            progress=status.update,
        )
    _print_log(log, policy)
    _write_and_report(policy, out)


def solve(
    policy: PolicyFile,
    out: Out,
    *,
    max_cost: MaxCostUsd = None,
    min_quality: MinQualityShare = None,
    min_quality_of: MinQualityOf = None,
    ratio: Ratio = None,
    worth: Worth = None,
    limit: LimitTexts = None,
    no_limits: Annotated[bool, typer.Option("--no-limits", help="Drop the limits that the policy has.")] = False,
    prices: PriceFile = None,
) -> None:
    """Solve a policy for another target, with other limits or at other prices, without a new fit.

    Limits that are given replace those of the policy. --limit "never MODEL@LABEL" excludes a point that is out of
    order; solve without it to include the point again.
    """
    from paretoroute.policy.policy import Policy

    options = TargetOptions(
        max_cost=max_cost, min_quality=min_quality, min_quality_of=min_quality_of, ratio=ratio, worth=worth
    )
    target = options.target()
    if target is None and prices is None and not limit and not no_limits:
        raise TargetError("nothing to solve for: give a target (--max-cost, --min-quality ...), --limit or --prices")
    if limit and no_limits:
        raise TargetError("--no-limits drops all limits; leave it out, or leave out --limit")
    limits = read_limits(limit) if limit or no_limits else None
    check_out(out)
    token_prices = read_price_file(prices)
    _write_and_report(Policy.load(policy).solve(target, limits=limits, prices=token_prices), out)


def demo(
    out: Annotated[Path, typer.Option("--out", help="Where to write the policy.")] = Path("demo-policy.yaml"),
) -> None:
    """Fit, solve, export and plan on the log that ships with the package."""
    from paretoroute.fitting.fit import fit as fit_policy
    from paretoroute.planner.planner import Planner
    from paretoroute.report.text import decision_text
    from paretoroute.runs.demo import DEMO_QUERIES, demo_runs

    check_out(out)
    print_text(
        "The log that ships with the package comes from two TOY-SIZED open models on a laptop; see its data card."
    )
    log = demo_runs()
    with console(stderr=True).status("fitting") as status:
        policy = fit_policy(log, name=out.stem, progress=status.update)
    policy.save(out)
    print_text(f"read {len(log)} runs of {len(log.query_ids)} queries at {len(log.points)} points")
    _print_policy(policy, out)
    planner = Planner.load(out)
    for number, query in enumerate(DEMO_QUERIES):
        print_text(f'\n"{query}"\n{decision_text(planner.plan(query, query_id=f"demo-{number}"))}')
    print_text(f"\nnext: paretoroute show {out}   or: paretoroute fit YOUR_RUNS.jsonl --out policy.yaml")


def _write_and_report(policy: Policy, out: Path) -> None:
    """Save a policy and print its summary; exit with 3 if its target is infeasible."""
    policy.save(out)
    _print_policy(policy, out)
    if policy.document.solution.status == "infeasible":
        raise typer.Exit(INFEASIBLE)


def _print_policy(policy: Policy, out: Path) -> None:
    from paretoroute.policy.files.replace import read_side_file_name
    from paretoroute.report.text import summary, trade_off_table

    console().print(trade_off_table(policy.document))
    print_text(summary(policy.document))
    print_text(f"\nwritten   {out} and {read_side_file_name(out)} beside it")


def _print_log(runs: Runs, policy: Policy) -> None:
    from paretoroute.report.text import about_runs

    fitted_on = policy.document.fitted_on
    print_text(f"read {fitted_on.runs} runs of {fitted_on.queries} queries at {fitted_on.points} points")
    for line in about_runs(runs, policy.document):
        print_text(line if line.startswith("  ") else f"- {line}")
