"""Policies to serve: the two that ship, in a folder of their own, one of which replaces the other."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from tests.processes import ROOT

POLICIES = ROOT / "policies"
MAX_COST, SAME_QUALITY = POLICIES / "demo-max-cost.yaml", POLICIES / "demo-same-quality.yaml"
QUESTION = "Prove that there are infinitely many primes."


def policy_in(folder: Path) -> Path:
    """Copy a policy into a folder, with the numbers of both."""
    for side in POLICIES.glob("*.safetensors"):
        shutil.copy(side, folder)
    return replace(folder / "policy.yaml", MAX_COST.read_bytes())


def replace(path: Path, content: bytes) -> Path:
    """Replace a file in one step, as a save does."""
    new = path.with_suffix(".new")
    new.write_bytes(content)
    os.replace(new, path)
    return path
