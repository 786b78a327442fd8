"""The commands ``show`` and ``schema``: draw a policy, print the JSON Schema of policy files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from paretoroute.cli.arguments.options import PolicyFile, check_folder
from paretoroute.cli.console import print_text
from paretoroute.cli.console import show as show_blocks
from paretoroute.errors import RunsError


def show(
    policy: PolicyFile,
    out: Annotated[Path | None, typer.Option("--out", help="Also draw it to this .svg or .html file.")] = None,
) -> None:
    """Print a policy in the terminal, or draw it as a picture."""
    from paretoroute import report
    from paretoroute.policy.files import read_policy

    document = read_policy(policy).document
    if out is not None and out.suffix not in (".svg", ".html"):
        raise RunsError(f"--out {out}: a picture ends in .svg or .html; name it so")
    if out is not None:
        check_folder(out)
    show_blocks(report.to_terminal(document))
    if out is not None:
        out.write_text(report.to_svg(document) if out.suffix == ".svg" else report.to_html(document), encoding="utf-8")
        print_text(f"\ndrawn     {out}")


def schema(
    out: Annotated[Path | None, typer.Option("--out", help="Write it to this file instead of printing it.")] = None,
) -> None:
    """Print the JSON Schema of policy files."""
    from paretoroute.policy.files import policy_schema

    text = json.dumps(policy_schema(), indent=2) + "\n"
    if out is None:
        typer.echo(text, nl=False)
    else:
        check_folder(out)
        out.write_text(text, encoding="utf-8")
