"""The form of an encoder, and its use on many texts in a fit and on one text in a plan.

An encoder is a function from a list of texts to one vector each. If it has the attributes ``name`` and ``fingerprint``,
a policy keeps these; of any other function it keeps its name, and the hash of its vectors for three texts.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from paretoroute._arrays import Floats32
from paretoroute.errors import EncoderError, shown

Encoder = Callable[[Sequence[str]], ArrayLike]
AT_ONCE = 128  # texts of one call, so that progress shows and memory stays bounded


@dataclass(frozen=True)
class OneByOne:
    """An encoder as a function from one text to its vector, as planning calls it.

    Args:
        encoder: from texts to vectors.
    """

    encoder: Encoder

    def __call__(self, text: str) -> Floats32:
        """Encode one text, ``(width,)``."""
        return encoded(self.encoder, [text])[0]

    @property
    def name(self) -> str:
        """Name of the encoder in policies and messages."""
        own = getattr(self.encoder, "name", None)
        return own if isinstance(own, str) else getattr(self.encoder, "__qualname__", type(self.encoder).__name__)

    @property
    def own_fingerprint(self) -> str | None:
        """The fingerprint that the encoder states, in hex, or None; any other text is hashed."""
        stated = getattr(self.encoder, "fingerprint", None)
        if not isinstance(stated, str):
            return None
        is_hash = len(stated) == 64 and not set(stated) - set("0123456789abcdef")
        return stated if is_hash else hashlib.sha256(stated.encode("utf-8", "replace")).hexdigest()


def feature_function(features: Callable[[str], Any] | None, encoder: Encoder | None) -> Callable[[str], Any] | None:
    """Return the one function from a text to numbers that a caller gives, as features or as an encoder; None for none.

    Raises:
        EncoderError: both are given, or the encoder is no function.
    """
    if encoder is None:
        return features
    if features is not None:
        raise EncoderError("features= and encoder= are two sources of one view; give one of them")
    if not callable(encoder):
        raise EncoderError(f"encoder must be a function from a list of texts to vectors, got {shown(encoder)}")
    return OneByOne(encoder)


def encoded(encoder: Encoder, texts: Sequence[str], progress: Callable[[str], None] | None = None) -> Floats32:
    """Encode texts in batches, each distinct text once: float32 ``(texts, width)``.

    Args:
        encoder: from texts to vectors.
        texts: at least one.
        progress: called before every batch but the first with the number of texts done.

    Raises:
        EncoderError: the vectors are not one finite row of numbers per text, all of one length.
    """
    place = {text: i for i, text in enumerate(dict.fromkeys(texts))}
    distinct, batches = list(place), list[Floats32]()
    for start in range(0, len(distinct), AT_ONCE):
        if progress is not None and start:
            progress(f"encoding the queries: {start:,} of {len(distinct):,}")
        batches.append(_batch(encoder, distinct[start : start + AT_ONCE]))
    widths = {batch.shape[1] for batch in batches}
    if len(widths) > 1:
        raise EncoderError(f"the encoder must give vectors of one length, got lengths {sorted(widths)[:3]}")
    return np.concatenate(batches)[[place[text] for text in texts]]


def _batch(encoder: Encoder, texts: list[str]) -> Floats32:
    value = encoder(texts)
    try:
        table = np.asarray(value, np.float32)
    except (ValueError, TypeError, OverflowError):
        raise EncoderError(f"the encoder must give one vector of numbers per text, got {shown(value)}") from None
    if table.ndim != 2 or len(table) != len(texts) or not table.shape[1]:
        raise EncoderError(
            f"the encoder must give an array of shape ({len(texts)}, width) for {len(texts)} texts, "
            f"got {table.shape}; it is called with a list of texts"
        )
    if not math.isfinite(float(np.abs(table).max())):
        row = int(np.argwhere(~np.isfinite(table))[0][0])
        raise EncoderError(f"the encoder gives NaN or infinity for {shown(texts[row])}; return finite numbers")
    return table
