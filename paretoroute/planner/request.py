"""One call to decide on, with the limits of this call alone; everything a caller passes is checked here."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from paretoroute._arrays import Mask
from paretoroute.errors import QueryError, TargetError, did_you_mean, expect, expect_items
from paretoroute.grid import Grid
from paretoroute.query import Misfit, Query, query_text
from paretoroute.targets import fraction, not_negative, positive


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One call to decide on.

    Args:
        text: the query, or None.
        callable: the points that the caller allows, bool ``(points,)``.
        query_id: an opaque key that seeds the draw between tied points, or None.
        embedding: ready features in place of a text, or None.
        labels: of the query, by kind: ``tag``, ``tenant``, ``step``; a kind without a label is absent.
        max_cost_usd: hard limit on the cost of this call, or None.
        min_quality: least expected quality, or None.
        max_latency_s: largest mean latency, or None.
        price: quality per USD in place of the policy's, or None.

    Raises:
        QueryError: the id is not text.
        TargetError: a number is out of range.
    """

    text: str | None
    callable: Mask
    query_id: str | None = None
    embedding: ArrayLike | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    max_cost_usd: float | None = None
    min_quality: float | None = None
    max_latency_s: float | None = None
    price: float | None = None

    def __post_init__(self) -> None:
        if self.query_id is not None and not isinstance(self.query_id, str):
            raise QueryError(f"query_id must be text, got {self.query_id!r}; write str({self.query_id!r})")
        if self.max_cost_usd is not None:
            positive("max_cost_usd", self.max_cost_usd)
        if self.min_quality is not None:
            fraction("min_quality", self.min_quality)
        if self.max_latency_s is not None:
            positive("max_latency_s", self.max_latency_s)
        if self.price is not None:
            not_negative("price", self.price)

    @property
    def text_bytes(self) -> int | None:
        """Length of the text in UTF-8; None without a text."""
        return None if self.text is None else len(self.text.encode("utf-8", "replace"))


def text_of(query: Query | None) -> str | None:
    """Return the text of a query; None for None.

    Raises:
        QueryError: the query is neither text nor chat messages.
    """
    if query is None:
        return None
    try:
        return query_text(query)
    except Misfit as error:
        raise QueryError(f"the query: {error}") from None


def with_ids(
    queries: Iterable[Query | None], query_ids: Collection[str | None] | None
) -> list[tuple[Query | None, str | None]]:
    """Return the queries of a batch, each with its id.

    Raises:
        QueryError: there are more or fewer ids than queries, or one of the two is no collection.
    """
    expect("queries", queries, Iterable, QueryError)
    expect("query_ids", query_ids, (Collection, type(None)), QueryError)
    batch = list(queries)
    ids = [None] * len(batch) if query_ids is None else list(query_ids)
    if len(ids) != len(batch):
        raise QueryError(f"{len(batch)} queries came with {len(ids)} query_ids; give one each, or none at all")
    return list(zip(batch, ids, strict=True))


def labels_of(**labels: str | None) -> dict[str, str]:
    """Return the labels that are given, by kind."""
    for kind, label in labels.items():
        expect(f"the {kind}", label, (str, type(None)), QueryError)
    return {kind: label for kind, label in labels.items() if label}


def callable_points(grid: Grid, models: Collection[str] | None, callable: Mask | None) -> Mask:
    """Return the points that a caller allows, ``(points,)``.

    Args:
        grid: the points.
        models: names of the models that may be called; None: all.
        callable: which points may be called, bool ``(points,)``; None: all.

    Raises:
        TargetError: a model is not in the grid, the mask has another shape or type, or no point is left.
    """
    allowed = np.ones(len(grid.points), bool)
    if models is not None:
        allowed &= np.isin([point.model for point in grid.points], _checked_models(grid, models))
    if callable is not None:
        try:
            mask = np.asarray(callable)
        except ValueError:  # rows of different lengths
            mask = np.array(None)
        if mask.shape != allowed.shape or mask.dtype != np.bool_:
            raise TargetError(f"callable must be bool of shape {allowed.shape}, got {mask.dtype} {mask.shape}")
        allowed &= mask
    if not allowed.any():
        raise TargetError("no point is callable; allow at least one model")
    return allowed


def _checked_models(grid: Grid, models: Collection[str]) -> list[str]:
    if isinstance(models, str):
        raise TargetError(f"models must be a list of names, got the text {models!r}; write [{models!r}]")
    expect_items("models", models, str, TargetError)
    for name in sorted(set(models) - set(grid.models)):
        raise TargetError(f"unknown model {name!r}; {did_you_mean(name, grid.models)}")
    return list(models)
