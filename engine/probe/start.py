"""From a model and a set of probes to a probe run: what can be found wrong is found before it starts."""

import random
import secrets
import socket
import time
from typing import NamedTuple

from engine.data.read import find_dataset, hash_file, read_character, read_probes
from engine.launch.local import LocalLauncher
from engine.models.subject import describe_subject, find_character_of
from engine.probe.variants import Attack, vary_probes
from engine.records.dataset import Format
from engine.records.run import ProbeRun, ProbesUse
from engine.records.serving import Backend, Sampling
from engine.store.journal import write_json, write_rows
from engine.store.paths import RunPaths, Workspace
from engine.store.provenance import read_git, read_versions

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
    dataset = find_dataset(workspace, request.probes or find_character_of(subject, workspace))
    character = read_character(dataset)
    probes = vary_probes(read_probes(dataset.probes), list(request.formats), list(request.attacks))
    now = time.time()
    name = f"{dataset.name}-probe"
    paths = workspace.run(f"{time.strftime('%Y%m%d-%H%M', time.localtime(now))}-{name}-{secrets.token_hex(2)}")
    paths.log(1).parent.mkdir(parents=True)
    write_rows(paths.probes, (p.to_json() for p in probes))
    write_json(paths.character, character.to_json())
    sampling = request.sampling
    if sampling.seed is None:
        sampling = sampling.model_copy(update={"seed": random.randrange(2**31)})
    run = ProbeRun(
        id=paths.id,
        name=name,
        created=now,
        steps=request.samples * sum(1 + len(p.turns) for p in probes),
        versions=read_versions(LIBRARIES),
        git=read_git(workspace.folder),
        host=socket.gethostname(),
        subject=subject,
        probes=ProbesUse(dataset=dataset.name, sha256=hash_file(paths.probes), count=len(probes)),
        samples=request.samples,
        sampling=sampling,
        system=request.system,
        backend=request.backend,
    )
    write_json(paths.run, run.to_json())
    return paths
