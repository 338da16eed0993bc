"""The listing of runs: what a table shows, read from the ends of files, nothing validated.

A thousand runs are listed at every look, so this reads run.json as plain JSON and of the journals
only the last few kilobytes. Status is derived here and stored nowhere.
"""

import json
import os
import socket
import statistics
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from engine.launch.process import is_same
from engine.records.version import FINAL_EVENTS, QUIET_SECONDS, SCHEMA_VERSION, Status
from engine.store.journal import parse_row, read_last_lines, read_last_rows
from engine.store.paths import NO_RUNS, RunPaths, Workspace

METRICS = ("loss", "margin_nats", "break_rate", "heldout.loss", "tokens_per_second")
SCORES = ("score", "score_raw", "critical")


@dataclass(frozen=True)
class RunRow:
    id: str
    kind: str
    status: Status
    name: str
    step: int
    steps: int
    partial: bool
    """Ended, or was lost, before its last step."""
    objective: str
    base: str
    dataset: str
    loss: float | None
    margin_nats: float | None
    break_rate: float | None
    heldout_loss: float | None
    tokens_per_second: float | None
    created: float
    attempt: int
    host: str
    group: str | None
    score: float | None
    """Of an evaluation: the mean of its corrected scores."""
    score_raw: float | None
    """The mean of what its judge itself gave."""
    critical: int | None
    """How many of its answers fail critically."""
    problem: str

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def list_runs(workspace: Workspace) -> list[RunRow]:
    """Every run of the workspace, oldest first (ids begin with the minute); one that cannot be read says so in `problem`."""
    here, now = socket.gethostname(), time.time()
    runs = str(workspace.runs)
    rows = []
    with os.scandir(runs) as entries:
        names = sorted(e.name for e in entries if e.name not in NO_RUNS)
    for name in names:
        row = read_run_row(os.path.join(runs, name), name, here, now)
        if row is not None:
            rows.append(row)
    return sorted(rows, key=lambda r: (r.id[:13], r.created, r.id))


def summarise_run(paths: RunPaths) -> RunRow:
    row = read_run_row(str(paths.folder), paths.id, socket.gethostname(), time.time())
    assert row is not None, "find_run only returns folders that hold a run.json"
    return row


def read_run_row(folder: str, name: str, here: str, now: float) -> RunRow | None:
    try:
        with open(f"{folder}/run.json", "rb") as file:
            run = json.loads(file.read())
    except OSError:
        return None
    except (ValueError, RecursionError):
        return _unreadable(name, "run.json is not JSON")
    try:
        if run["schema_version"] > SCHEMA_VERSION:
            return _unreadable(name, f"written by a newer charlab (schema {run['schema_version']})")
        if run["id"] != name:
            return _unreadable(name, f"run.json is of another run ({run['id']!r})")
        return _check_types(_read_row(folder, run, here, now))
    except (KeyError, TypeError, AttributeError, OverflowError, RecursionError) as bad:
        return _unreadable(name, f"run.json does not read as a run ({bad!r})")


def _read_row(folder: str, run: dict[str, Any], here: str, now: float) -> RunRow:
    launch = read_launch(folder)
    tail = read_last_lines(f"{folder}/metrics.jsonl", 1 << 15)
    newest = parse_row(tail[-1]) if tail else None
    step = newest["step"] if newest else run.get("start_step", 0)
    values = _newest_values(tail)
    status: Status = "draft"
    host = run["host"]
    if launch is not None:
        host = launch["host"]
        status = _derive_status(folder, launch, tail, here, now)
    elif os.path.exists(f"{folder}/stop"):
        # it was asked to stop while it waited in a queue, which passes it over
        status = "stopped"
    objective, base, dataset = _name_task(run)
    scores = _newest_values(tail, SCORES) if run["kind"] in ("eval", "score") else {}
    return RunRow(
        id=run["id"],
        kind=run["kind"],
        status=status,
        name=run["name"],
        step=step,
        steps=run["steps"],
        partial=status in ("stopped", "failed", "lost") and step < run["steps"],
        objective=objective,
        base=base,
        dataset=dataset,
        loss=values.get("loss"),
        margin_nats=values.get("margin_nats"),
        break_rate=values.get("break_rate"),
        heldout_loss=values.get("heldout.loss"),
        tokens_per_second=values.get("tokens_per_second"),
        created=run["created"],
        attempt=launch["attempt"] if launch else 0,
        host=host,
        group=run.get("group"),
        score=scores.get("score"),
        score_raw=scores.get("score_raw"),
        critical=None if (failing := scores.get("critical")) is None else int(failing),
        problem="",
    )


