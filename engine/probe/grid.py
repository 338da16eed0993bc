"""Where the character breaks in one run: its probes by the moments they were asked at, with the answers behind each
rate. A moment is a step of a training, a probe run about one of its checkpoints, or one form of its adapter. Everything
is derived from the runs' files; nothing here is stored."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.errors import StoreError
from engine.records.dataset import Message, Probe, Prompt
from engine.records.rows import Sample
from engine.records.run import EvalRun, ParityRun, ProbeRun, Run
from engine.stats.intervals import Proportion, wilson
from engine.store.index import list_runs
from engine.store.paths import RunPaths, Workspace
from engine.store.runs import AnyRun, open_record, read_moment, read_records


@dataclass(frozen=True)
class Cell:
    """Answers counted: those to one probe at one moment, or all of a row, a column or the whole."""

    breaks: Proportion
    in_character: Proportion
    samples: tuple[Sample, ...]


@dataclass(frozen=True)
class Moment:
    step: int
    attempt: int
    checkpoint: bool
    """Whether a complete checkpoint lies at this step, so that the answers can be asked for again."""
    total: Cell
    label: str = ""
    """What was asked there other than the training's own weights: a form, or 'probe'."""
    run: str = ""
    """The run that asked."""


@dataclass(frozen=True)
class Row:
    probe: str
    category: str
    messages: tuple[Message, ...]
    """What was asked; empty where the run's probes do not say."""
    cells: tuple[Cell, ...]
    """One per moment; n is 0 where the probe was not asked."""
    total: Cell


@dataclass(frozen=True)
class Grid:
    """Intervals hold for one probe at one moment. Those of totals are too narrow and not to be shown: many answers to
    few probes are not independent, and checkpoints are not draws of one model."""

    run: str
    name: str
    system: str | None
    """The system prompt where a probe has none of its own."""
    moments: tuple[Moment, ...]
    """Of the run itself, ascending in step (of a step that several attempts came by, the newest attempt's answers);
    then those of the runs about it, oldest first."""
    rows: tuple[Row, ...]
    """In the order of the run's probes, then whatever else was answered."""
    total: Cell
    skipped: int
    """Rows that are no probe or no sample, and runs about this one that do not read: so many are not counted."""


def find_about(run: str, workspace: Workspace) -> list[RunPaths]:
    """The runs that asked a checkpoint of `run`, or a form of it; oldest first."""
    rows = [row for row in list_runs(workspace) if row.kind in ("probe", "compare")]
    return [workspace.run(row.id) for row in rows if row.base.partition("@")[0] == f"run:{run}"]


def read_grid(paths: RunPaths, about: Sequence[RunPaths] = ()) -> Grid:
    """All that the samples of the run say, and of those `about` it; StoreError where a record cannot be read."""
    run = open_record(paths)
    asks: tuple[Path, type[Probe]] = (paths.prompts, Prompt) if isinstance(run, EvalRun) else (paths.probes, Probe)
    probes, skipped = read_records(*asks)
    known = {probe.id: probe for probe in reversed(probes)}
    names = dict.fromkeys(p.id for p in probes)
    asked, bad = read_moments(paths, run)
    skipped += bad
    for other in about:
        theirs, bad = read_records(other.probes, Probe)
        try:
            moments, worse = read_moments(other, open_record(other))
        except StoreError:
            # of what is beside the run only it goes unseen
            skipped += 1
            continue
        called = {probe.id: name_probe(probe, known, other.id) for probe in theirs}
        known |= {called[probe.id]: probe for probe in theirs if called[probe.id] not in known}
        names |= dict.fromkeys(called.values())
        asked += [
            (m, [s.model_copy(update={"probe": called.get(s.probe, s.probe)}) for s in answers])
            for m, answers in moments
        ]
        skipped += bad + worse
    answers: list[dict[str, list[Sample]]] = [{} for _ in asked]
    for column, (_, samples) in zip(answers, asked, strict=True):
        for sample in samples:
            column.setdefault(sample.probe, []).append(sample)
    names |= dict.fromkeys(name for column in answers for name in column)
    return Grid(
        run=run.id, name=run.name, system=find_system(run), moments=tuple(m for m, _ in asked),
        rows=tuple(_make_row(name, known.get(name), [column.get(name, []) for column in answers]) for name in names),
        total=count([s for _, samples in asked for s in samples]), skipped=skipped,
    )  # fmt: skip


def read_moments(paths: RunPaths, run: AnyRun) -> tuple[list[tuple[Moment, list[Sample]]], int]:
    """Each moment of one run with its answers, and how many rows of its file are none."""
    samples, bad = read_records(paths.samples, Sample)
    if isinstance(run, Run):
        checkpoints = {c.step for c in paths.complete_checkpoints()}
        by_step: dict[int, list[dict[str, Any]]] = {}
        for sample in samples:
            row = {"step": sample.step, "attempt": sample.attempt, "sample": sample}
            by_step.setdefault(sample.step, []).append(row)
        moments = [[row["sample"] for row in read_moment(there, step)] for step, there in sorted(by_step.items())]
        return [
            (Moment(m[0].step, m[0].attempt, m[0].step in checkpoints, count(m), run=run.id), m) for m in moments
        ], bad
    forms = run.forms if isinstance(run, ParityRun) else [run.subject.form or ""]
    found = []
    for form in forms:
        there = [s for s in samples if s.form == form]
        if there:
            label = form or "probe"
            found.append((Moment(run.subject.step or 0, there[0].attempt, False, count(there), label, run.id), there))
    return found, bad


def find_system(run: AnyRun) -> str | None:
    """The system prompt where a probe has none of its own."""
    if isinstance(run, Run):
        return run.template.system
    return run.system if isinstance(run, ProbeRun | EvalRun) else None


def name_probe(probe: Probe, known: dict[str, Probe], run: str) -> str:
    """Its id; with the run's own four letters where another probe has that id already."""
    there = known.get(probe.id)
    return probe.id if there is None or there == probe else f"{probe.id} ({run[-4:]})"


def count(samples: Sequence[Sample]) -> Cell:
    n = len(samples)
    return Cell(
        breaks=wilson(sum(s.breaks is not None for s in samples), n),
        in_character=wilson(sum(s.in_character for s in samples), n),
        samples=tuple(samples),
    )


def _make_row(name: str, probe: Probe | None, columns: list[list[Sample]]) -> Row:
    return Row(
        probe=name,
        category=probe.category if probe else "",
        messages=tuple(probe.messages) if probe else (),
        cells=tuple(count(answers) for answers in columns),
        total=count([sample for answers in columns for sample in answers]),
    )
