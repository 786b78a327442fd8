"""The command `import`: from the log of another tool to runs that fit takes, or to a first mapping."""

import pytest

from paretoroute import read_runs
from tests.cli.asking import one_line
from tests.planner_cases import command
from tests.runs.importers import foreign_logs as make


def files(folder):
    log = make.lines(folder / "calls.jsonl", [make.payload(), make.payload(2, status="failure")])
    return log, make.lines(folder / "scores.jsonl", [make.call_score()])


def test_a_log_becomes_runs_and_what_became_none_is_counted(tmp_path):
    log, scores = files(tmp_path)
    out = tmp_path / "runs.parquet"

    result = command("import", "litellm", str(log), "--scores", str(scores), "--out", str(out))

    assert result.code == 0
    assert "1 of 1 queries at 1 points" in result.out
    assert "set aside 1, failed call (first: calls.jsonl, line 2)" in result.out
    assert f"paretoroute fit {out} --out policy.yaml" in result.out
    assert len(read_runs(out)) == 1


def test_a_log_without_costs_and_tokens_says_what_to_add_before_the_fit(tmp_path):
    folder = tmp_path / "tiny"
    folder.mkdir()
    sample = {"doc_id": 0, "arguments": [["Q: 2 + 3 =", {}]], "target": "5", "acc": 1.0, "filter": "none"}
    make.lines(folder / "samples_sums_2026-11-26T11-00-00.jsonl", [sample])
    out = tmp_path / "runs.jsonl"

    result = command("import", "lm-eval", str(folder), "--out", str(out))

    assert result.code == 0, result.err
    assert f"next      add the column cost_usd to {out}, then: paretoroute fit {out} --out policy.yaml" in result.out


@pytest.mark.parametrize(
    "arguments, message",
    [
        ([], "give SOURCE, FILES and --out"),
        (["litellm", "LOG"], "give SOURCE, FILES and --out"),
        (["litelm", "LOG", "--out", "OUT"], "'litelm' is no source of an import; near: litellm"),
        (["litellm", "LOG", "--out", "OUT.csv"], "a file of runs ends in .parquet or .jsonl"),
        (["litellm", "LOG", "--out", "LOG"], "would be lost"),
        (["litellm", "LOG", "--out", "OUT"], "give the scores with --scores FILE"),
        (["litellm", "LOG", "--scores", "SCORES", "--rename", "x", "--out", "OUT"], "--rename 'x': write OLD=NEW"),
        (["litellm", "LOG", "--guess", "LOG"], "takes one file and no others"),
        (["--guess", "LOG", "--out", "OUT"], "a mapping ends in .yaml"),
    ],
)
def test_bad_input_is_one_line_and_nothing_is_written(tmp_path, arguments, message):
    log, scores = files(tmp_path)
    before = sorted(tmp_path.iterdir())
    paths = {
        "LOG": str(log),
        "SCORES": str(scores),
        "OUT": str(tmp_path / "r.jsonl"),
        "OUT.csv": str(tmp_path / "r.csv"),
    }

    result = command("import", *(paths.get(word, word) for word in arguments))

    assert message in one_line(result)
    assert sorted(tmp_path.iterdir()) == before


def test_a_guess_is_printed_or_written_and_never_over_a_file(tmp_path):
    log = tmp_path / "log.csv"
    log.write_text("prompt,engine,ok,took_ms\nWhy is it so?,gpt-5,true,5\n", encoding="utf-8")
    out = tmp_path / "map.yaml"

    printed = command("import", "--guess", str(log))
    written = command("import", "--guess", str(log), "--out", str(out))
    again = command("import", "--guess", str(log), "--out", str(out))
    runs = command("import", str(out), str(log), "--out", str(tmp_path / "runs.jsonl"))

    assert printed.out.startswith("# Columns of log.csv as runs")
    assert printed.out.strip() == out.read_text(encoding="utf-8").strip()
    assert "unsure" in written.out
    assert "none is written over" in one_line(again)
    assert runs.code == 0
