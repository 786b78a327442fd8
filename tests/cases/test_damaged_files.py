"""A side file with an impossible number under a right checksum: refused with the file, the field and the array."""

from __future__ import annotations

import hashlib

import numpy as np
import safetensors.numpy
import yaml

from tests.cases.case_log import case_rows, run_command, write_jsonl


def test_a_side_file_with_a_negative_amount_is_refused_before_a_plan(tmp_path):
    log = write_jsonl(tmp_path / "runs.jsonl", case_rows())
    assert run_command(tmp_path, "fit", log, "--out", "p.yaml").code == 0
    assert run_command(tmp_path, "fit", log, "--out", "p.yaml").code == 0
    surface = yaml.safe_load((tmp_path / "p.yaml").read_text(encoding="utf-8"))["surface"]
    assert sorted(path.name for path in tmp_path.glob("*p.*")) == [surface["file"], "p.yaml"]
    side = tmp_path / surface["file"]
    arrays = safetensors.numpy.load_file(side)
    arrays["traffic.amount"][3, 1] = np.float32(-3e38)
    side.write_bytes(safetensors.numpy.save(arrays))
    text = (tmp_path / "p.yaml").read_text(encoding="utf-8")
    (tmp_path / "p.yaml").write_text(
        text.replace(surface["sha256"], hashlib.sha256(side.read_bytes()).hexdigest()), encoding="utf-8"
    )

    outcome = run_command(tmp_path, "plan", "p.yaml", "Prove it.")

    assert outcome.code == 2
    assert f"p.yaml: surface.file: {side.name}: array traffic.amount is -3e+38 at [3, 1]" in outcome.err
