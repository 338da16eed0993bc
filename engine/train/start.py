"""The acts on training runs: start, resume, fork, stop. Every front end calls these."""

from typing import NamedTuple

from engine.errors import BusyError, StoreError
from engine.launch.local import LocalLauncher
from engine.launch.queue import start_queue
from engine.records.recipe import Recipe
from engine.records.version import LIVE
from engine.store.index import summarise_run
from engine.store.journal import Narrate, write_atomic
from engine.store.paths import RunPaths, Workspace
from engine.store.runs import open_run


class Started(NamedTuple):
    runs: list[RunPaths]
    group: str | None


def start_runs(recipes: list[Recipe], workspace: Workspace, narrate: Narrate) -> Started:
    """Resolve all, write all, then start: one at once, several one after another."""
    import secrets

    from engine.train.resolve import resolve_recipe, write_run

    group = secrets.token_hex(4) if len(recipes) > 1 else None
    resolved = [resolve_recipe(r, workspace, narrate, group=group) for r in recipes]
    return Started(_launch([write_run(r, workspace) for r in resolved]), group)


def fork_runs(target: str, settings: list[str], workspace: Workspace, narrate: Narrate) -> Started:
    from engine.train.fork import resolve_forks, write_fork

    forks = resolve_forks(target, settings, workspace, narrate)
    return Started(_launch([write_fork(f, workspace) for f in forks]), None)


def resume_run(paths: RunPaths) -> RunPaths:
    """The next attempt of a run that ended before its time; its last complete checkpoint is gone on from."""
    run = open_run(paths)
    row = summarise_run(paths)
    if row.status in LIVE:
        raise BusyError(f"run {run.id} is {row.status} on {row.host}", fix=f"charlab watch {run.id}")
    if row.status == "finished":
        raise StoreError(
            f"run {run.id} finished at step {row.step}: there is nothing to resume",
            fix=f"charlab fork {run.id}@{row.step} --set optim.steps={row.steps * 2} goes on from its end as a new run",
        )
    LocalLauncher().start(paths, run.kind)
    return paths


def stop_run(paths: RunPaths) -> None:
    """Ask the worker to stop at the next step boundary, with a checkpoint."""
    row = summarise_run(paths)
    if row.status not in LIVE:
        raise StoreError(f"run {row.id} is {row.status}: there is nothing to stop", fix=f"charlab show {row.id}")
    write_atomic(paths.stop, "")


def _launch(runs: list[RunPaths]) -> list[RunPaths]:
    if len(runs) == 1:
        LocalLauncher().start(runs[0])
    else:
        start_queue(runs)
    return runs
