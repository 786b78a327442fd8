"""Read plain arguments of a command without the command-line library, which takes longer to load than a plan.

The options are those that the command's function declares. Whatever is not plain (help, an unknown or repeated option,
a value that starts with a dash or is no plain number) is left to the library, which also words what is wrong.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, get_args, get_origin, get_type_hints

from typer.models import ArgumentInfo, OptionInfo

_NUMBER = re.compile(r"[0-9]+(\.[0-9]*)?([eE][-+]?[0-9]+)?|\.[0-9]+([eE][-+]?[0-9]+)?", re.ASCII)
_LEAF: dict[Any, Callable[[str], Any]] = {str: str, Path: Path, float: float}


def plain_call(command: Callable[..., object], arguments: Sequence[str]) -> dict[str, Any] | None:
    """Return the arguments with which to call a command; None if the library has to read them.

    Args:
        command: its parameters have types that are annotated with ``typer.Option`` or ``typer.Argument``.
        arguments: what was typed after its name.

    Example:
        >>> from paretoroute.cli.plan import plan
        >>> plain_call(plan, ["policy.yaml", "Hi", "--max-cost", "0.01"])
        {'policy': PosixPath('policy.yaml'), 'query': 'Hi', 'max_cost': 0.01}
        >>> plain_call(plan, ["--help"]) is None
        True
    """
    options, positional = _declared(command)
    call: dict[str, Any] = {}
    rest, places = iter(arguments), iter(positional)
    for argument in rest:
        is_option = argument.startswith("-")
        name = options.get(argument) if is_option else next(places, None)
        text = next(rest, "-") if is_option else argument
        if name is None or (is_option and text.startswith("-")) or (name.name in call and not name.is_list):
            return None
        if name.kind is float and not _NUMBER.fullmatch(text):
            return None
        value = _LEAF[name.kind](text)
        call[name.name] = [*call.get(name.name, ()), value] if name.is_list else value
    is_complete = all(name in call for name, one in _parameters(command) if one.default is inspect.Parameter.empty)
    return call if is_complete else None


def number_options(command: Callable[..., object]) -> frozenset[str]:
    """Return the options of a command that take a number with decimals, by their spellings."""
    return frozenset(spelling for spelling, name in _declared(command)[0].items() if name.kind is float)


class _Name(NamedTuple):
    """A parameter that plain text can give: its name, the type of its values, and whether it may be repeated."""

    name: str
    kind: Any
    is_list: bool


def _parameters(command: Callable[..., object]) -> Iterator[tuple[str, inspect.Parameter]]:
    yield from inspect.signature(command).parameters.items()


def _declared(command: Callable[..., object]) -> tuple[dict[str, _Name], list[_Name]]:
    """Return the options of a command by their spellings, and its arguments in order."""
    options: dict[str, _Name] = {}
    positional: list[_Name] = []
    hints = get_type_hints(command, include_extras=True)
    for parameter, _ in _parameters(command):
        annotation, info = get_args(hints[parameter])[:2]
        kinds = [kind for kind in get_args(annotation) or (annotation,) if kind is not type(None)]
        is_list = any(get_origin(kind) is list for kind in (annotation, *kinds))
        kind = get_args(kinds[0])[0] if get_origin(kinds[0]) is list else kinds[0]
        name = _Name(parameter, kind, is_list)
        if kind not in _LEAF:
            continue
        if isinstance(info, ArgumentInfo):
            positional.append(name)
        elif isinstance(info, OptionInfo):
            # The first spelling given to typer.Option stands where a default would.
            options |= {str(text): name for text in (info.default, *(info.param_decls or ()))}
    return options, positional
