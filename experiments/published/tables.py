"""Markdown tables of figures: published rows first, then ours and the controls."""

from __future__ import annotations

from literature import PUBLISHED, SAVINGS, PublishedRow
from sides import KINDS
from systems import CONTROLS, DEFAULT

HEAD = (
    "| system | learns from | APGR | CPT(50%) | CPT(80%) | APGR minus prompt length's |",
    "|---|---|---|---|---|---|",
)
TITLES = {"mmlu": "MMLU", "gsm8k": "GSM8K"}


def page(results: list[dict]) -> str:
    """Return one table per benchmark, and one of savings."""
    return "\n\n".join([*(table(result) for result in results), savings(results)])


def table(result: dict) -> str:
    """Return the published rows, then the systems of each training side by falling APGR, then the controls."""
    quality = result["quality"]
    judged = f"{result['judged']:,} of {result['queries']:,} queries judged"
    models = f"weak model {quality['weak']:.3f}, strong model {quality['strong']:.3f}"
    title = f"**{TITLES[result['benchmark']]}** ({judged}; {models})"
    lines = [published_line(row) for row in PUBLISHED if row.benchmark == result["benchmark"]]
    for kind in KINDS:
        of_kind = [row for row in result["rows"] if row["trained_on"] == kind]
        lines += [line(row) for row in sorted(of_kind, key=lambda row: -row["apgr"][0])]
    untrained = [row for row in result["rows"] if not row["trained_on"]]
    lines += [line(row) for row in sorted(untrained, key=lambda row: CONTROLS.index(row["system"]))]
    return "\n".join([title, "", *HEAD, *lines])


def published_line(row: PublishedRow) -> str:
    """Return one published row; empty cells are figures that could not be confirmed."""
    apgr = "" if row.apgr is None else f"{row.apgr:.3f}"
    shares = ["" if share is None else f"{100 * share:.1f}" for share in (row.cpt_50, row.cpt_80)]
    return f"| *{row.system}* (published: {row.source}) | {row.trained_on} | {apgr} | {shares[0]} | {shares[1]} | |"


def line(row: dict) -> str:
    """Return one measured row."""
    source = KINDS.get(row["trained_on"], "nothing")
    count = f" ({row['training_queries']:,})" if row["training_queries"] else ""
    name = f"**{row['system']}**" if row["system"].startswith("paretoroute") else row["system"]
    cells = [_interval(row["apgr"]), *(_interval(row[key], scale=100, digits=1) for key in ("cpt_50", "cpt_80"))]
    lead = "" if row["system"] == "prompt-length" else _interval(row["lead_over_length"], sign="+")
    return f"| {name} | {source}{count} | {' | '.join(cells)} | {lead} |"


def savings(results: list[dict]) -> str:
    """Return how many times fewer strong calls than a random choice the default and the prompt's length need."""
    lines = ["| benchmark | system | learns from | at 50% of the gap | at 80% of the gap |", "|---|---|---|---|---|"]
    for result in results:
        at = result["benchmark"]
        best = " | ".join(f"{ratio:.2f}" for ratio in SAVINGS[at])
        lines.append(f"| {TITLES[at]} | *best router* (published: Table 6, 2025) | as above | {best} |")
        for row in result["rows"]:
            if row["system"] in (DEFAULT, "prompt-length"):
                cells = [
                    _interval([share / cpt for cpt in (row[key][0], row[key][2], row[key][1])], digits=2)
                    for key, share in (("cpt_50", 0.5), ("cpt_80", 0.8))
                ]
                source = KINDS.get(row["trained_on"], "nothing")
                lines.append(f"| {TITLES[at]} | {row['system']} | {source} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _interval(ends: list[float], *, scale: int = 1, digits: int = 3, sign: str = "") -> str:
    value, low, high = (f"{scale * end:{sign}.{digits}f}" for end in ends)
    return f"{value} [{low}, {high}]" if low != high else value
