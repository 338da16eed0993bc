"""Two evaluations compared, like with like: every answer's score against the other's, with the guards, as a run of its own."""

import os
import socket
import time
from typing import Any, NamedTuple

from engine.data.read import read_prompts
from engine.errors import InputError
from engine.judge.aggregate import add_usd
from engine.judge.doubts import find_doubts, note_unstated
from engine.judge.rubric import hash_text
from engine.judge.start import read_run_brief
from engine.judge.summary import open_scored, pick_judge, pick_scores
from engine.judge.trust import pool_sd
from engine.launch.process import read_start
from engine.probe.ask import read_answers
from engine.records.judging import Score
from engine.records.recipe import OVERALL
from engine.records.recipe import Verdict as Rule
from engine.records.rows import Event, Launch, Process, Sample
from engine.records.run import CompareRun, EvalRun, ScoreRun, Side
from engine.stats.compare import RESAMPLES, Comparison, Measured, compare_scores
from engine.stats.intervals import wilson_of_clusters
from engine.stats.scores import number_rows, shorten
from engine.store.journal import Journal, write_json
from engine.store.paths import RunPaths, Workspace
from engine.store.provenance import describe_origin
from engine.store.runs import open_eval_run, open_run, read_records

LIKE = ("judge", "rubric", "effort", "prompts", "samples", "sampling")
"""What must be the same on both sides, unless its difference is allowed by name."""


class Scored(NamedTuple):
    """One side: an evaluation's answers and the newest judgement of each."""

    paths: RunPaths
    run: EvalRun | ScoreRun
    evaluation: EvalRun
    answers: list[Sample]
    scores: dict[str, Score]
    repeated: dict[str, list[Score]]
    """Every judgement of an answer that counts, its repeats among them."""
    usd: float | None
    """Of every judgement that was paid for, those that failed, repeats and controls among them."""
    served: dict[str, Any]
    """What the model was served by, and what its template rendered, as far as it was told."""

    @property
    def critical(self) -> int:
        """Answers with a critical failure."""
        return sum(bool(s.critical) for s in self.scores.values())

    def to_side(self) -> Side:
        failed = sum(s.state != "scored" for s in self.scores.values())
        return Side(run=self.run.id, subject=self.run.subject, n=len(self.answers), failed=failed, usd=self.usd)


