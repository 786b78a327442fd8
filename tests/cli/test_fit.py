"""fit and solve: what they print, with which exit code, and that bad input leaves nothing behind."""

import json

import pytest

import paretoroute as pr
from tests.cli.asking import nothing_written, one_line, small_log
from tests.planner_cases import command, fitted, make_rows, write_rows


def test_fit_without_a_target_matches_the_best_single_point_and_prints_the_trade_off(tmp_path):
    result = command("fit", small_log(tmp_path), "--out", tmp_path / "policy.yaml")

    policy = pr.Policy.load(tmp_path / "policy.yaml")
    assert result.code == 0, result
    assert policy.document.target.kind == "min_quality_of"
    assert policy.document.target.of == policy.document.expected.best_single.point
    assert policy.document.name == "policy"
    for words in ("read 600 runs of 200 queries at 3", "Trade-off", "> this policy", "best single: ", "written "):
        assert words in result.out


def test_fit_begins_with_the_verdict_and_prints_nothing_twice(tmp_path):
    lines = command("fit", small_log(tmp_path), "--out", tmp_path / "p.yaml").out.splitlines()

    keys = [line.split()[0] for line in lines if line]
    assert keys[:6] == ["verdict", "target", "status", "expected", "compared", "calls"]
    assert keys[6] == "Trade-off"
    assert keys[-1] == "written"
    assert "signal" not in keys
    told = [line for line in lines if line]
    assert len(told) == len(set(told))


def test_a_cost_column_that_was_not_read_is_named_where_no_cost_is_known(tmp_path):
    log = tmp_path / "log.csv"
    cells = [f"question {i},{model},1,10,20,0.01" for i in range(30) for model in ("a", "b")]
    log.write_text("\n".join(["query,model,quality,prompt_tokens,completion_tokens,spend", *cells]), encoding="utf-8")

    result = command("fit", log, "--out", tmp_path / "p.yaml")

    assert result.code == 2
    assert "or, if spend is the cost, add cost_usd=spend to --columns" in result.err


def test_signals_are_printed_only_when_asked_for(tmp_path):
    log, out = small_log(tmp_path), tmp_path / "p.yaml"

    fitted_text = command("fit", log, "--out", out, "--verbose").out
    solved, verbose = (
        command("solve", out, "--min-quality", "0.5", "--out", tmp_path / "new.yaml", *options).out
        for options in ((), ("--verbose",))
    )

    assert "signal    quality: signal found: the query explains " in fitted_text
    assert "signal found" not in solved
    assert "signal    quality: signal found: the query explains " in verbose


def test_fit_reads_renamed_columns_a_grid_and_prices_and_exits_3_when_infeasible(tmp_path):
    rows = [json.loads(line) for line in small_log(tmp_path).read_text(encoding="utf-8").splitlines()]
    for row in rows:
        row["name of it"], row["score here"] = row.pop("model"), row.pop("quality")
        row.pop("cost_usd")
    log = write_rows(tmp_path / "renamed.jsonl", rows)
    grid = tmp_path / "grid.yaml"
    grid.write_text(
        "models:\n"
        "  - {model: small, budgets: [{kind: none, label: default}]}\n"
        "  - {model: thinker, budgets: [{kind: thinking_tokens, label: 8000, amount: 8000}]}\n",
        encoding="utf-8",
    )
    prices = tmp_path / "prices.yaml"
    prices.write_text("small: {input: 0.2, output: 0.8}\nthinker: {input: 1, output: 4}\n", encoding="utf-8")
    out = tmp_path / "out.yaml"

    result = command(
        *("fit", log, "--out", out, "--columns", "model=name of it, quality=score here", "--max-cost", "0.0000001"),
        *("--grid", grid, "--prices", prices, "--name", "my policy", "--seed", 5),
    )

    policy = pr.Policy.load(out)
    assert result.code == 3, result
    assert "infeasible" in result.out
    assert policy.grid.names == ("small@default", "thinker@8000")
    assert policy.grid.prices["thinker"] == pr.Price(1.0, 4.0)
    assert policy.document.solution.status == "infeasible"
    assert policy.document.solution.nearest is not None
    assert (policy.document.name, policy.document.fitted_on.seed) == ("my policy", 5)


