"""plan: one query or a file of them, in text and in JSON."""

import json

import pytest

from paretoroute.planner.planner import Planner
from tests.cli.asking import HARD_QUERY, QUERY, one_line, queries_file
from tests.planner_cases import command, fitted, make_rows, no_signal
from tests.processes import ROOT

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


def test_a_plan_reads_the_labels_of_its_line_and_of_the_command(tmp_path):
    policy, queries = tmp_path / "p.yaml", tmp_path / "q.jsonl"
    limit = "only small of tag x"
    assert command("solve", fitted().policy_path, "--min-quality", "0.85", "--limit", limit, "--out", policy).code == 0
    lines = [{"query": HARD_QUERY, "query_id": "a", "tag": "x"}, {"query": HARD_QUERY, "query_id": "b"}]
    queries.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")

    plain = command("plan", policy, "--queries", queries, "--format", "jsonl")
    tagged = command("plan", policy, "--queries", queries, "--format", "jsonl", "--tag", "x")

    assert [json.loads(line)["model"] for line in plain.out.splitlines()] == ["small", "thinker"]
    assert [json.loads(line)["model"] for line in tagged.out.splitlines()] == ["small", "small"]


def test_plan_answers_in_words():
    result = command("plan", fitted().policy_path, QUERY)

    assert result.code == 0
    assert [line.split()[0] for line in result.out.splitlines()][:3] == ["call", "expected", "why"]


def test_plan_answers_in_json_with_the_request():
    result = command("plan", fitted().policy_path, QUERY, "--format", "json", "--request", "litellm", "--query-id", "a")

    row = json.loads(result.out)
    assert CONTRACT < set(row)
    assert row["query_id"] == "a"
    assert row["request"]["model"] == row["model"]
    assert row["why"]
    assert row["fallbacks"][0] == row["runner_up"]["point"]
    assert [one["model"] for one in row["fallback_requests"]] == [
        name.rpartition("@")[0].removesuffix("@maj") for name in row["fallbacks"]
    ]


def test_plan_prints_the_request_of_the_point_and_then_those_of_its_fallbacks():
    result = command("plan", fitted().policy_path, QUERY, "--request", "litellm", "--models", "small,thinker")

    lines = [line.split(None, 1) for line in result.out.splitlines()]
    requests = [json.loads(text) for name, text in lines if name in ("request", "then")]
    assert [name for name, _ in lines][-3:] == ["request", "then", "then"]
    assert sorted(one["model"] for one in requests) == ["small", "thinker", "thinker"]
    assert [one["thinking"]["budget_tokens"] for one in requests if one["model"] == "thinker"] == [2000, 8000]


def test_plan_sends_a_strange_query_to_the_safe_point():
    options = "--format", "json", "--safe-point", "thinker@8000"
    rows = [json.loads(command("plan", fitted().policy_path, query, *options).out) for query in ("докажите", QUERY)]

    assert [row["unfamiliar"] for row in rows] == [True, False]
    assert (rows[0]["budget_label"], rows[0]["status"]) == ("8000", "unfamiliar")
    assert "thinker@8000 is the safe point for such queries" in rows[0]["why"]
    assert rows[1]["budget_label"] != "8000", "the case shows nothing"
    refused = command("plan", fitted().policy_path, QUERY, "--safe-point", "thinker@20")
    assert refused.code == 2 and "'thinker@20' is not in the grid" in refused.err


def test_plan_answers_a_file_line_by_line_and_in_order(tmp_path):
    asked = [
        {"query": QUERY, "query_id": "z"},
        {"query": "apple", "query_id": 7},
        {"query": [{"role": "user", "content": "なぜ"}]},
        {"query": QUERY, "query_id": "z"},
    ]
    path = queries_file(tmp_path, *(json.dumps(row) for row in asked), "")

    result = command("plan", no_signal().policy_path, "--queries", path, "--format", "jsonl")

    rows = [json.loads(line) for line in result.out.splitlines()]
    assert result.code == 0, result
    assert [row["query_id"] for row in rows] == ["z", "7", None, "z"]
    assert all(CONTRACT <= set(row) for row in rows)
    assert {name: rows[0][name] for name in CONTRACT} == {name: rows[3][name] for name in CONTRACT}


def test_a_file_answered_as_json_is_one_list(tmp_path):
    path = queries_file(tmp_path, '{"query": "apple"}', '{"query": "lemma"}')

    result = command("plan", fitted().policy_path, "--queries", path, "--format", "json")

    assert len(json.loads(result.out)) == 2


