"""Collect answers of a model: python collect.py MODEL --out FOLDER [--questions 1053] [--samples 16] [--seed 0].

MODEL+steps asks with the step-by-step prompt, and only the kinds of question where that differs from the plain one.

A file a model, a line a question. Kill it and go on with the same command: a torn last line is dropped, and what is
there is not asked again. The file comes out the same to the byte. How long an answer takes is measured apart, through
the server that will give it: see time_served.py.
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
    """Give the lines of a file that were written whole."""
    return [line for line in path.read_bytes().split(b"\n")[:-1] if line] if path.exists() else []


def resume(path: Path, questions: list[Question]) -> int:
    """Cut a file back to the lines that are whole; give how many questions those are."""
    kept = complete_lines(path)
    for line, question in zip(kept, questions, strict=False):
        if json.loads(line)["id"] != question.id:
            raise SystemExit(f"{path}: {json.loads(line)['id']} stands where {question.id} belongs; use a new folder")
    path.write_bytes(b"".join(line + b"\n" for line in kept))
    return len(kept)


def append(file: BinaryIO, row: dict) -> None:
    """Write a line down for good."""
    file.write(json.dumps(row, ensure_ascii=False).encode() + b"\n")
    file.flush()
    os.fsync(file.fileno())


def asked_of(model: str, questions: list[Question]) -> list[Question]:
    """Keep the questions that are asked of a model: all of them, or those with steps."""
    return [question for question in questions if takes_steps(model, question) or not model.endswith(SUFFIX)]


def collect(sampler: Sampler, questions: list[Question], path: Path, samples: int) -> None:
    """Ask what is left, and write every answer down before the next question."""
    done = resume(path, questions)
    with open(path, "ab") as generations, Progress(console=Console(stderr=True)) as progress:
        task = progress.add_task(sampler.name, total=len(questions), completed=done)
        for question in questions[done:]:
            tokens, answers = sampler.answer(question, samples)
            said = {
                "id": question.id,
                "prompt_tokens": tokens,
                "answers": [answer.text for answer in answers],
                "tokens": [answer.tokens for answer in answers],
            }
            append(generations, said)
            progress.advance(task)


def main() -> None:
    """Collect one model's answers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", choices=NAMES + WITH_STEPS)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--questions", type=int, default=1053)
    parser.add_argument("--samples", type=int, default=16)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    settings = {"questions": asked.questions, "samples": asked.samples, "seed": asked.seed}
    (asked.out / f"{asked.model}.settings.json").write_text(json.dumps(settings, indent=2) + "\n")
    questions = asked_of(asked.model, write_questions(asked.questions, seed=asked.seed))
    path = asked.out / f"{asked.model}.generations.jsonl"
    collect(Sampler(asked.model, asked.out, seed=asked.seed), questions, path, asked.samples)


if __name__ == "__main__":
    main()
