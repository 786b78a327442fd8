"""Hashed n-grams: the same numbers in every process and batch, for any text at all."""

import math
import re
import zlib
from collections import Counter

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from paretoroute.surface.ngrams import (
    HALF,
    MOST_CHARACTERS,
    MOST_TEXTS,
    STATISTICS,
    TEXT_CAP_BYTES,
    WIDTH,
    capped,
    hashed,
    statistics,
    statistics_of_each,
)
from tests.processes import python

ANY = st.text(st.characters(exclude_categories=[]), max_size=60)
SCRIPTS = {
    "latin": "Schreibe eine Übersetzung für Zoë",
    "chinese": "请证明根号二是无理数",
    "arabic": "اكتب قصيدة عن البحر",
    "hindi": "समुद्र के बारे में लिखो",
    "thai": "เขียนบทกวีเกี่ยวกับทะเล",
    "emoji": "👩‍👩‍👧 says 🎉🎉",
}


def buckets_of(text):
    return hashed([text]).buckets


def slow_hashed(text):
    """The same counts with Python's own integers and a dictionary."""
    wrap = 2**64
    lowered = " ".join(capped(text).casefold().split())
    words = [zlib.crc32(word.encode("utf-8", "replace")) for word in re.findall(r"\w+|[^\w\s]", lowered)]
    pairs = [(a * 31 + b * 1_000_003) % wrap for a, b in zip(words, words[1:], strict=False)]
    codes = [48 if "0" <= letter <= "9" else ord(letter) for letter in f" {lowered} "]
    codes = [63 if 0xD800 <= code <= 0xDFFF else code for code in codes]
    grams = []
    for order in (3, 4, 5):
        for start in range(len(codes) - order + 1):
            value = codes[start]
            for code in codes[start + 1 : start + order]:
                value = (value * 0x100000001B3 % wrap) ^ code
            grams.append(value)
    counts = Counter((h * 0x9E3779B97F4A7C15 % wrap) >> 50 for h in words + pairs)
    counts.update(((h * 0x9E3779B97F4A7C15 % wrap) >> 50) + HALF for h in grams)
    return {bucket: 1 + math.log(count) for bucket, count in counts.items()}


@settings(max_examples=150)
@given(ANY)
@example("")
@example("a")
@example(" \n\t ")
@example("\ud800")
@example("\udfff x \ud83d")
@example("👩‍👩‍👧")
@example("17+25=42 17+25")
@example("İ ﬁ ß")
def test_the_counts_are_those_of_a_slow_version_for_any_text(text):
    found = hashed([text])
    buckets, values = found.buckets, found.values

    assert dict(zip(buckets.tolist(), values.tolist(), strict=True)) == pytest.approx(slow_hashed(text), rel=1e-12)
    assert (np.diff(buckets) > 0).all()
    assert ((buckets >= 0) & (buckets < WIDTH)).all()


@settings(max_examples=150)
@given(ANY)
@example("")
@example("\ud800?\udfff")
def test_the_statistics_of_any_text_are_finite(text):
    found = statistics(text)

    assert found.shape == (len(STATISTICS),)
    assert np.isfinite(found).all()
    assert (found >= 0).all()


def test_the_statistics_say_what_their_names_say():
    named = dict(zip(STATISTICS, statistics("AB c1?\né"), strict=True))

    assert named["log_characters"] == pytest.approx(math.log1p(8))
    assert named["log_words"] == pytest.approx(math.log1p(3))
    assert named["mean_word_length"] == pytest.approx(6 / 3)
    assert named["share_digits"] == pytest.approx(1 / 8)
    assert named["share_punctuation"] == pytest.approx(1 / 8)
    assert named["share_uppercase"] == pytest.approx(2 / 8)
    assert named["share_non_ascii"] == pytest.approx(1 / 8)
    assert named["share_lines"] == pytest.approx(1 / 8)
    assert named["share_distinct_words"] == 1.0
    assert named["question_marks"] == pytest.approx(math.log1p(1))
    assert (named["math_signs"], named["code_signs"]) == (0.0, 0.0)


@pytest.mark.parametrize("script", SCRIPTS)
def test_every_script_gives_words_and_characters_of_its_own(script):
    own = set(buckets_of(SCRIPTS[script]).tolist())

    assert any(bucket < HALF for bucket in own)
    assert any(bucket >= HALF for bucket in own)
    for other in SCRIPTS.keys() - {script}:
        shared = own & set(buckets_of(SCRIPTS[other]).tolist())
        assert len(shared) < 0.2 * len(own), other


