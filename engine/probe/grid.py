"""Where the character breaks in one run: its probes by the moments they were asked at, with the answers behind each
rate. Everything is derived from the run's files; nothing here is stored."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import ValidationError

from engine.records.base import Record
from engine.records.dataset import Message, Probe
from engine.records.rows import Sample
from engine.stats.intervals import Proportion, wilson
from engine.store.journal import read_rows
from engine.store.paths import RunPaths
from engine.store.runs import open_run, read_moment

R = TypeVar("R", bound=Record)


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
    """Ascending in step; of a step that several attempts came by, the newest attempt's answers."""
    rows: tuple[Row, ...]
    """In the order of the run's probes, then whatever else was answered."""
    total: Cell
    skipped: int
    """Rows of the run's files that are no probe or no sample, and so are not counted."""


def read_grid(paths: RunPaths) -> Grid:
    """All that the run's samples say; StoreError where the run's own record cannot be read."""
    run = open_run(paths)
    probes, bad_probes = _parse(Probe, read_rows(paths.probes))
    samples, bad_samples = _parse(Sample, read_rows(paths.samples))
    checkpoints = {c.step for c in paths.complete_checkpoints()}
    by_step: dict[int, list[dict[str, Any]]] = {}
    for sample in samples:
        by_step.setdefault(sample.step, []).append({"step": sample.step, "attempt": sample.attempt, "sample": sample})
    asked: list[list[Sample]] = []
    for step, there in sorted(by_step.items()):
        asked.append([row["sample"] for row in read_moment(there, step)])
    moments = tuple(Moment(m[0].step, m[0].attempt, m[0].step in checkpoints, count(m)) for m in asked)
    known = {p.id: p for p in reversed(probes)}
    names = dict.fromkeys([p.id for p in probes] + [s.probe for there in asked for s in there])
    answers: list[dict[str, list[Sample]]] = [{} for _ in asked]
    for column, moment in zip(answers, asked, strict=True):
        for sample in moment:
            column.setdefault(sample.probe, []).append(sample)
    rows = [_make_row(name, known.get(name), [column.get(name, []) for column in answers]) for name in names]
    every = [s for there in asked for s in there]
    return Grid(
        run=run.id, name=run.name, system=run.template.system, moments=moments, rows=tuple(rows),
        total=count(every), skipped=bad_probes + bad_samples,
    )  # fmt: skip


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


def _parse(record: type[R], rows: Iterable[dict[str, Any]]) -> tuple[list[R], int]:
    """The rows that are such a record, and how many are not."""
    found, bad = [], 0
    for row in rows:
        try:
            found.append(record.model_validate(row))
        except ValidationError:
            bad += 1
    return found, bad
