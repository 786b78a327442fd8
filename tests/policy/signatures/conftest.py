"""A policy on disk, and a pair of keys."""

import pytest

from tests.policy.conftest import policy as policy
from tests.policy.signatures.key_files import KeyPair, key_pair


@pytest.fixture
def ops(tmp_path) -> KeyPair:
    folder = tmp_path / "keys"
    folder.mkdir()
    return key_pair(folder)
