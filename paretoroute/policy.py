"""A policy: grid, surface, target and solution, with what it was fitted on; solved anew without a fit.

What can be read in a review lies in the document (YAML), the numbers in arrays beside it (safetensors).
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from paretoroute import evidence
from paretoroute import policy_document as doc
from paretoroute import policy_sections as sections
from paretoroute.calibration import calibrate
from paretoroute.calibration_limited import calibrate_limited
from paretoroute.call_limits import may_call
from paretoroute.errors import GridError, PolicyError, TargetError
from paretoroute.evidence import Record
from paretoroute.fitted import Fit, flattened
from paretoroute.grid import Between, Budget, Grid, Point, Price
from paretoroute.limit_rows import row_of
from paretoroute.limit_words import on_grid, parse_limit
from paretoroute.limits import CallLimit, Limit, PopulationLimit
from paretoroute.policy_file import read_policy, write_policy
from paretoroute.policy_sections import Answer, target_entry, target_of
from paretoroute.surface import Surface
from paretoroute.surface_arrays import from_arrays, to_arrays
from paretoroute.targets import MinQuality, Target
from paretoroute.traffic import Traffic


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
        points, prices, between = [], {}, {}
        for entry in self.document.grid:
            for p in entry.points:
                points.append(Point(entry.model, Budget(p.kind, p.label, p.amount)))
                if p.never_logged is not None:
                    below, above = p.never_logged.between
                    between[points[-1]] = Between(below, above, p.never_logged.along)
            if entry.price_usd_per_mtok and entry.cost == "tokens":
                given = entry.price_usd_per_mtok
                prices[entry.model] = Price(given.input, given.output, given.cached_input, given.source)
        return Grid(tuple(points), prices, between)

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
        surface, traffic = _numbers(document, arrays)
        with open(path, "rb") as file:
            sha256 = hashlib.sha256(file.read()).hexdigest()
        return Policy(document, surface, traffic, sha256)

    def solve(
        self,
        target: Target | None = None,
        *,
        limits: Sequence[Limit] | None = None,
        prices: Mapping[str, Price] | None = None,
    ) -> Policy:
        """Solve for another target, with other limits or at other prices, without a fit.

        Args:
            target: None keeps the one that was asked for.
            limits: side conditions; None keeps those of the policy. A point that is out of order is left out with
                ``Forbid(("model@label",))`` and comes back without it.
            prices: new token prices by model; the others stay.

        Raises:
            GridError: a target's point is not in the grid, or a repriced model is not priced by tokens.
            TargetError: a limit names an unknown model, speaks of labels or latencies that were not logged, or leaves
                nothing to call.
        """
        grid = self.grid
        if prices:
            _check_prices(grid, prices)
            grid = replace(grid, prices={**grid.prices, **prices})
        kept = self.limits if limits is None else tuple(limits)
        return _solved(self, grid, target or target_of(self.document.target), kept)

    @cached_property
    def record(self) -> Record:
        """The traffic as priced and as the policy forecasts it, with the points that the limits on calls leave."""
        calls = [limit for limit in self.limits if isinstance(limit, CallLimit)]
        known, _ = _callable(evidence.record(self.traffic, self.grid), self, self.grid, calls)
        return known.blind() if self.document.solution.prompt_blind else known

    @cached_property
    def limits(self) -> tuple[Limit, ...]:
        """The side conditions.

        Raises:
            PolicyError: one is of no known form.
        """
        try:
            return tuple(parse_limit(words) for words in self.document.limits)
        except TargetError as error:
            raise PolicyError(f"limits: {error}") from None


def make_policy(
    fit: Fit,
    grid: Grid,
    target: Target | None,
    about: doc.FittedOnEntry,
    features: doc.FeaturesEntry,
    *,
    name: str,
    limits: Sequence[Limit] = (),
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
        limits: side conditions.
    """
    known = evidence.record(fit.traffic, grid)
    best = evidence.best_single(known)
    rules = [row.rule for row in sections.trade_off(known)]
    gain = evidence.gain_over_blind(known, rules)
    effective = len(known.quality) * sum(map(known.known_share, rules)) / len(rules)
    findings = [*about.findings, *sections.signals(fit)]
    if gain.high < 0:
        fit = flattened(fit, grid)
        findings.append("routing lost to the best prompt-blind mixture: the policy is that mixture")
    findings.append(sections.verdict(gain, len(known.quality), effective))
    start = doc.PolicyDocument.model_construct(
        name=name,
        target=target_entry(target or MinQuality(ratio=1.0, of=grid.names[best])),
        features=features,
        surface=doc.SurfaceEntry(
            kind="stacked_heads", settings={"neighbours": len(fit.surface.neighbours.features), "folds": 5}
        ),
        fitted_on=about.model_copy(update={"findings": tuple(findings)}),
        versions=sections.versions(),
        coin_seed=hashlib.sha256(f"coin:{about.seed}".encode()).hexdigest()[:32],
        grid=(),
    )
    return _solved(Policy(start, fit.surface, fit.traffic), grid, target_of(start.target), limits)


