"""Import the log of another tool: read its records, join their scores, unify model names, compute costs."""

from __future__ import annotations

import importlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from paretoroute.errors import RunsError, close_names, expect, file_name, name_some, needs_fit_extra, shown
from paretoroute.price import Price
from paretoroute.runs.checks.quality_scale import QualityScale
from paretoroute.runs.findings import Finding
from paretoroute.runs.importers import qualities
from paretoroute.runs.importers import scores as score_files
from paretoroute.runs.importers.budgets import with_defaults
from paretoroute.runs.importers.calls import NO_SCORE, REPEATED, UNDRAWN, Aside, Call, Reading, Score, by_reason
from paretoroute.runs.importers.messages import query_id
from paretoroute.runs.importers.model_names import renamed
from paretoroute.runs.importers.pricing import costless, price_file, priced
from paretoroute.runs.importers.records import listed_files
from paretoroute.runs.importers.samples import one_query_each
from paretoroute.runs.importers.write import row_of, table_of
from paretoroute.runs.set_aside import MAX_BAD_ROWS
from paretoroute.runs.table import BadRow, Runs

SOURCES = {  # name: module
    "litellm": "litellm",
    "litellm-spend": "litellm_spend",
    "inspect": "inspect_ai",
    "lm-eval": "lm_eval",
    "otel": "otel",
    "langfuse": "langfuse",
    "promptfoo": "promptfoo",
    "openai-batch": "openai_batch",
    "routerbench": "routerbench",
    "llmrouterbench": "llmrouterbench",
}
MAPPINGS = (".yaml", ".yml")


class Importer(Protocol):
    """The module of a source."""

    @property
    def SUFFIXES(self) -> tuple[str, ...]:
        """Endings of its files, which a folder is searched for."""
        ...

    def read(self, files: Sequence[Path]) -> Reading:
        """Read the files of a log, whatever the part that each of them is.

        Raises:
            RunsError: a file cannot be read, or is none of this source.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The choices of an import, as `import_runs` describes them."""

    join: str | None = None
    score: str | None = None
    prices: Mapping[str, Price] | None = None
    list_prices: bool = False
    rename: Mapping[str, str] = field(default_factory=dict)
    keep_names: bool = False
    efforts_in_names: bool = False
    quality_scale: tuple[float, float] | None = None
    drawn_only: bool = False


@dataclass(frozen=True, slots=True)
class Imported:
    """An imported log.

    Args:
        rows: the rows, in the order of the log, with the columns of runs.
        asides: the records that became no row.
        findings: sentences for the user.
        needs_prices: whether a fit on the rows asks for prices.
        needs_costs: whether it asks for the column ``cost_usd``, since rows have neither costs nor tokens.
    """

    rows: list[dict[str, Any]]
    asides: list[Aside]
    findings: list[Finding]
    needs_prices: bool = False
    needs_costs: bool = False

    def runs(self) -> Runs:
        """Return the rows as runs, with the findings and the first 1,000 records that became none.

        Raises:
            RunsError: quality is on another scale than [0, 1].
        """
        from paretoroute.runs.read import read_runs

        runs = read_runs(table_of(self.rows))
        bad = [BadRow(a.place.file, a.place.position, a.place.detail, a.reason, a.place.unit) for a in self.asides]
        return replace(
            runs,
            set_aside=(*bad, *runs.set_aside)[:MAX_BAD_ROWS],
            set_aside_count=len(bad) + runs.set_aside_count,
            notices=(*self.findings, *runs.notices),
        )


