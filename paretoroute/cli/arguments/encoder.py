"""The option by which commands read texts with an encoder beside their n-grams."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from paretoroute.encoders.base import Encoder

EncoderFolder = Annotated[
    Path | None,
    typer.Option(
        "--encoder",
        metavar="FOLDER",
        help="Folder of an ONNX text encoder, used with the n-grams: model.onnx and tokenizer.json.",
    ),
]


def read_encoder(folder: Path | None) -> Encoder | None:
    """Return the encoder of a folder, as the defaults of ``OnnxEncoder`` have it; None without one.

    Raises:
        MissingExtraError: onnxruntime or tokenizers is not installed.
        EncoderError: the folder holds no encoder that can be used.
    """
    if folder is None:
        return None
    from paretoroute.encoders.onnx import OnnxEncoder  # loads an extra

    return OnnxEncoder(folder)
