"""What a log says of each query: its text, tag, tenant, step, conversation and embedding, each kept once.

Rows need not agree. The value that sorts first is kept, so that the outcome does not depend on the order of the rows,
and the query is noted as disputed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from paretoroute import query
from paretoroute.errors import RunsError


@dataclass
class Queries:
    """What is known of each query, gathered batch by batch."""

    codes: dict[str, int] = field(default_factory=dict)
    texts: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    conversations: list[str] = field(default_factory=list)
    tenants: list[str] = field(default_factory=list)
    steps: list[str] = field(default_factory=list)
    embeddings: dict[int, bytes] = field(default_factory=dict)
    disputed: dict[str, set[int]] = field(default_factory=dict)
    width: int | None = None

    def code(
        self, query_id: str, text: str, tag: str, benchmark: str, conversation: str, tenant: str, step: str
    ) -> int:
        """Give the number of a query and note what a row says of it; ``benchmark`` is another name for ``tag``."""
        query_id = query_id or query.query_id_of(text)
        tag = tag or benchmark
        code = self.codes.setdefault(query_id, len(self.texts))
        said = (
            ("text", self.texts, text),
            ("tag", self.tags, tag),
            ("conversation", self.conversations, conversation),
            ("tenant", self.tenants, tenant),
            ("step", self.steps, step),
        )
        if code == len(self.texts):
            for _, kept, new in said:
                kept.append(new)
            return code
        for what, kept, new in said:
            if new and new != kept[code]:
                if kept[code]:
                    self.disputed.setdefault(what, set()).add(code)
                kept[code] = min(new, kept[code] or new)
        return code

    def embed(self, codes: Iterable[int], vectors: Iterable[NDArray[np.float32]], where: str) -> None:
        """Note the embedding of each row's query.

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
        """Give the embeddings of the queries in some order, ``(queries, width)``, or None where there are none.

        Raises:
            RunsError: some queries have one and others do not.
        """
        if not self.embeddings:
            return None
        without = len(order) - len(self.embeddings)
        if without:
            raise RunsError(
                f"{without} of {len(order)} queries have no embedding though others have; "
                "give every file the embedding column, or none"
            )
        joined = b"".join(self.embeddings[code] for code in order.tolist())
        return np.frombuffer(joined, np.float32).reshape(len(order), -1)
