"""The command ``import``: turn the log of another tool into runs, or guess how to map its columns."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from paretoroute.cli.arguments.options import ScaleOfQuality, read_price_file, read_quality_scale
from paretoroute.cli.console import console, print_text, show
from paretoroute.errors import RunsError, shown

if TYPE_CHECKING:
    from paretoroute.report.layout import Entry
    from paretoroute.runs.findings import Finding
    from paretoroute.runs.importers.read import Imported
    from paretoroute.runs.table import Runs

# The names of paretoroute.runs.importers.read, which would load Arrow for every --help.
SOURCES = (
    "litellm, litellm-spend, inspect, lm-eval, otel, langfuse, promptfoo, openai-batch, routerbench, llmrouterbench"
)
_LABELS = {"set_aside": "set aside", "price": "prices", "given_price": "prices"}

Source = Annotated[str | None, typer.Argument(metavar="SOURCE", help=f"{SOURCES}; or a YAML file that maps columns.")]
Files = Annotated[
    list[Path] | None,
    typer.Argument(
        metavar="FILES...",
        help="All files of the export, its configuration and scores too, or a folder of them; - is standard input.",
    ),
]
OutRuns = Annotated[Path | None, typer.Option("--out", help="Where to write the runs (.parquet or .jsonl).")]
ScoreFiles = Annotated[
    list[Path] | None,
    typer.Option(
        "--scores",
        metavar="FILE",
        help="Scores: the tool's export, or rows with an id and value or quality; may be repeated.",
    ),
]
JoinKey = Annotated[
    str | None, typer.Option("--join", metavar="KEY", help="Id to join scores on: NAME, or OF_CALLS=OF_SCORES.")
]
ScoreName = Annotated[str | None, typer.Option("--score", metavar="NAME", help="The score that is the quality.")]
Renames = Annotated[
    list[str] | None,
    typer.Option("--rename", metavar="OLD=NEW", help="Name of a model to use for a logged one; may be repeated."),
]


def import_log(
    source: Source = None,
    files: Files = None,
    *,
    out: OutRuns = None,
    scores: ScoreFiles = None,
    join: JoinKey = None,
    score: ScoreName = None,
    prices: Annotated[
        Path | None, typer.Option("--prices", help="YAML file of token prices, for costs that the log lacks.")
    ] = None,
    list_prices: Annotated[
        bool, typer.Option("--list-prices", help="Also use the list prices of the package genai-prices.")
    ] = False,
    rename: Renames = None,
    keep_names: Annotated[bool, typer.Option("--keep-names", help="Keep providers and dates in model names.")] = False,
    efforts_in_names: Annotated[
        bool, typer.Option("--efforts-in-names", help="Read gpt-5-high as gpt-5 at the effort high.")
    ] = False,
    quality_scale: ScaleOfQuality = None,
    drawn_only: Annotated[
        bool, typer.Option("--drawn-only", help="Keep only calls with a propensity, whose point a planner drew.")
    ] = False,
    guess: Annotated[
        Path | None, typer.Option("--guess", metavar="FILE", help="Write a first mapping of this file's columns.")
    ] = None,
) -> None:
    """Convert the log of another tool to runs.

    Records that are not a usable call are set aside and counted by reason. With --guess FILE it writes a first mapping
    of the columns of FILE instead; check it and pass it as SOURCE.
    """
    if guess is not None:
        _guess(guess, out, given=[*([source] if source else []), *(files or ())])
        return
    if source is None or not files or out is None:
        raise RunsError("give SOURCE, FILES and --out: paretoroute import litellm calls.jsonl --out runs.parquet")
    from paretoroute.runs.importers.read import Options, import_calls
    from paretoroute.runs.importers.write import check_out, write_rows

    check_out(out, [*files, *(scores or ()), *filter(None, (prices,))])
    options = Options(
        join=join,
        score=score,
        prices=read_price_file(prices),
        list_prices=list_prices,
        rename=_renames(rename or ()),
        keep_names=keep_names,
        efforts_in_names=efforts_in_names,
        quality_scale=read_quality_scale(quality_scale),
        drawn_only=drawn_only,
    )
    with console(stderr=True).status("reading the log"):
        imported = import_calls(source, files, scores=scores, options=options)
        runs = imported.runs()  # refuses what read_runs would refuse, before anything is written
        write_rows(imported.rows, out)
    _report(imported, runs, out)


def _renames(texts: Sequence[str]) -> dict[str, str]:
    """Parse the values of ``--rename``.

    Raises:
        RunsError: one has another form.
    """
    pairs = [text.split("=", 1) for text in texts]
    for text, pair in zip(texts, pairs, strict=True):
        if len(pair) != 2 or not all(part.strip() for part in pair):
            raise RunsError(f"--rename {shown(text)}: write OLD=NEW, such as openai/gpt-5=gpt-5")
    return {pair[0].strip(): pair[1].strip() for pair in pairs}


def _report(imported: Imported, runs: Runs, out: Path) -> None:
    from paretoroute.report.layout import Entries, Entry

    of = f"{len(runs)} of {len(runs.query_ids)} queries at {len(runs.points)} points"
    findings = [*imported.findings, *runs.notices[len(imported.findings) :]]
    points = ", ".join(point.name for point in runs.points[:8])
    more = f" and {len(runs.points) - 8} more" if len(runs.points) > 8 else ""
    prices = " --prices PRICES.yaml" if imported.needs_prices else ""
    first = f"add the column cost_usd to {out}, then: " if imported.needs_costs else ""
    entries = [
        Entry("runs", of),
        Entry("points", points + more),
        *map(_entry, findings),
        Entry("written", str(out)),
        Entry("next", f"{first}paretoroute fit {out}{prices} --out policy.yaml"),
    ]
    show(Entries(tuple(entries)))


def _entry(finding: Finding) -> Entry:
    from paretoroute.report.layout import Entry

    text = finding.text.removeprefix("set aside: ")
    return Entry(_LABELS.get(finding.kind, "note"), text)


def _guess(path: Path, out: Path | None, *, given: Sequence[str | Path]) -> None:
    """Print a first mapping, or write it to a new file."""
    from paretoroute.runs.importers.mapping.guess import guess_mapping

    if given:
        raise RunsError(f"--guess {path} takes one file and no others; leave out {', '.join(map(str, given))}")
    if out is not None and (out.suffix.lower() not in (".yaml", ".yml") or out.exists()):
        raise RunsError(f"--out {out}: a mapping ends in .yaml, and none is written over; choose another name")
    guessed = guess_mapping(path)
    if out is None:
        print_text(guessed.text)
        return
    out.write_text(guessed.text, encoding="utf-8")
    from paretoroute.report.layout import Entries, Entry

    entries = [*(Entry("unsure", doubt) for doubt in guessed.doubts), Entry("written", str(out))]
    step = f"check {out}, then: paretoroute import {out} {path} --out runs.parquet"
    show(Entries((*entries, Entry("next", step))))
