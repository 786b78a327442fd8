"""Measure how often rewordings flip the choice: python experiments/flips/run.py [--queries 300] [--seed 0].

A policy is fitted on one half of the log that ships; the queries of the other half are reworded, planned as they stand
and reworded, and judged by what was logged of the query at the points chosen.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

import paretoroute as pr
from paretoroute.planner.planner import Planner
from paretoroute.planner.request import shared_request
from paretoroute.solver.argmax import scored

MARGINS = (0.0, 0.005, 0.01, 0.02, 0.05)
Reword = Callable[[str, np.random.Generator], str]


def typos(count: int) -> Reword:
    """Return a rewording that swaps two neighbouring letters, some times."""

    def swapped(text: str, rng: np.random.Generator) -> str:
        for _ in range(count):
            places = [i for i in range(1, len(text) - 2) if text[i].isalpha() and text[i + 1].isalpha()]
            if places:
                i = int(rng.choice(places))
                text = text[:i] + text[i + 1] + text[i] + text[i + 2 :]
        return text

    return swapped


REWORDINGS: dict[str, Reword] = {
    "white space": lambda text, rng: f"  {text.replace(' ', '  ')} \n",
    "no final mark": lambda text, rng: text.rstrip(".?!"),
    "lower case": lambda text, rng: text.lower(),
    "one typo": typos(1),
    "three typos": typos(3),
    "'Please answer: '": lambda text, rng: f"Please answer: {text}",
    "polite frame": lambda text, rng: f"Could you please help me with this? {text} Thank you!",
    "upper case": lambda text, rng: text.upper(),
}


@dataclass(frozen=True)
class Case:
    """A fitted policy, and the queries that it never saw with what was logged of them.

    Args:
        planner: of the policy.
        texts: of the queries.
        quality: logged means, ``(queries, points)``.
        cost_usd: likewise.
    """

    planner: Planner
    texts: list[str]
    quality: np.ndarray
    cost_usd: np.ndarray

    def choices(self, texts: list[str], previous: np.ndarray | None = None, margin: float = 0.0) -> np.ndarray:
        """Return the columns that the planner chooses; ids fix the draw between tied points."""
        names, columns = self.planner.policy.grid.names, []
        for i, text in enumerate(texts):
            limits = {} if previous is None else {"previous": names[previous[i]], "switch_margin": margin}
            columns.append(names.index(self.planner.plan(text, query_id=f"{i}", **limits).point.name))
        return np.array(columns)

    def without_memory(self, texts: list[str], margin: float) -> np.ndarray:
        """Return, of the points within a margin of the best one, that with the best mean over the log."""
        policy, rule = self.planner.policy, self.planner.rule
        shared = shared_request(policy.grid)
        requests = [shared.of_query(text, None, None) for text in texts]
        scores = np.concatenate(
            [
                scored(*self.planner._forecaster.at_each(requests[i : i + 64]).rule_figures, rule.weights({}))
                for i in range(0, len(requests), 64)
            ]
        )
        logged = policy.outcomes.forecast
        mean = scored(logged.quality, logged.cost_usd, None, rule.weights({})).mean(axis=0)
        return np.where(scores >= scores.max(axis=1, keepdims=True) - margin, mean, -np.inf).argmax(axis=1)

    def means(self, columns: np.ndarray) -> tuple[float, float]:
        """Return logged quality and cost of choices."""
        rows = np.arange(len(columns))
        return float(self.quality[rows, columns].mean()), float(self.cost_usd[rows, columns].mean())


def case_of(usd: float, queries: int, seed: int) -> Case:
    """Fit one half of the log to a mean cost, and take queries of the other half."""
    runs = pr.demo_runs()
    half = np.random.default_rng(seed).random(len(runs.query_ids)) < 0.5
    planner = Planner(pr.fit(runs.select(half), pr.MaxCost(usd=usd), seed=seed))
    rest = runs.select(~half)
    logged = [rest.means(name).mean[:queries] for name in ("quality", "cost_usd")]
    return Case(planner, [str(text) for text in rest.texts[:queries]], *logged)


def conversation(case: Case, talk: list[list[str]], margin: float) -> list[np.ndarray]:
    """Return the columns chosen in each call of conversations, each with the one before as its previous."""
    columns = [case.choices(talk[0])]
    for texts in talk[1:]:
        columns.append(case.choices(texts, columns[-1], margin))
    return columns


def report(case: Case, seed: int) -> None:
    """Print the tables of one policy."""
    first = case.choices(case.texts)
    own_quality, own_cost = case.means(first)
    print(
        f"  {len(first)} queries, {len(set(first.tolist()))} points called; quality {own_quality:.4f}, ${own_cost:.3g}"
    )
    talk = [
        case.texts,
        *([reword(text, np.random.default_rng(seed)) for text in case.texts] for reword in REWORDINGS.values()),
    ]
    print(f"  conversations of {len(talk)} wordings: changes of the point per conversation, logged quality and cost")
    for margin in MARGINS:
        columns = conversation(case, talk, margin)
        changes = np.mean([one != other for one, other in zip(columns, columns[1:], strict=False)]) * (len(talk) - 1)
        quality, cost = np.array([case.means(one) for one in columns]).mean(axis=0)
        print(f"  {margin:18} {changes:.3f}, quality {quality:.4f}, ${cost:.4g}")
    print("  margin after a previous call: flips, change of logged quality (points) and cost (%) of the second call")
    for name, reword in REWORDINGS.items():
        rng = np.random.default_rng(seed)
        texts = [reword(text, rng) for text in case.texts]
        second = case.choices(texts)
        base_quality, base_cost = case.means(second)
        cells = []
        for margin in MARGINS:
            stays = case.choices(texts, first, margin)
            quality, cost = case.means(stays)
            change = f"{100 * (quality - base_quality):+.2f}, {100 * (cost / base_cost - 1):+.1f}%"
            cells.append(f"{100 * np.mean(stays != first):5.1f}% ({change})")
        print(f"  {name:18s} " + "  ".join(cells))
    print("  margin without memory: flips; at last the change of logged quality (points) and cost (%) of all calls")
    for name, reword in REWORDINGS.items():
        rng = np.random.default_rng(seed)
        texts = [reword(text, rng) for text in case.texts]
        flips = [np.mean(case.without_memory(texts, m) != case.without_memory(case.texts, m)) for m in MARGINS]
        print(f"  {name:18s} " + "  ".join(f"{100 * share:5.1f}%" for share in flips))
    for margin in MARGINS:
        quality, cost = case.means(case.without_memory(case.texts, margin))
        print(f"  {margin:18} {100 * (quality - own_quality):+.2f}, {100 * (cost / own_cost - 1):+.1f}%")


def main() -> None:
    """Fit, reword and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--queries", type=int, default=300)
    parser.add_argument("--usd", type=float, default=4e-6, help="mean cost per query")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    print("margins", *MARGINS)
    report(case_of(options.usd, options.queries, options.seed), options.seed)


if __name__ == "__main__":
    main()
