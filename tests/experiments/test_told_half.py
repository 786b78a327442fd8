"""The references of experiments/told_half on outcomes whose source is known."""

import importlib
import sys
from pathlib import Path

import numpy as np
import pytest

import paretoroute as pr

EXPERIMENT = Path(__file__).parents[2] / "experiments" / "told_half"
POINTS = tuple(pr.Point(f"m{i // 2}", pr.Budget("effort", ("low", "high")[i % 2])) for i in range(8))


@pytest.fixture
def study(monkeypatch):
    path = list(sys.path)
    monkeypatch.delitem(sys.modules, "reference", raising=False)
    monkeypatch.delitem(sys.modules, "logs", raising=False)
    monkeypatch.syspath_prepend(str(EXPERIMENT))
    yield importlib.import_module("reference")
    sys.path[:] = path
    for name in ("reference", "logs"):
        sys.modules.pop(name, None)


def outcomes(study, *, seed: int, noise: bool = False):
    """Two skills: even points succeed on one half of the queries and odd points on the other, or by chance."""
    rng = np.random.default_rng(seed)
    even = rng.random(300) < 0.5
    quality = np.where(np.arange(8) % 2 == 0, even[:, None], ~even[:, None]).astype(float)
    if noise:
        quality = (rng.random(quality.shape) < 0.5).astype(float)
    return study.Outcomes(quality, rng.uniform(1.0, 2.0, quality.shape))


def forecasts(study, *, noise: bool = False):
    train, asked = outcomes(study, seed=0, noise=noise), outcomes(study, seed=1, noise=noise)
    halves = study.random_halves(POINTS, np.random.default_rng(0))[0]
    results = study.references(train, asked, halves, np.arange(300) % 5, "told quality")
    return asked.at(halves.routed).quality, results[1][1].quality


def test_a_model_is_told_or_routed_with_all_its_budgets_and_both_directions_are_used(study):
    one, other = study.random_halves(POINTS, np.random.default_rng(3))

    assert sorted([*one.told, *one.routed]) == list(range(8))
    assert {POINTS[j].model for j in one.told}.isdisjoint(POINTS[j].model for j in one.routed)
    assert list(one.told) == list(other.routed) and list(one.routed) == list(other.told)


def test_what_one_half_tells_about_the_other_is_forecast(study):
    quality, forecast = forecasts(study)

    assert np.abs(forecast - quality).mean() < 0.1


def test_outcomes_of_a_query_that_tell_nothing_of_one_another_are_not_forecast(study):
    quality, forecast = forecasts(study, noise=True)

    assert ((forecast - quality) ** 2).mean() > 0.95 * quality.var()


def test_outcomes_at_routed_points_do_not_reach_a_forecast(study):
    train, asked = outcomes(study, seed=0), outcomes(study, seed=1)
    halves = study.random_halves(POINTS, np.random.default_rng(0))[0]
    hidden = asked.quality.copy()
    hidden[:, halves.routed] = 7.0
    planted = study.Outcomes(hidden, asked.cost_usd)

    for knows in study.KNOWLEDGE:
        own, other = (study.references(train, one, halves, np.arange(300) % 5, knows) for one in (asked, planted))
        assert all(np.array_equal(a.quality, b.quality) for (_, a), (_, b) in zip(own, other, strict=True))
