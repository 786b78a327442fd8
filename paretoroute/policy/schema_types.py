"""Types and checks that the sections of a policy file share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from paretoroute.grid import MOST_KIND_CHARACTERS, kind_fault

ROUNDING = 1e-6
SHA256_PATTERN = "^[0-9a-f]{64}$"
SEED_PATTERN = "^[0-9a-f]{1,64}$"
KIND_PATTERN = "^[01]*$"
FILE_PATTERN = r"^[^/\\:\x00-\x1f]*[^/\\:\x00-\x1f.][^/\\:\x00-\x1f]*$"
PATTERNS = {
    SHA256_PATTERN: "a SHA-256, 64 hexadecimal digits",
    SEED_PATTERN: "1 to 64 hexadecimal digits in quotes",
    FILE_PATTERN: "a bare file name",
    KIND_PATTERN: "zeros and ones in quotes",
}

Share = Annotated[float, Field(ge=0, le=1)]
Usd = Annotated[float, Field(ge=0)]
Count = Annotated[int, Field(ge=0)]
Sha256 = Annotated[str, Field(pattern=SHA256_PATTERN)]
Setting = int | float | bool | str


def in_key_order(mapping: dict[str, Any]) -> dict[str, Any]:
    """Return a mapping in the order of its keys, so that equal documents give equal bytes."""
    return dict(sorted(mapping.items()))


def without(mapping: dict[str, Any], key: str, default: object) -> dict[str, Any]:
    """Leave out a key that has its default, so that files without it keep their bytes."""
    return {name: value for name, value in mapping.items() if name != key or value != default}


def _whole_if_integral(amount: float) -> float:
    """Return 8000 for 8000.0, so that it is written as an integer."""
    return int(amount) if float(amount).is_integer() else amount


def _budget_kind(kind: str) -> str:
    if fault := kind_fault(kind):
        raise ValueError(fault)
    return kind


BudgetKind = Annotated[
    str,
    Field(
        min_length=1,
        max_length=MOST_KIND_CHARACTERS,
        description="none, effort, thinking_tokens, samples, max_tokens, or any other printable word",
    ),
    AfterValidator(_budget_kind),
]
Settings = Annotated[dict[str, Setting], AfterValidator(in_key_order)]
Amount = Annotated[float, AfterValidator(_whole_if_integral)]

FindingKind = Literal[  # the kinds of runs.findings, which a host that only plans does not load
    "set_aside",
    "column",
    "price",
    "given_price",
    "logged_cost",
    "grid",
    "unlogged",
    "families",
    "signal",
    "context_free",
    "verdict",
    "note",
]


class Section(BaseModel):
    """A section of a policy file: strict, without unknown keys, finite and frozen."""

    # Validators are built on first use, so that import stays fast.
    model_config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False, frozen=True, defer_build=True)


def check_unique(what: str, names: Iterable[str]) -> None:
    """Raise ValueError if a name is listed twice."""
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise ValueError(f"{what} {twice[0]!r} is listed twice; keep one")


def check_interval(prefix: str, low: float, high: float) -> None:
    """Raise ValueError if the ends of an interval are in the wrong order."""
    if low > high:
        raise ValueError(f"{prefix}low is {low}, above {prefix}high, {high}; swap or correct them")


def check_total(what: str, shares: Iterable[float]) -> None:
    """Raise ValueError if probabilities do not add up to 1, up to rounding."""
    total = sum(shares)
    if abs(total - 1) > ROUNDING:
        raise ValueError(f"the {what} add up to {total:g}, must add up to 1; solve again")
