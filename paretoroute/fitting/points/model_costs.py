"""The cost of each model of a log: by token prices, given or derived, with the rest as a fee; or by its logged cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from paretoroute._arrays import Floats
from paretoroute.fitting.points.bills import TOLERANCE, Bill, bill_of, decimal_unit
from paretoroute.fitting.points.token_prices import DerivedPrice, derive_price
from paretoroute.grid import Point, PointKey
from paretoroute.price import TOKENS_PER_PRICE_UNIT, Price, sum_usd
from paretoroute.runs.align import of_model
from paretoroute.runs.findings import Finding
from paretoroute.runs.table import Runs

MENTIONED = 1e-3  # fees below this share of the logged sum are not worth a finding
ABSURD_USD = (1e-4, 1e3)  # per million tokens: prices beyond are those of another currency or unit
ABSURD_CALL_USD = 100.0  # likewise a median cost of a call, where no tokens are logged
MOST_UNIT_USD = 0.01  # of rounding: round amounts of dollars are fees
FEW_UNITS = 20  # a median cost of fewer decimal units is rounded coarsely


class SettledPrice(NamedTuple):
    """The price that a policy computes with.

    Args:
        price: None: cost is forecast from logged cost.
        note: why there is no price, or a caveat about it; may be empty.
        fees: mean fee of a call in USD, by point of the log, where it is not 0.
        finding: about a given price, or an odd derived one; or None.
        most_fees: largest fee of a logged call in USD, likewise.
    """

    price: Price | None
    note: str = ""
    fees: Mapping[PointKey, float] = {}
    finding: Finding | None = None
    most_fees: Mapping[PointKey, float] = {}


@dataclass(frozen=True)
class ModelCost:
    """The sources of one model's cost.

    Args:
        model: name of the model.
        settled: its price, as the log and the user determine it.
        points: names of its points.
        tokenless: names of those without logged tokens.
        costless: names of those without a logged cost.
        rounding: a finding about coarsely rounded costs, or None.
        unit: a question about the unit of costs that no tokens explain, or None.
    """

    model: str
    settled: SettledPrice
    points: tuple[str, ...]
    tokenless: tuple[str, ...]
    costless: tuple[str, ...]
    rounding: Finding | None = field(default=None)
    unit: Finding | None = field(default=None)

    @property
    def by_tokens(self) -> bool:
        """Whether its cost is tokens times a price."""
        return self.settled.price is not None and not self.tokenless

    @property
    def unknown(self) -> bool:
        """Whether no point of it has a cost."""
        return not self.by_tokens and len(self.costless) == len(self.points)

    @property
    def dropped(self) -> tuple[str, ...]:
        """Points that cannot be offered although others of the model can."""
        return () if self.by_tokens or self.unknown else self.costless

    def findings(self) -> list[Finding]:
        """Report where the cost comes from, unless it is unknown."""
        if self.unknown:
            return []
        reported = [self.rounding] if self.rounding else []
        price, note = self.settled.price, self.settled.note
        if price is None or not self.by_tokens:
            reason = f"{self.tokenless[0]!r} has no tokens logged, so that no price applies" if price else note
            asked = [self.unit] if self.unit else []
            return [Finding("logged_cost", f"cost: logged for {self.model}: {reason}"), *asked, *reported]
        if price.source == "derived":
            caveat = f" ({note})" if note else ""
            text = f"in USD per million tokens: {spelled(price)}{caveat}"
            reported = [Finding("price", f"price of {self.model} derived from its logged cost, {text}"), *reported]
        return [self.settled.finding, *reported] if self.settled.finding else reported


def derive_prices(runs: Runs) -> dict[str, DerivedPrice]:
    """Derive the token prices of each model from its logged cost, if tokens explain it.

    Rows whose cost is a mean over queries are left out.
    """
    models = list(dict.fromkeys(point.model for point in runs.points))
    place = {model: i for i, model in enumerate(models)}
    model_of_run = np.array([place[point.model] for point in runs.points])[runs.point]
    derived: dict[str, DerivedPrice] = {}
    for i, model in enumerate(models):
        rows = (model_of_run == i) & ~runs.cost_is_mean
        derived[model] = derive_price(
            runs.cost_usd[rows],
            runs.prompt_tokens[rows],
            runs.completion_tokens[rows],
            cached=runs.cached_prompt_tokens[rows],
            written=runs.cache_write_tokens[rows],
        )
    return derived


def model_costs(runs: Runs, points: Sequence[Point], given: Mapping[str, Price]) -> list[ModelCost]:
    """Collect what the log shows of the cost of each model, in the order of the points.

    Args:
        runs: the log.
        points: those to offer, all of them logged.
        given: prices by model, which win over derived ones.
    """
    derived = derive_prices(runs)
    with_tokens = _points_with(runs, runs.prompt_tokens + runs.completion_tokens)
    with_cost = _points_with(runs, runs.cost_usd)
    costs: list[ModelCost] = []
    for model in dict.fromkeys(point.model for point in points):
        own = [point for point in points if point.model == model]
        tokenless = tuple(point.name for point in own if point.key not in with_tokens)
        price = given.get(model)
        if tokenless:
            settled = SettledPrice(price or derived[model].price, derived[model].note)
        else:
            settled = _given(runs, model, price, derived[model]) if price else _derived(runs, model, derived[model])
        costs.append(
            ModelCost(
                model,
                settled=settled,
                points=tuple(point.name for point in own),
                tokenless=tokenless,
                costless=tuple(point.name for point in own if point.key not in with_cost),
                rounding=_rounding(runs, model),
                unit=_unit(runs, model),
            )
        )
    return costs


def _derived(runs: Runs, model: str, derived: DerivedPrice) -> SettledPrice:
    """Accept a derived price if it explains the logged sum, and carry the rest as a fee."""
    price = derived.price
    if price is None:
        return SettledPrice(None, derived.note)
    bill = bill_of(runs, model, price)
    if not bill.is_explained:
        return SettledPrice(None, _unexplained(bill, model))
    notes = [derived.note, _fee_note(bill, model)]
    return SettledPrice(
        price, "; ".join(filter(None, notes)), _fees(runs, bill), _absurd(price, model), _most(runs, bill)
    )


def _given(runs: Runs, model: str, price: Price, derived: DerivedPrice) -> SettledPrice:
    """Accept a given price; if it is the price that was paid, the logged sum decides as it does for derived ones."""
    bill = bill_of(runs, model, price)
    error = bill.median_error
    if not bill.has_cost.any():
        return SettledPrice(price)
    if bill.is_explained and not error > TOLERANCE:
        note = _fee_note(bill, model)
        finding = Finding("given_price", note) if note else None
        return SettledPrice(price, "", _fees(runs, bill), finding, _most(runs, bill))
    if error <= TOLERANCE or bill.is_beside_fees:
        return SettledPrice(None, _unexplained(bill, model))
    paid = None if derived.price is None else bill_of(runs, model, derived.price)
    fees, most = ({}, {}) if paid is None else (_fees(runs, paid), _most(runs, paid))
    differs = (
        "does not fit its logged cost" if np.isnan(error) else f"differs from its logged cost by {error:.0%} (median)"
    )
    rest = f"; {_fee_note(paid, model, 'at the price that was paid, ')}" if paid and _fee_note(paid, model) else ""
    text = f"the price given for {model} {differs}, and is used: {bill.sums(model)}{rest}"
    return SettledPrice(price, "", fees, Finding("given_price", text), most)


def _unexplained(bill: Bill, model: str) -> str:
    return f"{bill.sums(model)}{bill.odd_runs()}"


def _fees(runs: Runs, bill: Bill) -> dict[PointKey, float]:
    return {point.key: float(fee) for point, fee in zip(runs.points, bill.fees, strict=True) if fee}


def _most(runs: Runs, bill: Bill) -> dict[PointKey, float]:
    return {point.key: float(fee) for point, fee in zip(runs.points, bill.most_fees, strict=True) if fee}


def _fee_note(bill: Bill, model: str, where: str = "") -> str:
    """State the sums where a fee worth mentioning carries the rest; else return ""."""
    if not bill.residue_share > MENTIONED:
        return ""
    return f"{where}{bill.sums(model)}: the rest is a mean fee per call"


def _absurd(price: Price, model: str) -> Finding | None:
    """Ask for the currency where a derived price is far from every price list."""
    least, most = ABSURD_USD
    odd = [usd_per_mtok for usd_per_mtok in price.parts.values() if 0 < usd_per_mtok < least or usd_per_mtok > most]
    if not odd:
        return None
    return _in_usd(model, f"gives {sum_usd(odd[0])} per million tokens, far from the price of any model")


def _unit(runs: Runs, model: str) -> Finding | None:
    """Ask for the currency where costs that no tokens explain are far from those of any model."""
    rows = of_model(runs, model) & (np.nan_to_num(runs.cost_usd) > 0)
    cost, tokens = runs.cost_usd[rows], (runs.prompt_tokens + runs.completion_tokens)[rows]
    counted = np.nan_to_num(tokens) > 0
    if counted.any():
        with np.errstate(over="ignore"):  # an infinite price is asked about as well
            per_mtok = float(np.median(cost[counted] / tokens[counted])) * TOKENS_PER_PRICE_UNIT
        least, most = ABSURD_USD
        if not least <= per_mtok <= most:
            return _in_usd(model, f"is {sum_usd(per_mtok)} per million tokens (median), far from that of any model")
    elif len(cost) and np.median(cost) > ABSURD_CALL_USD:
        return _in_usd(model, f"is {sum_usd(float(np.median(cost)))} per call (median)")
    return None


def _in_usd(model: str, figure: str) -> Finding:
    return Finding("note", f"is cost_usd of {model} in USD? It {figure}")


def _rounding(runs: Runs, model: str) -> Finding | None:
    """Warn where costs were rounded so coarsely that their sum is uncertain."""
    costs = runs.cost_usd[of_model(runs, model)]
    costs = costs[~np.isnan(costs)]
    paid = np.abs(costs[costs != 0])
    unit = decimal_unit(paid) if len(paid) else 0.0
    is_coarse = 0 < unit <= MOST_UNIT_USD and np.median(paid) < FEW_UNITS * unit
    if not is_coarse or len(np.unique(costs)) < 3:  # a fixed fee is no rounded cost
        return None
    zeros = int((costs == 0).sum())
    some = f", and {zeros} of {len(costs)} runs cost 0" if zeros else ""
    rounded = f"cost_usd of {model} is rounded to {sum_usd(unit)}{some}"
    text = f"{rounded}: log more digits, or give a price and leave cost_usd out"
    return Finding("note", text)


def _points_with(runs: Runs, values: Floats) -> set[PointKey]:
    """Return the keys of the points at which at least one run has a value."""
    count = np.bincount(runs.point[~np.isnan(values)], minlength=len(runs.points))
    return {point.key for point, with_value in zip(runs.points, count, strict=True) if with_value}


def spelled(price: Price) -> str:
    """Write the prices of a model, as "input 1, output 2"."""
    return ", ".join(f"{key.replace('_', ' ')} {usd_per_mtok:.6g}" for key, usd_per_mtok in price.parts.items())
