"""A judge held against a person: which answers are to be labelled, the labels, and how far the two agree.

Labels belong to the evaluation that holds the answers, whichever judge they are held against. An answer passes by the
judge where its corrected overall reaches a threshold that stands before the first label.

Past 300 lines because the draw, the labels and the figures keep to one file's rows.
"""

import random
import time
import zlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from engine.data.read import read_prompts
from engine.errors import CharlabError, InputError, StoreError
from engine.judge.judgement import Item
from engine.judge.start import read_run_brief
from engine.judge.summary import open_scored, read_scores
from engine.judge.worker import make_items
from engine.probe.ask import read_answers
from engine.records.base import Record
from engine.records.judging import Rubric, Score
from engine.records.rows import find_prompt
from engine.records.run import EvalRun, ScoreRun
from engine.stats.agreement import Agreement, State, agree_labels
from engine.store.journal import Journal, read_json, seal, write_json
from engine.store.paths import RunPaths, Workspace
from engine.store.runs import open_eval_run, read_records

Given = Literal["pass", "fail", "critical", "skip", "undone"]
"""What a person says of an answer; a critical failure is a fail, and what is undone was never said."""
ITEMS = 60
THIRDS = 3


class Label(Record):
    time: float
    id: str
    """Of the answer: its prompt, which of the prompt's answers, which turn."""
    label: Given
    who: str = ""


class Drawn(Record):
    """Which answers are labelled, and by what they were drawn; fixed before the first label."""

    seed: int
    judge: str
    """The fingerprint of the judge whose scores the draw was stratified by."""
    threshold: float
    scale: tuple[int, int]
    ids: list[str]
    """In the order of showing."""


class Calibration(Record):
    """How far one judge agrees with the labels that are there."""

    run: str
    """The run that holds the judge's scores."""
    of: str
    """The run that holds the answers and the labels."""
    judge: str
    fingerprint: str
    triage: bool
    threshold: float
    drawn: int
    labelled: int
    """Of those drawn: a pass or a fail."""
    critical: int
    skipped: int
    left: int
    who: list[str]
    state: State
    agreement: Agreement | None
    """None where the labels that are there allow no kappa."""
    notes: list[str]


class Judged(NamedTuple):
    """One judge's scores of an evaluation's answers."""

    paths: RunPaths
    run: EvalRun | ScoreRun
    source: RunPaths
    """Of the run that holds the answers."""
    rubric: Rubric
    scores: dict[str, Score]

    @property
    def middle(self) -> float:
        return sum(self.rubric.scale) / 2

    def passes(self, threshold: float) -> dict[str, str]:
        """'pass' or 'fail' of every answer with a score."""
        return {
            name: "pass" if score.overall >= threshold else "fail"
            for name, score in self.scores.items()
            if score.overall is not None
        }


def read_judged(paths: RunPaths) -> Judged:
    run, source = open_scored(paths)
    return Judged(paths, run, source, read_run_brief(paths).rubric, read_scores(paths, run.judge.fingerprint))


# ---------------------------------------------------------------- which answers