def test_a_line_alone_gets_the_answer_that_it_gets_in_a_file(tmp_path):
    lines = [json.dumps({"query": row["query"], "query_id": row["query_id"]}) for row in make_rows(20, seed=3)[::5]]
    together = command("plan", fitted().policy_path, "--queries", queries_file(tmp_path, *lines), "--format", "jsonl")

    alone = [
        command("plan", fitted().policy_path, "--queries", queries_file(tmp_path, line), "--format", "jsonl")
        for line in lines[::-1]
    ]

    def figures(text: str) -> dict:
        return {name: value for name, value in json.loads(text).items() if name != "decision_id"}

    assert [figures(line) for line in together.out.splitlines()] == [figures(result.out) for result in alone[::-1]]


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

    result = command("plan", fitted().policy_path, "--queries", path, "--format", "jsonl")

    assert message in one_line(result)
    assert result.out == ""


def test_an_id_with_half_a_character_comes_back_as_it_went_in(tmp_path):
    path = queries_file(tmp_path, r'{"query": "apple", "query_id": "\ud83d"}')

    result = command("plan", fitted().policy_path, "--queries", path, "--format", "jsonl")

    assert result.code == 0, result
    assert json.loads(result.out)["query_id"] == "\ud83d"


def test_plan_keeps_hard_limits_and_says_what_comes_of_them():
    cases = {
        ("--max-cost", "0.000000001"): "infeasible",
        ("--max-cost", "0.00018", "--models", "small"): "capped",
        ("--min-quality", "1"): "infeasible",
        ("--max-latency", "0.001"): "infeasible",
        ("--models", "small, thinker"): "met",
    }

    for arguments, status in cases.items():
        result = command("plan", fitted().policy_path, QUERY, "--format", "json", *arguments)
        code = 3 if status == "infeasible" else 0
        assert (result.code, json.loads(result.out)["status"]) == (code, status), arguments


def test_a_file_exits_with_3_only_if_no_query_has_a_point_within_the_limits(tmp_path):
    long = f"{QUERY} {'theorem lemma ' * 2000}"
    both = queries_file(tmp_path, json.dumps({"query": QUERY}), json.dumps({"query": long}))
    some = command("plan", fitted().policy_path, "--queries", both, "--format", "jsonl", "--max-cost", "0.0003")
    none = command("plan", fitted().policy_path, "--queries", both, "--format", "jsonl", "--max-cost", "0.000000001")
    statuses = [json.loads(line)["status"] for line in some.out.splitlines()]

    assert statuses[0] != "infeasible" and statuses[1] == "infeasible" and some.code == 0
    assert none.code == 3 and len(none.out.splitlines()) == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "give one query in quotes, or --queries FILE.jsonl"),
        ((QUERY, "--queries", "q.jsonl"), "give one query in quotes, or --queries FILE.jsonl"),
        ((QUERY, "--format", "yaml"), "--format 'yaml': use text, json or jsonl"),
        ((QUERY, "--max-cost", "0"), "max_cost_usd must be a positive number, got 0"),
        ((QUERY, "--min-quality", "85"), "min_quality must lie in [0, 1], got 85."),
        ((QUERY, "--models", "large"), "unknown model 'large'; near: 'metered', 'org/模型@v1', 'small', 'thinker'"),
        ((QUERY, "--request", "claude"), "dialect 'claude' is unknown; use one of anthropic, gemini, litellm, mistral"),
        (("--queries", "nowhere.jsonl"), "nowhere.jsonl: cannot be read: No such file or directory"),
    ],
)
def test_plan_refuses_what_makes_no_sense(arguments, message):
    result = command("plan", fitted().policy_path, *arguments)

    assert message in one_line(result)
    assert result.out == ""


def test_plan_states_the_price_of_exploring_before_any_call():
    text = command("plan", fitted().policy_path, "--explore", "0.05")
    data = command("plan", fitted().policy_path, "--explore", "0.05", "--format", "json")

    assert text.code == 0
    assert text.out.startswith("price     exploring 5% of the calls ")
    assert json.loads(data.out)["calls"] == pytest.approx(0.05)


def test_plan_explores_a_share_of_a_file_and_its_lines_state_which(tmp_path):
    queries = queries_file(tmp_path, *(json.dumps({"query": HARD_QUERY, "query_id": f"{i}"}) for i in range(200)))
    arguments = "plan", fitted().policy_path, "--queries", queries, "--format", "jsonl"

    rows = [json.loads(line) for line in command(*arguments, "--explore", "0.3").out.splitlines()]
    plain = [json.loads(line) for line in command(*arguments).out.splitlines()]

    explored = [row["explores"] for row in rows]
    assert 30 < sum(explored) < 90
    assert all(row["propensity"] == pytest.approx(0.7) for row in rows if not row["explores"])
    assert [row["model"] for row in rows if not row["explores"]] == [
        row["model"] for row, other in zip(plain, rows, strict=True) if not other["explores"]
    ]
    assert "explores" not in plain[0]


@pytest.mark.parametrize("share", ["1", "-0.1", "nan"])
def test_plan_refuses_a_share_to_explore_that_is_out_of_range(share):
    result = command("plan", fitted().policy_path, QUERY, "--explore", share)

    assert result.code == 2
    assert "explore" in result.err


