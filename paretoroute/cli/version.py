"""The text of ``--version``, which needs nothing but the base installation."""

from __future__ import annotations


def version_text() -> str:
    """Return the name and the version of the package."""
    from importlib.metadata import version  # takes a tenth of a second to load

    return f"paretoroute {version('paretoroute')}"
