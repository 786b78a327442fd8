"""From the log of another tool to a policy with two commands."""

from tests.cases.case_log import case_rows, run_command
from tests.runs.importers import foreign_logs as make


def test_import_and_fit_make_a_policy_from_a_litellm_log(tmp_path):
    payloads, scores = [], []
    for i, row in enumerate(case_rows(queries=60)):
        counts = {name: row[name] for name in ("prompt_tokens", "completion_tokens")}
        ids = {"litellm_call_id": f"c{i}", "id": f"r{i}", "trace_id": f"t{i}", "metadata": {"usage_object": counts}}
        more = {"model": f"openai/{row['model']}", "messages": make.user(row["query"]), "model_parameters": {}}
        payloads.append(make.payload(**ids, **more, **counts, response_cost=row["cost_usd"]))
        scores.append({"litellm_call_id": f"c{i}", "name": "correct", "value": row["quality"]})
    log, quality = make.lines(tmp_path / "calls.jsonl", payloads), make.lines(tmp_path / "scores.jsonl", scores)
    runs, policy = tmp_path / "runs.parquet", tmp_path / "policy.yaml"

    imported = run_command(tmp_path, "import", "litellm", str(log), str(quality), "--out", str(runs))
    fitted = run_command(tmp_path, "fit", str(runs), "--out", str(policy))

    assert (imported.code, fitted.code) == (0, 0), (imported.err, fitted.err)
    assert "model: big" in policy.read_text(encoding="utf-8") or 'model: "big"' in policy.read_text(encoding="utf-8")
