"""From a model and a prompt set to an eval run, or from its answers to a score run: what can be found wrong is found first."""

import json
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from engine.data.read import find_dataset, read_character, read_prompts
from engine.errors import InputError, StoreError
from engine.judge.budget import allow, find_budget, note_overruled
from engine.judge.choose import RULES, describe_judge
from engine.judge.pairwise import make_pair_brief
from engine.judge.rubric import Brief, make_brief, read_brief
from engine.launch.local import LocalLauncher
from engine.launch.steer import resume_run
from engine.models.subject import describe_subject, find_character_of
from engine.probe.ask import read_answers
from engine.probe.start import LIBRARIES, choose_seed
from engine.records.dataset import Character, Prompt
from engine.records.judging import Effort, Rubric
from engine.records.run import CriticRun, EvalRun, ProbesUse, ScoreRun
from engine.records.serving import Backend, Sampling
from engine.records.version import Status
from engine.store.index import list_runs
from engine.store.journal import read_json, write_atomic, write_json, write_rows
from engine.store.paths import RunPaths, Workspace
from engine.store.provenance import describe_origin
from engine.store.runs import open_eval_run, open_record

SEED = 11
"""Of an evaluation that names none: the same for every model, so that two compare."""


class EvalRequest(NamedTuple):
    model: str
    prompts: str | None = None
    """A dataset folder holding prompts.jsonl; None takes that of the model's run, or the only one."""
    judge: str = "rules"
    samples: int = 1
    sampling: dict[str, object] = {}
    """What differs from the sampling that the prompt set states."""
    system: str | None = None
    effort: Effort | None = None
    rubric: str | None = None
    """A rubric file; None takes the character's own."""
    batch: bool = False
    repeats: int = 1
    controls: bool = False
    max_usd: float | None = None
    """None takes what [budget] of the model's recipe leaves."""
    backend: Backend | None = None


class ScoreRequest(NamedTuple):
    run: str
    judge: str
    against: str | None = None
    """Another evaluation of the same prompts: which of two answers is better, asked in both orders."""
    effort: Effort | None = None
    rubric: str | None = None
    batch: bool = False
    repeats: int = 1
    controls: bool = False
    max_usd: float | None = None


def start_evaluation(request: EvalRequest, workspace: Workspace) -> tuple[RunPaths, bool]:
    """As `start_judging`."""
    run, material = plan_evaluation(request, workspace)
    return start_judging(run, material, request.max_usd, workspace)


def start_scoring(request: ScoreRequest, workspace: Workspace) -> tuple[RunPaths, bool]:
    run, material = plan_scoring(request, workspace)
    return start_judging(run, material, request.max_usd, workspace)


def plan_evaluation(request: EvalRequest, workspace: Workspace) -> tuple[EvalRun, "Material"]:
    subject = describe_subject(request.model, workspace)
    dataset = find_dataset(workspace, request.prompts or find_character_of(subject, workspace, "prompts"))
    character, prompts = read_character(dataset), read_prompts(dataset.prompts)
    brief = read_brief(dataset, Path(request.rubric).expanduser() if request.rubric else None)
    judge, advice = describe_judge(request.judge, brief, request.effort, batch=request.batch)
    stated = character.evaluation.model_copy(update={"seed": character.evaluation.seed or SEED})
    sampling = Sampling.parse({**stated.to_json(), **request.sampling}, "sampling")
    constitution = dataset.constitution.read_text("utf-8") if dataset.constitution.is_file() else ""
    material = Material(prompts, character, brief.rubric, constitution)
    origin = describe_origin(f"{dataset.name}-eval", workspace, LIBRARIES)
    answers = request.samples * sum(1 + len(p.turns) for p in prompts)
    run = EvalRun(
        **origin, steps=2 * answers, subject=subject,
        probes=ProbesUse(dataset=dataset.name, sha256=material.sha256(), count=len(prompts)), samples=request.samples,
        sampling=choose_seed(sampling), system=request.system, backend=request.backend,
        judge=judge, batch=request.batch, repeats=request.repeats, controls=request.controls,
        max_usd=request.max_usd, advice=advice,
    )  # fmt: skip
    return run, material


def find_answered(name: str, workspace: Workspace) -> RunPaths:
    """The evaluation that holds the answers of a run; InputError where some are missing."""
    of = workspace.find_run(name)
    source = open_record(of)
    if isinstance(source, ScoreRun):
        of = workspace.find_run(source.of)
    evaluation = open_eval_run(of)
    answers, wanted = len(read_answers(of, read_prompts(of.prompts), evaluation.samples)[0]), evaluation.steps // 2
    if answers < wanted:
        raise InputError(f"{of.id} has {answers} of {wanted} answers", fix=f"charlab resume {of.id}, then score it")
    return of


