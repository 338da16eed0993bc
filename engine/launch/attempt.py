"""One attempt at a run in a worker's process: its journals, its last word, and the errors that end it."""

import os
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from engine.errors import CharlabError
from engine.records.rows import Event, Metric
from engine.records.version import EventKind
from engine.redaction import redact
from engine.store.journal import Journal, finite, read_last_rows, seal
from engine.store.paths import RunPaths


class Journals:
    """The three journals of one attempt; rows go in as records and come out as lines."""

    def __init__(self, paths: RunPaths, attempt: int) -> None:
        self.attempt = attempt
        self.events = Journal(paths.events)
        self.metrics = Journal(paths.metrics)
        self.samples = Journal(paths.samples)
        last = read_last_rows(paths.metrics)
        self.step = int(last[-1]["step"]) if last else 0
        """The last that was measured, by this attempt or one before."""

    def tell(self, kind: EventKind, step: int, message: str = "", fix: str = "", **data: Any) -> None:
        event = Event(attempt=self.attempt, time=time.time(), kind=kind, step=step, message=message, fix=fix, data=data)
        self.events.append(event.to_json())

    def measure(self, step: int, values: dict[str, float]) -> None:
        clean, bad = finite(values)
        row = Metric(attempt=self.attempt, step=step, time=time.time(), values=clean, nonfinite=bad)
        self.metrics.append(row.to_json())
        self.step = step


class Stopped(Exception):
    """Somebody asked for an end."""


def run_attempt(folder: str, attempt: int, act: Callable[[RunPaths, Journals], str]) -> int:
    """Do `act`, which returns 'finished' or 'stopped: why', and write the final event; the exit code is the error's."""
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    paths = RunPaths(Path(folder))
    for journal in (paths.events, paths.metrics, paths.samples):
        seal(journal)
    journals = Journals(paths, attempt)
    try:
        kind, _, message = act(paths, journals).partition(": ")
        paths.stop.unlink(missing_ok=True)
        journals.tell("finished" if kind == "finished" else "stopped", journals.step, message)
        return 0
    except BaseException as error:
        _print_traceback()
        message, fix = redact(str(error)), "charlab log shows the traceback"
        if isinstance(error, CharlabError):
            fix = error.fix
        elif "no space left" in message.lower():
            # torch and safetensors raise errors of their own here
            fix = "free some disk, then charlab resume"
        elif "out of memory" in message.lower():
            fix = "a training: lower optim.batch and raise optim.accumulate, or set load.gradient_checkpointing = true"
        try:
            journals.tell("failed", journals.step, f"{type(error).__name__}: {message}", fix)
        except Exception:
            _print_traceback()
        return error.code if isinstance(error, CharlabError) else 1


def _print_traceback() -> None:
    """Into the attempt's log; what a library raises may hold what a server repeated."""
    print(redact(traceback.format_exc()), end="", file=sys.stderr, flush=True)
