"""What a picture says in words: its headline, its description, the names in it."""

from __future__ import annotations

from collections.abc import Sequence

from paretoroute.policy.schema import PolicyDocument
from paretoroute.report.figure import Chart, Dot
from paretoroute.report.text import money, target_words

_LABELLED = 14  # of more points than this only those that matter are named in the plot


def headline(document: PolicyDocument) -> list[str]:
    """Say in two or three sentences what was asked for, and what the policy gives."""
    solution, saving = document.solution, document.expected.saving
    said = [
        f"Target: {target_words(document)} ({solution.status}: {solution.meaning}).",
        f"Expected: {expected(document)}.",
    ]
    return [*said, f"Compared: {saving.meaning}."] if saving else said


def expected(document: PolicyDocument) -> str:
    """Say what to expect of the policy, with its intervals."""
    found = document.expected
    return (
        f"quality {found.quality:.3f} [{found.quality_low:.3f}, {found.quality_high:.3f}] at {money(found.cost_usd)} "
        f"[{money(found.cost_usd_low)}, {money(found.cost_usd_high)}] per query"
    )


def described(document: PolicyDocument, chart: Chart) -> str:
    """Describe the picture to those who do not see it."""
    best = document.expected.best_single
    called = sorted((dot for dot in chart.dots if dot.share > 0), key=lambda dot: -dot.share)
    mix = ", ".join(f"{dot.name} {percent(dot.share)}" for dot in called) or "nothing"
    frontier = ""
    if document.trade_off:
        rows = sorted(document.trade_off, key=lambda row: row.cost_usd)
        ends = [f"quality {row.quality:.3f} at {money(row.cost_usd)}" for row in (rows[0], rows[-1])]
        frontier = f" The frontier of policies runs from {ends[0]} to {ends[1]} per query."
    return (
        f"Mean quality over mean cost per query of {len(chart.dots)} points of {len(chart.models)} models. "
        f"This policy: {expected(document)}; it calls {mix}. "
        f"Best single point: {best.point}, quality {best.quality:.3f} at {money(best.cost_usd)}.{frontier}"
    )


def told(dot: Dot) -> str:
    """Say what the log says of a point."""
    note = "; best single point" if dot.best else "" if dot.logged else "; never logged"
    quality = f"{dot.quality:.3f}{ends(dot.interval, ' [{:.3f}, {:.3f}]')}"
    return f"{dot.name}: quality {quality} at {money(dot.cost_usd)}; called for {percent(dot.share)}{note}"


def ends(interval: tuple[float, float] | None, form: str) -> str:
    """Write an interval; blank where there is none.

    Example:
        >>> ends((0.25, 0.5), "{:.2f} to {:.2f}"), ends(None, "{:.2f} to {:.2f}")
        ('0.25 to 0.50', '')
    """
    return "" if interval is None else form.format(*interval)


def percent(share: float) -> str:
    """Write a share so that only nothing reads 0%.

    Example:
        >>> percent(0.0), percent(0.004), percent(0.996), percent(1.0), percent(0.31)
        ('0%', '<1%', '>99%', '100%', '31%')
    """
    if 0 < share < 0.01:
        return "<1%"
    return ">99%" if 0.99 < share < 1 else f"{share:.0%}"


def short(name: str, most: int) -> str:
    """Shorten a name in its middle, since names tend to differ at their ends.

    Example:
        >>> short("a-very-long-model-name@high", 15)
        'a-very-…me@high'
    """
    return name if len(name) <= most else f"{name[: most // 2]}…{name[len(name) - (most - 1) // 2 :]}"


def named(dots: Sequence[Dot]) -> list[Dot]:
    """Choose the points to name in the plot, the most important first.

    All if there is room; else the best single point, those the policy calls, and some that no other point beats.
    """
    ranked = sorted(dots, key=lambda dot: (not dot.best, -dot.share, not dot.efficient))
    if len(dots) <= _LABELLED:
        return ranked
    first = [dot for dot in ranked if dot.best or dot.share >= 0.005][:_LABELLED]
    others = sorted((dot for dot in dots if dot.efficient and dot not in first), key=lambda dot: dot.cost_usd)
    room = min(_LABELLED - len(first), len(others))
    return first + [others[i * len(others) // room] for i in range(room)]
