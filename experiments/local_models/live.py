"""The loop closed on real models: python live.py --weights FOLDER [--questions 300] [--usd 6e-6].

Fits a policy on half of the shipped log's questions, serves both models by llama-cpp-python's server, plans new
questions, asks the model that was planned through the openai client, votes, grades, and compares with what the planner
promised and with every fixed point. Between the questions it asks some of the log's questions again, of both models:
they show how fast the machine is now, beside when the log was timed.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from assemble import CORE_HOUR_USD, read
from grading import right, vote
from models import IN_THE_LOG, NAMES, most_tokens, prompt_for, takes_steps
from questions import Question, write_questions
from rich.console import Console
from rich.progress import track
from served_cost import served_cost
from server import Server
from steps import SUFFIX
from time_served import REQUESTS, draw, time_vote, timings_of

import paretoroute as pr

COLLECTED = 1053  # questions of the shipped log; the new ones follow them
ANCHOR_EVERY = 12  # questions between two anchors
Z_JOINT = 2.241  # two intervals of 97.5% each hold together at least 95% of the time (Bonferroni)
Z_90 = 1.645  # a policy's own intervals are of 90%


@dataclass(frozen=True)
class Answered:
    """What came of one question: what was promised for it, and what was realised."""

    kind: str
    point: str
    promised_quality: float
    promised_usd: float
    quality: float
    usd: float


def ask(server: Server, question: Question, arguments: dict) -> tuple[bool, float]:
    """Ask as planned and vote; tell whether the vote is right, and the CPU seconds of the server."""
    model = arguments["model"]
    most = min(arguments["max_completion_tokens"], most_tokens(model, question))
    start = server.seconds()
    answers = [
        server.complete(prompt_for(model, question), most_tokens=most, seed=number).text
        for number in range(arguments.get("n", 1))  # the server gives one choice a request
    ]
    return right(vote(answers), question), server.seconds() - start


def halves(runs: pr.Runs) -> tuple[pr.Runs, pr.Runs]:
    """Split the log's questions in two, every other one."""
    first = np.arange(len(runs.query_ids)) % 2 == 0
    return runs.select(first), runs.select(~first)


class Pace:
    """How many CPU seconds the anchors take now, for each one that they took when the log was timed."""

    def __init__(self, folder: Path) -> None:
        self._costs = {model: served_cost(read(timings_of(folder, model))) for model in IN_THE_LOG}
        self._now = dict.fromkeys(IN_THE_LOG, 0.0)
        self._then = dict.fromkeys(IN_THE_LOG, 0.0)

    def ask(self, servers: dict[str, Server], anchor: Question) -> None:
        """Time one anchor with every model."""
        for model in IN_THE_LOG:
            if not model.endswith(SUFFIX) or takes_steps(model, anchor):
                row = time_vote(servers[model.removesuffix(SUFFIX)], model, anchor, REQUESTS)
                self._now[model] += sum(row["seconds"])
                self._then[model] += self._costs[model].vote_s(row["prompt_tokens"], row["tokens"])

    def __str__(self) -> str:
        ratios = (f"{model} x{self._now[model] / self._then[model]:.3f}" for model in IN_THE_LOG if self._then[model])
        return ", ".join(ratios)


def main() -> None:
    """Run the loop and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", type=Path, required=True, help="the folder of the weights and the timings")
    parser.add_argument("--questions", type=int, default=300)
    parser.add_argument("--usd", type=float, default=6e-6)
    asked = parser.parse_args()
    half, other = halves(pr.demo_runs())
    policy = pr.fit(half, pr.MaxCost(usd=asked.usd))
    planner = pr.Planner(policy, dialect="openai", seed=0)
    questions = write_questions(COLLECTED + asked.questions, seed=0)
    new = questions[COLLECTED:]
    anchors, pace, found = draw(questions[:COLLECTED], 2, seed=0), Pace(asked.weights), []
    servers = {name: Server(name, asked.weights) for name in NAMES}
    try:
        for number, question in enumerate(track(new, "asking", console=Console(stderr=True))):
            if number % ANCHOR_EVERY == 0:
                pace.ask(servers, anchors[number // ANCHOR_EVERY % len(anchors)])
            decision = planner.plan(question.text, query_id=question.id)
            good, seconds = ask(
                servers[decision.model.removesuffix(SUFFIX)], question, decision.request_kwargs("openai")
            )
            promise = decision.expected_quality, decision.expected_cost_usd
            usd = seconds * CORE_HOUR_USD / 3600
            found.append(Answered(question.kind, decision.point.name, *promise, float(good), usd))
    finally:
        for server in servers.values():
            server.stop()
    print(f"asked {len(found)} questions at ${asked.usd:.3g} a query")
    report(policy, found)
    print(f"pace: {pace} of the CPU seconds when the log was timed")
    report_points(found, other)


def report(policy: pr.Policy, found: list[Answered]) -> None:
    """Print realised against promised, with the joint 95% region of the promise and of the sampling noise."""
    expected = policy.document.expected
    for name, got, promise, unsure in (
        ("quality", "quality", "promised_quality", (expected.quality_low, expected.quality_high)),
        ("cost", "usd", "promised_usd", (expected.cost_usd_low, expected.cost_usd_high)),
    ):
        realised, promised = (np.array([getattr(row, field) for row in found]) for field in (got, promise))
        away = (realised - promised).mean()
        noise = (realised - promised).std() / len(found) ** 0.5
        reach = Z_JOINT * float(np.hypot(noise, (unsure[1] - unsure[0]) / (2 * Z_90)))
        inside = "inside" if abs(away) <= reach else "OUTSIDE"
        figures = f"realised {realised.mean():.4g}, promised {promised.mean():.4g}, apart {away:+.3g} +- {reach:.3g}"
        print(f"{name}: {figures}: {inside}")


def report_points(found: list[Answered], other: pr.Runs) -> None:
    """Print the share of every point, and what it would have given always: on the other half, the kinds weighted."""
    kinds = np.array(other.tags)
    quality, cost = (other.means(column)[0] for column in ("quality", "cost_usd"))
    share = {kind: np.mean([row.kind == kind for row in found]) for kind in set(kinds)}
    weight = np.array([share[kind] / np.sum(kinds == kind) for kind in kinds])
    weight /= weight.sum()
    for p, point in enumerate(other.points):
        called = np.mean([row.point == point.name for row in found])
        always = f"quality {weight @ quality[:, p]:.3f}, ${weight @ cost[:, p]:.3g} a query"
        print(f"{point.name}: called {called:.2f}; always: {always}")


if __name__ == "__main__":
    main()