def _solved(policy: Policy, grid: Grid, target: Target, limits: Sequence[Limit]) -> Policy:
    names = grid.names
    limits = [on_grid(limit, grid) for limit in limits]
    calls = [limit for limit in limits if isinstance(limit, CallLimit)]
    population = [limit for limit in limits if isinstance(limit, PopulationLimit)]
    routed, share_kept = _callable(evidence.record(policy.traffic, grid), policy, grid, calls)
    by_column = target
    if isinstance(target, MinQuality) and isinstance(target.of, str):
        by_column = replace(target, of=grid.index(target.of))
    known, answer = routed, _calibrated(routed, by_column, population)
    blind = _calibrated(routed.blind(), by_column, population)
    prompt_blind = _better(blind, answer)
    if prompt_blind:
        known, answer = routed.blind(), blind
    target = target_of(target_entry(target, names))
    nearest = None if answer.nearest is None else target_of(target_entry(answer.nearest, names))
    _, _, share = known.chosen(answer.rule)
    kept = policy.document
    document = doc.PolicyDocument(
        schema=1,  # type: ignore[call-arg]  # the field's alias
        name=kept.name,
        target=target_entry(target),
        limits=tuple(map(str, limits)),
        solution=sections.solution_section(
            known, answer, target, nearest, limits, share_kept, prompt_blind=prompt_blind
        ),
        expected=sections.expected_section(known, answer, grid),
        grid=sections.grid_section(routed, grid, share, policy.surface),
        features=kept.features,
        surface=kept.surface,
        fitted_on=kept.fitted_on,
        labels={by: labels.names[1:] for by, labels in policy.traffic.labels.items()},
        versions=kept.versions,
        trade_off=sections.trade_off_section(routed),
        coin_seed=kept.coin_seed,
    )
    return replace(policy, document=document, sha256="")


def _callable(known: Record, policy: Policy, grid: Grid, limits: Sequence[CallLimit]) -> tuple[Record, float]:
    """Rule out points query by query; the second is the share of queries at which some point keeps the limits."""
    if not limits:
        return known, 1.0
    traffic = policy.traffic
    figures = traffic.amount.astype(np.float64), traffic.prompt_tokens.astype(np.float64), known.forecast.latency_s
    mask, kept = may_call(limits, policy.surface, grid, figures, known.forecast.labels or {})
    return replace(known, forecast=replace(known.forecast, callable=mask)), float(kept.mean())


def _calibrated(known: Record, target: Target, limits: Sequence[PopulationLimit]) -> Answer:
    if any(row_of(limit, known.forecast) for limit in limits):
        return calibrate_limited(known, target, limits)
    return calibrate(known.forecast, *known.outcomes, target)


def _better(blind: Answer, routed: Answer) -> bool:
    """Tell whether the prompt-blind mixture meets a target better than routing does.

    A floor that routing cannot reach may be reached by always calling the best point, and where money is no object the
    best point may be better than the best forecast one.
    """
    if blind.status == "infeasible" or routed.status == "infeasible":
        if blind.status != routed.status:
            return routed.status == "infeasible"
        return blind.estimate.quality > routed.estimate.quality and isinstance(routed.target, MinQuality)
    return routed.status == "slack" and blind.estimate.quality > routed.estimate.quality


def _numbers(document: doc.PolicyDocument, arrays: Mapping[str, np.ndarray]) -> tuple[Surface, Traffic]:
    points = sum(len(entry.points) for entry in document.grid)
    labels = {by: ("", *names) for by, names in document.labels.items()}
    return from_arrays(arrays, features=document.features.kind, points=points, labels=labels)


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
