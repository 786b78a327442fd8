"""The schema of a policy file: one model per section, checked strictly.

Nothing is converted on reading: a number in quotes, NaN, a boolean for a number and an unknown key are errors; only a
list becomes a tuple. Names carry units; quality lies in [0, 1] and more is better; costs are USD per query unless named
otherwise. ``paretoroute.policy.files`` reads and writes these documents, ``policy.schema.json`` is their JSON Schema.

Two words belong to the file and are called differently in the code. ``traffic`` is the calibration sample: what the
policy keeps of the logged queries. ``prompt_blind: true`` marks a context-free policy: it ignores the query, forecasts
every query at the points' means, and so is a static mixture of points.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal, cast

from paretoroute.policy.checked import Section
from paretoroute.policy.checked.checks import After, Field
from paretoroute.policy.schema_types import (
    FILE_PATTERN,
    KIND_PATTERN,
    SEED_PATTERN,
    SHA256_PATTERN,
    Amount,
    BudgetKind,
    CertificateEntry,
    Count,
    ExpectedEntry,
    FindingKind,
    Settings,
    Sha256,
    Share,
    Usd,
    check_interval,
    check_total,
    check_unique,
    in_key_order,
)

SCHEMA_VERSION = 1


class TargetMaxCost(Section):
    """Highest mean quality at a mean cost of at most ``usd`` per query."""

    kind: Literal["max_cost"] = "max_cost"
    usd: Annotated[float, Field(gt=0)]


class TargetMinQuality(Section):
    """Lowest mean cost at a mean quality of at least ``quality``."""

    kind: Literal["min_quality"] = "min_quality"
    quality: Share


class TargetMinQualityOf(Section):
    """Lowest mean cost at a mean quality of at least ``ratio`` times that of the point ``of``."""

    kind: Literal["min_quality_of"] = "min_quality_of"
    of: str
    ratio: Annotated[float, Field(gt=0, le=10)]  # as paretoroute.targets.MOST_RATIO


class TargetBestTrade(Section):
    """Highest mean of quality minus cost over ``usd_per_quality``."""

    kind: Literal["best_trade"] = "best_trade"
    usd_per_quality: Annotated[float, Field(gt=0)]


class LimitEntry(Section):
    """A limit, and what it costs."""

    limit: str
    used: Annotated[float | None, Field(description="value of the limited figure on the logged queries")]
    shadow_price: Annotated[float, Field(ge=0, description="value of one more unit of its number")]
    meaning: str


class SideEntry(Section):
    """One of the sets of prices that a mixture draws from."""

    objective: Annotated[float, Field(ge=0, description="weight of the objective")]
    prices: Annotated[tuple[Annotated[float, Field(ge=0)], ...], Field(description="one per row")]
    weights: Annotated[tuple[Share, ...], Field(description="probability, one per kind")]


class MixtureEntry(Section):
    """The rule under limits on the population: prices of all constraints, drawn per query from a few sets."""

    rows: Annotated[tuple[str, ...], Field(description="the target's constraint, then the limits'")]
    objective: Annotated[float, Field(ge=0)]
    prices: Annotated[tuple[Annotated[float, Field(ge=0)], ...], Field(description="at the optimum")]
    kinds: Annotated[
        tuple[Annotated[str, Field(pattern=KIND_PATTERN)], ...],
        Field(description="which rows apply to a query"),
    ]
    sides: Annotated[tuple[SideEntry, ...], Field(min_length=1)]

    def _check(self) -> None:
        rows, kinds = len(self.rows), len(self.kinds)
        if len(self.prices) != rows or any(len(kind) != rows for kind in self.kinds):
            raise ValueError(f"prices and kinds must have one entry for each of the {rows} rows; solve again")
        if any(len(side.prices) != rows or len(side.weights) != kinds for side in self.sides):
            raise ValueError("every side needs a price per row and a weight per kind; solve again")
        check_unique("kind", self.kinds)
        for place, kind in enumerate(self.kinds):
            check_total(f"weights of kind {kind!r}", (side.weights[place] for side in self.sides))


TargetEntry = TargetMaxCost | TargetMinQuality | TargetMinQualityOf | TargetBestTrade


class SolutionEntry(Section):
    """The solver's answer: price of quality, split of ties, and binding limits."""

    status: Annotated[
        Literal["met", "slack", "infeasible", "unsupported"],
        Field(description="unsupported: too few logged runs agree with the policy for an interval"),
    ]
    quality_per_usd: Annotated[float, Field(ge=0, description="the shadow price: quality that one more USD has to buy")]
    split: Annotated[Share, Field(description="at ties, the probability of the costlier side")]
    quality_shift: Annotated[float, Field(description="added to forecast quality so that it agrees with the log")]
    cost_ratio: Annotated[float, Field(gt=0, description="logged over forecast cost of the points chosen")]
    gap: Annotated[float, Field(ge=0, description="largest distance from the optimum, relative to the objective")]
    meaning: Annotated[str, Field(description="the solution in a sentence")]
    prompt_blind: Annotated[
        bool,
        Field(description="context-free: every query is forecast at the points' means, which meets the target better"),
    ] = False
    nearest: Annotated[TargetEntry | None, Field(description="the nearest target that can be met, if infeasible")]
    binds: Annotated[tuple[str, ...], Field(description="the limits that bind")]
    limits: tuple[LimitEntry, ...] = ()
    mixture: MixtureEntry | None = None


