"""What all sources share: scores, names, prices, and rows that `read_runs` takes."""

import pyarrow.parquet as pq
import pytest

import paretoroute as pr
from paretoroute.errors import MissingExtraError, RunsError
from paretoroute.runs.importers.model_names import date_of, normalised, without_provider
from paretoroute.runs.importers.write import check_out, write_rows
from tests.runs.importers import foreign_logs as make


def calls(folder, *payloads):
    return make.lines(folder / "calls.jsonl", payloads)


def scored(folder, *scores):
    return make.lines(folder / "scores.jsonl", scores)


def test_import_runs_returns_runs_with_what_was_set_aside(tmp_path):
    log = calls(tmp_path, make.payload(), make.payload(2, status="failure"))

    runs = pr.import_runs("litellm", log, scores=scored(tmp_path, make.call_score()))

    assert (len(runs), runs.set_aside_count) == (1, 1)
    assert str(runs.set_aside[0]) == "calls.jsonl, line 2: failed call"
    assert any("failed call" in str(notice) for notice in runs.notices)


@pytest.mark.parametrize("name", ["runs.parquet", "runs.jsonl"])
def test_both_files_are_read_as_the_same_runs(tmp_path, name):
    chat = [{"role": "system", "content": "Be brief."}, *make.user("Why?\nHow?")]
    log = make.imported(
        "litellm",
        calls(tmp_path, make.payload(), make.payload(2, messages=chat)),
        scores=scored(tmp_path, make.call_score(), make.call_score(2, 0.5)),
    )

    write_rows(log.rows, tmp_path / name)

    assert pr.read_runs(tmp_path / name).sha256 == log.runs().sha256
    assert "user: Why?\nHow?" in "".join(pr.read_runs(tmp_path / name).texts)
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_a_text_and_a_chat_of_it_are_one_query(tmp_path):
    text = make.spend_row(request={"model": "m", "input": "Why?"})
    chat = make.spend_row(2, request={"model": "m", "messages": make.user("Why?")})
    scores = [{"request_id": f"req-{i}", "value": 1} for i in (1, 2)]

    runs = make.imported("litellm-spend", calls(tmp_path, text, chat), scores=scored(tmp_path, *scores)).runs()

    assert (len(runs), len(runs.query_ids)) == (2, 1)


def test_a_failed_write_leaves_no_file(tmp_path):
    with pytest.raises(TypeError):
        write_rows([{"query": {1, 2}}], tmp_path / "runs.jsonl")

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "name, message", [("runs.csv", "ends in .parquet or .jsonl"), ("no/runs.jsonl", "a folder that exists")]
)
def test_an_out_file_that_cannot_be_written_is_refused_first(tmp_path, name, message):
    with pytest.raises(RunsError, match=message):
        check_out(tmp_path / name, ())


def test_an_out_file_that_is_read_is_not_written_over(tmp_path):
    log = calls(tmp_path, make.payload())

    with pytest.raises(RunsError, match="would be lost"):
        check_out(log, [log])


@pytest.mark.parametrize(
    "name, short",
    [
        ("openai/gpt-5", "gpt-5"),
        ("litellm_proxy/azure/gpt-5", "gpt-5"),
        ("models/gemini-2.5-flash", "gemini-2.5-flash"),
        ("bedrock/converse/eu.anthropic.claude-opus-4-6-v1:0", "claude-opus-4-6"),
        ("meta-llama/Llama-3-8b", "meta-llama/Llama-3-8b"),
        ("openai/", "openai/"),
        ("openai", "openai"),
        ("", ""),
    ],
)
def test_providers_are_dropped_and_organisations_stay(name, short):
    assert without_provider(name) == short


@pytest.mark.parametrize(
    "name, date",
    [
        ("gpt-5-2025-08-07", "-2025-08-07"),
        ("claude-opus-4-6-20260101", "-20260101"),
        ("claude-opus-4-6@20260101", "@20260101"),
        ("gpt-3.5-turbo-1106", ""),
        ("model-20261301", ""),
        ("2025-08-07", ""),
        ("gpt-5-2025-08-07-tuned", ""),
    ],
)
def test_dates_at_the_end_are_told_from_other_numbers(name, date):
    assert date_of(name) == date


def test_two_dates_of_one_model_stay_two_models_beside_the_undated_one():
    names = normalised(["m-2025-01-01", "openai/m-20250101", "n-2025-01-01", "n-2025-02-01", "n"])

    assert names["m-2025-01-01"] == names["openai/m-20250101"] == "m"
    assert [names[n] for n in ("n-2025-01-01", "n-2025-02-01", "n")] == ["n-2025-01-01", "n-2025-02-01", "n"]


