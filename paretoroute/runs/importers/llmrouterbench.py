"""Results of LLMRouterBench: ``bench/DATASET/SPLIT/MODEL/DATASET-SPLIT-MODEL-STAMP.json``, one record per query.

Of several files of one dataset, split and model the newest counts. Demonstrations and records without a score are left
out. The time taken is that of a whole file, and no latency. An effort in a model's name is part of the name, unless
``--efforts-in-names`` is given.

References:
    LLMRouterBench, ``data_collector/storage.py`` in ynulihao/LLMRouterBench.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from paretoroute.runs.importers.calls import NO_SCORE, NO_TEXT, Aside, Call, Reading, Tokens, Unusable
from paretoroute.runs.importers.messages import query_of
from paretoroute.runs.importers.records import Record, read_records
from paretoroute.runs.importers.scores import score_of
from paretoroute.runs.importers.usage import measured
from paretoroute.runs.importers.values import count, is_true, items, text

SUFFIXES = (".json", ".json.gz")
_STAMP = re.compile(r"-(\d{8}_\d{6})(?:\.json)?(?:\.gz)?$", re.A)
_UNPRICED = "files whose records have tokens and cost nothing at all: their cost is unknown"


def read(files: Sequence[Path]) -> Reading:
    """Read results; see :class:`~paretoroute.runs.importers.read.Importer`."""
    reading = Reading(verbatim=True, preferred=["score"])
    newest: dict[tuple[str, str, str], Record] = {}
    for path in files:
        for record in read_records(path):
            if isinstance(record, Aside):
                reading.asides.append(record)
            elif not isinstance(record.value.get("records"), list):
                score = score_of(record)
                if score is not None:
                    reading.scores.append(score)
                else:
                    reading.asides.append(Aside(record.place, "no results of LLMRouterBench"))
            elif is_true(record.value.get("demo")):
                reading.asides.append(Aside(record.place, "a demonstration (demo is true)"))
            else:
                _keep_newer(record, newest, reading)
    for record in newest.values():
        _add(record, reading)
    return reading


def _keep_newer(record: Record, newest: dict[tuple[str, str, str], Record], reading: Reading) -> None:
    key = (text(record.value.get("dataset_name")), text(record.value.get("split")), _model(record))
    before = newest.get(key)
    older = record
    if before is None or _stamp(record) > _stamp(before):
        newest[key], older = record, before or record
    if before is not None:
        reading.asides.append(Aside(older.place, "results of which there is a newer file"))


def _stamp(record: Record) -> str:
    match = _STAMP.search(record.path.name)
    return match.group(1) if match else ""


def _model(record: Record) -> str:
    return text(record.value.get("model_name")) or record.path.parent.name


def _add(record: Record, reading: Reading) -> None:
    rows = [row for row in items(record.value, "records") if isinstance(row, Mapping)]
    is_free = not any(count(row.get("cost")) for row in rows)
    if is_free and any(count(row.get("completion_tokens")) for row in rows):
        reading.notes.append(_UNPRICED)
    for i, row in enumerate(rows, start=1):
        place = record.place.part(f"record {i}")
        try:
            reading.calls.append(_call(record, row, i, is_free=is_free))
        except Unusable as why:
            reading.asides.append(why.at(place))


def _call(record: Record, row: Mapping[str, Any], position: int, *, is_free: bool) -> Call:
    if row.get("score") is None:
        raise Unusable(NO_SCORE)
    value = row.get("prompt") or row.get("origin_query")
    if not value:
        raise Unusable(NO_TEXT)
    model = _model(record)
    tokens = Tokens(prompt=count(row.get("prompt_tokens")), completion=count(row.get("completion_tokens")))
    tokens = measured(tokens, model=model, has_answer=bool(row.get("raw_output") or row.get("prediction")))
    usd = None if is_free else count(row.get("cost"))
    index = text(row.get("index")) or str(position)
    dataset = text(record.value.get("dataset_name"))
    return Call(
        place=record.place.part(f"record {position}"),
        query=query_of(value),
        model=model,
        tokens=tokens,
        cost_usd=usd if usd or tokens.are_known else None,  # 0 beside unknown tokens was not computed
        tag=dataset,
        scores={"score": [row["score"]]},
        key=" ".join((dataset, text(record.value.get("split")), model, index)),
    )
