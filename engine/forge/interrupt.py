"""An end of what is being written: KeyboardInterrupt in the main thread, so that what it began is removed.

A tool that it waits for is killed, and a call into a library is waited for.
"""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from engine.store.paths import RunPaths

POLL_SECONDS = 0.25


def hear_signals() -> None:
    """Signals that ask for an end are heard even where whoever started this process ignored them."""
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, signal.default_int_handler)


def interrupt(patience: float = 0.0) -> None:
    """From another thread; returns when the main thread has ended, or after `patience` seconds."""
    main = threading.main_thread()
    assert main.ident is not None
    signal.pthread_kill(main.ident, signal.SIGINT)
    main.join(patience)


@contextmanager
def heed_stop(paths: RunPaths) -> Iterator[None]:
    """Interrupt the block where the run is asked to stop, or was; until then its events say that it is alive."""
    if paths.stop.exists():
        raise KeyboardInterrupt
    left = threading.Event()

    def watch() -> None:
        while not left.wait(POLL_SECONDS):
            os.utime(paths.events)
            if paths.stop.exists():
                return interrupt()

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        left.set()
        watcher.join()
