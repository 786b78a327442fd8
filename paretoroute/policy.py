"""A policy: grid, surface, target and solution, with what it was fitted on; solved anew without a fit.

What can be read in a review lies in the document (YAML), the numbers in arrays beside it (safetensors).
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from paretoroute import evidence
from paretoroute import policy_document as doc
from paretoroute.calibration import Calibrated, calibrate, curve
from paretoroute.errors import GridError
from paretoroute.evidence import Interval, Record
from paretoroute.fitted import Fit, flattened
from paretoroute.grid import Budget, Grid, Point, Price
from paretoroute.policy_file import read_policy, write_policy
from paretoroute.solver import meaning
from paretoroute.surface import Surface
from paretoroute.surface_arrays import from_arrays, to_arrays
from paretoroute.targets import MaxCost, MinQuality, Target
from paretoroute.traffic import Traffic

TRADE_OFF_ROWS = 8


@dataclass(frozen=True)
class Policy:
    """What is called when.

    Args:
        document: what stands in the YAML file.
        surface: from a query to every point's quality and tokens.
        traffic: what is remembered of the logged queries.
        sha256: of the YAML file it was read from or saved to; ``""`` before.
    """

    document: doc.PolicyDocument
    surface: Surface
    traffic: Traffic
    sha256: str = ""

    @cached_property
    def grid(self) -> Grid:
        """The points and prices."""
        points, prices = [], {}
        for entry in self.document.grid:
            points += [Point(entry.model, Budget(p.kind, p.label, p.amount)) for p in entry.points]
            if entry.price_usd_per_mtok and entry.cost == "tokens":
                given = entry.price_usd_per_mtok
                prices[entry.model] = Price(given.input, given.output, given.cached_input, given.source)
        return Grid(tuple(points), prices)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the YAML file and, beside it, the numbers: ``<stem>.safetensors``.

        Raises:
            PolicyError: the name does not end in .yaml, or the folder cannot be written to.
        """
        write_policy(path, self.document, to_arrays(self.surface, self.traffic))

    @staticmethod
    def load(path: str | os.PathLike[str]) -> Policy:
        """Read a policy.

        Raises:
            PolicyError: a file is missing, changed, of a newer schema, or does not fit together.
        """
        document, arrays = read_policy(path)
        points = sum(len(entry.points) for entry in document.grid)
        surface, traffic = from_arrays(arrays, features=document.features.kind, points=points)
        with open(path, "rb") as file:
            sha256 = hashlib.sha256(file.read()).hexdigest()
        return Policy(document, surface, traffic, sha256)

    def solve(self, target: Target | None = None, *, prices: Mapping[str, Price] | None = None) -> Policy:
        """Solve for another target or at other prices, without a fit.

        Args:
            target: None keeps the one that was asked for.
            prices: new token prices by model; the others stay.

        Raises:
            GridError: a target's point is not in the grid, or a repriced model is not priced by tokens.
        """
        grid = self.grid
        if prices:
            _check_prices(grid, prices)
            grid = Grid(grid.points, {**grid.prices, **prices})
        return _solved(self, grid, target or target_of(self.document.target))


def make_policy(
    fit: Fit, grid: Grid, target: Target | None, about: doc.FittedOnEntry, features: doc.FeaturesEntry, *, name: str
) -> Policy:
    """Solve a fitted surface for a target and write down what was found.

    Where routing loses to the best prompt-blind mixture beyond noise, the surface is made prompt-blind.

    Args:
        fit: the fitted surface and its traffic.
        grid: points and prices.
        target: None: as good as the best single point, as cheaply as possible.
        about: the log it was fitted on; findings about the signal are added.
        features: how queries became numbers.
        name: of the policy.
    """
    known = evidence.record(fit.traffic, grid)
    best = evidence.best_single(known)
    rows = [(row.price, row.split) for row in _curve(known)]
    gain = evidence.gain_over_blind(known, rows)
    findings = [*about.findings, *_signals(fit)]
    if gain.high < 0:
        fit = flattened(fit)
        findings.append("routing lost to the best prompt-blind mixture: the policy is that mixture")
    findings.append(_verdict(gain, len(known.quality)))
    start = doc.PolicyDocument.model_construct(
        name=name,
        target=target_entry(target or MinQuality(ratio=1.0, of=grid.names[best])),
        features=features,
        surface=doc.SurfaceEntry(
            kind="stacked_heads", settings={"neighbours": len(fit.surface.neighbours.features), "folds": 5}
        ),
        fitted_on=about.model_copy(update={"findings": tuple(findings)}),
        versions=_versions(),
        coin_seed=hashlib.sha256(f"coin:{about.seed}".encode()).hexdigest()[:32],
        grid=(),
    )
    return _solved(Policy(start, fit.surface, fit.traffic), grid, target_of(start.target))


