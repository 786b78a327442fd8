"""Encode texts by a local ONNX model and its tokenizer, such as a sentence transformer exported with its files.

Texts are encoded one at a time. Models in int8 scale their activations by the largest of a batch, and padding changes
sums: in batches a vector would depend on the other texts, and a plan on what is planned with it.
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from paretoroute._arrays import Floats32
from paretoroute.errors import EncoderError, checked_path, expect, extra, file_name, one_line

EMBEDDING_PACKAGES = ("onnxruntime", "tokenizers")
PLACES = ("model.onnx", "onnx/model.onnx")  # of the model in its folder
_BLOCK = 1 << 20


class OnnxEncoder:
    """Encodes texts by an ONNX model and a ``tokenizer.json`` in one folder; nothing is downloaded.

    The model reads ``input_ids`` and, where it has these inputs, ``attention_mask`` and ``token_type_ids``. Its first
    output is a vector per text, or one per token, which are then pooled. Vectors are scaled to length 1. Threads may
    share an encoder.

    Args:
        folder: with ``model.onnx`` or ``onnx/model.onnx``, files of its weights beside it, and ``tokenizer.json``.
        most_tokens: of a text; the rest is cut.
        pooling: of the vectors of the tokens: their mean, or the first one, as models with a ``[CLS]`` token have it.
        threads: of one text.

    Raises:
        EncoderError: a file is missing or cannot be used, or the model reads other inputs.
        MissingExtraError: a package of the extra ``embeddings`` is not installed.
    """

    def __init__(
        self,
        folder: str | Path,
        *,
        most_tokens: int = 256,
        pooling: Literal["mean", "first"] = "mean",
        threads: int = 1,
    ) -> None:
        for name, number in (("most_tokens", most_tokens), ("threads", threads)):
            expect(name, number, int, EncoderError)
            if number < 1:
                raise EncoderError(f"{name} must be at least 1, got {number}")
        if pooling not in ("mean", "first"):
            raise EncoderError(f"pooling must be 'mean' or 'first', got {one_line(repr(pooling))}")
        self._folder = checked_path(folder, EncoderError)
        self._model, self._tokens = _model_file(self._folder), _file(self._folder, "tokenizer.json")
        self._settings = {"most_tokens": most_tokens, "pooling": pooling}
        self._pools_mean = pooling == "mean"
        with extra("embeddings", EMBEDDING_PACKAGES, "an ONNX encoder"):
            self._tokenizer = _tokenizer(self._tokens, most_tokens)
            self._session = _session(self._model, threads)
        self._inputs = [one.name for one in self._session.get_inputs()]
        unknown = set(self._inputs) - {"input_ids", "attention_mask", "token_type_ids"}
        if unknown or "input_ids" not in self._inputs:
            raise EncoderError(
                f"{file_name(self._model)}: reads {', '.join(map(one_line, sorted(self._inputs)))}; "
                "a model of texts reads input_ids, attention_mask and token_type_ids"
            )

    @property
    def name(self) -> str:
        """Name in policies: that of the folder."""
        return f"onnx {one_line(self._folder.resolve().name)}"

    @functools.cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the files of the model, of its tokenizer and of the settings, in hex."""
        digest = hashlib.sha256(json.dumps(self._settings, sort_keys=True).encode())
        beside = sorted(self._model.parent.glob(f"{self._model.name}*"))  # weights in files of their own
        for path in (*beside, self._tokens):
            digest.update(path.name.encode() + b"\0" + _digest(path))
        return digest.hexdigest()

    def __call__(self, texts: Sequence[str]) -> Floats32:
        """Encode texts, each as if it came alone: float32 ``(texts, width)``.

        Raises:
            EncoderError: the model fails on a text, or returns no vectors.
        """
        return np.stack([self._encoded(text) for text in texts])

    def _encoded(self, text: str) -> Floats32:
        tokens = self._tokenizer.encode(text)
        own = {"input_ids": tokens.ids, "attention_mask": tokens.attention_mask, "token_type_ids": tokens.type_ids}
        feed = {name: np.array([own[name]], np.int64) for name in self._inputs}
        try:
            output = np.asarray(self._session.run(None, feed)[0], np.float32)
        except Exception as error:  # onnxruntime's own, of many types
            raise EncoderError(f"{file_name(self._model)}: fails on a text: {one_line(error)}") from None
        if output.ndim == 3 and output.shape[1]:
            output = output.mean(axis=1) if self._pools_mean else output[:, 0]
        if output.ndim != 2 or len(output) != 1:
            raise EncoderError(f"{file_name(self._model)}: returns shape {output.shape}, not a vector of the text")
        length = float(np.sqrt((output[0].astype(np.float64) ** 2).sum()))
        return output[0] / np.float32(length or 1.0)


def _model_file(folder: Path) -> Path:
    for place in PLACES:
        if (folder / place).is_file():
            return folder / place
    raise EncoderError(f"{file_name(folder)}: holds no {' or '.join(PLACES)}; name the folder of an ONNX model")


def _file(folder: Path, name: str) -> Path:
    if not (folder / name).is_file():
        raise EncoderError(f"{file_name(folder)}: holds no {name}; copy that of the model beside it")
    return folder / name


def _digest(path: Path) -> bytes:
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.digest()


def _tokenizer(path: Path, most_tokens: int) -> Any:
    from tokenizers import Tokenizer

    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # tokenizers raises Exception itself
        raise EncoderError(f"{file_name(path)}: is no tokenizer: {one_line(error)}") from None
    tokenizer.enable_truncation(most_tokens)
    tokenizer.no_padding()
    return tokenizer


def _session(path: Path, threads: int) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.log_severity_level = 4
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's own, of many types
        raise EncoderError(f"{file_name(path)}: is no ONNX model that can be run: {one_line(error)}") from None
