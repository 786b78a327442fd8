"""Print answers to check their grades by hand: python show_grades.py [--runs runs] [--each 3] [--seed 0].

For ``each`` random questions of every kind and model: the question, the right answer, the raw answers, the vote and its
grade.
"""

from __future__ import annotations

import argparse
import random
from pathlib import Path

from assemble import read
from grading import right, vote
from questions import KINDS, write_questions


def main() -> None:
    """Print the sampled questions."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=Path, default=Path(__file__).parent / "runs")
    parser.add_argument("--each", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    questions = {question.id: question for question in write_questions(1053, seed=0)}
    for file in sorted(args.runs.glob("*.generations.jsonl")):
        rows = [(questions[row["id"]], row["answers"]) for row in read(file)]
        for kind in KINDS:
            chance = random.Random(f"{args.seed}:{file.name}:{kind}")
            for question, answers in chance.sample([row for row in rows if row[0].kind == kind], args.each):
                voted = vote(answers)
                grade = "right" if right(voted, question) else "wrong"
                print(f"{file.name.split('.')[0]} | {question.text} | right answer {question.answer!r}")
                marks = [f"{answer}{'*' if right(answer, question) else ''}" for answer in answers]
                print(f"    {' | '.join(marks)}\n    vote {voted!r}: {grade}")


if __name__ == "__main__":
    main()
