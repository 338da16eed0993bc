"""Steering a run that is there, whatever its kind: asking it to stop, going on with it."""

from engine.errors import BusyError, StoreError
from engine.launch.local import LocalLauncher
from engine.records.version import LIVE
from engine.store.index import summarise_run
from engine.store.journal import write_atomic
from engine.store.paths import RunPaths
from engine.store.runs import open_record


def resume_run(paths: RunPaths) -> RunPaths:
    """The next attempt of a run that ended before its time; a training goes on from its last complete checkpoint."""
    run = open_record(paths)
    row = summarise_run(paths)
    if row.status in LIVE:
        raise BusyError(f"run {run.id} is {row.status} on {row.host}", fix=f"charlab watch {run.id}")
    if row.status == "finished":
        raise StoreError(
            f"run {run.id} finished at step {row.step}: there is nothing to resume",
            fix=f"charlab fork {run.id}@{row.step} --set optim.steps={row.steps * 2} goes on from its end as a new run"
            if run.kind == "train"
            else f"charlab show {run.id}",
        )
    LocalLauncher().start(paths, run.kind)
    return paths


def stop_run(paths: RunPaths) -> None:
    """Ask the worker to stop at the next step boundary, with a checkpoint; a run that waits for its turn is passed over."""
    row = summarise_run(paths)
    if row.status not in (*LIVE, "draft"):
        raise StoreError(f"run {row.id} is {row.status}: there is nothing to stop", fix=f"charlab show {row.id}")
    write_atomic(paths.stop, "")
