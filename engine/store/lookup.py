"""The newest value of every metric at a step, out of a journal too long to read whole.

Attempts follow one another and steps never fall within one, so rows ascend by (attempt, step): a step is found by
bisection over byte offsets, and the rows before it are read backwards until every metric has been met.
"""

import heapq
import json
import math
import os
import re
from collections.abc import Iterator
from operator import itemgetter
from pathlib import Path
from typing import NamedTuple, Self

from engine.store.journal import parse_row

BLOCK = 1 << 10
"""Read at a time in search of one row."""
CHUNK = 1 << 16
"""Read at a time backwards; also how much of either end is looked through for the names of metrics."""
REACH = 1 << 24
"""Bytes that are read backwards at most: a metric last measured further back counts as not measured."""

_ATTEMPT = re.compile(rb'"attempt"\s*:\s*(\d{1,18})')
_STEP = re.compile(rb'"step"\s*:\s*(\d{1,18})')


class Reading(NamedTuple):
    value: float | None
    """None where it was not finite."""
    step: int
    """When it was measured."""


class Stretch(NamedTuple):
    """The rows of one attempt: bytes [start, stop) of the file."""

    attempt: int
    last_step: int
    start: int
    stop: int


Place = tuple[int, int]
"""Attempt and step of a row."""


class MetricsFile:
    """An open metrics.jsonl as it is now: a torn last row, and what is appended later, are left out."""

    def __init__(self, path: Path) -> None:
        self._file = open(path, "rb", buffering=0)  # noqa: SIM115  closed by __exit__
        self._size = self._find_finished(os.fstat(self._file.fileno()).st_size)
        self._stretches = list(self._find_stretches())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def _read(self, start: int, stop: int) -> bytes:
        return os.pread(self._file.fileno(), stop - start, start)

    @property
    def last_step(self) -> int | None:
        """The greatest step that any attempt has reached; None without a row."""
        return max((s.last_step for s in self._stretches), default=None)

    def read_newest(self, step: int | None = None) -> dict[str, Reading]:
        """Each metric's newest value at or before `step` (None: of all); at each step the highest attempt's count.

        Equal to looking it up in `runs.merge_metrics`, but for what lies beyond REACH.
        """
        missing = {name: json.dumps(name, ensure_ascii=False).encode() for name in self._find_names()}
        found: dict[str, Reading] = {}
        parts = [self._rows_back(stretch, step) for stretch in self._stretches]
        seen, newest, read = -1, 0, 0
        for (at, attempt), line in heapq.merge(*parts, key=itemgetter(0), reverse=True):
            if at != seen:
                seen, newest = at, attempt
            read += len(line)
            if not missing or read > REACH:
                break
            if attempt < newest or not any(mark in line for mark in missing.values()):
                continue
            for name, value in _read_values(line).items():
                if missing.pop(name, None) is not None:
                    found[name] = Reading(value, at)
        return found

    def _find_names(self) -> set[str]:
        ends = [self._read(0, CHUNK), self._read(max(0, self._size - CHUNK), self._size)]
        return {name for end in ends for line in end.split(b"\n") for name in _read_values(line)}

    def _find_finished(self, size: int) -> int:
        """The end of the last finished row."""
        while size > 0:
            start = max(0, size - CHUNK)
            newline = self._read(start, size).rfind(b"\n")
            if newline >= 0:
                return start + newline + 1
            size = start
        return 0

    def _find_stretches(self) -> Iterator[Stretch]:
        """The attempts that have rows, newest first."""
        stop = self._size
        while stop > 0:
            last = next((place for line in self._lines_back(0, stop) if (place := find_place(line))), None)
            if last is None:
                return
            start = self._find_end((last[0], -1), 0, stop)
            yield Stretch(*last, start, stop)
            if start >= stop:
                return  # not in order: no more can be told
            stop = start

    def _rows_back(self, stretch: Stretch, step: int | None) -> Iterator[tuple[Place, bytes]]:
        """The rows up to `step`, newest first, each as ((step, attempt), line)."""
        stop = stretch.stop
        if step is not None and step < stretch.last_step:
            stop = self._find_end((stretch.attempt, step), stretch.start, stop)
        for line in self._lines_back(stretch.start, stop):
            if place := find_place(line):
                yield (place[1], place[0]), line

    def _lines_back(self, start: int, stop: int) -> Iterator[bytes]:
        rest, chunk = b"", CHUNK
        while stop > start:
            begin = max(start, stop - chunk)
            first, *lines = (self._read(begin, stop) + rest).split(b"\n")
            yield from reversed(lines)
            rest, stop = first, begin
            # doubled, so that one endless line is not copied over and over
            chunk = CHUNK if lines else 2 * chunk
        yield rest

    def _find_end(self, place: Place, low: int, high: int) -> int:
        """Where the rows of [low, high) up to and with `place` end: the start of the first one that is later."""
        while low < high:
            middle = (low + high) // 2
            row = self._row_from(middle, high)
            if row is None or row[1] > place:
                high = middle
            else:
                low = row[0]
        return low

    def _row_from(self, offset: int, limit: int) -> tuple[int, Place] | None:
        """The first row that begins in [offset, limit): where it ends, and its place. What is no row is passed over."""
        start = self._find_newline(offset - 1) if offset else 0
        while start < limit:
            stop = self._find_newline(start)
            if place := find_place(self._read(start, stop)):
                return stop, place
            start = stop
        return None

    def _find_newline(self, offset: int) -> int:
        """The byte after the first newline from `offset` on."""
        while block := self._read(offset, offset + BLOCK):
            newline = block.find(b"\n")
            if newline >= 0:
                return offset + newline + 1
            offset += len(block)
        return max(offset, self._size)


def find_place(line: bytes) -> Place | None:
    """Attempt and step of a row as it stands, without parsing it; None where it is none."""
    attempt, step = _ATTEMPT.search(line), _STEP.search(line)
    return (int(attempt[1]), int(step[1])) if attempt and step else None


def _read_values(line: bytes) -> dict[str, float | None]:
    values = (parse_row(line) or {}).get("values")
    if not isinstance(values, dict):
        return {}
    return {
        name: _to_finite(value)
        for name, value in values.items()
        if value is None or (isinstance(value, int | float) and not isinstance(value, bool))
    }


def _to_finite(value: float | None) -> float | None:
    """None where it is not finite, or an integer beyond any float."""
    try:
        number = math.nan if value is None else float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None
