"""What the reader hands over of a run's files while they grow, are torn, written anew, and vanish."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from console.columns import WORTH_BYTES
from console.reader import BATCH_ROWS, LOG_BYTES, STALE_BYTES, Batch, LogTail, RunReader
from console.view import RunView
from engine.store.paths import RunPaths

ADA = "20260101-0900-ada-1a2b"
Rows = Callable[..., list[dict[str, Any]]]
Lines = Callable[[list[dict[str, Any]]], str]
WriteRun = Callable[..., RunPaths]


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHARLAB_CACHE", str(tmp_path_factory.mktemp("cache")))


def add(path: Path, text: str) -> None:
    with path.open("a") as file:
        file.write(text)


def gather_until(reader: RunReader, check: Callable[[Batch], bool]) -> list[Batch]:
    """All batches up to the first that is so; how a run stands is looked at once a second."""
    found: list[Batch] = []
    for _ in range(200):
        found += reader.gather()
        if any(map(check, found)):
            return found
        time.sleep(0.05)
    raise AssertionError(f"waited in vain, for {found}")


def see(batches: list[Batch]) -> RunView:
    """The run as whoever takes all these batches knows it."""
    assert batches[0].row is not None
    view = RunView(batches[0].row)
    for batch in batches:
        view.take(batch)
    return view


def steps_of(view: RunView, name: str = "loss") -> list[float]:
    series = view.history.series[name]
    return [series[i][0] for i in range(len(series))]


def test_the_first_look_brings_all_there_is_and_the_next_one_nothing(write_run: WriteRun) -> None:
    paths = write_run(ADA, ended="finished", log="one\ntwo\n")
    add(paths.samples, '{"text": "old"}\n{"text": "new"}\n')
    reader = RunReader(paths)
    batches = list(reader.gather())
    view = see(batches)
    assert {batch.run for batch in batches} == {ADA}
    assert (view.row.status, view.whole) == ("finished", True)
    assert steps_of(view) == list(range(1, 41))
    assert [event["kind"] for event in view.events] == ["finished"]
    assert batches[-1].sample == {"text": "new"}
    assert list(view.log) == ["one", "two"]
    assert view.ended()
    assert list(reader.gather()) == []
    reader.close()


def test_rows_come_in_batches_that_are_small(write_run: WriteRun, rows: Rows, lines: Lines) -> None:
    paths = write_run(ADA, rows=rows(1, 10))
    reader = RunReader(paths)
    known = list(reader.gather())
    add(paths.metrics, lines(rows(11, 470)))
    batches = list(reader.gather())
    assert [len(batch.metrics) for batch in batches] == [BATCH_ROWS, BATCH_ROWS, 483 - 2 * BATCH_ROWS]
    view = see([*known, *batches])
    assert steps_of(view) == list(range(1, 471))
    reader.close()


def test_a_torn_row_waits_for_its_end(write_run: WriteRun) -> None:
    paths = write_run(ADA, rows=[])
    reader = RunReader(paths)
    known = list(reader.gather())
    line = json.dumps({"attempt": 1, "step": 1, "time": 1.0, "values": {"loss": 0.5}})
    for name, path in (("metrics", paths.metrics), ("events", paths.events)):
        add(path, line[:20])
        assert list(reader.gather()) == [], name
        add(path, line[20:] + "\n")
        (batch,) = reader.gather()
        assert len(getattr(batch, name)) == 1
        known.append(batch)
    assert steps_of(see(known)) == [1]
    reader.close()


def test_a_metrics_file_written_anew_is_read_anew(write_run: WriteRun, rows: Rows, lines: Lines) -> None:
    paths = write_run(ADA, rows=rows(1, 30))
    reader = RunReader(paths)
    known = list(reader.gather())
    paths.metrics.write_text(lines(rows(1, 5)))
    known += reader.gather()
    assert steps_of(see(known)) == [1, 2, 3, 4, 5]
    add(paths.metrics, lines(rows(6, 7)))
    known += reader.gather()
    assert steps_of(see(known)) == [1, 2, 3, 4, 5, 6, 7]
    reader.close()


def test_a_metrics_file_replaced_by_another_is_read_anew(write_run: WriteRun, rows: Rows, lines: Lines) -> None:
    paths = write_run(ADA, rows=rows(1, 30))
    reader = RunReader(paths)
    known = list(reader.gather())
    other = paths.folder / "other"
    other.write_text(lines(rows(1, 5)))
    other.replace(paths.metrics)
    known += reader.gather()
    assert steps_of(see(known)) == [1, 2, 3, 4, 5]
    reader.close()


def test_a_run_without_metrics_yet_is_read_from_its_first_row_on(
    write_run: WriteRun, rows: Rows, lines: Lines, live: subprocess.Popen[bytes]
) -> None:
    paths = write_run(ADA, process=live.pid)
    for path in (paths.metrics, paths.events, paths.samples, paths.log(1)):
        path.unlink()
    reader = RunReader(paths)
    known = list(reader.gather())
    assert see(known).history.series == {}
    paths.metrics.write_text(lines(rows(1, 2)))
    paths.log(1).write_text("hello\n")
    known += reader.gather()
    assert steps_of(see(known)) == [1, 2]
    assert list(see(known).log) == ["hello"]
    reader.close()


def test_a_folder_that_vanished_is_said_to_be_gone(write_run: WriteRun) -> None:
    paths = write_run(ADA)
    reader = RunReader(paths)
    list(reader.gather())
    shutil.rmtree(paths.folder)
    assert gather_until(reader, lambda batch: batch.gone) == [Batch(ADA, gone=True)]
    reader.close()
    missing = RunReader(paths)
    assert list(missing.gather()) == [Batch(ADA, gone=True)]
    missing.close()


def test_a_new_attempt_takes_the_place_of_what_it_does_again(write_run: WriteRun, rows: Rows, lines: Lines) -> None:
    paths = write_run(ADA, rows=rows(1, 30), log="first\n", ended="stopped")
    reader = RunReader(paths)
    known = list(reader.gather())
    launch = json.loads(paths.launch.read_text())
    paths.launch.write_text(json.dumps(launch | {"attempt": 2}))
    paths.log(2).write_text("second\n")
    add(paths.metrics, lines(rows(21, 24, attempt=2)))
    add(paths.events, json.dumps({"attempt": 2, "time": 2.0, "kind": "started", "step": 20}) + "\n")
    known += gather_until(reader, lambda batch: "second" in batch.log)
    view = see(known)
    assert view.row.attempt == 2
    assert steps_of(view) == list(range(1, 25))
    assert view.history.attempt == 2
    assert list(view.log) == ["first", "second"]
    assert [event["attempt"] for event in view.events] == [1, 2]
    reader.close()


def test_a_long_file_comes_as_a_sketch_then_whole_and_the_next_time_from_its_cache(
    write_run: WriteRun, rows: Rows, lines: Lines
) -> None:
    paths = write_run(ADA, rows=rows(1, 6000), ended="finished")
    assert paths.metrics.stat().st_size > WORTH_BYTES
    reader = RunReader(paths)
    sketch, whole, rest = reader.gather()
    assert sketch.history is not None
    assert whole.history is not None
    assert (sketch.whole, whole.whole) == (False, True)
    assert len(sketch.history.series["loss"]) < len(whole.history.series["loss"]) == 6000
    assert (rest.metrics, [event["kind"] for event in rest.events]) == ((), ["finished"])
    reader.close()
    assert paths.columns.is_file()
    add(paths.metrics, lines(rows(6001, 6003)))
    again = RunReader(paths)
    batches = list(again.gather())
    assert [batch.whole for batch in batches] == [True, True]
    assert len(batches[1].metrics) == 3
    assert see(batches).history.step == 6003
    again.close()


def test_a_cache_that_lacks_too_much_is_shown_while_a_new_one_is_built(
    write_run: WriteRun, rows: Rows, lines: Lines
) -> None:
    paths = write_run(ADA, rows=rows(1, 5000))
    first = RunReader(paths)
    list(first.gather())
    first.close()
    padding = "x" * (STALE_BYTES // 1400)
    add(paths.metrics, lines([row | {"padding": padding} for row in rows(5001, 6500)]))
    reader = RunReader(paths)
    old, new = (batch for batch in reader.gather() if batch.history is not None)
    assert old.history is not None
    assert new.history is not None
    assert (old.whole, old.history.step) == (False, 5000)
    assert (new.whole, new.history.step) == (True, 6500)
    reader.close()


# ---------------------------------------------------------------- the log


@pytest.fixture
def log(tmp_path: Path) -> RunPaths:
    paths = RunPaths(tmp_path / ADA)
    paths.log(1).parent.mkdir(parents=True)
    return paths


def test_of_a_progress_bar_the_last_state_is_the_line(log: RunPaths) -> None:
    log.log(1).write_text("loading\n 10%|#\r 50%|#####\r100%|##########\ndone\r\n")
    assert LogTail(log).read(1) == ("loading", "100%|##########", "done")


def test_a_line_that_is_not_finished_waits(log: RunPaths) -> None:
    tail = LogTail(log)
    log.log(1).write_text("one\ntw")
    assert tail.read(1) == ("one",)
    assert tail.read(1) == ()
    add(log.log(1), "o\nthree\n")
    assert tail.read(1) == ("two", "three")


def test_a_log_that_was_cut_is_read_from_its_start(log: RunPaths) -> None:
    tail = LogTail(log)
    log.log(1).write_text("a long first line\n")
    tail.read(1)
    log.log(1).write_text("anew\n")
    assert tail.read(1) == ("anew",)


def test_another_attempt_has_another_log_and_none_is_no_error(log: RunPaths) -> None:
    tail = LogTail(log)
    assert tail.read(1) == ()
    log.log(1).write_text("first\n")
    log.log(2).write_text("second\n")
    assert tail.read(1) == ("first",)
    assert tail.read(2) == ("second",)


def test_of_a_long_log_the_end_is_read_and_what_follows_is_not_lost(log: RunPaths) -> None:
    tail = LogTail(log)
    log.log(1).write_text("".join(f"line {n} 漢字\n" for n in range(5000)))
    found = tail.read(1)
    assert found[-1] == "line 4999 漢字"
    assert 100 < len(found) < LOG_BYTES
    assert found[1:] == tuple(f"line {n} 漢字" for n in range(5001 - len(found), 5000))
    add(log.log(1), "next\n")
    assert tail.read(1) == ("next",)


def test_a_line_of_a_million_characters_does_not_stop_the_log(log: RunPaths) -> None:
    tail = LogTail(log)
    log.log(1).write_text("x" * 1_000_000)
    tail.read(1)
    add(log.log(1), "x\nshort\n")
    assert tail.read(1)[-1] == "short"


def test_bytes_that_are_no_text_are_shown_as_such(log: RunPaths) -> None:
    log.log(1).write_bytes(b"ok \xff\xfe bytes\n\x00\n")
    assert LogTail(log).read(1) == ("ok \ufffd\ufffd bytes", "\x00")
