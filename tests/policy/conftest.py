"""A policy on disk."""

from pathlib import Path

import pytest

from paretoroute.policy.files.write import write_policy
from paretoroute.policy.schema import PolicyDocument
from tests.policy.documents import ARRAYS, DOCUMENT


@pytest.fixture
def policy(tmp_path) -> Path:
    path = tmp_path / "policy.yaml"
    write_policy(path, PolicyDocument.model_validate(DOCUMENT), ARRAYS)
    return path
