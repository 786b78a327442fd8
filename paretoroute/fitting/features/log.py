"""A log with the features of its queries: n-grams of their texts, numbers in place of them, or both beside each other.

Where the texts differ, numbers that the log or the caller brings are a second view of the query. Where all texts are
the same, or none is logged, they are the only one; and so are the texts where all logged embeddings are the same.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from paretoroute._arrays import Floats32
from paretoroute.encoders.base import Encoder, OneByOne, encoded, feature_function
from paretoroute.errors import QueryError, RunsError, shown
from paretoroute.policy.schema import FeaturesEntry, SecondViewEntry
from paretoroute.runs.table import Runs
from paretoroute.surface.featurizer import Featurizer, ngram_fingerprint, stated_fingerprint

FeatureFunction = Callable[[str], ArrayLike]
FeatureKind = Literal["hashed_ngrams", "embedding", "function"]
SecondKind = Literal["embedding", "function", "encoder"]


@dataclass(frozen=True)
class FeaturedLog:
    """The runs to fit on, and how their queries become numbers.

    Args:
        runs: those of the logged points on offer; the embeddings are those of the user's function where one is given.
        kind: of the features.
        second: kind of the second view; None: there is one view.
        function: the user's, or None.
    """

    runs: Runs
    kind: FeatureKind
    second: SecondKind | None = None
    function: FeatureFunction | None = None

    def entry(self, featurizer: Featurizer) -> FeaturesEntry:
        """Name the features, as a policy keeps them."""
        function, second = None if self.second else self.function, featurizer.second
        tags = {"tags": featurizer.tags} if featurizer.tags else {}
        return FeaturesEntry(
            kind=self.kind,
            name=f"paretoroute {self.kind}" if function is None else _name(function),
            width=featurizer.own_width,
            fingerprint=ngram_fingerprint() if function is None else stated_fingerprint(function),
            settings={"rank": featurizer.rank, "buckets": len(featurizer.buckets), **tags},
            second=None if second is None else self._second_entry(second),
        )

    def _second_entry(self, featurizer: Featurizer) -> SecondViewEntry:
        function, kind = self.function, self.second or "embedding"
        return SecondViewEntry(
            kind=kind,
            name="paretoroute embedding" if function is None else _name(function),
            width=featurizer.width,
            fingerprint=None if function is None else stated_fingerprint(function),
            settings={"inputs": len(featurizer.centre)},
        )


def featured(
    runs: Runs,
    features: FeatureFunction | None,
    encoder: Encoder | None = None,
    *,
    progress: Callable[[str], None] | None = None,
) -> FeaturedLog:
    """Read the queries of a log by the user's function or encoder, the log's embeddings, or n-grams.

    Args:
        runs: the log.
        features: from a text to a vector, or None.
        encoder: from texts to vectors, or None.
        progress: called with a few words while texts are encoded.

    Raises:
        QueryError: the function gives no vectors of one length.
        EncoderError: the encoder gives none; or a function and an encoder are given.
        RunsError: an encoder is given, and no text is logged.
    """
    function, kind = feature_function(features, encoder), _kind(runs, features, encoder)
    if encoder is not None and not any(text.strip() for text in runs.texts):
        raise RunsError(
            "an encoder reads the texts of the queries, and the log has none; log them, or leave encoder= out"
        )
    if isinstance(function, OneByOne):
        if progress is not None:
            progress("encoding the queries")
        runs = replace(runs, embeddings=encoded(function.encoder, runs.texts, progress))
    elif function is not None:
        runs = replace(runs, embeddings=_vectors(function, runs.texts))
    if kind == "encoder":
        return FeaturedLog(runs, "hashed_ngrams", kind, function)
    if kind == "hashed_ngrams" or len(set(runs.texts)) < 2:
        return FeaturedLog(runs, kind, None, function)
    if kind == "embedding" and _is_uniform(runs):
        return FeaturedLog(runs, "hashed_ngrams")
    return FeaturedLog(runs, "hashed_ngrams", kind, function)


def _is_uniform(runs: Runs) -> bool:
    return runs.embeddings is not None and bool((runs.embeddings == runs.embeddings[0]).all())


def _kind(
    runs: Runs, features: FeatureFunction | None, encoder: Encoder | None
) -> Literal["hashed_ngrams", "embedding", "function", "encoder"]:
    if encoder is not None:
        return "encoder"
    if features is not None:
        return "function"
    return "hashed_ngrams" if runs.embeddings is None else "embedding"


def _name(function: FeatureFunction) -> str:
    if isinstance(function, OneByOne):
        return function.name
    return getattr(function, "__qualname__", type(function).__name__)


def _vector(value: ArrayLike) -> Floats32:
    try:
        return np.asarray(value, np.float32)
    except (ValueError, TypeError, OverflowError):
        raise QueryError(f"the feature function must give vectors of numbers, got {shown(value)}") from None


def _vectors(features: FeatureFunction, queries: tuple[str, ...]) -> Floats32:
    if not callable(features):
        raise QueryError(f"features must be a function from a text to a vector, got {shown(features)}")
    rows = [_vector(features(text)) for text in queries]
    shapes = {row.shape for row in rows}
    if len(shapes) != 1 or len(next(iter(shapes))) != 1:
        raise QueryError(f"the feature function must give vectors of one length, got shapes {sorted(shapes)[:3]}")
    table = np.stack(rows)
    if not np.isfinite(table).all():
        row = int(np.argwhere(~np.isfinite(table))[0][0])
        raise QueryError(f"the feature function gives NaN or infinity for query {row}; return finite numbers")
    return table
