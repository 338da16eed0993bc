"""What every kind of run is told by first: what it is, how far it is, where it lies, and what ended it."""

from typing import Any

from engine.records.rows import Event
from engine.records.run import ExportRun, ModelRun
from engine.store.index import summarise_run
from engine.store.paths import RunPaths
from engine.store.runs import read_records


def describe_state(paths: RunPaths, run: ModelRun | ExportRun) -> dict[str, Any]:
    """The keys that `charlab show --json` begins with; `error` is that of the last attempt, `stopped` why
    it ended before its time; None where it did not."""
    row, events = summarise_run(paths), read_records(paths.events, Event)[0]
    last = events[-1] if events else None
    return {
        "id": run.id, "kind": run.kind, "status": row.status, "name": run.name, "step": row.step, "steps": run.steps,
        "partial": row.partial, "path": str(paths.folder), "created": run.created, "host": row.host,
        "attempt": row.attempt,
        "stopped": last.message if last and last.kind == "stopped" else None,
        "error": {"message": last.message, "fix": last.fix} if last and last.kind == "failed" else None,
        "subject": run.subject.to_json(),
        **({"probes_from": run.probes.to_json()} if isinstance(run, ModelRun) else {}),
    }  # fmt: skip
