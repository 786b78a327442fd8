"""Collect answers of a model: python collect.py MODEL --out FOLDER [--questions 1053] [--samples 16] [--seed 0].

MODEL+steps uses the step-by-step prompt, on the kinds of question where it differs from the plain one.

Each model has a file with one line per question. The same command resumes a killed collection: it drops a torn last
line, skips answered questions, and writes the same bytes as an uninterrupted one. time_served.py measures CPU time
separately, through the server.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import BinaryIO

from models import NAMES, WITH_STEPS, Sampler, takes_steps
from questions import Question, write_questions
from rich.console import Console
from rich.progress import Progress
from steps import SUFFIX


def complete_lines(path: Path) -> list[bytes]:
    """Return the complete lines of a file."""
    return [line for line in path.read_bytes().split(b"\n")[:-1] if line] if path.exists() else []


def resume(path: Path, questions: list[Question]) -> int:
    """Truncate a file to its complete lines, and return their number."""
    kept = complete_lines(path)
    for line, question in zip(kept, questions, strict=False):
        if json.loads(line)["id"] != question.id:
            raise SystemExit(f"{path}: {json.loads(line)['id']} stands where {question.id} belongs; use a new folder")
    path.write_bytes(b"".join(line + b"\n" for line in kept))
    return len(kept)


def append(file: BinaryIO, row: dict) -> None:
    """Append a line and sync it to disk."""
    file.write(json.dumps(row, ensure_ascii=False).encode() + b"\n")
    file.flush()
    os.fsync(file.fileno())


def asked_of(model: str, questions: list[Question]) -> list[Question]:
    """Return a model's questions: all of them, or those with steps."""
    return [question for question in questions if takes_steps(model, question) or not model.endswith(SUFFIX)]


def collect(sampler: Sampler, questions: list[Question], path: Path, samples: int) -> None:
    """Ask the remaining questions, and sync each answer to disk before the next."""
    done = resume(path, questions)
    with open(path, "ab") as generations, Progress(console=Console(stderr=True)) as progress:
        task = progress.add_task(sampler.name, total=len(questions), completed=done)
        for question in questions[done:]:
            tokens, answers = sampler.answer(question, samples)
            row = {
                "id": question.id,
                "prompt_tokens": tokens,
                "answers": [answer.text for answer in answers],
                "tokens": [answer.tokens for answer in answers],
            }
            append(generations, row)
            progress.advance(task)


def main() -> None:
    """Collect one model's answers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", choices=NAMES + WITH_STEPS)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--questions", type=int, default=1053)
    parser.add_argument("--samples", type=int, default=16)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    settings = {"questions": args.questions, "samples": args.samples, "seed": args.seed}
    (args.out / f"{args.model}.settings.json").write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")
    questions = asked_of(args.model, write_questions(args.questions, seed=args.seed))
    path = args.out / f"{args.model}.generations.jsonl"
    collect(Sampler(args.model, args.out, seed=args.seed), questions, path, args.samples)


if __name__ == "__main__":
    main()
