"""Time the answers as they are served: python time_served.py --out FOLDER [--passes 4] [--anchors 26] [--seed 0].

Every question of the log is asked of both models once, in turn, as a vote of three: the first request pays for the
prompt, the others show what one more sample costs (see served_cost.py). The questions are spread over several passes,
so that a machine that slows down slows no model and no kind more than another. A few of them, the anchors, are asked in
every pass and as a vote of 16: they show the drift between passes, and whether a vote of 16 costs what is derived.
Kill it and go on with the same command.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Iterator
from pathlib import Path

from collect import append, complete_lines
from models import MOST_TOKENS, NAMES
from questions import KINDS, Question, prompt_of, write_questions
from rich.console import Console
from rich.progress import track
from server import Server

REQUESTS = 3  # of a vote that is timed
WHOLE_VOTE = 16  # requests to an anchor


def timings_of(folder: Path, name: str) -> Path:
    """Say where the timings of a model lie."""
    return folder / f"{name}.timings.jsonl"


def anchors_of(questions: list[Question], count: int, *, seed: int) -> list[Question]:
    """Draw the questions that are asked in every pass, of all kinds equally many, the kinds in turn."""
    chance = random.Random(f"anchors:{seed}")
    drawn = {
        kind: chance.sample([question for question in questions if question.kind == kind], -(-count // len(KINDS)))
        for kind in KINDS
    }
    return [drawn[kind][number] for number in range(-(-count // len(KINDS))) for kind in KINDS][:count]


def schedule(questions: list[Question], anchors: list[Question], passes: int) -> Iterator[tuple[int, Question, int]]:
    """Give what is to be asked: the pass, the question, and the requests."""
    for number in range(passes):
        for question in questions[number::passes]:
            yield number, question, REQUESTS
        for question in anchors:
            yield number, question, WHOLE_VOTE


def time_vote(server: Server, question: Question, requests: int) -> dict:
    """Ask one vote: the tokens and the CPU seconds of each of its requests."""
    asked = [server.complete(prompt_of(question), most_tokens=MOST_TOKENS, seed=n) for n in range(requests)]
    return {"tokens": [tokens for _, tokens, _ in asked], "seconds": [round(seconds, 6) for _, _, seconds in asked]}


def main() -> None:
    """Time both models."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--passes", type=int, default=4)
    parser.add_argument("--anchors", type=int, default=26)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    settings = json.loads((asked.out / "settings.json").read_text())
    questions = write_questions(settings["questions"], seed=settings["seed"])
    todo = list(schedule(questions, anchors_of(questions, asked.anchors, seed=asked.seed), asked.passes))
    kept = {name: complete_lines(timings_of(asked.out, name)) for name in NAMES}
    done = min(map(len, kept.values()))
    for name, lines in kept.items():
        timings_of(asked.out, name).write_bytes(b"".join(line + b"\n" for line in lines[:done]))
    servers = {name: Server(name, asked.out) for name in NAMES}
    try:
        for number, question, requests in track(todo[done:], "timing", console=Console(stderr=True)):
            for name, server in servers.items():
                row = {"id": question.id, "pass": number} | time_vote(server, question, requests)
                with open(timings_of(asked.out, name), "ab") as file:
                    append(file, row)
    finally:
        for server in servers.values():
            server.stop()


if __name__ == "__main__":
    main()
