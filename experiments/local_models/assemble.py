"""Assemble raw answers into a log of runs: python assemble.py FOLDER OUT.parquet.

The 16 raw samples of a question form 16 / k disjoint groups for a vote of k. Quality is the share of groups with a
right vote (trials = 16 / k); tokens, cost, latency and score are means over groups. The score of a vote is the share of
its samples that agree with it, 1 for a vote of one. The prompt is evaluated once per vote. Cost is the CPU seconds of
the server, as measured by time_served.py, times the price of a core-hour.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from grading import agreement, right, vote
from models import IN_THE_LOG, most_tokens
from questions import Question, write_questions
from served_cost import ServedCost, served_cost
from steps import SUFFIX

CORE_HOUR_USD = 0.04  # of one shared virtual core in clouds
VOTES = (1, 2, 4, 8, 16)
VOTES_WITH_STEPS = (1, 2, 4)  # four raw samples: an answer in steps is long


def rows_of(model: str, question: Question, generated: dict, cost: ServedCost) -> list[dict]:
    """Return the runs of one model on one question, one row per size of vote."""
    answers, rows = generated["answers"], []
    most = most_tokens(model, question)
    tokens = [min(count, most) for count in generated["tokens"]]  # a truncated answer has no end token
    for size in VOTES_WITH_STEPS if model.endswith(SUFFIX) else VOTES:
        groups = [slice(at, at + size) for at in range(0, len(answers) - size + 1, size)]
        seconds = sum(cost.vote_s(generated["prompt_tokens"], tokens[group]) for group in groups) / len(groups)
        rows.append(
            {
                "query_id": question.id,
                "query": question.text,
                "tag": question.kind,
                "model": model,
                "budget_kind": "samples",
                "budget_label": str(size),
                "budget": float(size),
                "quality": sum(right(vote(answers[group]), question) for group in groups) / len(groups),
                "trials": float(len(groups)),
                "prompt_tokens": float(generated["prompt_tokens"]),
                "completion_tokens": sum(sum(tokens[group]) for group in groups) / len(groups),
                "cost_usd": seconds * CORE_HOUR_USD / 3600,
                "latency_s": round(seconds, 6),
                "score": sum(agreement(answers[group]) for group in groups) / len(groups),
            }
        )
    return rows


def read(path: Path) -> list[dict]:
    """Read a file of JSON lines."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def by_question(folder: Path, model: str) -> dict[str, tuple[dict, ServedCost]]:
    """Return a model's generations by question id, each with the costs of its served requests."""
    cost = served_cost(read(folder / f"{model}.timings.jsonl"))
    return {row["id"]: (row, cost) for row in read(folder / f"{model}.generations.jsonl")}


def assemble(folder: Path) -> list[dict]:
    """Return the runs of all models in a folder; questions without steps have the plain prompt."""
    settings = json.loads((folder / f"{IN_THE_LOG[0]}.settings.json").read_text(encoding="utf-8"))
    questions = write_questions(settings["questions"], seed=settings["seed"])
    rows = []
    for model in IN_THE_LOG:
        generations = by_question(folder, model.removesuffix(SUFFIX)) | by_question(folder, model)
        for question in questions:
            rows += rows_of(model, question, *generations[question.id])
    return rows


def main() -> None:
    """Write the log."""
    if len(sys.argv) != 3:
        raise SystemExit(__doc__)
    rows = assemble(Path(sys.argv[1]))
    pq.write_table(pa.Table.from_pylist(rows), sys.argv[2], compression="zstd", compression_level=19)
    size = Path(sys.argv[2]).stat().st_size
    print(f"{len(rows)} runs of {len({row['query_id'] for row in rows})} questions, {size} bytes")


if __name__ == "__main__":
    main()