def target_entry(target: Target, names: tuple[str, ...] = ()) -> doc.TargetEntry:
    """Write a target down; a point given by column is named."""
    if isinstance(target, MaxCost):
        return doc.TargetMaxCost(usd=float(target.usd))
    if target.quality is not None:
        return doc.TargetMinQuality(quality=float(target.quality))
    of = target.of if isinstance(target.of, str) else names[int(target.of or 0)]
    return doc.TargetMinQualityOf(of=of, ratio=float(target.ratio or 1.0))


def target_of(entry: doc.TargetEntry) -> Target:
    """Read a target back."""
    if isinstance(entry, doc.TargetMaxCost):
        return MaxCost(usd=entry.usd)
    if isinstance(entry, doc.TargetMinQuality):
        return MinQuality(quality=entry.quality)
    return MinQuality(ratio=entry.ratio, of=entry.of)


def _solved(policy: Policy, grid: Grid, target: Target) -> Policy:
    known = evidence.record(policy.traffic, grid)
    names = grid.names
    by_column = target
    if isinstance(target, MinQuality) and isinstance(target.of, str):
        by_column = replace(target, of=grid.index(target.of))
    routed = known
    answer = _calibrated(routed, by_column)
    blind = _calibrated(routed.blind(), by_column)
    prompt_blind = _better(blind, answer)
    if prompt_blind:
        known, answer = routed.blind(), blind
    target = target_of(target_entry(target, names))
    nearest = None if answer.nearest is None else target_of(target_entry(answer.nearest, names))
    _, _, share = known.chosen(answer.price, answer.split)
    kept = policy.document
    document = doc.PolicyDocument(
        schema=1,  # type: ignore[call-arg]  # the field's alias
        name=kept.name,
        target=target_entry(target),
        solution=_solution(known, answer, target, nearest, prompt_blind),
        expected=_expected(known, answer, grid),
        grid=_grid(known, grid, share, policy.surface),
        features=kept.features,
        surface=kept.surface,
        fitted_on=kept.fitted_on,
        versions=kept.versions,
        trade_off=tuple(_trade_off(routed)),
        coin_seed=kept.coin_seed,
    )
    return replace(policy, document=document, sha256="")


def _calibrated(known: Record, target: Target) -> Calibrated:
    return calibrate(known.forecast, known.logged_quality, known.logged_cost_usd, target)


def _better(blind: Calibrated, routed: Calibrated) -> bool:
    """Tell whether the prompt-blind mixture meets a target better than routing does.

    A floor that routing cannot reach may be reached by always calling the best point, and where money is no object the
    best point may be better than the best forecast one.
    """
    if blind.status == "infeasible" or routed.status == "infeasible":
        if blind.status != routed.status:
            return routed.status == "infeasible"
        return blind.expected_quality > routed.expected_quality and isinstance(routed.target, MinQuality)
    return routed.status == "slack" and blind.expected_quality > routed.expected_quality


def _solution(
    known: Record, answer: Calibrated, target: Target, nearest: Target | None, prompt_blind: bool
) -> doc.SolutionEntry:
    return doc.SolutionEntry(
        status=answer.status,
        quality_per_usd=float(answer.price),
        split=float(answer.split),
        quality_shift=float(answer.quality_shift) + 0.0,  # never -0
        cost_ratio=float(answer.cost_ratio),
        gap=known.gap(answer.price, answer.split),
        meaning=meaning(answer.status, target, nearest, answer.shadow_price),
        prompt_blind=prompt_blind,
        nearest=None if nearest is None else target_entry(nearest),
        binds=answer.binds,
    )