def test_neighbours_of_the_same_labels_are_decided_together_and_get_what_single_plans_get(tmp_path, monkeypatch):
    asked = [(QUERY, "y"), (HARD_QUERY, "y"), (HARD_QUERY, "x"), ("apple", "y"), ("lemma", "x"), (QUERY, "x")]
    lines = [{"query": query, "query_id": str(i)} | {"tag": tag} for i, (query, tag) in enumerate(asked)]
    for line in lines:
        if line["tag"] == "y":
            del line["tag"]  # that of the command
    sizes, batch = [], Planner.plan_batch
    monkeypatch.setattr(
        Planner,
        "plan_batch",
        lambda self, queries, **details: sizes.append(len(queries)) or batch(self, queries, **details),
    )
    planner = Planner.load(fitted().policy_path)
    expected = [planner.plan(query, query_id=str(i), tag=tag) for i, (query, tag) in enumerate(asked)]

    path = queries_file(tmp_path, *map(json.dumps, lines))
    rows = json.loads(command("plan", fitted().policy_path, "--queries", path, "--tag", "y", "--format", "json").out)

    own = {"decision_id", "time"}
    assert [{name: row[name] for name in row if name not in own} for row in rows] == [
        {name: value for name, value in json.loads(json.dumps(one.to_json())).items() if name not in own}
        for one in expected
    ]
    assert sizes == [2, 1, 1, 2]


FIRST, REWORDED = "What is the capital of Oman?", "What is the capital of Oman"
DEMO = ROOT / "policies" / "demo-max-cost.yaml"


def test_the_previous_call_of_a_conversation_and_its_cache_are_given_as_options():
    def planned(*options):
        done = command("plan", DEMO, REWORDED, "--query-id", "4", "--format", "jsonl", *options)
        assert done.code == 0, done.err
        return json.loads(done.out)

    first = json.loads(command("plan", DEMO, FIRST, "--query-id", "3", "--format", "jsonl").out)
    point = f"{first['model']}@{first['budget_label']}"
    expected = Planner.load(DEMO).plan(REWORDED, query_id="4", previous=point, switch_margin=0.02)

    alone, stays = planned(), planned("--previous", point, "--switch-margin", "0.02")

    assert (alone["model"], alone["budget_label"]) != (first["model"], first["budget_label"])
    assert (stays["model"], stays["budget_label"]) == (first["model"], first["budget_label"])
    assert stays["expected_cost_usd"] == expected.expected_cost_usd


def test_a_cache_lowers_the_expected_cost():
    policy = fitted().policy_path
    options = [
        "--previous",
        "small@default",
        "--cached-tokens",
        "5",
        "--cached-price-ratio",
        "0.1",
        "--models",
        "small",
    ]

    fresh = json.loads(command("plan", policy, QUERY, "--models", "small", "--format", "jsonl").out)
    cached = json.loads(command("plan", policy, QUERY, *options, "--format", "jsonl").out)

    assert cached["expected_cost_usd"] < fresh["expected_cost_usd"]


def test_each_line_of_a_file_has_its_own_previous_call(tmp_path):
    first = Planner.load(DEMO).plan(FIRST, query_id="3").point.name
    lines = [
        {"query": REWORDED, "query_id": "4", "previous": first, "switch_margin": 0.02},
        {"query": REWORDED, "query_id": "4"},
    ]
    file = tmp_path / "q.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")

    done = command("plan", DEMO, "--queries", file, "--format", "jsonl")

    stays, alone = map(json.loads, done.out.splitlines())
    assert f"{stays['model']}@{stays['budget_label']}" == first
    assert f"{alone['model']}@{alone['budget_label']}" != first


@pytest.mark.parametrize(
    "options, reason",
    [
        (["--previous", "nobody@low"], "nobody@low"),
        (["--cached-tokens", "5"], "cached_tokens needs the conversation's call before this one"),
        (["--switch-margin", "0.1"], "switch_margin needs the conversation's call before this one"),
        (["--previous", "small@default", "--switch-margin", "2"], "switch_margin"),
        (["--previous", "small@default", "--cached-tokens", "-1"], "cached_tokens"),
    ],
)
def test_a_previous_call_that_cannot_be_meant_is_refused(options, reason):
    assert reason in one_line(command("plan", fitted().policy_path, QUERY, *options))


def test_a_line_with_an_unknown_previous_call_is_named(tmp_path):
    file = tmp_path / "q.jsonl"
    file.write_text(json.dumps({"query": QUERY}) + "\n" + json.dumps({"query": QUERY, "previous": "no@one"}) + "\n")

    error = one_line(command("plan", fitted().policy_path, "--queries", file))

    assert error.startswith("q.jsonl, line 2: ") and "no@one" in error
