"""What stands in a policy file: one model per section, checked strictly, and the comments a reviewer reads.

Nothing is converted on the way in: a number in quotes, NaN, a truth value for a number and an unknown key are all
errors; only a list becomes a tuple. Units stand in the names; quality lies in [0, 1] and more is better; costs are
USD per query unless named otherwise. ``policy_file`` reads and writes these documents, ``policy.schema.json`` is
their JSON Schema.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

SCHEMA_VERSION = 1

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


def _in_key_order(mapping: dict[str, Any]) -> dict[str, Any]:
    return dict(sorted(mapping.items()))


def _whole_if_integral(amount: float) -> float:
    """Let 8000.0 be written as 8000."""
    return int(amount) if float(amount).is_integer() else amount


Settings = Annotated[dict[str, Setting], AfterValidator(_in_key_order)]
Amount = Annotated[float, AfterValidator(_whole_if_integral)]


class _Section(BaseModel):
    # Nothing is built before it is used: a section then costs nothing at import.
    model_config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False, frozen=True, defer_build=True)


class TargetMaxCost(_Section):
    """Highest mean quality at a mean cost of at most ``usd`` per query."""

    kind: Literal["max_cost"] = "max_cost"
    usd: Annotated[float, Field(gt=0)]


class TargetMinQuality(_Section):
    """Lowest mean cost at a mean quality of at least ``quality``."""

    kind: Literal["min_quality"] = "min_quality"
    quality: Share


class TargetMinQualityOf(_Section):
    """Lowest mean cost at a mean quality of at least ``ratio`` times that of the point ``of``."""

    kind: Literal["min_quality_of"] = "min_quality_of"
    of: str
    ratio: Annotated[float, Field(gt=0)]


class TargetBestTrade(_Section):
    """Highest mean of quality minus cost over ``usd_per_quality``."""

    kind: Literal["best_trade"] = "best_trade"
    usd_per_quality: Annotated[float, Field(gt=0)]


class LimitEntry(_Section):
    """A side condition, and what it costs."""

    limit: str
    used: Annotated[float | None, Field(description="what its figure comes to on the logged queries")]
    shadow_price: Annotated[float, Field(ge=0, description="what one more unit of its number is worth")]
    meaning: str


class SideEntry(_Section):
    """One of the sets of prices that are drawn from."""

    objective: Annotated[float, Field(ge=0, description="weight of the objective")]
    prices: Annotated[tuple[Annotated[float, Field(ge=0)], ...], Field(strict=False, description="one per row")]
    weights: Annotated[tuple[Share, ...], Field(strict=False, description="probability, one per kind")]


class MixtureEntry(_Section):
    """The rule where limits are on the population: prices of all rows, drawn per query from a few sets."""

    rows: Annotated[tuple[str, ...], Field(strict=False, description="the target's row, then the limits'")]
    objective: Annotated[float, Field(ge=0)]
    prices: Annotated[tuple[Annotated[float, Field(ge=0)], ...], Field(strict=False, description="at the optimum")]
    kinds: Annotated[
        tuple[Annotated[str, Field(pattern=KIND_PATTERN)], ...],
        Field(strict=False, description="which rows count a query"),
    ]
    sides: Annotated[tuple[SideEntry, ...], Field(strict=False)]

    @model_validator(mode="after")
    def _consistent(self) -> MixtureEntry:
        rows, kinds = len(self.rows), len(self.kinds)
        if len(self.prices) != rows or any(len(kind) != rows for kind in self.kinds):
            raise ValueError(f"prices and kinds must have one entry for each of the {rows} rows; solve again")
        if any(len(side.prices) != rows or len(side.weights) != kinds for side in self.sides):
            raise ValueError("every side needs a price per row and a weight per kind; solve again")
        return self


TargetEntry = Annotated[
    TargetMaxCost | TargetMinQuality | TargetMinQualityOf | TargetBestTrade, Field(discriminator="kind")
]


class SolutionEntry(_Section):
    """The solver's answer: the price a unit of quality is worth, the coin at ties, and what binds."""

    status: Literal["met", "slack", "infeasible"]
    quality_per_usd: Annotated[float, Field(ge=0, description="the shadow price: quality that one USD must buy")]
    split: Annotated[Share, Field(description="at ties, the probability of the costlier side")]
    quality_shift: Annotated[float, Field(description="added to forecast quality so that it agrees with the log")]
    cost_ratio: Annotated[float, Field(gt=0, description="logged over forecast cost of the points chosen")]
    gap: Annotated[float, Field(ge=0, description="how far from the optimum at most, in units of the objective")]
    meaning: Annotated[str, Field(description="the solution in a sentence")]
    prompt_blind: Annotated[
        bool, Field(description="every query is forecast at the points' means, since that meets the target better")
    ] = False
    nearest: Annotated[TargetEntry | None, Field(description="the nearest target that can be met, if infeasible")]
    binds: Annotated[tuple[str, ...], Field(strict=False, description="the limits that bind")]
    limits: Annotated[tuple[LimitEntry, ...], Field(strict=False)] = ()
    mixture: MixtureEntry | None = None


