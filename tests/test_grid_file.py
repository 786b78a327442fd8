"""Grid and price files are read strictly: an error names the file, the key and the fix."""

import pytest

from paretoroute.errors import GridError
from paretoroute.grid import Price
from paretoroute.grid_file import read_grid, read_prices

GRID = """
models:
  - model: small
    price_usd_per_mtok: {input: 0.25, cached_input: 0.03, output: 2}
    budgets: [{kind: effort, label: off}, {kind: samples, label: 007, amount: 7}, {kind: samples, label: 1:30}]
  - model: "5"
    budgets:
      - {kind: thinking_tokens, label: 16000, amount: 16000}
"""


def test_a_grid_file_is_read_in_its_order_and_labels_stay_text(tmp_path):
    (tmp_path / "grid.yaml").write_text(GRID, encoding="utf-8")

    grid = read_grid(tmp_path / "grid.yaml")

    assert grid.names == ("small@off", "small@007", "small@1:30", "5@16000")
    assert [point.budget.amount for point in grid.points] == [None, 7.0, None, 16000.0]
    assert grid.prices == {"small": Price(0.25, 2.0, 0.03)}


def test_prices_are_read_from_either_form(tmp_path):
    (tmp_path / "list.yaml").write_text(
        "models: [{model: small, price_usd_per_mtok: {input: 1, output: 2.5}}]", encoding="utf-8"
    )
    (tmp_path / "plain.yaml").write_text("small: {input: 1, cache_write: 1.25, output: 2.5}\n", encoding="utf-8")

    assert read_prices(tmp_path / "list.yaml") == {"small": Price(1.0, 2.5)}
    assert read_prices(str(tmp_path / "plain.yaml")) == {"small": Price(1.0, 2.5, cache_write_usd_per_mtok=1.25)}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("small: {input: 1}", "small.output is missing; write {input: USD, output: USD}"),
        ("small: {input: -1, output: 1}", "small.input is no price: -1"),
        ("small: {input: .inf, output: 1}", "small.input is no price: '.inf'"),
        ("small: {input: 1e400, output: 1}", "small.input is no price: '1e400'"),
        ("small: {input: true, output: 1}", "small.input is no price: True"),
        ('small: {input: "1", output: 1}', "small.input is no price: '1'"),
        (
            "small: {input: 1, output: 1, outptu: 2}",
            "small.outptu is no known key; use one of input, cached_input, cache_write, output",
        ),
        ("small: {input: 1, cached_input: 1.1, output: 2}", "small: cached_input is 1.1, above input at 1"),
        ("small: {input: 1, cache_write: -1, output: 2}", "small.cache_write is no price: -1"),
        ("small: 3", "small is no mapping: 3"),
        ("[1]", "models is no list of models"),
        ("models: []", "models is no list of models"),
        ("models: [{model: a}]", r"models\[0\].price_usd_per_mtok is missing"),
        ("models: [{modle: a}]", r"models\[0\].modle is no known key"),
        ("{models: [{model: a}], more: 1}", "more is no known key"),
    ],
)
def test_a_bad_price_file_is_an_error_with_file_key_and_fix(tmp_path, text, reason):
    (tmp_path / "prices.yaml").write_text(text, encoding="utf-8")

    with pytest.raises(GridError, match=rf"^prices\.yaml: {reason}"):
        read_prices(tmp_path / "prices.yaml")


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ("{budgets: [{kind: none, label: x}]}", r"models\[0\].model is missing"),
        ("{model: a}", r"models\[0\].budgets is no list of budgets"),
        ("{model: a, budgets: []}", r"models\[0\].budgets is no list of budgets"),
        ("{model: a, budgets: [x]}", r"models\[0\].budgets\[0\] is no mapping"),
        (
            "{model: a, budgets: [{kind: 7, label: x}]}",
            r"models\[0\].budgets\[0\].kind is no text: 7; use none, effort, .* or another word",
        ),
        ("{model: a, budgets: [{kind: ' ', label: x}]}", r"models\[0\].budgets\[0\].kind is blank"),
        ("{model: a, budgets: [{kind: none}]}", r"models\[0\].budgets\[0\].label is missing"),
        (
            "{model: a, budgets: [{kind: none, label: x, amount: big}]}",
            r"models\[0\].budgets\[0\].amount is no number: 'big'",
        ),
        (
            "{model: a, budgets: [{kind: none, label: x}, {kind: none, label: x}]}",
            r"models\[0\].budgets\[1\] gives 'x' a second",
        ),
        (
            "{model: a, price_usd_per_mtok: 3, budgets: [{kind: none, label: x}]}",
            r"models\[0\].price_usd_per_mtok is no mapping",
        ),
    ],
)
def test_a_bad_grid_file_is_an_error_with_file_key_and_fix(tmp_path, entry, reason):
    (tmp_path / "grid.yaml").write_text(f"models:\n  - {entry}\n", encoding="utf-8")

    with pytest.raises(GridError, match=rf"^grid\.yaml: {reason}"):
        read_grid(tmp_path / "grid.yaml")


def test_a_model_that_stands_twice_in_a_grid_file_is_an_error(tmp_path):
    entry = "  - {model: a, budgets: [{kind: none, label: x}]}\n"
    (tmp_path / "grid.yaml").write_text("models:\n" + 2 * entry, encoding="utf-8")

    with pytest.raises(GridError, match=r"models\[1\].model names 'a' a second time; put all its budgets in one entry"):
        read_grid(tmp_path / "grid.yaml")
