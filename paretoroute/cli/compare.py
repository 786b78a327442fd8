"""The command ``compare``: the default beside simpler routers, on logged runs."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from paretoroute.cli.arguments.options import (
    Columns,
    Join,
    PriceFile,
    RunFiles,
    ScaleOfQuality,
    TextOrJson,
    check_format,
    read_columns,
    read_price_file,
    read_quality_scale,
)
from paretoroute.cli.console import console, print_text, show


def compare(
    runs: RunFiles,
    *,
    folds: Annotated[int, typer.Option("--folds", help="Folds of the queries; each costs a fit.")] = 5,
    seed: Annotated[int, typer.Option("--seed", help="Same runs and seed, same figures.")] = 0,
    columns: Columns = None,
    quality_scale: ScaleOfQuality = None,
    join: Join = "id",
    prices: PriceFile = None,
    routers: Annotated[
        str | None,
        typer.Option("--routers", metavar="NAMES", help="Separated by commas, or 'all'."),
    ] = None,
    pair: Annotated[
        tuple[str, str] | None,
        typer.Option("--pair", metavar="WEAK STRONG", help="Points for routers between two."),
    ] = None,
    form: TextOrJson = "text",
) -> None:
    """Compare the policy that fit would make with other routers, on your runs, out of fold."""
    from paretoroute.evaluation.compare import BASELINES
    from paretoroute.evaluation.compare import compare as compare_routers
    from paretoroute.evaluation.routers.registry import ROUTERS, routers_named
    from paretoroute.report.comparison import comparison_table, comparison_text, log_notices
    from paretoroute.report.labels import labels_of_points
    from paretoroute.runs.read import read_runs

    check_format(form, "text", "json")
    token_prices = read_price_file(prices)
    names = ",".join(ROUTERS) if routers == "all" else routers or ""
    asked = [name.strip() for name in names.split(",") if name.strip()]
    chosen = BASELINES if routers is None else routers_named(asked, pair)
    scale = read_quality_scale(quality_scale)
    with console(stderr=True).status("reading the runs") as status:
        log = read_runs(*runs, columns=read_columns(columns), quality_scale=scale, join=join)
        comparison = compare_routers(
            log, routers=chosen, prices=token_prices, folds=folds, seed=seed, progress=status.update
        )
    if form == "json":
        print_text(json.dumps(comparison.to_json(), ensure_ascii=False, indent=2, allow_nan=False))
        return
    label = labels_of_points(log.points)
    show(comparison_text(comparison, label), comparison_table(comparison), log_notices(log, comparison, label))
