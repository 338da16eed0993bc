"""Answers as they come: each is kept, how far it has come is told once a second, and an end is heard."""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from engine.launch.attempt import Journals, Stopped
from engine.records.rows import Sample
from engine.store.paths import RunPaths

TELL_SECONDS = 1.0
"""Between two rows of metrics, and between two looks for a request to stop."""


class Tally:
    """Raises Stopped from `take`, once the answer is kept, and from `heed`, where a file or a signal asks for an end."""

    def __init__(self, paths: RunPaths, journals: Journals, steps: int, kept: list[dict[str, Any]]) -> None:
        self.paths = paths
        self.journals = journals
        self.steps = steps
        self.why = ""
        self.answers = len(kept)
        self.breaks = sum(row["breaks"] is not None for row in kept)
        self.in_character = sum(bool(row["in_character"]) for row in kept)
        self._began = self._told = time.monotonic()
        self._tokens = 0
        self._at_once = False
        for name in (signal.SIGTERM, signal.SIGINT, signal.SIGALRM):
            signal.signal(name, self.hear)

    def begin(self) -> None:
        """Count the tokens per second from here on: loading a model is none of it."""
        self._began = time.monotonic()

    def hear(self, number: int, frame: object) -> None:
        if number != signal.SIGALRM:
            self.why = signal.Signals(number).name
        if self._at_once:
            self.heed()

    def heed(self) -> None:
        """Raise Stopped where an end is asked for; `why` says by what."""
        if self.paths.stop.exists():
            self.why = "asked to"
        if self.why:
            self._at_once = False
            raise Stopped

    @contextmanager
    def heeding(self) -> Iterator[None]:
        """Stopped is raised out of whatever is waited for here, as a model that loads, and not at the next answer."""
        self._at_once = True
        signal.setitimer(signal.ITIMER_REAL, TELL_SECONDS, TELL_SECONDS)
        try:
            yield
        finally:
            self._at_once = False
            signal.setitimer(signal.ITIMER_REAL, 0)

    def take(self, sample: Sample) -> None:
        self.journals.samples.append(sample.to_json())
        self.answers += 1
        self.breaks += sample.breaks is not None
        self.in_character += sample.in_character
        self._tokens += sample.tokens
        if time.monotonic() - self._told >= TELL_SECONDS:
            self.tell()
        if self.answers < self.steps:
            self.heed()

    def tell(self) -> None:
        self._told = time.monotonic()
        if self.answers > self.journals.step:
            rates = {"break_rate": self.breaks / self.answers, "in_character_rate": self.in_character / self.answers}
            if self._tokens:
                rates["tokens_per_second"] = self._tokens / max(self._told - self._began, 1e-9)
            self.journals.measure(self.answers, rates)
