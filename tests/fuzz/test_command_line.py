"""Values of options that no user means end with exit code 2 and a short message of our own."""

import json

import pytest

from tests.planner_cases import command, fitted

BAD = {
    "--limit": [
        "",
        "context of small at most 1e999 tokens",
        "context of small at most 1.5 tokens",
        "cost of a call at most $1 at quantile 0.9.5",
        "context of small at most -1 tokens",
        "share of small at most nan",
        f"share of small at most 0.{'9' * 5000}e999",
        "share of small at most \u0663",
        "latency of a call at most 1-2 s",
        f"never {'x' * 5000}",
        "only nobody",
        "share of small at most",
    ],
    "--worth": ["nan", "-1", "0", "inf", "1e999", "x", "9" * 5000],
    "--ratio": ["nan", "-1", "0", "inf", "x"],
    "--max-cost": ["nan", "-1", "0", "inf", "-0.0", "x", "\u0663x"],
    "--min-quality": ["nan", "-1", "1.5", "97", "x"],
    "--min-quality-of": ["", "nobody", "small@", "x" * 5000],
}
BAD_OF_A_FIT = {
    "--quality-scale": ["", "1", "1:1", "nan:1", "1:inf", "a:b", "1:2:3", ":", "9" * 5000, "\u0663:x"],
    "--join": ["", "text", "id,text,id", "ID", "id," * 5000],
    "--columns": [
        "",
        "=",
        "cost_usd",
        "cost_usd=",
        "nobody=x",
        "cost_usd=nobody",
        "=spend",
        "cost_usd=" + "x" * 5000,
        "," * 5000,
    ],
    "--add-point": ["", "small", "nobody@x", "@", "small@" + "9" * 5000],
}
BAD_PRICES = [
    "",
    "small",
    "small: 1",
    "small: {input: -1, output: 1}",
    "small: {input: 1}",
    "small: {input: .nan, output: 1}",
    "small: {input: 1e999, output: 1}",
    "small: {input: 1e300, output: 1}",
    "nobody: {input: 1, output: 1}",
    "unit: 7\nsmall: {input: 1, output: 1}",
    "[small]",
    "small: {input: &a 1, output: *a}",
    "small: {input: 1, output: 1, x: 1}",
    "small: {input: true, output: 1}",
    "small: {input: " + "9" * 5000 + ", output: 1}",
    "\udcff",
    "{" * 5000,
]


def check(*arguments):
    result = command(*arguments)

    assert result.code == 2, (arguments, result)
    assert 10 < len(result.err) < 5000 and "Traceback" not in result.err, (arguments, result.err[-500:])


@pytest.mark.parametrize("option", BAD)
def test_a_bad_value_of_an_option_of_solve_is_refused(option, tmp_path):
    for value in BAD[option]:
        more = ["--min-quality-of", "small"] if option == "--ratio" else []
        check("solve", fitted().policy_path, f"{option}={value}", *more, "--out", tmp_path / "new.yaml")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("option", BAD_OF_A_FIT)
def test_a_bad_value_of_an_option_of_fit_is_refused(option, tmp_path):
    for value in BAD_OF_A_FIT[option]:
        check("fit", fitted().runs_path, f"{option}={value}", "--out", tmp_path / "new.yaml")
    assert not list(tmp_path.iterdir())


def test_a_bad_price_file_is_refused(tmp_path):
    for text in BAD_PRICES:
        (tmp_path / "prices.yaml").write_bytes(text.encode("utf-8", "surrogateescape"))
        check("solve", fitted().policy_path, "--prices", tmp_path / "prices.yaml", "--out", tmp_path / "new.yaml")


@pytest.mark.parametrize("limit", BAD["--limit"])
def test_a_bad_limit_in_a_policy_file_is_refused(limit, tmp_path):
    for path in fitted().policy_path.parent.glob("policy*"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    path = tmp_path / "policy.yaml"
    text = path.read_text(encoding="utf-8")
    assert "limits:" not in text
    path.write_text(f"{text}limits: [{json.dumps(limit)}]\n", encoding="utf-8")

    check("plan", path, "Why?")