class PriceEntry(Section):
    """Prices of one model, in USD per million tokens."""

    input: Usd
    cached_input: Annotated[Usd | None, Field(description="null: as input")]
    cache_write: Annotated[Usd | None, Field(description="tokens written to a cache; without the key as input")] = None
    output: Annotated[Usd, Field(description="completion tokens, hidden reasoning included")]
    source: Literal["given", "derived"]

    _left_out = ("cache_write",)


class NeverLoggedEntry(Section):
    """The place of an unlogged point: between two logged points of its model."""

    between: Annotated[
        tuple[str, ...], Field(min_length=2, max_length=2, description="their labels, less compute first")
    ]
    along: Annotated[float, Field(gt=0, lt=1, description="position between the two, on the scale of log tokens")]


class PointEntry(Section):
    """One point: a budget of the model above it, its share of calls, and its logged figures."""

    kind: BudgetKind
    label: str
    amount: Annotated[Amount | None, Field(description="the size of the budget if it is a number")]
    share: Annotated[Share, Field(description="share of the policy's calls")]
    quality: Annotated[Share, Field(description="mean over queries like the logged ones")]
    quality_low: Annotated[Share | None, Field(description="its 90% interval; null if not stored")] = None
    quality_high: Share | None = None
    cost_usd: Usd
    fee_usd: Annotated[
        float, Field(description="mean fee of a call in USD, beside tokens x prices; inside cost_usd")
    ] = 0.0
    most_fee_usd: Annotated[Usd, Field(description="largest fee of a logged call in USD; 0 where none is known")] = 0.0
    queries: Annotated[Count, Field(description="number of queries logged at this point")]
    never_logged: NeverLoggedEntry | None = None

    _left_out = ("fee_usd", "most_fee_usd")

    def _check(self) -> None:
        if self.quality_low is not None and self.quality_high is not None:
            check_interval("quality_", self.quality_low, self.quality_high)


class GridEntry(Section):
    """One model, its token prices, and the points it can be called at."""

    model: Annotated[str, Field(min_length=1)]
    price_usd_per_mtok: PriceEntry | None
    cost: Annotated[Literal["tokens", "logged"], Field(description="tokens times prices, or forecast from logged cost")]
    points: Annotated[tuple[PointEntry, ...], Field(min_length=1)]

    def _check(self) -> None:
        check_unique("point", (f"{self.model}@{point.label} ({point.kind})" for point in self.points))
        logged = {(point.kind, point.label) for point in self.points if point.never_logged is None}
        for point in self.points:
            for label in point.never_logged.between if point.never_logged else ():
                if (point.kind, label) not in logged:
                    raise ValueError(f"{point.label!r} lies between budgets, but {label!r} was not logged")
        if self.cost == "tokens" and self.price_usd_per_mtok is None:
            raise ValueError("price_usd_per_mtok is null but cost is tokens; give prices or set cost: logged")


class SecondViewEntry(Section):
    """Numbers read beside the text: an embedding that every call brings, or a function or an encoder of the text."""

    kind: Literal["embedding", "function", "encoder"]
    name: str
    width: Count
    fingerprint: Annotated[Sha256 | None, Field(description="of the function or encoder; null for an embedding")]
    settings: Settings