def compare_evals(
    baseline: str,
    candidate: str,
    workspace: Workspace,
    asked: Rule | None = None,
    *,
    allow: tuple[str, ...] = (),
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> tuple[RunPaths, Comparison]:
    """Compare two eval or score runs and write what came out as a run of kind compare.

    It is held to the [verdict] of the candidate's training, less what `asked` sets. InputError where the two differ in
    one of LIKE that is not in `allow`; other differences are named in the verdict's notes.
    """
    if unknown := sorted(set(allow) - set(LIKE)):
        raise InputError(f"nothing called {shorten(unknown[0])} can be allowed", fix=f"one of: {', '.join(LIKE)}")
    before, after = (read_scored(workspace.find_run(name), workspace) for name in (baseline, candidate))
    if before.run.id == after.run.id:
        raise InputError(f"{before.run.id} is compared with itself", fix="name two runs of charlab eval")
    rule, overruled = overrule(find_rule(after, workspace), asked)
    differences = find_differences(before, after, allow)
    comparison = weigh(before, after, rule, [*overruled, *differences], workspace, seed, resamples)
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
    rule: Rule,
    notes: list[str],
    workspace: Workspace,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> Comparison:
    """The comparison of two sides with guards, doubts and noises; writes nothing."""
    broken = wilson_of_clusters([a.breaks is not None for a in after.answers], [a.probe for a in after.answers], seed)
    rows = [number_rows(side.run.id, list_scores(side, rule.primary)) for side in (before, after)]
    subjects = [before.run.subject, after.run.subject]
    return compare_scores(
        rows[0], rows[1], rule, Measured(broken, (before.critical, after.critical)),
        find_doubts([after.run.judge, before.run.judge], subjects, workspace),
        read_run_brief(after.paths).rubric.scale, seed, resamples,
        [*notes, *note_unstated(subjects, workspace), *describe_noise(before, after, rule.primary)],
    )  # fmt: skip


def read_scored(paths: RunPaths, workspace: Workspace) -> Scored:
    """One side; InputError where it is no evaluation, or not at its end."""
    run, source = open_scored(paths)
    evaluation = run if isinstance(run, EvalRun) else open_eval_run(source)
    answers, _ = read_answers(source, read_prompts(source.prompts), evaluation.samples)
    rows = read_records(paths.scores, Score)[0]
    newest = pick_judge(rows, run.judge.fingerprint)
    judged = pick_scores(newest)
    # rows of nobody's answer may stand among them
    scores = {name: judged[name] for a in answers if (name := a.item) in judged}
    wanted = evaluation.steps // 2
    if len(answers) < wanted or len(scores) < len(answers):
        raise InputError(
            f"{run.id} has {len(answers)} of {wanted} answers and {len(scores)} judgements of them",
            fix=f"charlab resume {source.id if len(answers) < wanted else run.id}",
        )
    started = [e for e in read_records(source.events, Event)[0] if e.kind == "started" and "rendered" in e.data]
    repeated: dict[str, list[Score]] = {name: [] for name in scores}
    for score in newest:
        repeated.get(score.id, []).append(score)
    return Scored(paths, run, evaluation, answers, scores, repeated, add_usd(rows), started[-1].data if started else {})


def list_scores(side: Scored, primary: str | None = None) -> list[dict[str, Any]]:
    """A row an answer, by category and difficulty; the answers to one prompt are one cluster.

    The score is the overall, or the component `primary`; InputError where nothing has it. A failed judgement is None.
    """
    names = dict.fromkeys(name for score in side.scores.values() for name in score.components)
    if primary not in (None, OVERALL) and names and primary not in names:
        raise InputError(
            f"{side.run.id} has no scores of {shorten(primary)}",
            fix=f"--primary, one of: {', '.join([OVERALL, *names])}",
        )
    prompts = {p.id: p for p in read_prompts(side.paths.prompts)}
    clustered = len(side.answers) > len({a.probe for a in side.answers})
    rows = []
    for a in side.answers:
        row: dict[str, Any] = {
            "id": a.item, "score": _read_score(side.scores[a.item], primary),
            "stratum": prompts[a.probe].category or None, "difficulty": prompts[a.probe].difficulty,
        }  # fmt: skip
        rows.append({**row, **({"cluster": a.probe} if clustered else {})})
    return rows


def _read_score(score: Score, primary: str | None) -> float | None:
    return score.overall if primary in (None, OVERALL) else score.components.get(primary)


def describe_noise(before: Scored, after: Scored, primary: str | None = None) -> list[str]:
    """The two noises beside the difference: of drawing answers, and of judging them; each by what was measured."""
    told = []
    for side in (before, after):
        name = side.run.subject.reference
        by_prompt: dict[str, list[float]] = {}
        for a in side.answers:
            score = _read_score(side.scores[a.item], primary)
            if score is not None:
                by_prompt.setdefault(f"{a.probe} {a.turn}", []).append(score)
        drawn = pool_sd(list(by_prompt.values()))
        again = [[_read_score(score, primary) for score in scores] for scores in side.repeated.values()]
        judged = pool_sd([[score for score in scores if score is not None] for scores in again])
        generation = "not measured (one sample a prompt)" if drawn is None else f"sd {drawn:.2f}"
        judging = "not measured (--repeats)" if judged is None else f"sd {judged:.2f}"
        told.append(f"noise of {name}: generation {generation}, judge {judging}")
    return told


def find_rule(side: Scored, workspace: Workspace) -> Rule:
    """The [verdict] table of the recipe that the candidate was trained by."""
    if side.run.subject.run is not None and workspace.run(side.run.subject.run).run.is_file():
        return open_run(workspace.run(side.run.subject.run)).recipe.verdict
    return Rule()


def overrule(rule: Rule, asked: Rule | None) -> tuple[Rule, list[str]]:
    """The rule with what `asked` sets in place of it, and in words what that overruled."""
    changes = {key: getattr(asked, key) for key in Rule.model_fields if asked and key in asked.model_fields_set}
    told = [
        f"[verdict] {key} of the candidate's recipe, {_name_value(old)}, was overruled by {_name_value(new)}"
        for key, new in changes.items()
        if (old := getattr(rule, key)) not in (new, getattr(Rule(), key))
    ]
    return rule.model_copy(update=changes), told


def _name_value(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name}={limit:g}" for name, limit in value.items()) or "none"
    return ", ".join(value) if isinstance(value, list) else f"{value}"


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
            # the hash, as two constitutions may begin alike
            return (
                "the template's" if given is None else f"{given[:40]!r} ({hash_text(given)[:8]})" if given else "none"
            )
        case "template":
            rendered = side.served.get("rendered")
            return str(rendered.get("sha256", "unknown"))[:8] if isinstance(rendered, dict) else "unknown"
        case "serving form":
            return f"{side.run.subject.form or 'as trained'} by {side.served.get('device', 'unknown')}"
    return "partial" if _is_partial(side) else "to its end"


def _is_partial(side: Scored) -> bool:
    """Whether the model is a checkpoint before the end of its training."""
    run, step = side.run.subject.run, side.run.subject.step
    if run is None or step is None:
        return False
    trained = RunPaths(side.paths.folder.parent / run)
    return trained.run.is_file() and step < open_run(trained).steps


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
