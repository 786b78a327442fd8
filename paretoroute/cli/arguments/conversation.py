"""Options of a command for the call before in a conversation."""

from __future__ import annotations

from typing import Annotated

import typer

Previous = Annotated[
    str | None,
    typer.Option("--previous", metavar="POINT", help="Point of the previous call of the conversation (model@label)."),
]
CachedTokens = Annotated[
    float | None,
    typer.Option("--cached-tokens", metavar="TOKENS", help="Tokens of the prompt in the cache of the previous model."),
]
CachedPriceRatio = Annotated[
    float | None,
    typer.Option(
        "--cached-price-ratio",
        metavar="RATIO",
        help="Price of a cached token over that of a fresh one, such as 0.1; by the policy's prices unless given.",
    ),
]
SwitchMargin = Annotated[
    float | None,
    typer.Option(
        "--switch-margin",
        metavar="QUALITY",
        help="Least gain in quality for leaving the previous point, such as 0.02.",
    ),
]
