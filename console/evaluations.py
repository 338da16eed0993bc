"""What the Evals panel shows: the evaluations of the runs looked at, and one of them beside its baseline's.

Past 300 lines with the views that it fills, which are read beside what fills them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from console.text import tell_error
from engine.errors import CharlabError, InputError
from engine.store.paths import RunPaths, Workspace
from panels.evals import DetailView, EvaluationView
from panels.forest import DifferenceView, StratumView
from panels.judgement import ItemView, JudgedView
from panels.verdict import VerdictView

if TYPE_CHECKING:
    from engine.judge.comparing import Scored
    from engine.records.dataset import Prompt
    from engine.records.judging import Score
    from engine.records.rows import Sample
    from engine.records.run import EvalRun, ScoreRun
    from engine.stats.compare import Comparison
    from engine.store.index import RunRow

_RUN = re.compile(r"^run:\d{8}-\d{4}-")
UNJUDGED = "not judged"


class Listing(NamedTuple):
    evaluations: tuple[EvaluationView, ...]
    """The newest first."""
    baselines: frozenset[str]
    """Those that others are compared with: the pinned one, or the pinned run's newest by each judge of each prompt set."""


class Compared(NamedTuple):
    before: Scored
    found: Comparison
    means: Mapping[tuple[str, str], float]
    """The baseline's over the pairs of each category or difficulty."""


# ---------------------------------------------------------------- which evaluations


def list_evaluations(workspace: Workspace, looked_at: Sequence[str], baseline: str | None) -> Listing:
    """Every one, those of the runs looked at first."""
    found = list(find_evaluations(workspace))
    # sorting keeps the newest first among each
    shown = sorted(found, key=lambda one: not {one[0].id, one[0].subject.run} & {*looked_at})
    pinned: dict[tuple[str, str], str] = {}
    for run, _ in found:
        if baseline is not None and baseline in (run.id, run.subject.run):
            pinned.setdefault((run.judge.fingerprint, run.probes.sha256), run.id)
    return Listing(tuple(view_evaluation(run, row) for run, row in shown), frozenset(pinned.values()))


def find_evaluations(workspace: Workspace) -> Iterable[tuple[EvalRun | ScoreRun, RunRow]]:
    """Every run that can be read as one, the newest first; one that says which of two answers is better has no scores."""
    from engine.records.run import EvalRun, ScoreRun
    from engine.store.index import list_runs
    from engine.store.runs import open_record

    for row in reversed(list_runs(workspace)):
        if row.problem or row.kind not in ("eval", "score"):
            continue
        try:
            run = open_record(workspace.run(row.id))
        except CharlabError:
            continue  # the table of runs says so
        if isinstance(run, EvalRun) or (isinstance(run, ScoreRun) and run.against is None):
            yield run, row


def view_evaluation(run: EvalRun | ScoreRun, row: RunRow) -> EvaluationView:
    wanted = run.steps // 2 if run.kind == "eval" else run.steps
    return EvaluationView(
        id=run.id, model=shorten_model(run.subject.reference), judge=run.judge.reference, triage=run.judge.triage,
        prompts=run.probes.dataset, status=row.status, judged=max(0, row.step - (run.steps - wanted)), wanted=wanted,
        score=row.score, raw=row.score_raw, critical=row.critical,
    )  # fmt: skip


def shorten_model(reference: str) -> str:
    """A run without the minute that its id begins with."""
    return _RUN.sub("", reference)


def find_baseline(run: EvalRun | ScoreRun, baseline: str | None, workspace: Workspace) -> str | None:
    """The evaluation to compare with: the pinned run's newest by the same judge of the same prompts.

    None where no run is pinned, or this is that evaluation; InputError where the pinned one has nothing alike.
    """
    if baseline is None:
        return None
    about = [other for other, _ in find_evaluations(workspace) if baseline in (other.id, other.subject.run)]
    for other in about:
        if (other.judge.fingerprint, other.probes.sha256) == (run.judge.fingerprint, run.probes.sha256):
            return other.id if other.id != run.id else None
    raise InputError(
        f"the baseline {baseline} has no evaluation" + (" by the same judge of the same prompts" if about else ""),
        fix=f"charlab eval MODEL --prompts {run.probes.dataset} --judge {run.judge.reference}, and pin that",
    )


