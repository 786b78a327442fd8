"""Results as bytes: the same numbers come back, and nothing else is believed."""

import hashlib
import json
import pickle
from dataclasses import fields

import numpy as np
import pytest
from safetensors.numpy import load, save

from paretoroute.evaluation.protocol.gains import Judged
from paretoroute.evaluation.protocol.outer_fold import LeftOut, OuterFold
from paretoroute.evaluation.protocol.steps import codec
from paretoroute.evaluation.protocol.steps.codec import BadEntry, decoded, encoded
from paretoroute.evaluation.routers.random_share import RandomShare
from paretoroute.evaluation.routers.tag import Tag

KEY = "ab" * 32
SIZES = {"queries": 30, "points": 4}


@pytest.fixture(scope="module")
def results(study):
    fold = OuterFold(study, 0)
    assert (study.fold == 0).sum() == SIZES["queries"]
    return {"forecast": fold.judge(Tag()), "knobs": fold.judge(RandomShare()), "left out": LeftOut("the log has no é")}


def signed(body: bytes) -> bytes:
    """Return a body under a checksum that is right."""
    return hashlib.sha256(body).hexdigest().encode() + b"\n" + body


def with_tables(data: bytes, change) -> bytes:
    """Change the tables of a result, under a checksum that is right."""
    head, _, payload = data[65:].partition(b"\n")
    return signed(head + b"\n" + save(change(load(payload))))


@pytest.mark.parametrize("kind", ["forecast", "knobs", "left out"])
def test_a_result_comes_back_to_the_last_bit(results, kind):
    data = encoded(KEY, results[kind])

    again = decoded(data, KEY, **SIZES)

    assert type(again) is type(results[kind])
    assert encoded(KEY, again) == data
    if kind == "left out":
        assert again == results[kind]
    else:
        np.testing.assert_array_equal(again.judged.gain, results[kind].judged.gain)
        assert (again.forecast is None, again.knobs is None) == (kind == "knobs", kind == "forecast")


def test_every_figure_of_a_fold_has_axes():
    stored = {name.partition(".")[2] for name in codec.AXES if name.startswith("judged.")}

    assert stored == {field.name for field in fields(Judged)}, "add its axes in steps/codec.py"


def test_any_damage_is_noticed(results):
    data = encoded(KEY, results["knobs"])
    chance = np.random.default_rng(0)

    for place in (0, 63, 64, 65, 70, len(data) - 1, *chance.integers(len(data), size=100)):
        damaged = bytearray(data)
        damaged[place] ^= 1 << int(chance.integers(8))
        with pytest.raises(BadEntry):
            decoded(bytes(damaged), KEY, **SIZES)
    for size in (0, 1, 64, 65, 66, 200, len(data) - 1):
        with pytest.raises(BadEntry):
            decoded(data[:size], KEY, **SIZES)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\n",
        pickle.dumps({"key": KEY}),
        b"[" * 100_000,
        json.dumps({"key": KEY}).encode() + b"\n",
        json.dumps({"key": KEY, "left_out": None}).encode() + b"\n",
        json.dumps({"key": KEY, "left_out": 3}).encode() + b"\n",
        json.dumps({"key": KEY, "left_out": "so"}).encode() + b"\nmore",
        json.dumps({"key": KEY, "left_out": None}).encode() + b"\n" + pickle.dumps([1]),
        json.dumps({"key": KEY, "left_out": None}).encode() + b"\n" + save({}),
    ],
)
def test_bytes_of_another_program_are_refused_whatever_their_checksum(body):
    for data in (body, signed(body)):
        with pytest.raises(BadEntry):
            decoded(data, KEY, **SIZES)


def test_a_result_of_another_step_is_refused(results):
    data = encoded(KEY, results["forecast"])

    for key, sizes in (("cd" * 32, SIZES), (KEY, SIZES | {"queries": 29}), (KEY, SIZES | {"points": 5})):
        with pytest.raises(BadEntry):
            decoded(data, key, **sizes)


@pytest.mark.parametrize(
    "change",
    [
        lambda tables: tables | {"judged.gain": tables["judged.gain"].astype(np.float32)},
        lambda tables: tables | {"judged.gain": tables["judged.gain"][:, None]},
        lambda tables: tables | {"judged.gain": np.full(30, np.nan)},
        lambda tables: tables | {"judged.calls": tables["judged.calls"][:-1]},
        lambda tables: tables | {"judged.cost_ratio": tables["judged.cost_ratio"][:-1]},
        lambda tables: tables | {"knobs.cost_usd": tables["knobs.cost_usd"][:-1]},
        lambda tables: tables | {"more": np.zeros(3)},
        lambda tables: tables | {"forecast.quality": np.zeros((30, 4))},
        lambda tables: {name: table for name, table in tables.items() if name != "judged.share"},
        lambda tables: {name: table for name, table in tables.items() if name != "knobs.quality"},
    ],
)
def test_tables_that_are_not_a_result_are_refused(results, change):
    with pytest.raises(BadEntry):
        decoded(with_tables(encoded(KEY, results["knobs"]), change), KEY, **SIZES)


def test_a_forecast_out_of_range_is_refused(results):
    def change(tables):
        return tables | {"forecast.quality": tables["forecast.quality"] + 1}

    with pytest.raises(BadEntry, match="must lie in"):
        decoded(with_tables(encoded(KEY, results["forecast"]), change), KEY, **SIZES)
