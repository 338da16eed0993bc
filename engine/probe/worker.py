"""The probing worker: a server for the model, every probe asked, every answer kept: in a process of its own.

    python -m engine.probe.worker RUN_FOLDER ATTEMPT LOCK_FD

Started by a launcher. A later attempt asks only what no earlier one has an answer to.
"""

import sys
import time
from contextlib import suppress

from pydantic import ValidationError

from engine.data.read import read_probes
from engine.errors import StoreError
from engine.launch.attempt import Journals, run_attempt
from engine.probe.ask import ask_probes, read_answers
from engine.probe.nature import Nature, examine_base
from engine.probe.tally import Stopped, Tally
from engine.records.dataset import Character
from engine.records.rows import Event
from engine.records.serving import ServeRequest
from engine.serve.client import Client
from engine.serve.server import start_server
from engine.store.journal import read_json
from engine.store.paths import RunPaths, Workspace
from engine.store.runs import open_probe_run, read_records


def attempt_probing(paths: RunPaths, journals: Journals) -> str:
    run = open_probe_run(paths)
    workspace = Workspace(paths.folder.parent.parent)
    character = Character.parse(read_json(paths.character), str(paths.character), StoreError)
    probes = read_probes(paths.probes)
    kept = [sample.to_json() for sample in read_answers(paths, probes, run.samples)[0]]
    tally = Tally(paths, journals, run.steps, kept)
    if len(kept) >= run.steps:
        tally.tell()  # the last attempt may have died between an answer and its count
        return "finished"
    request = ServeRequest(reference=run.subject.reference, backend=run.backend)
    began = time.perf_counter()
    with start_server(request, workspace, lambda message: print(message, flush=True)) as serving:
        endpoint = serving.endpoint
        with Client(endpoint, in_flight=request.slots) as client:
            journals.tell(
                "started", len(kept), device=endpoint.backend, steps=run.steps,
                seconds=round(time.perf_counter() - began, 2), nature=find_nature(paths, client).to_json(),
                context=endpoint.context, rendered=endpoint.rendered.to_json() if endpoint.rendered else None,
            )  # fmt: skip
            tally.begin()
            try:
                ask_probes(
                    client, probes, run.samples, run.sampling, system=run.system,
                    character=character, take=tally.take, kept=kept, attempt=journals.attempt,
                    step=run.subject.step or 0, form=run.subject.form or "",
                )  # fmt: skip
            except Stopped:
                return f"stopped: {tally.why}"
            finally:
                tally.tell()
    return "finished"


def find_nature(paths: RunPaths, client: Client) -> Nature:
    """As an earlier attempt found it, else by asking."""
    for event in read_records(paths.events, Event)[0]:
        with suppress(ValidationError):
            earlier = Nature.model_validate(event.data.get("nature"))
            if earlier.follows:
                return earlier
    return examine_base(client)


if __name__ == "__main__":
    # the lock's descriptor (argv[3]) was inherited open, and is let go when the process ends
    sys.exit(run_attempt(sys.argv[1], int(sys.argv[2]), attempt_probing))
