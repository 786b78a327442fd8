"""Grid and price files: YAML that names the models, their token prices and their budgets.

A grid file lists models in order, each with its budgets and, if there are any, its prices::

    models:
      - model: "small-1"
        price_usd_per_mtok: {input: 0.25, cached_input: 0.03, output: 2.0}
        budgets:
          - {kind: effort, label: "low"}
          - {kind: thinking_tokens, label: "8000", amount: 8000}

A price file is the same, where budgets may be missing, or a plain mapping ``small-1: {input: 0.25, output: 2.0}``.
Prices are in USD per million tokens, or per ``token`` or ``thousand`` tokens where a top-level ``unit:`` names these;
``unit: million`` confirms prices so low that they look like another unit. Unknown keys are errors.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from typing import Any

from paretoroute import _yaml
from paretoroute.errors import GridError, checked_path, file_name, one_line, shown
from paretoroute.grid import BUDGET_KINDS, Budget, Grid, Point, kind_fault
from paretoroute.price import UNITS, Price, wrong_unit

_ENTRY_KEYS = ("model", "price_usd_per_mtok", "budgets")
_PRICE_KEYS = ("input", "cached_input", "cache_write", "output")
_OPTIONAL_PRICES = ("cached_input", "cache_write")
_BUDGET_KEYS = ("kind", "label", "amount")
_UNIT_USD_PER_MTOK = {**UNITS, "million": 1.0}
# A file whose largest price in USD per million tokens is below these is more likely in another unit.
_LEAST_LARGEST_PRICE = {"token": 1e-3, "thousand": 0.1}
_PRICE_FORM = "write {input: USD, output: USD}, in USD per million tokens"


def read_grid(path: str | os.PathLike[str]) -> Grid:
    """Read a grid file; points keep the order of the file.

    Raises:
        GridError: the file does not have the form above; the message names the file and the key.
        YamlError: it is not safe, plain YAML.
    """
    path = checked_path(path, GridError)
    name = file_name(path)
    points: list[Point] = []
    prices: dict[str, Price] = {}
    data = _yaml.read(path)
    for place, model, entry in _models(name, data):
        if entry.get("price_usd_per_mtok") is not None:
            prices[model] = _price(name, f"{place}.price_usd_per_mtok", entry["price_usd_per_mtok"])
        budgets = entry.get("budgets")
        if not isinstance(budgets, list) or not budgets:
            fix = 'give at least [{kind: none, label: "default"}]'
            raise _error(name, f"{place}.budgets", "is no list of budgets", fix)
        seen: set[tuple[str, str]] = set()
        for j, data in enumerate(budgets):
            budget = _budget(name, f"{place}.budgets[{j}]", data)
            if (budget.kind, budget.label) in seen:
                raise _error(name, f"{place}.budgets[{j}]", f"gives {shown(budget.label)} a second time", "keep one")
            seen.add((budget.kind, budget.label))
            points.append(Point(model, budget))
    return Grid(tuple(points), _per_million(name, data, prices))


def read_prices(path: str | os.PathLike[str]) -> dict[str, Price]:
    """Read a price file.

    Raises:
        GridError: the file does not have the form above; the message names the file and the key.
        YamlError: it is not safe, plain YAML.
    """
    path = checked_path(path, GridError)
    name = file_name(path)
    data = _yaml.read(path)
    if isinstance(data, dict) and data and not isinstance(data.get("models"), list):
        entries = {model: price for model, price in data.items() if not _is_unit(model, price)}
        prices = {model: _price(name, model, price) for model, price in entries.items()}
    else:
        prices = {
            model: _price(name, f"{place}.price_usd_per_mtok", entry.get("price_usd_per_mtok"))
            for place, model, entry in _models(name, data)
        }
    return _per_million(name, data, prices)


def _is_unit(key: str, value: Any) -> bool:
    """Whether an entry of a file names the unit of its prices, and is not a model of that name."""
    return key == "unit" and isinstance(value, str)


def _per_million(name: str, data: Any, prices: dict[str, Price]) -> dict[str, Price]:
    """Convert the prices of a file to USD per million tokens.

    Raises:
        GridError: the unit is unknown; or none is named and the largest price is that of another one.
    """
    unit = data.get("unit") if isinstance(data, dict) else None
    if isinstance(unit, str):
        if unit not in _UNIT_USD_PER_MTOK:
            raise _error(name, "unit", f"is no unit: {shown(unit)}", f"use one of {', '.join(_UNIT_USD_PER_MTOK)}")
        return {model: price.times(_UNIT_USD_PER_MTOK[unit]) for model, price in prices.items()}
    largest = max((usd for price in prices.values() for usd in price.parts.values()), default=0.0)
    for mistaken, least in _LEAST_LARGEST_PRICE.items():
        if 0 < largest < least:
            raise GridError(
                f'{name}: {wrong_unit(mistaken)}, or write "unit: {mistaken}" into the file; the largest price is '
                f'{largest:g}. If it is right, write "unit: million"'
            )
    return prices


def _models(name: str, data: Any) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield the key path, the model's name and the entry of each model."""
    entries = data.get("models") if isinstance(data, dict) else None
    if not isinstance(entries, list) or not entries:
        raise _error(name, "models", "is no list of models", "write 'models:' and below it '- model: NAME'")
    _check_keys(name, "", data, ("models", "unit"))
    seen: set[str] = set()
    for i, entry in enumerate(entries):
        place = f"models[{i}]"
        _check_keys(name, place, entry, _ENTRY_KEYS)
        model = entry.get("model")
        if not isinstance(model, str) or not model.strip():
            raise _error(name, f"{place}.model", "is missing", "write the model's name as in the log")
        if model in seen:
            raise _error(
                name, f"{place}.model", f"names {shown(model)} a second time", "put all its budgets in one entry"
            )
        seen.add(model)
        yield place, model, entry


