"""Compare the step-by-step prompt with the plain one: python pilot.py --weights FOLDER [--each 20] [--samples 4].

Ask ``each`` questions of every kind that has worked examples with the step-by-step prompt, and compare with the
collected answers to the plain prompt (``--runs``).
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
from grading import right, vote
from models import NAMES, Sampler
from questions import write_questions
from rich.console import Console
from rich.progress import track
from steps import KINDS_WITH_STEPS, SUFFIX


def main() -> None:
    """Ask, grade, and print one line per model and kind."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--runs", type=Path, default=Path(__file__).parent / "runs")
    parser.add_argument("--each", type=int, default=20)
    parser.add_argument("--samples", type=int, default=4)
    args = parser.parse_args()
    questions = write_questions(1053, seed=0)
    for name in NAMES:
        lines = (args.runs / f"{name}.generations.jsonl").read_text(encoding="utf-8").splitlines()
        plain = {row["id"]: row["answers"] for row in map(json.loads, lines)}
        sampler = Sampler(name + SUFFIX, args.weights, seed=0)
        for kind in KINDS_WITH_STEPS:
            chosen = [question for question in questions if question.kind == kind][: args.each]
            start, tokens, one, many, before = time.process_time(), [], [], [], []
            for question in track(chosen, f"{name} {kind}", console=Console(stderr=True)):
                _, answers = sampler.answer(question, args.samples)
                finals = [answer.text for answer in answers]
                tokens += [answer.tokens for answer in answers]
                one.append(np.mean([right(final, question) for final in finals]))
                many.append(right(vote(finals), question))
                answers = plain[question.id]
                votes = (1, args.samples, 16)
                before.append([
                    np.mean([right(vote(answers[at : at + k]), question) for at in range(0, 16, k)]) for k in votes
                ])  # fmt: skip
            seconds = (time.process_time() - start) / len(chosen)
            gain = np.array(one) - np.array(before)[:, 0]
            reach = 1.96 * gain.std() / len(gain) ** 0.5
            means = " / ".join(f"{mean:.2f}" for mean in np.mean(before, axis=0))
            print(
                f"{name} {kind}: plain 1 / {args.samples} / 16: {means}; steps 1 / {args.samples}: "
                f"{np.mean(one):.2f} / {np.mean(many):.2f}; gain of one sample {gain.mean():+.2f} +- {reach:.2f}; "
                f"{np.mean(tokens):.0f} tokens, {seconds:.2f} s per question",
                flush=True,
            )


if __name__ == "__main__":
    main()
