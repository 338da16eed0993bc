"""Two evaluations compared, like with like: every answer's score against the other's, with the guards, as a run of its own."""

import os
import socket
import time
from typing import Any, NamedTuple

from engine.data.read import read_manifest, read_prompts
from engine.errors import InputError
from engine.judge.calibrating import find_calibration
from engine.judge.start import read_run_brief
from engine.judge.summary import read_newest, read_scores
from engine.judge.trust import find_kinship, measure_noise, pool_sd
from engine.launch.process import read_start
from engine.probe.ask import read_answers
from engine.records.judging import Score
from engine.records.recipe import Verdict as Rule
from engine.records.rows import Event, Launch, Process, Sample
from engine.records.run import CompareRun, EvalRun, ScoreRun, Side
from engine.stats.compare import RESAMPLES, Comparison, Measured, compare_scores
from engine.stats.intervals import wilson
from engine.stats.scores import number_rows
from engine.store.journal import Journal, write_json
from engine.store.paths import RunPaths, Workspace
from engine.store.provenance import describe_origin
from engine.store.runs import open_eval_run, open_record, open_run, read_records

LIKE = ("judge", "rubric", "effort", "prompts", "samples", "sampling")
"""What must be the same on both sides, unless its difference is allowed by name."""


class Scored(NamedTuple):
    """One side: an evaluation's answers and the newest judgement of each."""

    paths: RunPaths
    run: EvalRun | ScoreRun
    evaluation: EvalRun
    answers: list[Sample]
    scores: dict[str, Score]
    template: dict[str, Any] | None

    @property
    def critical(self) -> int:
        return sum(len(s.critical) for s in self.scores.values())

    @property
    def usd(self) -> float | None:
        """Of every judgement that was paid for, those that failed, repeats and controls among them."""
        known = [s.usd for s in read_records(self.paths.scores, Score)[0]]
        return None if any(usd is None for usd in known) else sum(usd for usd in known if usd is not None)

    def to_side(self) -> Side:
        failed = sum(s.state != "scored" for s in self.scores.values())
        return Side(run=self.run.id, subject=self.run.subject, n=len(self.answers), failed=failed, usd=self.usd)


