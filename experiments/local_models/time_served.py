"""Time the answers as they are served: python time_served.py --out FOLDER [--each 12] [--passes 3] [--seed 0].

``each`` questions of every kind, drawn by the seed, are asked once of each model as a vote of two: the first request
pays for the prompt, the other shows what one more sample costs (see served_cost.py). The models take turns question by
question, and the questions are spread over several passes, so that a machine that slows down slows no model and no kind
more than another. No kind follows itself at a server, as in live.py: it would find its examples read already. One
question of each kind, the anchors, is asked in every pass and as a whole vote: they show the drift between passes, and
whether a whole vote costs what is derived. Kill it and go on with the same command.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Iterator
from pathlib import Path

from collect import append, asked_of, complete_lines
from models import IN_THE_LOG, NAMES, most_tokens, prompt_for
from questions import KINDS, Question, write_questions
from rich.console import Console
from rich.progress import track
from server import Server
from steps import SUFFIX

REQUESTS = 2  # of a vote that is timed
WHOLE_VOTE, WITH_STEPS = 16, 4  # requests to an anchor


def timings_of(folder: Path, name: str) -> Path:
    """Say where the timings of a model lie."""
    return folder / f"{name}.timings.jsonl"


def draw(questions: list[Question], each: int, *, seed: int) -> list[Question]:
    """Draw equally many questions of all kinds, the kinds in turn; a longer list begins with the shorter one."""
    chance = random.Random(f"timed:{seed}")
    drawn = []
    for kind in KINDS:
        of_kind = [question for question in questions if question.kind == kind]
        drawn.append(chance.sample(of_kind, len(of_kind))[:each])
    return [question for turn in zip(*drawn, strict=True) for question in turn]


Asked = tuple[int, str, Question, int]


def schedule(questions: list[Question], anchors: list[Question], passes: int) -> Iterator[Asked]:
    """Give what is to be asked: the pass, the model by its name in the log, the question, and the requests."""
    for number in range(passes):
        ways = [[(model, asked) for asked in asked_of(model, questions)[number::passes]] for model in IN_THE_LOG]
        for model, question in spread(ways):
            yield number, model, question, REQUESTS
        for model in IN_THE_LOG:
            whole = WITH_STEPS if model.endswith(SUFFIX) else WHOLE_VOTE
            yield from ((number, model, question, whole) for question in asked_of(model, anchors))


def spread(lists: list[list[tuple[str, Question]]]) -> list[tuple[str, Question]]:
    """Merge lists, each spread evenly over the whole; where a kind would follow itself at a server, swap it back."""
    where = [((at + 0.5) / len(items), which, at) for which, items in enumerate(lists) for at in range(len(items))]
    merged, before = [lists[which][at] for _, which, at in sorted(where)], {}
    for at, (model, question) in enumerate(merged):
        server = model.removesuffix(SUFFIX)
        if before.get(server) == question.kind:
            later = (n for n in range(at + 1, len(merged)) if _fits(merged[n], server, question.kind))
            swap = next(later, at)
            merged[at], merged[swap] = merged[swap], merged[at]
        before[server] = merged[at][1].kind
    return merged


def _fits(asked: tuple[str, Question], server: str, kind: str) -> bool:
    return asked[0].removesuffix(SUFFIX) == server and asked[1].kind != kind


def time_vote(server: Server, model: str, question: Question, requests: int) -> dict:
    """Ask one vote: the tokens and the CPU seconds of each of its requests."""
    prompt, most = prompt_for(model, question), most_tokens(model, question)
    asked = [server.complete(prompt, most_tokens=most, seed=number) for number in range(requests)]
    return {
        "prompt_tokens": asked[0].prompt_tokens,
        "tokens": [served.tokens for served in asked],
        "seconds": [round(served.seconds, 6) for served in asked],
    }


def main() -> None:
    """Time all models."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--each", type=int, default=12)
    parser.add_argument("--passes", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    settings = json.loads((asked.out / f"{NAMES[0]}.settings.json").read_text())
    questions = write_questions(settings["questions"], seed=settings["seed"])
    drawn = draw(questions, asked.each, seed=asked.seed)
    turns = list(schedule(drawn, draw(questions, 1, seed=asked.seed), asked.passes))
    lines = {model: complete_lines(timings_of(asked.out, model)) for model in IN_THE_LOG}
    for model, kept in lines.items():
        timings_of(asked.out, model).write_bytes(b"".join(line + b"\n" for line in kept))
    done = {model: len(kept) for model, kept in lines.items()}
    servers = {name: Server(name, asked.out) for name in NAMES}
    try:
        for number, model, question, requests in track(turns, "timing", console=Console(stderr=True)):
            if done[model]:
                done[model] -= 1
                continue
            server = servers[model.removesuffix(SUFFIX)]
            row = {"id": question.id, "pass": number} | time_vote(server, model, question, requests)
            with open(timings_of(asked.out, model), "ab") as file:
                append(file, row)
    finally:
        for server in servers.values():
            server.stop()


if __name__ == "__main__":
    main()
