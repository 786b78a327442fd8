"""Print the shipped log's mean quality by kind and vote, and CPU seconds: python surface_table.py."""

from __future__ import annotations

import numpy as np
from models import IN_THE_LOG

import paretoroute as pr


def main() -> None:
    """Print a Markdown table."""
    runs = pr.demo_runs()
    quality, seconds = (runs.means(column)[0] for column in ("quality", "latency_s"))
    kinds, points = np.array(runs.tags), [(point.model, point.budget.label) for point in runs.points]
    columns = {}
    for model in IN_THE_LOG:
        labels = sorted((label for name, label in points if name == model), key=int)
        columns[model] = [points.index((model, label)) for label in labels]
    print("| kind | " + " | ".join(columns) + " |\n|---|" + "---|" * len(columns))
    for kind in ["all", *dict.fromkeys(kinds)]:
        chosen = kinds == kind if kind != "all" else np.ones(len(kinds), bool)
        cells = (" / ".join(f"{quality[chosen, p].mean():.2f}"[1:] for p in at) for at in columns.values())
        print(f"| {kind} | {' | '.join(cells)} |")
    cells = (" / ".join(f"{seconds[:, p].mean():.2f}" for p in at) for at in columns.values())
    print(f"| CPU seconds | {' | '.join(cells)} |")
    for kind in dict.fromkeys(kinds):
        chosen = kinds == kind
        for model, at in columns.items():
            for less, more in zip(at, at[1:], strict=False):
                gain = quality[chosen, more] - quality[chosen, less]
                reach = 1.96 * gain.std() / len(gain) ** 0.5
                if abs(gain.mean()) > reach:
                    step = f"{runs.points[less].budget.label} to {runs.points[more].budget.label}"
                    print(f"{kind}, {model}, votes of {step}: {gain.mean():+.3f} +- {reach:.3f}")


if __name__ == "__main__":
    main()
