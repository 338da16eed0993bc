"""The evaluating worker: answers to the prompt set, then their judgements, in a process of its own.

    python -m engine.judge.worker RUN_FOLDER ATTEMPT LOCK_FD

Started by a launcher. A later attempt asks only what has no answer, and judges only what has no score.
"""

import sys
import time
from collections.abc import Mapping, Sequence
from statistics import fmean

from engine.data.read import read_prompts
from engine.judge.batch import read_ticket, score_batch
from engine.judge.budget import find_budget, read_limit
from engine.judge.choose import open_judge
from engine.judge.claude import ClaudeJudge
from engine.judge.judgement import Item
from engine.judge.pairwise import make_pairs
from engine.judge.prices import Estimate
from engine.judge.scoring import Outcome, score_items
from engine.judge.start import read_run_brief
from engine.judge.summary import read_newest
from engine.judge.trust import make_controls
from engine.launch.attempt import Journals, Stopped, run_attempt
from engine.probe.answering import answer_all
from engine.probe.ask import read_answers, strip_thinking
from engine.probe.tally import TELL_SECONDS, Tally
from engine.records.dataset import Message, Prompt
from engine.records.judging import Rubric, Score
from engine.records.rows import Sample
from engine.records.run import EvalRun, ScoreRun
from engine.store.journal import Journal, seal
from engine.store.paths import RunPaths, Workspace
from engine.store.runs import open_eval_run, open_record, read_records

ANCHORS = 20
"""Answers that are judged several times over."""
CONTROLLED = 4
"""Answers that controls are made of, five of each."""


def attempt_evaluation(paths: RunPaths, journals: Journals) -> str:
    run = open_record(paths)
    assert isinstance(run, EvalRun | ScoreRun)
    prompts = read_prompts(paths.prompts)
    if isinstance(run, ScoreRun):
        source = Workspace(paths.folder.parent.parent).run(run.of)
        samples = open_eval_run(source).samples
        tally = Tally(paths, journals, run.steps, [])
        journals.tell("started", journals.step, device=run.judge.reference, steps=run.steps)
    else:
        source, samples = paths, run.samples
        kept, _ = read_answers(paths, prompts, samples)
        tally = Tally(paths, journals, run.steps, [sample.to_json() for sample in kept])
        if len(kept) < run.steps // 2:
            try:
                answer_all(run, paths, prompts, kept, journals, tally)
            except Stopped:
                return f"stopped: {tally.why}"
        else:
            journals.tell("started", len(kept), device=run.judge.reference, steps=run.steps)
    items = make_items(prompts, read_answers(source, prompts, samples)[0])
    if isinstance(run, ScoreRun) and run.against is not None:
        other = Workspace(paths.folder.parent.parent).run(run.against)
        items = make_pairs(items, make_items(prompts, read_answers(other, prompts, samples)[0]))
    return judge_answers(run, paths, items, journals, tally)


def make_items(prompts: Sequence[Prompt], answers: Sequence[Sample]) -> list[Item]:
    """One item per answer, with the conversation that led to it; thinking is not judged."""
    said = {(a.probe, a.index, a.turn): strip_thinking(a.text)[1] for a in answers}
    by_id = {p.id: p for p in prompts}
    items = []
    for a in sorted(answers, key=lambda a: (a.probe, a.index, a.turn)):
        prompt = by_id[a.probe]
        messages = list(prompt.messages)
        for turn in range(a.turn):
            messages += [
                Message(role="assistant", content=said[a.probe, a.index, turn]),
                Message(role="user", content=prompt.turns[turn]),
            ]
        items.append(Item(a.item, messages, said[a.probe, a.index, a.turn], prompt.references))
    return items


