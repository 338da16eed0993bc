"""From a model and a set of probes to a probe run: what can be found wrong is found before it starts."""

import random
from typing import NamedTuple

from engine.data.read import find_dataset, hash_file, read_character, read_probes
from engine.launch.local import LocalLauncher
from engine.models.subject import describe_subject, find_character_of
from engine.probe.variants import Attack, vary_probes
from engine.records.dataset import Character, Format, Probe
from engine.records.run import ProbeRun, ProbesUse
from engine.records.serving import Backend, Sampling, ServeRequest
from engine.serve.server import choose_backend, name_url
from engine.store.journal import write_json, write_rows
from engine.store.paths import RunPaths, Workspace
from engine.store.provenance import describe_origin

LIBRARIES = ("torch", "transformers", "peft", "xllamacpp", "vllm")


class ProbeRequest(NamedTuple):
    model: str
    probes: str | None = None
    """A dataset folder holding probes.jsonl; None takes that of the model's run, or the only one."""
    samples: int = 12
    sampling: Sampling = Sampling()
    """Without a seed one is drawn."""
    system: str | None = None
    formats: tuple[Format, ...] = ("chat",)
    attacks: tuple[Attack, ...] = ()
    backend: Backend | None = None


def start_probing(request: ProbeRequest, workspace: Workspace) -> RunPaths:
    """Write the run and start its worker."""
    paths = write_probe_run(request, workspace)
    LocalLauncher().start(paths, "probe")
    return paths


def write_probe_run(request: ProbeRequest, workspace: Workspace) -> RunPaths:
    """Lay the run's folder out; run.json comes last, so a folder without it is no run."""
    subject = describe_subject(request.model, workspace)
    serve = ServeRequest(reference=subject.reference, backend=request.backend)
    if (request.backend or choose_backend(serve, workspace)) == "url":
        name_url(serve)
    dataset = find_dataset(workspace, request.probes or find_character_of(subject, workspace))
    character = read_character(dataset)
    probes = vary_probes(read_probes(dataset.probes), list(request.formats), list(request.attacks))
    origin = describe_origin(f"{dataset.name}-probe", workspace, LIBRARIES)
    paths = workspace.run(origin["id"])
    use = write_probes(paths, dataset.name, probes, character)
    run = ProbeRun(
        **origin, steps=request.samples * sum(1 + len(p.turns) for p in probes), subject=subject, probes=use,
        samples=request.samples, sampling=choose_seed(request.sampling), system=request.system, backend=request.backend,
    )  # fmt: skip
    write_json(paths.run, run.to_json())
    return paths


def write_probes(paths: RunPaths, dataset: str, probes: list[Probe], character: Character) -> ProbesUse:
    """The run's own probes and character, so that the dataset may go on changing."""
    paths.log(1).parent.mkdir(parents=True)
    write_rows(paths.probes, (p.to_json() for p in probes))
    write_json(paths.character, character.to_json())
    return ProbesUse(dataset=dataset, sha256=hash_file(paths.probes), count=len(probes))


def choose_seed(sampling: Sampling) -> Sampling:
    return sampling if sampling.seed is not None else sampling.model_copy(update={"seed": random.randrange(2**31)})
