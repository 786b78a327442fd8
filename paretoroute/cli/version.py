"""The text of ``--version``, which needs nothing but the base installation."""

from __future__ import annotations

from importlib.metadata import version


def version_text() -> str:
    """Return the name and the version of the package."""
    return f"paretoroute {version('paretoroute')}"
