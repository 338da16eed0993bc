"""What came to one run's files since the last look; the reading end, fit for a thread of its own."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from console.columns import WORTH_BYTES, build_in_process, load_history, read_history, sketch_history
from console.history import History
from engine.store.index import RunRow, read_run_row
from engine.store.journal import Tail
from engine.store.paths import RunPaths

STATUS_SECONDS = 1.0
STALE_BYTES = 16 << 20
"""A cache that lacks more than this is built anew rather than caught up with row by row."""
BATCH_ROWS = 200
"""Rows that are handed over at once: a few milliseconds of work for whoever takes them."""
LOG_BYTES = 1 << 14


class Batch(NamedTuple):
    run: str
    row: RunRow | None = None
    """How the run stands now, where that changed."""
    history: History | None = None
    """Takes the place of what was known of the metrics."""
    whole: bool = True
    """False while `history` is a sketch of a long file that is still being read."""
    metrics: tuple[dict[str, Any], ...] = ()
    events: tuple[dict[str, Any], ...] = ()
    sample: dict[str, Any] | None = None
    log: tuple[str, ...] = ()
    gone: bool = False
    """The run's folder is no longer there."""


class RunReader:
    """Keeps offsets into a run's files; whoever makes one calls `gather` and `close` from one thread at a time."""

    def __init__(self, paths: RunPaths) -> None:
        self.paths = paths
        self._row: RunRow | None = None
        self._looked = 0.0
        self._metrics: Tail | None = None
        self._events, self._samples = Tail(paths.events), Tail(paths.samples)
        self._log = LogTail(paths)

    def gather(self) -> Iterator[Batch]:
        """Batches of what is new, none where nothing is; a long file takes seconds, its sketch comes before."""
        if self._metrics is None:
            self._row = None
            yield from self._open()
        row = self._look()
        if self._row is None or self._metrics is None:
            yield Batch(self.paths.id, gone=True)
            return
        before = self._metrics.offset
        rows = list(self._metrics.read())
        if self._metrics.offset < before:
            # the file was written anew: what was read of the old one counts no more
            self._metrics.close()
            self._metrics = None
            yield from self.gather()
            return
        events, samples = tuple(self._events.read()), list(self._samples.read())
        log = self._log.read(self._row.attempt)
        head, rest = rows[:BATCH_ROWS], rows[BATCH_ROWS:]
        if row or head or events or samples or log:
            yield Batch(
                self.paths.id, row, metrics=tuple(head), events=events, sample=samples[-1] if samples else None, log=log
            )
        for start in range(0, len(rest), BATCH_ROWS):
            yield Batch(self.paths.id, metrics=tuple(rest[start : start + BATCH_ROWS]))

    def close(self) -> None:
        for tail in (self._metrics, self._events, self._samples):
            if tail is not None:
                tail.close()

    def _open(self) -> Iterator[Batch]:
        paths = self.paths
        row = self._look()
        if row is None:
            return
        try:
            size = os.stat(paths.metrics).st_size
        except OSError:
            size = 0
        history, offset = History(row.created), 0
        if size > WORTH_BYTES:
            found = load_history(paths)
            if found is None or size - found[1] > STALE_BYTES:
                yield Batch(paths.id, row, found[0] if found else sketch_history(paths, row.created), whole=False)
                found = (load_history(paths) if build_in_process(paths) else None) or read_history(paths, row.created)
            history, offset = found
        self._metrics = Tail(paths.metrics, offset)
        if not offset:
            for one in self._metrics.read():
                history.take(one)
        yield Batch(paths.id, row, history)

    def _look(self) -> RunRow | None:
        """How the run stands, where it is looked at anew and stands differently."""
        if self._row is not None and time.monotonic() - self._looked < STATUS_SECONDS:
            return None
        self._looked = time.monotonic()
        row = read_run_row(str(self.paths.folder), self.paths.id, socket.gethostname(), time.time())
        changed = row if row != self._row else None
        self._row = row
        return changed


class LogTail:
    """The newest lines of the newest attempt's log."""

    def __init__(self, paths: RunPaths) -> None:
        self._paths = paths
        self._attempt = 0
        self._offset = 0

    def read(self, attempt: int) -> tuple[str, ...]:
        path: Path = self._paths.log(attempt)
        if attempt != self._attempt:
            self._attempt, self._offset = attempt, 0
        try:
            size = os.stat(path).st_size
            if size == self._offset:
                return ()
            start = max(self._offset if size > self._offset else 0, size - LOG_BYTES)
            with open(path, "rb") as file:
                file.seek(start)
                data = file.read(LOG_BYTES)
        except OSError:
            return ()
        end = data.rfind(b"\n") + 1
        if not end and len(data) < LOG_BYTES:
            return ()
        self._offset = start + (end or len(data))
        # a progress bar writes its line over and over: the last state is the line
        lines = data[:end].decode("utf-8", "replace").split("\n")[:-1]
        return tuple(line.rstrip("\r").rsplit("\r", 1)[-1] for line in lines)
