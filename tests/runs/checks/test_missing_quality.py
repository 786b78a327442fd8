"""A quality that is missing more often at one model than at others is named with its model."""

from paretoroute.runs.findings import texts
from tests.runs.logs import GOOD, read_rows


def told(tmp_path, *rows):
    runs = read_rows(tmp_path, *(GOOD | row | {"query": f"q{i}"} for i, row in enumerate(rows)))
    return [text for text in texts(runs.notices) if text.startswith("quality is missing")]


def rows_of(model, missing, judged):
    return [{"model": model, "quality": None}] * missing + [{"model": model, "quality": 1.0}] * judged


def test_the_model_that_lacks_it_is_named(tmp_path):
    (text,) = told(tmp_path, *rows_of("small", 1, 59), *rows_of("big", 13, 47))

    assert text.startswith("quality is missing in 14 of 120 rows (12%; 13 of 60 of big): all figures are of the other")


def test_a_model_that_lacks_it_in_a_log_that_hardly_does_is_named(tmp_path):
    (text,) = told(tmp_path, *rows_of("small", 0, 90), *rows_of("big", 4, 6))

    assert "(4%; 4 of 10 of big)" in text


def test_models_that_lack_it_alike_are_not_named_and_a_few_rows_not_told(tmp_path):
    (text,) = told(tmp_path, *rows_of("small", 6, 54), *rows_of("big", 7, 53))

    assert "13 of 120 rows (11%): all figures" in text
    assert told(tmp_path, *rows_of("small", 2, 60), *rows_of("big", 1, 60)) == []
