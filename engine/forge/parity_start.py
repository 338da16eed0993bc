"""From a run to the comparison of its forms: what can be found wrong is found before it starts."""

from typing import NamedTuple

from engine.data.read import find_dataset, read_character, read_probes, read_prompts
from engine.forge.export import name_form
from engine.forge.export_start import check_writable
from engine.judge.choose import describe_judge
from engine.judge.rubric import read_brief
from engine.launch.local import LocalLauncher
from engine.models.locate import find_base_gguf
from engine.models.subject import describe_adapter, find_character_of
from engine.probe.start import choose_seed, write_probes
from engine.records.forms import TRAINED
from engine.records.run import ParityRun
from engine.records.serving import Sampling
from engine.store.journal import write_json
from engine.store.paths import RunPaths, Workspace
from engine.store.provenance import describe_origin

FORMS = ("adapter", "merged_fp32", "merged", "q8_0", "q4_0")
"""Compared where none are named."""
LIBRARIES = ("torch", "transformers", "peft", "xllamacpp", "gguf", "llama-cpp-python")


class ParityRequest(NamedTuple):
    model: str
    """A run, or a checkpoint of one: ID, run:ID or run:ID@STEP."""
    forms: tuple[str, ...] = ()
    probes: str | None = None
    samples: int = 12
    sampling: Sampling = Sampling()
    positions: int = 500
    judge: str | None = None
    """Who judges each form's answers to the prompt set, too."""
    max_tokens: int | None = None
    """Of these answers; None is what the prompt set states."""


def start_parity(request: ParityRequest, workspace: Workspace) -> RunPaths:
    """Write the run and start its worker."""
    paths = write_parity_run(request, workspace)
    LocalLauncher().start(paths, "compare")
    return paths


def write_parity_run(request: ParityRequest, workspace: Workspace) -> RunPaths:
    subject = describe_adapter(request.model, workspace)
    assert subject.base is not None
    forms = [name_form(form) for form in request.forms]
    if not forms:
        # without a GGUF of the base there is nothing for the adapter's GGUF to stand on
        forms = [f for f in FORMS if f != "adapter" or find_base_gguf(subject.base, workspace)]
    else:
        check_writable(forms, subject.base, workspace)
    dataset = find_dataset(workspace, request.probes or find_character_of(subject, workspace))
    character, probes = read_character(dataset), read_probes(dataset.probes)
    if request.judge is not None:
        read_prompts(dataset.prompts)
        describe_judge(request.judge, read_brief(dataset))
    every = [TRAINED, *dict.fromkeys(forms)]
    origin = describe_origin(f"{dataset.name}-parity", workspace, LIBRARIES)
    paths = workspace.run(origin["id"])
    use = write_probes(paths, dataset.name, probes, character)
    run = ParityRun(
        **origin, steps=len(every) * request.samples * sum(1 + len(p.turns) for p in probes), subject=subject,
        probes=use, samples=request.samples, sampling=choose_seed(request.sampling), forms=every,
        positions=request.positions, judge=request.judge, max_tokens=request.max_tokens,
    )  # fmt: skip
    write_json(paths.run, run.to_json())
    return paths