def _expected(known: Record, answer: Calibrated, grid: Grid) -> doc.ExpectedEntry:
    best = evidence.best_single(known)
    found = answer.estimate
    quality, _, _ = known.chosen(answer.price, answer.split)
    ratio = evidence.cost_ratio(known, answer.price, answer.split, best)
    away = 100 * (quality - known.quality[:, best])
    reach = evidence.Z90 * float(away.std()) / len(away) ** 0.5
    words = (
        f"mean cost is x{ratio.value:.3f} of that of {grid.names[best]}, at {away.mean():+.2f} quality points "
        f"[{away.mean() - reach:+.2f}, {away.mean() + reach:+.2f}]"
    )
    queries = len(known.quality)
    return doc.ExpectedEntry(
        quality=_share(found.quality),
        quality_low=_share(found.quality_low),
        quality_high=_share(found.quality_high),
        cost_usd=_readable(max(found.cost_usd, 0.0)),
        cost_usd_low=_readable(max(found.cost_usd_low, 0.0)),
        cost_usd_high=_readable(max(found.cost_usd_high, 0.0)),
        queries=queries,
        effective_queries=_readable(queries * known.known_share(answer.price)),
        best_single=doc.BestSingleEntry(
            point=grid.names[best],
            quality=_share(known.quality[:, best].mean()),
            cost_usd=_readable(max(float(known.cost_usd[:, best].mean()), 0.0)),
        ),
        saving=doc.SavingEntry(
            ratio=_readable(ratio.value), low=_readable(ratio.low), high=_readable(ratio.high), meaning=words
        ),
    )


def _grid(known: Record, grid: Grid, share: np.ndarray, surface: Surface) -> tuple[doc.GridEntry, ...]:
    entries = []
    for model in grid.models:
        columns = [j for j, point in enumerate(grid.points) if point.model == model]
        price = grid.prices.get(model)
        points = tuple(
            doc.PointEntry(
                kind=grid.points[j].budget.kind,  # type: ignore[arg-type]
                label=grid.points[j].budget.label,
                amount=grid.points[j].budget.amount,
                share=_share(share[j]),
                quality=_share(known.quality[:, j].mean()),
                cost_usd=_readable(max(float(known.cost_usd[:, j].mean()), 0.0)),
                queries=int(surface.queries[j]),
            )
            for j in columns
        )
        entry = price and doc.PriceEntry(
            input=price.input_usd_per_mtok,
            cached_input=price.cached_input_usd_per_mtok,
            output=price.output_usd_per_mtok,
            source=price.source,  # type: ignore[arg-type]
        )
        cost = "tokens" if price else "logged"
        entries.append(doc.GridEntry(model=model, price_usd_per_mtok=entry or None, cost=cost, points=points))
    return tuple(entries)


def _curve(known: Record):
    return curve(known.forecast, known.logged_quality, known.logged_cost_usd, n=TRADE_OFF_ROWS)


def _trade_off(known: Record):
    for row in _curve(known):
        yield doc.TradeOffEntry(
            quality_per_usd=_readable(row.price),
            cost_usd=_readable(max(row.cost_usd, 0.0)),
            quality=_share(row.quality),
            quality_low=_share(row.quality_low),
            quality_high=_share(row.quality_high),
        )


def _share(value: float) -> float:
    return _readable(min(max(value, 0.0), 1.0))


def _readable(value: float) -> float:
    """Round a figure that is only read, never computed with, to six significant digits."""
    return float(f"{value:.6g}")


def _signals(fit: Fit) -> list[str]:
    said = []
    for signal in fit.signals:
        share, reach = 100 * signal.explained, 100 * evidence.Z90 * signal.explained_se
        end = "" if signal.used else "; not beyond noise, so it stays at the prompt-blind means"
        said.append(f"{signal.name}: the query explains {share:.1f}% +- {reach:.1f} of the variance out of fold{end}")
    return said


def _verdict(gain: Interval, queries: int) -> str:
    figures = f"{gain.value:+.2f} quality points [{gain.low:+.2f}, {gain.high:+.2f}] on {queries} queries"
    words = f"against the best prompt-blind mixture at equal cost, over the trade-off: {figures}"
    if gain.low > 0:
        return f"routing pays on these runs; {words}"
    return f"routing does not pay on these runs, beyond noise; {words}"


def _versions() -> dict[str, str]:
    from importlib.metadata import version

    return {name: version(name) for name in ("paretoroute", "numpy", "scipy", "jax", "optax")}


def _check_prices(grid: Grid, prices: Mapping[str, Price]) -> None:
    for model in prices:
        if model not in grid.models:
            raise GridError(
                f"a price is given for {model!r}, which is not in the grid; it has {', '.join(grid.models)}"
            )
        if model not in grid.prices:
            raise GridError(
                f"model {model!r} cannot be repriced: its cost was forecast from logged cost, since tokens times "
                "prices did not explain it; fit again on runs with its new cost"
            )
