"""The queries of a log: text, tag, tenant, step, conversation and embedding, each kept once per query.

Rows may disagree. The value that sorts first is kept, so that the result does not depend on the order of the rows,
and the query is recorded as disputed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from paretoroute import query
from paretoroute.errors import RunsError


class QueryFields(NamedTuple):
    """The columns of one row that describe its query; ``benchmark`` is another name for ``tag``."""

    query_id: str
    query: str
    tag: str
    benchmark: str
    conversation: str
    tenant: str
    step: str


@dataclass
class Queries:
    """The queries met so far, in order of first appearance."""

    codes: dict[str, int] = field(default_factory=dict)
    texts: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    conversations: list[str] = field(default_factory=list)
    tenants: list[str] = field(default_factory=list)
    steps: list[str] = field(default_factory=list)
    embeddings: dict[int, bytes] = field(default_factory=dict)
    disputed: dict[str, set[int]] = field(default_factory=dict)
    width: int | None = None

    def code(self, row: QueryFields) -> int:
        """Return the number of a row's query, and merge what the row states about it."""
        query_id = row.query_id or query.query_id_of(row.query)
        code = self.codes.setdefault(query_id, len(self.texts))
        stated = (
            ("text", self.texts, row.query),
            ("tag", self.tags, row.tag or row.benchmark),
            ("conversation", self.conversations, row.conversation),
            ("tenant", self.tenants, row.tenant),
            ("step", self.steps, row.step),
        )
        if code == len(self.texts):
            for _, kept, new in stated:
                kept.append(new)
            return code
        for name, kept, new in stated:
            if new and new != kept[code]:
                if kept[code]:
                    self.disputed.setdefault(name, set()).add(code)
                kept[code] = min(new, kept[code] or new)
        return code

    def embed(self, codes: Iterable[int], vectors: Iterable[NDArray[np.float32]], where: str) -> None:
        """Store the embedding of each row's query.

        Args:
            codes: number of each row's query.
            vectors: embedding of each row, ``(width,)``.
            where: name of the source, for error messages.

        Raises:
            RunsError: a vector is wider or narrower than those before.
        """
        for code, vector in zip(codes, vectors, strict=True):
            if self.width is None:
                self.width = len(vector)
            if len(vector) != self.width:
                raise RunsError(
                    f"{where}: an embedding has {len(vector)} numbers where others have {self.width}; "
                    "use one embedding for the whole log"
                )
            raw = vector.tobytes()
            kept = self.embeddings.setdefault(code, raw)
            if kept != raw:
                self.disputed.setdefault("embedding", set()).add(code)
                self.embeddings[code] = min(kept, raw)

    def embedding_rows(self, order: NDArray[np.int64]) -> NDArray[np.float32] | None:
        """Return the embeddings in an order of queries, ``(queries, width)``, or None without any.

        Raises:
            RunsError: some queries have one and others do not.
        """
        if not self.embeddings:
            return None
        without = sum(code not in self.embeddings for code in order.tolist())
        if without:
            raise RunsError(
                f"{without} of {len(order)} queries have no embedding though others have; "
                "give every file the embedding column, or none"
            )
        joined = b"".join(self.embeddings[code] for code in order.tolist())
        return np.frombuffer(joined, np.float32).reshape(len(order), -1)
