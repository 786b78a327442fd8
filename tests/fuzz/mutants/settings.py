"""Mutated price files, grid files and other YAML; an accepted one holds what PyYAML finds in it."""

from __future__ import annotations

import math
import random
from pathlib import Path

import paretoroute as pr
from paretoroute import _yaml
from tests.fuzz.mutants import mutations
from tests.fuzz.mutants.refusals import as_texts, check_yaml, refused

PRICES = (
    'small: {input: 0.2, output: 0.8}\n"org/model": {input: 1.0, cached_input: 0.1, cache_write: 1.25, output: 4.0}\n'
)
GRID = """models:
- model: small
  price_usd_per_mtok: {input: 0.2, output: 0.8}
  budgets: [{kind: none, label: "default"}]
- model: big
  budgets: [{kind: effort, label: low, amount: 1}, {kind: effort, label: high}]
unit: million
"""


def prices(rng: random.Random, folder: Path) -> bool:
    text = mutations.changed_text(PRICES, rng)
    path = folder / "prices.yaml"
    path.write_text(text, encoding="utf-8", newline="")
    accepted = refused(lambda: pr.read_prices(path))
    if accepted is not None:
        data = as_texts(path.read_bytes().decode("utf-8-sig"))
        if "models" not in data and "unit" not in data:
            given = {
                model: {key: float(usd) for key, usd in parts.items() if usd not in ("", "null")}
                for model, parts in data.items()
            }
            assert given == {model: price.parts for model, price in accepted.items()}, (given, accepted)
        assert all(0 <= usd < math.inf for price in accepted.values() for usd in price.parts.values())
    return accepted is not None


def grid(rng: random.Random, folder: Path) -> bool:
    text = mutations.changed_text(GRID, rng)
    path = folder / "grid.yaml"
    path.write_text(text, encoding="utf-8", newline="")
    accepted = refused(lambda: pr.read_grid(path))
    if accepted is not None:
        check_yaml(path.read_bytes().decode("utf-8-sig"), _yaml.read(path))
        assert len(set(accepted.names)) >= 1
    return accepted is not None


def yaml_text(rng: random.Random, folder: Path) -> bool:
    text = mutations.changed_text(rng.choice([PRICES, GRID, "a: 1\nb: [x, 'y', \"z\"]\nc: {d: null, e: 1.5e3}\n"]), rng)
    data = refused(lambda: _yaml.loads(text, name="a.yaml"))
    if data is not None:
        check_yaml(text, data)
        written = refused(lambda: _yaml.dumps(data))  # refused: a key that is too long, or a label that is null
        assert written is None or _yaml.loads(written, name="a.yaml") == data
    return data is not None
