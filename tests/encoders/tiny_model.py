"""A model of texts that looks up one vector per token, written as the bytes of its ONNX file, and its tokenizer."""

import json
from pathlib import Path

import numpy as np

WORDS = ("[UNK]", "a", "rose", "is", "red")
TABLE = np.array([[0, 0, 1], [1, 0, 0], [0, 2, 0], [3, 0, 4], [0, 0, 5]], np.float32)
INT64, FLOAT = 7, 1


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _part(field: int, value: bytes | str) -> bytes:
    content = value.encode() if isinstance(value, str) else value
    return _varint(field << 3 | 2) + _varint(len(content)) + content


def _value(name: str, kind: int, sizes: list[str | int]) -> bytes:
    shape = b"".join(_part(1, _part(2, s) if isinstance(s, str) else _number(1, s)) for s in sizes)
    return _part(1, name) + _part(2, _part(1, _number(1, kind) + _part(2, shape)))


def onnx_bytes(*, input_name: str = "input_ids", table: np.ndarray = TABLE) -> bytes:
    """Return an ONNX model of opset 13: one Gather from a table of vectors."""
    node = _part(1, "table") + _part(1, input_name) + _part(2, "vectors") + _part(4, "Gather")
    sizes = b"".join(_number(1, size) for size in table.shape)
    weights = sizes + _number(2, FLOAT) + _part(8, "table") + _part(9, table.astype("<f4").tobytes())
    inputs = _value(input_name, INT64, ["batch", "sequence"])
    outputs = _value("vectors", FLOAT, ["batch", "sequence", table.shape[1]])
    graph = _part(1, node) + _part(2, "tiny") + _part(5, weights) + _part(11, inputs) + _part(12, outputs)
    return _number(1, 8) + _part(7, graph) + _part(8, _part(1, "") + _number(2, 13))


def write_model(folder: Path, **changes) -> Path:
    """Write the model and its tokenizer into a folder."""
    folder.mkdir(exist_ok=True)
    (folder / "model.onnx").write_bytes(onnx_bytes(**changes))
    tokenizer = {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": [],
        "normalizer": {"type": "Lowercase"}, "pre_tokenizer": {"type": "Whitespace"},
        "post_processor": None, "decoder": None,
        "model": {"type": "WordLevel", "vocab": {w: i for i, w in enumerate(WORDS)}, "unk_token": "[UNK]"},
    }  # fmt: skip
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer), encoding="utf-8")
    return folder
