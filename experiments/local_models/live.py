"""The loop closed on real models: python live.py --weights FOLDER [--questions 300] [--usd 4e-6].

Fits a policy on half of the shipped log's questions, serves both models by llama-cpp-python's server, plans new
questions, asks the model that was planned through the openai client, votes, grades, and compares with what the planner
promised.
"""

from __future__ import annotations

import argparse
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from assemble import CORE_HOUR_USD
from models import MOST_TOKENS, NAMES, TEMPERATURE, TOP, weights_of
from openai import APIConnectionError, OpenAI
from questions import Question, prompt_of, right, vote, write_questions
from rich.console import Console
from rich.progress import track

import paretoroute as pr

COLLECTED = 1053  # questions of the shipped log; the new ones follow them
TICKS = os.sysconf("SC_CLK_TCK")


class Server:
    """One model behind an OpenAI-compatible server on one thread, with the CPU seconds it has used."""

    def __init__(self, name: str, folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        options = {"model": weights_of(name, folder), "model_alias": name, "port": port, "n_ctx": 640}
        options |= {"n_threads": 1, "n_threads_batch": 1, "verbose": False}
        words = [word for key, value in options.items() for word in (f"--{key}", str(value))]
        command = [sys.executable, "-m", "llama_cpp.server", *words]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.client = OpenAI(base_url=f"http://127.0.0.1:{port}/v1", api_key="none", max_retries=0)
        for _ in range(240):
            try:
                self.client.models.list()
                return
            except APIConnectionError:
                time.sleep(0.5)
        raise SystemExit(f"the server of {name} does not answer")

    def seconds(self) -> float:
        """CPU seconds used so far, user and system."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def stop(self) -> None:
        """End the server."""
        self._process.terminate()
        self._process.wait()


def ask(server: Server, question: Question, arguments: dict) -> tuple[bool, float]:
    """Ask as planned and vote; tell whether the vote is right, and the CPU seconds of the server."""
    start = server.seconds()
    answers = []
    for number in range(arguments.get("n", 1)):  # the server gives one choice a request
        found = server.client.completions.create(
            model=arguments["model"],
            prompt=prompt_of(question),
            max_tokens=min(arguments["max_completion_tokens"], MOST_TOKENS),
            temperature=TEMPERATURE,
            seed=number,
            stop=["\n"],
            extra_body={"top_k": TOP, "top_p": 1.0, "min_p": 0.0, "repeat_penalty": 1.0},
        )
        answers.append(found.choices[0].text)
    return right(vote(answers), question.answer), server.seconds() - start


def halves(runs: pr.Runs) -> tuple[pr.Runs, pr.Runs]:
    """Split the log's questions in two, every other one."""
    first = np.arange(len(runs.query_ids)) % 2 == 0
    return runs.select(first), runs.select(~first)


def main() -> None:
    """Run the loop and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", type=Path, required=True, help="folder for weights that have to be assembled")
    parser.add_argument("--questions", type=int, default=300)
    parser.add_argument("--usd", type=float, default=4e-6)
    asked = parser.parse_args()
    half, other = halves(pr.demo_runs())
    policy = pr.fit(half, pr.MaxCost(usd=asked.usd))
    planner = pr.Planner(policy, dialect="openai", seed=0)
    new = write_questions(COLLECTED + asked.questions, seed=0)[COLLECTED:]
    servers = {name: Server(name, asked.weights) for name in NAMES}
    quality, cost, promised_quality, promised_cost = [], [], [], []
    try:
        for question in track(new, description="asking", console=Console(stderr=True)):
            decision = planner.plan(question.text, query_id=question.id)
            good, seconds = ask(servers[decision.model], question, decision.request_kwargs("openai"))
            quality.append(float(good))
            cost.append(seconds * CORE_HOUR_USD / 3600)
            promised_quality.append(decision.expected_quality)
            promised_cost.append(decision.expected_cost_usd)
    finally:
        for server in servers.values():
            server.stop()
    report(policy, np.array(quality), np.array(cost), np.array(promised_quality), np.array(promised_cost))
    means = other.means("quality")[0].mean(0), other.means("cost_usd")[0].mean(0)
    for point, worth, bill in zip(other.points, *means, strict=True):
        print(f"always {point.name}: quality {worth:.3f}, cost ${bill:.3g} (on the other half of the log)")


def report(policy: pr.Policy, quality, cost, promised_quality, promised_cost) -> None:
    """Print realised against promised, with the joint 95% region of both (Bonferroni, 97.5% each)."""
    z, count = 2.241, len(quality)
    expected = policy.document.expected
    for name, got, promise, unsure in (
        ("quality", quality, promised_quality, (expected.quality_high - expected.quality_low) / 3.29),
        ("cost", cost, promised_cost, (expected.cost_usd_high - expected.cost_usd_low) / 3.29),
    ):
        away = got.mean() - promise.mean()
        reach = z * float(np.hypot((got - promise).std() / count**0.5, unsure))
        inside = "inside" if abs(away) <= reach else "OUTSIDE"
        figures = f"realised {got.mean():.4g}, promised {promise.mean():.4g}, apart {away:+.3g} +- {reach:.3g}"
        print(f"{name}: {figures}: {inside}")


if __name__ == "__main__":
    main()
