"""A policy that was signed, and then solved anew over the old file: it has to be signed again."""

from __future__ import annotations

from tests.cases.case_log import case_rows, run_command, write_jsonl
from tests.policy.signatures.key_files import key_pair


def test_a_policy_that_is_written_over_a_signed_one_has_to_be_signed_again(tmp_path):
    ops, plan = key_pair(tmp_path), ("plan", "p.yaml", "Prove it.", "--trusted-key", "ops.pub.pem")
    assert run_command(tmp_path, "fit", write_jsonl(tmp_path / "runs.jsonl", case_rows()), "--out", "p.yaml").code == 0
    assert run_command(tmp_path, "sign", "p.yaml", "--key", ops.private.name).code == 0
    assert run_command(tmp_path, *plan).code == 0
    assert run_command(tmp_path, "solve", "p.yaml", "--worth", "0.01", "--out", "p.yaml", "--force").code == 0

    refused = run_command(tmp_path, *plan)
    signed = run_command(tmp_path, "sign", "p.yaml", "--key", ops.private.name)

    assert refused.code == 2
    assert f"p.yaml: was changed or replaced after {ops.key} signed it" in refused.err
    assert signed.code == run_command(tmp_path, *plan).code == 0
