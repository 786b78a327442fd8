"""Compare predicted with realised figures, live: python live.py --weights FOLDER [--questions 300] [--usd 6e-6].

Fit a policy on half of the shipped log's questions, serve both models by llama-cpp-python's server, plan new questions,
call the chosen models through the openai client, vote, grade, and compare with the predictions and with every fixed
point. In between, questions of the log (anchors) are asked again of both models, to compare the machine's speed with
that when the log was timed.
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
    """Predicted and realised figures of one question."""

    kind: str
    point: str
    predicted_quality: float
    predicted_usd: float
    quality: float
    usd: float


def ask(server: Server, question: Question, arguments: dict) -> tuple[bool, float]:
    """Ask as planned and vote: whether the vote is right, and the CPU seconds of the server."""
    model = arguments["model"]
    most = min(arguments["max_completion_tokens"], most_tokens(model, question))
    start = server.seconds()
    answers = [
        server.complete(prompt_for(model, question), most_tokens=most, seed=number).text
        for number in range(arguments.get("n", 1))  # the server returns one choice per request
    ]
    return right(vote(answers), question), server.seconds() - start


def halves(runs: pr.Runs) -> tuple[pr.Runs, pr.Runs]:
    """Split the log into alternate questions."""
    first = np.arange(len(runs.query_ids)) % 2 == 0
    return runs.select(first), runs.select(~first)


class Pace:
    """CPU seconds of the anchors now, relative to those when the log was timed."""

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
    """Ask all new questions and print the comparison."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", type=Path, required=True, help="the folder of the weights and the timings")
    parser.add_argument("--questions", type=int, default=300)
    parser.add_argument("--usd", type=float, default=6e-6)
    args = parser.parse_args()
    half, other = halves(pr.demo_runs())
    policy = pr.fit(half, pr.MaxCost(usd=args.usd))
    planner = pr.Planner(policy, dialect="openai", seed=0)
    questions = write_questions(COLLECTED + args.questions, seed=0)
    new = questions[COLLECTED:]
    anchors, pace, answered = draw(questions[:COLLECTED], 2, seed=0), Pace(args.weights), []
    servers = {name: Server(name, args.weights) for name in NAMES}
    try:
        for number, question in enumerate(track(new, "asking", console=Console(stderr=True))):
            if number % ANCHOR_EVERY == 0:
                pace.ask(servers, anchors[number // ANCHOR_EVERY % len(anchors)])
            decision = planner.plan(question.text, query_id=question.id)
            good, seconds = ask(
                servers[decision.model.removesuffix(SUFFIX)], question, decision.request_kwargs("openai")
            )
            predicted = decision.expected_quality, decision.expected_cost_usd
            usd = seconds * CORE_HOUR_USD / 3600
            answered.append(Answered(question.kind, decision.point.name, *predicted, float(good), usd))
    finally:
        for server in servers.values():
            server.stop()
    print(f"asked {len(answered)} questions at ${args.usd:.3g} per query")
    report(policy, answered)
    print(f"pace: {pace} of the CPU seconds when the log was timed")
    report_points(answered, other)


def report(policy: pr.Policy, answered: list[Answered]) -> None:
    """Print realised and predicted figures, with the joint 95% region of the prediction and the sampling noise."""
    expected = policy.document.expected
    for name, realised_field, predicted_field, bounds in (
        ("quality", "quality", "predicted_quality", (expected.quality_low, expected.quality_high)),
        ("cost", "usd", "predicted_usd", (expected.cost_usd_low, expected.cost_usd_high)),
    ):
        realised, predicted = (
            np.array([getattr(row, field) for row in answered]) for field in (realised_field, predicted_field)
        )
        difference = (realised - predicted).mean()
        noise = (realised - predicted).std() / len(answered) ** 0.5
        reach = Z_JOINT * float(np.hypot(noise, (bounds[1] - bounds[0]) / (2 * Z_90)))
        inside = "inside" if abs(difference) <= reach else "OUTSIDE"
        figures = f"realised {realised.mean():.4g}, predicted {predicted.mean():.4g}"
        print(f"{name}: {figures}, difference {difference:+.3g} +- {reach:.3g}: {inside}")


def report_points(answered: list[Answered], other: pr.Runs) -> None:
    """Print each point's share of calls, and its figures if always called: on the other half, kinds weighted."""
    kinds = np.array(other.tags)
    quality, cost = (other.means(column)[0] for column in ("quality", "cost_usd"))
    share = {kind: np.mean([row.kind == kind for row in answered]) for kind in set(kinds)}
    weight = np.array([share[kind] / np.sum(kinds == kind) for kind in kinds])
    weight /= weight.sum()
    for p, point in enumerate(other.points):
        called = np.mean([row.point == point.name for row in answered])
        always = f"quality {weight @ quality[:, p]:.3f}, ${weight @ cost[:, p]:.3g} per query"
        print(f"{point.name}: called {called:.2f}; always: {always}")


if __name__ == "__main__":
    main()
