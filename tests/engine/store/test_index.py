"""The listing of runs: each status from what lies in the folder and from the process that wrote it."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.launch.process import read_start
from engine.store.index import RunRow, list_runs, summarise_run
from engine.store.paths import RunPaths, Workspace

HERE = socket.gethostname()
JOURNALS = (
    "launch.json", "events.jsonl", "metrics.jsonl", "samples.jsonl", "scores.jsonl", "forms.jsonl", "ranks.jsonl",
    "batch.json", "logs/attempt_1.log",
)  # fmt: skip
DEFAULT_SENTINEL_EVERY = 20


@pytest.fixture
def room(tmp_path: Path) -> Workspace:
    (tmp_path / "runs" / "recipes").mkdir(parents=True)
    (tmp_path / "datasets").mkdir()
    return Workspace(tmp_path)


@pytest.fixture
def make_run(room: Workspace) -> Callable[..., RunPaths]:
    """Lay a run out that was never started: make_run("id", steps=40)."""

    def make(name: str = "20260101-0900-ada-orpo-1a2b", **change: Any) -> RunPaths:
        paths = room.run(name)
        paths.folder.mkdir()
        run = {
            "schema_version": 1,
            "id": name,
            "kind": "train",
            "name": "ada-orpo",
            "created": 1767258000.0,
            "recipe": {"objective": "orpo", "base": "bundled:smollm2-135m", "dataset": "ada"},
            "steps": 60,
            "start_step": 0,
            "group": None,
            "host": HERE,
        }
        paths.run.write_text(json.dumps({**run, **change}))
        return paths

    return make


@pytest.fixture
def zombie() -> Iterator[tuple[int, float]]:
    """The pid and start of a process that ended and that nobody has asked for."""
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    start = read_start(process.pid)
    assert start is not None
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    yield process.pid, start
    process.communicate()


def launch(paths: RunPaths, pid: int, start: float | None, attempt: int = 1, host: str = HERE) -> None:
    assert start is not None
    process = {"pid": pid, "start": start}
    paths.launch.write_text(json.dumps({"attempt": attempt, "host": host, "process": process, "time": time.time()}))


def write(path: Path, *rows: dict[str, Any]) -> None:
    with open(path, "a") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)


def event(kind: str, attempt: int = 1, step: int = 0, message: str = "") -> dict[str, Any]:
    return {"attempt": attempt, "time": 0.0, "kind": kind, "step": step, "message": message, "fix": "", "data": {}}


def metric(step: int, attempt: int = 1, **values: float | None) -> dict[str, Any]:
    return {"attempt": attempt, "step": step, "time": 0.0, "values": values, "nonfinite": []}


def age(paths: RunPaths, seconds: float) -> None:
    """Let every journal have been written `seconds` ago."""
    then = time.time() - seconds
    for name in JOURNALS:
        if (paths.folder / name).exists():
            os.utime(paths.folder / name, (then, then))


def look(room: Workspace) -> RunRow:
    rows = list_runs(room)
    assert len(rows) == 1
    return rows[0]


def test_a_run_that_was_never_started_is_a_draft(room: Workspace, make_run: Callable[..., RunPaths]) -> None:
    make_run(start_step=40, host="elsewhere")
    row = look(room)
    assert (row.status, row.partial, row.attempt, row.step, row.steps) == ("draft", False, 0, 40, 60)
    assert (row.objective, row.base, row.dataset) == ("orpo", "bundled:smollm2-135m", "ada")
    assert (row.host, row.problem, row.loss) == ("elsewhere", "", None)


def test_a_draft_that_was_asked_to_stop_is_stopped(room: Workspace, make_run: Callable[..., RunPaths]) -> None:
    make_run().stop.touch()
    row = look(room)
    assert (row.status, row.partial, row.attempt) == ("stopped", True, 0)


def test_a_run_with_a_live_worker_is_running(
    room: Workspace, make_run: Callable[..., RunPaths], live: subprocess.Popen[bytes]
) -> None:
    paths = make_run()
    launch(paths, live.pid, read_start(live.pid))
    write(paths.events, event("started"))
    write(paths.metrics, metric(7, loss=3.5))
    row = look(room)
    assert (row.status, row.partial, row.step, row.attempt) == ("running", False, 7, 1)


def test_a_run_whose_worker_is_gone_without_a_word_is_lost(
    room: Workspace, make_run: Callable[..., RunPaths], live: subprocess.Popen[bytes]
) -> None:
    paths = make_run()
    launch(paths, live.pid, read_start(live.pid))
    write(paths.events, event("started"), event("checkpoint", step=20))
    write(paths.metrics, metric(23, loss=3.5))
    live.kill()
    live.wait()
    row = look(room)
    assert (row.status, row.partial, row.step) == ("lost", True, 23)


def test_a_run_whose_worker_is_a_zombie_is_lost(
    room: Workspace, make_run: Callable[..., RunPaths], zombie: tuple[int, float]
) -> None:
    paths = make_run()
    launch(paths, *zombie)
    write(paths.events, event("started"))
    assert look(room).status == "lost"


def test_a_run_whose_pid_was_given_to_another_process_is_lost(
    room: Workspace, make_run: Callable[..., RunPaths], live: subprocess.Popen[bytes]
) -> None:
    paths = make_run()
    start = read_start(live.pid)
    assert start is not None
    launch(paths, live.pid, start - 100)
    write(paths.events, event("started"))
    assert look(room).status == "lost"


def test_a_live_worker_that_wrote_nothing_for_a_minute_is_stalled(
    room: Workspace, make_run: Callable[..., RunPaths], live: subprocess.Popen[bytes]
) -> None:
    paths = make_run()
    launch(paths, live.pid, read_start(live.pid))
    for journal in (paths.events, paths.metrics, paths.samples):
        journal.touch()
    age(paths, 30)
    assert look(room).status == "running"
    age(paths, 75)
    assert look(room).status == "stalled"
    assert look(room).partial is False


@pytest.mark.parametrize("name", JOURNALS)
def test_a_fresh_word_in_any_one_journal_keeps_a_run_running(
    room: Workspace, make_run: Callable[..., RunPaths], live: subprocess.Popen[bytes], name: str
) -> None:
    paths = make_run()
    launch(paths, live.pid, read_start(live.pid))
    paths.log(1).parent.mkdir()
    for journal in JOURNALS:
        (paths.folder / journal).touch()
    age(paths, 75)
    assert look(room).status == "stalled"
    os.utime(paths.folder / name)
    assert look(room).status == "running"


def test_slow_steps_are_waited_for_five_times_their_median(
    room: Workspace, make_run: Callable[..., RunPaths], live: subprocess.Popen[bytes]
) -> None:
    paths = make_run()
    launch(paths, live.pid, read_start(live.pid))
    write(paths.metrics, *(metric(n, seconds_per_step=s) for n, s in enumerate((1.0, 40.0, 900.0))))
    age(paths, 180)
    assert look(room).status == "running"
    age(paths, 230)
    assert look(room).status == "stalled"


@pytest.mark.parametrize("kind", ["finished", "stopped", "failed"])
def test_the_final_event_of_the_newest_attempt_is_the_status(
    room: Workspace, make_run: Callable[..., RunPaths], zombie: tuple[int, float], kind: str
) -> None:
    paths = make_run()
    launch(paths, *zombie, attempt=2)
    step = 60 if kind == "finished" else 31
    write(paths.events, event("started"), event("stopped", step=9), event("started", 2), event(kind, 2, step))
    write(paths.metrics, metric(step, 2, loss=1.0))
    row = look(room)
    assert (row.status, row.attempt, row.step) == (kind, 2, step)
    assert row.partial is (kind != "finished")


@pytest.mark.parametrize("kind", ["finished", "stopped", "failed"])
def test_the_final_event_of_an_older_attempt_says_nothing_of_the_newest(
    room: Workspace,
    make_run: Callable[..., RunPaths],
    live: subprocess.Popen[bytes],
    zombie: tuple[int, float],
    kind: str,
) -> None:
    paths = make_run()
    write(paths.events, event("started"), event(kind, step=9))
    launch(paths, live.pid, read_start(live.pid), attempt=2)
    assert look(room).status == "running"
    launch(paths, *zombie, attempt=2)
    assert look(room).status == "lost"


def test_a_torn_final_event_was_never_written(
    room: Workspace, make_run: Callable[..., RunPaths], zombie: tuple[int, float]
) -> None:
    paths = make_run()
    launch(paths, *zombie)
    paths.events.write_text(json.dumps(event("started")) + "\n" + json.dumps(event("finished", step=60)))
    assert look(room).status == "lost"


def test_a_failure_with_a_very_long_message_is_still_a_failure(
    room: Workspace, make_run: Callable[..., RunPaths], zombie: tuple[int, float]
) -> None:
    paths = make_run()
    launch(paths, *zombie)
    # such as torch lists every weight of another shape
    long = "RuntimeError: Error(s) in loading state_dict: " + "size mismatch for layer; " * 1000
    write(paths.events, event("started"), event("failed", message=long))
    assert look(room).status == "failed"


def test_a_run_of_another_host_goes_by_its_age(
    room: Workspace, make_run: Callable[..., RunPaths], live: subprocess.Popen[bytes]
) -> None:
    paths = make_run()
    # the pid is alive on this host, which says nothing of the other
    launch(paths, live.pid, read_start(live.pid), host="another-host")
    write(paths.events, event("started"))
    row = look(room)
    assert (row.status, row.host) == ("running", "another-host")
    age(paths, 75)
    assert look(room).status == "lost"
    write(paths.events, event("finished", step=60))
    age(paths, 75)
    assert look(room).status == "finished"


def test_a_newer_schema_shows_as_unreadable_beside_the_others(
    room: Workspace, make_run: Callable[..., RunPaths]
) -> None:
    make_run("20260101-0900-a-1111")
    make_run("20260102-0900-b-2222", schema_version=2)
    make_run("20260103-0900-c-3333")
    rows = list_runs(room)
    assert [r.id for r in rows] == ["20260101-0900-a-1111", "20260102-0900-b-2222", "20260103-0900-c-3333"]
    assert [r.problem for r in rows] == ["", "written by a newer charlab (schema 2)", ""]
    assert [r.status for r in rows] == ["draft", "failed", "draft"]


@pytest.mark.parametrize(
    "text",
    ["", "{", "[1]", "null", "17", "{}", '{"schema_version": "one"}', '{"schema_version": 1}', "\xff", "[" * 200_000],
    ids=["empty", "torn", "list", "null", "number", "no-keys", "worded-version", "bare", "no-utf-8", "nested"],
)  # fmt: skip
def test_a_run_json_that_cannot_be_read_does_not_break_the_listing(
    room: Workspace, make_run: Callable[..., RunPaths], text: str
) -> None:
    make_run("20260101-0900-a-1111")
    make_run("20260102-0900-b-2222").run.write_text(text, "latin-1")
    good, bad = list_runs(room)
    assert (good.id, good.status, good.problem) == ("20260101-0900-a-1111", "draft", "")
    assert (bad.id, bad.status) == ("20260102-0900-b-2222", "failed")
    assert "run.json" in bad.problem


def test_a_launch_or_metrics_row_of_another_shape_does_not_break_the_listing(
    room: Workspace, make_run: Callable[..., RunPaths]
) -> None:
    make_run("20260101-0900-a-1111")
    make_run("20260102-0900-b-2222").launch.write_text('{"attempt": 1}')
    write(make_run("20260103-0900-c-3333").metrics, {"step": 4})
    rows = list_runs(room)
    assert [bool(r.problem) for r in rows] == [False, True, False]


def test_what_holds_no_run_json_is_no_run(room: Workspace, make_run: Callable[..., RunPaths]) -> None:
    make_run()
    (room.runs / "20260102-being-written").mkdir()
    (room.runs / "notes.txt").write_text("no run")
    (room.recipes / "run.json").write_text("{}")
    assert [r.id for r in list_runs(room)] == ["20260101-0900-ada-orpo-1a2b"]


def test_a_listing_of_no_runs_is_empty(room: Workspace) -> None:
    assert list_runs(room) == []


def test_each_measure_is_the_newest_that_was_written(room: Workspace, make_run: Callable[..., RunPaths]) -> None:
    paths = make_run()
    write(
        paths.metrics,
        metric(0, **{"heldout.loss": 4.5}),
        metric(0, break_rate=0.75, in_character_rate=0.1),
        metric(1, loss=4.0, margin_nats=0.1, tokens_per_second=500.0),
        metric(2, loss=3.0, margin_nats=None),
    )
    row = look(room)
    assert (row.step, row.loss, row.margin_nats, row.tokens_per_second) == (2, 3.0, None, 500.0)
    assert (row.heldout_loss, row.break_rate) == (4.5, 0.75)


def test_the_last_sentinel_moment_shows_until_the_next(room: Workspace, make_run: Callable[..., RunPaths]) -> None:
    """Rows as wide as the trainer writes them, and as many as lie between two moments of a default recipe."""
    paths = make_run()
    names = [
        "logp_chosen", "logp_rejected", "reward_chosen", "reward_rejected", "accuracy", "log_odds", "loss", "nll",
        "margin_nats", "margin", "grad_norm", "lr", "epoch", "tokens", "tokens_per_second", "seconds_per_step",
        "rss_mb",
    ]  # fmt: skip
    write(paths.metrics, metric(20, break_rate=0.25), metric(20, **{"heldout.loss": 3.9}))
    for step in range(21, 20 + DEFAULT_SENTINEL_EVERY):
        write(paths.metrics, metric(step, **dict.fromkeys(names, -1.2345678901234567)))
    row = look(room)
    assert (row.step, row.break_rate, row.heldout_loss) == (39, 0.25, 3.9)


def test_one_run_reads_as_its_row_in_the_listing(room: Workspace, make_run: Callable[..., RunPaths]) -> None:
    paths = make_run(group="abcd")
    assert summarise_run(paths) == look(room)
    assert json.loads(json.dumps(look(room).to_json()))["group"] == "abcd"
