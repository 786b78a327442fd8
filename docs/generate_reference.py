"""Write the reference pages from the docstrings of the public names and the help of the command line.

    python docs/generate_reference.py

Docstrings are read from the sources by griffe, without importing the package; only the command line is imported.
``tests/test_reference_pages.py`` compares the pages with what this script would write.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args, get_type_hints

import griffe
from typer.models import ArgumentInfo

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "docs" / "reference"
NOTE = "<!-- Written by `python docs/generate_reference.py`. Edit the docstrings instead. -->\n"
WIDTH = 100
PAGES = {
    "runs": ("Runs", "demo_runs read_runs import_runs Runs"),
    "fit": ("Fit, grid and prices", "fit OnnxEncoder read_grid read_prices Grid Point Budget Price"),
    "policy": ("Policy", "Policy sign_policy verify_signature PublicKey"),
    "planner": ("Planner", "Planner Decision DecisionLog ExplorationPreview Task PlanPreview"),
    "allowances": ("Allowances", "Allowance Pace Reservation Balance SqliteLedger RedisLedger"),
    "solver": (
        "Solver and calibration",
        "Forecast solve Solution LimitedSolution frontier Frontier calibrate Calibrated",
    ),
    "targets-and-limits": (
        "Targets and limits",
        "MaxCost MinQuality BestTrade MaxShare MaxMeanLatency MaxCostOf MinQualityOf MaxCallLatency MaxCallCost "
        "ContextLength Forbid Require parse_limit",
    ),
    "evaluation": (
        "Evaluation",
        "replay Replay compare Comparison certify Certified NotCertified verify Monitor DriftReport",
    ),
    "errors": (
        "Errors",
        "ParetorouteError RunsError GridError TargetError QueryError EncoderError PolicyError PolicySchemaError "
        "PolicyChecksumError CertificateError SignatureError KeyFileError AllowanceError LedgerError DialectError "
        "MissingExtraError",
    ),
}


def pages() -> dict[str, str]:
    """Return the text of every page by file name."""
    package = griffe.load("paretoroute", search_paths=[ROOT], docstring_parser="google")
    written = {f"{name}.md": _page(title, names.split(), package) for name, (title, names) in PAGES.items()}
    return {**written, "command-line.md": _command_line()}


def _page(title: str, names: list[str], package: Any) -> str:
    contents = ", ".join(f"[`{name}`](#{anchor})" for name, anchor in _anchors(title, names))
    opening = [_prose(package["errors"].docstring.value) + "\n"] if title == "Errors" else []  # it draws the tree
    objects = [part for name in names for part in _object(name, package[name])]
    return "\n".join([NOTE, f"# {title}\n", f"{contents}\n", *opening, *objects])


def _anchors(title: str, names: list[str]) -> Iterator[tuple[str, str]]:
    """Yield each name with the anchor of its heading; of equal ones GitHub numbers the second, ``frontier-1``."""
    seen = Counter([title.lower()])
    for name in names:
        anchor = name.lower()
        yield name, f"{anchor}-{seen[anchor]}" if seen[anchor] else anchor
        seen[anchor] += 1


def _object(name: str, thing: Any) -> Iterator[str]:
    """Yield the parts of a class or function: its heading, signature and docstring, and those of its members."""
    thing = thing.final_target if thing.is_alias else thing
    yield f"## {name}\n"
    if thing.is_function or not _is_error(thing):
        yield _signature(name, thing)
    yield from _docstring(thing)
    if thing.is_class:
        yield from _members(name, thing)


def _is_error(thing: Any) -> bool:
    return thing.is_class and thing.name.endswith("Error")


def _members(name: str, thing: Any) -> Iterator[str]:
    members = [member for key, member in thing.members.items() if not key.startswith("_") and member.docstring]
    properties = [member for member in members if member.is_attribute and "property" in member.labels]
    if properties:
        yield "**Properties**\n"
        yield _listed((member.name, _annotation(member.annotation), _opening(member)) for member in properties)
    for member in members:
        if member.is_function:
            yield f"### {name}.{member.name}\n"
            yield _signature(member.name, member)
            yield from _docstring(member)


def _signature(name: str, thing: Any) -> str:
    """Return the signature as a code block, one parameter per line where one line is too short."""
    own = [p for p in thing.parameters if p.name not in ("self", "cls") and "ClassVar" not in str(p.annotation)]
    parts = list(_parameters(own))
    returns = getattr(thing, "returns", None) if thing.is_function else None
    end = f") -> {_annotation(returns)}" if returns else ")"
    line = f"{name}({', '.join(parts)}{end}"
    if len(line) > WIDTH:
        line = "\n".join([f"{name}(", *(f"    {part}," for part in parts), end])
    return f"```python\n{line}\n```\n"


def _parameters(parameters: Iterable[Any]) -> Iterator[str]:
    starred = False
    for parameter in parameters:
        kind = parameter.kind.value
        if kind == "keyword-only" and not starred:
            yield "*"
        starred = starred or kind in ("keyword-only", "variadic positional")
        stars = {"variadic positional": "*", "variadic keyword": "**"}.get(kind, "")
        text = f"{stars}{parameter.name}"
        if parameter.annotation is not None:
            text += f": {_annotation(parameter.annotation)}"
        if parameter.default is not None and not stars:
            text += f" = {parameter.default}" if parameter.annotation is not None else f"={parameter.default}"
        yield text


def _annotation(annotation: object) -> str:
    return str(annotation).replace("'", "") if annotation is not None else ""


def _docstring(thing: Any) -> Iterator[str]:
    """Yield the sections of a Google docstring as Markdown."""
    for section in thing.docstring.parse("google", warnings=False) if thing.docstring else ():
        kind, value = section.kind.value, section.value
        if kind == "text":
            yield _prose(value) + "\n"
        elif kind in ("parameters", "attributes"):
            yield "**Arguments**\n"
            yield _listed((item.name, "", item.description) for item in value)
        elif kind in ("returns", "yields"):
            yield f"**{kind.capitalize()}**\n"
            yield _prose(" ".join(item.description for item in value)) + "\n"
        elif kind == "raises":
            yield "**Raises**\n"
            yield _listed((str(item.annotation), "", item.description) for item in value)
        elif kind == "admonition" and value.kind in ("example", "examples"):
            yield f"**Example**\n\n```python\n{value.description}\n```\n"
        elif kind == "examples":
            yield "**Example**\n\n```python\n" + "\n".join(text for _, text in value) + "\n```\n"
        else:
            yield f"**{section.title or kind.capitalize()}**\n"
            yield _prose(getattr(value, "description", None) or str(value)) + "\n"


def _opening(thing: Any) -> str:
    """Return the text of a docstring before its sections."""
    sections = thing.docstring.parse("google", warnings=False)
    return " ".join(section.value for section in sections if section.kind.value == "text")


def _listed(items: Iterable[tuple[str, str, str]]) -> str:
    lines = []
    for name, kind, description in items:
        about = f" ({kind})" if kind else ""
        lines.append(f"- `{name}`{about}: {' '.join(_prose(description).split())}")
    return "\n".join(lines) + "\n"


def _prose(text: str) -> str:
    """Turn reStructuredText roles and double backticks into plain code, and literal blocks into fenced ones."""
    text = re.sub(r":\w+:`~?(?:[\w.]*\.)?(\w+)`", r"`\1`", text)
    return re.sub(r"``([^`]+)``", r"`\1`", text)


@dataclass(frozen=True)
class _Parameter:
    """One argument or option of a command, as its function declares it."""

    spelling: str
    help: str
    default: object
    is_argument: bool
    is_required: bool

    @property
    def about(self) -> str:
        """Help, and the default where it has to be known."""
        if self.is_required and not self.is_argument:
            return f"{self.help} Required."
        shown = self.default is not None and self.default is not False
        return f"{self.help} Default: `{self.default}`." if shown else self.help


def _command_line() -> str:
    from paretoroute.cli.main import COMMANDS, application, function_of

    app, commands = application(), {command: function_of(command) for command in COMMANDS}
    contents = ", ".join(f"[`{name}`](#paretoroute-{name})" for name in commands)
    parts = [NOTE, "# Command line\n", f"{contents}\n", f"{app.info.help}\n"]
    for name, function in commands.items():
        parameters = list(_declared(function))
        words = [name, *(p.spelling for p in parameters if p.is_argument or p.is_required), "[OPTIONS]"]
        parts += [f"## paretoroute {name}\n", f"```\nparetoroute {' '.join(words)}\n```\n"]
        parts.append(f"{' '.join((inspect.getdoc(function) or '').split())}\n")
        parts.append(_listed((p.spelling, "", p.about) for p in parameters))
    return "\n".join(parts)


def _declared(function: Any) -> Iterator[_Parameter]:
    """Yield the parameters of a command from the annotations that typer reads."""
    hints = get_type_hints(function, include_extras=True)
    for name, parameter in inspect.signature(function).parameters.items():
        kind, info = get_args(hints[name])
        is_argument = isinstance(info, ArgumentInfo)
        is_required = parameter.default is inspect.Parameter.empty
        # In an annotation the first name given to typer.Option stands where a default would.
        declared = [text for text in (info.default, *(info.param_decls or ())) if str(text).startswith("-")]
        spelling = "/".join(declared) or f"--{name.replace('_', '-')}"
        metavar = info.metavar or _metavar(kind)
        if is_argument:
            spelling = info.metavar or name.upper()
        elif metavar:
            spelling = f"{spelling} {metavar}"
        default = None if is_required else parameter.default
        yield _Parameter(spelling, info.help or "", default, is_argument, is_required)


def _metavar(kind: Any) -> str:
    """Name the type of an option's value; a flag has none."""
    kinds = {bool: "", int: "INTEGER", float: "NUMBER", Path: "FILE", str: "TEXT"}
    return next(kinds[known] for known in (kind, *get_args(kind)) if known in kinds)


def main() -> None:
    """Write all pages."""
    FOLDER.mkdir(exist_ok=True)
    for name, text in pages().items():
        (FOLDER / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))  # the command line of these sources, as the docstrings
    main()
