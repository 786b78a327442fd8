"""Training and test sides, by folds or from the other benchmark; and scores kept between runs."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pair_log import sampled
from systems import scores_of

import paretoroute as pr
from paretoroute.evaluation.protocol.study import Study
from paretoroute.evaluation.routers.base import NotApplicable
from paretoroute.evaluation.routers.data import prepared
from paretoroute.grid import Grid
from paretoroute.runs.folds import groups_of

LABELS = 1500  # of MMLU's validation split, in RouteLLM's training data
KINDS = {
    "own": "the other folds",
    "other": "the other benchmark alone",
}


@dataclass(frozen=True)
class Side:
    """What one fit learns from, and the queries that it scores.

    Args:
        train: runs to learn from.
        grid: of the training runs.
        test: runs of the queries to score, of which the fit sees texts and tags alone.
        rows: their places among the benchmark's queries, bool ``(queries,)``.
    """

    train: pr.Runs
    grid: Grid
    test: pr.Runs
    rows: np.ndarray

    @property
    def digest(self) -> str:
        """A hash of the data that a fit and its scores depend on; it does not see a change of code."""
        parts = [*self.grid.names]
        for runs in (self.train, self.test):
            parts += ["", *runs.query_ids, *runs.texts, *(tag or "" for tag in runs.tags)]
        digest = hashlib.sha256("\0".join(parts).encode("utf-8", "replace"))
        for name in ("quality", "cost_usd"):
            digest.update(np.ascontiguousarray(self.train.means(name).mean).tobytes())
        return digest.hexdigest()


def sides_of(kind: str, study: Study, other: Study) -> Iterator[Side]:
    """Split a benchmark's queries, so that every one is scored once, by a fit that never saw it or a copy of it.

    A fit learns from at most :data:`LABELS` queries, or a few more where a group is cut.

    Args:
        kind: one of :data:`KINDS`.
        study: of the benchmark.
        other: of the other benchmark.
    """
    if kind == "other":
        yield Side(_labelled(other.runs, other.seed), other.grid, study.runs, np.ones(len(study.fold), bool))
        return
    for number in range(study.folds):
        rows = study.fold == number
        yield Side(_labelled(study.runs.select(~rows), study.seed), study.grid, study.runs.select(rows), rows)


def _labelled(runs: pr.Runs, seed: int) -> pr.Runs:
    return runs.select(sampled(groups_of(runs), LABELS, seed=seed))


def fold_scores(
    systems: tuple[str, ...], side: Side, *, seed: int, cache: Path | None, progress: Callable[[str], None]
) -> dict[str, np.ndarray]:
    """Score a side's test queries by every system, ``(test queries,)`` each.

    Systems that the training queries do not suit have no scores.

    Args:
        systems: names.
        side: to learn from, and to score.
        seed: of the fits.
        cache: folder of the scores of earlier runs, which are not computed again; None: keep nothing.
        progress: called before every fit.
    """
    files = {name: cache / f"{side.digest[:24]}-{seed}-{name}.npz" if cache else None for name in systems}
    scores: dict[str, np.ndarray] = {}
    missing = [name for name, file in files.items() if file is None or not file.exists()]
    if missing:
        training, batch = prepared(side.train, side.test, side.grid, seed=seed)
    for name, file in files.items():
        if name in missing:
            progress(name)
            try:
                rows = scores_of(name, training, batch)
            except NotApplicable as error:
                progress(f"{name} left out: {error}")
                rows = {}
            if file is not None:
                file.parent.mkdir(parents=True, exist_ok=True)
                partial = file.with_suffix(".partial.npz")
                np.savez(partial, **rows)
                partial.rename(file)
        else:
            with np.load(file) as kept:
                rows = {key: kept[key] for key in kept.files}
        scores.update(rows)
    return scores
