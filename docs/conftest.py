"""Run the examples of every page in an empty folder of its own, since some of them write files."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

collect_ignore_glob = ["reference/*"]  # those examples run where they are written, in the docstrings


@pytest.fixture(autouse=True)
def _own_folder(tmp_path, monkeypatch):
    """Change to a folder from which the example policies can be read, as from the root of the repository."""
    (tmp_path / "policies").symlink_to(ROOT / "policies")
    monkeypatch.chdir(tmp_path)
