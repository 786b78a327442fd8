"""Costs of 0 beside tokens at models that are billed."""

from paretoroute.runs.findings import texts
from tests.runs.logs import GOOD, read_rows

CALL = GOOD | {"completion_tokens": 200}


def notices(tmp_path, *rows):
    runs = read_rows(tmp_path, *[row | {"query_id": str(i), "query": f"text {i}"} for i, row in enumerate(rows)])
    return [text for text in texts(runs.notices) if "cost_usd is 0" in text]


def test_free_answers_of_a_billed_model_are_asked_about(tmp_path):
    own, other = CALL | {"model": "own", "cost_usd": 0}, CALL | {"model": "other", "cost_usd": 0.5}

    (text,) = notices(tmp_path, CALL | {"cost_usd": 0.1}, CALL | {"cost_usd": 0}, CALL | {"cost_usd": 0}, own, other)

    assert text.startswith(f"cost_usd is 0 in 2 of 3 runs of {GOOD['model']} that have completion tokens")


def test_models_that_are_free_throughout_and_calls_without_an_answer_are_not(tmp_path):
    free, empty = CALL | {"model": "own", "cost_usd": 0}, GOOD | {"completion_tokens": 0, "cost_usd": 0}

    assert not notices(tmp_path, free, free, CALL | {"cost_usd": 0.1}, empty, CALL | {"cost_usd": None})


def test_costs_that_are_missing_in_some_runs_of_a_billed_model_are_told(tmp_path):
    rows = (
        [CALL | {"cost_usd": 0.1}] * 2 + [CALL | {"cost_usd": None}] + [CALL | {"model": "own", "cost_usd": None}] * 3
    )
    runs = read_rows(tmp_path, *[row | {"query_id": str(i), "query": f"text {i}"} for i, row in enumerate(rows)])

    (text,) = (text for text in texts(runs.notices) if "cost_usd is missing" in text)

    assert text.startswith(f"cost_usd is missing in 1 of 3 runs of {GOOD['model']}: where no price fills it")
