"""The studies of experiments/allowances, with fewer calls."""

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from paretoroute.serving.pacing import Pace

EXPERIMENT = Path(__file__).parents[2] / "experiments" / "allowances"
NAMES = ("streams", "variants", "pacing", "tenants")


@pytest.fixture
def study(monkeypatch) -> Iterator[SimpleNamespace]:
    monkeypatch.syspath_prepend(str(EXPERIMENT))
    for name in NAMES:
        monkeypatch.delitem(sys.modules, name, raising=False)

    yield SimpleNamespace(**{name: importlib.import_module(name) for name in NAMES})
    for name in NAMES:
        sys.modules.pop(name, None)


@pytest.mark.parametrize("pace", [Pace(calls=4000), Pace(ends_at=1.0, calls=1200), Pace(usd_per_call=0.003)])
@pytest.mark.parametrize("name", ["as logged", "dear queries", "harder"])
def test_the_pace_spends_the_allowance_within_1_percent_at_98_percent_of_the_quality_in_hindsight(study, name, pace):
    calls, cap = 4000, 4000 * study.streams.MEAN_USD
    stream, curve = study.streams.make(name, calls, 0)

    spent, quality = study.pacing.run(study.variants.Resolving(pace, curve, cap), stream, 64)

    assert abs(spent / cap - 1) <= 0.01
    assert quality >= 0.98 * study.streams.hindsight_quality(stream, cap)


def test_a_static_price_does_not(study):
    cap = 2000 * study.streams.MEAN_USD
    stream, curve = study.streams.make("dearer", 2000, 0)

    spent, _ = study.pacing.run(study.variants.Static(Pace(calls=2000), curve, cap), stream, 64)

    assert spent > 1.3 * cap


@pytest.mark.parametrize("ratio", [1.0, 2.0])
def test_a_tenant_with_the_costliest_queries_keeps_its_cap_and_costs_the_others_little(study, ratio):
    curve = study.streams.curve_of(*study.streams.queries(np.random.default_rng(0), 1000))

    calm, attacked = (
        study.tenants.run(curve, 2000, 1, attacks=attacks, caps_over_shared=ratio) for attacks in (False, True)
    )

    assert attacked["spent"].quality <= 1.0
    assert study.tenants.others(calm) - study.tenants.others(attacked) < 0.005
