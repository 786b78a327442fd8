"""Published figures of routers on RouteLLM's two benchmarks, with their sources.

They are of Ong et al., "RouteLLM: Learning to Route LLMs with Preference Data", ICLR 2025, arXiv:2406.18665v4, by
public transcriptions of its tables that agree, and by the picture of GSM8K in the repository lm-sys/RouteLLM. What
neither confirms is None.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class PublishedRow:
    """One published row; CPT as a share of calls to the strong model in [0, 1].

    Args:
        benchmark: as in ``pair_log.BENCHMARKS``.
        system: as the paper names it.
        trained_on: training data.
        apgr: as published.
        cpt_50: as published.
        cpt_80: as published.
        source: table or file, and year.
    """

    benchmark: str
    system: str
    trained_on: str
    apgr: float | None
    cpt_50: float | None
    cpt_80: float | None
    source: str


ARENA = "65k arena votes"
TABLE_2, TABLE_3 = "Table 2, 2025", "Table 3, 2025"
PICTURE = "picture in the repository, 2024"

PUBLISHED = (
    PublishedRow("mmlu", "random", "nothing", None, 0.5007, None, TABLE_2),
    PublishedRow("mmlu", "SW ranking", f"{ARENA} + 1,500 MMLU labels", 0.603, 0.3540, None, TABLE_2),
    PublishedRow("gsm8k", "random", "nothing", 0.497, 0.5000, None, TABLE_3),
    PublishedRow("gsm8k", "causal LLM", f"{ARENA} + 120k judged", 0.622, 0.3364, None, TABLE_3),
    PublishedRow("gsm8k", "causal LLM", f"{ARENA} + 120k judged", 0.621, 0.337, 0.635, PICTURE),
    PublishedRow("gsm8k", "matrix factorization", f"{ARENA} + 120k judged", 0.564, 0.389, 0.728, PICTURE),
    PublishedRow("gsm8k", "BERT", f"{ARENA} + 120k judged", 0.529, 0.449, 0.793, PICTURE),
)

SAVINGS = {"mmlu": (1.41, 1.14), "gsm8k": (1.49, 1.27)}
"""Table 6, 2025: a random choice's share of strong calls over the best router's, at 50% and 80% of the gap."""