class BestSingleEntry(_Section):
    """The single point that was best on the log, to compare the policy with."""

    point: str
    quality: Share
    cost_usd: Usd


class SavingEntry(_Section):
    """What the policy saves, with its interval."""

    ratio: float
    low: float
    high: float
    meaning: Annotated[str, Field(description="what is compared with what")]

    @model_validator(mode="after")
    def _ordered(self) -> SavingEntry:
        _check_interval("", self.low, self.high)
        return self


class ExpectedEntry(_Section):
    """What to expect on traffic like the logged one, out of fold, with 90% intervals."""

    quality: Share
    quality_low: Share
    quality_high: Share
    cost_usd: Usd
    cost_usd_low: Usd
    cost_usd_high: Usd
    queries: Count
    effective_queries: Annotated[float, Field(ge=0)]
    best_single: BestSingleEntry
    saving: SavingEntry | None

    @model_validator(mode="after")
    def _ordered(self) -> ExpectedEntry:
        _check_interval("quality_", self.quality_low, self.quality_high)
        _check_interval("cost_usd_", self.cost_usd_low, self.cost_usd_high)
        return self


class PriceEntry(_Section):
    """Prices of one model, in USD per million tokens."""

    input: Usd
    cached_input: Annotated[Usd | None, Field(description="null: as input")]
    output: Annotated[Usd, Field(description="completion tokens, hidden reasoning included")]
    source: Literal["given", "derived"]


class NeverLoggedEntry(_Section):
    """Where a point that no run was logged at is forecast: between two logged ones of its model."""

    between: Annotated[
        tuple[str, ...], Field(strict=False, min_length=2, max_length=2, description="their labels, less compute first")
    ]
    along: Annotated[float, Field(gt=0, lt=1, description="how far from the first to the second, on log tokens")]


class PointEntry(_Section):
    """One point: a budget of the model above it, how often it is called, and what the log says of it."""

    kind: Literal["none", "effort", "thinking_tokens", "samples", "max_tokens"]
    label: str
    amount: Annotated[Amount | None, Field(description="the size of the budget where it is a number")]
    share: Annotated[Share, Field(description="how often the policy calls this point")]
    quality: Annotated[Share, Field(description="mean over traffic like the logged one")]
    quality_low: Annotated[Share | None, Field(description="its 90% interval; null where it was not kept")] = None
    quality_high: Share | None = None
    cost_usd: Usd
    queries: Annotated[Count, Field(description="that were logged at this point")]
    never_logged: NeverLoggedEntry | None = None

    @model_validator(mode="after")
    def _ordered(self) -> PointEntry:
        if self.quality_low is not None and self.quality_high is not None:
            _check_interval("quality_", self.quality_low, self.quality_high)
        return self


class GridEntry(_Section):
    """One model, its token prices, and the points it can be called at."""

    model: Annotated[str, Field(min_length=1)]
    price_usd_per_mtok: PriceEntry | None
    cost: Annotated[Literal["tokens", "logged"], Field(description="tokens times prices, or forecast from logged cost")]
    points: Annotated[tuple[PointEntry, ...], Field(strict=False, min_length=1)]

    @model_validator(mode="after")
    def _consistent(self) -> GridEntry:
        _check_unique("point", (f"{self.model}@{point.label} ({point.kind})" for point in self.points))
        logged = {(point.kind, point.label) for point in self.points if point.never_logged is None}
        for point in self.points:
            for label in point.never_logged.between if point.never_logged else ():
                if (point.kind, label) not in logged:
                    raise ValueError(f"{point.label!r} lies between budgets, but {label!r} is none that was logged")
        if self.cost == "tokens" and self.price_usd_per_mtok is None:
            raise ValueError("price_usd_per_mtok is null but cost is tokens; give prices or set cost: logged")
        return self


class FeaturesEntry(_Section):
    """How a query becomes numbers; a planner with other features is refused by the fingerprint."""

    kind: Literal["hashed_ngrams", "embedding", "function"]
    name: str
    width: Count
    fingerprint: Sha256
    settings: Settings


