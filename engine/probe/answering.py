"""A run's model served and asked: what probe runs and evaluations share."""

import time
from collections.abc import Callable, Sequence
from contextlib import suppress

from pydantic import ValidationError

from engine.errors import StoreError
from engine.launch.attempt import Journals
from engine.probe.ask import ask_probes
from engine.probe.nature import Nature, examine_base
from engine.probe.tally import Tally
from engine.records.dataset import Character, Probe
from engine.records.rows import Event, Sample
from engine.records.run import EvalRun, ProbeRun
from engine.records.serving import ServeRequest
from engine.serve.client import Client
from engine.serve.server import start_server
from engine.store.journal import read_json
from engine.store.paths import RunPaths, Workspace
from engine.store.runs import read_records


def answer_all(
    run: ProbeRun | EvalRun,
    paths: RunPaths,
    probes: Sequence[Probe],
    kept: Sequence[Sample],
    journals: Journals,
    tally: Tally,
) -> None:
    """Serve the run's model and ask what is not `kept`; the server ends with it. Raises Stopped where that is asked."""
    character = Character.parse(read_json(paths.character), str(paths.character), StoreError)
    request = ServeRequest(reference=run.subject.reference, backend=run.backend)
    began = time.perf_counter()
    workspace = Workspace(paths.folder.parent.parent)
    with tally.heeding():
        serving = start_server(request, workspace, lambda message: print(message, flush=True))
    endpoint = serving.endpoint
    with serving, Client(endpoint, in_flight=request.slots) as client:
        journals.tell(
            "started", len(kept), device=endpoint.backend, steps=run.steps,
            seconds=round(time.perf_counter() - began, 2), nature=find_nature(paths, client, tally.heed).to_json(),
            context=endpoint.context, rendered=endpoint.rendered.to_json() if endpoint.rendered else None,
        )  # fmt: skip
        tally.begin()
        try:
            ask_probes(
                client, list(probes), run.samples, run.sampling, system=run.system, character=character,
                take=tally.take, stop=tally.heed, kept=[sample.to_json() for sample in kept], attempt=journals.attempt,
                step=run.subject.step or 0, form=run.subject.form or "",
            )  # fmt: skip
        finally:
            tally.tell()


def find_nature(paths: RunPaths, client: Client, stop: Callable[[], None]) -> Nature:
    """As an earlier attempt found it, else by asking."""
    for event in read_records(paths.events, Event)[0]:
        with suppress(ValidationError):
            earlier = Nature.model_validate(event.data.get("nature"))
            if earlier.follows:
                return earlier
    return examine_base(client, stop)
