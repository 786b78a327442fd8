"""Texts in and beside a picture: its headline, its description, and the names in it."""

from __future__ import annotations

from collections.abc import Sequence

from paretoroute.policy.schema import PolicyDocument
from paretoroute.report.figure import Chart, Dot, Ends
from paretoroute.report.text import money, target_text

_LABELLED = 14  # with more points than this, only the important ones are named in the plot


def headline(document: PolicyDocument) -> list[str]:
    """Describe the target and the expected outcome in two or three sentences."""
    solution, saving = document.solution, document.expected.saving
    sentences = [
        f"Target: {target_text(document)} ({solution.status}: {solution.meaning}).",
        f"Expected: {expected_text(document)}.",
    ]
    return [*sentences, f"Compared: {saving.meaning}."] if saving else sentences


def expected_text(document: PolicyDocument) -> str:
    """Format the expected quality and cost of the policy, with their intervals."""
    expected = document.expected
    return (
        f"quality {expected.quality:.3f} [{expected.quality_low:.3f}, {expected.quality_high:.3f}] "
        f"at {money(expected.cost_usd)} [{money(expected.cost_usd_low)}, {money(expected.cost_usd_high)}] per query"
    )


def description(document: PolicyDocument, chart: Chart) -> str:
    """Describe the picture for readers who cannot see it."""
    best = document.expected.best_single
    called = sorted((dot for dot in chart.dots if dot.share > 0), key=lambda dot: -dot.share)
    mix = ", ".join(f"{dot.name} {percent(dot.share)}" for dot in called) or "nothing"
    frontier = ""
    if document.trade_off:
        rows = sorted(document.trade_off, key=lambda row: row.cost_usd)
        first, last = (f"quality {row.quality:.3f} at {money(row.cost_usd)}" for row in (rows[0], rows[-1]))
        frontier = f" The frontier of policies runs from {first} to {last} per query."
    return (
        f"Mean quality over mean cost per query of {len(chart.dots)} points of {len(chart.models)} models. "
        f"This policy: {expected_text(document)}; it calls {mix}. "
        f"Best single point: {best.point}, quality {best.quality:.3f} at {money(best.cost_usd)}.{frontier}"
    )


def point_text(dot: Dot) -> str:
    """Format the logged figures of a point and its share of the calls."""
    note = "; best single point" if dot.best else "" if dot.logged else "; never logged"
    quality = f"{dot.quality:.3f}{interval_text(dot.interval, ' [{:.3f}, {:.3f}]')}"
    return f"{dot.name}: quality {quality} at {money(dot.cost_usd)}; called for {percent(dot.share)}{note}"


def interval_text(interval: Ends | None, form: str) -> str:
    """Format an interval; blank where there is none.

    Example:
        >>> interval_text(Ends(0.25, 0.5), "{:.2f} to {:.2f}"), interval_text(None, "{:.2f} to {:.2f}")
        ('0.25 to 0.50', '')
    """
    return "" if interval is None else form.format(*interval)


def percent(share: float) -> str:
    """Format a share so that only 0 reads 0%.

    Example:
        >>> percent(0.0), percent(0.004), percent(0.996), percent(1.0), percent(0.31)
        ('0%', '<1%', '>99%', '100%', '31%')
    """
    if 0 < share < 0.01:
        return "<1%"
    return ">99%" if 0.99 < share < 1 else f"{share:.0%}"


def shorten(name: str, most: int) -> str:
    """Shorten a name in its middle, since names mostly differ at their ends.

    Example:
        >>> shorten("a-very-long-model-name@high", 15)
        'a-very-…me@high'
    """
    return name if len(name) <= most else f"{name[: most // 2]}…{name[len(name) - (most - 1) // 2 :]}"


def dots_to_name(dots: Sequence[Dot]) -> list[Dot]:
    """Choose the points to name in the plot, the most important first.

    All of them if there is room; otherwise the best single point, those that the policy calls, and some efficient ones.
    """
    ranked = sorted(dots, key=lambda dot: (not dot.best, -dot.share, not dot.efficient))
    if len(dots) <= _LABELLED:
        return ranked
    first = [dot for dot in ranked if dot.best or dot.share >= 0.005][:_LABELLED]
    others = sorted((dot for dot in dots if dot.efficient and dot not in first), key=lambda dot: dot.cost_usd)
    room = min(_LABELLED - len(first), len(others))
    return first + [others[i * len(others) // room] for i in range(room)]
