"""Grade answers: normalise them, vote, and compare with the right answers.

Other spellings of a name, which count as one in votes, and other right words come from reading answers by hand that
were graded as wrong.
"""

from __future__ import annotations

import re

from questions import Question

SPELLINGS = {
    "bogotá": "bogota",
    "kiev": "kyiv",
    "sana'a": "sanaa",
    "san josé": "san jose",
    "asunción": "asuncion",
    "brasília": "brasilia",
    "reykjavík": "reykjavik",
    "ulan bator": "ulaanbaatar",
    "ndjamena": "n'djamena",
    "panamá": "panama city",  # the city's own name
}
ALSO_RIGHT = {  # by kind and the answer in the question's template
    ("opposite", "stop"): "end finish",
    ("opposite", "end"): "finish stop",
    ("opposite", "difficult"): "hard",
    ("opposite", "complex"): "complicated",
    ("opposite", "foolish"): "stupid unwise",
    ("opposite", "sick"): "unhealthy ill",
    ("opposite", "reject"): "refuse deny",
    ("opposite", "dangerous"): "unsafe",
    ("opposite", "back"): "rear",
    ("opposite", "rude"): "impolite",
    ("opposite", "crooked"): "bent curved",
    ("opposite", "sour"): "bitter",
    ("opposite", "dark"): "heavy",
    ("opposite", "small"): "little",
    ("opposite", "quiet"): "silent",
    ("opposite", "closed"): "shut",
    ("opposite", "sad"): "unhappy",
    ("opposite", "dull"): "blunt",
    ("opposite", "take"): "receive",
    ("opposite", "depart"): "leave",
    ("opposite", "war"): "conflict",
    ("spanish", "médico"): "doctor",
    ("spanish", "niña"): "chica muchacha",
    ("spanish", "niño"): "chico muchacho",
    ("spanish", "pájaro"): "ave",
    ("spanish", "pescado"): "pez",
    ("spanish", "cerdo"): "puerco cochino",
    ("spanish", "maestro"): "profesor profesora maestra",
    ("spanish", "feliz"): "contento alegre",
}
LEAD_IN = re.compile(r"^.*(?:=|\banswer is|\banswer:)\s*(?=\S)")  # "4 + 3 = 7", "the answer is 7"


def normalised(answer: str) -> str:
    """Return the first line of an answer in lower case, without articles, quotes and full stop."""
    line = answer.strip().split("\n")[0].strip().strip("\"'.").lower()
    line = LEAD_IN.sub("", line)
    line = re.sub(r"^(a|an|the) ", "", line).strip("\"'. ")
    return SPELLINGS.get(line, line)


def right(answer: str, question: Question) -> bool:
    """Whether an answer is right."""
    wanted = normalised(question.answer)
    return normalised(answer) in (wanted, *ALSO_RIGHT.get((question.kind, question.answer), "").split())


def vote(answers: list[str]) -> str:
    """Return the most frequent answer; the first one wins ties."""
    votes = [normalised(answer) for answer in answers]
    return max(dict.fromkeys(votes), key=votes.count)


def agreement(answers: list[str]) -> float:
    """Return the share of the answers that agree with the vote: 1 for a single answer."""
    winner = vote(answers)
    return sum(normalised(answer) == winner for answer in answers) / len(answers)
