"""Logs in which the score of an answer is known before the next call, each point on samples of its own.

A vote's score is the share of its samples that agree with it. Means over groups of samples, as in the log that ships,
would show a probe more than one vote can: here each vote is a single group, and no sample serves two points.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

HERE = Path(__file__).parents[1]
sys.path[:0] = [str(HERE), str(HERE / "local_models")]
import grading
from assemble import CORE_HOUR_USD, by_question
from logs import read_log
from models import IN_THE_LOG, most_tokens
from questions import write_questions
from steps import SUFFIX

import paretoroute as pr

MOST_QUERIES = 1600
COT_MODELS = 8
GPQA_PROBES = {"gpt-5.4-nano-2026-03-17": (2, 3), "gpt-5.4-mini-2026-03-17": (2, 3)}


@dataclass(frozen=True)
class SampledLog:
    """A log, and the points that may be probed, by name."""

    runs: pr.Runs
    probes: tuple[str, ...]


def demo() -> SampledLog:
    """Return the two small models' votes of 1, 2, 4 and 8 (with worked examples 1 and 2), from their raw answers."""
    folder = HERE / "local_models" / "runs"
    settings = json.loads((folder / f"{IN_THE_LOG[0]}.settings.json").read_text(encoding="utf-8"))
    rows = []
    for model in IN_THE_LOG:
        generations = by_question(folder, model.removesuffix(SUFFIX)) | by_question(folder, model)
        slices = {1: slice(0, 1), 2: slice(1, 3)}
        if not model.endswith(SUFFIX):
            slices = {2: slice(0, 2), 4: slice(2, 6), 8: slice(6, 14), 1: slice(14, 15)}
        for question in write_questions(settings["questions"], seed=settings["seed"]):
            generated, cost = generations[question.id]
            for size, part in slices.items():
                answers = generated["answers"][part]
                most = most_tokens(model, question)
                tokens = [min(count, most) for count in generated["tokens"][part]]
                usd = cost.vote_s(generated["prompt_tokens"], tokens) * CORE_HOUR_USD / 3600
                right = float(grading.right(grading.vote(answers), question))
                row = _row(question.id, question.text, model, str(size), size, quality=right, usd=usd)
                rows.append(row | {"score": grading.agreement(answers) if size > 1 else None})
    names = ("smollm2-135m@2", "smollm2-135m@4", "gemma3-270m@2", "gemma3-270m@4")
    return SampledLog(pr.read_runs(pa.Table.from_pylist(rows)), names)


def cot_samples(folder: Path) -> SampledLog:
    """Return direct answers and votes of 1, 3, 5 and 9 chain-of-thought samples of eight models."""
    cells: dict[tuple[str, str], list[dict]] = {}
    for row in pq.read_table(folder / "samples.parquet").to_pylist():
        cells.setdefault((row["query_id"], row["model"]), []).append(row)
    by_query = Counter(query for query, _ in cells)
    seen = Counter(model for query, model in cells if by_query[query] >= COT_MODELS)
    models = {model for model, _ in seen.most_common(COT_MODELS)}
    rows = []
    for (query, model), runs in sorted(cells.items()):
        if model not in models or by_query[query] < COT_MODELS:
            continue
        direct = [run for run in runs if run["budget_label"] == "no_cot"]
        samples = sorted((r for r in runs if r["budget_label"] == "cot"), key=lambda run: run["sample_index"])
        rows += [_voted(query, model, "no_cot", direct[:1])] if direct else []
        at = 0
        for size in (3, 5, 9, 1):
            if at + size <= len(samples):
                rows.append(_voted(query, model, f"maj@{size}", samples[at : at + size]))
            at += size
    small = sorted(models, key=lambda m: np.mean([row["cost_usd"] for row in rows if row["model"] == m]))
    names = tuple(f"{model}@maj@{k}" for model in small[:4] for k in (3, 5))
    return SampledLog(pr.read_runs(pa.Table.from_pylist(rows)), names)


def _voted(query: str, model: str, label: str, runs: list[dict]) -> dict:
    """Return a vote of one cell's runs; of equally frequent answers the first stands."""
    answers = [run["answer"] for run in runs]
    winner = Counter(answers).most_common(1)[0][0]
    right = next(run["quality"] for run in runs if run["answer"] == winner)
    row = _row(query, runs[0].get("query") or "", model, label, len(runs) * (label != "no_cot"), quality=right,
               usd=sum(run["cost_usd"] for run in runs))  # fmt: skip
    return row | {"score": answers.count(winner) / len(runs) if len(runs) > 1 else None}


