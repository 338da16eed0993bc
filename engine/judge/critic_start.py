"""From an adapter and a prompt set to a critic run: what can be found wrong is found before it starts."""

from typing import NamedTuple

from engine.data.read import find_dataset, read_character, read_prompts
from engine.errors import InputError
from engine.judge.choose import describe_judge
from engine.judge.rubric import read_brief
from engine.judge.start import SEED, Material, start_judging
from engine.models.subject import describe_subject, find_character_of
from engine.probe.start import LIBRARIES
from engine.records.dataset import Prompt
from engine.records.judging import Effort
from engine.records.run import CriticRun, ProbesUse
from engine.records.serving import Backend, Sampling
from engine.store.paths import RunPaths, Workspace
from engine.store.provenance import describe_origin


class CriticRequest(NamedTuple):
    model: str
    prompts: str | None = None
    candidates: int = 8
    judge: str = "rules"
    effort: Effort | None = None
    sampling: dict[str, object] = {}
    """What differs from the sampling that the prompt set states."""
    backend: Backend | None = None
    max_usd: float | None = None


def start_critic(request: CriticRequest, workspace: Workspace) -> tuple[RunPaths, bool]:
    """Start it, or go on with the very same one where that was interrupted; whether it was."""
    run, material = plan_critic(request, workspace)
    return start_judging(run, material, request.max_usd, workspace)


def plan_critic(request: CriticRequest, workspace: Workspace) -> tuple[CriticRun, Material]:
    """What can be found wrong is found here."""
    if request.candidates < 2:
        raise InputError(f"{request.candidates} candidates leave nothing to choose", fix="--k 8")
    if request.backend == "llama":
        raise InputError(
            "llama.cpp tells no probability of a token that is not among the likeliest, so it cannot rank",
            fix="--backend transformers, or vllm",
        )
    subject = describe_subject(request.model, workspace)
    if subject.adapter_sha256 is None or subject.form is not None:
        raise InputError(
            f"{subject.reference} has no adapter that can be switched off: the candidates are its base's, and the"
            " adapter ranks them",
            fix="name a run, such as run:ID, or an adapter's folder",
        )
    dataset = find_dataset(workspace, request.prompts or find_character_of(subject, workspace, "prompts"))
    if not dataset.constitution.is_file():
        raise InputError(f"{dataset.constitution} is missing", fix="one arm asks the base under it: write one")
    brief = read_brief(dataset)
    judge, advice = describe_judge(request.judge, brief, request.effort)
    character = read_character(dataset)
    # a later turn would follow another answer in every arm
    # the first turn alone, so nothing of what later turns must keep to
    rows = [p.to_json() | {"turns": []} for p in read_prompts(dataset.prompts)]
    prompts = [Prompt.model_validate({k: v for k, v in row.items() if k != "expects"}) for row in rows]
    stated = character.evaluation.model_copy(update={"seed": character.evaluation.seed or SEED})
    sampling = Sampling.parse({**stated.to_json(), **request.sampling}, "sampling")
    if sampling.temperature == 0:
        raise InputError("at temperature 0 every candidate is the same", fix="--temperature 0.7")
    material = Material(prompts, character, brief.rubric, dataset.constitution.read_text("utf-8"))
    run = CriticRun(
        **describe_origin(f"{dataset.name}-critic", workspace, LIBRARIES), steps=count_steps(len(prompts), request.candidates),
        subject=subject, probes=ProbesUse(dataset=dataset.name, sha256=material.sha256(), count=len(prompts)),
        candidates=request.candidates, sampling=sampling, backend=request.backend or "transformers", judge=judge,
        max_usd=request.max_usd, advice=advice,
    )  # fmt: skip
    return run, material


def count_steps(prompts: int, candidates: int) -> int:
    """Answers, rankings and judgements."""
    return prompts * ((candidates + 2) + candidates + (candidates + 2))
