"""Texts in and beside a picture: its headline, its description, and the names in it."""

from __future__ import annotations

from collections.abc import Sequence

from paretoroute.policy.schema import PolicyDocument
from paretoroute.price import costs_text
from paretoroute.report.chart.figure import Chart, Dot, Ends
from paretoroute.report.chart.frontier import Place
from paretoroute.report.labels import labels_of
from paretoroute.report.text import expected_text, summary

_LABELLED = 14  # with more points than this, only the important ones are named in the plot


def headline(document: PolicyDocument) -> list[str]:
    """Describe the verdict, the target and the expected outcome, one sentence each."""
    keys = ("verdict", "target", "status", "expected", "compared")
    lines = [entry for entry in summary(document).entries if entry.key in keys]
    return [f"{entry.key.capitalize()}: {entry.text.rstrip('.')}." for entry in lines]


def description(document: PolicyDocument, chart: Chart, frontier: Sequence[Place]) -> str:
    """Describe the picture for readers who cannot see it."""
    best = document.expected.best_single
    called = sorted((dot for dot in chart.dots if dot.share > 0), key=lambda dot: -dot.share)
    mix = ", ".join(f"{dot.name} {percent(dot.share)}" for dot in called) or "nothing"
    ends = (frontier[0], frontier[-1])
    first, last = (f"quality {place.quality:.3f} at {costs_text(place.cost_usd)}" for place in ends)
    single = f"{labels_of(document)(best.point)}, quality {best.quality:.3f} at {costs_text(best.cost_usd)}"
    return (
        f"Mean quality over mean cost of {len(chart.dots)} points of {len(chart.models)} models. "
        f"This policy: {expected_text(document)}; it calls {mix}. Best single point: {single}. "
        f"The frontier that mixtures reach runs from {first} to {last}."
    )


def point_text(dot: Dot) -> str:
    """Format the logged figures of a point and its share of the calls."""
    note = "; best single point" if dot.best else "" if dot.logged else "; never logged"
    quality = f"{dot.quality:.3f}{interval_text(dot.interval, ' [{:.3f}, {:.3f}]')}"
    return f"{dot.name}: quality {quality} at {costs_text(dot.cost_usd)}; called for {percent(dot.share)}{note}"


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
