"""The command line: fit, solve, plan, replay, show, demo, compare, schema. Only this file and printing.py print.

Exit codes: 0 done; 2 bad input or usage, nothing written; 3 the target is infeasible and the policy of the nearest
feasible target was written, marked so.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from paretoroute.cli_compare import compare
from paretoroute.cli_plan import PolicyFile, plan, say
from paretoroute.errors import ParetorouteError, QueryError, RunsError, TargetError
from paretoroute.targets import BestTrade, MaxCost, MinQuality, Target

if TYPE_CHECKING:
    from paretoroute.policy import Policy
    from paretoroute.runs import Runs

INFEASIBLE = 3
BAD_INPUT = 2

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"max_content_width": 120},
    help="Pick model and test-time compute per query, from the runs you have already logged, to meet a target. "
    "Every command takes --debug, which shows the trace of an error.",
)

RunFiles = Annotated[list[Path], typer.Argument(metavar="RUNS...", help="Logged runs: JSONL, CSV or Parquet files.")]
Out = Annotated[Path, typer.Option("--out", help="Where to write the policy (.yaml).")]
MaxCostUsd = Annotated[float | None, typer.Option("--max-cost", help="Mean cost per query in USD, at most.")]
MinQualityShare = Annotated[float | None, typer.Option("--min-quality", help="Mean quality in [0, 1], at least.")]
MinQualityOf = Annotated[
    str | None, typer.Option("--min-quality-of", metavar="POINT", help="As good as this point (model@label) ...")
]
Ratio = Annotated[float | None, typer.Option("--ratio", help="... times this ratio; 1 if not given.")]
Worth = Annotated[
    float | None, typer.Option("--worth", help="Best trade: USD that a right answer instead of a wrong one is worth.")
]
Limits = Annotated[
    list[str] | None,
    typer.Option(
        "--limit", metavar="WORDS", help='A side condition, e.g. "share of MODEL at most 0.2"; again for more.'
    ),
]
AddPoints = Annotated[
    list[str] | None,
    typer.Option(
        "--add-point",
        metavar="POINT",
        help="Offer a point (model@label) that was never logged too, forecast between two that were; again for more.",
    ),
]
Columns = Annotated[
    str | None, typer.Option("--columns", metavar="NAME=YOURS,...", help="Your column names, e.g. cost_usd=spend.")
]
Strict = Annotated[bool, typer.Option("--strict", help="Stop at the first bad row instead of setting it aside.")]
Prices = Annotated[Path | None, typer.Option("--prices", help="YAML file of token prices per model.")]


def _target(
    max_cost: float | None, min_quality: float | None, of: str | None, ratio: float | None, worth: float | None
) -> Target | None:
    given = [value for value in (max_cost, min_quality, of, worth) if value is not None]
    if len(given) > 1:
        raise TargetError("give one target: --max-cost, --min-quality, --min-quality-of with --ratio, or --worth")
    if ratio is not None and of is None:
        raise TargetError("--ratio needs --min-quality-of POINT")
    if worth is not None:
        return BestTrade(usd_per_quality=worth)
    if max_cost is not None:
        return MaxCost(usd=max_cost)
    if min_quality is not None:
        return MinQuality(quality=min_quality)
    return None if of is None else MinQuality(ratio=1.0 if ratio is None else ratio, of=of)


def renamed(columns: str | None) -> dict[str, str] | None:
    """Read ``NAME=YOURS,...`` as a mapping of column names."""
    if columns is None:
        return None
    pairs = [part.split("=", 1) for part in columns.split(",")]
    if any(len(pair) != 2 or not all(pair) for pair in pairs):
        raise RunsError(f"--columns {columns!r}: write NAME=YOURS,NAME=YOURS, e.g. cost_usd=spend,model=model_name")
    return {name.strip(): yours.strip() for name, yours in pairs}


def _check_out(out: Path) -> None:
    """Refuse a place that cannot be written to before minutes of fitting are lost."""
    if out.suffix not in (".yaml", ".yml"):
        raise RunsError(f"--out {out}: a policy file ends in .yaml")
    _check_folder(out)


def _check_folder(out: Path) -> None:
    if out.is_dir():
        raise RunsError(f"--out {out}: this is a folder; name a file")
    if not out.parent.is_dir():
        raise RunsError(f"--out {out}: there is no folder {out.parent}; make it first")
    if not os.access(out.parent, os.W_OK):
        raise RunsError(f"--out {out}: the folder {out.parent} cannot be written to; choose another")


def _finish(policy: Policy, out: Path) -> None:
    from paretoroute import printing

    policy.save(out)
    document = policy.document
    printing.console().print(printing.trade_off(document))
    say(printing.summary(document))
    say(f"\nwritten   {out} and {out.with_suffix('.safetensors').name} beside it")
    if document.solution.status == "infeasible":
        raise typer.Exit(INFEASIBLE)


@app.command()
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
    from paretoroute import printing
    from paretoroute.learning import fit as learn
    from paretoroute.limit_words import parse_limit
    from paretoroute.prices import read_grid, read_prices
    from paretoroute.runs import read_runs

    target = _target(max_cost, min_quality, min_quality_of, ratio, worth)
    limits = [parse_limit(words) for words in limit or ()]
    _check_out(out)
    given = None if prices is None else read_prices(prices)
    points = None if grid is None else read_grid(grid)
    notes = printing.console(stderr=True)
    with notes.status("reading the runs") as status:
        log = read_runs(*runs, columns=renamed(columns), strict=strict)
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
    from paretoroute import printing

    about = policy.document.fitted_on
    say(f"read {about.runs} runs of {about.queries} queries at {about.points} points")
    for words in printing.about_runs(log, policy.document):
        say(words if words.startswith("  ") else f"- {words}")


@app.command()
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
    from paretoroute.limit_words import parse_limit
    from paretoroute.policy import Policy
    from paretoroute.prices import read_prices

    target = _target(max_cost, min_quality, min_quality_of, ratio, worth)
    if target is None and prices is None and not limit and not no_limits:
        raise TargetError("nothing to solve for: give a target (--max-cost, --min-quality ...), --limit or --prices")
    if limit and no_limits:
        raise TargetError("--no-limits drops all limits; leave it out, or leave out --limit")
    limits = [parse_limit(words) for words in limit or ()] if limit or no_limits else None
    _check_out(out)
    given = None if prices is None else read_prices(prices)
    _finish(Policy.load(policy).solve(target, limits=limits, prices=given), out)


app.command()(plan)


@app.command()
def replay(
    policy: PolicyFile,
    runs: RunFiles,
    columns: Columns = None,
    strict: Strict = False,
    form: Annotated[str, typer.Option("--format", help="text or json.")] = "text",
) -> None:
    """Judge a policy on logged runs: what its choices would have given."""
    from dataclasses import asdict

    if form not in ("text", "json"):
        raise QueryError(f"--format {form!r}: use text or json")
    from paretoroute.planner import Planner
    from paretoroute.printing import replay_words
    from paretoroute.replaying import replay as judge
    from paretoroute.runs import read_runs

    planner = Planner.load(policy)
    found = judge(planner, read_runs(*runs, columns=renamed(columns), strict=strict))
    if form == "text":
        say(replay_words(found))
        return
    figures = {name: None if value != value else value for name, value in asdict(found).items()}  # no NaN in JSON
    say(json.dumps(figures, ensure_ascii=False, indent=2))


@app.command()
def show(
    policy: PolicyFile,
    out: Annotated[Path | None, typer.Option("--out", help="Also draw it to this .svg or .html file.")] = None,
) -> None:
    """Draw the surface and where the policy sits on it, in the terminal and as a picture."""
    from paretoroute import drawing, printing
    from paretoroute.policy_file import read_policy

    document, _ = read_policy(policy)
    if out is not None and out.suffix not in (".svg", ".html"):
        raise RunsError(f"--out {out}: a picture ends in .svg or .html")
    if out is not None:
        _check_folder(out)
    printing.console().print(drawing.terminal(document))
    if out is not None:
        out.write_text(drawing.svg(document) if out.suffix == ".svg" else drawing.html(document), encoding="utf-8")
        typer.echo(f"drawn     {out}")


@app.command()
def demo(
    out: Annotated[Path, typer.Option("--out", help="Where to write the policy.")] = Path("demo-policy.yaml"),
) -> None:
    """Fit, solve, export and plan on the log that ships with the package."""
    from paretoroute import printing
    from paretoroute.demo import DEMO_QUERIES, demo_runs
    from paretoroute.learning import fit as learn
    from paretoroute.planner import Planner

    _check_out(out)
    say("The log that ships with the package is of two TOY-SIZED open models on a laptop, see its data card.")
    log = demo_runs()
    with printing.console(stderr=True).status("fitting") as status:
        policy = learn(log, name=out.stem, progress=status.update)
    policy.save(out)
    say(f"read {len(log)} runs of {len(log.query_ids)} queries at {len(log.points)} points")
    printing.console().print(printing.trade_off(policy.document))
    say(printing.summary(policy.document))
    say(f"\nwritten   {out} and {out.with_suffix('.safetensors').name} beside it\n")
    planner = Planner.load(out)
    for number, query in enumerate(DEMO_QUERIES):
        say(f'"{query}"')
        say(printing.decision_words(planner.plan(query, query_id=f"demo-{number}")) + "\n")
    say(f"next: paretoroute show {out}   or: paretoroute fit YOUR_RUNS.jsonl --out policy.yaml")


@app.command()
def schema(
    out: Annotated[Path | None, typer.Option("--out", help="Write it here instead of printing it.")] = None,
) -> None:
    """Give the JSON Schema of policy files, for editors."""
    from paretoroute.policy_file import policy_schema

    text = json.dumps(policy_schema(), indent=2) + "\n"
    if out is None:
        typer.echo(text, nl=False)
    else:
        out.write_text(text, encoding="utf-8")


app.command()(compare)


def main() -> None:
    """Run the command line; every foreseen error is one line on stderr, with its trace under ``--debug``."""
    arguments = [word for word in sys.argv[1:] if word != "--debug"]
    debug = len(arguments) < len(sys.argv) - 1
    try:
        app(args=arguments, prog_name="paretoroute")
    except BrokenPipeError:
        sys.exit(0)
    except (ParetorouteError, OSError, MemoryError) as error:
        if debug:
            traceback.print_exc()
        print(f"paretoroute: {error or type(error).__name__}", file=sys.stderr)
        sys.exit(BAD_INPUT)


if __name__ == "__main__":
    main()
