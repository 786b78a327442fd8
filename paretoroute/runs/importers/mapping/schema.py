"""The YAML file of a mapping: which field of a foreign row is which column of runs.

    mapping: 1
    rows: data.items                        # a list in a JSON document or line; what is beside it is of each row
    columns:
      query: request.messages               # a path
      model: {from: [answered_by, model]}   # the first path that holds something
      quality: {from: stars, scale: [1, 5]} # or grades: {A: 1, B: 0.7, F: 0}
      cost_usd: {from: price, unit: cents}
      latency_s: {from: took, unit: ms}
      budget_kind: {value: effort}          # the same for every row
      parameters: request                   # an object of request parameters, from which the budget is read
    ids: {call_id: meta.id}                 # ids that scores may name
    where: {status: [ok, done]}             # other rows are set aside
    decimal: ","                            # numbers in text are written 1.234,5; without it, where certain

A wide table has a row per query and columns per model: ``models`` names them, and ``{model}`` in a path is each one:

    models: [gpt-5, gpt-5-mini]
    columns: {query: prompt, quality: "score_{model}", cost_usd: "{model}_cost"}

Unknown keys are errors. Columns are those of runs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from paretoroute import _yaml
from paretoroute.errors import RunsError, close_names, file_name, shown
from paretoroute.runs.checks.quality_scale import QualityScale
from paretoroute.runs.importers.mapping.convert import UNITS, Conversion
from paretoroute.runs.importers.mapping.wide import MODEL, of_model

VERSION = 1
TEXTS = ("query", "model", "budget_kind", "budget_label", "tag", "tenant", "conversation", "time")
COLUMNS = (
    *("query", "model", "quality", "cost_usd", "latency_s", "prompt_tokens", "completion_tokens", "reasoning_tokens"),
    *("cached_prompt_tokens", "cache_write_tokens", "budget_kind", "budget_label", "budget", "parameters", "choices"),
    *("sample_index", "propensity", "tag", "tenant", "conversation", "time", "instructions"),
)
_KEYS = ("mapping", "rows", "columns", "ids", "where", "verbatim_names", "decimal", "models")
_COLUMN_KEYS = ("from", "value", "unit", "times", "scale", "grades")
_TEXT_KEYS = frozenset(("from", "rows", "value", "models", *COLUMNS, *_yaml.TEXT_KEYS))


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """Where the values of a column stand.

    Args:
        paths: the first that holds something counts.
        value: the same for every row, where there is no path.
        conversion: of a value.
    """

    paths: tuple[str, ...] = ()
    value: object = None
    conversion: Conversion = Conversion()


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapped:
    """A mapping.

    Args:
        name: of its file.
        columns: by name.
        rows: path of the list of rows in a document, or ``""``.
        ids: paths of ids by name.
        where: allowed values, as text in lower case, by path.
        verbatim_names: whether model names stay as they are.
        decimal: what stands before decimals in numbers that are text, ``,`` or ``.``; ``""``: not stated.
        models: for which ``{model}`` stands in paths, in a wide table.
    """

    name: str
    columns: Mapping[str, Column]
    rows: str = ""
    ids: Mapping[str, str] = field(default_factory=dict)
    where: Mapping[str, frozenset[str]] = field(default_factory=dict)
    verbatim_names: bool = False
    decimal: str = ""
    models: tuple[str, ...] = ()

    def by_model(self) -> list[Mapped]:
        """Return the mapping of each model of a wide table; of another table, the mapping itself."""
        return [self._of(model) for model in self.models] or [self]

    def _of(self, model: str) -> Mapped:
        columns = {
            name: replace(column, paths=tuple(of_model(path, model) for path in column.paths))
            for name, column in self.columns.items()
        }
        return replace(self, columns={**columns, "model": Column(value=model)}, models=())


def read_mapping(path: Path) -> Mapped:
    """Read a mapping.

    Raises:
        RunsError: the file does not have the form above; the message names the file and the key.
        YamlError: it is not safe, plain YAML.
    """
    name, data = file_name(path), _yaml.read(path, text_keys=_TEXT_KEYS)
    _check_keys(name, "", data, _KEYS)
    if data.get("mapping") != VERSION:
        raise _error(name, "mapping", "is no version of a mapping", f"write mapping: {VERSION} at the top")
    columns = data.get("columns")
    _check_keys(name, "columns", columns, COLUMNS)
    models = _models(name, data.get("models"))
    needed = [
        column
        for column in ("query", *(() if models or MODEL in str(columns) else ("model",)))
        if not columns.get(column)
    ]
    if needed:
        raise _error(name, f"columns.{needed[0]}", "is missing", "name the field that holds it")
    ids, where = data.get("ids") or {}, data.get("where") or {}
    for key, value in (("ids", ids), ("where", where)):
        if not isinstance(value, dict):
            raise _error(name, key, "is no mapping", f"write {key}: {{name: path}}")
    decimal = _decimal(name, data.get("decimal"))
    read = {column: _column(name, column, value, decimal) for column, value in columns.items() if value is not None}
    _check_wide(name, models, read)
    return Mapped(
        name=name,
        decimal=decimal,
        models=models,
        columns=read,
        rows=str(data.get("rows") or ""),
        ids={str(key): str(value) for key, value in ids.items()},
        where={path: _allowed(values) for path, values in where.items()},
        verbatim_names=bool(data.get("verbatim_names")),
    )


def _decimal(name: str, value: object) -> str:
    if value not in (None, ",", "."):
        raise _error(
            name, "decimal", "is neither a comma nor a point", 'write decimal: "," for numbers such as 1.234,5'
        )
    return str(value or "")


def _models(name: str, value: object) -> tuple[str, ...]:
    models = () if value is None else tuple(map(str, value)) if isinstance(value, list) else ("",)
    if len({model.strip() for model in models} - {""}) < len(models):
        raise _error(name, "models", "is no list of different names", "write models: [gpt-5, gpt-5-mini]")
    return models


def _check_wide(name: str, models: Sequence[str], columns: Mapping[str, Column]) -> None:
    """Refuse ``models`` without a path for them, and such a path without them."""
    is_wide = any(MODEL in path for column in columns.values() for path in column.paths)
    if is_wide and not models:
        raise _error(name, "models", "is missing beside a path with {model}", "name the models: [gpt-5, gpt-5-mini]")
    if models and not is_wide:
        fix = 'write quality: "score_{model}" for columns such as score_gpt-5'
        raise _error(name, "models", "is given, and no path has {model}", fix)
    if models and "model" in columns:
        raise _error(name, "columns.model", "is given beside models", "leave one of them out")


def _allowed(values: object) -> frozenset[str]:
    return frozenset(str(value).casefold() for value in (values if isinstance(values, list) else [values]))


def _column(name: str, column: str, value: object, decimal: str) -> Column:
    place = f"columns.{column}"
    if not isinstance(value, dict):
        value = {"from": value}
    _check_keys(name, place, value, _COLUMN_KEYS)
    stated = value.get("from")
    paths = tuple(map(str, stated if isinstance(stated, list) else [stated])) if stated else ()
    if bool(paths) == (value.get("value") is not None):
        raise _error(name, place, "has neither from nor value, or both", "write the path of a field, or {value: ...}")
    conversion = Conversion(
        column=column,
        unit=_unit(name, column, value),
        times=_times(name, column, value),
        scale=_scale(name, column, value),
        grades=_grades(name, column, value),
        decimal=decimal,
    )
    return Column(paths=paths, value=value.get("value"), conversion=conversion)


def _unit(name: str, column: str, value: Mapping[str, Any]) -> float | None:
    unit = value.get("unit")
    units = UNITS.get(column, {})
    if unit is not None and unit not in units:
        allowed = ", ".join(units) or "none for this column"
        raise _error(name, f"columns.{column}.unit", f"is no unit: {shown(unit)}", f"use {allowed}; or times: NUMBER")
    return units[unit] if unit is not None else None


def _times(name: str, column: str, value: Mapping[str, Any]) -> float:
    times = value.get("times", 1)
    if isinstance(times, bool) or not isinstance(times, int | float):
        raise _error(name, f"columns.{column}.times", "is no number", "give the factor to the unit of the column")
    return times


def _scale(name: str, column: str, value: Mapping[str, Any]) -> tuple[float, float] | None:
    if value.get("scale") is None:
        return None
    if column != "quality":
        raise _error(name, f"columns.{column}.scale", "is for quality alone", "use unit or times")
    try:
        scale = QualityScale.of(value["scale"])
    except RunsError as error:
        raise RunsError(f"{name}: columns.quality.scale: {error}") from None
    return scale.worst, scale.best


def _grades(name: str, column: str, value: Mapping[str, Any]) -> dict[str, float]:
    grades = value.get("grades")
    if grades is None:
        return {}
    place = f"columns.{column}.grades"
    if column != "quality" or not isinstance(grades, dict) or not grades:
        raise _error(name, place, "is no mapping of grades", "write quality: {from: ..., grades: {A: 1, F: 0}}")
    for grade, quality in grades.items():
        if isinstance(quality, bool) or not isinstance(quality, int | float) or not 0 <= quality <= 1:
            raise _error(name, f"{place}.{grade}", f"is no quality: {shown(quality)}", "give a number in [0, 1]")
    return {str(grade).casefold(): float(quality) for grade, quality in grades.items()}


def _check_keys(name: str, place: str, data: Any, allowed: tuple[str, ...]) -> None:
    if not isinstance(data, dict) or not data:
        raise _error(name, place, "is no mapping", f"use the keys {', '.join(allowed)}")
    for key in data:
        if key not in allowed:
            near = close_names(str(key), allowed, most=1, cutoff=0.6)
            fix = f"is {near[0]} meant?" if near else f"use {', '.join(allowed)}"
            raise _error(name, f"{place}.{key}".lstrip("."), "is no known key", fix)


def _error(name: str, place: str, problem: str, fix: str) -> RunsError:
    return RunsError(f"{name}: {place or 'the file'} {problem}; {fix}")
