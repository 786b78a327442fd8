"""The commands that write a policy: ``fit``, ``solve`` and ``demo``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from paretoroute.cli.arguments.encoder import EncoderFolder, read_encoder
from paretoroute.cli.arguments.options import (
    INFEASIBLE,
    REFUSED,
    AddPoints,
    Columns,
    Join,
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
    Verbose,
    Worth,
    check_not_over_policy,
    check_out,
    read_columns,
    read_limits,
    read_price_file,
    read_quality_scale,
)
from paretoroute.cli.console import console, print_text, show
from paretoroute.errors import TargetError

if TYPE_CHECKING:
    from paretoroute.cli.console import Block
    from paretoroute.policy.policy import Policy


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
    join: Join = "id",
    strict: Strict = False,
    grid: Annotated[Path | None, typer.Option("--grid", help="YAML file of the points to choose from.")] = None,
    add_point: AddPoints = None,
    prices: PriceFile = None,
    encoder: EncoderFolder = None,
    seed: Annotated[int, typer.Option("--seed", help="Seed; equal runs and seed give an equal policy.")] = 0,
    name: Annotated[str | None, typer.Option("--name", help="Name of the policy; the file's by default.")] = None,
    certify: Annotated[
        float | None, typer.Option("--certify", metavar="LEVEL", help="Certify the target at this level, such as 0.9.")
    ] = None,
    hold_out: Annotated[
        float | None,
        typer.Option("--hold-out", metavar="SHARE", help="Share of the queries to certify on; 0.5 by default."),
    ] = None,
    verbose: Verbose = False,
) -> None:
    """Fit a policy on logged runs.

    The default target is the quality of the best single point at the lowest cost. With --certify the policy is fitted
    on one part of the queries and certified on the other.
    """
    from paretoroute.fitting.fit import fit as fit_policy
    from paretoroute.grid_file import read_grid
    from paretoroute.report.notices import fit_notices
    from paretoroute.runs.read import read_runs

    options = TargetOptions(
        max_cost=max_cost, min_quality=min_quality, min_quality_of=min_quality_of, ratio=ratio, worth=worth
    )
    target, limits = options.target(), read_limits(limit)
    if hold_out is not None and certify is None:
        raise TargetError("--hold-out needs --certify LEVEL, such as 0.9")
    scale = read_quality_scale(quality_scale)
    check_out(out, inputs=[*runs, *filter(None, (grid, prices))])
    token_prices = read_price_file(prices)
    points = None if grid is None else read_grid(grid)
    with console(stderr=True).status("reading the runs") as status:
        log = read_runs(*runs, columns=read_columns(columns), strict=strict, quality_scale=scale, join=join)
        policy = fit_policy(
            log,
            target,
            limits=limits,
            grid=points,
            add_points=add_point or (),
            prices=token_prices,
            encoder=read_encoder(encoder),
            seed=seed,
            name=name or out.stem,
            certify=certify,
            hold_out=0.5 if hold_out is None else hold_out,
            progress=status.update,
        )
    _write_and_report(policy, out, fit_notices(log, policy.document, in_detail=verbose))


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
    no_limits: Annotated[bool, typer.Option("--no-limits", help="Drop the limits of the policy.")] = False,
    prices: PriceFile = None,
    force: Annotated[bool, typer.Option("--force", help="Allow --out to overwrite POLICY.")] = False,
    verbose: Verbose = False,
) -> None:
    """Solve a policy for another target, other limits or other prices, without a new fit.

    New limits replace those of the policy. --limit "never MODEL@LABEL" excludes a point during an outage; solve without
    it to include the point again.
    """
    from paretoroute.policy.policy import Policy
    from paretoroute.policy.solving import DROPPED
    from paretoroute.report.layout import Entries, Entry
    from paretoroute.report.notices import signals

    options = TargetOptions(
        max_cost=max_cost, min_quality=min_quality, min_quality_of=min_quality_of, ratio=ratio, worth=worth
    )
    target = options.target()
    if target is None and prices is None and not limit and not no_limits:
        raise TargetError("nothing to solve for: give a target (--max-cost, --min-quality ...), --limit or --prices")
    if limit and no_limits:
        raise TargetError("--no-limits drops all limits; leave it out, or leave out --limit")
    limits = read_limits(limit) if limit or no_limits else None
    check_out(out, inputs=[path for path in (prices,) if path is not None])
    if not force:
        check_not_over_policy(out, policy)
    token_prices = read_price_file(prices)
    loaded = Policy.load(policy)
    solved = loaded.solve(target, limits=limits, prices=token_prices)
    notices: list[Block] = [Entries((Entry("note", DROPPED),))] if loaded.document.certificate else []
    _write_and_report(solved, out, *notices, *([signals(solved.document)] if verbose else []))


def demo(
    out: Annotated[Path, typer.Option("--out", help="Where to write the policy.")] = Path("demo-policy.yaml"),
) -> None:
    """Fit, solve, export and plan on the log that ships with the package."""
    from paretoroute.fitting.fit import fit as fit_policy
    from paretoroute.planner.planner import Planner
    from paretoroute.report.labels import labels_of
    from paretoroute.report.layout import Entries, Entry, Paragraph
    from paretoroute.report.notices import fit_notices
    from paretoroute.report.outcomes import decision_text
    from paretoroute.runs.demo import ABOUT, DEMO_QUERIES, demo_runs

    check_out(out)
    log = demo_runs()
    with console(stderr=True).status("fitting") as status:
        policy = fit_policy(log, name=out.stem, progress=status.update)
    show(Paragraph(ABOUT))
    print_text("")
    _write_and_report(policy, out, fit_notices(log, policy.document))
    planner, label, blocks = Planner.load(out), labels_of(policy.document), []
    for number, query in enumerate(DEMO_QUERIES):
        decision = decision_text(planner.plan(query, query_id=f"demo-{number}"), label)
        blocks.append(Entries((Entry("query", f'"{query}"'), *decision.entries)))
    steps = (Entry("next", f"paretoroute show {out}"), Entry("", "paretoroute fit YOUR_RUNS.jsonl --out policy.yaml"))
    print_text("")
    show(*blocks, Entries(steps))


def _write_and_report(policy: Policy, out: Path, *notices: Block) -> None:
    """Save a policy and print its summary, its trade-off and notices; exit with 3 if its target is infeasible."""
    from paretoroute.policy.files.replace import read_side_file_name
    from paretoroute.report.layout import Entries, Entry
    from paretoroute.report.text import summary, support_table, trade_off_table

    policy.save(out)
    written = Entry("written", f"{out} and its numbers, {read_side_file_name(out)}")
    tables = [
        table for table in (trade_off_table(policy.document), support_table(policy.document)) if table is not None
    ]
    show(summary(policy.document), *tables, *notices, Entries((written,)))
    if policy.document.solution.status == "infeasible":
        raise typer.Exit(INFEASIBLE)
    if "certificate" in policy.document.fitted_on.finding_kinds:
        raise typer.Exit(REFUSED)