@needs_fit_extra
def import_runs(
    source: str | Path,
    files: Any,
    *,
    scores: Any = None,
    join: str | None = None,
    score: str | None = None,
    prices: Mapping[str, Price] | None = None,
    list_prices: bool = False,
    rename: Mapping[str, str] | None = None,
    keep_names: bool = False,
    efforts_in_names: bool = False,
    quality_scale: tuple[float, float] | None = None,
    drawn_only: bool = False,
) -> Runs:
    """Import the log of another tool as runs.

    Records that are no usable call (failed, cached, redacted, without a score) are set aside with file, line and
    reason.

    Args:
        source: the tool: ``litellm``, ``litellm-spend``, ``inspect``, ``lm-eval``, ``otel``, ``langfuse``,
            ``promptfoo``, ``openai-batch``, ``routerbench``, ``llmrouterbench``; or a YAML file that maps columns.
        files: all files of the export, or folders of them; configuration and scores may be among them.
        scores: files of scores: the tool's own export, or rows with an id of a call and ``value`` or ``quality``.
        join: the id to join scores on, ``NAME`` or ``NAME_OF_THE_CALLS=NAME_OF_THE_SCORES``; None: the most specific.
        score: name of the score that is the quality; None: the only one, or the one that the tool puts first.
        prices: by model, as `read_prices` returns them. They fill costs that the log lacks, and are compared with those
            that it has.
        list_prices: whether models without a price there are priced by the package genai-prices.
        rename: the name to use by logged model name; it comes before the rule for names.
        keep_names: whether model names stay as they are logged.
        efforts_in_names: whether an effort at the end of a model's name (``gpt-5-high``) is its budget.
        quality_scale: the worst and the best number of the scale that scores are on; None: [0, 1].
        drawn_only: whether only calls with a logged propensity are kept, whose point a planner drew: a fit uses
            propensities only where every run has one. Answers of fallbacks have none.

    Raises:
        RunsError: the source is unknown, a file cannot be read, or no record is a usable call with a score.
    """
    options = Options(
        join=join,
        score=score,
        prices=prices,
        list_prices=list_prices,
        rename=rename or {},
        keep_names=keep_names,
        efforts_in_names=efforts_in_names,
        quality_scale=quality_scale,
        drawn_only=drawn_only,
    )
    return import_calls(source, files, scores=scores, options=options).runs()


def import_calls(source: str | Path, files: Any, *, scores: Any = None, options: Options) -> Imported:
    """Import a log as rows; the arguments and errors are those of `import_runs`."""
    importer = importer_of(source)
    scale = QualityScale() if options.quality_scale is None else QualityScale.of(options.quality_scale)
    expect("rename", options.rename, Mapping, RunsError)
    given = price_file(options.prices) if options.prices else None
    given_scores = [] if scores is None else listed_files(scores, score_files.SUFFIXES).paths
    listed = listed_files(files, importer.SUFFIXES)
    once = {path.resolve() for path in given_scores}
    reading = importer.read([path for path in listed.paths if path.resolve() not in once])
    reading.asides += listed.asides
    for path in given_scores:
        score_files.read_scores(path, reading)
    if not reading.calls:
        raise RunsError(_no_call(source, reading.asides))
    calls = _drawn(_distinct(reading), reading) if options.drawn_only else _distinct(reading)
    calls, about_samples = one_query_each(calls)
    joined = score_files.join_scores(calls, reading.scores, key=options.join)
    scored = qualities.scored(joined.calls, reading, wanted=options.score, scale=scale)
    if not scored.calls:
        about = "".join(f"; {finding.text}" for finding in _about_scores(joined, 0))
        raise RunsError(_no_call(source, reading.asides) + about)
    keep = options.keep_names or (reading.verbatim and not options.rename)
    names = renamed(scored.calls, rename=options.rename, keep=keep, efforts=options.efforts_in_names)
    calls, about_thinking = with_defaults(names.calls)
    costs = priced(_with_conversations(calls), prices=given, from_list=options.list_prices)
    rows = [
        row_of(call, quality, cost_source="priced" if i in costs.computed else "logged")
        for i, (call, quality) in enumerate(zip(costs.calls, scored.qualities, strict=True))
    ]
    about = [
        *scored.findings,
        *_about_scores(joined, len(rows)),
        *_about_names(names.names),
        *about_samples,
        *about_thinking,
        *costs.findings,
    ]
    about += _about_propensities(costs.calls)
    lacking = costless(costs.calls)
    findings = [*about, *_about(reading), *lacking.findings()]
    needs = {"needs_prices": bool(lacking.priceable), "needs_costs": bool(lacking.others)}
    return Imported(rows, reading.asides, findings, **needs)


