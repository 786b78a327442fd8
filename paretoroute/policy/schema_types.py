"""Types and checks that the sections of a policy file share; its expected figures, and its certificate."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Annotated, Any, Literal

from paretoroute.grid import MOST_KIND_CHARACTERS, kind_fault
from paretoroute.policy.checked import Section
from paretoroute.policy.checked.checks import After, Field

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
    After(_budget_kind),
]
Settings = Annotated[dict[str, Setting], After(in_key_order)]
Amount = Annotated[float, After(_whole_if_integral)]

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
    "support",
    "verdict",
    "certificate",
    "note",
]


def check_unique(what: str, names: Iterable[str]) -> None:
    """Raise ValueError if a name is listed twice."""
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise ValueError(f"{what} {twice[0]!r} is listed twice; keep one")


def check_interval(prefix: str, low: float | None, high: float | None) -> None:
    """Raise ValueError if the ends of an interval are in the wrong order, or only one is given."""
    if (low is None) != (high is None):
        raise ValueError(f"{prefix}low and {prefix}high must both be numbers, or both null where there is no interval")
    if low is not None and high is not None and low > high:
        raise ValueError(f"{prefix}low is {low}, above {prefix}high, {high}; swap or correct them")


def check_total(what: str, shares: Iterable[float]) -> None:
    """Raise ValueError if probabilities do not add up to 1, up to the rounding of each."""
    kept = tuple(shares)
    total = sum(kept)
    if abs(total - 1) > ROUNDING * (1 + len(kept)):
        raise ValueError(f"the {what} add up to {total:.9g}, must add up to 1; solve again")


class SplitEntry(Section):
    """How the certification runs were kept from the fit."""

    by: Annotated[Literal["hold_out", "other_runs"], Field(description="a part of one log, or a log of its own")]
    share: Annotated[Share | None, Field(description="of the groups that were held out")]
    seed: Annotated[int | None, Field(ge=0, description="of the hash that held them out")]
    sha256: Annotated[Sha256, Field(description="of the names of the groups, in order")]


class CertificateEntry(Section):
    """A claim about a mean that a finite-sample test showed on queries that the fit never saw."""

    claim: Annotated[str, Field(min_length=1)]
    level: Annotated[float, Field(gt=0, lt=1, description="confidence of the claim")]
    method: Literal["binomial", "hoeffding_bentkus", "betting", "off_policy_betting"]
    p_value: Share
    queries: Count
    groups: Annotated[Count, Field(description="independent units: copies of a text, turns of a conversation are one")]
    prices_tested: Annotated[
        Count, Field(description="in an order that the training side set; up to the first failure")
    ]
    missing: Annotated[Share, Field(description="share of the calls that were not logged; each counts as the worst")]
    cap_usd: Annotated[Usd | None, Field(description="at which single costs count, of a cost target")]
    effective_queries: Annotated[float | None, Field(ge=0, description="effective sample size on a partial log")]
    runs_sha256: Annotated[Sha256, Field(description="of the certification runs")]
    split: SplitEntry
    policy_sha256: Annotated[Sha256, Field(description="of this policy without the certificate, numbers included")]
    not_covered: tuple[str, ...]
    sha256: Annotated[str, Field(pattern=SHA256_PATTERN, description="of the entries above")]

    def _check(self) -> None:
        if self.p_value > 1 - self.level:
            raise ValueError(f"a p-value of {self.p_value:g} does not reach the level {self.level:g}; certify again")


class BestSingleEntry(Section):
    """The best single point on the log, as a baseline."""

    point: str
    quality: Share
    cost_usd: Usd


class SavingEntry(Section):
    """Mean cost relative to the best single point, with its interval."""

    ratio: float
    low: float
    high: float
    meaning: Annotated[str, Field(description="the comparison in a sentence")]

    def _check(self) -> None:
        check_interval("", self.low, self.high)


class LoggerEntry(Section):
    """The logged runs themselves: what whoever chose their points reached and spent."""

    quality: Share
    cost_usd: Usd


class ExpectedEntry(Section):
    """Expected figures on queries like the logged ones, out of fold, with 90% intervals."""

    quality: Share
    quality_low: Annotated[Share | None, Field(description="null where the log is too thin for an interval")]
    quality_high: Share | None
    cost_usd: Usd
    cost_usd_low: Usd | None
    cost_usd_high: Usd | None
    queries: Count
    effective_queries: Annotated[
        float, Field(ge=0, description="effective number of the logged runs that agree with the policy's choices")
    ]
    best_single: BestSingleEntry
    saving: SavingEntry | None
    logger: LoggerEntry | None = None

    _left_out = ("logger",)

    def _check(self) -> None:
        check_interval("quality_", self.quality_low, self.quality_high)
        check_interval("cost_usd_", self.cost_usd_low, self.cost_usd_high)
