"""Wide tables of RouterBench, and the folders of LLMRouterBench."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from paretoroute.errors import RunsError
from tests.runs.importers import foreign_benchmarks as bench
from tests.runs.importers import foreign_logs as make

TABLE = {
    "sample_id": ["a.1", "a.2"],
    "prompt": ["['Which gas do plants take in?']", "Plain text"],
    "eval_name": ["mmlu-x", "grade-math"],
    "org/m 1|x": [1.0, 0.25],
    "gpt-3.5-turbo-1106": [0.0, None],
    "org/m 1|x|total_cost": [0.0, 2e-05],
    "gpt-3.5-turbo-1106|total_cost": [1e-05, None],
    "org/m 1|x|model_response": ["r", "r"],
    "oracle_model_to_route_to": ["org/m 1|x", "org/m 1|x"],
}
ROWS = [
    ("Which gas do plants take in?", "org/m 1|x", 1, 0.0, "mmlu-x"),
    ("Which gas do plants take in?", "gpt-3.5-turbo-1106", 0, 1e-05, "mmlu-x"),
    ("Plain text", "org/m 1|x", 0.25, 2e-05, "grade-math"),
]


def shown(log):
    return sorted(tuple(row[name] for name in ("query", "model", "quality", "cost_usd", "tag")) for row in log.rows)


def test_a_wide_table_in_parquet_and_csv(tmp_path):
    table = pa.table(TABLE)
    pq.write_table(table, tmp_path / "wide.parquet")
    header = ",".join(TABLE)
    cells = [["" if value is None else f'"{value}"' for value in row.values()] for row in table.to_pylist()]
    (tmp_path / "wide.csv").write_text("\n".join([header, *(",".join(row) for row in cells)]) + "\n", encoding="utf-8")

    for name in ("wide.parquet", "wide.csv"):
        log = make.imported("routerbench", tmp_path / name)
        assert shown(log) == sorted(ROWS)
        assert log.asides == []
        assert "cells without a score" in make.notes(log)


def test_one_sample_id_of_two_tables_with_other_prompts_is_two_queries(tmp_path):
    rows = [
        {"sample_id": "q1", "prompt": prompt, "a": 1, "a|total_cost": 0.1} for prompt in ("Why?", "An example. Why?")
    ]
    files = [make.lines(tmp_path / f"{i}.jsonl", [row]) for i, row in enumerate(rows)]

    log = make.imported("routerbench", *files, files[0])

    assert [row["query"] for row in log.rows] == ["Why?", "An example. Why?"]
    assert make.reasons(log) == ["a record of a call that was read before"]


@pytest.mark.parametrize("name", ["table.pkl", "table.pickle", "table.pkl.gz", "t.joblib"])
def test_a_pickle_is_refused_by_name_and_never_opened(tmp_path, name):
    (tmp_path / name).write_bytes(b"cos\nsystem\n(S'exit 1'\ntR.")

    with pytest.raises(RunsError, match=f"{name} is a pickle, which can run any code"):
        make.imported("routerbench", tmp_path / name)


def test_a_pickle_beside_a_table_is_left_unread_and_counted(tmp_path):
    pq.write_table(pa.table(TABLE), tmp_path / "wide.parquet")
    (tmp_path / "wide.pkl").write_bytes(b"x")

    log = make.imported("routerbench", tmp_path / "wide.pkl", tmp_path / "wide.parquet")

    assert len(log.rows) == 3
    assert [str(aside.place) for aside in log.asides] == ["wide.pkl"]


def test_a_long_table_is_refused(tmp_path):
    with pytest.raises(RunsError, match=r"has no column NAME\|total_cost"):
        make.imported("routerbench", make.lines(tmp_path / "x.jsonl", [{"model": "a", "score": 1}]))


def test_a_record_of_llmrouterbench_is_a_run(tmp_path):
    bench.bench_file(tmp_path)

    (row,) = make.imported("llmrouterbench", tmp_path / "bench").rows

    assert (row["query"], row["model"], row["quality"]) == (make.QUESTION, "gpt-5-medium", 1)
    assert (row["prompt_tokens"], row["completion_tokens"], row["cost_usd"], row["tag"]) == (40, 100, 2.4e-05, "sums")
    assert {"latency_s", "budget_label"}.isdisjoint(row)  # an effort in a name is a part of the name


def test_an_effort_in_a_name_is_the_budget_where_it_is_asked_for(tmp_path):
    (row,) = make.imported("llmrouterbench", bench.bench_file(tmp_path), efforts_in_names=True).rows

    assert (row["model"], row["budget_label"]) == ("gpt-5", "medium")


def test_the_newest_file_counts_and_demonstrations_do_not(tmp_path):
    record = {"index": 1, "prompt": "Why?", "cost": 1.0, "prompt_tokens": 1, "completion_tokens": 1}
    bench.bench_file(tmp_path, "20260101_000000", records=[record | {"score": 1.0}])
    bench.bench_file(
        tmp_path, "20260301_000000", records=[record | {"score": 0.0}, record | {"index": 2, "score": None}]
    )
    bench.bench_file(tmp_path, "20260401_000000", demo=True)

    log = make.imported("llmrouterbench", tmp_path / "bench")

    assert [row["quality"] for row in log.rows] == [0]
    assert sorted(make.reasons(log)) == [
        "a demonstration (demo is true)",
        "no score",
        "results of which there is a newer file",
    ]


def test_a_file_without_any_cost_has_an_unknown_one(tmp_path):
    record = {"index": 1, "prompt": "Why?", "cost": 0.0, "prompt_tokens": 1, "completion_tokens": 1, "score": 1}

    log = make.imported("llmrouterbench", bench.bench_file(tmp_path, records=[record]))

    assert "cost_usd" not in log.rows[0]
    assert "their cost is unknown" in make.notes(log)


def test_a_cost_of_zero_beside_unknown_tokens_is_unknown(tmp_path):
    record = {"index": 1, "prompt": "Why?", "cost": 1.0, "prompt_tokens": 1, "completion_tokens": 1, "score": 1}
    empty = record | {"index": 2, "cost": 0.0, "prompt_tokens": 0, "completion_tokens": 0, "raw_output": "seven"}

    log = make.imported("llmrouterbench", bench.bench_file(tmp_path, records=[record, empty]))

    assert [row.get("cost_usd") for row in log.rows] == [1, None]
