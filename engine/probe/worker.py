"""The probing worker: a server for the model, every probe asked, every answer kept: in a process of its own.

    python -m engine.probe.worker RUN_FOLDER ATTEMPT LOCK_FD

Started by a launcher. A later attempt asks only what no earlier one has an answer to.
"""

import signal
import sys
import time
from typing import Any

from engine.data.read import read_probes
from engine.errors import StoreError
from engine.launch.attempt import Journals, run_attempt
from engine.probe.ask import ask_probes
from engine.probe.nature import examine_base
from engine.records.dataset import Character
from engine.records.rows import Sample
from engine.records.serving import ServeRequest
from engine.serve.client import Client
from engine.serve.server import start_server
from engine.store.journal import read_json, read_rows
from engine.store.paths import RunPaths, Workspace
from engine.store.runs import open_probe_run

TELL_SECONDS = 1.0
"""Between two rows of metrics, which are how far it has come."""


class Stopped(Exception):
    """Somebody asked for an end."""


def attempt_probing(paths: RunPaths, journals: Journals) -> str:
    run = open_probe_run(paths)
    workspace = Workspace(paths.folder.parent.parent)
    character = Character.parse(read_json(paths.character), str(paths.character), StoreError)
    kept = read_rows(paths.samples)
    if len(kept) >= run.steps:
        return "finished"
    request = ServeRequest(reference=run.subject.reference, backend=run.backend)
    tally = Tally(paths, journals, run.steps, kept)
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, tally.hear)
    began = time.perf_counter()
    with start_server(request, workspace, lambda message: print(message, flush=True)) as serving:
        endpoint = serving.endpoint
        with Client(endpoint, in_flight=request.slots) as client:
            journals.tell(
                "started", len(kept), device=endpoint.backend, steps=run.steps,
                seconds=round(time.perf_counter() - began, 2), nature=examine_base(client), context=endpoint.context,
                rendered=endpoint.rendered.to_json() if endpoint.rendered else None,
            )  # fmt: skip
            try:
                ask_probes(
                    client, read_probes(paths.probes), run.samples, run.sampling, system=run.system,
                    character=character, take=tally.take, kept=kept, attempt=journals.attempt,
                    step=run.subject.step or 0, form=run.subject.form or "",
                )  # fmt: skip
            except Stopped:
                return f"stopped: {tally.why}"
            finally:
                tally.tell()
    return "finished"


class Tally:
    """Keeps every answer, and tells how far it has come."""

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
            seconds = max(self._told - self._began, 1e-9)
            self.journals.measure(
                self.answers,
                {
                    "break_rate": self.breaks / self.answers,
                    "in_character_rate": self.in_character / self.answers,
                    "tokens_per_second": self._tokens / seconds,
                },
            )


if __name__ == "__main__":
    # the lock's descriptor (argv[3]) was inherited open, and is let go when the process ends
    sys.exit(run_attempt(sys.argv[1], int(sys.argv[2]), attempt_probing))