def judge_answers(run: EvalRun | ScoreRun, paths: RunPaths, items: list[Item], journals: Journals, tally: Tally) -> str:
    """Judge what has no score: every answer, then the anchors again and the controls, where these were asked for."""
    seal(paths.scores)
    newest = read_newest(paths, run.judge.fingerprint, None)
    pairwise = isinstance(run, ScoreRun) and run.against is not None
    names = {item.id for item in items}
    answers = run.steps - len(items) if isinstance(run, EvalRun) else 0
    journal = Journal(paths.scores)
    told = time.monotonic()
    noted: set[str] = set()

    def take(score: Score) -> None:
        nonlocal told
        journal.append(score.to_json())
        newest[score.id, score.repeat] = score
        if time.monotonic() - told >= TELL_SECONDS:
            told = time.monotonic()
            tell()

    def tell() -> None:
        scored = [s for s in newest.values() if s.overall is not None and s.repeat == 0 and s.id in names]
        if scored:
            # over both orders of a pair, preferences cancel by construction
            journals.measure(answers + len(scored), {} if pairwise else measure_scores(scored))

    def stop() -> bool:
        return bool(tally.why) or paths.stop.exists()

    workspace = Workspace(paths.folder.parent.parent)
    limit = find_budget(read_limit(paths, run), run.judge, run.subject, workspace, but=paths.id)
    judge = open_judge(run.judge, read_run_brief(paths), batch=run.batch)
    outcome = Outcome("done", 0, 0, 0, 0.0)
    try:
        plan = plan_judging(run, items, judge.rubric)
        if out := read_ticket(paths.batch):
            # what is paid for comes first
            plan.sort(key=lambda part: part[0] != out.repeat or set(out.items).isdisjoint(i.id for i in part[1]))
        for repeat, wanted in plan:
            left = find_unscored(wanted, repeat, newest)
            if not left:
                continue
            if isinstance(judge, ClaudeJudge):
                journals.tell("note", journals.step, describe_estimate(judge.estimate(left, batch=run.batch)))
            spent = sum(s.usd or 0.0 for s in read_records(paths.scores, Score)[0])
            if run.batch and isinstance(judge, ClaudeJudge):
                outcome = score_batch(
                    left, judge, take, paths.batch, attempt=journals.attempt, repeat=repeat, budget_usd=limit,
                    spent_usd=spent, stop=stop, narrate=lambda message: print(message, flush=True),
                    earlier={name: score.time for (name, of), score in newest.items() if of == repeat},
                )  # fmt: skip
            else:
                outcome = score_items(
                    left, judge, take, attempt=journals.attempt, repeat=repeat, budget_usd=limit,
                    spent_usd=spent, stop=stop,
                )  # fmt: skip
            for note in outcome.notes:
                # a judge goes on telling what it told of the first
                if note not in noted:
                    journals.tell("note", journals.step, note)
            noted.update(outcome.notes)
            if outcome.ended != "done":
                break
        # what failed holds up neither anchors nor controls
        failed = sum(len(find_unscored(wanted, repeat, newest)) for repeat, wanted in plan)
        return describe_outcome(outcome._replace(failed=failed), tally.why, limit)
    finally:
        tell()
        judge.close()
        journal.close()


def find_unscored(items: list[Item], repeat: int, newest: Mapping[tuple[str, int], Score]) -> list[Item]:
    return [i for i in items if not ((s := newest.get((i.id, repeat))) and s.state == "scored")]


def plan_judging(run: EvalRun | ScoreRun, items: list[Item], rubric: Rubric) -> list[tuple[int, list[Item]]]:
    """What is judged, with which repeat: the anchors are spread over the prompts, so that every category is among them."""
    anchors = spread(items, ANCHORS)
    plan = [(0, items), *((repeat, anchors) for repeat in range(1, run.repeats))]
    return [*plan, (0, make_controls(spread(items, CONTROLLED), rubric))] if run.controls else plan


def spread(items: list[Item], most: int) -> list[Item]:
    """At most so many, at equal distances."""
    n = min(most, len(items))
    return [items[i * len(items) // n] for i in range(n)]


def measure_scores(scored: Sequence[Score]) -> dict[str, float]:
    """The corrected and the raw mean, and how many answers fail critically."""
    corrected = [s.overall for s in scored if s.overall is not None]
    raw = [s.judge_overall for s in scored if s.judge_overall is not None]
    found = {"score": fmean(corrected), "critical": float(sum(bool(s.critical) for s in scored))}
    return found | ({"score_raw": fmean(raw)} if raw else {})


def describe_estimate(found: Estimate) -> str:
    price = "unknown" if found.usd is None else f"{found.usd:.4f} USD"
    return "; ".join([f"{found.calls} judgements, about {price}", *found.notes])


def describe_outcome(outcome: Outcome, why: str, max_usd: float | None) -> str:
    match outcome.ended:
        case "stopped":
            return f"stopped: {why or 'asked to'}, {outcome.left} not judged"
        case "budget":
            return (
                f"stopped: the budget of {max_usd:g} USD would be passed, {outcome.left} not judged;"
                " the same command with a higher --max-usd goes on"
            )
    if outcome.failed:
        return f"stopped: {outcome.failed} judgements failed; charlab resume asks these again"
    return "finished"


if __name__ == "__main__":
    # the lock's descriptor (argv[3]) was inherited open, and is let go when the process ends
    sys.exit(run_attempt(sys.argv[1], int(sys.argv[2]), attempt_evaluation))
