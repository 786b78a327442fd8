"""Names of one log that differ only in form: models, and the budgets of a model.

Such names stay separate points, since only the log's owner knows whether they are one; a finding names both. Form is
case, surrounding space and Unicode compatibility form (NFKC), and for a model also the prefix of its provider. Versions
(``gpt-4o-2024-08-06``) and families that begin alike are different names.
"""

from __future__ import annotations

import functools
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence

from paretoroute.grid import BUDGET_KINDS, EFFORT_ORDER, Budget, Point
from paretoroute.query import normalised
from paretoroute.runs.checks.unicode_forms import compatible
from paretoroute.runs.findings import Finding

MOST_GROUPS = 5  # groups of names in one finding
MOST_DIGITS = 20  # of a label that is read as a number
MOST_PARTS = 10  # of a name between slashes: those at its end are compared
_SPELLED = re.compile(r"(?P<number>\d{1,3}(?:[,_ ]\d{3})+|\d+(?:\.\d+)?)\s?(?P<thousands>k)?(?: ?tok(?:en)?s?)?", re.A)
_PROVIDERS = frozenset(
    "anthropic azure azure_ai azureml bedrock bedrock_converse cerebras cohere databricks deepinfra deepseek fireworks "
    "fireworks_ai gemini github google google_genai google_vertexai groq hosted_vllm huggingface litellm litellm_proxy "
    "lm_studio mistral mistralai models moonshot nebius novita nvidia_nim ollama ollama_chat openai openrouter "
    "perplexity replicate sagemaker sambanova together together_ai vertex vertex_ai vllm watsonx xai x-ai".split()
)
_BEDROCK = re.compile(
    r"(?:(?:us|us-gov|eu|apac|au|ca|jp|global)\.)?"
    r"(?:ai21|amazon|anthropic|cohere|deepseek|luma|meta|mistral|openai|qwen|stability|twelvelabs|writer)\."
    r"(?P<model>.+?)(?:-v\d+:\d+)?"
)


def near_names(points: Iterable[Point]) -> list[Finding]:
    """Return findings about names that differ only in form.

    Args:
        points: all points of the log.
    """
    points = list(points)
    models = list(dict.fromkeys(point.model for point in points))
    return [
        *_kept_apart("models", "or in the prefix of a provider", _alike_models(models)),
        *_kept_apart("points", "of their labels or kinds", _alike_points(points)),
        *_one_amount(points),
        *_near_known(points),
    ]


@functools.lru_cache(maxsize=8)  # a name is asked for several times in turn, and may be a megabyte long
def form(name: str) -> str:
    """Return what is left of a name without case, surrounding or repeated space and Unicode form.

    Example:
        >>> form("  High ") == form("ｈｉｇｈ")
        True
    """
    return " ".join(compatible(compatible(name).casefold()).split())


def without_provider(model: str) -> str:
    """Return the form of a model's name without the prefixes of known providers.

    Example:
        >>> without_provider("bedrock/us.anthropic.claude-3-haiku-20240307-v1:0")
        'claude-3-haiku-20240307'
        >>> without_provider("together_ai/meta-llama/Llama-3-8B")
        'meta-llama/llama-3-8b'
    """
    parts = form(model).split("/")
    start = next((i for i, part in enumerate(parts[:-1]) if part not in _PROVIDERS), len(parts) - 1)
    name = "/".join(parts[start:])
    provider, colon, rest = name.partition(":")
    if colon and rest and provider in _PROVIDERS:
        name = rest
    bedrock = _BEDROCK.fullmatch(name)
    return bedrock["model"] if bedrock else name


def _alike_models(models: Sequence[str]) -> list[list[str]]:
    """Group models; a name behind an unknown prefix belongs to the bare name if that is a model too."""
    keys = {model: without_provider(model) for model in models}
    bare = set(keys.values())
    groups: defaultdict[str, list[str]] = defaultdict(list)
    for model, key in keys.items():
        parts = key.split("/")
        longest = min(len(parts), MOST_PARTS) - 1
        suffixes = ["/".join(parts[-length:]) for length in range(1, longest + 1)]
        groups[next((suffix for suffix in suffixes if suffix in bare), key)].append(model)
    return [sorted(group) for group in groups.values() if len(group) > 1]


