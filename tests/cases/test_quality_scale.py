"""Quality as stars, percent or points: rows are never selected by their outcome, and the option rescales."""

from __future__ import annotations

import yaml

from tests.cases.case_log import case_rows, run_command, write_jsonl


def starred(rows):
    """Plant quality of 1 to 5 stars: a right answer gets 3 to 5, a wrong one 1 or 2."""
    return [
        row | {"quality": 3 + i % 3 if row["quality"] else 1 + i % 2, "right": row["quality"]}
        for i, row in enumerate(rows)
    ]


def test_stars_are_refused_with_the_range_and_the_option_which_then_gives_the_mean_logged(tmp_path):
    rows = starred(case_rows(80))
    log = write_jsonl(tmp_path / "runs.jsonl", rows)

    refused = run_command(tmp_path, "fit", log, "--out", "p.yaml")

    assert refused.code == 2 and not (tmp_path / "p.yaml").exists()
    assert "range from 1 to 5" in refused.err and "--quality-scale 1:5" in refused.err

    fitted = run_command(tmp_path, "fit", log, "--quality-scale", "1:5", "--out", "p.yaml")

    assert fitted.code == 0, fitted.err
    policy = yaml.safe_load((tmp_path / "p.yaml").read_text(encoding="utf-8"))
    points = {entry["model"]: entry["points"][0]["quality"] for entry in policy["grid"]}
    for model, quality in points.items():
        stars = [row["quality"] for row in rows if row["model"] == model]
        assert abs(quality - (sum(stars) / len(stars) - 1) / 4) < 0.02
