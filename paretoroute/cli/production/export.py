"""The command ``export``: write a policy's points as the configuration of another tool."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from paretoroute.cli.arguments.completion import one_of
from paretoroute.cli.arguments.options import PolicyFile, check_folder
from paretoroute.cli.arguments.trust import TrustedKeys, read_trusted_keys
from paretoroute.cli.console import show as show_blocks
from paretoroute.errors import PolicyError, shown

FORMATS = ("litellm",)
_NOT_EXPRESSIBLE = {
    "semantic-router": "its decisions are rules over labels of a query (domain, keywords, complexity), which cannot "
    "weigh quality against cost per query; put a planner before it, and see docs/howto/litellm.md"
}


def export(
    policy: PolicyFile,
    *,
    format: Annotated[
        str,
        typer.Option(
            "--format", help="litellm: a config.yaml with an alias per point.", autocompletion=one_of(*FORMATS)
        ),
    ],
    out: Annotated[Path | None, typer.Option("--out", help="Write it to this file instead of printing it.")] = None,
    deployment: Annotated[
        list[str] | None,
        typer.Option(
            "--deployment",
            metavar="NAME=MODEL",
            help="LiteLLM's model for a model of the policy, e.g. gpt-5=azure/my-gpt-5; may be repeated.",
        ),
    ] = None,
    trusted_key: TrustedKeys = None,
) -> None:
    """Write the points of a policy as a configuration of another tool.

    The format litellm is a config.yaml of LiteLLM's proxy with an alias per point, such as gpt-5@low, that has the
    point's arguments and fallbacks. A file that export did not write is never written over.
    """
    if format not in FORMATS:
        why = f": {_NOT_EXPRESSIBLE[format]}" if format in _NOT_EXPRESSIBLE else f"; write {', '.join(FORMATS)}"
        raise PolicyError(f"--format {shown(format)} cannot be written{why}")
    from paretoroute.planner.planner import Planner
    from paretoroute.serving.litellm.config import config_text

    if out is not None:
        check_folder(out)
        _check_ours(out)
    deployments = _deployments(deployment or ())
    planner = Planner.load(policy, dialect="litellm", trusted_keys=read_trusted_keys(trusted_key))
    text = config_text(planner, deployments=deployments)
    if out is None:
        typer.echo(text, nl=False)
        return
    out.write_text(text, encoding="utf-8")
    from paretoroute.report.layout import Entries, Entry

    aliases = text.count("model_name: ")
    next_step = f"litellm --config {out}, or include: [{out.name}] in your own configuration"
    entries = (Entry("aliases", f"{aliases} points"), Entry("written", str(out)), Entry("next", next_step))
    show_blocks(Entries(entries))


def _check_ours(out: Path) -> None:
    """Refuse to write over a file that another program or a person wrote.

    Raises:
        PolicyError: the file is not one of this command's.
    """
    from paretoroute.serving.litellm.config import OPENING

    if not out.exists():
        return
    with out.open("rb") as file:
        opening = file.read(len(OPENING))
    if opening and opening != OPENING.encode():
        raise PolicyError(f"--out {out}: this file was not written by export; choose another name")


def _deployments(texts: Sequence[str]) -> dict[str, str]:
    """Parse the values of ``--deployment``; the name of a model may hold ``=``, that of a deployment may not.

    Raises:
        PolicyError: one has another form, or a model is named twice.
    """
    deployments: dict[str, str] = {}
    for text in texts:
        name, mark, model = (part.strip() for part in text.rpartition("="))
        if not (name and mark and model):
            raise PolicyError(f"--deployment {shown(text)}: write NAME=MODEL, such as gpt-5=azure/my-gpt-5")
        if name in deployments:
            raise PolicyError(f"--deployment {shown(text)}: {shown(name)} has one already; leave out one of them")
        deployments[name] = model
    return deployments