def test_a_point_that_fit_does_not_know_is_refused_before_the_fit(tmp_path):
    log = small_log(tmp_path)

    result = command("fit", log, "--out", tmp_path / "p.yaml", "--min-quality-of", "thinker@high")

    assert "point 'thinker@high' is not in the grid; near: 'thinker@" in one_line(result)
    assert nothing_written(tmp_path)


def test_logs_that_cannot_be_used_are_refused_and_nothing_is_written(tmp_path):
    one_point = [row for row in make_rows(30, seed=1) if row["model"] == "small"]
    logs = {
        "missing.jsonl": "missing.jsonl does not exist; check the path of the log",
        "empty.jsonl": "the log is empty",
        "one.jsonl": "all runs are at one point, 'small@default': there is nothing to choose between",
        "few.jsonl": "the log has 6 queries; at least 20 are needed",
        "broken.jsonl": "broken.jsonl",
        "folder": "folder is a folder; name the log files in it",
        "log.txt": "log.txt has an extension that names no known format",
        "columns.jsonl": "columns.jsonl has no column query and no model and no quality; it has a, b",
    }
    (tmp_path / "empty.jsonl").write_text("", encoding="utf-8")
    write_rows(tmp_path / "one.jsonl", one_point)
    write_rows(tmp_path / "few.jsonl", make_rows(6, seed=1))
    (tmp_path / "broken.jsonl").write_text("not json\n{half\n", encoding="utf-8")
    (tmp_path / "folder").mkdir()
    (tmp_path / "log.txt").write_text("{}", encoding="utf-8")
    write_rows(tmp_path / "columns.jsonl", [{"a": 1, "b": 2}])

    for name, message in logs.items():
        assert message in one_line(command("fit", tmp_path / name, "--out", tmp_path / "p.yaml")), name
    assert nothing_written(tmp_path)


def test_a_broken_line_is_set_aside_with_its_number_and_strict_stops_at_it(tmp_path):
    log = small_log(tmp_path)
    lines = log.read_text(encoding="utf-8").splitlines()
    log.write_text("\n".join([*lines[:6], '{"query": "half', *lines[6:]]) + "\n", encoding="utf-8")
    out = tmp_path / "p.yaml"

    strict = command("fit", log, "--out", out, "--strict")
    assert "small.jsonl, line 7: " in one_line(strict)
    assert nothing_written(tmp_path)

    result = command("replay", fitted().policy_path, log, "--strict")
    assert "small.jsonl, line 7: " in one_line(result)
    assert command("replay", fitted().policy_path, log).code == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--max-cost", "1", "--min-quality", "0.5"), "give one target: --max-cost, --min-quality, --min-q"),
        (("--ratio", "0.9"), "--ratio needs --min-quality-of POINT"),
        (("--max-cost", "-1"), "the USD of MaxCost must be a positive number, got -1.0. Did you mean MinQuality?"),
        (("--max-cost", "nan"), "the USD of MaxCost must be a positive number, got nan"),
        (("--min-quality", "85"), "the quality of MinQuality must lie in [0, 1], got 85. Percent? Divide by 100."),
        (
            ("--min-quality-of", "small@default", "--ratio", "0"),
            "the ratio of MinQuality must be a positive number, got 0",
        ),
        (
            ("--min-quality-of", "small@default", "--ratio", "97"),
            "the ratio of MinQuality must be at most 10, since it is a share of the point's quality, got 97. Percent?",
        ),
        (("--certify", "90"), "certify must lie between 0 and 1, got 90.0. Percent? Divide by 100."),
        (("--columns", "model"), "--columns 'model': write NAME=YOURS,NAME=YOURS"),
        (("--columns", "modell=name"), "columns: 'modell' is no known column"),
        (("--grid", "nowhere.yaml"), "nowhere.yaml: cannot be read: No such file or directory"),
        (("--prices", "nowhere.yaml"), "nowhere.yaml: cannot be read: No such file or directory"),
    ],
)
def test_fit_refuses_options_that_make_no_sense(tmp_path, arguments, message):
    result = command("fit", fitted().runs_path, "--out", tmp_path / "p.yaml", *arguments)

    assert message in one_line(result)
    assert nothing_written(tmp_path)


