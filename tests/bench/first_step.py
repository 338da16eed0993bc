"""From the command to the first step's row in the journal, on the bundled model, at the second start."""

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from kit import Row, end_worker, environment, make_workspace, run_command, wait_for, wait_for_end

SETTINGS = ("sentinel.every=0", "heldout.every=0", "heldout.share=0")


def measure() -> tuple[list[Row], list[str]]:
    with make_workspace() as folder:
        time_start(folder)
        seconds, parts = time_start(folder)
    measured = f"{seconds:.1f} s"
    notes = ["command to first step: " + ", ".join(f"{name} {part:.1f} s" for name, part in parts.items())]
    return [Row("command to first step", 12.0, 8.0, seconds, "s", measured)], notes


def time_start(folder: Path) -> tuple[float, dict[str, float]]:
    """Seconds until step 1 stands in metrics.jsonl, and what they went into; the run is stopped again."""
    from engine.store.paths import Workspace

    words = [word for setting in SETTINGS for word in ("--set", setting)]
    before = set(Workspace(folder).run_ids())
    wall, began = time.time(), time.perf_counter()
    log = folder / "start.log"
    with open(log, "wb") as file:
        command = subprocess.Popen(
            [sys.executable, "-m", "console", "train", "madison-orpo", "--detach", *words],
            cwd=folder, env=environment(), stdin=subprocess.DEVNULL, stdout=file, stderr=file,
        )  # fmt: skip
    run_id = ""

    def find_run() -> str | None:
        if command.poll():
            raise RuntimeError(f"charlab train failed:\n{log.read_text()}")
        return next(iter(set(Workspace(folder).run_ids()) - before), None)

    def find_step() -> dict[str, Any] | None:
        if (failed := find_row(paths.events, "failed")) is not None:
            raise RuntimeError(f"the run failed: {failed['message']}")
        return find_row(paths.metrics)

    try:
        run_id = wait_for(find_run)
        paths = Workspace(folder).run(run_id)
        row = wait_for(find_step)
        seconds = time.perf_counter() - began
        command.wait()
        run_command(folder, "stop", run_id)
        wait_for_end(folder, run_id)
        created, launched = json.loads(paths.run.read_text())["created"], json.loads(paths.launch.read_text())["time"]
        started = find_row(paths.events, "started")
        assert started is not None, "a run that took a step has started"
    finally:
        command.kill()
        command.wait()
        if run_id:
            end_worker(folder, run_id)
    loading = started["data"]["seconds"]
    return seconds, {
        "command's imports and resolving": created - wall,
        "writing and launching": launched - created,
        "worker's imports": started["time"] - loading - launched,
        "loading": loading,
        "before the step": row["time"] - row["values"]["seconds_per_step"] - started["time"],
        "the step": row["values"]["seconds_per_step"],
    }


def find_row(journal: Path, kind: str | None = None) -> dict[str, Any] | None:
    """The first row of a step in the metrics, or the first event of `kind`."""
    from engine.store.journal import read_rows

    rows = (r for r in read_rows(journal) if (r["step"] == 1 if kind is None else r["kind"] == kind))
    return next(rows, None)
