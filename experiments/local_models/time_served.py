"""Time answers as served: python time_served.py --out FOLDER [--each 12] [--passes 3] [--seed 0].

``each`` random questions of every kind are asked once of each model as a vote of two: the first request pays for the
prompt, the second measures one more sample (see served_cost.py). The models take turns, and the questions are spread
over several passes, so that a change of the machine's speed affects all models and kinds alike. As in live.py, no kind
follows itself at a server, where its examples would be cached. One question of each kind, the anchor, is asked in every
pass as a whole vote, to measure the drift between passes and to test the derived cost of whole votes. The same command
resumes a killed run.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
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
    """Return the path of a model's timings."""
    return folder / f"{name}.timings.jsonl"


def draw(questions: list[Question], each: int, *, seed: int) -> list[Question]:
    """Draw equally many questions of all kinds, in turn; a shorter list is a prefix of a longer one."""
    chance = random.Random(f"timed:{seed}")
    drawn = []
    for kind in KINDS:
        of_kind = [question for question in questions if question.kind == kind]
        drawn.append(chance.sample(of_kind, len(of_kind))[:each])
    return [question for turn in zip(*drawn, strict=True) for question in turn]


@dataclass(frozen=True)
class TimedVote:
    """One vote to time.

    Args:
        number: of the pass.
        model: by its name in the log.
        question: to ask.
        requests: of the vote.
    """

    number: int
    model: str
    question: Question
    requests: int


def schedule(questions: list[Question], anchors: list[Question], passes: int) -> Iterator[TimedVote]:
    """Yield the votes in the order in which they are asked."""
    for number in range(passes):
        by_model = [[(model, one) for one in asked_of(model, questions)[number::passes]] for model in IN_THE_LOG]
        for model, question in spread(by_model):
            yield TimedVote(number, model, question, REQUESTS)
        for model in IN_THE_LOG:
            whole = WITH_STEPS if model.endswith(SUFFIX) else WHOLE_VOTE
            yield from (TimedVote(number, model, question, whole) for question in asked_of(model, anchors))


def spread(lists: list[list[tuple[str, Question]]]) -> list[tuple[str, Question]]:
    """Merge lists evenly; where a kind would follow itself at a server, swap it with a later question."""
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


def _fits(item: tuple[str, Question], server: str, kind: str) -> bool:
    model, question = item
    return model.removesuffix(SUFFIX) == server and question.kind != kind


def time_vote(server: Server, model: str, question: Question, requests: int) -> dict:
    """Ask one vote; return the tokens and CPU seconds of its requests."""
    prompt, most = prompt_for(model, question), most_tokens(model, question)
    answers = [server.complete(prompt, most_tokens=most, seed=number) for number in range(requests)]
    return {
        "prompt_tokens": answers[0].prompt_tokens,
        "tokens": [served.tokens for served in answers],
        "seconds": [round(served.seconds, 6) for served in answers],
    }


def main() -> None:
    """Time all models."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--each", type=int, default=12)
    parser.add_argument("--passes", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    settings = json.loads((args.out / f"{NAMES[0]}.settings.json").read_text(encoding="utf-8"))
    questions = write_questions(settings["questions"], seed=settings["seed"])
    drawn = draw(questions, args.each, seed=args.seed)
    turns = list(schedule(drawn, draw(questions, 1, seed=args.seed), args.passes))
    lines = {model: complete_lines(timings_of(args.out, model)) for model in IN_THE_LOG}
    for model, kept in lines.items():
        timings_of(args.out, model).write_bytes(b"".join(line + b"\n" for line in kept))
    done = {model: len(kept) for model, kept in lines.items()}
    servers = {name: Server(name, args.out) for name in NAMES}
    try:
        for vote in track(turns, "timing", console=Console(stderr=True)):
            if done[vote.model]:
                done[vote.model] -= 1
                continue
            server = servers[vote.model.removesuffix(SUFFIX)]
            timed = time_vote(server, vote.model, vote.question, vote.requests)
            row = {"id": vote.question.id, "pass": vote.number} | timed
            with open(timings_of(args.out, vote.model), "ab") as file:
                append(file, row)
    finally:
        for server in servers.values():
            server.stop()


if __name__ == "__main__":
    main()