class SurfaceEntry(_Section):
    """The fitted functions: their kind, and the file beside this one that holds their numbers."""

    kind: str
    file: Annotated[str, Field(pattern=FILE_PATTERN, description="bare file name; filled in on writing")] = ""
    sha256: Annotated[str, Field(pattern=SHA256_PATTERN, description="of that file; filled in on writing")] = ""
    settings: Settings


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


class FittedOnEntry(_Section):
    """The log the policy was fitted on, and the findings of the fit."""

    runs: Count
    queries: Count
    points: Count
    set_aside: Count
    runs_sha256: Sha256
    seed: int
    assumption: Annotated[str | None, Field(description="what had to be assumed of the log, if anything")]
    findings: Annotated[tuple[str, ...], Field(strict=False)]
    finding_kinds: Annotated[
        tuple[FindingKind, ...], Field(strict=False, description="the kind of each finding, in the same order")
    ] = ()

    @model_validator(mode="before")
    @classmethod
    def _older_findings_are_notes(cls, data: Any) -> Any:
        if not isinstance(data, dict) or "finding_kinds" in data:
            return data
        findings = data.get("findings")
        kinds = ["note"] * len(findings) if isinstance(findings, list | tuple) else []
        return {**data, "finding_kinds": kinds}

    @model_validator(mode="after")
    def _one_kind_per_finding(self) -> FittedOnEntry:
        if len(self.finding_kinds) != len(self.findings):
            raise ValueError(
                f"{len(self.findings)} findings have {len(self.finding_kinds)} finding_kinds; give one kind per finding"
            )
        return self

    def findings_by_kind(self) -> tuple[tuple[FindingKind, str], ...]:
        """Pair each finding with its kind, in the order of the file."""
        return tuple(zip(self.finding_kinds, self.findings, strict=True))


class TradeOffEntry(_Section):
    """One row of the trade-off: what a price of quality gives."""

    quality_per_usd: Annotated[float, Field(ge=0)]
    cost_usd: Usd
    quality: Share
    quality_low: Share
    quality_high: Share


class PolicyDocument(_Section):
    """A routing policy of paretoroute: which point to call for a query, and what to expect of it."""

    schema_version: Annotated[Literal[1], Field(alias="schema")]
    name: str
    target: TargetEntry
    limits: Annotated[tuple[str, ...], Field(strict=False)] = ()
    solution: SolutionEntry
    expected: ExpectedEntry
    grid: Annotated[tuple[GridEntry, ...], Field(strict=False, min_length=1)]
    features: FeaturesEntry
    surface: SurfaceEntry
    fitted_on: FittedOnEntry
    labels: dict[str, Annotated[tuple[str, ...], Field(strict=False)]] = {}
    versions: Annotated[dict[str, str], AfterValidator(_in_key_order)]
    trade_off: Annotated[tuple[TradeOffEntry, ...], Field(strict=False)]
    coin_seed: Annotated[str, Field(pattern=SEED_PATTERN, description="seeds the coin at ties")]

    @model_validator(mode="after")
    def _consistent(self) -> PolicyDocument:
        _check_unique("model", (entry.model for entry in self.grid))
        return self


LEFT_OUT_IF_EMPTY = ("limits", "labels", "mixture", "never_logged")
COMMENTS = {
    "target": "What was asked for. Costs are USD per query, quality lies in [0, 1]: more is better.",
    "limits": "Side conditions; what each of them costs stands in the solution.",
    "labels": "Names of the tags, tenants and steps of the logged queries, by which limits group them.",
    "solution": "The answer: per query, the point with the highest quality - quality_per_usd x cost_usd is called.\n"
    "At a tie the costlier side is taken with probability split.",
    "expected": "What to expect on traffic like the logged one (out of fold; low and high are 90% intervals).",
    "grid": "The points the policy chooses from. Share is how often it calls each; quality is the mean over traffic\n"
    "like the logged one, with its 90% interval. Prices are USD per million tokens.",
    "features": "How a query becomes numbers. A planner whose features have another fingerprint is refused.",
    "surface": "The fitted functions from a query to quality and cost. Their numbers lie in this file.",
    "fitted_on": "The log the policy was fitted on, and the findings of the fit.",
    "versions": "What it was fitted with.",
    "trade_off": "What else could be had on this log: lower quality_per_usd, higher cost and quality.",
    "coin_seed": "Seeds the coin at ties, so that the same query_id always gets the same answer.",
}


def _check_unique(what: str, names: Iterable[str]) -> None:
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise ValueError(f"{what} {twice[0]!r} stands here twice; keep one")


def _check_interval(prefix: str, low: float, high: float) -> None:
    if low > high:
        raise ValueError(f"{prefix}low is {low}, above {prefix}high, {high}; swap or correct them")
