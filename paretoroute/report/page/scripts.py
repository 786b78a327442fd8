"""Scripts inside a page: the vendored libraries, the page's own script, and its data; and the policy that admits them.

Only scripts whose SHA-256 stands in the Content-Security-Policy run, so that no text of a log can. Data are JSON in a
block that does not run, with every character escaped that could end it.
"""

from __future__ import annotations

import json
from base64 import b64encode
from hashlib import sha256
from importlib.resources import files
from typing import Any

LIBRARIES = (("d3.min.js", "LICENSE-d3"), ("plot.umd.min.js", "LICENSE-plot"))
_ESCAPES = {ord(char): f"\\u{ord(char):04x}" for char in "<>&"}


def libraries() -> list[str]:
    """Return the vendored scripts, each below its licence, in the order in which they are loaded."""
    folder = files("paretoroute.report.page").joinpath("vendored")
    texts = [[folder.joinpath(name).read_text(encoding="utf-8") for name in pair] for pair in LIBRARIES]
    return [f"/*! {licence.strip()} */\n{code.strip()}\n" for code, licence in texts]


def own(name: str) -> str:
    """Return a script of this package."""
    return files("paretoroute.report.page").joinpath("assets", name).read_text(encoding="utf-8")


def source_of(script: str) -> str:
    """Return the source expression that admits one script.

    Example:
        >>> source_of("")
        "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='"
    """
    return f"'sha256-{b64encode(sha256(script.encode()).digest()).decode()}'"


def data_text(plain: Any) -> str:
    r"""Write plain values as JSON that a page can hold.

    Example:
        >>> data_text({"query": "</script>"})
        '{"query": "\\u003c/script\\u003e"}'
    """
    return json.dumps(plain, allow_nan=False).translate(_ESCAPES)
