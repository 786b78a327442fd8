"""The candidates of experiments/compute_curve on simulated curves whose truth is known."""

import importlib
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

EXPERIMENT = Path(__file__).parents[2] / "experiments" / "compute_curve"
PLACES = np.array([0.0, 0.7, 1.4, 2.1, 2.8])


@pytest.fixture
def study(monkeypatch):
    monkeypatch.syspath_prepend(str(EXPERIMENT))
    monkeypatch.delitem(sys.modules, "candidates", raising=False)
    yield importlib.import_module("candidates")
    sys.modules.pop("candidates", None)


def simulated(study, *, fall: float = 0.0, hide: tuple[int, int] = (0, 4)) -> SimpleNamespace:
    """Four models of one kind on saturating curves of range 1, one level of one model hidden."""
    reach, level = np.array([1.0, 0.9, 1.1, 1.0]), np.array([0.5, 1.0, 1.5, 2.0])
    truth = level[:, None] + reach[:, None] * (1 - np.exp(-1.2 * PLACES)) - fall * PLACES
    seen = np.ones(truth.shape, bool)
    seen[hide] = False
    place, error = np.broadcast_to(PLACES, truth.shape), np.full(truth.shape, 0.03)
    table = study.Table(place, np.where(seen, truth, 0.0), error, seen, np.zeros(4, int))
    return SimpleNamespace(table=table, truth=truth[hide], hide=hide)


@pytest.mark.parametrize("fall", [0.0, 0.25])
@pytest.mark.parametrize("hide", [(0, 2), (0, 4)])
def test_pooled_candidates_recover_a_hidden_level_of_a_curve_that_saturates_or_falls(study, fall, hide):
    case = simulated(study, fall=fall, hide=hide)

    curve, process = study.saturating([case.table])[0], study.gaussian_process(case.table)

    # The curves differ in reach by 10%, which is all that pooling may miss.
    assert curve[hide] == pytest.approx(case.truth, abs=0.05)
    assert process[hide] == pytest.approx(case.truth, abs=0.1)


def test_a_line_from_two_levels_overshoots_beyond_the_others_where_the_curve_saturates(study):
    case = simulated(study)

    line = study.on_line(PLACES, case.table.value[0], 4)

    assert line > case.truth + 0.04


def test_hidden_values_do_not_reach_a_forecast(study):
    case = simulated(study)
    value = case.table.value.copy()
    value[case.hide] = 1e3
    planted = study.Table(case.table.place, value, case.table.error, case.table.seen, case.table.kind)

    expected, curves = study.saturating([case.table, planted])

    assert curves == pytest.approx(expected)
    assert study.gaussian_process(planted) == pytest.approx(study.gaussian_process(case.table))


@pytest.mark.parametrize("hidden", [1, 2])
def test_the_cost_of_votes_is_exact_where_each_reads_its_prompt_anew(study, hidden):
    amounts = np.array([1.0, 3.0, 5.0, 9.0])
    votes = study.Series("samples", np.arange(4), amounts)
    cost = 1e-6 * (100 * amounts + 4 * 50 * amounts)

    forecast = study.cost_by_prices(votes, 100 * amounts, 50 * amounts, cost, hidden)

    assert forecast == pytest.approx(cost[hidden])
