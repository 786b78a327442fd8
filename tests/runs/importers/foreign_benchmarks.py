"""Files of benchmark harnesses: LLMRouterBench and lm-evaluation-harness, for tests of their importers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.runs.importers.foreign_logs import QUESTION, Row, document, lines


def bench_file(folder: Path, stamp: str = "20260101_000000", **changes: Any) -> Path:
    """Write a file of LLMRouterBench in the folders of its dataset, split and model."""
    record = {"index": 1, "origin_query": "7?", "prompt": QUESTION, "prompt_tokens": 40, "completion_tokens": 100}
    value: Row = {
        "model_name": "gpt-5-medium",
        "dataset_name": "sums",
        "split": "test",
        "demo": False,
        "time_taken": 9.5,
        "records": [record | {"cost": 2.4e-05, "score": 1.0, "raw_output": "seven"}],
    }
    value |= changes
    home = folder / "bench" / value["dataset_name"] / value["split"] / value["model_name"]
    home.mkdir(parents=True, exist_ok=True)
    name = f"{value['dataset_name']}-{value['split']}-{value['model_name']}-{stamp}.json"
    return document(home / name, value)


def harness(folder: Path, model: str, *samples: Row, filters: list[Row] | None = None, **config: Any) -> list[Path]:
    """Write samples and results of lm-eval in the folder of a model."""
    home, stamp = folder / model, "2026-11-26T11-12-07.386348"
    home.mkdir(parents=True, exist_ok=True)
    results = {
        "results": {"sums": {}},
        "configs": {"sums": {"task": "sums", "filter_list": filters}},
        "higher_is_better": {"sums": {"exact_match": True}},
        "config": {"model": "local-completions", **config},
        "model_name": model,
    }
    return [
        lines(home / f"samples_sums_{stamp}.jsonl", samples),
        document(home / f"results_{stamp}.json", results),
    ]


def harness_sample(doc: int = 0, **changes: Any) -> Row:
    """Return a line of lm-eval's samples."""
    row: Row = {
        "doc_id": doc,
        "arguments": {"gen_args_0": {"arg_0": f"Q: {doc}\nA:", "arg_1": {"until": ["\n"]}}},
        "resps": [["5"]],
        "filter": "none",
        "metrics": ["exact_match"],
        "exact_match": 1.0,
    }
    return row | changes
