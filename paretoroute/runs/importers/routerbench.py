"""Wide tables like those of RouterBench: a row per query, and per model a column of scores and ``MODEL|total_cost``.

Models are the columns ``NAME`` for which ``NAME|total_cost`` exists; a name may itself hold ``|``. An empty score means
that the model was not asked. Costs are as stated, 0 included; there are no tokens and latencies.

References:
    Hu et al. (2024), "RouterBench: a benchmark for multi-LLM routing system", arXiv:2403.12031.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from paretoroute.errors import RunsError, file_name
from paretoroute.query import Misfit
from paretoroute.runs.importers.calls import NO_TEXT, Aside, Call, Reading, Unusable
from paretoroute.runs.importers.messages import check_text, query_id
from paretoroute.runs.importers.records import Record, opened
from paretoroute.runs.importers.scores import score_of
from paretoroute.runs.importers.values import count, first, literal, parsed, text
from paretoroute.runs.values import grade
from paretoroute.runs.written_numbers import usd

SUFFIXES = (".csv", ".tsv", ".parquet", ".arrow", ".feather", ".jsonl", ".json", ".csv.gz")
COST, RESPONSE = "|total_cost", "|model_response"
_QUERY = ("prompt", "query", "question")
NOT_ASKED = "cells without a score, whose model was not asked"


def read(files: Sequence[Path]) -> Reading:
    """Read wide tables; see :class:`~paretoroute.runs.importers.read.Importer`."""
    reading = Reading(verbatim=True, preferred=["score"])
    for path in files:
        tables = 0
        for record in opened(path):
            if isinstance(record, Aside):
                reading.asides.append(record)
                continue
            models = models_of(record.value)
            tables += bool(models)
            score = None if models else score_of(record)
            if score is not None:
                reading.scores.append(score)
            _add(record, models, reading)
        if not tables and not reading.scores:
            raise RunsError(
                f"{file_name(path)} has no column NAME|total_cost beside a column NAME; a table of one row per run "
                "needs no import"
            )
    return reading


def models_of(row: Mapping[str, Any]) -> list[str]:
    """Return the models of a table; a row from a file without empty cells lacks the score of a model not asked.

    Example:
        >>> models_of({"a|b": 1, "a|b|total_cost": 0.1, "a|b|model_response": "x", "eval_name": "y"})
        ['a|b']
    """
    return [name.removesuffix(COST) for name in row if name.endswith(COST) and name != COST]


def _add(record: Record, models: Sequence[str], reading: Reading) -> None:
    row = record.value
    for model in models:
        place = record.place.part(f"model {model}")
        try:
            quality = grade(row.get(model))
            if quality.value != quality.value:
                reading.notes.append(NOT_ASKED)
                continue
            cost = _cost(row.get(model + COST))
            query = query_of_cell(first(*(row.get(name) for name in _QUERY)))
        except Misfit as misfit:
            reading.asides.append(Aside(place, "a score that is no quality", str(misfit)))
            continue
        except Unusable as why:
            reading.asides.append(why.at(place))
            continue
        sample = text(row.get("sample_id"))
        reading.calls.append(
            Call(
                place=place,
                query=query,
                model=model,
                cost_usd=cost,
                tag=text(row.get("eval_name")),
                scores={"score": [row[model]]},
                ids={"sample_id": sample} if sample else {},
                key=f"{sample} {model} {query_id(query)}" if sample else None,
            )
        )


def _cost(value: object) -> float | None:
    """Return a cost in USD.

    Raises:
        Unusable: it is none.
    """
    try:
        return count(usd(value))
    except Misfit as misfit:
        raise Unusable("a cost that is no sum in USD", str(misfit)) from None


def query_of_cell(value: object) -> str:
    """Return the prompt of a cell, which RouterBench writes as the text of a list of prompts.

    Raises:
        Unusable: there is none.

    Example:
        >>> query_of_cell("['Which gas?']"), query_of_cell('["Who, me?"]'), query_of_cell("[not a list")
        ('Which gas?', 'Who, me?', '[not a list')
    """
    parts = literal(parsed(value))  # Python quotes a text with an apostrophe as JSON does
    if isinstance(parts, list) and parts and all(isinstance(part, str) for part in parts):
        value = "\n".join(parts)
    if not isinstance(value, str):
        raise Unusable(NO_TEXT)
    check_text(value)
    return value
