"""What judging may cost: what a person allowed, else what [budget] of the judged training's recipe leaves."""

from engine.errors import InputError
from engine.judge.choose import costs_nothing
from engine.judge.ledger import read_cost
from engine.models.reference import find_training
from engine.records.judging import JudgeUse
from engine.records.run import CriticRun, Judging, Subject
from engine.records.version import LIVE
from engine.store.index import list_runs
from engine.store.journal import read_json, write_json
from engine.store.paths import RunPaths, Workspace
from engine.store.runs import open_record, open_run


def find_budget(
    given: float | None, judge: JudgeUse, subject: Subject, workspace: Workspace, but: str = ""
) -> float | None:
    """What the judgements of a run may cost in all; None where nothing limits it, InputError where nothing is left.

    What was spent on the same training counts against its recipe's budget, and what runs under way may still spend
    counts as spent. The run `but`, whose own limit this is, is left out of both.
    """
    if given is not None or costs_nothing(judge.reference) or subject.run is None:
        return given
    if not workspace.run(subject.run).run.is_file():
        return None
    budget = open_run(workspace.run(subject.run)).recipe.budget.max_usd
    if budget is None:
        return None
    spent = 0.0
    for row in list_runs(workspace):
        if row.problem or row.id == but or find_training(row.base) != subject.run:
            continue
        paths = workspace.run(row.id)
        usd = read_cost(paths, row.kind, row.name, row.created).judge_usd or 0.0
        spent += max(usd, _hold(paths, subject.run)) if row.status in LIVE else usd
    if spent >= budget:
        raise InputError(
            f"[budget] max_usd of run {subject.run} is {budget}, and {spent:.4f} USD are spent on judgements about it,"
            " or held for those under way",
            fix="--max-usd allows more for this one, --judge rules costs nothing",
        )
    return budget - spent


def note_overruled(given: float | None, judge: JudgeUse, subject: Subject, workspace: Workspace) -> list[str]:
    """That a person allowed more than [budget] leaves."""
    if given is None:
        return []
    try:
        left = find_budget(None, judge, subject, workspace)
    except InputError as nothing:
        return [f"--max-usd {given:g} overrules it: {nothing.message}"]
    if left is None or given <= left:
        return []
    return [f"--max-usd {given:g} overrules [budget] of run {subject.run}, of which {left:.4f} USD are left"]


def _hold(paths: RunPaths, training: str) -> float:
    """What a run under way may spend in all."""
    run = open_record(paths)
    if not isinstance(run, Judging | CriticRun) or costs_nothing(run.judge.reference):
        return 0.0
    limit = read_limit(paths, run)
    if limit is None:
        raise InputError(
            f"{paths.id} is judging, and may spend all that [budget] of run {training} leaves",
            fix=f"charlab watch {paths.id}, then the same again; or give both --max-usd",
        )
    return limit


def allow(paths: RunPaths, max_usd: float) -> None:
    """Let the run's next attempt spend so much in all, whatever was said when it was made."""
    write_json(paths.limit, {"max_usd": max_usd})


def read_limit(paths: RunPaths, run: Judging | CriticRun) -> float | None:
    """What a person allowed the run to spend in all, the newest word of it; None where nobody said."""
    if not paths.limit.is_file():
        return run.max_usd
    limit = read_json(paths.limit).get("max_usd")
    if not isinstance(limit, int | float):
        raise InputError(f"{paths.limit} says no max_usd", fix=f"delete it, then charlab resume {paths.id}")
    return float(limit)