@pytest.mark.parametrize("verb", ["fit", "solve"])
@pytest.mark.parametrize(
    ("out", "message"),
    [
        ("policy.json", "a policy file ends in .yaml"),
        ("policy", "a policy file ends in .yaml"),
        ("nowhere/policy.yaml", "there is no folder"),
        ("folder.yaml", "this is a folder; name a file"),
    ],
)
def test_a_place_that_cannot_be_written_to_is_refused_at_once(tmp_path, verb, out, message):
    (tmp_path / "folder.yaml").mkdir()
    source = fitted().runs_path if verb == "fit" else fitted().policy_path

    result = command(verb, source, "--max-cost", "0.001", "--out", tmp_path / out)

    assert message in one_line(result)
    assert nothing_written(tmp_path / "folder.yaml")


def test_solve_meets_another_target_without_a_fit(tmp_path):
    out = tmp_path / "new.yaml"

    result = command("solve", fitted().policy_path, "--min-quality-of", "thinker@8000", "--ratio", "0.9", "--out", out)

    assert result.code == 0, result
    assert "lowest cost at 0.9 times the quality of thinker@8000" in result.out
    target = pr.Policy.load(out).document.target
    assert target.kind == "min_quality_of" and (target.of, target.ratio) == ("thinker@8000", 0.9)


def test_solve_writes_the_nearest_policy_and_exits_3_when_the_target_is_infeasible(tmp_path):
    out = tmp_path / "new.yaml"

    result = command("solve", fitted().policy_path, "--min-quality", "1", "--out", out)

    assert result.code == 3
    assert "cannot be met; the nearest that can is: " in result.out
    assert pr.Policy.load(out).document.solution.status == "infeasible"


def test_solve_takes_new_prices_and_keeps_the_target(tmp_path):
    prices = tmp_path / "prices.yaml"
    prices.write_text("thinker: {input: 0.5, output: 2.0}\n", encoding="utf-8")
    out = tmp_path / "new.yaml"

    result = command("solve", fitted().policy_path, "--prices", prices, "--out", out)

    policy = pr.Policy.load(out)
    assert result.code == 0, result
    assert policy.grid.prices["thinker"] == pr.Price(0.5, 2.0)
    assert policy.document.target == fitted().policy.document.target
    assert policy.document.expected.quality > fitted().policy.document.expected.quality


@pytest.mark.parametrize(
    ("prices", "message"),
    [
        ("metered: {input: 1, output: 2}", "model 'metered' cannot be repriced: its cost was forecast from"),
        ("smal: {input: 1, output: 2}", "a price is given for 'smal', which is not in the grid"),
        ("small: {input: 1}", "small.output is missing"),
        ("small: {input: -1, output: 2}", "small.input is no price: -1"),
    ],
)
def test_solve_refuses_prices_by_model(tmp_path, prices, message):
    path = tmp_path / "prices.txt"
    path.write_text(prices, encoding="utf-8")

    result = command("solve", fitted().policy_path, "--prices", path, "--out", tmp_path / "new.yaml")

    assert message in one_line(result)
    assert nothing_written(tmp_path)