def test_another_process_with_another_hash_seed_counts_alike():
    text = SCRIPTS["chinese"] + SCRIPTS["latin"]
    code = f"from paretoroute.surface.ngrams import hashed; print(hashed([{text!a}]).buckets.tolist())"

    said = python("-c", code, PYTHONHASHSEED="7")

    assert said.stdout.strip() == str(buckets_of(text).tolist())


@settings(max_examples=100)
@given(st.lists(ANY, min_size=1, max_size=8))
@example(["", "a", "", "ab", "", ""])
@example(["a", "b", "", "cd e", "é"])
def test_a_text_counts_alike_alone_and_in_any_batch(texts):
    found, measured = hashed(texts), statistics_of_each(texts)
    indptr, buckets, values = found.indptr, found.buckets, found.values

    assert len(indptr) == len(texts) + 1
    for i, text in enumerate(texts):
        alone = hashed([text])
        row = slice(indptr[i], indptr[i + 1])
        np.testing.assert_array_equal(alone.buckets, buckets[row])
        np.testing.assert_array_equal(alone.values, values[row])
        np.testing.assert_array_equal(alone.bounds + indptr[i], found.bounds[2 * i : 2 * i + 3])
        assert (buckets[found.bounds[2 * i] : found.bounds[2 * i + 1]] < HALF).all()
        np.testing.assert_array_equal(statistics(text), measured[i])


def test_batches_of_many_and_of_long_texts_are_hashed_in_blocks():
    texts = [*["so it goes"] * (MOST_TEXTS + 1), "lorem ipsum " * MOST_CHARACTERS, "", "the end"]

    found = hashed(texts)
    indptr, buckets = found.indptr, found.buckets

    assert len(indptr) == len(texts) + 1
    for i in (0, MOST_TEXTS - 1, MOST_TEXTS, MOST_TEXTS + 1, MOST_TEXTS + 2, MOST_TEXTS + 3):
        np.testing.assert_array_equal(buckets[indptr[i] : indptr[i + 1]], buckets_of(texts[i]))


def test_no_texts_give_an_empty_table():
    found = hashed([])

    assert (found.indptr.tolist(), len(found.buckets), len(found.values)) == ([0], 0, 0)
    assert statistics_of_each([]).shape == (0, len(STATISTICS))


def test_numbers_look_alike_to_the_characters_but_not_to_the_words():
    one, two = buckets_of("what is 17+25"), buckets_of("what is 31+48")

    np.testing.assert_array_equal(one[one >= HALF], two[two >= HALF])
    assert set(one[one < HALF]) != set(two[two < HALF])


def test_case_and_spacing_make_no_difference_to_the_n_grams():
    np.testing.assert_array_equal(buckets_of("Prove  THIS\n now"), buckets_of("prove this now"))


@pytest.mark.parametrize("letter", ["x", "é", "语", "🎉"])
def test_a_long_text_is_cut_to_its_first_and_last_32_kb_of_whole_characters(letter):
    half = TEXT_CAP_BYTES // 2
    text = "start" + letter * 90_000 + "end"

    cut = capped(text)

    size = len(cut.encode())
    assert TEXT_CAP_BYTES - 2 * 3 <= size <= TEXT_CAP_BYTES
    assert cut.startswith("start")
    assert cut.endswith("end")
    assert set(cut[5:-3]) == {letter}
    assert len(cut) == (half - 5) // len(letter.encode()) + 5 + (half - 3) // len(letter.encode()) + 3
    assert capped(cut) == cut


def test_what_lies_in_the_middle_of_a_long_text_is_not_read_and_its_ends_are():
    filler = "lorem ipsum " * 9_000
    one, two = (f"begin {filler[:40_000]}{middle}{filler[:40_000]} end" for middle in ("AAAA", "BBBB"))

    np.testing.assert_array_equal(buckets_of(one), buckets_of(two))
    assert not np.array_equal(buckets_of(one), buckets_of(one + " otherwise"))
    assert not np.array_equal(buckets_of(one), buckets_of("unless " + one))


def test_a_text_of_just_64_kb_is_kept_whole():
    text = "ab" * (TEXT_CAP_BYTES // 2)

    assert capped(text) is text
    assert capped(text + "c") != text + "c"
    assert len(capped(text + "c")) == TEXT_CAP_BYTES


def test_a_long_text_with_half_characters_does_not_crash():
    text = "\ud83d" * 70_000

    assert len(capped(text).encode()) == TEXT_CAP_BYTES
    assert len(buckets_of(text)) > 0
    assert np.isfinite(statistics(text)).all()
