"""One call to decide on, with the limits of this call alone; everything a caller passes is checked here."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sized
from dataclasses import dataclass, field, fields
from itertools import repeat
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from paretoroute._arrays import Mask, given_array
from paretoroute.errors import (
    QueryError,
    TargetError,
    did_you_mean,
    expect,
    expect_items,
    fraction,
    not_negative,
    positive,
    shown,
)
from paretoroute.grid import Grid
from paretoroute.query import Misfit, Query, bytes_beside_text, query_text

if TYPE_CHECKING:
    from paretoroute.planner.conversation.staying import HasPoint, Stay

CHEAPEST = 1e15  # quality per USD: a price at which every query takes its cheapest point
_NUMBERS = {"max_cost_usd": positive, "min_quality": fraction, "max_latency_s": positive, "price": not_negative}


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
        stay: the previous call of the conversation, or None.
        beside_bytes: of the prompt beside the text, such as calls of tools; infinite for images and other media.

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
    stay: Stay | None = None
    beside_bytes: float = 0.0

    def __post_init__(self) -> None:
        _check_id(self.query_id)
        for name, check in _NUMBERS.items():
            value = getattr(self, name)
            if value is not None:
                object.__setattr__(self, name, check(name, value))

    def of_query(self, query: Query | None, query_id: str | None, embedding: ArrayLike | None) -> Request:
        """Return the request with the same limits for another query.

        Raises:
            QueryError: the query is neither text nor chat messages, or the id is not text.
        """
        own = {"text": text_of(query), "query_id": query_id, "embedding": embedding}
        own["beside_bytes"] = 0.0 if query is None else bytes_beside_text(query)
        _check_id(query_id)
        request = object.__new__(Request)  # the limits were checked when this one was made
        for name in _FIELDS:
            object.__setattr__(request, name, own[name] if name in own else getattr(self, name))
        return request

    @property
    def takes_cheapest(self) -> bool:
        """Whether the price asks for the cheapest point, as where money is short."""
        return self.price is not None and self.price >= CHEAPEST

    @property
    def has_limits(self) -> bool:
        """Whether the call itself limits cost, quality or latency."""
        return not (self.max_cost_usd is self.min_quality is self.max_latency_s is None)

    @property
    def text_bytes(self) -> int | None:
        """Length of the text in UTF-8; None without a text."""
        return None if self.text is None else len(self.text.encode("utf-8", "replace"))

    @property
    def prompt_bytes(self) -> float:
        """Length of the text and of what the prompt holds beside it; infinite without a text."""
        return math.inf if self.text_bytes is None else self.text_bytes + self.beside_bytes


_FIELDS = tuple(item.name for item in fields(Request))


def _check_id(query_id: object) -> None:
    if query_id is not None and not isinstance(query_id, str):
        raise QueryError(f"query_id must be text, got {shown(query_id)}; write it as text")


def shared_request(
    grid: Grid,
    *,
    models: Collection[str] | None = None,
    callable: Mask | None = None,
    tag: str | None = None,
    tenant: str | None = None,
    step: str | None = None,
    previous: HasPoint | str | None = None,
    cached_tokens: float | None = None,
    cached_price_ratio: float | None = None,
    switch_margin: float | None = None,
    **limits: Any,
) -> Request:
    """Return what the calls of a batch share, checked; their queries are added by :meth:`Request.of_query`.

    Args:
        grid: the points.
        models: names of the models that may be called; None: all.
        callable: which points may be called, bool ``(points,)``; None: all.
        tag: label of the queries.
        tenant: likewise.
        step: likewise.
        previous: the decision, or point, of the conversation's call before.
        cached_tokens: of the prompt that the previous model has in its cache; None: none.
        cached_price_ratio: price of a cached token over that of a fresh one; None: by the grid's prices.
        switch_margin: by how much quality another point has to be better than the previous one; None: 0.
        limits: other fields of a request.

    Raises:
        GridError: the previous point is not in the grid.
        QueryError: a label is no text.
        TargetError: a limit is out of range, names an unknown model, or leaves no point to call.
    """
    tokens = 0.0 if cached_tokens is None else not_negative("cached_tokens", cached_tokens)
    margin = 0.0 if switch_margin is None else fraction("switch_margin", switch_margin)
    if previous is not None:
        from paretoroute.planner.conversation.staying import stay_of  # loaded only where a call has a previous

        limits["stay"] = stay_of(
            previous, grid, cached_tokens=tokens, cached_price_ratio=cached_price_ratio, margin=margin
        )
    elif tokens or margin:
        name = "cached_tokens" if tokens else "switch_margin"
        raise TargetError(f"{name} needs the conversation's call before this one; give previous=")
    return Request(
        text=None,
        callable=callable_points(grid, models, callable),
        labels=labels_of(tag=tag, tenant=tenant, step=step),
        **limits,
    )


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


class BatchRow(NamedTuple):
    """One query of a batch, with its id and embedding, if any."""

    query: Query | None
    query_id: str | None
    embedding: ArrayLike | None

    def embedding_or(self, shared: ArrayLike | None) -> ArrayLike | None:
        """Return the query's own embedding, or the one that the batch shares."""
        return shared if self.embedding is None else self.embedding


