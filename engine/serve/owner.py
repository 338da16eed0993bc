"""The line between a server's worker and its owner: one JSON job in, events out, and an end when the owner is gone.

The worker's standard input is a pipe whose other end only the owner holds. Its first line is the job (so that no
token stands in a process list); when it closes, however the owner ended, the worker ends.
"""

import json
import os
import sys
import threading
from collections.abc import Callable
from typing import Any

from engine.errors import CharlabError

Say = Callable[..., None]


def open_line(end: Callable[[], None]) -> tuple[dict[str, Any], Say]:
    """The job, and a function that tells the owner of an event: say("ready", port=8080). `end` goes before the end."""
    events = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what a library prints goes to the log
    job: dict[str, Any] = json.loads(sys.stdin.buffer.readline())
    threading.Thread(target=_end_with_owner, args=(end,), daemon=True).start()

    def say(event: str, **data: Any) -> None:
        try:
            events.write(json.dumps({"event": event, **data}) + "\n")
        except OSError:
            os._exit(0)

    return job, say


def run_worker(serve: Callable[[dict[str, Any], Say], None], end: Callable[[], None] = lambda: None) -> None:
    """Run `serve` until it returns; an error goes to the owner in words. `end` is called when the owner is gone."""
    job, say = open_line(end)
    try:
        serve(job, say)
    except CharlabError as error:
        say("failed", message=error.message, fix=error.fix, code=error.code)
        os._exit(error.code)
    # no destructor of a native library may keep a worker that has said its last word
    os._exit(0)


def _end_with_owner(end: Callable[[], None]) -> None:
    while os.read(0, 4096):
        pass
    end()
    os._exit(0)
