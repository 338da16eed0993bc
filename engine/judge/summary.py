"""One evaluation in figures: what `charlab eval` and `charlab show` print. Everything is derived from the run's files."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from engine.data.read import read_prompts
from engine.errors import InputError
from engine.judge.aggregate import Group, Place, add_usage, add_usd, aggregate, find_newest
from engine.judge.pairwise import read_pairs
from engine.judge.start import read_run_brief
from engine.judge.trust import correlate_length, is_control, measure_noise, read_controls
from engine.probe.ask import read_answers, strip_thinking
from engine.probe.recall import State, score_turn
from engine.probe.summary import count_seconds
from engine.records.conversations import Conversation
from engine.records.dataset import Prompt
from engine.records.judging import Score
from engine.records.rows import Event, Sample
from engine.records.run import EvalRun, ScoreRun
from engine.stats.intervals import wilson
from engine.store.paths import RunPaths, Workspace
from engine.store.runs import open_eval_run, open_record, read_records
from engine.store.state import describe_state

DIFFICULTIES = ("easy", "medium", "hard")


def read_newest(paths: RunPaths, judge: str, repeat: int | None = 0) -> dict[tuple[str, int], Score]:
    """The judgement of each item and repeat that counts, of one judge."""
    rows = pick_judge(read_records(paths.scores, Score)[0], judge)
    return {(s.id, s.repeat): s for s in rows if repeat is None or s.repeat == repeat}


def pick_judge(rows: Iterable[Score], judge: str) -> list[Score]:
    return find_newest(score for score in rows if score.judge == judge)


def read_scores(paths: RunPaths, judge: str) -> dict[str, Score]:
    """The first judgement of each item, by its id; repeats and controls tell of the judge alone, not of an answer."""
    return pick_scores(read_newest(paths, judge).values())


def pick_scores(newest: Iterable[Score]) -> dict[str, Score]:
    return {s.id: s for s in newest if not s.repeat and not is_control(s.id)}


def open_scored(paths: RunPaths) -> tuple[EvalRun | ScoreRun, RunPaths]:
    """A run that holds scores of answers, and the place of the one that holds these; InputError where it is none."""
    run = open_record(paths)
    if not isinstance(run, EvalRun | ScoreRun):
        raise InputError(f"{run.id} is of kind {run.kind} and holds no scores", fix="charlab eval MODEL makes one")
    if isinstance(run, ScoreRun) and run.against is not None:
        raise InputError(
            f"{run.id} says which of two answers is better, and holds no scores", fix=f"charlab show {run.id}"
        )
    return run, find_source(run, paths)


def find_source(run: EvalRun | ScoreRun, paths: RunPaths) -> RunPaths:
    """The run that holds the answers."""
    return paths if isinstance(run, EvalRun) else Workspace(paths.folder.parent.parent).run(run.of)


def summarise_evaluation(paths: RunPaths) -> dict[str, Any]:
    """The record of an eval or score run and its scores: overall, by category and by difficulty, raw and corrected."""
    run = open_record(paths)
    assert isinstance(run, EvalRun | ScoreRun)
    source = find_source(run, paths)
    evaluation = open_eval_run(source)
    prompts = {p.id: p for p in read_prompts(paths.prompts)}
    answers, skipped = read_answers(source, list(prompts.values()), evaluation.samples)
    rows, _ = read_records(paths.scores, Score)
    every = pick_judge(rows, run.judge.fingerprint)
    scores = pick_scores(every)
    events, _ = read_records(paths.events, Event)
    own = answers if isinstance(run, EvalRun) else []
    times = [(row.attempt, row.time) for some in (events, rows, own) for row in some]

    items = {a.item: prompts[a.probe] for a in answers}
    places = {name: Place(p.category, p.difficulty) for name, p in items.items()}
    rubric = read_run_brief(paths).rubric
    found = aggregate([score for name, score in scores.items() if name in places], rubric, places)
    return {
        **describe_state(paths, run),
        "of": run.of if isinstance(run, ScoreRun) else None,
        "samples": evaluation.samples,
        "sampling": evaluation.sampling.to_json(),
        "system": evaluation.system,
        "judge": {**run.judge.to_json(), "fingerprint": run.judge.fingerprint},
        "served_models": found.models,
        "scale": list(rubric.scale),
        "answers": len(answers),
        "skipped": skipped,
        "states": dict(Counter(s.state for s in scores.values())),
        "problems": dict(Counter(s.problem for s in scores.values() if s.state != "scored").most_common(3)),
        "overall": describe_group(found.overall),
        "categories": {name: describe_group(group) for name, group in found.categories.items() if name},
        "difficulties": {d: describe_group(found.difficulties[d]) for d in DIFFICULTIES if d in found.difficulties},
        "components": found.components,
        "critical": found.critical,
        "override": found.difference.to_json() if found.difference else None,
        "usage": add_usage(rows).to_json(),
        "judge_noise": measure_noise(s for s in every if s.id in places)._asdict(),
        "controls": [control._asdict() for control in read_controls((s for s in every if not s.repeat), rubric)],
        "length": correlate_length(
            (s for name, s in scores.items() if name in places),
            {a.item: strip_thinking(a.text)[1] for a in answers},
        )._asdict(),
        "recall": summarise_recall(prompts, answers),
        "against": run.against if isinstance(run, ScoreRun) else None,
        "pairwise": describe_pairs(list(scores.values())) if isinstance(run, ScoreRun) and run.against else None,
        "break_rate": wilson(sum(a.breaks is not None for a in answers), len(answers)).to_json("breaks"),
        "in_character_rate": wilson(sum(a.in_character for a in answers), len(answers)).to_json("in_character"),
        "usd": add_usd(rows),
        "seconds": count_seconds(times),
        "notes": list(dict.fromkeys([*run.advice, *(e.message for e in events if e.kind == "note")])),
        "versions": run.versions,
    }


def summarise_recall(prompts: Mapping[str, Prompt], answers: Sequence[Sample]) -> dict[str, Any] | None:
    """How many expectations of conversations the answers keep, by rules; None where no prompt has any."""
    found: dict[str, list[State]] = {}
    for a in answers:
        prompt = prompts[a.probe]
        for expectation in prompt.expects if isinstance(prompt, Conversation) else ():
            if expectation.turn == a.turn:
                state = score_turn(strip_thinking(a.text)[1], expectation).state
                found.setdefault(prompt.category, []).append(state)
    if not any(isinstance(prompt, Conversation) for prompt in prompts.values()):
        return None
    return {
        "overall": count_recall([state for states in found.values() for state in states]),
        "categories": {name: count_recall(states) for name, states in sorted(found.items()) if name},
    }


def count_recall(states: Sequence[State]) -> dict[str, Any]:
    counted = {state: states.count(state) for state in ("missed", "contradicted", "empty")}
    return wilson(states.count("kept"), len(states)).to_json("kept") | counted


def describe_pairs(scores: list[Score]) -> dict[str, Any]:
    """How often this run's answer is the better of two, in both orders; `consistency` is over the order alone."""
    found = read_pairs(scores)
    return {
        "n": len(found.pairs), "better": found.one, "worse": found.other, "ties": found.ties, "failed": found.failed,
        "consistency": found.consistency.to_json("consistent"),
        "first_preferred": found.first_preferred.to_json("first"),
        "pairs": [pair._asdict() for pair in found.pairs],
    }  # fmt: skip


def describe_group(group: Group | None) -> dict[str, Any]:
    """`bounds` are those of the corrected mean if all that failed were worst, or best."""
    if group is None:
        return {"n": 0, "failed": 0, "corrected": None, "raw": None, "raw_n": 0, "bounds": [None, None], "critical": 0}
    return {
        "n": group.scored, "failed": group.n - group.scored, "corrected": group.corrected, "raw": group.raw,
        "raw_n": group.raw_n, "bounds": [group.low, group.high], "critical": group.critical,
    }  # fmt: skip
