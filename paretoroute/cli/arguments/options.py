"""Options that several commands share, and their conversion to library values."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from paretoroute.cli.arguments.completion import one_of, policy_files
from paretoroute.cli.arguments.numbers import meant_limit
from paretoroute.errors import QueryError, RunsError, TargetError, shown
from paretoroute.targets import BestTrade, MaxCost, MinQuality, Target

if TYPE_CHECKING:
    from paretoroute.grid import Price
    from paretoroute.limits import Limit

# The forms of paretoroute.limits, which would load NumPy for every --help.
LIMIT_FORMS = (
    "share of MODEL at most 0.2",
    "mean latency [of tag TAG] at most 5 s",
    "mean cost of tenant NAME at most $0.01 per query",
    "mean quality of tag TAG at least 0.8",
    "latency of a call at most 30 s at quantile 0.95",
    "cost of a call at most $0.05 at quantile 0.95",
    "context of MODEL at most 128000 tokens",
    "never MODEL, MODEL [of tag TAG]",
    "only MODEL, MODEL [of tag TAG]",
)
INFEASIBLE = 3
REFUSED = 3  # a target that is not certified, a certificate that does not hold
BAD_INPUT = 2

RunFiles = Annotated[
    list[Path],
    typer.Argument(
        metavar="RUNS...",
        help="Logged runs: JSONL, JSON, CSV, TSV, Parquet or Arrow files, also .gz; - is standard input.",
    ),
]
PolicyFile = Annotated[
    Path,
    typer.Argument(metavar="POLICY.yaml", help="A policy that fit or solve wrote.", autocompletion=policy_files),
]
Out = Annotated[Path, typer.Option("--out", help="Where to write the policy (.yaml).")]
MaxCostUsd = Annotated[
    float | None,
    typer.Option("--max-cost", help="Target: largest mean cost in USD per query (tables show 1,000 queries)."),
]
MinQualityShare = Annotated[float | None, typer.Option("--min-quality", help="Target: least mean quality, in [0, 1].")]
MinQualityOf = Annotated[
    str | None,
    typer.Option("--min-quality-of", metavar="POINT", help="Target: the quality of this point (model@label) ..."),
]
Ratio = Annotated[float | None, typer.Option("--ratio", help="... times this ratio, 1 by default.")]
Worth = Annotated[
    float | None,
    typer.Option("--worth", help="Target: best trade, if a right answer instead of a wrong one is worth this in USD."),
]
LimitTexts = Annotated[
    list[str] | None,
    typer.Option("--limit", metavar="LIMIT", help=f"A limit; may be repeated. Forms: {'; '.join(LIMIT_FORMS)}."),
]
AddPoints = Annotated[
    list[str] | None,
    typer.Option(
        "--add-point",
        metavar="POINT",
        help="Offer a point (model@label) that was never logged, interpolated between two that were; may be repeated.",
    ),
]
Columns = Annotated[
    str | None, typer.Option("--columns", metavar="NAME=YOURS,...", help="Your column names, e.g. cost_usd=spend.")
]
Strict = Annotated[bool, typer.Option("--strict", help="Stop at the first bad row instead of setting it aside.")]
ScaleOfQuality = Annotated[
    str | None,
    typer.Option(
        "--quality-scale",
        metavar="WORST:BEST",
        help="Scale of quality, e.g. 1:5 for stars; 0:1 by default.",
    ),
]
Join = Annotated[
    str, typer.Option("--join", metavar="id|id,text", help="Runs of one query share its id, or its id and text.")
]
PriceFile = Annotated[Path | None, typer.Option("--prices", help="YAML file of token prices per model.")]
TextOrJson = Annotated[str, typer.Option("--format", help="text or json.", autocompletion=one_of("text", "json"))]
Verbose = Annotated[
    bool, typer.Option("--verbose", help="Also print the signals: how much of each figure the query explains.")
]


@dataclass(frozen=True, kw_only=True)
class TargetOptions:
    """The options that give a target; at most one target may be given."""

    max_cost: float | None
    min_quality: float | None
    min_quality_of: str | None
    ratio: float | None
    worth: float | None

    def target(self) -> Target | None:
        """Return the target, or None without one.

        Raises:
            TargetError: more than one is given, or one is out of range.
        """
        alternatives = (self.max_cost, self.min_quality, self.min_quality_of, self.worth)
        if sum(value is not None for value in alternatives) > 1:
            raise TargetError("give one target: --max-cost, --min-quality, --min-quality-of with --ratio, or --worth")
        if self.ratio is not None and self.min_quality_of is None:
            raise TargetError("--ratio needs --min-quality-of POINT")
        if self.worth is not None:
            return BestTrade(usd_per_quality=self.worth)
        if self.max_cost is not None:
            return MaxCost(usd=self.max_cost)
        if self.min_quality is not None:
            return MinQuality(quality=self.min_quality)
        if self.min_quality_of is not None:
            return MinQuality(ratio=1.0 if self.ratio is None else self.ratio, of=self.min_quality_of)
        return None


def read_limits(texts: Sequence[str] | None) -> list[Limit]:
    """Parse the values of ``--limit``.

    Raises:
        TargetError: one is of no known form; the limit that it means is named where that is certain.
    """
    from paretoroute.limits import parse_limit

    limits: list[Limit] = []
    for text in texts or ():
        try:
            limits.append(parse_limit(text))
        except TargetError:
            if (meant := meant_limit(text)) is None:
                raise
            raise TargetError(f"limit {shown(text)}: write {meant!r}") from None
    return limits


def read_price_file(path: Path | None) -> dict[str, Price] | None:
    """Read the file that ``--prices`` names, or return None without one."""
    from paretoroute.grid_file import read_prices

    return None if path is None else read_prices(path)


def read_columns(columns: str | None) -> dict[str, str] | None:
    """Parse ``NAME=YOURS,...`` as a mapping of column names.

    Raises:
        RunsError: the text has another form.
    """
    if columns is None:
        return None
    pairs = [part.split("=", 1) for part in columns.split(",")]
    if any(len(pair) != 2 or not all(pair) for pair in pairs):
        raise RunsError(
            f"--columns {shown(columns)}: write NAME=YOURS,NAME=YOURS, e.g. cost_usd=spend,model=model_name"
        )
    return {name.strip(): yours.strip() for name, yours in pairs}


def read_quality_scale(text: str | None) -> tuple[float, float] | None:
    """Parse the value of ``--quality-scale``, or return None without one.

    Raises:
        RunsError: the text has another form.
    """
    from paretoroute.runs.checks.quality_scale import QualityScale

    if text is None:
        return None
    scale = QualityScale.parse(text)
    return scale.worst, scale.best


def check_format(form: str, *allowed: str) -> None:
    """Refuse a ``--format`` that the command does not write.

    Raises:
        QueryError: it is none of the allowed ones.
    """
    if form not in allowed:
        *others, last = allowed
        raise QueryError(f"--format {shown(form)}: use {', '.join(others)} or {last}")


def check_out(out: Path, inputs: Sequence[Path] = ()) -> None:
    """Refuse a policy file that cannot be written, before minutes of fitting are lost.

    Args:
        out: the policy's YAML file.
        inputs: files that the command reads, which the policy must not replace.

    Raises:
        RunsError: the name has another extension, the folder is missing or read-only, or an input would be lost.
    """
    if out.is_dir():
        raise RunsError(f"--out {out}: this is a folder; name a file in it, such as {out / 'policy.yaml'}")
    if out.suffix not in (".yaml", ".yml"):
        raise RunsError(f"--out {out}: a policy file ends in .yaml; name it {out.stem}.yaml")
    check_folder(out)
    for path in inputs:
        if is_same_file(out, path):
            raise RunsError(f"--out {out}: {path} is read by this command and would be lost; choose another name")


def check_not_over_policy(out: Path, policy: Path) -> None:
    """Refuse to write a new policy over the one that it is solved from.

    Raises:
        RunsError: both paths lead to one file, whatever they are spelled like.
    """
    if is_same_file(out, policy):
        raise RunsError(
            f"--out {out}: this would write over {policy}, which is read; choose another name, or add --force"
        )


def is_same_file(one: Path, other: Path) -> bool:
    """Return whether two paths lead to one file, through links and whatever they are spelled like."""
    if one.exists() and other.exists():
        return one.samefile(other)
    return one.resolve() == other.resolve()


def check_folder(out: Path, option: str = "--out") -> None:
    """Refuse a file whose folder is missing or cannot be written to.

    Args:
        out: the file.
        option: that names it.

    Raises:
        RunsError: the path is a folder, or its folder is missing or read-only.
    """
    if out.is_dir():
        raise RunsError(f"{option} {out}: this is a folder; name a file")
    if not out.parent.is_dir():
        raise RunsError(f"{option} {out}: there is no folder {out.parent}; make it first")
    if not os.access(out.parent, os.W_OK):
        raise RunsError(f"{option} {out}: the folder {out.parent} cannot be written to; choose another")
