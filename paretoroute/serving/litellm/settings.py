"""Settings of the hook, from the environment, which LiteLLM's configuration can set (``environment_variables:``)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from paretoroute.errors import PolicyError, TargetError, close_names, fraction, shown
from paretoroute.policy.signatures.environment import PREFIX, key_paths_in

NAMES = (
    "POLICY",
    "MODEL",
    "SAFE_POINT",
    "EXPLORE",
    "SWITCH_MARGIN",
    "CACHED_PRICE_RATIO",
    "LOG",
    "VOTES",
    "TRUSTED_KEYS",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the hook plans with, and for which requests.

    Args:
        policy: the policy file.
        model: the name of the model that callers ask for to have their requests planned.
        safe_point: the point (``model@label``) that answers where planning fails, and for queries that are unlike the
            logged ones; ``""``: the one that the policy calls for a query of which nothing could be read, and its own
            choice for unfamiliar queries.
        explore: share of the calls, in [0, 1), that go to points which the policy would not call.
        switch_margin: by how much quality another point has to be better than that of a conversation's previous call.
        cached_price_ratio: price of a cached token over that of a fresh one; None: by the policy's prices.
        log: a file to which LiteLLM's logging payloads are appended, or None.
        callers_vote: whether callers put the choices of points with several samples to the vote.
        trusted_keys: files of public keys, of which one must have signed the policy; None: it need not be signed.
    """

    policy: Path
    model: str = "paretoroute"
    safe_point: str = ""
    explore: float = 0.0
    switch_margin: float = 0.0
    cached_price_ratio: float | None = None
    log: Path | None = None
    callers_vote: bool = False
    trusted_keys: tuple[Path, ...] | None = None

    @staticmethod
    def from_environment(environment: Mapping[str, str]) -> Settings:
        """Read ``PARETOROUTE_POLICY`` and the other variables of :data:`NAMES`.

        Raises:
            KeyFileError: a path in the variable for trusted keys is empty, or a variable nearly has its name.
            PolicyError: no policy is named, or a variable is nearly, but not quite, one of these.
            TargetError: a value is out of range.
        """
        _check_names(environment)
        trusted_keys = key_paths_in(environment)
        given = {name: environment.get(PREFIX + name, "").strip() for name in NAMES}
        if not given["POLICY"]:
            raise PolicyError(f"{PREFIX}POLICY is not set; set it to the policy file that LiteLLM's proxy shall follow")
        return Settings(
            policy=Path(given["POLICY"]),
            model=given["MODEL"] or "paretoroute",
            safe_point=given["SAFE_POINT"],
            explore=_share("EXPLORE", given["EXPLORE"], "a share of the calls from 0 to below 1, such as 0.05"),
            switch_margin=_share("SWITCH_MARGIN", given["SWITCH_MARGIN"], "a quality from 0 to 1, such as 0.02"),
            cached_price_ratio=_ratio(given["CACHED_PRICE_RATIO"]),
            log=Path(given["LOG"]) if given["LOG"] else None,
            callers_vote=_callers_vote(given["VOTES"]),
            trusted_keys=None if trusted_keys is None else tuple(trusted_keys),
        )


def _check_names(environment: Mapping[str, str]) -> None:
    """Refuse a misspelt variable, whose setting would be ignored."""
    for name in environment:
        if not name.startswith(PREFIX) or name.removeprefix(PREFIX) in NAMES:
            continue
        meant = close_names(name.removeprefix(PREFIX), NAMES, most=1, cutoff=0.75)
        if meant:
            raise PolicyError(f"the environment variable {shown(name)} is unknown; write {PREFIX}{meant[0]}")


def _share(name: str, text: str, meaning: str) -> float:
    try:
        return fraction(name.lower(), float(text or 0))
    except ValueError:
        raise TargetError(f"{PREFIX}{name} must be {meaning}, got {shown(text)}") from None


def _ratio(text: str) -> float | None:
    meaning = "the price of a cached token over that of a fresh one, from 0 to 1, such as 0.1"
    return _share("CACHED_PRICE_RATIO", text, meaning) if text else None


def _callers_vote(text: str) -> bool:
    if text not in ("", "callers"):
        raise TargetError(f"{PREFIX}VOTES must be callers, or not set, got {shown(text)}")
    return text == "callers"
