"""The garbage collector held to short walks: what a long one found alive stays to the end, and is not looked at again."""

from __future__ import annotations

import gc
import time
from collections.abc import Mapping

LONG_SECONDS = 0.005
WHOLE = 2
"""The generation whose collection looks at everything."""


class Freezer:
    """Where what is imported would be walked again at every collection, 100 ms at a time, a collection walks what is new."""

    def __init__(self) -> None:
        self._began = 0.0

    def start(self) -> None:
        gc.freeze()
        gc.callbacks.append(self._hear)

    def stop(self) -> None:
        """Let go of what was held, so that a console that was left can go too."""
        if self._hear in gc.callbacks:
            gc.callbacks.remove(self._hear)
        gc.unfreeze()

    def _hear(self, phase: str, info: Mapping[str, int]) -> None:
        if info["generation"] < WHOLE:
            return
        if phase == "start":
            self._began = time.thread_time()
        elif time.thread_time() - self._began > LONG_SECONDS:
            gc.freeze()
