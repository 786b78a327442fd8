"""Options and limits whose numbers have units: refused with what to write, and nothing else is."""

from __future__ import annotations

import pytest

from paretoroute.cli.arguments.numbers import check_numbers, meant_limit, plain_number
from paretoroute.cli.fit import fit
from paretoroute.errors import TargetError
from paretoroute.limits import parse_limit
from tests.cli.asking import one_line
from tests.planner_cases import command, fitted


@pytest.mark.parametrize(
    ("option", "text", "meant"),
    [
        ("--min-quality", "85%", "0.85"),
        ("--min-quality", "85 percent", "0.85"),
        ("--ratio", "97.5%", "0.975"),
        ("--max-cost", "$0.004", "0.004"),
        ("--max-cost", "0,004", "0.004"),
        ("--max-cost", "0.4 cents", "0.004"),
        ("--worth", "2k", "2000"),
    ],
)
def test_a_number_with_a_unit_is_refused_with_the_number_to_write(tmp_path, option, text, meant):
    out = tmp_path / "new.yaml"

    for arguments in ((option, text), (f"{option}={text}",)):
        result = command("solve", fitted().policy_path, *arguments, "--out", out)
        assert result.code == 2 and one_line(result).endswith(f"{option}: {text!r} is no plain number; write {meant}")
    assert not out.exists()


def test_plan_names_the_seconds(tmp_path):
    result = command("plan", fitted().policy_path, "Hi", "--max-latency", "500 ms")

    assert result.code == 2 and "--max-latency: '500 ms' is no plain number; write 0.5" in one_line(result)


@pytest.mark.parametrize("text", ["1,234", "3 EUR", "cheap", "", "1e", "%"])
def test_what_no_number_is_certain_for_gets_the_form(text):
    assert plain_number(text) is None
    with pytest.raises(TargetError, match="such as 0.004"):
        check_numbers(fit, ["runs.csv", "--max-cost", text])


def test_plain_numbers_and_the_values_of_other_options_are_left_alone():
    check_numbers(fit, ["runs.csv", "--max-cost", "4e-3", "--ratio=-1", "--worth", "nan", "--name", "5%"])
    check_numbers(fit, ["runs.csv", "--max-cost"])  # a missing value is the library's to name
    check_numbers(fit, ["--", "--max-cost", "5%"])


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("share of thinker at most 20%", "share of thinker at most 0.2"),
        ("Share of thinker at most 0.2", "share of thinker at most 0.2"),
        ("mean latency at most 500 ms", "mean latency at most 0.5 s"),
        ("mean latency of tag code at most 5 seconds", "mean latency of tag code at most 5 s"),
        ("mean cost of tenant a at most 1 cent per query", "mean cost of tenant a at most $0.01 per query"),
        ("mean quality of tag code at least 80 %", "mean quality of tag code at least 0.8"),
        ("latency of a call at most 30s at quantile 95%", "latency of a call at most 30 s at quantile 0.95"),
        ("cost of a call at most 5 cents at quantile 0.9", "cost of a call at most $0.05 at quantile 0.9"),
        ("context of thinker at most 128k", "context of thinker at most 128000 tokens"),
    ],
)
def test_a_limit_with_a_unit_is_refused_with_the_limit_to_write(tmp_path, text, meant):
    assert meant_limit(text) == meant == str(parse_limit(meant))

    result = command("solve", fitted().policy_path, "--max-cost", "1", "--limit", text, "--out", tmp_path / "p.yaml")
    assert result.code == 2 and one_line(result).endswith(f"limit {text!r}: write {meant!r}")


@pytest.mark.parametrize("text", ["be quick", "share of thinker at most 200%", "mean latency at most 1,234 s", ""])
def test_a_limit_that_means_nothing_certain_keeps_its_error(tmp_path, text):
    assert meant_limit(text) is None
    result = command("solve", fitted().policy_path, "--max-cost", "1", "--limit", text, "--out", tmp_path / "p.yaml")
    assert result.code == 2 and "write" not in one_line(result)
