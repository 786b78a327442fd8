"""Sections of a file as classes: checked strictly by their annotations when they are made, and never changed.

Nothing is converted but a whole number for a float and a list for a tuple; NaN, a boolean for a number and an unknown
key are problems. All problems are collected, each with its place. Checks are built when a class is first used: a
planner loads in less time than a library for data models takes to build its validators. The package knows nothing
of policies but the names of their arrays.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Self, cast, dataclass_transform

import numpy as np

from paretoroute.policy.checked.checks import Checked, Problem, check_of, fields_of


class SectionError(ValueError):
    """A section cannot be made of these values; ``problems`` lists all that is wrong, in the order of the fields."""

    def __init__(self, name: str, problems: list[Problem]) -> None:
        self.problems = problems
        first = problems[0]
        super().__init__(f"{name}: {'.'.join(map(str, first.place))}: {first.kind} {dict(first.context) or ''}".strip())


class _Names:
    """The names of the fields of a section class."""

    def __get__(self, _: object, owner: type[Checked]) -> tuple[str, ...]:
        return tuple(field.name for field in fields_of(owner))


@dataclass_transform(kw_only_default=True, frozen_default=True)
class Section(Checked):
    """A section of a file: strict, without unknown keys, finite and frozen.

    A subclass annotates its fields. ``_check`` raises ValueError where they do not fit together, ``_before`` may
    replace the data, and ``_left_out`` names keys that are not written where they have their default.
    """

    model_fields = _Names()

    def __init__(self, **values: Any) -> None:
        made = self.model_validate({name: _plain(value) for name, value in values.items()})
        self.__dict__.update(made.__dict__)

    @classmethod
    def model_validate(cls, data: Any) -> Self:
        """Make a section of the data of a file.

        Raises:
            SectionError: they are not those of such a section.
        """
        problems: list[Problem] = []
        made = check_of(cls)(data, (), problems)
        if problems:
            raise SectionError(cls.__name__, problems)
        return cast("Self", made)

    def model_copy(self, *, update: Mapping[str, Any]) -> Self:
        """Return a copy with other values, which are not checked."""
        copy = object.__new__(type(self))
        copy.__dict__.update({**self.__dict__, **update})
        return copy

    def model_dump(
        self,
        *,
        mode: str = "python",
        by_alias: bool = False,
        exclude: Collection[str] | Mapping[str, Any] = (),
    ) -> dict[str, Any]:
        """Return the content as dictionaries.

        Args:
            mode: ``json`` for lists in place of tuples.
            by_alias: use the keys of the file instead of the names of the fields.
            exclude: names to leave out, or those to leave out of a section by its name.
        """
        nested: Mapping[str, Any] = cast("Mapping[str, Any]", exclude) if isinstance(exclude, Mapping) else {}
        content: dict[str, Any] = {}
        for field in fields_of(type(self)):
            value = getattr(self, field.name)
            if (field.name in exclude and field.name not in nested) or (
                field.name in self._left_out and value == field.default
            ):
                continue
            key = field.key if by_alias else field.name
            content[key] = _dumped(value, mode=mode, by_alias=by_alias, exclude=nested.get(field.name, ()))
        return content

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__} is frozen; make a copy with another {name}")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"{type(self).__name__} is frozen; it keeps its {name}")

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.__dict__ == other.__dict__

    def __hash__(self) -> int:
        return hash((type(self), *self.__dict__.values()))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self.__dict__.items())})"


def _plain(value: Any) -> Any:
    """Return a number of NumPy, as callers may pass one, as Python's."""
    return cast("np.generic[Any]", value).item() if isinstance(value, np.generic) else value


def _dumped(value: Any, **options: Any) -> Any:
    if isinstance(value, Section):
        return value.model_dump(**options)
    if isinstance(value, tuple):
        parts = [_dumped(part, **{**options, "exclude": ()}) for part in cast("tuple[Any, ...]", value)]
        return parts if options["mode"] == "json" else tuple(parts)
    return dict(cast("dict[str, Any]", value)) if isinstance(value, dict) else value
