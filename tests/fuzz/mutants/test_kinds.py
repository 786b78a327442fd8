"""Some inputs of every kind of the long fuzzers (experiments/fuzz); and faults planted in what they check."""

import ast
import dataclasses
import json
import random

import numpy as np
import pytest

import paretoroute as pr
from tests.fuzz.mutants import independent, kinds, mutations
from tests.processes import ROOT, python

INPUTS = 6_000  # of all kinds together


@pytest.mark.parametrize("kind", kinds.KINDS)
def test_no_input_is_accepted_as_something_else_or_refused_badly(kind, tmp_path):
    share = INPUTS / sum(count for _, count in kinds.KINDS.values())

    for seed in range(max(12, round(share * kinds.KINDS[kind][1]))):
        kinds.one(kind, seed, tmp_path)


def test_a_seed_makes_the_same_input_each_time():
    rows = [mutations.changed_rows(mutations.good_rows(stream), stream) for stream in map(random.Random, "aab")]

    assert repr(rows[0]) == repr(rows[1]) != repr(rows[2])


def test_a_log_that_is_read_as_another_is_noticed(tmp_path):
    rows = [
        {"query": "x", "model": "small", "quality": 1, "cost_usd": 0.5},
        {"query": "y", "model": "big", "quality": 0},
    ]
    data = "".join(json.dumps(row) + "\n" for row in rows).encode()
    (tmp_path / "log.jsonl").write_bytes(data)
    runs = pr.read_runs(tmp_path / "log.jsonl")

    independent.check_same(runs, independent.json_rows(data), text=False)
    with pytest.raises(AssertionError, match="no row states"):
        other = dataclasses.replace(runs, cost_usd=np.array([0.4, np.nan]))
        independent.check_same(other, independent.json_rows(data), text=False)
    with pytest.raises(AssertionError, match="2 runs and 0 aside of 3"):
        independent.check_same(runs, independent.json_rows(data + b"{}\n"), text=False)


PLANTED = """
import os, signal, tempfile
from pathlib import Path
from tests.fuzz.mutants import forked, kinds

def dangerous(stream, folder):
    if stream.random() < 0.2:
        os.kill(os.getpid(), signal.SIGKILL)
    if stream.random() < 0.2:
        raise KeyError("untyped")
    return True

kinds.KINDS["dangerous"] = (dangerous, 1)
forked.WARM_UP, forked.MOST_FAULTS = False, 100
tally = forked.part("dangerous", range(60), Path(tempfile.mkdtemp()))
print(tally.inputs, tally.faults)

def first(stream, folder):
    if stream.random() == START:
        raise KeyError("of seed 0")
    return True

import random
START = random.Random("first 0").random()
kinds.KINDS["first"], forked.WARM_UP = (first, 1), True
tally = forked.part("first", range(5), Path(tempfile.mkdtemp()))
print(tally.inputs, tally.accepted, tally.faults)
"""


def test_signals_and_untyped_errors_are_counted_with_their_seeds():
    done = python("-c", PLANTED, cwd=ROOT)  # a process of its own, since it forks

    planted, first = done.stdout.splitlines()
    inputs, _, faults = planted.partition(" ")
    assert (inputs, done.stderr) == ("60", "")
    texts = dict(ast.literal_eval(faults))
    assert set(texts.values()) == {"signal 9", "KeyError: 'untyped'"}
    killed = [seed for seed in range(60) if random.Random(f"dangerous {seed}").random() < 0.2]
    assert [seed for seed, text in texts.items() if text == "signal 9"] == killed
    assert first == """5 4 [(0, "KeyError: 'of seed 0'")]"""