def compare_evals(
    baseline: str,
    candidate: str,
    workspace: Workspace,
    rule: Rule | None = None,
    *,
    allow: tuple[str, ...] = (),
    calibrated: bool = False,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> tuple[RunPaths, Comparison]:
    """Compare two eval or score runs and write what came out as a run of kind compare.

    `rule` is the [verdict] to hold it to; None takes that of the candidate's training. InputError where the two
    differ in one of LIKE that is not in `allow`; other differences are named in the verdict's notes.
    """
    before, after = (read_scored(workspace.find_run(name), workspace) for name in (baseline, candidate))
    if before.run.id == after.run.id:
        raise InputError(f"{before.run.id} is compared with itself", fix="name two runs of charlab eval")
    rule = rule or find_rule(after, workspace)
    differences = find_differences(before, after, allow)
    doubts = [] if calibrated else find_doubts(after, before, workspace)
    rows = list_scores(before), list_scores(after)
    comparison = weigh(before, after, rows, rule, differences, doubts, seed, resamples)
    origin = describe_origin(f"{after.evaluation.probes.dataset}-compare", workspace, ("numpy", "scipy"))
    run = CompareRun(
        **origin, steps=comparison.n, subject=after.run.subject, probes=after.evaluation.probes,
        baseline=before.to_side(), candidate=after.to_side(), judge=after.run.judge, rule=rule, differences=differences,
        seed=seed, resamples=resamples,
    )  # fmt: skip
    return write_comparison(run, comparison, workspace), comparison


def weigh(
    before: Scored,
    after: Scored,
    rows: tuple[list[dict[str, Any]], list[dict[str, Any]]],
    rule: Rule,
    differences: list[str],
    doubts: list[str],
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> Comparison:
    """The comparison of two sides by their `rows`, as `list_scores` gives them, with guards and noises; writes nothing."""
    broken = wilson(sum(a.breaks is not None for a in after.answers), len(after.answers))
    return compare_scores(
        number_rows(before.run.id, rows[0]), number_rows(after.run.id, rows[1]), rule,
        Measured(broken, (before.critical, after.critical)), doubts, read_run_brief(after.paths).rubric.scale, seed,
        resamples, [*differences, *describe_noise(before, after)],
    )  # fmt: skip


def read_scored(paths: RunPaths, workspace: Workspace) -> Scored:
    """One side; InputError where it is no evaluation, or not at its end."""
    run = open_record(paths)
    if not isinstance(run, EvalRun | ScoreRun):
        raise InputError(f"{run.id} is a {run.kind} run and holds no scores", fix="charlab eval MODEL makes one")
    if isinstance(run, ScoreRun) and run.against is not None:
        raise InputError(
            f"{run.id} says which of two answers is better, and holds no scores", fix=f"charlab show {run.id}"
        )
    source = paths if isinstance(run, EvalRun) else workspace.run(run.of)
    evaluation = run if isinstance(run, EvalRun) else open_eval_run(source)
    answers, _ = read_answers(source, read_prompts(source.prompts), evaluation.samples)
    judged = read_scores(paths, run.judge.fingerprint)
    # rows of nobody's answer may stand among them
    scores = {name: judged[name] for a in answers if (name := a.item) in judged}
    wanted = evaluation.steps // 2
    if len(answers) < wanted or len(scores) < len(answers):
        raise InputError(
            f"{run.id} has {len(answers)} of {wanted} answers and {len(scores)} judgements of them",
            fix=f"charlab resume {source.id if len(answers) < wanted else run.id}",
        )
    started = [e for e in read_records(source.events, Event)[0] if e.kind == "started" and e.data.get("rendered")]
    template = started[-1].data["rendered"] if started else None
    return Scored(paths, run, evaluation, answers, scores, template if isinstance(template, dict) else None)


def list_scores(side: Scored) -> list[dict[str, Any]]:
    """A row an answer, by category; the answers to one prompt are one cluster. A failed judgement is None."""
    prompts = {p.id: p for p in read_prompts(side.paths.prompts)}
    clustered = len(side.answers) > len({a.probe for a in side.answers})
    rows = []
    for a in side.answers:
        score = side.scores[a.item]
        row: dict[str, Any] = {"id": score.id, "score": score.overall, "stratum": prompts[a.probe].category or None}
        rows.append({**row, **({"cluster": a.probe} if clustered else {})})
    return rows


def describe_noise(before: Scored, after: Scored) -> list[str]:
    """The two noises beside the difference: of drawing answers, and of judging them; each by what was measured."""
    told = []
    for side in (before, after):
        name = side.run.subject.reference
        by_prompt: dict[str, list[float]] = {}
        for a in side.answers:
            score = side.scores[a.item]
            if score.overall is not None:
                by_prompt.setdefault(f"{a.probe} {a.turn}", []).append(score.overall)
        drawn = pool_sd(list(by_prompt.values()))
        judged = measure_noise(read_newest(side.paths, side.run.judge.fingerprint, None).values()).sd
        generation = "not measured (one sample a prompt)" if drawn is None else f"sd {drawn:.2f}"
        judging = "not measured (--repeats)" if judged is None else f"sd {judged:.2f}"
        told.append(f"noise of {name}: generation {generation}, judge {judging}")
    return told


def find_rule(side: Scored, workspace: Workspace) -> Rule:
    """The [verdict] table of the recipe that the candidate was trained by."""
    if side.run.subject.run is not None and workspace.run(side.run.subject.run).run.is_file():
        return open_run(workspace.run(side.run.subject.run)).recipe.verdict
    return Rule()


def find_differences(before: Scored, after: Scored, allow: tuple[str, ...]) -> list[str]:
    """What differs besides the model, in words; InputError for one of LIKE that is not allowed."""
    told = []
    for name in LIKE:
        one, other = (_look(side, name) for side in (before, after))
        if one == other:
            continue
        if name not in allow:
            raise InputError(
                f"{before.run.id} and {after.run.id} differ in {name}: {one} and {other}",
                fix=f"evaluate both alike, or --allow {name}",
            )
        told.append(f"{name} differs, which was allowed: {one} and {other}")
    for name in ("served judge", "system prompt", "template", "serving form", "training"):
        one, other = (_look(side, name) for side in (before, after))
        if one != other:
            told.append(f"{name} differs: {one} and {other}")
    return told


def _look(side: Scored, what: str) -> str:
    judge, evaluation = side.run.judge, side.evaluation
    match what:
        case "judge":
            return judge.reference
        case "rubric":
            return f"{judge.rubric} version {judge.rubric_version} ({judge.rubric_sha256[:8]}, told {judge.prompt_sha256[:8]})"
        case "effort":
            return judge.effort or "none"
        case "prompts":
            return f"{evaluation.probes.dataset} ({evaluation.probes.sha256[:8]})"
        case "samples":
            return str(evaluation.samples)
        case "sampling":
            return ", ".join(f"{k} {v}" for k, v in evaluation.sampling.to_json().items() if v not in ([], None))
        case "served judge":
            # a name without a date may come to stand for another model
            return ", ".join(sorted({s.model for s in side.scores.values() if s.model})) or "unknown"
        case "system prompt":
            given = evaluation.system
            return "the template's" if given is None else f"{given[:40]!r}" if given else "none"
        case "template":
            return str((side.template or {}).get("sha256", "unknown"))[:8]
        case "serving form":
            return side.run.subject.form or "as trained"
    return "partial" if _is_partial(side) else "to its end"


def _is_partial(side: Scored) -> bool:
    """Whether the model is a checkpoint before the end of its training."""
    run, step = side.run.subject.run, side.run.subject.step
    if run is None or step is None:
        return False
    trained = RunPaths(side.paths.folder.parent / run)
    return trained.run.is_file() and step < open_run(trained).steps


def find_doubts(after: Scored, before: Scored, workspace: Workspace) -> list[str]:
    """Why no verdict of this judge is to be trusted unchecked."""
    judge = after.run.judge
    if judge.triage:
        return [
            "the judge is a set of rules, whose scores show where to look and prove nothing: --judge anthropic:MODEL"
        ]
    bases = [side.run.subject.base or side.run.subject.reference for side in (before, after)]
    kinship = find_kinship(judge.reference, list(dict.fromkeys(bases)))
    for name in dict.fromkeys(name for side in (before, after) for name in list_generators(side, workspace)):
        kinship += find_kinship(judge.reference, {"generator of its data,": name})
    # people who labelled its answers without seeing a score vouch for it
    return [] if kinship and find_calibration(judge.fingerprint, workspace) else kinship


def list_generators(side: Scored, workspace: Workspace) -> list[str]:
    """What the training data say that they were made by: the lineage of their manifest."""
    run = side.run.subject.run
    if run is None or not workspace.run(run).run.is_file():
        return []
    dataset = workspace.dataset(open_run(workspace.run(run)).recipe.dataset)
    return read_manifest(dataset).lineage if dataset.manifest.is_file() else []


def write_comparison(run: CompareRun, comparison: Comparison, workspace: Workspace) -> RunPaths:
    """run.json comes last, as with every run; it has ended as soon as it is there."""
    paths = workspace.run(run.id)
    paths.folder.mkdir(parents=True)
    now = time.time()
    write_json(paths.verdict, comparison.to_json())
    process = Process(pid=os.getpid(), start=read_start(os.getpid()) or 0.0)
    write_json(paths.launch, Launch(attempt=1, host=socket.gethostname(), process=process, time=now).to_json())
    journal = Journal(paths.events)
    journal.append(
        Event(attempt=1, time=now, kind="finished", step=run.steps, message=comparison.verdict.decision).to_json()
    )
    journal.close()
    write_json(paths.run, run.to_json())
    return paths
