"""The process that reads policies: its policies and errors are those of ``Policy.load``, and its end is no harm."""

import os
import signal
import time

import pytest

from paretoroute.errors import PolicyError, SignatureError
from paretoroute.planner.planner import Planner
from paretoroute.policy.policy import Policy
from paretoroute.policy.signatures.sign import sign_policy
from paretoroute.serving.reader import PolicyReader
from tests.policy.signatures.key_files import key_pair
from tests.serving.cases import MAX_COST, QUESTION, SAME_QUALITY, policy_in, replace


@pytest.fixture(scope="module")
def reader():
    made = PolicyReader()
    yield made
    made.close()


def test_a_policy_is_that_of_load(reader):
    there, here = reader.read(SAME_QUALITY), Policy.load(SAME_QUALITY)

    assert (there.document, there.sha256) == (here.document, here.sha256)
    one, other = (Planner(policy).plan(QUESTION, query_id="1").to_json() for policy in (there, here))
    assert one | {"decision_id": ""} == other | {"decision_id": ""}


def test_an_error_is_that_of_load_and_the_next_policy_is_read(reader, tmp_path):
    bad = replace(policy_in(tmp_path), b"schema: 99\n")
    with pytest.raises(PolicyError) as here:
        Policy.load(bad)
    with pytest.raises(PolicyError) as there:
        reader.read(bad)

    assert (type(there.value), str(there.value)) == (type(here.value), str(here.value))
    assert reader.read(MAX_COST).sha256


def test_the_process_requires_a_signature_of_the_keys_that_it_is_given(reader, tmp_path):
    path, ops, other = policy_in(tmp_path), key_pair(tmp_path), key_pair(tmp_path, "other")
    with pytest.raises(SignatureError, match="policy.yaml: is not signed"):
        reader.read(path, trusted_keys=[ops.key])

    sign_policy(path, key=ops.private)

    assert reader.read(path, trusted_keys=[other.key, ops.key]).sha256 == Policy.load(path).sha256
    with pytest.raises(SignatureError, match="other.pub.pem"):
        reader.read(path, trusted_keys=[other.key])


def test_a_process_that_was_killed_is_started_again(reader):
    reader.read(MAX_COST)
    os.kill(reader._process.pid, signal.SIGKILL)
    time.sleep(0.1)

    assert reader.read(MAX_COST).sha256


def test_a_process_that_ends_over_a_policy_is_an_error(reader, monkeypatch):
    reader.read(MAX_COST)
    monkeypatch.setattr(reader, "_ask", lambda order: (_ for _ in ()).throw(EOFError()))

    with pytest.raises(PolicyError, match="demo-max-cost.yaml: the process that read it ended"):
        reader.read(MAX_COST)


def test_an_idle_process_ends_and_another_one_reads_the_next_policy():
    reader = PolicyReader(idle_s=0.05)
    first = reader.read(MAX_COST)
    process = reader._process
    process.join(60)

    assert process.exitcode == 0
    assert reader.read(MAX_COST).sha256 == first.sha256
    reader.close()
    reader.close()  # again is no harm