def _alike_points(points: Sequence[Point]) -> list[list[str]]:
    groups: defaultdict[tuple[str, str, str], list[Point]] = defaultdict(list)
    for point in points:
        groups[point.model, _kind_form(point.budget), form(point.budget.label)].append(point)
    return [_point_names(group) for group in groups.values() if len(group) > 1]


def _one_amount(points: Sequence[Point]) -> list[Finding]:
    """Name points whose labels spell one number in several ways, such as 16k, 16,384 and 16384."""
    numbers: defaultdict[tuple[str, str], dict[Point, tuple[float, ...]]] = defaultdict(dict)
    for point in points:
        if stated := _amounts(point.budget):
            numbers[point.model, point.budget.kind][point] = stated
    groups = []
    for own in numbers.values():
        exact = {stated[0] for stated in own.values() if len(stated) == 1}
        alike: defaultdict[float, list[Point]] = defaultdict(list)
        for point, stated in own.items():
            alike[next((number for number in stated if number in exact), stated[0])].append(point)
        groups += [_point_names(group) for group in alike.values() if len(group) > 1]
    if not groups:
        return []
    shown = "; ".join(" and ".join(_readable(group)) for group in groups[:MOST_GROUPS])
    more = f"; and {len(groups) - MOST_GROUPS} more" if len(groups) > MOST_GROUPS else ""
    text = f"points whose labels may spell one number are kept apart: {shown}{more}; if they are one, log one label"
    return [Finding("note", text)]


def _amounts(budget: Budget) -> tuple[float, ...]:
    """Return the number that a label spells, or the two that it may spell, such as 16k."""
    match = _SPELLED.fullmatch(form(budget.label)) if len(budget.label) <= MOST_DIGITS else None
    if match is None:
        return ()
    number = float(re.sub(r"[,_ ]", "", match["number"]))
    return (number * 1024, number * 1000) if match["thousands"] else (number,)


def _kind_form(budget: Budget) -> str:
    """Return the form of a kind; a label alone has kind none, unless it names an effort letter for letter."""
    kind = re.sub(r"[-\s]", "_", form(budget.kind))
    return "effort" if kind == "none" and form(budget.label) in EFFORT_ORDER else kind


def _point_names(group: Sequence[Point]) -> list[str]:
    """Name points, with their kinds where these differ in more than the names show."""
    names = sorted(point.name for point in group)
    if len(set(names)) == len(names):
        return names
    return sorted(f"{point.name} of kind {point.budget.kind}" for point in group)


def _kept_apart(what: str, form_of: str, groups: Sequence[Sequence[str]]) -> list[Finding]:
    if not groups:
        return []
    shown = "; ".join(" and ".join(_readable(group)) for group in groups[:MOST_GROUPS])
    more = f"; and {len(groups) - MOST_GROUPS} more" if len(groups) > MOST_GROUPS else ""
    text = f"{what} that differ only in form {form_of} are kept apart: {shown}{more}; if they are one, log one name"
    return [Finding("note", text)]


def _readable(names: Sequence[str]) -> list[str]:
    """Quote names so that their difference can be seen; names that print alike are written in ASCII."""
    alike = len({normalised(name, "NFC") for name in names}) < len(names)
    return [ascii(name) if alike or not name.isprintable() else repr(name) for name in names]


def _near_known(points: Sequence[Point]) -> list[Finding]:
    """Name kinds and efforts that are a known one in another form, and so lose its meaning."""
    findings: dict[str, None] = {}
    for budget in (point.budget for point in points):
        kind, label = _kind_form(budget), form(budget.label)
        if budget.kind not in BUDGET_KINDS and kind in BUDGET_KINDS:
            findings[
                f"budget kind {budget.kind!r} is a kind of its own, not {kind!r}; write {kind} if that is meant"
            ] = None
        elif kind == "effort" and budget.label not in EFFORT_ORDER and label in EFFORT_ORDER:
            findings[f"label {budget.label!r} is not read as the effort {label!r}; write {label} if that is meant"] = (
                None
            )
    return [Finding("note", text) for text in list(findings)[:MOST_GROUPS]]