def _price(name: str, place: str, data: Any) -> Price:
    if data is None:
        raise _error(name, place, "is missing", _PRICE_FORM)
    _check_keys(name, place, data, _PRICE_KEYS)
    read: dict[str, float] = {}
    for key in _PRICE_KEYS:
        value = data.get(key)
        if value is None and key in _OPTIONAL_PRICES:
            continue
        if value is None:
            raise _error(name, f"{place}.{key}", "is missing", _PRICE_FORM)
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value < 0:
            raise _error(name, f"{place}.{key}", f"is no price: {shown(value)}", "give a number of USD, 0 or more")
        read[key] = float(value)
    price = Price(
        read["input"], read["output"], read.get("cached_input"), cache_write_usd_per_mtok=read.get("cache_write")
    )
    try:
        price.check()
    except GridError as error:
        raise GridError(f"{name}: {place}: {error}") from None
    return price


def _budget(name: str, place: str, data: Any) -> Budget:
    _check_keys(name, place, data, _BUDGET_KEYS)
    kind, label, amount = (data.get(key) for key in _BUDGET_KEYS)
    if not isinstance(kind, str):
        raise _error(
            name, f"{place}.kind", f"is no text: {shown(kind)}", f"use {', '.join(BUDGET_KINDS)} or another word"
        )
    if fault := kind_fault(kind):
        raise GridError(f"{name}: {place}.kind {fault}")
    if not isinstance(label, str) or not label:
        raise _error(name, f"{place}.label", "is missing", "write the budget_label of the log, in quotes")
    if amount is not None and (isinstance(amount, bool) or not isinstance(amount, int | float)):
        raise _error(name, f"{place}.amount", f"is no number: {shown(amount)}", "give a number, or leave it out")
    return Budget(kind, label, None if amount is None else float(amount))


def _check_keys(name: str, place: str, data: Any, allowed: tuple[str, ...]) -> None:
    if not isinstance(data, dict):
        raise _error(
            name, place, f"is no mapping: {shown(data)}", f"write {{{', '.join(f'{key}: ...' for key in allowed)}}}"
        )
    for key in data:
        if key not in allowed:
            raise _error(name, f"{place}.{key}".lstrip("."), "is no known key", f"use one of {', '.join(allowed)}")


def _error(name: str, place: str, problem: str, fix: str) -> GridError:
    return GridError(f"{name}: {one_line(place)} {problem}; {fix}")
