"""The checks of a log do not depend on the order of its rows or on how they are spread over files."""

import random

import pytest

import paretoroute as pr
from paretoroute.runs.read import read_runs
from tests.cases.case_log import case_rows, write_jsonl
from tests.runs.logs import assert_same


def spoilt_rows():
    """Return a log with something for every check: three rows of two models in each kind of fault."""
    rows = case_rows(120)
    for i, row in enumerate(rows):
        row["tag"] = ["maths", "easy"] if i % 3 else {"area": "maths"}
        row["conversation"] = f"c{i // 2 % 7}"
    for i, name in enumerate(("small", "Small", "big", "openai/big")):
        rows += [row | {"model": name, "budget_label": f"label {i}"} for row in rows[i::20]]
    for row in rows[::9]:
        row["cost_usd"] = -row["cost_usd"] / 10
    for row in rows[4::30]:
        row["cost_usd"] = -1.0
    for model in ("reasoner", "thinker"):
        new = [row | {"model": model, "cost_usd": None, "reasoning_tokens": 900} for row in case_rows(12)]
        rows += new[::2]
    rows += [row | {"query": f"{row['query']}!"} for row in rows[:5]]
    rows += [row | {"query": f"{row['query']} and then some", "query_id": "q0"} for row in rows[:1]]
    rows[0]["quality"], rows[1]["quality"], rows[2]["cost_usd"] = None, "true", "dear"
    rows[6]["reasoning_tokens"] = 1e5
    rows += [row | {"budget_kind": "Effort", "budget_label": label} for label in ("high", "LOW") for row in rows[:2]]
    counts = {"cached_tokens": 1, "latency": 2}
    return [row | {"usage": dict(sorted(counts.items(), reverse=i % 2 > 0))} for i, row in enumerate(rows)]


@pytest.mark.parametrize("seed", range(5))
def test_shuffled_rows_in_one_file_or_in_three_give_the_same_runs_and_findings(tmp_path, seed):
    rows = spoilt_rows()
    expected = read_runs(write_jsonl(tmp_path / "log.jsonl", rows))
    random.Random(seed).shuffle(rows)

    whole = read_runs(write_jsonl(tmp_path / "shuffled.jsonl", rows))
    parts = read_runs(*(write_jsonl(tmp_path / f"part{i}.jsonl", rows[i::3]) for i in range(3)))

    assert len(expected.notices) > 10
    for runs in (whole, parts):
        assert_same(expected, runs)
        assert expected.notices == runs.notices


def test_a_fit_of_shuffled_rows_in_two_files_writes_the_same_policy(tmp_path):
    rows = spoilt_rows()
    shuffled = random.Random(1).sample(rows, len(rows))
    prices = {"reasoner": pr.Price(1.0, 2.0), "thinker": pr.Price(3.0, 4.0)}
    logs = (
        [write_jsonl(tmp_path / "log.jsonl", rows)],
        [write_jsonl(tmp_path / f"part{i}.jsonl", shuffled[i::2]) for i in range(2)],
    )
    folders = [tmp_path / "a", tmp_path / "b"]

    for folder, log in zip(folders, logs, strict=True):
        folder.mkdir()
        pr.fit(read_runs(*log), pr.MaxCost(usd=1e-3), prices=prices).save(folder / "policy.yaml")

    first, second = ({path.name: path.read_bytes() for path in folder.iterdir()} for folder in folders)
    assert first == second
