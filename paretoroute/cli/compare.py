"""The command ``compare`` and what it prints."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from paretoroute.cli.console import console
from paretoroute.errors import RunsError

if TYPE_CHECKING:
    from rich.table import Table

    from paretoroute.calibration.intervals import Interval
    from paretoroute.evaluation.compare import Comparison


def compare(
    runs: Annotated[list[Path], typer.Argument(metavar="RUNS...", help="Logged runs: JSONL, CSV or Parquet files.")],
    folds: Annotated[int, typer.Option("--folds", help="Folds of the queries; each costs a fit.")] = 5,
    seed: Annotated[int, typer.Option("--seed", help="Same runs and seed, same figures.")] = 0,
    columns: Annotated[
        str | None, typer.Option("--columns", metavar="NAME=YOURS,...", help="Your column names, e.g. cost_usd=spend.")
    ] = None,
    prices: Annotated[Path | None, typer.Option("--prices", help="YAML file of token prices per model.")] = None,
    form: Annotated[str, typer.Option("--format", help="text or json.")] = "text",
) -> None:
    """Compare the policy that fit would make with simpler routers, on your runs, out of fold."""
    from paretoroute.cli.options import renamed
    from paretoroute.evaluation.compare import compare as judge
    from paretoroute.grid_file import read_prices
    from paretoroute.runs.read import read_runs

    if form not in ("text", "json"):
        raise RunsError(f"--format {form!r}: use text or json")
    given = None if prices is None else read_prices(prices)
    with console(stderr=True).status("reading the runs") as status:
        log = read_runs(*runs, columns=renamed(columns))
        found = judge(log, prices=given, folds=folds, seed=seed, progress=status.update)
    if form == "json":
        typer.echo(json.dumps(found.to_json(), ensure_ascii=False, indent=2, allow_nan=False))
        return
    terminal = console()
    if log.set_aside_count:
        terminal.print(f"- {log.set_aside_count} rows were set aside; the first: {log.set_aside[0]}")
    for words in found.notices:
        if not words.startswith("price of"):
            terminal.print(f"- {words}")
    terminal.print(comparison_table(found))
    terminal.print(comparison_words(found))


def comparison_table(found: Comparison) -> Table:
    """Lay out the routers, best first."""
    from rich import box
    from rich.table import Table

    from paretoroute.report.text import money

    title = (
        f"{found.queries} queries at {found.points} points, each held out once in {found.folds} folds; quality points "
        f"over the best mixture of single points at equal spending, {money(found.from_cost_usd)} to "
        f"{money(found.best_single_cost_usd)} per query (90% intervals)"
    )
    table = Table(box=box.SIMPLE_HEAD, title=title)
    table.add_column("router", overflow="fold")
    for name in ("gain", "default minus router"):
        table.add_column(name, justify="right", no_wrap=True)
    for name in ("peak quality", "cost at quality\nof best single"):
        table.add_column(name, justify="right")
    for row in found.rows:
        cost = row.cost_usd_at_best_single
        paid = "never" if cost is None else f"x{cost / found.best_single_cost_usd:.3f}"
        lead = "" if row.lead is None else _interval(row.lead)
        style = "bold green" if row.lead is None else None
        table.add_row(row.name, _interval(row.gain), lead, f"{row.peak_quality:.4f}", paid, style=style)
    return table


def comparison_words(found: Comparison) -> str:
    """Say what the table means."""
    from paretoroute.report.text import money

    ahead = found.without_hindsight
    return "\n".join(
        (
            f"best single        {found.best_single}: quality {found.best_single_quality:.4f} "
            f"at {money(found.best_single_cost_usd)} per query",
            f"without hindsight  {_interval(ahead.gain)} over the training runs' blind mixture at equal spending; "
            f"spent / asked {ahead.spent_over_asked:.2f} "
            f"({ahead.spent_over_asked_low:.2f} to {ahead.spent_over_asked_high:.2f})",
            f"verdict            {found.verdict}",
        )
    )


def _interval(gain: Interval) -> str:
    return f"{gain.value:+.2f} [{gain.low:+.2f}, {gain.high:+.2f}]"