def importer_of(source: str | Path) -> Importer:
    """Return the importer of a source: a tool by its name, or the one of a YAML file of mapped columns.

    Raises:
        RunsError: there is none.
    """
    name = str(source)
    if name.endswith(MAPPINGS):
        from paretoroute.runs.importers.mapping.columns import MappedLog

        return MappedLog.load(Path(name))
    module = SOURCES.get(name)
    if module is None:
        near = close_names(name, SOURCES, most=3, cutoff=0.4)
        hint = f"near: {', '.join(near)}; " if near else ""
        raise RunsError(
            f"{shown(name)} is no source of an import; {hint}use {', '.join(SOURCES)}, or a YAML file of mapped "
            "columns (paretoroute import --guess FILE writes a first one)"
        )
    return importlib.import_module(f"paretoroute.runs.importers.{module}")  # pyright: ignore[reportReturnType]  # a module fits the protocol


def _distinct(reading: Reading) -> list[Call]:
    """Return the calls without those that are records of one before."""
    seen: dict[str, Call] = {}
    calls = []
    for call in reading.calls:
        before = None if call.key is None else seen.setdefault(call.key, call)
        if before is None or before is call:
            calls.append(call)
        else:
            reading.asides.append(Aside(call.place, REPEATED, f"as {before.place}"))
    return calls


def _drawn(calls: Sequence[Call], reading: Reading) -> list[Call]:
    """Return the calls with a propensity; set the others aside."""
    reading.asides += [Aside(call.place, UNDRAWN) for call in calls if call.propensity is None]
    return [call for call in calls if call.propensity is not None]


def _with_conversations(calls: Sequence[Call]) -> list[Call]:
    """Name a conversation after its trace where several queries share it: a trace of one query is a call."""
    queries: defaultdict[str, set[str]] = defaultdict(set)
    for call in calls:
        if call.trace and not call.conversation:
            queries[call.trace].add(query_id(call.query, call.beside))
    return [
        replace(call, conversation=call.trace) if not call.conversation and len(queries[call.trace]) > 1 else call
        for call in calls
    ]


def _about_scores(joined: score_files.Joined, calls: int) -> list[Finding]:
    findings = []
    for scores, what in (
        (joined.unmatched, "scores that name no usable call"),
        (joined.shared, "scores of a trace or an id with several calls, which judge none of them alone"),
    ):
        if scores:
            first: Score = scores[0]
            findings.append(
                Finding("note", f"{what}: {len(scores)} (first: {first.place}); {calls} calls have a score")
            )
    return findings


def _about_propensities(calls: Sequence[Call]) -> list[Finding]:
    without = sum(call.propensity is None for call in calls)
    if without in (0, len(calls)):
        return []
    text = f"{without} of {len(calls)} calls have no propensity, and a fit then uses none; --drawn-only sets them aside"
    return [Finding("note", text)]


def _about_names(names: Mapping[str, str]) -> list[Finding]:
    if not names:
        return []
    changed = ", ".join(f"{old} -> {new}" for old, new in sorted(names.items())[:8])
    more = f" and {len(names) - 8} more" if len(names) > 8 else ""
    fix = "--keep-names keeps them, --rename OLD=NEW changes one"
    return [Finding("note", f"model names without provider and date: {changed}{more} ({fix})")]


def _about(reading: Reading) -> list[Finding]:
    counts = Counter(reading.notes).items()
    findings = [Finding("note", f"{text}: {count}" if count > 1 else text) for text, count in counts]
    findings += [Finding("set_aside", f"set aside: {reason}") for reason in by_reason(reading.asides)]
    return findings


def _no_call(source: str | Path, asides: Sequence[Aside]) -> str:
    """Word the error about a log without a usable call."""
    if not asides:
        return f"the files hold no record of {file_name(Path(source))}; check the source and the files"
    reasons = "; ".join(map(str, by_reason(asides)[:6]))
    hint = ""
    if any(aside.reason == NO_SCORE for aside in asides):
        hint = ". The quality of an answer must come from somewhere: give the scores with --scores FILE"
    return f"no record of {name_some([str(source)])} is a usable call. {reasons}{hint}"
