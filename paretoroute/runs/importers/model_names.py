"""Model names: one name for one model, by a stated rule that a user can override.

A logged name loses, in this order: the providers before it (``openai/``, ``openrouter/openai/``, ``models/``);
Bedrock's region, vendor and version (``us.anthropic.`` and ``-v1:0``); and the date at its end (``-2025-08-07``,
``-20250929``, ``@20250929``), unless the log holds two dates of that name, which are two models; likewise its version.
A region (``azure/eu/``, ``@us-central1``) is no part of a name. The name of an organisation (``meta-llama/``) and a
variant such as ``:free`` stay. Names in the columns of benchmarks are not changed at all.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from paretoroute.errors import RunsError, expect, shown
from paretoroute.grid import EFFORT_ORDER, Budget
from paretoroute.runs.importers.calls import Call

PROVIDERS = frozenset(
    """
    ai21 ai21_chat aiohttp_openai aiml anthropic anthropic_text anyscale azure azure-openai azure_ai azure_openai
    azure_text azureai baseten bedrock bedrock_converse cerebras chatgpt cloudflare cohere cohere_chat cometapi converse
    converse_like custom custom_openai dashscope databricks deepinfra deepseek fireworks fireworks_ai friendliai gemini
    gigachat github github_copilot google google_genai goodfire grok groq hf hosted_vllm huggingface hyperbolic invoke
    lambda_ai litellm_proxy llama-cpp-python llamafile lm_studio meta_llama mistral mockllm modal models moonshot nebius
    novita nvidia_nim oci ollama ollama_chat oobabooga openai openai-api openai_like openrouter ovhcloud perplexity
    predibase replicate responses sagemaker sagemaker_chat sambanova scaleway sglang snowflake text-completion-openai
    together together_ai transformer_lens vercel_ai_gateway vertex vertex_ai vertex_ai_beta vllm volcengine wandb
    watsonx xai xinference zai
    """.split()
)
_DATE = re.compile(r"(?<=.)[-@](20[0-9]{2}-?(?:0[1-9]|1[0-2])-?(?:0[1-9]|[12][0-9]|3[01]))$", re.A)
_REVISION = re.compile(r"-[0-9]{3,4}$", re.A)  # of a month and day, or of a version
_BEDROCK = re.compile(
    r"^(?:(?:us|us-gov|eu|apac|jp|au|ca|global)\.)?(?:ai21|amazon|anthropic|cohere|deepseek|meta|mistral|openai|qwen)\."
)
_ARN = re.compile(r"(?:bedrock/)?(?:converse/|invoke/)?arn:aws[^/]*:(?:inference-profile|foundation-model)/(.+)")
_REGION = re.compile(r"(?:us|eu|global|global-standard|[a-z]{2}(?:-gov)?-[a-z]+-[0-9]|[0-9]-month-commitment)")
_AT_REGION = re.compile(r"@(?:default|global|(?:us|europe|asia|australia|(?:south|north)america|me|africa)-[a-z]+\d+)$")
_WITH_VERSION = ("claude",)  # whose version is the model
_BEDROCK_VERSION = re.compile(r"-v[0-9]+(?::[0-9]+)?$", re.A)


def without_provider(name: str) -> str:
    """Return a name without the providers before it, and without what Bedrock adds.

    Example:
        >>> without_provider("openrouter/openai/gpt-5"), without_provider("bedrock/us.anthropic.claude-opus-4-6-v1:0")
        ('gpt-5', 'claude-opus-4-6')
        >>> without_provider("azure/eu/gpt-4o"), without_provider("vertex_ai/gemini-2.5-flash@us-central1")
        ('gpt-4o', 'gemini-2.5-flash')
        >>> without_provider("together_ai/meta-llama/Llama-3-8b"), without_provider("WizardLM/WizardLM-13B-V1.2")
        ('meta-llama/Llama-3-8b', 'WizardLM/WizardLM-13B-V1.2')
    """
    short = _with_version(name)
    return short.removesuffix(_version_of(name, short))


def _with_version(name: str) -> str:
    """Return a name without the providers and regions before it, with the version that Bedrock gives it."""
    if match := _ARN.fullmatch(name):
        name = match.group(1)
    head, slash, rest = name.partition("/")
    has_provider = False
    while slash and rest and (head.casefold() in PROVIDERS or (has_provider and _REGION.fullmatch(head))):
        name, has_provider = rest, True
        head, slash, rest = name.partition("/")
    match = _BEDROCK.match(name)
    return _AT_REGION.sub("", name[match.end() :] if match else name)


def _version_of(name: str, short: str) -> str:
    """Return the version that Bedrock gives a name, with what separates it; ``""`` where it is the name's own."""
    is_bedrock = _BEDROCK.match(_ARN.sub(r"\1", name).rpartition("/")[2]) is not None
    match = _BEDROCK_VERSION.search(short) if is_bedrock else None
    return match.group() if match and short.removesuffix(match.group()) not in _WITH_VERSION else ""


