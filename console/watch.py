"""Attaching to runs: live curves in a terminal, plain lines elsewhere, a closing summary.

Reads the run's files and nothing else, so that leaving, being killed or losing the connection harms no run.
"""

import sys
import time
from typing import TextIO

from console.closing import print_closing
from console.text import narrate
from console.view import RunView, describe_event, describe_step
from engine.store.index import RunRow, summarise_run
from engine.store.paths import RunPaths

POLL_SECONDS = 0.25


def attach(runs: list[RunPaths], out: TextIO | None = None) -> int:
    """Watch the runs one after another to their ends; returns 1 if any failed or was lost, else 0.

    The closing summaries go to `out`, standard output if not given.
    """
    code = 0
    for paths in runs:
        try:
            row = follow(RunView(paths))
        except KeyboardInterrupt:
            narrate(
                f"\ndetached; the run goes on. charlab watch {paths.id} comes back, charlab stop {paths.id} ends it"
            )
            return 130
        print_closing(paths, out or sys.stdout)
        code = 1 if row.status in ("failed", "lost") else code
    return code


def follow(view: RunView) -> RunRow:
    """Show the run until it ends."""
    if sys.stderr.isatty() and sys.stdout.isatty():
        from console.curves import LiveCurves

        with LiveCurves() as screen:
            while True:
                if view.poll() or screen.resized():
                    screen.draw(view)
                if view.ended():
                    break
                time.sleep(POLL_SECONDS)
    else:
        lines = PlainLines()
        while True:
            view.poll()
            lines.tell(view)
            if view.ended():
                break
            time.sleep(POLL_SECONDS)
    return summarise_run(view.paths)


class PlainLines:
    """One line on standard error for every twentieth of the run, and for every event of its newest attempt."""

    def __init__(self) -> None:
        self._told = -1
        self._newest = 0.0

    def tell(self, view: RunView) -> None:
        for event in view.events:
            if event["time"] > self._newest and event["attempt"] >= view.row.attempt:
                self._newest = event["time"]
                narrate(describe_event(event))
        stride = max(1, view.row.steps // 20)
        if "loss" in view.values and view.step // stride > self._told // stride:
            self._told = view.step
            narrate(describe_step(view))