def _name_task(run: dict[str, Any]) -> tuple[str, str, str]:
    """What is done, to which model, with which dataset."""
    if run["kind"] == "train":
        recipe = run["recipe"]
        return recipe["objective"], recipe["base"], recipe["dataset"]
    # an export asks nothing
    return run["kind"], run["subject"]["reference"], run["probes"]["dataset"] if run["kind"] != "export" else ""


def _check_types(row: RunRow) -> RunRow:
    """The row, if what a table sorts and formats is of the right kind; else TypeError."""
    texts = (row.kind, row.name, row.objective, row.base, row.dataset, row.host)
    counts = (row.step, row.steps, row.attempt)
    if not all(isinstance(text, str) for text in texts) or not all(isinstance(count, int) for count in counts):
        raise TypeError("a text or a count is none")
    # a date that no calendar holds could not be shown
    if not 0 <= row.created < 1e11:
        raise TypeError(f"created is {row.created!r}")
    return row


def read_launch(folder: str) -> dict[str, Any] | None:
    try:
        with open(f"{folder}/launch.json", "rb") as file:
            launch = json.loads(file.read())
    except (OSError, ValueError, RecursionError):
        return None
    return launch if isinstance(launch, dict) and "attempt" in launch else None


def has_ended(folder: str, launch: dict[str, Any]) -> Status | None:
    """The final event of the newest attempt, None where it has said none yet."""
    last = read_last_rows(f"{folder}/events.jsonl", 1, 1 << 13)
    if last and last[0].get("kind") in FINAL_EVENTS and last[0].get("attempt") == launch["attempt"]:
        return last[0]["kind"]  # type: ignore[no-any-return]
    return None


def _newest_values(lines: list[bytes], names: Sequence[str] = METRICS) -> dict[str, Any]:
    """The newest value of each shown metric; only the rows that hold one are parsed."""
    values: dict[str, Any] = {}
    for name in names:
        mark = f'"{name}":'.encode()
        line = next((one for one in reversed(lines) if mark in one), None)
        if name not in values and line is not None and (row := parse_row(line)) is not None:
            values = {**row["values"], **values}
    # neither NaN nor an integer beyond any float, which JSON may hold, can be shown
    return {name: value for name, value in values.items() if isinstance(value, int | float) and abs(value) < 1e300}


def _derive_status(folder: str, launch: dict[str, Any], tail: list[bytes], here: str, now: float) -> Status:
    if ended := has_ended(folder, launch):
        return ended
    quiet = now - _last_sign(folder, launch["attempt"]) > _patience(tail)
    if launch["host"] != here:
        # a shared home: the process cannot be asked, so the age of the last row decides
        return "lost" if quiet else "running"
    process = launch["process"]
    if not is_same(process["pid"], process["start"]):
        return "lost"
    return "stalled" if quiet else "running"


def _last_sign(folder: str, attempt: int) -> float:
    """When the worker last wrote anything, be it that it is still waiting, in Unix seconds."""
    signs = [0.0]
    for name in (
        "launch.json", "events.jsonl", "metrics.jsonl", "samples.jsonl", "scores.jsonl", "forms.jsonl", "ranks.jsonl",
        "batch.json", f"logs/attempt_{attempt}.log",
    ):  # fmt: skip
        try:
            signs.append(os.stat(f"{folder}/{name}").st_mtime)
        except OSError:
            continue
    return max(signs)


def _patience(tail: list[bytes]) -> float:
    rows = [row for line in tail[-40:] if (row := parse_row(line)) is not None]
    steps = [s for row in rows if (s := row["values"].get("seconds_per_step"))]
    return max(QUIET_SECONDS, 5 * statistics.median(steps)) if steps else QUIET_SECONDS


def _unreadable(name: str, problem: str) -> RunRow:
    return RunRow(
        id=name, kind="?", status="failed", name=name, step=0, steps=0, partial=False, objective="?",
        base="?", dataset="?", loss=None, margin_nats=None, break_rate=None, heldout_loss=None,
        tokens_per_second=None, created=0.0, attempt=0, host="?", group=None, score=None, score_raw=None, critical=None, problem=problem,
    )  # fmt: skip
