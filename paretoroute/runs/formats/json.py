"""JSON files: an array of objects, or an object that holds one; rows are counted from 1. The file is read whole."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, cast

from paretoroute.errors import RunsError
from paretoroute.runs.columns import BATCH_ROWS, Batch, BrokenLine
from paretoroute.runs.formats.base import AbstractTextFile
from paretoroute.runs.formats.objects import object_batch
from paretoroute.runs.formats.origin import Origin
from paretoroute.runs.formats.sizes import check_size, parsed_bytes

SUFFIXES = (".json",)
_FORM = "write an array of objects (in pandas to_json(orient='records')) or one object per line as .jsonl"
_BETWEEN = re.compile(r"[ \t\r\n]*")
_ROW_KEYS = ("model", "quality", "query")  # an object with one of these is itself a run


class JsonArray(AbstractTextFile):
    """A file with one JSON array of objects."""

    def batches(self, names: Mapping[str, str]) -> Iterator[Batch]:
        """Yield the rows; items that are not objects are listed as broken.

        Raises:
            RunsError: the file is larger than 1 GiB or takes too much memory, or holds no array of objects.
        """
        items = self._items()
        for start in range(0, len(items), BATCH_ROWS):
            numbered = list(enumerate(items[start : start + BATCH_ROWS], start=start + 1))
            rows = [(row, item) for row, item in numbered if isinstance(item, dict)]
            broken = [BrokenLine(row, "no JSON object") for row, item in numbered if not isinstance(item, dict)]
            yield object_batch(
                [cast("dict[str, Any]", item) for _, item in rows],
                [row for row, _ in rows],
                names=names,
                broken=broken,
                seen=self.seen,
            )

    def _items(self) -> list[object]:
        text = self._text()
        return self._array(parse(self.name, text)) if text.strip() else []

    def document(self) -> object:
        """Return the value that the file holds; None if the file is empty.

        Raises:
            RunsError: the file is larger than 1 GiB or takes too much memory, or is no JSON.
        """
        text = self._text()
        return parse(self.name, text) if text.strip() else None

    def documents(self) -> list[object] | None:
        """Return the values that the file holds one after the other over many lines; None if it has one a line.

        Raises:
            RunsError: the file is larger than 1 GiB or takes too much memory, or one of them is no JSON.
        """
        text = self._text()
        try:
            json.loads(text.lstrip().partition(b"\n")[0])
        except ValueError:
            return parse_several(self.name, text)
        return None

    def _text(self) -> bytes:
        with self.origin.open_text() as file:
            text = file.read(self.origin.most_bytes + 1)
        if len(text) > self.origin.most_bytes:
            raise RunsError(
                f"{self.name} holds more than {self.origin.most_bytes / 1e6:,.0f} MB, and a JSON file is read whole; "
                "write one object per line as .jsonl, which is streamed"
            )
        text = text.removeprefix(b"\xef\xbb\xbf")
        check_size(self.name, parsed_bytes(text), len(text), what="its values")
        return text

    def _array(self, value: object) -> list[object]:
        if isinstance(value, list):
            return value
        if not isinstance(value, dict):
            raise RunsError(f"{self.name} holds no array of objects; {_FORM}")
        if any(key in value for key in _ROW_KEYS):
            raise RunsError(f"{self.name} holds a single object, not an array of them; {_FORM}")
        arrays = {key: items for key, items in value.items() if _is_of_objects(items)}
        if len(arrays) != 1:
            several = f"{len(arrays)} arrays of objects ({', '.join(map(repr, arrays))})" if arrays else "none"
            raise RunsError(f"{self.name} should hold one array of objects and holds {several}; {_FORM}")
        return next(iter(arrays.values()))


def parse(name: str, text: bytes) -> object:
    """Parse a JSON text.

    Args:
        name: of the file, in messages.
        text: the JSON, as UTF-8.

    Raises:
        RunsError: it is no JSON.
    """
    import orjson

    try:
        return orjson.loads(text)
    except ValueError:
        pass
    try:  # the NaN and infinities that other programs write
        return json.loads(text.decode("utf-8"))
    except UnicodeDecodeError:
        raise RunsError(f"{name} is not valid UTF-8 text; write it again as UTF-8") from None
    except RecursionError:
        raise RunsError(f"{name} holds JSON that is nested too deeply; {_FORM}") from None
    except json.JSONDecodeError as error:
        if error.msg == "Extra data":
            raise RunsError(f"{name} holds several JSON values; name it .jsonl if it has one a line") from error
        raise RunsError(f"{name}, line {error.lineno}: broken JSON: {error.msg}; write it again") from None
    except ValueError:
        raise RunsError(f"{name} holds a number of too many digits; correct it") from None


def parse_several(name: str, text: bytes) -> list[object]:
    """Parse JSON values that stand one after the other, as OpenTelemetry's console exporter writes spans.

    Args:
        name: of the file, in messages.
        text: the values, as UTF-8.

    Raises:
        RunsError: one of them is no JSON.
    """
    decoder, values = json.JSONDecoder(), []
    try:
        rest, start = text.decode("utf-8"), 0
        while start < len(rest):
            gap = _BETWEEN.match(rest, start)
            start = gap.end() if gap else start
            if start < len(rest):
                value, start = decoder.raw_decode(rest, start)
                values.append(value)
    except UnicodeDecodeError:
        raise RunsError(f"{name} is not valid UTF-8 text; write it again as UTF-8") from None
    except RecursionError:
        raise RunsError(f"{name} holds JSON that is nested too deeply; {_FORM}") from None
    except json.JSONDecodeError as error:
        raise RunsError(f"{name}, line {error.lineno}: broken JSON: {error.msg}; write it again") from None
    except ValueError:
        raise RunsError(f"{name} holds a number of too many digits; correct it") from None
    return values


def holds_several_values(error: RunsError) -> bool:
    """Return whether a file was refused because it holds several values, as one with a value per line does."""
    return isinstance(error.__cause__, json.JSONDecodeError)


def _is_of_objects(items: object) -> bool:
    return isinstance(items, list) and bool(items) and all(isinstance(item, dict) for item in items)


def open_file(origin: Origin) -> JsonArray:
    """Open a JSON file."""
    return JsonArray(origin, unit="row")
