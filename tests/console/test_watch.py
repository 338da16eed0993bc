"""A real process appends to a run while the console is open: its curves grow, and its end is noticed."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from console.app import Lab
from console.showing import show_run
from console.watch import attach
from driving import wait_until
from engine.launch.process import read_start
from engine.store.journal import read_json, write_json
from engine.store.paths import Workspace
from panels.plot import Plot

ROOT = Path(__file__).resolve().parents[2]
ADA = "20260101-0900-ada-1a2b"
APPENDER = """
import sys, time
from pathlib import Path
from engine.store.journal import Journal
folder = Path(sys.argv[1])
metrics = Journal(folder / "metrics.jsonl")
for step in range(1, 61):
    if step % 15 == 1:
        input()
    values = {"loss": 4.0 - step / 20, "tokens_per_second": 400.0, "seconds_per_step": 0.01}
    metrics.append({"attempt": 1, "step": step, "time": 1_767_258_000.0 + step, "values": values, "nonfinite": []})
Journal(folder / "events.jsonl").append({"attempt": 1, "time": 1_767_258_090.0, "kind": "finished", "step": 60})
"""


@pytest.fixture
def appender(workspace: Workspace) -> Iterator[subprocess.Popen[bytes]]:
    """A worker that writes fifteen rows each of four times that it is told to, and then that it has finished."""
    process = subprocess.Popen(
        [sys.executable, "-c", APPENDER, str(workspace.run(ADA).folder)],
        stdin=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    yield process
    process.kill()
    process.communicate()


def test_curves_grow_while_a_worker_writes_and_its_end_is_noticed(
    workspace: Workspace, write_run: Callable[..., Any], appender: subprocess.Popen[bytes]
) -> None:
    paths = write_run(ADA, rows=[], process=appender.pid)

    async def go() -> None:
        app = Lab(workspace, run=ADA)
        async with app.run_test(size=(120, 34)) as pilot:
            await wait_until(pilot, lambda: ADA in app.views and app.views[ADA].whole, "the run")
            view = app.views[ADA]
            assert view.row.status == "running"
            lengths: list[int] = []
            pictures: set[str] = set()

            asked = [0]

            def tell_appender() -> None:
                assert appender.stdin is not None
                appender.stdin.write(b"\n")
                appender.stdin.flush()
                asked[0] += 15

            def look() -> bool:
                series = view.history.series.get("loss")
                lengths.append(0 if series is None else len(series))
                if lengths[-1] == asked[0] and asked[0] < 60:  # what was asked for has come: ask for more
                    tell_appender()
                plots = [plot for plot in app.query(Plot) if plot.display and plot.title == "loss"]
                if plots:
                    pictures.add("\n".join(strip.text for strip in plots[0].render_lines(plots[0].outer_size.region)))
                return view.row.status == "finished" and lengths[-1] == 60

            await wait_until(pilot, look, "all rows and the end")
            assert lengths == sorted(lengths)
            assert {0, 15, 30, 45, 60} <= set(lengths), "rows come as they are written, not at the end alone"
            await wait_until(
                pilot, lambda: look() and any(" 1.000" in picture for picture in pictures), "the last value"
            )
            assert len(pictures) > 2
            assert [view.history.series["loss"][i] for i in (0, 59)] == [(1, 3.95), (60, 1.0)]
            assert view.ended()

    asyncio.run(go())
    assert appender.wait(60) == 0
    assert len(paths.metrics.read_text().splitlines()) == 60


def test_a_worker_that_is_killed_leaves_a_run_that_says_it_is_lost(
    workspace: Workspace, write_run: Callable[..., Any], appender: subprocess.Popen[bytes]
) -> None:
    paths = write_run(ADA, rows=[], process=appender.pid)
    launch = read_json(paths.launch)
    assert launch["process"]["start"] == read_start(appender.pid)

    async def go() -> None:
        app = Lab(workspace, run=ADA, leave_when_ended=True)
        async with app.run_test(size=(80, 24)) as pilot:
            await wait_until(pilot, lambda: ADA in app.views and app.views[ADA].whole, "the run")
            assert app.views[ADA].row.status == "running"
            appender.kill()
            appender.wait()
            await wait_until(pilot, lambda: app.return_value is not None, "the end")
            assert app.return_value == 0

    asyncio.run(go())


def test_a_run_that_goes_on_in_a_new_attempt_is_followed_into_it(
    workspace: Workspace, write_run: Callable[..., Any], rows: Callable[..., Any], lines: Callable[..., str],
    live: subprocess.Popen[bytes],
) -> None:  # fmt: skip
    paths = write_run(ADA, rows=rows(1, 30), ended="stopped")

    async def go() -> None:
        app = Lab(workspace, run=ADA)
        async with app.run_test(size=(120, 34)) as pilot:
            await wait_until(pilot, lambda: ADA in app.views and app.views[ADA].whole, "the run")
            view = app.views[ADA]
            assert view.row.status == "stopped"
            launch = read_json(paths.launch)
            worker = {"pid": live.pid, "start": read_start(live.pid)}
            write_json(paths.launch, launch | {"attempt": 2, "process": worker})
            with paths.metrics.open("a") as file:
                file.write(lines(rows(21, 25, attempt=2)))
            await wait_until(pilot, lambda: view.row.status == "running" and view.history.attempt == 2, "the attempt")
            assert len(view.history.series["loss"]) == 25

    asyncio.run(go())


@pytest.mark.parametrize(
    ("ended", "message", "code"),
    [
        ("finished", "", 0),
        ("stopped", "asked", 3),
        ("stopped", "alarm nan: the loss is no number", 4),
        ("failed", "", 1),
    ],
)
def test_a_run_that_is_watched_to_its_end_says_with_its_code_how_it_ended(
    workspace: Workspace, write_run: Callable[..., Any], ended: str, message: str, code: int
) -> None:
    last = {"attempt": 1, "time": 1_767_258_030.0, "kind": ended, "step": 40, "message": message, "fix": ""}
    paths = write_run(ADA, events=(last,))
    assert attach([paths], show_run) == code


def test_a_failed_run_among_others_is_a_failure(workspace: Workspace, write_run: Callable[..., Any]) -> None:
    last = {"attempt": 1, "time": 1_767_258_030.0, "step": 40, "message": "", "fix": ""}
    runs = [write_run(ADA, events=({**last, "kind": "failed"},))]
    runs.append(write_run("20260102-0900-bob-3c4d", events=({**last, "kind": "stopped"},)))
    assert attach(runs, show_run) == 1