def test_a_user_overrides_the_rule(tmp_path):
    files = calls(tmp_path, make.payload(model="azure/my-deployment"), make.payload(2, model="openai/x-2025-01-01"))
    scores = scored(tmp_path, make.call_score(), make.call_score(2))

    def models(**options):
        return [row["model"] for row in make.imported("litellm", files, scores=scores, **options).rows]

    assert models() == ["my-deployment", "x"]
    assert models(keep_names=True) == ["azure/my-deployment", "x-2025-01-01"]
    assert models(rename={"azure/my-deployment": "gpt-5", "x": "y"}) == ["gpt-5", "y"]
    with pytest.raises(RunsError, match="the log has no such model; it has 'azure/my-deployment'"):
        models(rename={"gpt": "x"})


def test_of_several_scores_a_usual_name_counts_and_words_that_judge_nothing_do_not(tmp_path):
    scores = [
        make.call_score(name="tone", value="dry"),
        make.call_score(name="length", value=120),
        make.call_score(name="correct", value=0),
        make.call_score(name="helpful", value=1),
    ]

    log = make.imported("litellm", calls(tmp_path, make.payload()), scores=scored(tmp_path, *scores))

    assert log.rows[0]["quality"] == 0
    assert "quality is the score 'correct'; the log also has 'helpful', 'length', 'tone'" in make.notes(log)


def test_scores_that_could_all_be_the_quality_need_a_choice(tmp_path):
    files = calls(tmp_path, make.payload())
    scores = scored(tmp_path, make.call_score(name="fluent", value=0), make.call_score(name="helpful", value=1))

    with pytest.raises(RunsError, match="several scores that may be the quality: 'fluent', 'helpful'; name one with"):
        make.imported("litellm", files, scores=scores)
    assert make.imported("litellm", files, scores=scores, score="helpful").rows[0]["quality"] == 1
    with pytest.raises(RunsError, match="--score 'nope': no call has such a score"):
        make.imported("litellm", files, scores=scores, score="nope")


def test_several_scores_of_one_name_count_by_their_mean(tmp_path):
    scores = scored(tmp_path, make.call_score(value=1), make.call_score(value=0))

    log = make.imported("litellm", calls(tmp_path, make.payload()), scores=scores)

    assert log.rows[0]["quality"] == 0.5
    assert "calls with several scores of one name: 1" in make.notes(log)


def test_scores_on_another_scale_are_rescaled_or_refused(tmp_path):
    files = calls(tmp_path, make.payload(), make.payload(2))
    scores = scored(tmp_path, make.call_score(value=4), make.call_score(2, 2))

    log = make.imported("litellm", files, scores=scores, quality_scale=(1, 5))

    assert [row["quality"] for row in log.rows] == [0.75, 0.25]
    with pytest.raises(RunsError, match="quality"):
        make.imported("litellm", files, scores=scores).runs()


def test_a_key_joins_fields_of_other_names(tmp_path):
    files = calls(tmp_path, make.payload())
    scores = scored(tmp_path, {"ticket_id": "chatcmpl-1", "value": 1})

    with pytest.raises(RunsError, match="no id in common; write --join"):
        make.imported("litellm", files, scores=scores)
    assert make.imported("litellm", files, scores=scores, join="id=ticket_id").rows[0]["quality"] == 1
    with pytest.raises(RunsError, match="--join 'x': the calls have the ids"):
        make.imported("litellm", files, scores=scores, join="x")


def test_the_own_id_of_a_score_is_not_taken_for_that_of_a_call(tmp_path):
    scores = scored(tmp_path, {"id": "score-1", "trace_id": make.payload()["trace_id"], "value": 1})

    assert make.imported("litellm", calls(tmp_path, make.payload()), scores=scores).rows[0]["quality"] == 1


def wide_table(folder):
    return make.lines(
        folder / "wide.jsonl",
        [{"sample_id": "q1", "prompt": "Why?", "a": 1, "a|total_cost": 0.1, "b": 0, "b|total_cost": 0.2}],
    )


def test_a_score_of_an_id_that_several_points_share_judges_none_of_them(tmp_path):
    scores = scored(tmp_path, {"sample_id": "q1", "quality": 1}, {"sample_id": "q1", "quality": 0.5})

    log = make.imported("routerbench", wide_table(tmp_path), scores=scores)

    assert [row["quality"] for row in log.rows] == [1, 0]  # as the log states them
    assert "scores of a trace or an id with several calls, which judge none of them alone: 2" in make.notes(log)


def test_a_score_of_a_shared_id_may_state_the_model_that_it_judges(tmp_path):
    scores = scored(tmp_path, {"sample_id": "q1", "model": "b", "quality": 0.75})

    log = make.imported("routerbench", wide_table(tmp_path), scores=scores)

    assert [(row["model"], row["quality"]) for row in log.rows] == [("b", 0.75)]


