"""Answers as they come: each is kept, and how far it has come is told once a second."""

import signal
import time
from typing import Any

from engine.launch.attempt import Journals
from engine.records.rows import Sample
from engine.store.paths import RunPaths

TELL_SECONDS = 1.0
"""Between two rows of metrics."""


class Stopped(Exception):
    """Somebody asked for an end."""


class Tally:
    """Raises Stopped from `take`, once the answer is kept, where a file or a signal asks for an end."""

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
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, self.hear)

    def begin(self) -> None:
        """Count the tokens per second from here on: loading a model is none of it."""
        self._began = time.monotonic()

    def hear(self, number: int, frame: object) -> None:
        self.why = signal.Signals(number).name

    def take(self, sample: Sample) -> None:
        self.journals.samples.append(sample.to_json())
        self.answers += 1
        self.breaks += sample.breaks is not None
        self.in_character += sample.in_character
        self._tokens += sample.tokens
        if time.monotonic() - self._told >= TELL_SECONDS:
            self.tell()
        if self.paths.stop.exists():
            self.why = "asked to"
        if self.why and self.answers < self.steps:
            raise Stopped

    def tell(self) -> None:
        self._told = time.monotonic()
        if self.answers > self.journals.step:
            rates = {"break_rate": self.breaks / self.answers, "in_character_rate": self.in_character / self.answers}
            if self._tokens:
                rates["tokens_per_second"] = self._tokens / max(self._told - self._began, 1e-9)
            self.journals.measure(self.answers, rates)
