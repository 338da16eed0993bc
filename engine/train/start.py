"""Starting training runs: from recipes, or from a checkpoint. Every front end calls these."""

from typing import NamedTuple

from engine.launch.local import LocalLauncher
from engine.launch.queue import start_queue
from engine.narrate import Narrate
from engine.records.recipe import Recipe
from engine.store.paths import RunPaths, Workspace


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


def _launch(runs: list[RunPaths]) -> list[RunPaths]:
    if len(runs) == 1:
        LocalLauncher().start(runs[0])
    else:
        start_queue(runs)
    return runs
