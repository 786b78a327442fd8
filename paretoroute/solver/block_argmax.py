"""Passes over many queries, block by block: priced scores in reused buffers, and sums over the chosen points.

A pass reads every table once. Blocks of 2,048 rows of 32 points keep the buffers in a second-level cache. Scores are
evaluated as in :mod:`paretoroute.solver.argmax`, so that the argmax is the same wherever nothing is tied; ties are left
to the caller.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np
from numpy.typing import DTypeLike, NDArray

from paretoroute._arrays import Floats, Indices
from paretoroute.forecast import Tables
from paretoroute.solver.argmax import Weights

CHUNK = 4096
PASS_ROWS = 2_048

T = TypeVar("T")


class CostQuality(NamedTuple, Generic[T]):
    """Cost in USD and quality of the same choices: totals, or ``(queries,)`` each."""

    cost: T
    quality: T


@dataclass(frozen=True)
class Sums:
    """Sums over queries of the chosen points' figures, and how often each point is chosen, ``(points,)``."""

    quality: float
    cost: float
    latency: float
    count: Floats


class SumsBuilder:
    """Sums of chosen points over blocks of queries, in float64."""

    def __init__(self, points: int) -> None:
        self._parts: tuple[list[float], list[float], list[float]] = ([], [], [])
        self._count = np.zeros(points)

    def add(self, block: Tables, rows: Indices, chosen: Indices) -> None:
        """Add the figures of one point of some rows each.

        Args:
            block: of the rows.
            rows: of the block, ``(rows,)``.
            chosen: their points, ``(rows,)``.
        """
        for parts, table in zip(self._parts, (block.quality, block.cost_usd, block.latency_s), strict=True):
            if table is not None:
                parts.append(sum_chosen(table, rows, chosen))
        self._count += np.bincount(chosen, minlength=self._count.size)

    def sums(self) -> Sums:
        """Return the sums of everything added."""
        quality, cost, latency = map(math.fsum, self._parts)
        return Sums(quality, cost, latency, self._count)


def sum_chosen(table: NDArray[Any], rows: Indices, chosen: Indices) -> float:
    """Sum one point's figure of some rows each, in float64; ``table`` is ``(queries, points)`` or ``(points,)``."""
    return float((table[rows, chosen] if table.ndim == 2 else table[chosen]).sum(dtype=np.float64))


def float64_blocks(tables: Tables) -> Iterator[tuple[slice, Tables]]:
    """Iterate over blocks of rows in float64, each with its place."""
    queries = tables.quality.shape[0]
    for start in range(0, queries, CHUNK):
        part = slice(start, min(start + CHUNK, queries))
        yield part, tables.take(part).astype(np.float64)


def _wide(table: NDArray[Any]) -> NDArray[Any]:
    return table.astype(np.float64) if table.ndim == 1 else table


def _load(rows: NDArray[Any], buffer: NDArray[Any] | None) -> NDArray[Any]:
    if buffer is None:
        return rows
    converted = buffer[: len(rows)]
    np.copyto(converted, rows)
    return converted


class BlockScores:
    """Scores of all points, block by block, in buffers that the next block overwrites.

    Args:
        tables: of all queries.
        dtype: in which scores are computed.
    """

    def __init__(self, tables: Tables, dtype: DTypeLike = np.float64) -> None:
        queries, points = tables.quality.shape
        shape = (min(queries, PASS_ROWS), points)
        # Figures that all queries share are converted once.
        self._tables = Tables(
            tables.quality,
            _wide(tables.cost_usd),
            None if tables.latency_s is None else _wide(tables.latency_s),
            tables.callable,
        )
        self.dtype: np.dtype[Any] = np.dtype(dtype)
        buffers: NDArray[Any] = np.empty((2, *shape), self.dtype)
        self.scores, self.scratch = buffers
        self._quality, self._cost, self._latency = (
            self._buffer(table, shape) for table in (tables.quality, tables.cost_usd, tables.latency_s)
        )

    def _buffer(self, table: NDArray[Any] | None, shape: tuple[int, int]) -> NDArray[Any] | None:
        converted = table is not None and table.ndim == 2 and table.dtype != self.dtype
        return np.empty(shape, self.dtype) if converted else None

    def __iter__(self) -> Iterator[tuple[slice, Tables]]:
        """Iterate over blocks in the type of the scores; their figures last until the next block."""
        tables = self._tables
        queries = tables.quality.shape[0]
        for start in range(0, queries, PASS_ROWS):
            part = slice(start, min(start + PASS_ROWS, queries))
            block = tables.take(part)
            quality, cost = _load(block.quality, self._quality), _load(block.cost_usd, self._cost)
            latency = None if block.latency_s is None else _load(block.latency_s, self._latency)
            yield part, Tables(quality, cost, latency, block.callable)

    def score(self, block: Tables, weights: Weights) -> NDArray[Any]:
        """Compute the scores of a block, ``(rows, points)``; -inf where a point may not be called."""
        scores, scratch = self.scores[: len(block.quality)], self.scratch[: len(block.quality)]
        constant, priced = weights.points, None
        for weight, table in ((weights.cost, block.cost_usd), (weights.latency, block.latency_s)):
            if table is None or not weight:
                continue
            if table.ndim == 1:
                constant = weight * table if constant is None else constant + weight * table
            elif priced is None:
                priced = np.multiply(table, float(weight), out=scores)
            else:
                priced += np.multiply(table, float(weight), out=scratch)
        gain = block.quality
        if weights.quality != 1:
            gain = np.multiply(gain, float(weights.quality), out=scratch)
        if constant is not None:
            constant = constant.astype(self.dtype, copy=False)
            priced = constant if priced is None else np.add(priced, constant, out=scores)
        np.subtract(gain, 0.0 if priced is None else priced, out=scores)
        if block.callable is not None:
            scores[~np.broadcast_to(block.callable, scores.shape)] = -np.inf
        return scores
