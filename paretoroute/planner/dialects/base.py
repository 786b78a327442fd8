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
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, Protocol

from paretoroute.errors import DialectError, shown
from paretoroute.grid import Budget, Point

EFFORT_LEVELS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
MAX_SAMPLES = 128  # OpenAI's API reference, `n` of chat completions
MAX_TOKENS = 2**53  # a float amount counts single tokens up to here


class Express(Protocol):
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


def as_written(point: Point, kwargs: dict[str, Any]) -> dict[str, Any]:
    """Return the body that a client sends that changes none of its arguments."""
    return kwargs


def no_limit(model: str) -> int | None:
    """Return no limit: the client takes any output cap."""
    return None


def many_samples(model: str) -> int:
    """Return the most samples of one call where the client takes OpenAI's ``n``."""
    return MAX_SAMPLES


def one_sample(model: str) -> int:
    """Return 1: the client has no argument for the number of samples."""
    return 1


def budget_tokens(point: Point) -> int:
    """Return the thinking tokens of a thinking-token budget; 0 at points of other kinds."""
    amount = point.budget.amount
    return int(amount) if point.budget.kind == "thinking_tokens" and amount is not None and amount > 0 else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """How one client is called.

    Args:
        express: from a point to the arguments of the call.
        levels: the levels of effort that the client can write, less compute first.
        most_samples: from a model to the most samples of one call; 1: there is no argument for them.
        most_output_tokens: from a model to the largest output cap that the client takes, or None.
        thinking: from a point to the thinking tokens that the client sends, which its output cap has to exceed.
        wire: from a point and its arguments to what tells the bodies sent apart, for clients that rewrite arguments.
    """

    express: Express
    levels: tuple[str, ...]
    most_samples: Callable[[str], int] = many_samples
    most_output_tokens: Callable[[str], int | None] = no_limit
    thinking: Callable[[Point], int] = budget_tokens
    wire: Callable[[Point, dict[str, Any]], dict[str, Any]] = as_written


def chat_kwargs(
    point: Point, output_cap_tokens: int | None, *, cap_name: str, most_samples: int = MAX_SAMPLES
) -> dict[str, Any]:
    """Express a point in the arguments of OpenAI's chat completions, which other clients share.

    ``n`` is given at every samples point, 1 included, so that the logged request shows which point it was. The answer
    then has n choices: putting them to the vote is the caller's. These APIs cap each choice by itself, so the cap of
    the call is divided among them.

    Args:
        point: the point to call, of any budget kind but ``thinking_tokens``.
        output_cap_tokens: most completion tokens of the whole call.
        cap_name: what the client calls the output cap of one choice.
        most_samples: most choices of one call.

    Raises:
        DialectError: the budget has no argument, or one out of range.
    """
    budget = point.budget
    kwargs: dict[str, Any] = {"model": point.model}
    cap = cap_of_choice(budget, output_cap_tokens, most_samples=most_samples)
    match budget.kind:
        case "effort":
            kwargs["reasoning_effort"] = effort_level(budget)
        case "samples":
            kwargs["n"] = whole_amount(budget, least=1, most=most_samples)
        case "none" | "max_tokens":
            pass
        case _:
            raise no_argument(budget)
    if cap is not None:
        kwargs[cap_name] = cap
    return kwargs


def cap_of_choice(budget: Budget, output_cap_tokens: int | None, *, most_samples: int) -> int | None:
    """Return the output cap of one choice: the call's, a lower one of the budget, or a sample's part of it.

    Raises:
        DialectError: the budget's number is out of range, or the cap leaves a sample no token.
    """
    if budget.kind == "max_tokens":
        own_cap = whole_amount(budget, least=1)
        return own_cap if output_cap_tokens is None else min(output_cap_tokens, own_cap)
    if budget.kind == "samples":
        return cap_per_sample(output_cap_tokens, samples_of(budget, most_samples=most_samples))
    return output_cap_tokens


def samples_of(budget: Budget, *, most_samples: int) -> int:
    """Read a samples budget's amount, from 1 to the most of one call.

    Raises:
        DialectError: the amount is missing or out of range, or is above 1 where the client has no argument for it.
    """
    if most_samples > 1:
        return whole_amount(budget, least=1, most=most_samples)
    samples = whole_amount(budget, least=1)
    if samples > 1:
        raise DialectError(
            f"it has no argument n for {samples} samples in one call; load the planner with repeat_calls=True and "
            "make the calls of decision.repeated_calls, or leave the point out of the grid"
        )
    return samples


def no_argument(budget: Budget) -> DialectError:
    """Return the error for a kind of budget that the client cannot write."""
    return DialectError(
        f"it has no argument for a budget of kind {budget.kind!r}; leave the point out of the grid, or plan "
        "without a dialect and apply the budget yourself"
    )


def effort_level(budget: Budget, levels: Collection[str] = EFFORT_LEVELS) -> str:
    """Read an effort budget's label as the level that is sent; ``off`` is sent as ``none`` where there is one.

    Args:
        budget: of kind ``effort``.
        levels: that the client can write.

    Raises:
        DialectError: the label is not a level, letter for letter. ``medium(default)`` may stand for a call that sent
            medium or one that sent nothing: only the log's owner knows.
    """
    level = "none" if budget.label == "off" else budget.label
    if level in levels:
        return level
    listed = ", ".join(levels) + (" (or off, sent as none)" if "none" in levels else "")
    if level in ("none", *EFFORT_LEVELS):
        raise DialectError(
            f"effort {budget.label!r} is not one of {listed}, the levels of this client; leave the point out of the "
            "grid" + (", or give its runs a thinking_tokens budget of 0 if they did not think" * (level == "none"))
        )
    raise DialectError(
        f"effort {budget.label!r} is not one of {listed}; give its runs "
        "the budget_label that was sent, or budget_kind none where no effort was sent"
    )


def thinking_tokens(budget: Budget, *, least: int) -> int:
    """Read a budget of thinking tokens: 0, or at least ``least``; the label ``off`` without an amount is 0.

    Raises:
        DialectError: the amount is missing, not whole, out of range, or contradicts the label ``off``.
    """
    if budget.amount == 0 or (budget.label == "off" and budget.amount is None):
        return 0
    if budget.label == "off":
        raise DialectError(
            f"its thinking_tokens budget is labelled off and has the amount {budget.amount:.16g}; correct either"
        )
    return whole_amount(budget, least=least)


def check_room(thinking: int, output_cap_tokens: int | None, *, source: str = "thinking tokens") -> None:
    """Hold the output cap, where there is one, above the thinking tokens, which count towards it.

    Raises:
        DialectError: the cap is not above them.
    """
    if output_cap_tokens is not None and output_cap_tokens <= thinking:
        raise DialectError(
            f"the output cap of {output_cap_tokens} tokens must be above the {thinking} {source}, which "
            "count towards it; raise the cap or take a point that thinks less"
        )


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
