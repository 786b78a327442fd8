"""Numbers of options and limits that were written with a unit: refused with the number that they mean."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Sequence

from paretoroute.cli.arguments.plain_call import number_options
from paretoroute.errors import ParetorouteError, TargetError, one_line, shown

_PERCENT = re.compile(r"(.+?)\s*(?:%|percent|per cent)", re.I)
_LIMIT = re.compile(
    r"(?P<head>.+ at (?:most|least) )(?P<amount>.+?)(?: per (?:query|call))?(?: at quantile (?P<quantile>.+))?", re.I
)
_ENDS = ("", " s", " tokens")


def check_numbers(command: Callable[..., object], arguments: Sequence[str]) -> None:
    """Refuse text where an option of a command takes a number, and name the number that it means.

    Args:
        command: its parameters have types that are annotated with ``typer.Option`` or ``typer.Argument``.
        arguments: what was typed after its name.

    Raises:
        TargetError: an option has a value that is no number.
    """
    options = number_options(command)
    for option, text in _values(arguments):
        if option in options and not _is_number(text):
            meant = plain_number(text)
            fix = f"write {meant}" if meant else "write it with a point and without a unit, such as 0.004"
            raise TargetError(f"{option}: {shown(text)} is no plain number; {fix}")


def plain_number(text: str) -> str | None:
    """Return the number that a text with a unit means, as an option takes it; None where that is not certain.

    Example:
        >>> plain_number("85%"), plain_number("$0.004"), plain_number("0,5"), plain_number("500 ms"), plain_number("2k")
        ('0.85', '0.004', '0.5', '0.5', '2000')
        >>> plain_number("1,234") is None, plain_number("3 euros") is None, plain_number("cheap") is None
        (True, True, True)
    """
    from paretoroute.price import rounded_usd
    from paretoroute.runs.values import Misfit
    from paretoroute.runs.written_numbers import count, seconds, usd

    percent = _PERCENT.fullmatch(text.strip())
    for read in (usd, seconds) if percent else (usd, seconds, count):
        try:
            value = read(percent[1] if percent else text)
        except Misfit:
            if re.fullmatch(r"[^,]*[0-9],[0-9]{3}[^0-9,]*", text):  # a decimal or thousands: neither reading is certain
                return None
            continue
        if not math.isfinite(value):  # an empty cell, in a log
            return None
        return rounded_usd(value / 100 if percent else value).removeprefix("$")
    return None


def meant_limit(text: str) -> str | None:
    """Return the limit that a text means whose number has a unit, or whose first letter is a capital; else None.

    Example:
        >>> meant_limit("share of big at most 20%"), meant_limit("Mean latency at most 500 ms")
        ('share of big at most 0.2', 'mean latency at most 0.5 s')
        >>> meant_limit("be quick") is None
        True
    """
    from paretoroute.limits import parse_limit

    for candidate in _candidates(one_line(text)):
        try:
            return str(parse_limit(candidate))
        except ParetorouteError:
            continue
    return None


def _candidates(text: str) -> Iterator[str]:
    text = text[:1].lower() + text[1:]
    yield text
    match = _LIMIT.fullmatch(text)
    amount = None if match is None else plain_number(match["amount"].removesuffix(" tokens"))
    if match is None or amount is None:
        return
    quantile = match["quantile"] and plain_number(match["quantile"])
    for end in _ENDS:
        yield f"{match['head']}{amount}{end}{f' at quantile {quantile}' if quantile else ''}"


def _values(arguments: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Iterate over options with their values: ``--option value`` and ``--option=value``."""
    for place, argument in enumerate(arguments):
        if argument == "--":
            return
        if argument.startswith("--"):
            option, equals, value = argument.partition("=")
            yield option, value if equals else next(iter(arguments[place + 1 : place + 2]), "0")


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
