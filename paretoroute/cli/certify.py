"""The commands ``certify`` and ``verify``: show a target on queries that the fit never saw, and compute that again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from paretoroute.cli.arguments.completion import one_of
from paretoroute.cli.arguments.options import (
    REFUSED,
    Columns,
    Join,
    MaxCostUsd,
    MinQualityOf,
    MinQualityShare,
    PolicyFile,
    Ratio,
    RunFiles,
    ScaleOfQuality,
    Strict,
    TargetOptions,
    TextOrJson,
    check_format,
    check_not_over_policy,
    check_out,
    read_columns,
    read_quality_scale,
)
from paretoroute.cli.console import console, print_error, print_text, show
from paretoroute.errors import CertificateError

if TYPE_CHECKING:
    from paretoroute.evaluation.certificate.p_values import Method

_METHODS = ("binomial", "hoeffding_bentkus", "betting")


def certify(
    policy: PolicyFile,
    runs: RunFiles,
    *,
    max_cost: MaxCostUsd = None,
    min_quality: MinQualityShare = None,
    min_quality_of: MinQualityOf = None,
    ratio: Ratio = None,
    level: Annotated[float, typer.Option("--level", help="Confidence of the claim, between 0 and 1.")] = 0.9,
    method: Annotated[
        str | None,
        typer.Option("--method", help="binomial, hoeffding_bentkus or betting.", autocompletion=one_of(*_METHODS)),
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Where to write the certified policy (.yaml).")] = None,
    force: Annotated[bool, typer.Option("--force", help="Allow --out to overwrite POLICY.")] = False,
    columns: Columns = None,
    quality_scale: ScaleOfQuality = None,
    join: Join = "id",
    strict: Strict = False,
    form: TextOrJson = "text",
) -> None:
    """Certify a target of a policy on queries that its fit never saw.

    Without a target, the policy's own is certified. If the runs do not show it, nothing is written and the exit code
    is 3.
    """
    from paretoroute.evaluation.certificate.certify import certify as certify_policy
    from paretoroute.evaluation.certificate.results import Certified
    from paretoroute.policy.policy import Policy
    from paretoroute.report.certificate import answer_json, certified_text, not_certified_text
    from paretoroute.report.notices import with_log
    from paretoroute.runs.findings import texts
    from paretoroute.runs.read import read_runs

    check_format(form, "text", "json")
    options = TargetOptions(
        max_cost=max_cost, min_quality=min_quality, min_quality_of=min_quality_of, ratio=ratio, worth=None
    )
    target, scale = options.target(), read_quality_scale(quality_scale)
    if out is not None:
        check_out(out, inputs=runs)
        if not force:
            check_not_over_policy(out, policy)
    loaded = Policy.load(policy)
    with console(stderr=True).status("reading the runs"):
        log = read_runs(*runs, columns=read_columns(columns), strict=strict, quality_scale=scale, join=join)
    answer = certify_policy(loaded, log, target, level=level, method=_method(method))
    if isinstance(answer, Certified) and out is not None:
        answer.policy.save(out)
    if form == "json":
        plain = answer_json(answer) | {"notices": texts(log.notices)}
        print_text(json.dumps(plain, ensure_ascii=False, indent=2, allow_nan=False))
    else:
        told = certified_text(answer, out) if isinstance(answer, Certified) else not_certified_text(answer)
        show(with_log(told, log))
    if not isinstance(answer, Certified):
        raise typer.Exit(REFUSED)


def _method(method: str | None) -> Method | None:
    return method  # type: ignore[return-value]  # certify refuses any other text, and names the three


def verify(
    policy: PolicyFile,
    runs: RunFiles,
    *,
    columns: Columns = None,
    quality_scale: ScaleOfQuality = None,
    join: Join = "id",
    strict: Strict = False,
) -> None:
    """Recompute the certificate of a policy on its certification runs.

    The exit code is 3 if the certificate does not hold. If fit held out a part of a log, pass the whole log.
    """
    from paretoroute.evaluation.certificate.verify import verify as verify_policy
    from paretoroute.policy.policy import Policy
    from paretoroute.report.certificate import verified_text
    from paretoroute.report.notices import with_log
    from paretoroute.runs.read import read_runs

    scale = read_quality_scale(quality_scale)
    loaded = Policy.load(policy)
    with console(stderr=True).status("reading the runs"):
        log = read_runs(*runs, columns=read_columns(columns), strict=strict, quality_scale=scale, join=join)
    try:
        answer = verify_policy(loaded, log)
    except CertificateError as error:
        print_error(f"{policy}: {error}")
        raise typer.Exit(REFUSED) from None
    show(with_log(verified_text(answer), log))
