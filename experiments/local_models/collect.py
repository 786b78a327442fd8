"""Collect answers of a model: python collect.py MODEL --out FOLDER [--questions 1053] [--samples 16] [--seed 0].

Two files a model, a line a question: what was generated, and how long it took. Kill it and go on with the same command:
a torn last line is dropped, and what is there is not asked again. The first file comes out the same to the byte.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path

from models import NAMES, Sampler
from questions import Question, write_questions
from rich.console import Console
from rich.progress import Progress


def complete_lines(path: Path) -> list[bytes]:
    """Give the lines of a file that were written whole."""
    return [line for line in path.read_bytes().split(b"\n")[:-1] if line] if path.exists() else []


def resume(paths: tuple[Path, Path], questions: list[Question]) -> int:
    """Cut both files back to the questions that both have; give how many those are."""
    lines = [complete_lines(path) for path in paths]
    done = min(map(len, lines))
    for path, kept in zip(paths, lines, strict=True):
        path.write_bytes(b"".join(line + b"\n" for line in kept[:done]))
        for line, question in zip(kept[:done], questions, strict=False):
            if json.loads(line)["id"] != question.id:
                raise SystemExit(
                    f"{path}: {json.loads(line)['id']} stands where {question.id} belongs; use a new folder"
                )
    return done


def collect(sampler: Sampler, questions: list[Question], paths: tuple[Path, Path], samples: int) -> None:
    """Ask what is left, and write every answer down before the next question."""
    done = resume(paths, questions)
    with open(paths[0], "ab") as generations, open(paths[1], "ab") as timings:
        with Progress(console=Console(stderr=True)) as progress:
            task = progress.add_task(sampler.name, total=len(questions), completed=done)
            for question in questions[done:]:
                tokens, seconds, answers = sampler.answer(question, samples)
                said = {
                    "id": question.id,
                    "prompt_tokens": tokens,
                    "answers": [answer.text for answer in answers],
                    "tokens": [answer.tokens for answer in answers],
                }
                took = {
                    "id": question.id,
                    "prompt_seconds": round(seconds, 6),
                    "seconds": [round(answer.seconds, 6) for answer in answers],
                }
                for file, row in ((generations, said), (timings, took)):
                    file.write(json.dumps(row, ensure_ascii=False).encode() + b"\n")
                    file.flush()
                    os.fsync(file.fileno())
                progress.advance(task)


def main() -> None:
    """Collect one model's answers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", choices=NAMES)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--questions", type=int, default=1053)
    parser.add_argument("--samples", type=int, default=16)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    settings = {"questions": asked.questions, "samples": asked.samples, "seed": asked.seed}
    (asked.out / "settings.json").write_text(json.dumps(settings, indent=2) + "\n")
    questions = write_questions(asked.questions, seed=asked.seed)
    paths = (asked.out / f"{asked.model}.generations.jsonl", asked.out / f"{asked.model}.timings.jsonl")
    collect(Sampler(asked.model, asked.out, seed=asked.seed), questions, paths, asked.samples)


if __name__ == "__main__":
    main()
