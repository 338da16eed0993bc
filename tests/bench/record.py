"""Runs that never ran: what a run says of itself, laid out in a workspace of the benchmarks."""

import json
import socket
import time
from pathlib import Path
from typing import Any

from engine.records.run import Run
from engine.store.paths import RunPaths, Workspace

DEAD = 4_000_000
"""Process ids from here on belong to nobody."""


def resolve_demo(folder: Path) -> Run:
    """The demo's recipe as a run of this workspace: the record that every made-up run is a copy of."""
    from engine.train.recipe import expand_settings, read_toml
    from engine.train.resolve import resolve_recipe

    workspace = Workspace(folder)
    path = workspace.recipes / "madison-orpo.toml"
    (recipe,) = expand_settings(read_toml(path), [], str(path))
    return resolve_recipe(recipe, workspace).run


def lay_run(folder: Path, demo: Run, number: int, created: float, steps: int, name: str | None = None) -> RunPaths:
    """Write run.json and the launch.json of a process that is gone; the journals are the caller's."""
    from engine.records.rows import Process

    name = name or demo.name
    run_id = f"{time.strftime('%Y%m%d-%H%M', time.localtime(created))}-{name}-{number:04x}"
    told = {"id": run_id, "name": name, "created": created, "steps": steps, "host": socket.gethostname()}
    paths = Workspace(folder).run(run_id)
    paths.folder.mkdir()
    run = demo.model_copy(update=told)
    paths.run.write_text(json.dumps(run.to_json(), ensure_ascii=False, indent=1) + "\n")
    write_launch(paths, Process(pid=DEAD + number, start=float(number)), created)
    return paths


def write_launch(paths: RunPaths, process: Any, when: float) -> None:
    from engine.records.rows import Launch
    from engine.store.journal import write_json

    write_json(paths.launch, Launch(attempt=1, host=socket.gethostname(), process=process, time=when).to_json())


def to_line(row: dict[str, Any]) -> str:
    return json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n"
