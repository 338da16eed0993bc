"""Starting, queueing, stopping and ending attempts, over real folders, locks and journals."""

import json
import os
import threading
import time
from pathlib import Path

import pytest

from engine.errors import BusyError, StoreError
from engine.launch.attempt import Journals, run_attempt
from engine.launch.local import LocalLauncher, take_lock, worker_environment
from engine.launch.queue import main as run_queue
from engine.launch.steer import stop_run
from engine.store.index import summarise_run
from engine.store.journal import read_json, read_rows, seal, write_json
from engine.store.paths import RunPaths

LAUNCH = {"attempt": 1, "host": "here", "process": {"pid": 4_000_000, "start": 0.0}, "time": 0.0}
FAILED = {"attempt": 1, "time": 0.0, "kind": "failed", "step": 0, "message": "", "fix": "", "data": {}}


@pytest.fixture
def paths(tmp_path: Path) -> RunPaths:
    """A run that was never started."""
    return lay_run(tmp_path / "20260101-0900-ada-orpo-1a2b")


def lay_run(folder: Path) -> RunPaths:
    folder.mkdir()
    run = {
        "schema_version": 1, "id": folder.name, "kind": "train", "name": "ada", "created": 1_767_258_000.0, "steps": 60,
        "recipe": {"objective": "orpo", "base": "base", "dataset": "ada"}, "host": "here",
    }  # fmt: skip
    write_json(folder / "run.json", run)
    return RunPaths(folder)


def count_open(path: Path) -> int:
    """How many descriptors of this process stand for that file."""
    found = 0
    for link in Path("/proc/self/fd").iterdir():
        try:
            found += os.readlink(link) == str(path)
        except OSError:
            continue
    return found


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="sees a waiting launcher as Linux shows it")
def test_of_two_that_resume_at_once_one_is_refused_and_no_attempt_is_made_twice(paths: RunPaths) -> None:
    write_json(paths.launch, LAUNCH)
    paths.events.write_text(json.dumps(FAILED) + "\n")
    refused: list[BusyError] = []

    def resume() -> None:
        try:
            LocalLauncher().start(paths)
        except BusyError as error:
            refused.append(error)

    # the first attempt has said its last word, so the launcher waits for its worker to let go
    lock = take_lock(paths)
    second = threading.Thread(target=resume)
    second.start()
    end = time.monotonic() + 60
    while count_open(paths.lock) < 2:
        assert time.monotonic() < end
        time.sleep(0.01)
    write_json(paths.launch, {**LAUNCH, "attempt": 2})
    os.close(lock)
    second.join()
    assert [error.message for error in refused] == [f"run {paths.id} was started by another meanwhile"]
    assert read_json(paths.launch)["attempt"] == 2
    assert not paths.log(3).exists()
    os.close(take_lock(paths))  # which the refused one has let go of


def test_a_queue_passes_over_what_was_asked_to_stop_or_started_by_a_person(tmp_path: Path) -> None:
    stopped, started = lay_run(tmp_path / "20260101-0900-a-1111"), lay_run(tmp_path / "20260101-0900-b-2222")
    stop_run(stopped)
    write_json(started.launch, LAUNCH)
    run_queue([str(stopped.folder), str(started.folder)])
    assert (stopped.launch.exists(), summarise_run(stopped).status) == (False, "stopped")
    assert read_json(started.launch) == LAUNCH


def test_the_threads_of_a_worker_soon_sleep_while_they_wait_unless_told_otherwise(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("GOMP_SPINCOUNT", raising=False)
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    assert worker_environment()["GOMP_SPINCOUNT"] == "1000"
    monkeypatch.setenv("OMP_WAIT_POLICY", "ACTIVE")
    assert "GOMP_SPINCOUNT" not in worker_environment()
    monkeypatch.setenv("GOMP_SPINCOUNT", "5")
    assert worker_environment()["GOMP_SPINCOUNT"] == "5"


def test_what_has_ended_cannot_be_stopped(paths: RunPaths) -> None:
    write_json(paths.launch, LAUNCH)
    paths.events.write_text(json.dumps(FAILED) + "\n")
    with pytest.raises(StoreError, match="is failed: there is nothing to stop"):
        stop_run(paths)
    assert not paths.stop.exists()


def test_an_error_whose_message_holds_half_a_surrogate_is_still_the_last_word(paths: RunPaths) -> None:
    def act(paths: RunPaths, journals: Journals) -> str:
        raise RuntimeError("the server said \ud83d")

    assert run_attempt(str(paths.folder), 1, act) == 1
    (row,) = read_rows(paths.events)
    assert (row["kind"], row["message"]) == ("failed", "RuntimeError: the server said ?")


def test_a_worker_that_cannot_write_its_last_word_ends_with_its_code_all_the_same(paths: RunPaths) -> None:
    def act(paths: RunPaths, journals: Journals) -> str:
        journals.events.close()
        raise BusyError("the port is taken")

    assert run_attempt(str(paths.folder), 1, act) == BusyError.code
    assert read_rows(paths.events) == []
    assert seal(paths.events) == 0
