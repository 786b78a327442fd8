"""The queries of a log: text, tag, tenant, step, conversation and embedding, each kept once per query.

A query is named by its id, or, where ids are joined with texts, by the pair of both. Rows may disagree. The value that
sorts first is kept, so that the result does not depend on the order of the rows, and the query is recorded as disputed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from paretoroute import query
from paretoroute.errors import RunsError, one_line
from paretoroute.runs.checks.query_texts import TextCheck, differ_in_form_alone, id_names, text_key
from paretoroute.runs.findings import Finding


class QueryFields(NamedTuple):
    """The columns of one row that describe its query; ``benchmark`` is another name for ``tag``."""

    query_id: str
    query: str
    tag: str
    benchmark: str
    conversation: str
    tenant: str
    step: str


def parse_join(join: object) -> bool:
    """Return whether a join is by id and text, and not by id alone.

    Raises:
        RunsError: it is neither ``"id"`` nor ``"id,text"``.
    """
    parts = [part.strip() for part in join.split(",")] if isinstance(join, str) else []
    if parts not in (["id"], ["id", "text"]):
        raise RunsError(f"join {one_line(join)!r}: use id (runs of one query_id) or id,text (of one query_id and text)")
    return len(parts) == 2


@dataclass
class Queries:
    """The queries met so far, in order of first appearance.

    Args:
        by_text: whether the texts of one id are queries of their own. An id with one text keeps its name; otherwise
            each text, up to near-copies, is the query ``ID#KEY`` with the text's key. Rows of such an id without a
            text are a query ``ID`` without a text.
    """

    by_text: bool = False
    codes: dict[str, int] = field(default_factory=dict)
    texts: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    conversations: list[str] = field(default_factory=list)
    tenants: list[str] = field(default_factory=list)
    steps: list[str] = field(default_factory=list)
    embeddings: dict[int, bytes] = field(default_factory=dict)
    disputed: dict[str, set[int]] = field(default_factory=dict)
    width: int | None = None
    check: TextCheck = field(default_factory=TextCheck)
    first_sources: list[str] = field(default_factory=list)
    pairs: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    merged: dict[int, int] = field(default_factory=dict)

    def code(self, row: QueryFields, source: str) -> int:
        """Return the number of a row's query, and merge what the row states about it.

        Args:
            row: the columns of the row.
            source: name of the source that it is from.
        """
        code = self.codes.setdefault(self._name(row), len(self.texts))
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
            self.first_sources.append(source)
            return code
        self._compare_text(code, row, source)
        for name, kept, new in stated:
            self._merge(code, name, kept, new)
        return code

    def _name(self, row: QueryFields) -> str:
        if not self.by_text or not row.query_id or not row.query:
            return row.query_id or query.query_id_of(row.query)
        pair = f"{row.query_id}#{text_key(row.query)}"
        self.pairs[row.query_id].add(pair)
        return pair

    def _compare_text(self, code: int, row: QueryFields, source: str) -> None:
        """Compare a row's text with the one kept, and record where the texts of a disputed query come from."""
        kept = self.texts[code]
        if code not in self.check.keys:
            if not kept or not row.query or row.query == kept or differ_in_form_alone(row.query, kept):
                return
            self.check.trace(code, kept, source=self.first_sources[code], tag=self.tags[code])
        if row.query != kept and row.query:
            self.check.compare(code, kept, row.query)
        self.check.trace(code, row.query, source=source, tag=row.tag or row.benchmark)

    def _merge(self, code: int, name: str, kept: list[str], new: str) -> None:
        """Keep the value that sorts first, and record a dispute."""
        if new and new != kept[code]:
            if kept[code]:
                self.disputed.setdefault(name, set()).add(code)
            kept[code] = min(new, kept[code] or new)

    def name_pairs(self) -> None:
        """Name the ids with one text by the id alone, rows without the text included."""
        for query_id, pairs in self.pairs.items():
            if len(pairs) > 1:
                continue
            code = self.codes.pop(next(iter(pairs)))
            textless = self.codes.get(query_id)
            if textless is not None:
                self._absorb(textless, code)
            self.codes[query_id] = code

    def _absorb(self, textless: int, code: int) -> None:
        """Make the rows of a query without a text rows of another one."""
        self.merged[textless] = code
        lists = ("tag", self.tags), ("conversation", self.conversations), ("tenant", self.tenants), ("step", self.steps)
        for name, kept in lists:
            self._merge(code, name, kept, kept[textless])
        vector = self.embeddings.pop(textless, None)
        if vector is not None:
            self._merge_embedding(code, vector)

    def finish(self) -> list[Finding]:
        """Return the findings on ids with several texts or labels, and on queries without a text.

        Raises:
            RunsError: ids stand for different queries.
        """
        texts = [self.texts[code] for code in self.codes.values()]
        silent = texts.count("")
        findings = self.check.finish(self.codes, texts=len(texts) - silent, embeddings=len(self.embeddings))
        for what, disputed in sorted(self.disputed.items()):
            codes = disputed - self.check.differing if what == "text" else disputed
            if not codes:
                continue
            text = (
                f"queries logged with more than one {what}: {len(codes)} ({id_names(self.codes, codes)}); the one that "
                "sorts first is kept"
            )
            findings.append(Finding("note", text))
        if silent and not self.embeddings:
            text = (
                f"queries with neither text nor embedding: {silent} of {len(texts)}; "
                "they tell what points are like on average, not which queries they suit"
            )
            findings.append(Finding("note", text))
        return findings

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
            self._merge_embedding(code, vector.tobytes())

    def _merge_embedding(self, code: int, raw: bytes) -> None:
        kept = self.embeddings.setdefault(code, raw)
        if kept != raw:
            self.disputed.setdefault("embedding", set()).add(code)
            self.check.compare_embeddings(code, kept, raw)
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
