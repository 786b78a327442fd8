"""Ten picks: the choices of the solved forecasts, and reasons whose figures are those of the forecast."""

from dataclasses import replace

import numpy as np
import pytest

from paretoroute.evaluation.details.examples import MOST_CHARACTERS, examples_of


@pytest.fixture
def forecast(compared):
    return compared.held_out.routers["tag"].forecast


def test_every_pick_is_worth_most_at_the_price_of_the_target(compared, forecast):
    examples = examples_of(compared.study, forecast, 0.001)

    names, ids = compared.study.grid.names, compared.study.runs.query_ids
    assert len(examples.queries) == 10 and examples.quality_per_usd > 0
    for example in examples.queries:
        query, point = ids.index(example.query_id), names.index(example.point)
        worth = forecast.quality[query] - examples.quality_per_usd * forecast.cost_usd[query]
        assert worth[point] == pytest.approx(worth.max())
        assert example.forecast_quality == forecast.quality[query, point]
        assert example.tag == compared.study.runs.tags[query]
    costs = [example.forecast_cost_usd for example in examples.queries]
    assert costs[0] < costs[-1], "from the cheapest pick to the dearest"


def test_a_reason_names_the_better_point_and_what_its_price_has_to_buy(compared, forecast):
    examples = examples_of(compared.study, forecast, 0.0005)

    names, ids = compared.study.grid.names, compared.study.runs.query_ids
    example = next(one for one in examples.queries if "is forecast" in one.why and "dearer" in one.why)
    query, point = ids.index(example.query_id), names.index(example.point)
    best = int(forecast.quality[query].argmax())
    bought = 100 * (forecast.quality[query, best] - forecast.quality[query, point])
    price = 100 * examples.quality_per_usd * (forecast.cost_usd[query, best] - forecast.cost_usd[query, point])
    assert example.why.startswith(f"{names[best]} is forecast {bought:.1f} quality points better")
    assert example.why.endswith(f"has to buy {price:.1f} points")
    assert bought <= price + 1e-9


def test_with_money_enough_the_best_forecast_is_picked(compared, forecast):
    examples = examples_of(compared.study, forecast, 1.0)

    assert all(example.why.startswith("no point is forecast better") for example in examples.queries)


def test_long_texts_are_cut_and_outcomes_that_were_not_logged_are_none(compared, forecast):
    runs = compared.study.runs
    study = replace(compared.study, runs=replace(runs, texts=tuple("x" * 999 for _ in runs.texts)))

    examples = examples_of(study, forecast, 0.001)

    assert {len(example.text) for example in examples.queries} == {MOST_CHARACTERS}
    logged = {(runs.query_ids[q], study.grid.names[p]) for q, p in zip(runs.query, runs.point, strict=True)}
    for example in examples.queries:
        assert (example.quality is not None) == ((example.query_id, example.point) in logged)
    assert np.isfinite([example.forecast_cost_usd for example in examples.queries]).all()
