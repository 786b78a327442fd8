"""The command line: what it answers, with which exit code, and that bad input leaves nothing behind."""

import json
import re
from pathlib import Path

import pytest

import paretoroute as pr
from tests.planner_cases import blind, command, fitted, make_rows, write_rows
from tests.processes import python

CONTRACT = {
    "query_id",
    "model",
    "budget_kind",
    "budget_label",
    "budget",
    "expected_quality",
    "expected_cost_usd",
    "propensity",
    "status",
}
REPLAY = {
    "quality",
    "quality_low",
    "quality_high",
    "cost_usd",
    "cost_usd_low",
    "cost_usd_high",
    "queries",
    "effective_queries",
}
QUERY = "please say which comes next: theorem lemma"
HARD_QUERY = "please say which comes next: theorem lemma integral manifold functor topology spectrum kernel"


def small_log(folder: Path, queries: int = 200) -> Path:
    """Write a log that is quick to fit: three points priced by tokens, no latency."""
    rows = [dict(row, latency_s=None) for row in make_rows(queries, seed=11) if row["model"] in ("small", "thinker")]
    return write_rows(folder / "small.jsonl", rows)


def queries_file(folder: Path, *lines: str) -> Path:
    path = folder / "queries.jsonl"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def nothing_written(folder: Path) -> bool:
    return not [path for path in folder.rglob("*") if path.suffix in (".yaml", ".safetensors", ".svg", ".html")]


def one_line(said) -> str:
    """Check that an error is one line, and give it."""
    assert said.code == 2, said
    assert said.err.startswith("paretoroute: ")
    assert said.err.count("\n") == 1, said.err
    assert "Traceback" not in said.err
    return said.err.removeprefix("paretoroute: ").strip()


# fit


def test_fit_without_a_target_matches_the_best_single_point_and_prints_the_trade_off(tmp_path):
    said = command("fit", small_log(tmp_path), "--out", tmp_path / "policy.yaml")

    policy = pr.Policy.load(tmp_path / "policy.yaml")
    assert said.code == 0, said
    assert policy.document.target.kind == "min_quality_of"
    assert policy.document.target.of == policy.document.expected.best_single.point
    assert policy.document.name == "policy"
    for words in ("read 600 runs of 200 queries at 3", "Trade-off", "> this policy", "best single: ", "written "):
        assert words in said.out


def test_fit_says_what_it_found_in_words_and_figures(tmp_path):
    said = command("fit", small_log(tmp_path), "--out", tmp_path / "p.yaml").out

    for words in ("signal found: the query explains ", "rests on  200 queries, 200 effective", "verdict   routing "):
        assert words in said
    assert said.count("signal found: the query explains ") == len(re.findall("^signal    ", said, re.MULTILINE))


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

    said = command(
        *("fit", log, "--out", out, "--columns", "model=name of it, quality=score here", "--max-cost", "0.0000001"),
        *("--grid", grid, "--prices", prices, "--name", "my policy", "--seed", 5),
    )

    policy = pr.Policy.load(out)
    assert said.code == 3, said
    assert "infeasible" in said.out
    assert policy.grid.names == ("small@default", "thinker@8000")
    assert policy.grid.prices["thinker"] == pr.Price(1.0, 4.0)
    assert policy.document.solution.status == "infeasible"
    assert policy.document.solution.nearest is not None
    assert (policy.document.name, policy.document.fitted_on.seed) == ("my policy", 5)