def draw_sample(judged: Judged, n: int | None = None, threshold: float | None = None) -> Drawn:
    """The answers to label; those of an earlier draw stay, and a larger `n` adds to them. None leaves them as many.

    By category and thirds of the score, each in its share, so that the kappa found is that of all answers.
    """
    if n is not None and n < 1:
        raise InputError(f"{n} items to label", fix=f"--n {ITEMS}")
    if threshold is not None:
        low, high = judged.rubric.scale
        if not low < threshold <= high:
            raise InputError(
                f"a threshold of {threshold:g} parts nothing on a scale of {low} to {high}",
                fix=f"--threshold {judged.middle:g}",
            )
    earlier = read_drawn(judged.source)
    if earlier is not None and threshold is not None and threshold != earlier.threshold:
        raise InputError(
            f"the threshold {earlier.threshold:g} was fixed before the first label, and now would be {threshold:g}",
            fix="leave --threshold out; a threshold chosen after labelling can make any judge agree",
        )
    kept = earlier.ids if earlier else []
    seed = earlier.seed if earlier else zlib.crc32(judged.run.id.encode())
    found = {item.id for item in read_items(judged, list(judged.scores))}
    # what is no answer of the evaluation could never be shown
    ordered = [name for name in order_items(judged, seed) if name in found and name not in kept]
    if not kept and not ordered:
        raise InputError(f"{judged.run.id} has no scores yet", fix=f"charlab resume {judged.run.id}")
    wanted = n or len(kept) or ITEMS
    added = ordered[: max(0, wanted - len(kept))]
    # as they were taken, the thirds alternate, and the order would tell what to expect
    random.Random(seed + len(kept)).shuffle(added)
    if earlier is not None and not added:
        return earlier
    drawn = Drawn(
        seed=seed,
        judge=earlier.judge if earlier else judged.run.judge.fingerprint,
        threshold=earlier.threshold if earlier else judged.middle if threshold is None else threshold,
        scale=earlier.scale if earlier else judged.rubric.scale,
        ids=[*kept, *added],
    )
    write_json(judged.source.calibration, drawn.to_json())
    return drawn


def read_drawn(source: RunPaths) -> Drawn | None:
    if not source.calibration.is_file():
        return None
    return Drawn.parse(read_json(source.calibration), str(source.calibration), StoreError)