@pytest.mark.parametrize("out", ["policy.yaml", "sub/../policy.yaml", "link.yaml", "folder/policy.yaml"])
def test_solve_writes_over_its_own_policy_only_when_forced(tmp_path, out):
    policy = tmp_path / "policy.yaml"
    fitted().policy.save(policy)
    (tmp_path / "sub").mkdir()
    (tmp_path / "link.yaml").symlink_to(policy)
    (tmp_path / "folder").symlink_to(tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}

    refused = command("solve", policy, "--min-quality", "0.6", "--out", tmp_path / out)

    assert "this would write over" in one_line(refused) and "--force" in refused.err
    assert {path: path.read_bytes() for path in before} == before

    assert command("solve", policy, "--min-quality", "0.6", "--out", tmp_path / out, "--force").code == 0
    assert pr.Policy.load(tmp_path / out).document.target.kind == "min_quality"


@pytest.mark.parametrize("verb", ["fit", "solve"])
def test_a_file_that_the_command_reads_is_never_written_over(tmp_path, verb):
    prices = tmp_path / "prices.yaml"
    prices.write_text("thinker: {input: 0.5, output: 2.0}\n", encoding="utf-8")
    source = fitted().runs_path if verb == "fit" else fitted().policy_path

    result = command(verb, source, "--prices", prices, "--out", prices)

    assert "prices.yaml is read by this command and would be lost" in one_line(result)
    assert prices.read_text(encoding="utf-8").startswith("thinker")


def test_a_point_is_typed_as_it_is_read_and_stands_in_full_in_the_file(tmp_path):
    out = tmp_path / "new.yaml"

    result = command("solve", fitted().policy_path, "--min-quality-of", "small", "--out", out)

    assert result.code == 0, result
    assert "target    lowest cost at the quality of small\n" in result.out
    assert pr.Policy.load(out).document.target.of == "small@default"
    several = command("solve", fitted().policy_path, "--min-quality-of", "thinker", "--out", out)
    assert "model 'thinker' has several points: 'thinker@2000', 'thinker@8000'; name one of them" in one_line(several)


def test_solve_with_nothing_to_solve_for_says_so(tmp_path):
    result = command("solve", fitted().policy_path, "--out", tmp_path / "new.yaml")

    assert one_line(result) == (
        "nothing to solve for: give a target (--max-cost, --min-quality ...), --limit or --prices"
    )


def test_limits_are_given_in_words_stand_in_the_file_and_are_dropped_again(tmp_path):
    first, second, third = (tmp_path / f"{name}.yaml" for name in ("first", "second", "third"))
    share, never = "share of thinker at most 0.2", "never metered"

    result = command("solve", fitted().policy_path, "--limit", share, "--limit", never, "--out", first)
    again = command("solve", first, "--max-cost", "0.003", "--out", second)
    bare = command("solve", first, "--no-limits", "--out", third)

    assert (result.code, again.code, bare.code) == (0, 0, 0)
    assert f"limit     {share}: " in result.out and f"limit     {never}: kept at every logged query" in result.out
    assert f"limits: [{share}, {never}]" in first.read_text(encoding="utf-8")
    assert f"limit     {share}: " in again.out  # a new target keeps the limits
    assert "limit     " not in bare.out and "limits:" not in third.read_text(encoding="utf-8")


def test_a_limit_in_other_words_is_refused_with_the_forms_that_are_known(tmp_path):
    result = command("solve", fitted().policy_path, "--limit", "not too much", "--out", tmp_path / "new.yaml")

    assert one_line(result).startswith("limit 'not too much' is of no known form; nearest: ")
    assert one_line(result).endswith("All forms are listed by paretoroute fit --help")
    both = command(
        "solve", fitted().policy_path, "--limit", "never small", "--no-limits", "--out", tmp_path / "new.yaml"
    )
    assert one_line(both) == "--no-limits drops all limits; leave it out, or leave out --limit"


def test_the_worth_of_a_right_answer_is_a_target(tmp_path):
    result = command("solve", fitted().policy_path, "--worth", "0.01", "--out", tmp_path / "new.yaml")

    assert result.code == 0
    assert "target    best trade at $0.01 for a right answer in place of a wrong one" in result.out
    assert (
        "status    met: money is spent wherever one more right answer is forecast to cost less than $0.01" in result.out
    )