def test_a_point_that_fit_does_not_know_is_refused_before_the_fit(tmp_path):
    log = small_log(tmp_path)

    said = command("fit", log, "--out", tmp_path / "p.yaml", "--min-quality-of", "thinker@high")

    assert "point 'thinker@high' is not in the grid; near: 'thinker@" in one_line(said)
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

    said = command("replay", fitted().policy_path, log, "--strict")
    assert "small.jsonl, line 7: " in one_line(said)
    assert command("replay", fitted().policy_path, log).code == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--max-cost", "1", "--min-quality", "0.5"), "give one target: --max-cost, --min-quality, --min-q"),
        (("--ratio", "0.9"), "--ratio needs --min-quality-of POINT"),
        (("--max-cost", "-1"), "the USD of MaxCost must be a positive number, got -1.0. Did you mean MinQuality?"),
        (("--max-cost", "nan"), "the USD of MaxCost must be a positive number, got nan"),
        (("--min-quality", "85"), "the quality of MinQuality must lie in [0, 1], got 85.0. Percent? Divide by 100."),
        (
            ("--min-quality-of", "small@default", "--ratio", "0"),
            "the ratio of MinQuality must be a positive number, got 0.0",
        ),
        (("--columns", "model"), "--columns 'model': write NAME=YOURS,NAME=YOURS"),
        (("--columns", "modell=name"), "columns: 'modell' is no known column"),
        (("--grid", "nowhere.yaml"), "nowhere.yaml: cannot be read: No such file or directory"),
        (("--prices", "nowhere.yaml"), "nowhere.yaml: cannot be read: No such file or directory"),
    ],
)
def test_fit_refuses_options_that_make_no_sense(tmp_path, arguments, message):
    said = command("fit", fitted().runs_path, "--out", tmp_path / "p.yaml", *arguments)

    assert message in one_line(said)
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

    said = command(verb, source, "--max-cost", "0.001", "--out", tmp_path / out)

    assert message in one_line(said)
    assert nothing_written(tmp_path / "folder.yaml")


@pytest.mark.parametrize("arguments", [(), ("fit",), ("fit", "log.jsonl"), ("fly",), ("plan", "p.yaml", "--cap", "1")])
def test_wrong_usage_exits_2(arguments):
    assert command(*arguments).code == 2


# solve


def test_solve_meets_another_target_without_a_fit(tmp_path):
    out = tmp_path / "new.yaml"

    said = command("solve", fitted().policy_path, "--min-quality-of", "thinker@8000", "--ratio", "0.9", "--out", out)

    assert said.code == 0, said
    assert "lowest cost at 0.9 times the quality of thinker@8000" in said.out
    target = pr.Policy.load(out).document.target
    assert target.kind == "min_quality_of" and (target.of, target.ratio) == ("thinker@8000", 0.9)


def test_solve_writes_the_nearest_policy_and_exits_3_when_the_target_is_infeasible(tmp_path):
    out = tmp_path / "new.yaml"

    said = command("solve", fitted().policy_path, "--min-quality", "1", "--out", out)

    assert said.code == 3
    assert "cannot be met; the nearest that can is: " in said.out
    assert pr.Policy.load(out).document.solution.status == "infeasible"


def test_solve_takes_new_prices_and_keeps_the_target(tmp_path):
    prices = tmp_path / "prices.yaml"
    prices.write_text("thinker: {input: 0.5, output: 2.0}\n", encoding="utf-8")
    out = tmp_path / "new.yaml"

    said = command("solve", fitted().policy_path, "--prices", prices, "--out", out)

    policy = pr.Policy.load(out)
    assert said.code == 0, said
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

    said = command("solve", fitted().policy_path, "--prices", path, "--out", tmp_path / "new.yaml")

    assert message in one_line(said)
    assert nothing_written(tmp_path)


def test_solve_with_nothing_to_solve_for_says_so(tmp_path):
    said = command("solve", fitted().policy_path, "--out", tmp_path / "new.yaml")

    assert one_line(said) == (
        "nothing to solve for: give a target (--max-cost, --min-quality ...), --limit or --prices"
    )


def test_limits_are_given_in_words_stand_in_the_file_and_are_dropped_again(tmp_path):
    first, second, third = (tmp_path / f"{name}.yaml" for name in ("first", "second", "third"))
    share, never = "share of thinker at most 0.2", "never metered"

    said = command("solve", fitted().policy_path, "--limit", share, "--limit", never, "--out", first)
    again = command("solve", first, "--max-cost", "0.003", "--out", second)
    bare = command("solve", first, "--no-limits", "--out", third)

    assert (said.code, again.code, bare.code) == (0, 0, 0)
    assert f"limit     {share}: " in said.out and f"limit     {never}: kept at every logged query" in said.out
    assert f"limits: [{share}, {never}]" in first.read_text()
    assert f"limit     {share}: " in again.out  # a new target keeps the limits
    assert "limit     " not in bare.out and "limits:" not in third.read_text()


