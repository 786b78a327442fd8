"""The command ``compare``: the default beside published and simpler routers, on logged runs."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from paretoroute._threads import one_thread_each
from paretoroute.cli.arguments.options import (
    Columns,
    Join,
    PriceFile,
    ScaleOfQuality,
    TextOrJson,
    check_folder,
    check_format,
    is_same_file,
    read_columns,
    read_price_file,
    read_quality_scale,
)
from paretoroute.cli.console import print_error, print_text, progress, show
from paretoroute.errors import RunsError, TargetError

if TYPE_CHECKING:
    from paretoroute.evaluation.comparison import Comparison
    from paretoroute.evaluation.protocol.steps.cache import StepCache
    from paretoroute.evaluation.routers.base import Router
    from paretoroute.grid import Price
    from paretoroute.runs.table import Runs

INTERRUPTED = 130

RunFilesOrNone = Annotated[
    list[Path] | None,
    typer.Argument(metavar="[RUNS...]", help="Logged runs, as fit reads them; without any: the log that ships."),
]
CacheFolder = Annotated[
    Path | None,
    typer.Option(
        "--cache",
        metavar="FOLDER",
        help="Where finished steps are kept; by default $XDG_CACHE_HOME/paretoroute/compare, else "
        "~/.cache/paretoroute/compare.",
    ),
]


def compare(
    runs: RunFilesOrNone = None,
    *,
    folds: Annotated[int, typer.Option("--folds", help="Folds of the queries; each costs a fit.")] = 5,
    seed: Annotated[int, typer.Option("--seed", help="Seed; equal runs and seed give equal figures.")] = 0,
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
    jobs: Annotated[int, typer.Option("--jobs", help="Worker processes; the figures do not depend on it.")] = 2,
    cache: CacheFolder = None,
    no_cache: Annotated[bool, typer.Option("--no-cache", help="Keep and use no finished steps.")] = False,
    form: TextOrJson = "text",
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Also write a page with charts; it works offline.")
    ] = None,
) -> None:
    """Compare the default policy with other routers on logged runs, out of fold.

    Finished steps are cached: the same command resumes after an interruption, and only added routers are computed.
    """
    check_format(form, "text", "json")
    if html is not None:
        check_folder(html, "--html")
        for path in (*(runs or ()), *([prices] if prices else ())):
            if is_same_file(html, path):
                raise RunsError(f"--html {html}: {path} is read by this command and would be lost; choose another name")
    kept = None if no_cache else _step_cache(cache)
    with _interruptible(kept, no_cache=no_cache), one_thread_each(), progress("reading the runs") as step:
        names, token_prices = _router_names(routers), read_price_file(prices)
        log = _read_log(runs, columns=columns, quality_scale=quality_scale, join=join)
        chosen = _routers(names, pair, log)
        comparison = _compared(log, chosen, step, prices=token_prices, kept=kept, folds=folds, seed=seed, jobs=jobs)
    if html is not None:
        _write_page(html, comparison, log)
    if not runs and form == "text":
        _print_about_shipped_log()
    _print(comparison, log, form, html=html)


def _compared(
    log: Runs,
    routers: Sequence[Router],
    step: Callable[[str], None],
    *,
    prices: Mapping[str, Price] | None,
    kept: StepCache | None,
    folds: int,
    seed: int,
    jobs: int,
) -> Comparison:
    """Compare the routers, with finished steps in a cache."""
    from paretoroute.evaluation.compare import judge_routers
    from paretoroute.evaluation.summary import summary_of

    held_out = judge_routers(
        log, routers=routers, prices=prices, folds=folds, seed=seed, jobs=jobs, cache=kept, progress=step
    )
    if kept is not None and kept.failure:
        print_error(f"finished steps could not be kept, so that an interrupted run starts anew: {kept.failure}")
    step("computing intervals")
    return summary_of(held_out)


def _read_log(runs: Sequence[Path] | None, *, columns: str | None, quality_scale: str | None, join: str) -> Runs:
    """Read the runs, or the log that ships without any."""
    from paretoroute.runs.demo import demo_runs
    from paretoroute.runs.read import read_runs

    if runs:
        scale = read_quality_scale(quality_scale)
        return read_runs(*runs, columns=read_columns(columns), quality_scale=scale, join=join)
    if columns is not None or quality_scale is not None or join != "id":
        raise RunsError("--columns, --quality-scale and --join describe RUNS; name the files of your log")
    return demo_runs()


def _router_names(text: str | None) -> list[str] | None:
    """Parse ``--routers``: None for the baselines, else names of routers, all of which exist."""
    from paretoroute.evaluation.routers.registry import ROUTERS, routers_named

    if text is None:
        return None
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names:
        raise TargetError(f"--routers {text!r} names no router; use 'all', or some of {', '.join(ROUTERS)}")
    names = [each for name in names for each in (ROUTERS if name == "all" else [name])]
    routers_named(names)
    return names


def _routers(names: Sequence[str] | None, pair: tuple[str, str] | None, log: Runs) -> Sequence[Router]:
    """Build the routers; the points of ``--pair`` are looked up in the log."""
    from paretoroute.evaluation.compare import BASELINES
    from paretoroute.evaluation.routers.registry import routers_named
    from paretoroute.grid import Grid

    if pair is not None:
        grid = Grid(log.points)
        weak, strong = (grid.names[grid.index(name)] for name in pair)
        if weak == strong:
            raise TargetError(f"--pair {weak} {strong}: name two different points, the weak one first")
        pair = weak, strong
    return BASELINES if names is None else routers_named(names, pair)


def _step_cache(folder: Path | None) -> StepCache | None:
    """Return a cache in the folder that the user names, which must be writable, or the default one; None: no home."""
    from paretoroute.evaluation.protocol.steps.cache import StepCache

    if folder is None:
        base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
        return StepCache(Path(base, "paretoroute", "compare")) if os.path.isabs(base) else None
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise RunsError(f"--cache {folder}: {error.strerror}; choose another folder") from None
    if not os.access(folder, os.W_OK | os.X_OK):
        raise RunsError(f"--cache {folder}: the folder cannot be written to; choose another")
    return StepCache(folder)


@contextmanager
def _interruptible(kept: StepCache | None, *, no_cache: bool) -> Iterator[None]:
    """End with a sentence and exit code 130 at Ctrl-C."""
    try:
        yield
    except KeyboardInterrupt:
        if kept is None:
            without = "without --no-cache" if no_cache else "with --cache FOLDER"
            print_error(f"stopped, and nothing is kept; {without} the same command can go on")
        elif kept.failure:
            print_error(f"stopped; finished steps could not be kept: {kept.failure}")
        else:
            print_error(f"stopped; finished steps are kept in {kept.folder}, and the same command goes on from there")
        raise typer.Exit(INTERRUPTED) from None


def _write_page(html: Path, comparison: Comparison, log: Runs) -> None:
    from paretoroute.report import comparison_to_html

    html.write_text(comparison_to_html(comparison, log), encoding="utf-8")


def _print_about_shipped_log() -> None:
    from paretoroute.report.layout import Paragraph
    from paretoroute.runs.demo import ABOUT

    show(Paragraph(ABOUT))
    print_text("")


def _print(comparison: Comparison, log: Runs, form: str, *, html: Path | None) -> None:
    from paretoroute.report.comparison import comparison_table, comparison_text, log_notices
    from paretoroute.report.labels import labels_of_points

    if form == "json":
        print_text(json.dumps(comparison.to_json(), ensure_ascii=False, indent=2, allow_nan=False))
        return
    label = labels_of_points(log.points)
    show(comparison_text(comparison, label), comparison_table(comparison), log_notices(log, comparison, label))
    if html is not None:
        print_text(f"\ndrawn     {html}")
