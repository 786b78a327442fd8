"""Samples that a benchmark asks each model in words of its own: one query, where the tool's own ids state so.

Templates, system prompts and few-shot examples may differ by point. A sample that one point was asked in several words
compares these, and its texts stay queries of their own. The shortest text stands for all: it is wrapped the least.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

from paretoroute.query import query_text
from paretoroute.runs.findings import Finding
from paretoroute.runs.importers.calls import Call

_LEAST = 2  # samples whose texts tell a template from a question

Words = Mapping[str, str]  # the text by point


def one_query_each(calls: Sequence[Call]) -> tuple[list[Call], list[Finding]]:
    """Return the calls with one query for each sample, and what is to be told about it."""
    places: defaultdict[str, list[int]] = defaultdict(list)
    for i, call in enumerate(calls):
        if call.sample:
            places[call.sample].append(i)
    worded = {name: _words([calls[i] for i in own]) for name, own in places.items()}
    several = {name: words for name, words in worded.items() if len(set(words.values())) > 1}
    uncertain = {name: words for name, words in several.items() if not calls[places[name][0]].sample_is_certain}
    apart = uncertain.keys() - _only_wrapped(uncertain)
    result, joined = list(calls), 0
    for name in several.keys() - apart:
        own = [calls[i] for i in places[name]]
        shortest = min(own, key=lambda call: len(query_text(call.query))).query
        joined += 1
        for i in places[name]:
            result[i] = replace(calls[i], query=shortest)
    if not joined:
        return result, []
    text = (
        f"samples that each model was asked in its own words, by the ids of the tool: {joined}; each is one query, for "
        "which its shortest text stands"
    )
    return result, [Finding("note", text)]


def _words(calls: Sequence[Call]) -> Words:
    """Return the text of a sample by point; nothing where one point has several."""
    words: dict[str, str] = {}
    for call in calls:
        text, point = query_text(call.query), f"{call.model} {call.budget.kind} {call.budget.label}"
        if words.setdefault(point, text) != text:
            return {}
    return words


def _only_wrapped(samples: Mapping[str, Words]) -> set[str]:
    """Return the samples whose texts are the same once what all texts of a point begin and end with is taken off."""
    by_points: defaultdict[frozenset[str], list[str]] = defaultdict(list)
    for name, words in samples.items():
        by_points[frozenset(words)].append(name)
    same: set[str] = set()
    for points, names in by_points.items():
        ends = {point: _ends([samples[name][point] for name in names]) for point in points}
        for name in names:
            words = samples[name]
            cores = {words[point][begin : len(words[point]) - end] for point, (begin, end) in ends.items()}
            shortest = min(words.values(), key=len)
            is_inside = all(shortest.strip() in text for text in words.values())
            if is_inside or (len(names) >= _LEAST and len(cores) == 1 and cores != {""}):
                same.add(name)
    return same


def _ends(texts: Sequence[str]) -> tuple[int, int]:
    """Return how many characters all texts begin with, and how many more they end with."""
    begin = len(os.path.commonprefix(list(texts)))
    return begin, len(os.path.commonprefix([text[begin:][::-1] for text in texts]))
