"""The interface of a request dialect, and the checks that dialects share.

A dialect turns an operating point into the keyword arguments of one client call: the model, the compute setting and
the output cap, so that the call made is the point that was planned. Never messages, keys, sampling parameters,
metadata, retries or fallbacks: those are the caller's, and a fallback to another model is the decision's to list.

A dialect knows how a request is written, not which model accepts it: a level that the model lacks is the provider's
error at the call. What cannot be written is a ``DialectError`` beforehand, whose text is the reason alone; the
package adds the names of dialect and point. Labels are never parsed for numbers.
"""

from __future__ import annotations

import operator
from typing import Any, Protocol

from paretoroute.errors import DialectError, shown
from paretoroute.grid import Budget, Point

EFFORT_LEVELS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
MAX_SAMPLES = 128  # OpenAI's API reference, `n` of chat completions
MAX_TOKENS = 2**53  # a float amount counts single tokens up to here


class Dialect(Protocol):
    """A function from a point to the arguments of the call."""

    def __call__(self, point: Point, output_cap_tokens: int | None) -> dict[str, Any]:
        """Express a point.

        Args:
            point: the point to call.
            output_cap_tokens: most completion tokens of the whole call, over all samples, hidden reasoning included;
                None: the provider's own.

        Raises:
            DialectError: the dialect cannot express the point under this cap; the text is the reason.
        """
        ...


def chat_kwargs(point: Point, output_cap_tokens: int | None, *, cap_name: str) -> dict[str, Any]:
    """Express a point in the arguments of OpenAI's chat completions, which other clients share.

    ``n`` is given at every samples point, 1 included, so that the logged request shows which point it was. The answer
    then has n choices: putting them to the vote is the caller's. These APIs cap each choice by itself, so the cap of
    the call is divided among them.

    Args:
        point: the point to call, of any budget kind but ``thinking_tokens``.
        output_cap_tokens: most completion tokens of the whole call.
        cap_name: what the client calls the output cap of one choice.

    Raises:
        DialectError: the budget has no argument, or one out of range.
    """
    budget = point.budget
    kwargs: dict[str, Any] = {"model": point.model}
    cap = output_cap_tokens
    match budget.kind:
        case "none":
            pass
        case "effort":
            kwargs["reasoning_effort"] = effort_level(budget)
        case "samples":
            kwargs["n"] = whole_amount(budget, least=1, most=MAX_SAMPLES)
            cap = cap_per_sample(cap, kwargs["n"])
        case "max_tokens":
            own_cap = whole_amount(budget, least=1)
            cap = own_cap if cap is None else min(cap, own_cap)
        case _:
            raise DialectError(
                f"it has no argument for a budget of kind {budget.kind!r}; leave the point out of the grid, or plan "
                "without a dialect and apply the budget yourself"
            )
    if cap is not None:
        kwargs[cap_name] = cap
    return kwargs


def effort_level(budget: Budget) -> str:
    """Read an effort budget's label as the level that is sent; ``off`` is sent as ``none``.

    Raises:
        DialectError: the label is not a level, letter for letter. ``medium(default)`` may stand for a call that sent
            medium or one that sent nothing: only the log's owner knows.
    """
    level = "none" if budget.label == "off" else budget.label
    if level not in EFFORT_LEVELS:
        raise DialectError(
            f"effort {budget.label!r} is not one of {', '.join(EFFORT_LEVELS)} (or off, sent as none); give its runs "
            "the budget_label that was sent, or budget_kind none where no effort was sent"
        )
    return level


def whole_amount(budget: Budget, *, least: int, most: int = MAX_TOKENS) -> int:
    """Read a budget's amount as a whole number from ``least`` to ``most``.

    Raises:
        DialectError: the amount is missing, not whole, or out of range.
    """
    if budget.amount is None:
        raise DialectError(
            f"its {budget.kind} budget has no amount, and the label {budget.label!r} is never parsed for one; "
            "give its runs a number in the column budget"
        )
    if not (least <= budget.amount <= most and budget.amount == int(budget.amount)):
        allowed = f"of at least {least}" if most == MAX_TOKENS else f"from {least} to {most}"
        raise DialectError(
            f"its {budget.kind} budget must be a whole number {allowed}, got {budget.amount:.16g}; "
            "correct the column budget, or leave the point out of the grid"
        )
    return int(budget.amount)


def cap_per_sample(output_cap_tokens: int | None, samples: int) -> int | None:
    """Divide a call's cap among its samples, rounding down: their sum never exceeds it.

    Raises:
        DialectError: less than one token a sample is left.
    """
    if output_cap_tokens is None:
        return None
    if output_cap_tokens < samples:
        raise DialectError(
            f"an output cap of {output_cap_tokens} tokens does not give each of {samples} samples one; "
            "raise the cap or take a point with fewer samples"
        )
    return output_cap_tokens // samples


def whole_cap(output_cap_tokens: int | None) -> int | None:
    """Check an output cap and make it a plain int, so that a NumPy one can be written as JSON.

    Raises:
        DialectError: not a whole number, or below 1.
    """
    if output_cap_tokens is None:
        return None
    try:
        cap = operator.index(output_cap_tokens)
    except TypeError:
        cap = 0
    if cap < 1 or isinstance(output_cap_tokens, bool):
        raise DialectError(
            f"output_cap_tokens must be a whole number of at least 1, or None, got {shown(output_cap_tokens)}"
        )
    return cap