def plan_scoring(request: ScoreRequest, workspace: Workspace) -> tuple[ScoreRun, "Material"]:
    of = find_answered(request.run, workspace)
    evaluation = open_eval_run(of)
    prompts, wanted = read_prompts(of.prompts), evaluation.steps // 2
    brief = read_run_brief(of)
    if request.rubric:
        dataset = find_dataset(workspace, evaluation.probes.dataset)
        brief = read_brief(dataset, Path(request.rubric).expanduser())
    against = None
    if request.against is not None:
        against, brief, wanted = pair_with(request, evaluation, of, workspace), pair_brief(brief, of), 2 * wanted
    judge, advice = describe_judge(request.judge, brief, request.effort, batch=request.batch)
    constitution = of.constitution.read_text("utf-8") if of.constitution.is_file() else ""
    character = Character.parse(read_json(of.character), str(of.character))
    material = Material(prompts, character, brief.rubric, constitution)
    origin = describe_origin(f"{evaluation.probes.dataset}-score", workspace, LIBRARIES)
    run = ScoreRun(
        **origin, steps=wanted, of=of.id, against=against, subject=evaluation.subject, probes=evaluation.probes,
        judge=judge, batch=request.batch, repeats=request.repeats, controls=request.controls,
        max_usd=request.max_usd, advice=advice,
    )  # fmt: skip
    return run, material


def pair_with(request: ScoreRequest, evaluation: EvalRun, of: RunPaths, workspace: Workspace) -> str:
    """The id of the evaluation to hold `of` against; InputError where the two were not asked alike."""
    assert request.against is not None
    if request.judge == RULES:
        raise InputError(
            "rules cannot say which of two answers is better", fix="--judge anthropic:MODEL, or an endpoint"
        )
    if request.controls:
        raise InputError("--controls are answers to score, and pairs have none", fix="--controls without --against")
    if request.repeats > 1:
        raise InputError("a pair is judged in both orders already", fix="--repeats without --against")
    other = find_answered(request.against, workspace)
    theirs = open_eval_run(other)
    if other.id == of.id:
        raise InputError(f"{of.id} is held against itself", fix="name two evaluations")
    if (theirs.probes.sha256, theirs.samples) != (evaluation.probes.sha256, evaluation.samples):
        raise InputError(
            f"{other.id} and {of.id} were not asked the same prompts as often", fix="charlab eval both alike"
        )
    return other.id


def pair_brief(brief: Brief, of: RunPaths) -> Brief:
    constitution = of.constitution.read_text("utf-8") if of.constitution.is_file() else ""
    return make_pair_brief(brief.rubric, constitution)


class Material(NamedTuple):
    """What a run keeps of its dataset, so that the dataset may go on changing."""

    prompts: list[Prompt]
    character: Character
    rubric: Rubric
    constitution: str

    def rows(self) -> list[dict[str, object]]:
        return [prompt.to_json() for prompt in self.prompts]

    def sha256(self) -> str:
        import hashlib

        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in self.rows())
        return hashlib.sha256(text.encode()).hexdigest()

    def write(self, paths: RunPaths) -> None:
        write_rows(paths.prompts, self.rows())
        write_json(paths.character, self.character.to_json())
        write_json(paths.rubric, self.rubric.to_json())
        if self.constitution:
            write_atomic(paths.constitution, self.constitution)


def read_run_brief(paths: RunPaths) -> Brief:
    """What the judge of this run is told."""
    constitution = paths.constitution.read_text("utf-8") if paths.constitution.is_file() else ""
    character = Character.parse(read_json(paths.character), str(paths.character))
    return make_brief(Rubric.parse(read_json(paths.rubric), str(paths.rubric)), constitution, character)


def start_judging(
    run: EvalRun | ScoreRun | CriticRun, material: Material, max_usd: float | None, workspace: Workspace
) -> tuple[RunPaths, bool]:
    """Start it, or go on with the very same one where that was interrupted; whether it was."""
    if (earlier := find_interrupted(run, workspace)) is not None:
        if max_usd is not None:
            allow(earlier, max_usd)
        return resume_run(earlier), True
    # the worker reckons for itself; here it is found before there is a run
    find_budget(max_usd, run.judge, run.subject, workspace)
    notes = [*note_overruled(max_usd, run.judge, run.subject, workspace), *note_finished(run, workspace)]
    run = run.model_copy(update={"advice": [*run.advice, *notes]})
    paths = workspace.run(run.id)
    paths.log(1).parent.mkdir(parents=True)
    material.write(paths)
    write_json(paths.run, run.to_json())
    LocalLauncher().start(paths, run.kind)
    return paths, False


def note_finished(run: EvalRun | ScoreRun | CriticRun, workspace: Workspace) -> list[str]:
    """That the very same was done before, which may not be meant."""
    earlier = find_interrupted(run, workspace, ["finished"])
    return [f"{earlier.id} has done the very same; this does it again"] if earlier else []


def find_interrupted(
    run: EvalRun | ScoreRun | CriticRun,
    workspace: Workspace,
    ended: Collection[Status] = ("stopped", "failed", "lost"),
) -> RunPaths | None:
    """The newest run of the very same task that did not come to its end, or that `ended` as is said."""
    for row in reversed(list_runs(workspace)):
        if row.kind != run.kind or row.status not in ended or row.problem:
            continue
        paths = workspace.run(row.id)
        with suppress(StoreError):  # what cannot be read is no task of ours
            other = open_record(paths)
            if isinstance(other, type(run)) and _task(other) == _task(run):
                return paths
    return None


def _task(run: EvalRun | ScoreRun | CriticRun) -> dict[str, object]:
    """All but which run it is, and where and with what it was made; a budget may be raised on the way."""
    incidental = {"id", "name", "created", "versions", "git", "host", "group", "max_usd", "backend", "advice"}
    return {key: value for key, value in run.to_json().items() if key not in incidental}
