"""An encoder in a fit and in a plan: batches, each distinct text once, and refusals."""

import numpy as np
import pytest

from paretoroute.encoders import base
from paretoroute.encoders.base import OneByOne, encoded, feature_function
from paretoroute.errors import EncoderError


def lengths(texts):
    return [[len(text), text.count("a")] for text in texts]


def test_texts_are_encoded_in_batches_each_distinct_one_once(monkeypatch):
    monkeypatch.setattr(base, "AT_ONCE", 2)
    batches, stages = [], []

    def counted(texts):
        batches.append(list(texts))
        return lengths(texts)

    table = encoded(counted, ["aa", "b", "aa", "ccc", "b", "da"], stages.append)

    assert batches == [["aa", "b"], ["ccc", "da"]]
    assert stages == ["encoding the queries: 2 of 4"]
    assert table.dtype == np.float32
    assert table.tolist() == [[2, 2], [1, 0], [2, 2], [3, 0], [1, 0], [2, 1]]


@pytest.mark.parametrize(
    ("encoder", "message"),
    [
        (lambda texts: [1.0] * len(texts), r"shape \(2, width\) for 2 texts, got \(2,\)"),
        (lambda texts: np.ones((1, 3)), r"shape \(2, width\) for 2 texts, got \(1, 3\)"),
        (lambda texts: np.ones((2, 0)), r"shape \(2, width\)"),
        (lambda texts: [[1.0], [1.0, 2.0]], "one vector of numbers per text"),
        (lambda texts: "x", "one vector of numbers per text"),
        (lambda texts: [[1.0], [float("nan")]], "NaN or infinity for 'b'"),
        (lambda texts: [[1e300], [1.0]], "NaN or infinity for 'a'"),
    ],
    ids=["flat", "too few", "no width", "ragged", "text", "NaN", "too large for float32"],
)
@pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning")
def test_an_encoder_that_gives_no_vectors_is_refused(encoder, message):
    with pytest.raises(EncoderError, match=message):
        encoded(encoder, ["a", "b"])


def test_batches_of_two_widths_are_refused(monkeypatch):
    monkeypatch.setattr(base, "AT_ONCE", 1)

    with pytest.raises(EncoderError, match=r"vectors of one length, got lengths \[1, 2\]"):
        encoded(lambda texts: np.ones((1, len(texts[0]))), ["a", "bb"])


def test_one_source_of_features_is_taken_and_not_two():
    assert feature_function(len, None) is len
    assert feature_function(None, lengths)("aab").tolist() == [3, 2]
    with pytest.raises(EncoderError, match="give one of them"):
        feature_function(len, lengths)
    with pytest.raises(EncoderError, match="must be a function from a list of texts to vectors, got 5"):
        feature_function(None, 5)  # type: ignore[arg-type]  # the fault


def test_an_encoder_is_named_by_itself_or_by_its_function():
    class Named:
        name, fingerprint = "mine", "version 2"

        def __call__(self, texts):
            return lengths(texts)

    named, plain = OneByOne(Named()), OneByOne(lengths)

    assert (plain.name, plain.own_fingerprint) == ("lengths", None)
    assert named.name == "mine"
    assert named.own_fingerprint is not None and len(named.own_fingerprint) == 64
