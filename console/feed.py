"""The one thread that reads files while the console is open: the list of runs, and whatever runs are watched.

It holds no widget and changes nothing; what it finds goes out as messages.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from textual.message import Message

from console.reader import Batch, RunReader
from engine.records.version import LIVE
from engine.store.index import RunRow, read_run_row
from engine.store.journal import read_time
from engine.store.paths import RunPaths, Workspace

TICK_SECONDS = 0.25
LIST_SECONDS = 1.0
CHECK_SECONDS = 5.0
"""How often runs that have ended are asked whether they were resumed or deleted."""
FIRST_RUNS = 60
"""Newest runs that are listed before any other, for the first frame."""
SETTLED = frozenset({"stopped", "finished", "failed", "lost", "draft"})
"""States that change only when somebody acts, so that they are looked at seldom."""
FRESH_SECONDS = 60.0
"""A draft younger than this is about to be started."""


class RunsListed(Message):
    """All runs known so far, oldest first; `whole` when the listing is complete."""

    def __init__(self, rows: tuple[RunRow, ...], whole: bool) -> None:
        super().__init__()
        self.rows, self.whole = rows, whole

    def can_replace(self, message: Message) -> bool:
        return isinstance(message, RunsListed)


class RunRead(Message):
    """What is new of one watched run."""

    def __init__(self, batch: Batch) -> None:
        super().__init__()
        self.batch = batch


class FeedFailed(Message):
    """Reading went wrong in a way that the next look may not mend."""

    def __init__(self, problem: str) -> None:
        super().__init__()
        self.problem = problem


@dataclass
class Known:
    row: RunRow
    launched: int
    """Modification time of launch.json in nanoseconds, 0 without one."""


class Listing:
    """The rows of all runs, of which only those that may have changed are read again."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._folder = str(workspace.runs)
        self._here = socket.gethostname()
        self._known: dict[str, Known] = {}
        self._folder_time = -1
        self._checked = 0.0

    def rows(self) -> tuple[RunRow, ...]:
        return tuple(sorted((k.row for k in self._known.values()), key=lambda r: (r.id[:13], r.created, r.id)))

    def names(self) -> list[str]:
        """Newest first; ids begin with the minute."""
        return sorted(self._workspace.run_names(), reverse=True)

    def read(self, names: list[str]) -> bool:
        """Read these runs; True where anything differs from before."""
        changed, now = False, time.time()
        for name in names:
            folder = f"{self._folder}/{name}"
            launched = read_time(RunPaths(Path(folder)).launch)
            row = read_run_row(folder, name, self._here, now)
            old = self._known.get(name)
            if row is not None and old is not None and old.row.status in LIVE and row.status not in LIVE:
                # its last rows may have come between the look at them and the look at its end
                row = read_run_row(folder, name, self._here, now)
            if row is None:
                changed |= self._known.pop(name, None) is not None
            elif old is None or old.row != row:
                self._known[name] = Known(row, launched)
                changed = True
            else:
                old.launched = launched
        return changed

    def refresh(self) -> bool:
        """Look again where something may have happened; True where anything did."""
        changed = False
        listed = os.stat(self._folder).st_mtime_ns
        due = time.monotonic() - self._checked > CHECK_SECONDS
        if listed != self._folder_time or due:
            self._folder_time = listed
            names = self.names()
            for gone in self._known.keys() - set(names):
                del self._known[gone]
                changed = True
            changed |= self.read([name for name in names if name not in self._known])
        live = [name for name, known in self._known.items() if self._is_restless(known.row)]
        if due:
            self._checked = time.monotonic()
            live += [name for name, known in self._known.items() if self._may_have_changed(name, known)]
        return self.read(live) or changed

    def _is_restless(self, row: RunRow) -> bool:
        return row.status not in SETTLED or (row.status == "draft" and time.time() - row.created < FRESH_SECONDS)

    def _may_have_changed(self, name: str, known: Known) -> bool:
        """Whether a settled run was resumed, mended, taken out of its queue, or goes on on another machine that shares this disk."""
        row = known.row
        if row.status not in SETTLED:
            return False
        elsewhere = row.status == "lost" and row.host != self._here
        # a draft that is asked to stop gets no launch.json
        return (
            bool(row.problem)
            or elsewhere
            or row.status == "draft"
            or read_time(RunPaths(Path(self._folder, name)).launch) != known.launched
        )


class Feed(threading.Thread):
    """Posts RunsListed and RunRead until it is stopped."""

    def __init__(self, workspace: Workspace, post: Callable[[Message], object]) -> None:
        super().__init__(name="feed", daemon=True)
        self._workspace = workspace
        self._post = post
        self._wanted: tuple[str, ...] = ()
        self._anew: set[str] = set()
        self._lock = threading.Lock()
        self._told: set[str] = set()
        self._wake = threading.Event()
        self._ended = False

    def watch(self, runs: tuple[str, ...]) -> None:
        """From now on read these runs and no others; one that is new comes whole, at once.

        One that was given up and is wanted again is new, however short the time between.
        """
        with self._lock:
            self._anew |= set(runs) - set(self._wanted)
            self._wanted = runs
        self._wake.set()

    def stop(self) -> None:
        self._ended = True
        self._wake.set()

    def run(self) -> None:
        listing = Listing(self._workspace)
        readers: dict[str, RunReader] = {}
        listed_at = 0.0
        first = True
        while not self._ended:
            try:
                if first:
                    names = listing.names()
                    listing.read(names[:FIRST_RUNS])
                    self._post(RunsListed(listing.rows(), whole=len(names) <= FIRST_RUNS))
                    if names[FIRST_RUNS:]:
                        listing.read(names[FIRST_RUNS:])
                        self._post(RunsListed(listing.rows(), whole=True))
                    first, listed_at = False, time.monotonic()
                elif time.monotonic() - listed_at >= LIST_SECONDS:
                    listed_at = time.monotonic()
                    if listing.refresh():
                        self._post(RunsListed(listing.rows(), whole=True))
                self._read(readers)
            except Exception as problem:  # a thread that died unseen would leave a console that stands still
                self._post(FeedFailed(f"{type(problem).__name__}: {problem}"))
                self._wake.wait(CHECK_SECONDS)
            self._wake.wait(TICK_SECONDS if readers else LIST_SECONDS)
            self._wake.clear()
        for reader in readers.values():
            reader.close()

    def _tell_once(self, problem: str) -> None:
        if problem not in self._told:
            self._told.add(problem)
            self._post(FeedFailed(problem))

    def _read(self, readers: dict[str, RunReader]) -> None:
        with self._lock:
            wanted, anew, self._anew = self._wanted, self._anew, set()
        for run in [run for run in readers if run not in wanted or run in anew]:
            readers.pop(run).close()
        for run in wanted:
            reader = readers.setdefault(run, RunReader(self._workspace.run(run)))
            try:
                for batch in reader.gather():
                    if self._ended:
                        return
                    self._post(RunRead(batch))
            except OSError as problem:
                # one run that cannot be read keeps no other from being read; it is tried again from its start
                readers.pop(run).close()
                self._tell_once(f"{run}: {problem}")
