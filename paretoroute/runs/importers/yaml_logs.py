"""YAML files of other programs, in which values are repeated by anchors and aliases.

Each alias is written out, and the limits of :mod:`paretoroute._yaml` hold for the file that results, so that one which
would grow beyond them is refused before it has.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from yaml import events

from paretoroute import _yaml
from paretoroute.errors import RunsError, file_name, one_line


def read_yaml(path: Path, *, advice: str) -> Any:
    """Read a file, at most 16 MiB, as plain data.

    Args:
        path: the file.
        advice: what to do about a file that cannot be read, as the last sentence of the message.

    Raises:
        RunsError: the file is missing, larger, nested too deeply, no UTF-8, or no plain data.
    """
    try:
        text = _yaml.read_bytes(path).decode("utf-8-sig")
        return _yaml.loads(text, name=file_name(path), text_keys=(), expand=without_aliases)
    except UnicodeDecodeError:
        raise RunsError(f"{file_name(path)} is not UTF-8 text. {advice}") from None
    except _Unread as error:
        raise RunsError(f"{file_name(path)}, line {error.line}: {error}. {advice}") from None
    except _yaml.YamlError as error:
        raise RunsError(f"{error}. {advice}") from None


class _Unread(Exception):
    """An alias that cannot be written out."""

    def __init__(self, event: events.Event, reason: str) -> None:
        super().__init__(reason)
        self.line = event.start_mark.line + 1


def without_aliases(stream: Iterator[events.Event]) -> Iterator[events.Event]:
    """Yield events with those of its anchor in place of each alias; whoever counts them stops a file that explodes."""
    anchored: dict[str, list[events.Event]] = {}
    around: list[tuple[str | None, list[events.Event]]] = []  # the open collections, by anchor, with their events
    for event in stream:
        anchor: str | None = getattr(event, "anchor", None)
        parts = [event]
        if isinstance(event, events.AliasEvent):
            if anchor not in anchored:
                reason = f"*{one_line(anchor, 40)} refers to a value that does not end before it"
                raise _Unread(event, reason)
            parts = anchored[anchor]
        elif anchor is not None:
            event.anchor = None  # pyright: ignore[reportAttributeAccessIssue]  # every event of a value has one
            anchored.pop(anchor, None)  # until the new value is complete
        if isinstance(event, events.CollectionStartEvent):
            around.append((anchor, []))
        elif isinstance(event, events.ScalarEvent):
            if event.value == "<<" and event.implicit[0]:
                raise _Unread(event, "uses a merge key (<<), which is not read; write its values out")
            if anchor is not None:
                anchored[anchor] = parts
        for part in parts:
            for name, recorded in around:
                if name is not None:
                    recorded.append(part)
            yield part
        if isinstance(event, events.CollectionEndEvent):
            name, recorded = around.pop()
            if name is not None:
                anchored[name] = recorded