def test_a_limit_in_other_words_is_refused_with_the_forms_that_are_known(tmp_path):
    said = command("solve", fitted().policy_path, "--limit", "not too much", "--out", tmp_path / "new.yaml")

    assert one_line(said).startswith(
        "limit 'not too much' is of no known form; write one of: share of MODEL at most 0.2;"
    )
    both = command(
        "solve", fitted().policy_path, "--limit", "never small", "--no-limits", "--out", tmp_path / "new.yaml"
    )
    assert one_line(both) == "--no-limits drops all limits; leave it out, or leave out --limit"


def test_the_worth_of_a_right_answer_is_a_target(tmp_path):
    said = command("solve", fitted().policy_path, "--worth", "0.01", "--out", tmp_path / "new.yaml")

    assert said.code == 0
    assert "target    best trade at $0.01 for a right answer in place of a wrong one" in said.out
    assert "status    met: money is spent wherever one more right answer costs less than $0.01" in said.out


def test_a_plan_reads_the_labels_of_its_line_and_of_the_command(tmp_path):
    policy, queries = tmp_path / "p.yaml", tmp_path / "q.jsonl"
    limit = "only small of tag x"
    assert command("solve", fitted().policy_path, "--min-quality", "0.85", "--limit", limit, "--out", policy).code == 0
    lines = [{"query": HARD_QUERY, "query_id": "a", "tag": "x"}, {"query": HARD_QUERY, "query_id": "b"}]
    queries.write_text("".join(json.dumps(line) + "\n" for line in lines))

    plain = command("plan", policy, "--queries", queries, "--format", "jsonl")
    tagged = command("plan", policy, "--queries", queries, "--format", "jsonl", "--tag", "x")

    assert [json.loads(line)["model"] for line in plain.out.splitlines()] == ["small", "thinker"]
    assert [json.loads(line)["model"] for line in tagged.out.splitlines()] == ["small", "small"]


# plan


def test_plan_answers_in_words():
    said = command("plan", fitted().policy_path, QUERY)

    assert said.code == 0
    assert [line.split()[0] for line in said.out.splitlines()][:3] == ["call", "expected", "why"]


def test_plan_answers_in_json_with_the_request():
    said = command("plan", fitted().policy_path, QUERY, "--format", "json", "--request", "litellm", "--query-id", "a")

    row = json.loads(said.out)
    assert CONTRACT < set(row)
    assert row["query_id"] == "a"
    assert row["request"]["model"] == row["model"]
    assert row["why"]
    assert row["fallbacks"][0] == row["runner_up"]["point"]


def test_plan_answers_a_file_line_by_line_and_in_order(tmp_path):
    asked = [
        {"query": QUERY, "query_id": "z"},
        {"query": "apple", "query_id": 7},
        {"query": [{"role": "user", "content": "なぜ"}]},
        {"query": QUERY, "query_id": "z"},
    ]
    path = queries_file(tmp_path, *(json.dumps(row) for row in asked), "")

    said = command("plan", blind().policy_path, "--queries", path, "--format", "jsonl")

    rows = [json.loads(line) for line in said.out.splitlines()]
    assert said.code == 0, said
    assert [row["query_id"] for row in rows] == ["z", "7", None, "z"]
    assert all(CONTRACT <= set(row) for row in rows)
    assert {name: rows[0][name] for name in CONTRACT} == {name: rows[3][name] for name in CONTRACT}


def test_a_file_answered_as_json_is_one_list(tmp_path):
    path = queries_file(tmp_path, '{"query": "apple"}', '{"query": "lemma"}')

    said = command("plan", fitted().policy_path, "--queries", path, "--format", "json")

    assert len(json.loads(said.out)) == 2