def with_each(
    queries: Iterable[Query | None],
    *,
    query_ids: Collection[str | None] | None = None,
    embeddings: Iterable[ArrayLike | None] | None = None,
) -> Iterator[BatchRow]:
    """Yield the queries of a batch, each with its id and its embedding.

    Raises:
        QueryError: there are more or fewer ids or embeddings than queries, or one of them is no collection.
    """
    if isinstance(queries, str | bytes):
        raise QueryError(f"queries must be a list, got the text {shown(queries)}; write [{shown(queries)}]")
    columns = {"queries": queries, "query_ids": query_ids, "embeddings": embeddings}
    columns = {name: values for name, values in columns.items() if values is not None or name == "queries"}
    each = {name: _iterated(name, values) for name, values in columns.items()}
    if len(columns) > 1:
        if not all(isinstance(values, Sized) for values in columns.values()):
            columns = {name: list(values) for name, values in each.items()}
            each = {name: iter(values) for name, values in columns.items()}
        size = _size(columns["queries"])
        for name, values in columns.items():
            if _size(values) != size:
                raise QueryError(f"{size} queries came with {_size(values)} {name}; give one each, or none at all")
    return map(BatchRow, *(each.get(name, repeat(None)) for name in ("queries", "query_ids", "embeddings")))


def _size(values: object) -> int:
    return len(values) if isinstance(values, Sized) else 0


def _iterated(name: str, values: object) -> Iterator[Any]:
    if isinstance(values, Mapping) or (hasattr(values, "columns") and hasattr(values, "iloc")):
        raise QueryError(f"{name} must be a list, got a {type(values).__name__}, which lists its keys; name one column")
    try:
        return iter(values)  # pyright: ignore[reportArgumentType, reportCallIssue]  # what cannot be iterated is refused
    except Exception:  # a number, an array without an axis, or an object's own __iter__
        raise QueryError(f"{name} must be a list, got {shown(values)}") from None


def labels_of(**labels: str | None) -> dict[str, str]:
    """Return the labels that are given, by kind."""
    for kind, label in labels.items():
        if label is not None:
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
    if models is None and callable is None:
        return allowed
    if models is not None:
        allowed &= np.isin([point.model for point in grid.points], _checked_models(grid, models))
    if callable is not None:
        mask = given_array(callable)
        if mask.shape != allowed.shape or mask.dtype != np.bool_:
            raise TargetError(f"callable must be bool of shape {allowed.shape}, got {mask.dtype} {mask.shape}")
        allowed &= mask
    if not allowed.any():
        raise TargetError("no point is callable; allow at least one model")
    return allowed


def _checked_models(grid: Grid, models: Collection[str]) -> list[str]:
    if isinstance(models, str):
        raise TargetError(f"models must be a list of names, got the text {shown(models)}; write [{shown(models)}]")
    expect_items("models", models, str, TargetError)
    for name in sorted(set(models) - set(grid.models)):
        raise TargetError(f"unknown model {shown(name)}; {did_you_mean(name, grid.models)}")
    return list(models)
