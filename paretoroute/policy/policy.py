"""A policy: grid, surface, target, solution and provenance. It can be solved for another target without a fit.

The document (YAML) holds what people review, arrays beside it (safetensors) hold the numbers.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, get_args

import numpy as np

from paretoroute.errors import PolicyError, TargetError, expect, expect_items, needs_fit_extra, one_line
from paretoroute.grid import Grid, Price, forecast_cost_usd
from paretoroute.policy.arrays import from_arrays
from paretoroute.policy.codec import grid_of, target_of
from paretoroute.price import expect_prices
from paretoroute.surface.surface import Surface
from paretoroute.surface.traffic import CalibrationSample

if TYPE_CHECKING:
    from paretoroute.calibration.outcomes import LoggedOutcomes
    from paretoroute.limits import Limit, PopulationLimit
    from paretoroute.policy import schema as doc
    from paretoroute.policy.files import Check
    from paretoroute.policy.signatures.keys import PublicKey
    from paretoroute.targets import Target

OTHER_COST = 20.0  # a point's mean cost further from the stated one, as a factor, is that of another unit or kind
NO_COST = 1e-12  # USD
OTHER_COST_PARTIAL = 1e4  # of a partial log, whose mean is estimated: it may come near 0 by luck


@dataclass(frozen=True)
class Policy:
    """A rule for which point to call for each query, with all that a new solve needs.

    Args:
        document: content of the YAML file.
        surface: from a query to every point's quality and tokens.
        calibration_sample: out-of-fold forecasts and logged means of the logged queries, to solve on.
        sha256: of the YAML file that it was read from; ``""`` if it was not.
    """

    document: doc.PolicyDocument
    surface: Surface
    calibration_sample: CalibrationSample
    sha256: str = ""

    def __repr__(self) -> str:
        about, target = self.document, target_of(self.document.target)
        return (
            f"<Policy {about.name!r}: {target}, {about.solution.status}; {len(self.grid.points)} points, "
            f"fitted on {about.fitted_on.queries:,} queries>"
        )

    @cached_property
    def grid(self) -> Grid:
        """Points and prices."""
        return grid_of(self.document)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the YAML file and, beside it, the numbers as ``<stem>.<digits of their hash>.safetensors``.

        A reader sees the old policy or the new one, even if the save is killed or another one runs. The numbers of the
        old policy are removed; links and permissions are kept.

        Raises:
            PolicyError: the name does not end in .yaml, or the folder cannot be written to. The old policy is there
                then.
        """
        from paretoroute.policy.files.write import write_policy
        from paretoroute.policy.packing import to_arrays

        write_policy(path, self.document, to_arrays(self.surface, self.calibration_sample))

    @staticmethod
    def load(
        path: str | os.PathLike[str], *, trusted_keys: Sequence[str | os.PathLike[str] | PublicKey] | None = None
    ) -> Policy:
        """Read a policy.

        Args:
            path: the YAML file.
            trusted_keys: public keys, or PEM files of them, of which one must have signed the policy; None: it need not
                be signed.

        Raises:
            PolicyError: a file is missing, changed, of a newer schema, or does not fit together.
            SignatureError: there is no signature of a trusted key, or the policy was changed after it was signed.
            KeyFileError: a file holds no public key, or the list of trusted keys is empty.
            MissingExtraError: keys are given, and ``cryptography`` is not installed.
        """
        from paretoroute.policy.files import read_policy  # its models take longer to load than all else of planning

        document, arrays, sha256 = read_policy(
            path, check=None if trusted_keys is None else _signature_check(trusted_keys)
        )
        bills = [entry.cost == "logged" for entry in document.grid for _ in entry.points]
        try:
            numbers = from_arrays(
                arrays,
                features=document.features.kind,
                points=sum(len(entry.points) for entry in document.grid),
                labels={by: ("", *names) for by, names in document.labels.items()},
                bills=[j for j, is_bill in enumerate(bills) if is_bill],
                second=document.features.second is not None,
            )
        except PolicyError as error:
            place = f"{one_line(os.path.basename(path))}: surface.file: {document.surface.file}"
            raise PolicyError(f"{place}: {error}") from None
        policy = Policy(document, numbers.surface, numbers.sample, sha256)
        policy._check_costs(one_line(os.path.basename(path)))
        return policy

    def _check_costs(self, file: str) -> None:
        """Refuse prices by which logged calls cost many times what the file says: of another unit, or other numbers."""
        stated = [point.cost_usd for entry in self.document.grid for point in entry.points]
        is_exact = self.calibration_sample.support is None
        unlogged = {column for column, *_ in self.grid.unlogged}
        for j, (name, own, cost) in enumerate(zip(self.grid.names, self._mean_costs(), stated, strict=True)):
            if j in unlogged or cost == 0 and not is_exact:
                continue
            most = OTHER_COST if is_exact else OTHER_COST_PARTIAL
            if max(own, cost) > most * max(min(own, cost), 0.0) + NO_COST:
                raise PolicyError(
                    f"{file}: grid: a call of {name} costs {own:.3g} USD by the price here, and {cost:.3g} by its "
                    "cost_usd; restore the entry (prices are USD per million tokens, and cost says which numbers the "
                    "policy has), and solve with --prices for another price"
                )

    def _mean_costs(self) -> list[float]:
        """Return the mean cost of every point by the prices here; of a partial log, the mean forecast of it."""
        sample, grid = self.calibration_sample, self.grid
        forecast = forecast_cost_usd(sample.amount.astype(np.float64), sample.prompt_tokens.astype(np.float64), grid)
        if sample.support is not None:
            return forecast.mean(axis=0).tolist()
        logged = sample.logged_cost_usd(grid)
        known = ~np.isnan(logged)
        error = np.where(known, logged - forecast, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
        return (forecast.mean(axis=0) + error).tolist()

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
            target: None keeps the policy's target.
            limits: limits on calls and on the population; None keeps those of the policy. Take a point out of service
                with ``Forbid(("model@label",))``; it comes back without that limit.
            prices: new token prices by model; the others stay.

        Raises:
            GridError: a target's point is not in the grid, or a repriced model is not priced by tokens.
            TargetError: a limit names an unknown model, needs labels or latencies that were not logged, or leaves
                nothing to call.
        """
        from paretoroute import targets
        from paretoroute.limits import Limit
        from paretoroute.policy.solving import Provenance, check_prices, solve_document

        expect("the target", target, (*get_args(targets.Target), type(None)), TargetError)
        if limits is not None:
            expect_items("limits", limits, get_args(Limit), TargetError)
        expect_prices(prices)
        grid = self.grid
        if prices:
            check_prices(grid, prices)
            grid = replace(grid, prices={**grid.prices, **prices})
        document = solve_document(
            Provenance.of(self.document),
            self.surface,
            self.calibration_sample,
            grid=grid,
            target=target or target_of(self.document.target),
            limits=self.limits if limits is None else tuple(limits),
        )
        return Policy(document, self.surface, self.calibration_sample)

    @cached_property
    def outcomes(self) -> LoggedOutcomes:
        """Logged outcomes of the calibration sample, with the policy's forecasts of the points that it may call."""
        from paretoroute.calibration.outcomes import logged_outcomes
        from paretoroute.policy.eligibility import restrict

        logged = logged_outcomes(self.calibration_sample, self.grid)
        eligible = restrict(
            logged.forecast, self.limits, sample=self.calibration_sample, surface=self.surface, grid=self.grid
        )
        outcomes = replace(logged, forecast=eligible.forecast)
        return outcomes.context_free() if self.document.solution.prompt_blind else outcomes

    @cached_property
    def limits(self) -> tuple[Limit, ...]:
        """Limits on calls and on the population.

        Raises:
            PolicyError: a limit has an unknown form.
        """
        if not self.document.limits:
            return ()
        from paretoroute.limits import parse_limit  # loaded only where there are limits

        try:
            return tuple(parse_limit(text) for text in self.document.limits)
        except TargetError as error:
            raise PolicyError(f"limits: {error}") from None

    @property
    def population_limits(self) -> tuple[PopulationLimit, ...]:
        """Limits on the population."""
        if not self.limits:
            return ()
        from paretoroute.limits import PopulationLimit

        return tuple(limit for limit in self.limits if isinstance(limit, PopulationLimit))


def _signature_check(trusted_keys: Sequence[str | os.PathLike[str] | PublicKey]) -> Check:
    from paretoroute.policy.signatures.verify import signature_check  # loaded only where a signature is required

    return signature_check(trusted_keys)