def order_items(judged: Judged, seed: int) -> list[str]:
    """Every scored answer, so that the first n hold each stratum in its share, whatever n is."""
    category = {p.id: p.category for p in read_prompts(judged.paths.prompts)}
    scored = sorted((s.overall, name) for name, s in judged.scores.items() if s.overall is not None)
    strata: defaultdict[tuple[str, int], list[str]] = defaultdict(list)
    for place, (_, name) in enumerate(scored):
        strata[category.get(find_prompt(name), ""), place * THIRDS // len(scored)].append(name)
    rng = random.Random(seed)
    placed = []
    for key in sorted(strata):
        members = sorted(strata[key])
        rng.shuffle(members)
        start = rng.random()
        placed += [((i + start) / len(members), name) for i, name in enumerate(members)]
    return [name for _, name in sorted(placed)]


def read_items(judged: Judged, ids: Sequence[str]) -> list[Item]:
    """The answers as a judge would read them, in the order of `ids`; one that is no longer there is left out."""
    source = judged.source
    prompts = read_prompts(source.prompts)
    answers, _ = read_answers(source, prompts, open_eval_run(source).samples)
    found = {item.id: item for item in make_items(prompts, answers)}
    return [found[name] for name in ids if name in found]


# ---------------------------------------------------------------- labels


class Labels:
    """One person's pen: labels go to the journal as they are given, and the newest of an answer counts."""

    def __init__(self, source: RunPaths, who: str) -> None:
        self.who = who
        seal(source.labels)
        self._journal = Journal(source.labels)
        self.given = {name: label.label for name, label in read_labels(source, who).items()}

    def give(self, item: str, label: Given) -> None:
        self._journal.append(Label(time=time.time(), id=item, label=label, who=self.who).to_json())
        if label == "undone":
            self.given.pop(item, None)
        else:
            self.given[item] = label

    def close(self) -> None:
        self._journal.close()


def read_labels(source: RunPaths, who: str | None = None) -> dict[str, Label]:
    """The newest label of each answer, of one person or of all; what was undone is not among them."""
    found: dict[str, Label] = {}
    for label in read_records(source.labels, Label)[0]:
        if who is None or label.who == who:
            found[label.id] = label
    return {name: label for name, label in found.items() if label.label != "undone"}


# ---------------------------------------------------------------- agreement


def measure_calibration(judged: Judged, who: str | None = None) -> Calibration:
    """From the labels that are there; too few to say where they allow no kappa."""
    source = judged.source
    drawn, labels = read_drawn(source), read_labels(source, who)
    ids = drawn.ids if drawn else []
    said = {name: label for name, label in labels.items() if name in ids}
    human = {name: "pass" if x.label == "pass" else "fail" for name, x in said.items() if x.label != "skip"}
    threshold, notes = judged.middle, []
    if drawn is not None and drawn.scale == judged.rubric.scale:
        threshold = drawn.threshold
    elif drawn is not None:
        notes.append(
            f"the draw was for a scale of {drawn.scale[0]} to {drawn.scale[1]}: the middle of this judge's is taken"
        )
    judge = judged.passes(threshold)
    without = [name for name in human if name not in judge]
    if without:
        notes.append(f"labelled answers without a score of this judge, left out: {len(without)}")
    agreement, why = compare_labels(human, judge, ("human", "judge"))
    return Calibration(
        run=judged.run.id,
        of=source.id,
        judge=judged.run.judge.reference,
        fingerprint=judged.run.judge.fingerprint,
        triage=judged.run.judge.triage,
        threshold=threshold,
        drawn=len(ids),
        labelled=len(human),
        critical=sum(x.label == "critical" for x in said.values()),
        skipped=sum(x.label == "skip" for x in said.values()),
        left=len(ids) - len(said),
        who=sorted({x.who for x in said.values() if x.who}),
        state=agreement.state if agreement else "too few to say",
        agreement=agreement,
        notes=[*notes, *why],
    )


def compare_labels(
    one: Mapping[str, str], other: Mapping[str, str], raters: tuple[str, str]
) -> tuple[Agreement | None, list[str]]:
    """Over the answers that both rated; None and why where there is no kappa."""
    shared = [name for name in one if name in other]
    if not shared:
        return None, ["nothing was labelled by both"]
    try:
        found = agree_labels({i: one[i] for i in shared}, {i: other[i] for i in shared}, raters=raters)
    except InputError as none:
        return None, [f"{none.message}; {none.fix}" if none.fix else none.message]
    return found, list(found.notes)


def find_calibration(fingerprint: str, workspace: Workspace) -> Calibration | None:
    """What speaks for a judge: a run whose labels agree with it, by kappa's lower bound, where no other run's deny it."""
    first = None
    for name in workspace.run_ids():
        try:
            run, source = open_scored(workspace.run(name))
            if run.judge.fingerprint != fingerprint or not source.labels.is_file():
                continue
            found = measure_calibration(read_judged(workspace.run(name)))
        except (CharlabError, OSError, ValueError):
            continue  # a run that does not read speaks for nobody
        if found.state == "uncalibrated":
            return None
        if found.state == "calibrated":
            first = first or found
    return first


# ---------------------------------------------------------------- a second judge


class SpotCheck(Record):
    """Two judges on the answers that both scored."""

    first: str
    second: str
    thresholds: tuple[float, float]
    answers: int
    shared: int
    state: State
    agreement: Agreement | None
    notes: list[str]


def check_second(first: Judged, second: Judged) -> SpotCheck:
    """InputError where they judged other answers, or are one judge."""
    if first.source.id != second.source.id:
        raise InputError(
            f"{first.run.id} and {second.run.id} are about different answers",
            fix=f"charlab score {first.source.id} --judge ... judges the same ones again",
        )
    if first.run.judge.fingerprint == second.run.judge.fingerprint:
        raise InputError(f"{first.run.id} and {second.run.id} are by one judge", fix="name a run of another judge")
    drawn = read_drawn(first.source)
    thresholds = [drawn.threshold if drawn and drawn.scale == j.rubric.scale else j.middle for j in (first, second)]
    one, other = first.passes(thresholds[0]), second.passes(thresholds[1])
    agreement, notes = compare_labels(one, other, ("first judge", "second judge"))
    return SpotCheck(
        first=first.run.judge.reference,
        second=second.run.judge.reference,
        thresholds=(thresholds[0], thresholds[1]),
        answers=len(set(first.scores) | set(second.scores)),
        shared=len(set(one) & set(other)),
        state=agreement.state if agreement else "too few to say",
        agreement=agreement,
        notes=notes,
    )