# ---------------------------------------------------------------- one evaluation


def read_detail(workspace: Workspace, name: str, baseline: str | None) -> DetailView:
    from engine.judge.summary import summarise_evaluation
    from engine.records.run import EvalRun, ScoreRun
    from engine.store.runs import open_record

    paths = workspace.run(name)
    run = open_record(paths)
    if not isinstance(run, EvalRun | ScoreRun):
        raise InputError(f"{run.id} is of kind {run.kind} and holds no scores", fix="charlab eval MODEL makes one")
    facts = summarise_evaluation(paths)
    compared, instead = None, ""
    try:
        before = find_baseline(run, baseline, workspace)
        if before is not None:
            compared = compare(workspace.run(before), paths, workspace)
        elif baseline is not None:
            instead = "this is the baseline: the others are compared with it"
    except CharlabError as problem:
        instead = problem.told
    failed = {state: n for state, n in facts["states"].items() if state != "scored" and n}
    low, high = facts["overall"]["bounds"]
    return DetailView(
        id=run.id,
        facts=describe_facts(facts),
        error=tell_error(facts["error"]),
        states=failed,
        bounds=(low, high) if failed and low is not None else None,
        triage=run.judge.triage,
        critical=list_critical(facts["critical"], compared.before if compared else None),
        strata=list_strata(facts, compared),
        baseline=shorten_model(compared.before.run.subject.reference) if compared else "",
        verdict=view_verdict(compared) if compared else None,
        instead=instead,
        items=read_items(paths, compared.before if compared else None),
    )


def compare(before: RunPaths, after: RunPaths, workspace: Workspace) -> Compared:
    """As `charlab compare` does, by category and by difficulty, and nothing is written.

    InputError where one is not at its end, or where the two are not alike.
    """
    from engine.judge.comparing import find_differences, find_rule, list_scores, read_scored, weigh

    sides = read_scored(before, workspace), read_scored(after, workspace)
    rule, differences = find_rule(sides[1], workspace), find_differences(*sides, ())
    means = average([list_scores(side, rule.primary) for side in sides])
    return Compared(sides[0], weigh(*sides, rule, differences, workspace), means)


def average(rows: Sequence[Sequence[Mapping[str, Any]]]) -> dict[tuple[str, str], float]:
    """The baseline's mean over the pairs of each stratum, those with a score on both sides."""
    scored = {row["id"] for row in rows[1] if row["score"] is not None}
    found: dict[tuple[str, str], list[float]] = {}
    for row in rows[0]:
        if row["score"] is not None and row["id"] in scored:
            for by, key in (("category", "stratum"), ("difficulty", "difficulty")):
                found.setdefault((by, row[key]), []).append(row["score"])
    return {key: sum(values) / len(values) for key, values in found.items()}


def describe_facts(facts: Mapping[str, Any]) -> str:
    judge, samples, usd = facts["judge"], facts["samples"], facts["usd"]
    words = [
        f"by {judge['reference']}" + (f" at effort {judge['effort']}" if judge["effort"] else ""),
        f"rubric {judge['rubric']} v{judge['rubric_version']}",
        f"{facts['answers']:,} answers" + (f", {samples} to each prompt" if samples > 1 else ""),
        "cost unknown" if usd is None else f"${usd:.2f}" if usd else "",
        f"{facts['skipped']:,} unreadable rows left out" if facts["skipped"] else "",
    ]
    return ", ".join(word for word in words if word)


def list_critical(found: Mapping[str, int], before: Scored | None) -> tuple[tuple[str, int, int | None], ...]:
    """By name, the most frequent first; with the baseline's count where there is one."""
    theirs = Counter(name for score in before.scores.values() for name in score.critical) if before else Counter[str]()
    names = dict.fromkeys([*found, *theirs])
    return tuple((name, found.get(name, 0), theirs[name] if before else None) for name in names)


