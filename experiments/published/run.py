"""Ours beside published figures on RouteLLM's two benchmarks: APGR, CPT(50%) and CPT(80%).

    python run.py LOG [--cache FOLDER] [--mmlu-folds 5] [--other] [--limit QUERIES]    # writes results/BENCHMARK.json
    python run.py --table    # the tables of the last run

LOG is RouteLLM's log as a Parquet file, or a folder with an outcomes.parquet. With --limit it only prints. Results hold
figures alone, no text of a query.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from curves import FIGURES, PairOutcomes, figures_of, interval, positions, resampled_figures, share_curve
from pair_log import BENCHMARKS, read_benchmark
from sides import fold_scores, sides_of
from systems import TRAINED, Untrained, names_of
from tables import page

from paretoroute.evaluation.protocol.study import Study, study_of

RESULTS = Path(__file__).parent / "results"
FOLDS = 5
SEED = 0
LENGTH = "prompt-length"


@dataclass(frozen=True)
class Scored:
    """The queries of a benchmark that are judged: those of all folds, or of the first ones.

    Args:
        study: of the benchmark.
        rows: which queries, bool ``(queries,)``.
    """

    study: Study
    rows: np.ndarray

    @property
    def outcomes(self) -> PairOutcomes:
        """The logged quality of the pair, ``(judged,)``."""
        grid, quality = self.study.grid, self.study.outcomes.quality[self.rows]
        weak, strong = (quality[:, grid.names.index(name)] for name in names_of(grid))
        return PairOutcomes(weak, strong, np.unique(self.study.groups[self.rows], return_inverse=True)[1].ravel())

    def places(self, kind: str, scores: list[tuple[np.ndarray, dict[str, np.ndarray]]]) -> dict[str, np.ndarray]:
        """Join the scores of all sides, and rank the judged queries within each: ``(judged,)`` by system.

        Args:
            kind: of the training side; all but "own" score all queries at once.
            scores: the rows of each side, bool ``(queries,)``, and their scores by system.
        """
        fold = self.study.fold[self.rows] if kind == "own" else np.zeros(int(self.rows.sum()))
        places = {}
        for name in scores[0][1]:
            if all(name in some for _, some in scores):
                joined = np.full(len(self.rows), np.nan)
                for rows, some in scores:
                    joined[rows] = some[name]
                places[name] = positions(joined[self.rows], fold)
        return places


def judged(benchmark: str, scored: Scored, places: dict[str, dict[str, np.ndarray]], queries: dict[str, int]) -> dict:
    """Return the figures of every row with intervals, and of its lead over the prompt's length.

    Args:
        benchmark: its name.
        scored: the judged queries.
        places: of the judged queries, by system and kind of training side; "" for systems that learn nothing.
        queries: number of training queries, by kind.
    """
    outcomes = scored.outcomes
    flat = {f"{kind}/{name}": place for kind, some in places.items() for name, place in some.items()}
    draws = resampled_figures(outcomes, flat, seed=SEED)
    rows = []
    for key, place in flat.items():
        kind, name = key.split("/", 1)
        row = {"system": name, "trained_on": kind, "training_queries": queries.get(kind, 0)}
        rows.append(row | row_figures(outcomes, place, flat[f"/{LENGTH}"], draws=(draws[key], draws[f"/{LENGTH}"])))
    quality = {"weak": float(outcomes.weak.mean()), "strong": float(outcomes.strong.mean())}
    counts = {"queries": len(scored.rows), "judged": len(outcomes.weak), "folds": scored.study.folds}
    return {"benchmark": benchmark, **counts, "quality": quality, "rows": rows}


def row_figures(
    outcomes: PairOutcomes, place: np.ndarray, length: np.ndarray, *, draws: tuple[np.ndarray, np.ndarray]
) -> dict:
    """Return one row's figures, each with the ends of its interval.

    Args:
        outcomes: of the pair.
        place: of the queries, ``(queries,)``.
        length: places by the prompt's length, ``(queries,)``.
        draws: resampled figures of the row and of the prompt's length, ``(draws, figures)`` each.
    """
    curve = share_curve(outcomes, place)
    values, of_length = figures_of(curve), figures_of(share_curve(outcomes, length))
    ends = [interval(value, column) for value, column in zip(values, draws[0].T, strict=True)]
    lead = interval(values[0] - of_length[0], draws[0][:, 0] - draws[1][:, 0])
    row: dict = {name: [one.value, one.low, one.high] for name, one in zip(FIGURES, ends, strict=True)}
    row["lead_over_length"] = [lead.value, lead.low, lead.high]
    row["apgr_all_thresholds"] = share_curve(outcomes, place, shares=None).apgr
    row["code_cpt"] = [curve.code_cpt(0.5), curve.code_cpt(0.8)]
    return row


def judge_benchmark(
    benchmark: str, studies: dict[str, Study], *, plan: dict[str, int], systems: tuple[str, ...], cache: Path | None
) -> dict:
    """Fit all systems on all kinds of training sides of one benchmark, and judge them.

    Args:
        benchmark: its name.
        studies: of both benchmarks.
        plan: number of sides by kind of training side; the queries of as many folds as "own" has sides are judged.
        systems: to fit.
        cache: folder of the scores; None: keep nothing.
    """
    study = studies[benchmark]
    other = studies[next(name for name in BENCHMARKS if name != benchmark)]
    scored = Scored(study, study.fold < plan.get("own", study.folds))
    weak, strong = (study.outcomes.quality[:, study.grid.names.index(name)] for name in names_of(study.grid))
    places = {"": scored.places("", [(study.fold >= 0, Untrained(study.runs.texts, weak, strong).scores())])}
    queries: dict[str, int] = {}
    began = time.monotonic()
    for kind, count in plan.items():
        scores = []
        for number, side in enumerate(islice(sides_of(kind, study, other), count)):

            def progress(step: str, at: str = f"{benchmark}, {kind}, side {number}") -> None:
                print(f"{time.monotonic() - began:7.0f} s  {at}: {step}", file=sys.stderr, flush=True)

            queries[kind] = len(side.train.query_ids)
            scores.append((side.rows, fold_scores(systems, side, seed=SEED, cache=cache, progress=progress)))
        places[kind] = scored.places(kind, scores)
    return judged(benchmark, scored, places, queries)


def main() -> None:
    """Judge both benchmarks, or print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("log", nargs="?")
    parser.add_argument("--cache", type=Path)
    parser.add_argument("--limit", type=int)
    parser.add_argument("--systems", default=",".join(TRAINED))
    parser.add_argument(
        "--mmlu-folds", type=int, default=FOLDS, help="judge the queries of the first folds of MMLU alone"
    )
    parser.add_argument("--other", action="store_true", help="for GSM8K, also fit on MMLU alone")
    parser.add_argument("--table", action="store_true")
    asked = parser.parse_args()
    if not asked.table and asked.log is None:
        parser.error("name RouteLLM's log, or ask for --table")
    if asked.table:
        print(page([json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8")) for name in BENCHMARKS]))
        return
    runs = {name: read_benchmark(asked.log, name, limit=asked.limit) for name in BENCHMARKS}
    studies = {name: study_of(some, None, None, folds=FOLDS, seed=SEED) for name, some in runs.items()}
    plans = {"mmlu": {"own": asked.mmlu_folds}, "gsm8k": {"own": FOLDS} | ({"other": 1} if asked.other else {})}
    options = {"systems": tuple(asked.systems.split(",")), "cache": asked.cache}
    smallest_first = sorted(BENCHMARKS, key=lambda name: len(studies[name].fold))
    by_name = {name: judge_benchmark(name, studies, plan=plans[name], **options) for name in smallest_first}
    results = [by_name[name] for name in BENCHMARKS]
    if asked.limit is None:
        RESULTS.mkdir(exist_ok=True)
        for result in results:
            text = json.dumps(result, indent=1) + "\n"
            (RESULTS / f"{result['benchmark']}.json").write_text(text, encoding="utf-8")
    print(page(results))


if __name__ == "__main__":
    main()
