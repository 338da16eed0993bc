"""The commands that start, steer and watch runs."""

import sys
from pathlib import Path

from console.text import narrate, print_json, say
from engine.errors import RecipeError
from engine.store.paths import RunPaths, Workspace, find_workspace
from panels.text import plain


def train(recipe: str, settings: list[str], *, detach: bool, dry_run: bool, json: bool, workspace: str | None) -> None:
    from engine.train.recipe import expand_settings, read_toml
    from engine.train.start import start_runs

    room = find_workspace(workspace)
    path = find_recipe(recipe, room)
    recipes = expand_settings(read_toml(path), settings, str(path))
    if dry_run:
        from console.dry_run import show_dry_run

        for one in recipes:
            show_dry_run(one, room, json=json)
        return
    narrate(f"resolving {path.name}" + (f", {len(recipes)} runs" if len(recipes) > 1 else ""))
    started = start_runs(recipes, room, narrate)
    attend(started.runs, started.group, detach=detach, json=json)


def resume(run: str, *, detach: bool, json: bool, workspace: str | None) -> None:
    from console.showing import show_run
    from console.watch import COUNTED, see_through
    from engine.launch.steer import resume_run
    from engine.store.index import summarise_run
    from engine.store.runs import latest_checkpoint

    paths = find_workspace(workspace).find_run(run)
    found, row = latest_checkpoint(paths), summarise_run(paths)
    resume_run(paths)
    if row.kind != "train":
        narrate(f"resuming {paths.id} behind {row.step} of {row.steps} {COUNTED.get(row.kind, 'answers')}")
        see_through(paths, show_run, detach=detach, json=json)
        return
    narrate(f"resuming {paths.id} from " + (f"step {found.step}" if found else "its beginning: it has no checkpoint"))
    attend([paths], None, detach=detach, json=json)


def fork(checkpoint: str, settings: list[str], *, detach: bool, json: bool, workspace: str | None) -> None:
    from engine.train.start import fork_runs

    started = fork_runs(checkpoint, settings, find_workspace(workspace), narrate)
    attend(started.runs, None, detach=detach, json=json)


def stop(run: str, *, json: bool, workspace: str | None) -> None:
    from engine.launch.steer import stop_run
    from engine.store.index import summarise_run

    paths = find_workspace(workspace).find_run(run)
    waiting = summarise_run(paths).status == "draft"
    stop_run(paths)
    if json:
        print_json({"id": paths.id, "stop": "asked"})
    if waiting:
        narrate(f"{paths.id} is passed over when its turn comes; charlab resume {paths.id} starts it")
    else:
        narrate(f"asked {paths.id} to stop at its next step; charlab watch {paths.id} shows when it has")


def watch(run: str, *, workspace: str | None) -> None:
    from console.showing import show_run
    from console.watch import attach

    sys.exit(attach([find_workspace(workspace).find_run(run)], show_run))


def attend(runs: list[RunPaths], group: str | None, *, detach: bool, json: bool) -> None:
    """Say what was started, then watch it unless asked not to."""
    ids = [p.id for p in runs]
    if json:
        print_json({"id": ids[0], **({"ids": ids, "group": group} if len(ids) > 1 else {})})
    for paths in runs:
        say_advice(paths)
    if detach:
        if not json:
            say("\n".join(ids))
        narrate(f"started; charlab watch {ids[0]} shows it, charlab stop {ids[0]} ends it")
        return
    from console.showing import show_run
    from console.watch import attach

    sys.exit(attach(runs, show_run, sys.stderr if json else sys.stdout))


def say_advice(paths: RunPaths) -> None:
    from engine.store.journal import read_json

    for line in read_json(paths.run).get("advice", []):
        narrate(f"advice: {plain(line)}")


def find_recipe(text: str, workspace: Workspace) -> Path:
    """A file as given, else one of that name in runs/recipes/."""
    given = Path(text).expanduser()
    if given.is_file():
        return given
    known = workspace.recipes / (text if text.endswith(".toml") else f"{text}.toml")
    if known.is_file():
        return known
    have = sorted(p.stem for p in workspace.recipes.glob("*.toml")) if workspace.recipes.is_dir() else []
    raise RecipeError(f"no recipe at {given}", fix=f"runs/recipes/ holds: {', '.join(have) or 'none'}")
