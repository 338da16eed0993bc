"""The reading thread itself: what it posts as runs come, change and go, and that it ends when it is told to."""

from __future__ import annotations

import json
import queue
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from textual.message import Message

from console.feed import FIRST_RUNS, Feed, FeedFailed, Listing, RunRead, RunsListed
from engine.store.paths import RunPaths, Workspace

ADA, BOB = "20260101-0900-ada-1a2b", "20260102-0900-bob-3c4d"
WriteRun = Callable[..., RunPaths]


class Posted:
    """What a feed posts, as it comes."""

    def __init__(self, workspace: Workspace) -> None:
        self._queue: queue.Queue[Message] = queue.Queue()
        self.feed = Feed(workspace, self._queue.put)

    def wait_for(self, check: Callable[[Message], bool]) -> Any:
        while True:
            message = self._queue.get(timeout=60)
            if check(message):
                return message

    def listing(self, check: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The first listing whose rows by id are so."""
        return {
            row.id: row
            for row in self.wait_for(
                lambda m: isinstance(m, RunsListed) and check({row.id: row for row in m.rows})
            ).rows
        }

    def batch(self, check: Callable[[Any], bool]) -> Any:
        return self.wait_for(lambda m: isinstance(m, RunRead) and check(m.batch)).batch


@pytest.fixture
def posted(workspace: Workspace) -> Iterator[Posted]:
    found = Posted(workspace)
    yield found
    found.feed.stop()
    if found.feed.ident is not None:
        found.feed.join(60)
    assert not found.feed.is_alive()


def test_the_first_listing_has_the_newest_runs_and_the_next_one_all(write_run: WriteRun, posted: Posted) -> None:
    for n in range(FIRST_RUNS + 3):
        write_run(f"20260101-{n:04d}-ada-1a2b", rows=[], ended="finished")
    posted.feed.start()
    first = posted.wait_for(lambda m: isinstance(m, RunsListed))
    assert (first.whole, len(first.rows)) == (False, FIRST_RUNS)
    assert first.rows[-1].id == f"20260101-{FIRST_RUNS + 2:04d}-ada-1a2b"
    assert first.rows[0].id == "20260101-0003-ada-1a2b"
    whole = posted.wait_for(lambda m: isinstance(m, RunsListed))
    assert (whole.whole, len(whole.rows)) == (True, FIRST_RUNS + 3)
    assert [row.id for row in whole.rows] == sorted(row.id for row in whole.rows)


def test_a_new_run_appears_and_one_that_is_removed_goes(write_run: WriteRun, posted: Posted) -> None:
    paths = write_run(ADA, ended="finished")
    posted.feed.start()
    posted.listing(lambda rows: list(rows) == [ADA])
    write_run(BOB, ended="finished")
    posted.listing(lambda rows: list(rows) == [ADA, BOB])
    shutil.rmtree(paths.folder)
    posted.listing(lambda rows: list(rows) == [BOB])


def test_a_change_of_status_is_listed(write_run: WriteRun, posted: Posted, live: subprocess.Popen[bytes]) -> None:
    paths = write_run(ADA, process=live.pid)
    posted.feed.start()
    rows = posted.listing(lambda rows: bool(rows))
    assert (rows[ADA].status, rows[ADA].step) == ("running", 40)
    with paths.events.open("a") as file:
        file.write(json.dumps({"attempt": 1, "time": 1.0, "kind": "stopped", "step": 40}) + "\n")
    rows = posted.listing(lambda rows: rows[ADA].status != "running")
    assert (rows[ADA].status, rows[ADA].partial) == ("stopped", True)


def test_a_process_that_dies_makes_its_run_lost(
    write_run: WriteRun, posted: Posted, live: subprocess.Popen[bytes]
) -> None:
    write_run(ADA, process=live.pid)
    posted.feed.start()
    posted.listing(lambda rows: rows[ADA].status == "running")
    live.kill()
    live.wait()
    posted.listing(lambda rows: rows[ADA].status == "lost")


def test_a_watched_run_comes_whole_and_then_row_by_row(
    write_run: WriteRun, posted: Posted, live: subprocess.Popen[bytes]
) -> None:
    paths = write_run(ADA, process=live.pid)
    posted.feed.start()
    posted.feed.watch((ADA,))
    batch = posted.batch(lambda b: b.history is not None)
    assert (batch.run, batch.whole, batch.history.step) == (ADA, True, 40)
    with paths.metrics.open("a") as file:
        file.write(json.dumps({"attempt": 1, "step": 41, "time": 1.0, "values": {"loss": 0.5}}) + "\n")
    batch = posted.batch(lambda b: b.metrics)
    assert [row["step"] for row in batch.metrics] == [41]


def test_a_watched_run_that_vanishes_is_said_to_be_gone(write_run: WriteRun, posted: Posted) -> None:
    paths = write_run(ADA)
    posted.feed.start()
    posted.feed.watch((ADA,))
    posted.batch(lambda b: b.history is not None)
    shutil.rmtree(paths.folder)
    assert posted.batch(lambda b: b.gone).run == ADA


def test_a_run_that_never_was_is_said_to_be_gone(posted: Posted) -> None:
    posted.feed.start()
    posted.feed.watch(("20990101-0900-none-0000",))
    assert posted.batch(lambda b: b.gone).run == "20990101-0900-none-0000"


def test_a_run_that_is_no_longer_watched_is_no_longer_read(write_run: WriteRun, posted: Posted) -> None:
    one = write_run(ADA)
    write_run(BOB)
    posted.feed.start()
    posted.feed.watch((ADA,))
    posted.batch(lambda b: b.history is not None)
    posted.feed.watch((BOB,))
    posted.batch(lambda b: b.run == BOB and b.history is not None)
    with one.events.open("a") as file:
        file.write(json.dumps({"attempt": 1, "time": 1.0, "kind": "note", "step": 40}) + "\n")
    posted.feed.watch((BOB, ADA))
    # read from its start again, not from where it was left
    assert len(posted.batch(lambda b: b.run == ADA and b.events).events) == 1


def test_a_workspace_that_vanishes_is_told_and_found_again(
    write_run: WriteRun, posted: Posted, workspace: Workspace, tmp_path_factory: pytest.TempPathFactory
) -> None:
    write_run(ADA, ended="finished")
    away = tmp_path_factory.mktemp("away") / "runs"
    workspace.runs.rename(away)
    posted.feed.start()
    failed = posted.wait_for(lambda m: isinstance(m, FeedFailed))
    assert str(workspace.runs) in failed.problem
    away.rename(workspace.runs)
    posted.feed.watch(())  # wakes it
    posted.listing(lambda rows: list(rows) == [ADA])


def test_files_beside_the_runs_are_passed_over(write_run: WriteRun, posted: Posted, workspace: Workspace) -> None:
    write_run(ADA, ended="finished")
    (workspace.runs / "notes.txt").write_text("no run")
    (workspace.runs / "20260101-0901-empty-0000").mkdir()
    os_name = workspace.runs / "20260101-0902-\udcff-0000"
    os_name.mkdir()
    posted.feed.start()
    assert list(posted.listing(lambda rows: bool(rows))) == [ADA]


def test_it_ends_when_it_is_stopped_even_while_it_waits(write_run: WriteRun, workspace: Workspace) -> None:
    write_run(ADA)
    messages: list[Message] = []
    first = threading.Event()

    def post(message: Message) -> None:
        messages.append(message)
        first.set()

    feed = Feed(workspace, post)
    feed.start()
    assert first.wait(60)
    feed.stop()
    feed.join(60)
    assert not feed.is_alive()
    count = len(messages)
    feed.watch((ADA,))
    assert len(messages) == count


def test_a_listing_replaces_one_that_nobody_took_yet(workspace: Workspace) -> None:
    assert RunsListed((), True).can_replace(RunsListed((), False))
    assert not RunsListed((), True).can_replace(FeedFailed("x"))


def test_a_run_that_ended_is_not_read_again_and_again(
    write_run: WriteRun, workspace: Workspace, tmp_path: Path
) -> None:
    paths = write_run(ADA, ended="finished")
    listing = Listing(workspace)
    assert listing.read(listing.names())
    assert listing.refresh() is False
    # what nobody writes any more is not looked at until launch.json says otherwise
    paths.run.write_text("{")
    assert listing.refresh() is False
    assert [row.status for row in listing.rows()] == ["finished"]


def test_a_draft_that_is_taken_out_of_its_queue_reads_as_stopped(write_run: WriteRun, workspace: Workspace) -> None:
    paths = write_run(ADA, rows=[], created=1_000_000_000.0)
    paths.launch.unlink()
    listing = Listing(workspace)
    listing.read(listing.names())
    assert [row.status for row in listing.rows()] == ["draft"]
    paths.stop.touch()
    listing._checked = 0.0  # as if the time between two looks had passed
    assert listing.refresh()
    assert [row.status for row in listing.rows()] == ["stopped"]
