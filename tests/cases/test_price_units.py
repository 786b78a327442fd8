"""Prices typed per token or per thousand tokens are refused with the factor to multiply by."""

from __future__ import annotations

import pytest

from paretoroute.errors import GridError
from paretoroute.fitting.points.log_grid import build_grid
from paretoroute.grid import Grid
from paretoroute.grid_file import read_prices
from paretoroute.policy.solving import check_prices
from paretoroute.price import Price
from paretoroute.runs.read import read_runs
from tests.cases.case_log import PRICES, case_rows, run_command, without, write_jsonl, write_prices

UNITS = {"token": (1e-6, "USD per token", "1,000,000"), "thousand": (1e-3, "USD per thousand tokens", "1,000")}


def scaled(factor):
    return {model: Price(a, b).times(factor) for model, (a, b) in PRICES.items()}


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    return read_runs(write_jsonl(tmp_path_factory.mktemp("units") / "runs.jsonl", case_rows()))


@pytest.mark.parametrize("unit", UNITS)
def test_prices_in_another_unit_are_refused_by_the_command_without_a_logged_cost(tmp_path, unit):
    scale, name, factor = UNITS[unit]
    log = write_jsonl(tmp_path / "runs.jsonl", without(case_rows(), "cost_usd"))
    prices = write_prices(tmp_path / "prices.yaml", scale)

    outcome = run_command(tmp_path, "fit", log, "--prices", prices, "--out", "p.yaml")

    assert outcome.code == 2
    assert not (tmp_path / "p.yaml").exists()
    text = " ".join(outcome.err.split())
    assert f"prices look like {name}; give USD per million tokens (multiply by {factor})" in text


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("off", [1 / 2.5, 1.0, 2.5])
def test_the_logged_cost_decides_about_prices_from_python(runs, unit, off):
    scale, name, factor = UNITS[unit]

    with pytest.raises(GridError, match=f"prices look like {name}; give USD per million tokens .multiply by {factor}"):
        build_grid(runs, prices=scaled(scale * off))


def test_right_prices_beside_a_cost_in_another_unit_blame_the_cost(tmp_path):
    rows = [{**row, "cost_usd": 1e6 * row["cost_usd"]} for row in case_rows()]

    with pytest.raises(GridError, match="cost_usd of 'small' is about 1,000,000 times tokens x prices"):
        build_grid(read_runs(write_jsonl(tmp_path / "runs.jsonl", rows)), prices=scaled(1.0))


@pytest.mark.parametrize(("factor", "question"), [(100.0, "is cost_usd in cents?"), (0.01, "are the prices in cents?")])
def test_a_cost_or_prices_in_cents_are_asked_about(tmp_path, factor, question):
    rows = [{**row, "cost_usd": factor * row["cost_usd"]} for row in case_rows()]

    _, findings = build_grid(read_runs(write_jsonl(tmp_path / "runs.jsonl", rows)), prices=scaled(1.0))

    assert any(question in finding.text for finding in findings if finding.kind == "given_price")


@pytest.mark.parametrize("unit", UNITS)
def test_a_file_may_name_its_unit_or_confirm_a_low_price(tmp_path, unit):
    path = write_prices(tmp_path / "prices.yaml", UNITS[unit][0])
    entries = path.read_text(encoding="utf-8")

    path.write_text(f"unit: {unit}\n{entries}", encoding="utf-8")
    assert read_prices(path) == scaled(1.0)
    path.write_text(f"unit: million\n{entries}", encoding="utf-8")
    assert read_prices(path) == scaled(UNITS[unit][0])
    path.write_text(f"unit: billion\n{entries}", encoding="utf-8")
    with pytest.raises(
        GridError, match=r"prices\.yaml: unit is no unit: 'billion'; use one of token, thousand, million"
    ):
        read_prices(path)


@pytest.mark.parametrize("unit", UNITS)
def test_solving_at_prices_in_another_unit_is_refused(runs, unit):
    scale, name, _ = UNITS[unit]
    grid = Grid(runs.points, scaled(1.0))

    with pytest.raises(GridError, match=f"prices look like {name}"):
        check_prices(grid, scaled(scale))
    check_prices(grid, scaled(0.5))
    with pytest.raises(GridError, match="the price of 'big': cached_input is 4, above input at 3"):
        check_prices(grid, {"big": Price(3.0, 15.0, 4.0)})
