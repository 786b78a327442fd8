"""Queries without an id: processes, copies and threads that share a planner do not share its random numbers."""

import copy
import pickle
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

import paretoroute as pr
from paretoroute.solver.rules import Stream
from tests.planner_cases import no_signal
from tests.processes import python

DRAWS = 60
FORKED = f"""
import os, sys
import paretoroute as pr

planner = pr.Planner.load(sys.argv[1], seed=7, explore=float(sys.argv[2]))

def choices():
    return "".join(str(planner.plan("Which comes next?").point.name[0]) for _ in range({DRAWS}))

def forked(action):
    read, write = os.pipe()
    if os.fork() == 0:
        os.write(write, action().encode())
        os._exit(0)
    os.wait()
    return os.read(read, 10_000).decode()

print(choices())
print(forked(choices), forked(choices), forked(lambda: forked(choices)))
print(choices())
"""


def drawn(stream: Stream) -> list[float]:
    return [stream.next() for _ in range(DRAWS)]


@pytest.mark.parametrize("explore", [0.0, 0.5])
@pytest.mark.skipif(sys.platform == "win32", reason="processes are forked")
def test_forked_workers_of_one_planner_choose_differently_and_their_parent_goes_on_as_seeded(tmp_path, explore):
    no_signal().policy.save(tmp_path / "policy.yaml")
    planner = pr.Planner.load(tmp_path / "policy.yaml", seed=7, explore=explore)
    seeded = ["".join(planner.plan("Which comes next?").point.name[0] for _ in range(DRAWS)) for _ in range(2)]
    assert len(set(seeded[0])) > 1, "nothing is drawn"

    done = python("-c", FORKED, tmp_path / "policy.yaml", str(explore))

    assert (done.returncode, done.stderr) == (0, "")
    first, *children, second = done.stdout.split()
    assert seeded == [first, second]
    assert 5 == len({*children, *seeded})


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda stream: pickle.loads(pickle.dumps(stream))])
def test_copies_such_as_those_of_spawned_workers_have_numbers_of_their_own(copied):
    stream = Stream(seed=7)
    other = copied(stream)

    assert not set(drawn(stream)) & set(drawn(other))


def test_threads_share_one_stream_and_draw_different_numbers():
    stream = Stream(seed=7)

    with ThreadPoolExecutor(4) as pool:
        numbers = [number for part in pool.map(lambda _: drawn(stream), range(4)) for number in part]

    assert sorted(numbers) == sorted(number for again in [Stream(seed=7)] for _ in range(4) for number in drawn(again))
    assert len(numbers) == len(set(numbers))


def test_a_seed_gives_the_same_numbers_again():
    assert drawn(Stream(seed=7)) == drawn(Stream(seed=7)) != drawn(Stream(seed=8))
    assert drawn(Stream()) != drawn(Stream())
