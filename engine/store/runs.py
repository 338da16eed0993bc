"""Opening one run: its record validated, its journals read, its checkpoints found."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeVar, get_args

from pydantic import ValidationError

from engine.errors import StoreError
from engine.records.base import Record
from engine.records.rows import CheckpointFile
from engine.records.run import CompareRun, CriticRun, EvalRun, ExportRun, Header, ParityRun, ProbeRun, Run, ScoreRun
from engine.records.version import SCHEMA_VERSION
from engine.store.journal import read_json, read_rows
from engine.store.paths import CheckpointPaths, RunPaths

R = TypeVar("R", bound=Header)
Row = TypeVar("Row", bound=Record)

AnyRun = Run | ProbeRun | ParityRun | EvalRun | ScoreRun | CompareRun | CriticRun | ExportRun
_RECORDS: dict[str, type[AnyRun]] = {
    # of the two that compare, CompareRun is told by its measure
    get_args(record.model_fields["kind"].annotation)[0]: record
    for record in get_args(AnyRun)
    if record is not CompareRun
}


def open_record(paths: RunPaths) -> AnyRun:
    """The validated record of a run of any kind; StoreError where it was written by a newer charlab."""
    data = read_json(paths.run)
    version = data.get("schema_version")
    if isinstance(version, int) and version > SCHEMA_VERSION:
        raise StoreError(
            f"{paths.run} was written by a newer charlab (schema {version}, this one reads {SCHEMA_VERSION})",
            fix="open it with a charlab as new as that one; nothing was changed",
        )
    kind = data.get("kind")
    record = _RECORDS.get(kind, Run) if isinstance(kind, str) else Run
    if kind == "compare" and data.get("measure") == "scores":
        record = CompareRun
    return record.parse(data, str(paths.run), StoreError)


def open_run(paths: RunPaths) -> Run:
    """The record of a training run; StoreError where it is none."""
    return expect(open_record(paths), Run, "training")


def open_probe_run(paths: RunPaths) -> ProbeRun:
    return expect(open_record(paths), ProbeRun, "probe")


def open_parity_run(paths: RunPaths) -> ParityRun:
    return expect(open_record(paths), ParityRun, "parity")


def open_export_run(paths: RunPaths) -> ExportRun:
    return expect(open_record(paths), ExportRun, "export")


def open_critic_run(paths: RunPaths) -> CriticRun:
    return expect(open_record(paths), CriticRun, "critic")


def open_eval_run(paths: RunPaths) -> EvalRun:
    return expect(open_record(paths), EvalRun, "eval")


def expect(run: AnyRun, kind: type[R], name: str) -> R:
    if not isinstance(run, kind):
        raise StoreError(
            f"{run.id} is of kind {run.kind}, and this is about {name} runs", fix="charlab runs lists them"
        )
    return run


def read_records(path: Path, record: type[Row]) -> tuple[list[Row], int]:
    """The rows of a journal that are such a record, and how many are not."""
    found, bad = [], 0
    for row in read_rows(path):
        try:
            found.append(record.model_validate(row))
        except ValidationError:
            bad += 1
    return found, bad


def open_checkpoint(checkpoint: CheckpointPaths) -> CheckpointFile:
    return CheckpointFile.parse(read_json(checkpoint.manifest), str(checkpoint.manifest), StoreError)


def latest_checkpoint(paths: RunPaths) -> CheckpointPaths | None:
    complete = paths.complete_checkpoints()
    return complete[-1] if complete else None


MEASURES = {
    # recipe's name for a measure: the metric that holds it, and whether more is better
    "heldout.loss": ("heldout.loss", False),
    "heldout.margin": ("heldout.margin_nats", True),
    "break_rate": ("break_rate", False),
}


def best_checkpoint(paths: RunPaths, measure: str) -> CheckpointPaths | None:
    """The complete checkpoint that is best by `measure`, the earlier one of equals.

    None where no checkpoint carries it.
    """
    metric, more = MEASURES[measure]
    scored = [
        (value, c.step, c)
        for c in paths.complete_checkpoints()
        if (value := open_checkpoint(c).values.get(metric)) is not None
    ]
    if not scored:
        return None
    return min(scored, key=lambda s: (-s[0] if more else s[0], s[1]))[2]


def merge_metrics(rows: Iterable[dict[str, Any]]) -> dict[int, dict[str, Any]]:
    """Values by step, ascending; where attempts overlap, the highest attempt's."""
    newest: dict[int, int] = {}
    merged: dict[int, dict[str, Any]] = {}
    for row in rows:
        step, attempt = row["step"], row["attempt"]
        if attempt < newest.get(step, 0):
            continue
        if attempt > newest.get(step, 0):
            merged[step] = {}
            newest[step] = attempt
        merged[step].update(row["values"], time=row["time"])
    return dict(sorted(merged.items()))


def read_metrics(paths: RunPaths) -> dict[int, dict[str, Any]]:
    return merge_metrics(read_rows(paths.metrics))


def read_moment(samples: list[dict[str, Any]], step: int) -> list[dict[str, Any]]:
    """The samples of one step, of the highest attempt that took any there."""
    there = [s for s in samples if s["step"] == step]
    newest = max((s["attempt"] for s in there), default=0)
    return [s for s in there if s["attempt"] == newest]
