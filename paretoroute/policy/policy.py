"""A policy: grid, surface, target and solution, with what it was fitted on; solved anew without a fit.

What can be read in a review lies in the document (YAML), the numbers in arrays beside it (safetensors).
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from paretoroute.errors import PolicyError, TargetError, needs_fit_extra
from paretoroute.grid import Between, Budget, Grid, Point, Price
from paretoroute.limits import CallLimit, Limit, parse_limit
from paretoroute.policy import schema as doc
from paretoroute.policy.arrays import from_arrays, to_arrays
from paretoroute.policy.codec import target_of
from paretoroute.policy.files import read_policy, write_policy
from paretoroute.surface.surface import Surface
from paretoroute.surface.traffic import CalibrationSample
from paretoroute.targets import Target

if TYPE_CHECKING:
    from paretoroute.calibration.outcomes import LoggedOutcomes


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
    traffic: CalibrationSample
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

    @needs_fit_extra
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
        from paretoroute.policy.solving import Provenance, check_prices, solve_document

        grid = self.grid
        if prices:
            check_prices(grid, prices)
            grid = replace(grid, prices={**grid.prices, **prices})
        kept = self.limits if limits is None else tuple(limits)
        document = solve_document(
            Provenance.of(self.document),
            self.surface,
            self.traffic,
            grid=grid,
            target=target or target_of(self.document.target),
            limits=kept,
        )
        return Policy(document, self.surface, self.traffic)

    @cached_property
    def record(self) -> LoggedOutcomes:
        """The traffic as priced and as the policy forecasts it, with the points that the limits on calls leave."""
        from paretoroute.calibration.outcomes import logged_outcomes
        from paretoroute.policy.eligibility import restricted

        calls = [limit for limit in self.limits if isinstance(limit, CallLimit)]
        logged = logged_outcomes(self.traffic, self.grid)
        eligible = restricted(logged.forecast, self.surface, self.traffic, self.grid, calls)
        outcomes = replace(logged, forecast=eligible.forecast)
        return outcomes.blind() if self.document.solution.prompt_blind else outcomes

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


def _numbers(document: doc.PolicyDocument, arrays: Mapping[str, np.ndarray]) -> tuple[Surface, CalibrationSample]:
    points = sum(len(entry.points) for entry in document.grid)
    labels = {by: ("", *names) for by, names in document.labels.items()}
    return from_arrays(arrays, features=document.features.kind, points=points, labels=labels)