def list_strata(facts: Mapping[str, Any], compared: Compared | None) -> tuple[StratumView, ...]:
    differences: dict[tuple[str, str], DifferenceView] = {}
    if compared is not None:
        whole = compared.found
        differences["all", "all"] = DifferenceView(whole.n, whole.delta, *whole.ci, whole.mean_baseline)
        for s in whole.strata:
            differences[s.by, s.name] = DifferenceView(s.n, s.delta, *s.ci, compared.means[s.by, s.name])

    def view(name: str, by: Literal["all", "category", "difficulty"], part: Mapping[str, Any]) -> StratumView:
        return StratumView(
            name, by, part["n"], part["failed"], part["corrected"], part["raw"], part["critical"],
            differences.get((by, name)),
        )  # fmt: skip

    return (
        view("all", "all", facts["overall"]),
        *(view(name, "category", part) for name, part in facts["categories"].items()),
        *(view(name, "difficulty", part) for name, part in facts["difficulties"].items()),
    )


def view_verdict(compared: Compared) -> VerdictView:
    found, verdict = compared.found, compared.found.verdict
    return VerdictView(
        decision=verdict.decision, pairs=found.n, delta=found.delta, low=found.ci[0], high=found.ci[1],
        before=found.mean_baseline, after=found.mean_candidate, wins=found.wins, losses=found.losses, ties=found.ties,
        primary_test=verdict.primary_test, detectable=found.mde, smallest=verdict.smallest_effect,
        margin=verdict.margin, reasons=verdict.reasons, would_change=verdict.would_change,
        guards=[(guard.told, guard.held) for guard in verdict.guards], notes=verdict.notes,
    )  # fmt: skip


# ---------------------------------------------------------------- its answers


def read_items(paths: RunPaths, before: Scored | None) -> tuple[ItemView, ...]:
    """Every answer with its judgement, and the baseline's beside it."""
    from engine.data.read import read_prompts
    from engine.judge.summary import find_source, read_scores
    from engine.probe.ask import read_answers
    from engine.records.run import EvalRun, ScoreRun
    from engine.store.runs import open_eval_run, open_record

    run = open_record(paths)
    assert isinstance(run, EvalRun | ScoreRun)
    source = find_source(run, paths)
    samples = open_eval_run(source).samples
    prompts = {prompt.id: prompt for prompt in read_prompts(paths.prompts)}
    answers, _ = read_answers(source, list(prompts.values()), samples)
    said = {a.item: a for a in answers}
    theirs = {a.item: a for a in before.answers} if before else {}
    scores = read_scores(paths, run.judge.fingerprint)
    items = []
    for name, answer in said.items():
        mine = view_judged(answer, scores.get(name))
        other = view_judged(theirs[name], before.scores.get(name)) if before and name in theirs else None
        items.append(view_item(name, answer, prompts[answer.probe], said, mine, other, samples))
    return tuple(items)


def view_item(
    name: str,
    answer: Sample,
    prompt: Prompt,
    said: Mapping[str, Sample],
    mine: JudgedView,
    before: JudgedView | None,
    samples: int,
) -> ItemView:
    messages: list[tuple[str, str]] = [(m.role, m.content) for m in prompt.messages]
    for turn in range(answer.turn):
        earlier = said[f"{answer.probe} {answer.index} {turn}"]
        messages += [("assistant", read_answer(earlier)), ("user", prompt.turns[turn])]
    which = [f"sample {answer.index + 1}"] if samples > 1 else []
    which += [f"turn {answer.turn + 1}"] if prompt.turns else []
    scored = before is not None and mine.corrected is not None and before.corrected is not None
    texts = [text for _, text in messages] + [
        text for side in (mine, before) if side
        for text in (side.answer, side.reasons, side.state, side.problem, *side.critical)
    ]  # fmt: skip
    return ItemView(
        id=name, title=" ".join([prompt.id, *which]), category=prompt.category, difficulty=prompt.difficulty,
        messages=messages, mine=mine, before=before,
        change=mine.corrected - before.corrected if scored else None,  # type: ignore[operator, union-attr]
        search=" ".join([prompt.id, prompt.category, prompt.difficulty, *texts]).lower(),
    )  # fmt: skip


def view_judged(answer: Sample, score: Score | None) -> JudgedView:
    text = read_answer(answer)
    if score is None:
        return JudgedView(text, UNJUDGED, None, None, {}, (), "", "")
    return JudgedView(
        text, score.state, score.overall, score.judge_overall, score.components, tuple(score.critical), score.reasons,
        score.problem,
    )  # fmt: skip


def read_answer(answer: Sample) -> str:
    """What was judged: without thinking."""
    from engine.probe.ask import strip_thinking

    return strip_thinking(answer.text)[1]
