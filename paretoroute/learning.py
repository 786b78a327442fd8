"""fit: logged runs in, a policy out. The one call that most users make."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from paretoroute.errors import QueryError, RunsError
from paretoroute.featurizer import function_fingerprint, ngram_fingerprint
from paretoroute.fitting import fit_surface
from paretoroute.grid import Grid, Point, Price
from paretoroute.holes import find_gaps, logged_part
from paretoroute.interpolation import sentences
from paretoroute.limit_words import on_grid as limit_on_grid
from paretoroute.limits import Limit
from paretoroute.policy import Policy, make_policy
from paretoroute.policy_document import FeaturesEntry, FittedOnEntry
from paretoroute.prices import build_grid, on_grid
from paretoroute.runs import Runs
from paretoroute.splits import group_key
from paretoroute.targets import MinQuality, Target

MANY_FAMILIES = 0.8  # of the queries have to count singly, else it is worth a word

FeatureFunction = Callable[[str], ArrayLike]


def fit(
    runs: Runs,
    target: Target | None = None,
    *,
    limits: Sequence[Limit] = (),
    grid: Grid | None = None,
    add_points: Sequence[str | Point] = (),
    prices: Mapping[str, Price] | None = None,
    features: FeatureFunction | None = None,
    seed: int = 0,
    name: str = "policy",
    progress: Callable[[str], None] | None = None,
) -> Policy:
    """Fit a policy on logged runs.

    Args:
        runs: as :func:`paretoroute.read_runs` gives them.
        target: what to meet; None: as good as the best single point, as cheaply as possible.
        limits: side conditions, such as ``MaxShare(0.2, "big-model")``.
        grid: points to choose from, with prices; None: all points of the log. A point that was never logged is
            forecast between two that were, of its model and kind of budget.
        add_points: points to offer besides, ``"model@label"`` or points; also such as were never logged.
        prices: token prices by model, in USD per million tokens; they win over those of the grid and derived ones.
        features: your own function from a text to a vector; None: the runs' ``embedding`` column where there is one,
            else hashed n-grams. A planner must be given the same function.
        seed: same runs and seed, same policy.
        name: what the policy is called in its file.
        progress: called with a few words at the start of every stage.

    Raises:
        RunsError: there is nothing to choose between, or too little to learn from.
        GridError: a point has no known cost, lies outside what was logged of its model, or is of a model that was never
            logged; or the target's point is not in the grid.

    Example:
        >>> from paretoroute import MaxCost, demo_runs
        >>> policy = fit(demo_runs(), MaxCost(usd=4e-6))
        >>> policy.document.solution.status
        'met'
    """
    runs.require_choice()
    kept_to, unlogged = logged_part(runs.points, grid, add_points)
    found, notes = build_grid(runs, kept_to, prices)
    holes = find_gaps(unlogged, found, runs.points, grid.points if grid else ())
    if len(found.points) < 2:
        raise RunsError(f"only {found.names[0]!r} is left to choose from: {' '.join(notes)}")
    offered = Grid(holes.points, found.prices)
    if isinstance(target, MinQuality) and isinstance(target.of, str):
        offered.index(target.of)
    for limit in limits:  # before minutes of fitting are lost
        limit_on_grid(limit, offered)
    kept = on_grid(runs, found)
    if features is not None:
        kept = replace(kept, embeddings=_vectors(features, kept.texts))
    kind = "function" if features else "hashed_ngrams" if kept.embeddings is None else "embedding"
    fitted = fit_surface(kept, found, holes=holes, kind=kind, seed=seed, progress=progress)
    about = FittedOnEntry(
        runs=len(kept),
        queries=len(kept.query_ids),
        points=len(found.points),
        set_aside=runs.set_aside_count,
        runs_sha256=runs.sha256,
        seed=seed,
        assumption=kept.assumption,
        findings=(*runs.notices, *notes, *sentences(holes.points, fitted.between), *_families(kept)),
    )
    featurizer = fitted.surface.featurizer
    entry = FeaturesEntry(
        kind=kind,
        name=getattr(features, "__qualname__", type(features).__name__) if features else f"paretoroute {kind}",
        width=featurizer.width,
        fingerprint=function_fingerprint(features) if features else ngram_fingerprint(),
        settings={"rank": featurizer.rank, "buckets": len(featurizer.buckets)},
    )
    return make_policy(fitted, replace(offered, between=fitted.between), target, about, entry, name=name, limits=limits)


def _families(runs: Runs) -> tuple[str, ...]:
    """Say so where many queries are copies or turns of one conversation, and intervals know less of others."""
    about = zip(runs.query_ids, runs.texts, runs.conversations, strict=True)
    size = np.array(list(Counter(group_key(*one) for one in about).values()), np.float64)
    effective = size.sum() ** 2 / (size**2).sum()  # Kish (1965): where all of a family comes out alike
    if effective > MANY_FAMILIES * size.sum():
        return ()
    return (
        f"{size.sum():.0f} queries in {len(size)} families of copies or conversations: at worst, where a "
        f"family comes out alike, they count as {effective:.0f}; intervals count queries, and are too narrow for new "
        "families",
    )


def _vectors(features: FeatureFunction, texts: tuple[str, ...]) -> np.ndarray:
    rows = [np.asarray(features(text), np.float32) for text in texts]
    widths = {row.shape for row in rows}
    if len(widths) != 1 or len(next(iter(widths))) != 1:
        raise QueryError(f"the feature function must give vectors of one length, got shapes {sorted(widths)[:3]}")
    table = np.stack(rows)
    if not np.isfinite(table).all():
        raise QueryError(
            f"the feature function gives NaN or infinity for query {int(np.argwhere(~np.isfinite(table))[0][0])}"
        )
    return table