def test_a_line_alone_gets_the_answer_that_it_gets_in_a_file(tmp_path):
    lines = [json.dumps({"query": row["query"], "query_id": row["query_id"]}) for row in make_rows(20, seed=3)[::5]]
    together = command("plan", fitted().policy_path, "--queries", queries_file(tmp_path, *lines), "--format", "jsonl")

    alone = [
        command("plan", fitted().policy_path, "--queries", queries_file(tmp_path, line), "--format", "jsonl")
        for line in lines[::-1]
    ]

    def figures(text: str) -> dict:
        return {name: value for name, value in json.loads(text).items() if name != "decision_id"}

    assert [figures(line) for line in together.out.splitlines()] == [figures(said.out) for said in alone[::-1]]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{half", "queries.jsonl, line 2: not JSON (Expecting property name enclosed in double quotes at column 2)"),
        ("[1]", "queries.jsonl, line 2: not an object with a query"),
        ('{"text": "apple"}', "queries.jsonl, line 2: not an object with a query"),
        ('{"query": 7}', "queries.jsonl, line 2: the query: a number where text or a list of chat messages belongs"),
        ('{"query": [{"content": "x"}]}', "queries.jsonl, line 2: the query: chat message 1 has no role"),
    ],
)
def test_a_bad_line_is_named_and_no_half_answer_is_printed(tmp_path, line, message):
    path = queries_file(tmp_path, '{"query": "apple"}', line)

    said = command("plan", fitted().policy_path, "--queries", path, "--format", "jsonl")

    assert message in one_line(said)
    assert said.out == ""


def test_an_id_with_half_a_character_comes_back_as_it_went_in(tmp_path):
    path = queries_file(tmp_path, r'{"query": "apple", "query_id": "\ud83d"}')

    said = command("plan", fitted().policy_path, "--queries", path, "--format", "jsonl")

    assert said.code == 0, said
    assert json.loads(said.out)["query_id"] == "\ud83d"


def test_plan_keeps_hard_limits_and_says_what_comes_of_them():
    cases = {
        ("--max-cost", "0.000000001"): "infeasible",
        ("--max-cost", "0.00018", "--models", "small"): "capped",
        ("--min-quality", "1"): "infeasible",
        ("--max-latency", "0.001"): "infeasible",
        ("--models", "small, thinker"): "met",
    }

    for arguments, status in cases.items():
        said = command("plan", fitted().policy_path, QUERY, "--format", "json", *arguments)
        assert (said.code, json.loads(said.out)["status"]) == (0, status), arguments


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "give one query in quotes, or --queries FILE.jsonl"),
        ((QUERY, "--queries", "q.jsonl"), "give one query in quotes, or --queries FILE.jsonl"),
        ((QUERY, "--format", "yaml"), "--format 'yaml': use text, json or jsonl"),
        ((QUERY, "--max-cost", "0"), "max_cost_usd must be a positive number, got 0.0"),
        ((QUERY, "--min-quality", "85"), "min_quality must lie in [0, 1], got 85.0"),
        ((QUERY, "--models", "large"), "unknown model 'large'; near: 'metered', 'org/模型@v1', 'small', 'thinker'"),
        ((QUERY, "--request", "anthropic"), "dialect 'anthropic' is unknown; use one of litellm, openai"),
        (("--queries", "nowhere.jsonl"), "nowhere.jsonl: cannot be read: No such file or directory"),
    ],
)
def test_plan_refuses_what_makes_no_sense(arguments, message):
    said = command("plan", fitted().policy_path, *arguments)

    assert message in one_line(said)
    assert said.out == ""


