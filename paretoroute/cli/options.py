"""Options that several commands share, and their conversion to library values."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from paretoroute.errors import QueryError, RunsError, TargetError
from paretoroute.targets import BestTrade, MaxCost, MinQuality, Target

INFEASIBLE = 3
BAD_INPUT = 2

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

TextOrJson = Annotated[str, typer.Option("--format", help="text or json.")]

PolicyFile = Annotated[Path, typer.Argument(metavar="POLICY.yaml", help="A policy that fit or solve wrote.")]


def target_of(
    max_cost: float | None, min_quality: float | None, of: str | None, ratio: float | None, worth: float | None
) -> Target | None:
    """Return the target that the options give, or None without one."""
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


def check_format(form: str, *allowed: str) -> None:
    """Refuse a ``--format`` that the command does not write."""
    if form not in allowed:
        *others, last = allowed
        raise QueryError(f"--format {form!r}: use {', '.join(others)} or {last}")


def read_columns(columns: str | None) -> dict[str, str] | None:
    """Read ``NAME=YOURS,...`` as a mapping of column names."""
    if columns is None:
        return None
    pairs = [part.split("=", 1) for part in columns.split(",")]
    if any(len(pair) != 2 or not all(pair) for pair in pairs):
        raise RunsError(f"--columns {columns!r}: write NAME=YOURS,NAME=YOURS, e.g. cost_usd=spend,model=model_name")
    return {name.strip(): yours.strip() for name, yours in pairs}


def check_out(out: Path) -> None:
    """Refuse a place that cannot be written to before minutes of fitting are lost."""
    if out.suffix not in (".yaml", ".yml"):
        raise RunsError(f"--out {out}: a policy file ends in .yaml")
    check_folder(out)


def check_folder(out: Path) -> None:
    """Refuse a folder that is missing or cannot be written to."""
    if out.is_dir():
        raise RunsError(f"--out {out}: this is a folder; name a file")
    if not out.parent.is_dir():
        raise RunsError(f"--out {out}: there is no folder {out.parent}; make it first")
    if not os.access(out.parent, os.W_OK):
        raise RunsError(f"--out {out}: the folder {out.parent} cannot be written to; choose another")