def test_a_score_of_an_id_that_repeats_of_one_point_share_judges_all_of_them(tmp_path):
    log = calls(tmp_path, make.payload(1), make.payload(2, litellm_call_id=make.payload(1)["litellm_call_id"]))

    assert len(make.imported("litellm", log, scores=scored(tmp_path, make.call_score())).rows) == 2


def test_the_users_prices_fill_what_is_unknown_and_are_compared_with_what_was_billed(tmp_path):
    files = calls(tmp_path, make.payload(), make.payload(2, response_cost=None))
    scores = scored(tmp_path, make.call_score(), make.call_score(2))
    price = pr.Price(1.0, 10.0, cached_input_usd_per_mtok=0.5)

    log = make.imported("litellm", files, scores=scores, prices={"gpt-5-mini": price})

    assert log.rows[0]["cost_usd"] == 0.001
    assert log.rows[1]["cost_usd"] == pytest.approx((12 * 1.0 + 8 * 0.5 + 50 * 10) / 1e6)
    assert [row["cost_source"] for row in log.rows] == ["logged", "priced"]
    assert "gpt-5-mini: 1 calls cost $0.000516 at these prices and $0.001 in the log (-48.4%)" in make.notes(log)


def test_list_prices_come_after_the_users_own(tmp_path):
    pytest.importorskip("genai_prices")
    files = calls(
        tmp_path, make.payload(response_cost=None), make.payload(2, model="nobody-s-model", response_cost=None)
    )
    scores = scored(tmp_path, make.call_score(), make.call_score(2))

    log = make.imported("litellm", files, scores=scores, list_prices=True)
    own = make.imported("litellm", files, scores=scores, list_prices=True, prices={"gpt-5-mini": pr.Price(0.0, 1.0)})

    assert log.rows[0]["cost_usd"] > 0
    assert "cost_usd" not in log.rows[1]
    assert "models without a price" in make.notes(log)
    assert own.rows[0]["cost_usd"] == pytest.approx(50 / 1e6)


def test_list_prices_name_the_extra_that_they_need(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "genai_prices", None)
    files, scores = calls(tmp_path, make.payload()), scored(tmp_path, make.call_score())

    with pytest.raises(MissingExtraError, match=r"pip install 'paretoroute\[prices\]'"):
        make.imported("litellm", files, scores=scores, list_prices=True)


@pytest.mark.parametrize(
    "name, hint", [("lite-llm", "near: litellm"), ("inspect_ai", "near: inspect"), ("", "use litellm")]
)
def test_an_unknown_source_is_refused_with_the_near_ones(tmp_path, name, hint):
    with pytest.raises(RunsError, match=hint):
        make.imported(name, calls(tmp_path, make.payload()))


def test_a_broken_line_is_set_aside_and_a_damaged_file_refused(tmp_path):
    log = calls(tmp_path, make.payload())
    log.write_text(log.read_text(encoding="utf-8") + '{"model": \n', encoding="utf-8")

    assert make.reasons(make.imported("litellm", log, scores=scored(tmp_path, make.call_score())))[0].startswith(
        "broken JSON"
    )
    (tmp_path / "calls.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(RunsError, match=r"calls\.parquet is damaged"):
        make.imported("litellm", tmp_path / "calls.parquet")


def test_scores_may_be_given_twice(tmp_path):
    files, scores = calls(tmp_path, make.payload()), scored(tmp_path, make.call_score())

    log = make.imported("litellm", files, scores, scores=scores)

    assert "several scores" not in make.notes(log)


def test_the_time_of_an_import_grows_with_the_log(tmp_path):
    payloads = [make.payload(litellm_call_id=f"c{i}", id=f"r{i}", trace_id=f"t{i}") for i in range(3000)]
    scores = [{"litellm_call_id": f"c{i}", "value": 1} for i in range(3000)]

    log = make.imported("litellm", calls(tmp_path, *payloads), scores=scored(tmp_path, *scores))

    assert len(log.rows) == 3000


def test_parquet_of_a_log_is_read_as_its_json_lines_are(tmp_path):
    import json

    import pyarrow as pa

    row = make.spend_row()
    pq.write_table(pa.Table.from_pylist([row]), tmp_path / "spend.parquet")
    scores = scored(tmp_path, {"request_id": "req-1", "value": 1})

    table = make.imported("litellm-spend", tmp_path / "spend.parquet", scores=scores)

    assert json.dumps(table.rows) == json.dumps(
        make.imported("litellm-spend", calls(tmp_path, row), scores=scores).rows
    )


def test_models_whose_costs_a_fit_will_ask_for_are_named(tmp_path):
    calls = make.lines(tmp_path / "calls.jsonl", [make.payload(response_cost=None)])

    log = make.imported("litellm", calls, make.lines(tmp_path / "s.jsonl", [make.call_score()]))

    assert log.needs_prices
    assert any(f.kind == "price" and f.text.startswith("tokens and no cost: 'gpt-5-mini';") for f in log.findings)
