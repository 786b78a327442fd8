"""Wide tables, with a row per query and columns per model: recognised by the names of the columns.

A column states what it holds and which model it is of: ``score_gpt-5``, ``gpt-5_cost``, ``gpt-5.latency_ms``, or the
name of a model alone, which is its quality.
"""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from paretoroute.query import Misfit
from paretoroute.runs.checks.column_names import is_model_name
from paretoroute.runs.importers.values import stars_in
from paretoroute.runs.values import grade

MODEL = "{model}"
MEASURES = (
    *("quality", "cost_usd", "latency_s", "prompt_tokens", "completion_tokens", "reasoning_tokens"),
    *("cached_prompt_tokens", "cache_write_tokens"),
)
_SEPARATOR = re.compile(r"[|_./:()\[\]\s-]+")
_AROUND = "()[] "


@dataclass(frozen=True, slots=True)
class Wide:
    """A wide table.

    Args:
        models: the models, in the order of their columns.
        columns: path of each measure, with ``{model}`` in place of a model.
    """

    models: list[str]
    columns: Mapping[str, str]

    def merged(self, values: Mapping[str, list[Any]]) -> dict[str, list[Any]]:
        """Return values by path with those of all models together, by the path with ``{model}``."""
        paths = {of_model(path, model): path for path in self.columns.values() for model in self.models}
        result: defaultdict[str, list[Any]] = defaultdict(list)
        for name, some in values.items():
            result[paths.get(name, name)] += some
        return dict(result)


def of_model(path: str, model: str) -> str:
    """Return a path with a model in place of ``{model}``."""
    return path.replace(MODEL, model)


def wide_table(values: Mapping[str, list[Any]], column_of: Callable[[str], str | None]) -> Wide | None:
    """Return the wide table that columns are, or None.

    Args:
        values: some values by path.
        column_of: the column of runs that a name may be, or None.

    Example:
        >>> table = {"prompt": ["Why?"], "score_gpt-4": [1], "score_gpt-5": [0], "gpt-4_cost": [1], "gpt-5_cost": [2]}
        >>> wide_table(table, {"score": "quality", "cost": "cost_usd"}.get)
        Wide(models=['gpt-4', 'gpt-5'], columns={'quality': 'score_{model}', 'cost_usd': '{model}_cost'})
    """
    found: defaultdict[str, dict[str, list[str]]] = defaultdict(dict)  # models by column and path
    for name in values:
        for measure, path, model in _parts(name):
            column = _measure(measure, column_of)
            if column is not None:
                found[column].setdefault(path, []).append(model)
    graded = [name for name, some in values.items() if all(map(_is_graded, some))]
    bare = [name for name in graded if is_model_name(name)]
    for models in [models for paths in found.values() for models in paths.values()]:
        if len(models) > 1 and set(models) <= set(graded):
            bare = models  # whatever their names: other columns state that these are models
    if len(bare) > 1 and not _is_of_another(bare, found) and not _ends_alike(bare):
        found["quality"][MODEL] = [name for name in values if name in bare]
    if not found["quality"]:
        return None
    path, models = max(found["quality"].items(), key=lambda item: len(item[1]))
    columns = {"quality": path}
    for column in MEASURES[1:]:
        shared = {path: len(set(models) & set(others)) for path, others in found[column].items()}
        if shared and max(shared.values()) > len(models) / 2:
            columns[column] = max(shared, key=lambda path: shared[path])
    is_certain = any(map(is_model_name, models)) or len(columns) > 1
    return _without_parent(Wide(models, columns)) if len(models) > 1 and is_certain else None


def _measure(name: str, column_of: Callable[[str], str | None]) -> str | None:
    """Return the measure that a part of a name states, in the singular or plural, or None."""
    bare = _SEPARATOR.sub("_", name.strip(_AROUND))
    read = (one if one in MEASURES else column_of(one) for one in (name, bare, bare.removesuffix("s")))
    return next((column for column in read if column in MEASURES), None)


def _ends_alike(names: Collection[str]) -> bool:
    """Return whether two columns end with one model, as two things of it: ``a.gpt-5`` and ``b.gpt-5``."""
    ends = [name[match.end() :] for name in names for match in _SEPARATOR.finditer(name)]
    ends = [end for end in ends if is_model_name(end)]
    return len(set(ends)) < len(ends)


def _without_parent(wide: Wide) -> Wide:
    """Move the object that holds those of all models, such as ``results.``, from their names into the paths."""
    parent = os.path.commonprefix(wide.models).rpartition(".")[0]
    while is_model_name(parent):  # of gpt-4.1 and gpt-4.1-mini
        parent = parent.rpartition(".")[0]
    if not parent:
        return wide
    models = [model.removeprefix(f"{parent}.") for model in wide.models]
    return Wide(models, {column: path.replace(MODEL, f"{parent}.{MODEL}") for column, path in wide.columns.items()})


def _is_of_another(names: Collection[str], found: Mapping[str, Mapping[str, list[str]]]) -> bool:
    """Return whether columns that name models are those of a measure, such as ``score_gpt-5``."""
    taken = {of_model(path, model) for paths in found.values() for path, models in paths.items() for model in models}
    return not taken.isdisjoint(names)


def _parts(name: str) -> Iterator[tuple[str, str, str]]:
    """Yield what a column may hold, its path with ``{model}``, and the model, for each place to part its name at."""
    for match in _SEPARATOR.finditer(name):
        left, between, right = name[: match.start()], match.group(), name[match.end() :]
        if left and right:
            yield left, f"{left}{between}{MODEL}", right
            yield right, f"{MODEL}{between}{right}", left


def _is_graded(value: object) -> bool:
    if isinstance(value, str) and stars_in(value) is not None:
        return True
    try:
        grade(value)
    except Misfit:
        return False
    return True