def gpqa(folder: Path) -> SampledLog:
    """Return the log of GPQA; probes are votes of 2 and 3 of gpt-5.4-nano, and of 2 of -mini, on runs of their own."""
    runs = read_log(str(folder))
    texts = {key.split("/", 1)[1]: text for key, text in zip(runs.query_ids, runs.texts, strict=True)}
    names = {(point.model, point.budget.label) for point in runs.points}
    columns = ["query_id", "model", "budget_kind", "budget_label", "budget", "answer", "quality", "cost_usd"]
    rows, samples = [], {}
    for run in pq.read_table(folder / "outcomes.parquet", columns=[*columns, "sample_index"]).to_pylist():
        query, model = run["query_id"], run["model"]
        if (model, run["budget_label"]) not in names or run["cost_usd"] is None or query not in texts:
            continue
        if model in GPQA_PROBES and run["answer"] is not None and run["sample_index"] < sum(GPQA_PROBES[model]):
            samples.setdefault((query, model), []).append(run)
            continue
        rows.append(_row(query, texts[query], model, run["budget_label"], run["budget"], quality=run["quality"],
                         usd=run["cost_usd"], kind=run["budget_kind"]) | {"score": None})  # fmt: skip
    for (query, model), every in samples.items():
        at, every = 0, sorted(every, key=lambda run: run["sample_index"])
        for size in GPQA_PROBES[model]:
            part = [run | {"query": texts[query]} for run in every[at : at + size]]
            rows += [_voted(query, f"{model} vote", f"maj@{size}", part)] if len(part) == size else []
            at += size
    probes = tuple(f"{model} vote@maj@{size}" for model, sizes in GPQA_PROBES.items() for size in sizes)
    return SampledLog(pr.read_runs(pa.Table.from_pylist(rows)), probes)


def agreeing(folder: Path, pairs: tuple[tuple[str, str], ...], *, skip: int = 0) -> SampledLog:
    """Return a log with pairs of points as probes: both are called, the second answers, and the score is agreement.

    Args:
        folder: of the log.
        pairs: names of points.
        skip: number of queries of the random order that are left to another log.
    """
    runs = read_log(str(folder))
    keys = {key.split("/", 1)[1] for key in runs.query_ids}
    kept = np.random.default_rng(0).permutation(np.array(sorted(keys)))[skip : skip + MOST_QUERIES]
    wanted, names = set(kept.tolist()), {point.name for point in runs.points}
    columns = ["query_id", "query", "model", "budget_kind", "budget_label", "answer", "quality", "cost_usd"]
    rows, cells = [], {}
    for run in pq.read_table(folder / "outcomes.parquet", columns=columns).to_pylist():
        name = f"{run['model']}@{run['budget_label']}"
        if (
            run["query_id"] not in wanted
            or run["cost_usd"] is None
            or (name not in names and run["model"] not in names)
        ):
            continue
        row = _row(run["query_id"], run["query"], run["model"], run["budget_label"], None, quality=run["quality"],
                   usd=run["cost_usd"], kind=run["budget_kind"])  # fmt: skip
        rows.append(row | {"score": None})
        cells[run["query_id"], name] = run
    for query in kept:
        for first, second in pairs:
            one, two = cells.get((query, first)), cells.get((query, second))
            if one and two and one["answer"] is not None and two["answer"] is not None:
                usd = one["cost_usd"] + two["cost_usd"]
                row = _row(query, two["query"], f"{first} and {second}", "both", None, quality=two["quality"], usd=usd)
                rows.append(row | {"score": float(one["answer"] == two["answer"])})
    probes = tuple(f"{first} and {second}@both" for first, second in pairs)
    return SampledLog(pr.read_runs(pa.Table.from_pylist(rows)), probes)


def _row(
    query: str, text: str, model: str, label: str, amount: float | None, *, quality: float, usd: float,
    kind: str = "samples",
) -> dict:  # fmt: skip
    return {
        "query_id": query, "query": text or "", "model": model, "budget_kind": kind, "budget_label": label,
        "budget": None if amount is None else float(amount), "quality": float(quality), "cost_usd": float(usd),
    }  # fmt: skip


MED = ("gpt-4o-mini@default", "Llama-3.3-70B-Instruct-Turbo@default"), ("gpt-4o-mini@default", "DeepSeek-V3@default")
HARD = ("gpt-4o-mini@zero_shot", "gpt-4o-mini@few_shot"), ("gpt-4o-mini@cot", "DeepSeek-V3@cot")
MMLU = ("Phi-3-mini-4k-instruct@default", "gemini-1.5-flash-002@default"), (
    "Meta-Llama-3_1-8B-Instruct@default", "gemini-1.5-flash-002@default",
)  # fmt: skip

LOGS: dict[str, Callable[[Path], SampledLog]] = {
    "demo": lambda _: demo(),
    "cot_samples": lambda data: cot_samples(data / "cot_samples"),
    "epoch_gpqa": lambda data: gpqa(data / "epoch_gpqa"),
    "med_zeroshot": lambda data: agreeing(data / "med_zeroshot", MED),
    "med_zeroshot_others": lambda data: agreeing(data / "med_zeroshot", MED, skip=MOST_QUERIES),
    "medagents_hard": lambda data: agreeing(data / "medagents_hard", HARD),
    "mmlu_pro": lambda data: agreeing(data / "mmlu_pro", MMLU),
}