def test_a_policy_that_cannot_be_read_is_refused_by_every_command(tmp_path):
    (tmp_path / "broken.yaml").write_text("schema: 1\n  name: [", encoding="utf-8")
    (tmp_path / "lonely.yaml").write_bytes(fitted().policy_path.read_bytes())

    for name, message in (("gone.yaml", "gone.yaml"), ("broken.yaml", "broken.yaml"), ("lonely.yaml", "policy.safet")):
        path = tmp_path / name
        for arguments in (
            ("plan", path, QUERY),
            ("replay", path, fitted().runs_path),
            ("solve", path, "--max-cost", "1", "--out", tmp_path / "o.yaml"),
        ):
            assert message in one_line(command(*arguments)), (name, arguments)
    assert not (tmp_path / "o.yaml").exists()


# replay, show, schema


def test_replay_answers_in_words_and_in_json(tmp_path):
    log = write_rows(tmp_path / "new.jsonl", make_rows(30, seed=99))

    words = command("replay", fitted().policy_path, log)
    said = command("replay", fitted().policy_path, log, "--format", "json")

    found = json.loads(said.out)
    assert REPLAY < set(found)
    assert (found["queries"], found["effective_queries"], found["seen"]) == (30, 30, False)
    assert f"quality   {found['quality']:.4f}" in words.out
    assert "warning   fewer than 50 queries count" in words.out


def test_replay_warns_when_the_runs_are_those_of_the_fit():
    said = command("replay", fitted().policy_path, fitted().runs_path)

    assert "warning   the policy was fitted on these very runs" in said.out


def test_replay_writes_an_unknown_cost_as_null(tmp_path):
    rows = [{k: v for k, v in row.items() if "tokens" not in k and k != "cost_usd"} for row in make_rows(20, seed=9)]

    said = command("replay", fitted().policy_path, write_rows(tmp_path / "r.jsonl", rows), "--format", "json")

    assert json.loads(said.out, parse_constant=pytest.fail)["cost_usd"] is None
    assert command("replay", fitted().policy_path, tmp_path / "r.jsonl").code == 0


def test_replay_refuses_a_form_that_it_does_not_know():
    said = command("replay", fitted().policy_path, fitted().runs_path, "--format", "csv")

    assert one_line(said) == "--format 'csv': use text or json"


def test_show_draws_in_the_terminal_and_to_a_file(tmp_path):
    for name in ("picture.svg", "picture.html"):
        said = command("show", fitted().policy_path, "--out", tmp_path / name)
        assert said.code == 0, said
        assert "org/模型@v1" in said.out
        assert "org/模型@v1" in (tmp_path / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("out", ["picture.png", "nowhere/picture.svg"])
def test_show_refuses_a_picture_that_it_cannot_write(tmp_path, out):
    said = command("show", fitted().policy_path, "--out", tmp_path / out)

    one_line(said)
    assert said.out == ""


def test_schema_is_json(tmp_path):
    said = command("schema")

    assert json.loads(said.out)["title"] == "PolicyDocument"
    assert command("schema", "--out", tmp_path / "schema.json").code == 0
    assert json.loads((tmp_path / "schema.json").read_text(encoding="utf-8")) == json.loads(said.out)


# The process


def test_debug_shows_the_trace_and_the_line():
    said = command("--debug", "plan", fitted().policy_path, QUERY, "--models", "large")

    assert said.code == 2
    assert "Traceback (most recent call last)" in said.err
    assert said.err.splitlines()[-1].startswith("paretoroute: unknown model 'large'")


def test_every_command_has_help():
    for name in ("fit", "solve", "plan", "replay", "show", "demo", "schema"):
        said = command(name, "--help")
        assert said.code == 0
        assert "Usage: paretoroute" in said.out


def test_the_installed_process_gives_the_exit_code_and_no_wrapped_lines(tmp_path):
    bad, good = (
        python("-m", "paretoroute.cli.main", "plan", policy, QUERY, cwd=tmp_path)
        for policy in ("gone.yaml", fitted().policy_path)
    )

    assert (bad.returncode, bad.stdout) == (2, "")
    assert bad.stderr.startswith("paretoroute: gone.yaml")
    assert good.returncode == 0
    assert [line for line in good.stdout.splitlines() if line.startswith("why")][0].endswith("per 1,000 queries.")