class FeaturesEntry(Section):
    """How a query becomes numbers; the fingerprint refuses a planner with other features."""

    kind: Literal["hashed_ngrams", "embedding", "function"]
    name: str
    width: Count
    fingerprint: Sha256
    settings: Settings
    second: Annotated[SecondViewEntry | None, Field(description="a second view, beside the text")] = None

    _left_out = ("second",)

    def _check(self) -> None:
        if self.second is not None and self.kind != "hashed_ngrams":
            raise ValueError(f"second stands beside hashed_ngrams, not beside {self.kind}; fit again")
        if self.second is not None and (self.second.fingerprint is None) != (self.second.kind == "embedding"):
            raise ValueError("second.fingerprint is null for an embedding, and for no other kind; fit again")

    @property
    def reads_embedding(self) -> bool:
        """Whether every call brings an embedding."""
        return "embedding" in (self.kind, self.second and self.second.kind)


class SurfaceEntry(Section):
    """The fitted functions: their kind, and the file beside this one that holds their numbers."""

    kind: str
    file: Annotated[str, Field(pattern=FILE_PATTERN, description="bare file name; filled in on writing")] = ""
    sha256: Annotated[str, Field(pattern=SHA256_PATTERN, description="of that file; filled in on writing")] = ""
    points: Annotated[tuple[str, ...], Field(description="model@label of every point, as that file orders them")] = ()
    settings: Settings

    def check_order(self, names: Sequence[str]) -> None:
        """Refuse a grid whose points stand in another order than their numbers; they may have new names."""
        for place, name in enumerate(self.points, start=1):
            if self.points.count(name) == 1 and name in names and (found := names.index(name) + 1) != place:
                raise ValueError(
                    f"{name!r} is point {found} of the grid, and point {place} of surface.points, the order of the "
                    "numbers; restore the order of the grid"
                )


class FittedOnEntry(Section):
    """The log the policy was fitted on, and the findings of the fit."""

    runs: Count
    queries: Count
    points: Count
    set_aside: Count
    runs_sha256: Sha256
    seed: int
    assumption: Annotated[str | None, Field(description="an assumption about the log, if one was needed")]
    findings: tuple[str, ...]
    finding_kinds: Annotated[
        tuple[FindingKind, ...], Field(description="the kind of each finding, in the same order")
    ] = ()

    @classmethod
    def _before(cls, data: dict[str, Any]) -> dict[str, Any]:
        """Read the findings of an older file, which have no kinds, as notes."""
        if "finding_kinds" in data:
            return data
        findings = data.get("findings")
        kinds = ["note"] * len(cast("list[str]", findings)) if isinstance(findings, list | tuple) else []
        return {**data, "finding_kinds": kinds}

    def _check(self) -> None:
        if len(self.finding_kinds) != len(self.findings):
            raise ValueError(
                f"{len(self.findings)} findings have {len(self.finding_kinds)} finding_kinds; give one kind per finding"
            )

    def findings_by_kind(self) -> tuple[tuple[FindingKind, str], ...]:
        """Pair each finding with its kind, in the order of the file."""
        return tuple(zip(self.finding_kinds, self.findings, strict=True))


class TradeOffEntry(Section):
    """One row of the trade-off: the quality and cost at a price."""

    quality_per_usd: Annotated[float, Field(ge=0)]
    cost_usd: Usd
    quality: Share
    quality_low: Share | None
    quality_high: Share | None

    def _check(self) -> None:
        check_interval("quality_", self.quality_low, self.quality_high)


class PolicyDocument(Section):
    """A routing policy of paretoroute: which point to call for a query, and the quality and cost to expect."""

    schema_version: Annotated[Literal[1], Field(alias="schema")]
    name: str
    target: TargetEntry
    limits: tuple[str, ...] = ()
    solution: SolutionEntry
    expected: ExpectedEntry
    certificate: CertificateEntry | None = None
    grid: Annotated[tuple[GridEntry, ...], Field(min_length=1)]
    features: FeaturesEntry
    surface: SurfaceEntry
    fitted_on: FittedOnEntry
    labels: dict[str, tuple[str, ...]] = {}
    versions: Annotated[dict[str, str], After(in_key_order)]
    trade_off: tuple[TradeOffEntry, ...]
    coin_seed: Annotated[str, Field(pattern=SEED_PATTERN, description="seeds the draw at ties")]

    def _check(self) -> None:
        check_unique("model", (entry.model for entry in self.grid))
        self.surface.check_order([f"{entry.model}@{point.label}" for entry in self.grid for point in entry.points])
        check_total("shares of the points in the grid", (point.share for entry in self.grid for point in entry.points))