def date_of(name: str) -> str:
    """Return the date at the end of a name with what separates it, or ``""``."""
    match = _DATE.search(name)
    return match.group() if match else ""


def is_same_model(asked: str, answered: str) -> bool:
    """Return whether an answer is by the model asked for: by that name, by a date of it, or by its latest date.

    Example:
        >>> is_same_model("gpt-5", "gpt-5-2025-08-07"), is_same_model("gpt-5", "gpt-5-mini")
        (True, False)
    """
    one, other = without_provider(asked).removesuffix("-latest"), without_provider(answered)
    return one == other or one == other.removesuffix(date_of(other)) or _REVISION.sub("", other) == one


def normalised(names: Collection[str]) -> dict[str, str]:
    """Return the name to use for each logged one.

    Example:
        >>> normalised(["openai/gpt-5-2025-08-07", "gpt-5"])
        {'openai/gpt-5-2025-08-07': 'gpt-5', 'gpt-5': 'gpt-5'}
        >>> normalised(["gpt-4o-2024-05-13", "gpt-4o-2024-08-06"])["gpt-4o-2024-05-13"]
        'gpt-4o-2024-05-13'
    """
    versions: defaultdict[str, set[str]] = defaultdict(set)
    for name in names:
        versions[without_provider(name)].add(_version_of(name, _with_version(name)))
    bare = {}
    for name in names:
        short = without_provider(name)
        bare[name] = short if len(versions[short] - {""}) < 2 else _with_version(name)
    dates: defaultdict[str, set[str]] = defaultdict(set)
    for name in bare.values():
        if date := date_of(name):
            dates[name.removesuffix(date)].add(date.strip("-@").replace("-", ""))
    result: dict[str, str] = {}
    for name, short in bare.items():
        date = date_of(short)
        undated = short.removesuffix(date) if date else short
        result[name] = undated if len(dates[undated]) < 2 else short
    return result


@dataclass(frozen=True, slots=True)
class Renamed:
    """Calls with the names of models to use.

    Args:
        calls: the calls.
        names: the name to use by logged one, where they differ.
    """

    calls: list[Call]
    names: dict[str, str]


def renamed(calls: Sequence[Call], *, rename: Mapping[str, str], keep: bool, efforts: bool) -> Renamed:
    """Return the calls with the names to use.

    Args:
        calls: the calls.
        rename: the name to use by logged or normalised name; it comes before the rule.
        keep: whether all other names stay as they are.
        efforts: whether an effort at the end of a name (``gpt-5-high``) becomes the budget of a call without one.

    Raises:
        RunsError: a name to replace is in no call.
    """
    logged = dict.fromkeys(call.model for call in calls)
    names = {name: name for name in logged} if keep else normalised(logged)
    _check_rename(rename, {*names, *names.values()})
    names = {name: rename.get(name, rename.get(new, new)) for name, new in names.items()}
    changed = [replace(call, model=names[call.model]) for call in calls]
    if efforts:
        changed = [_with_effort(call) for call in changed]
    return Renamed(changed, {name: new for name, new in names.items() if name != new})


def _check_rename(rename: Mapping[str, str], names: Collection[str]) -> None:
    for old, new in rename.items():
        expect(f"rename[{shown(old)}]", new, str, RunsError)
        if old not in names or not new.strip():
            raise RunsError(f"rename {shown(old)}={shown(new)}: the log has no such model; it has {_listed(names)}")


def _listed(names: Collection[str]) -> str:
    shown_names = sorted(names)[:10]
    return ", ".join(map(shown, shown_names)) + (f" and {len(names) - 10} more" if len(names) > 10 else "")


def _with_effort(call: Call) -> Call:
    stem, dash, label = call.model.rpartition("-")
    if not dash or not stem or label not in EFFORT_ORDER or call.budget != Budget():
        return call
    return replace(call, model=stem, budget=Budget("effort", label))
