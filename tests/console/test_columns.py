"""The column cache holds what plain reading finds, fits its file or is not used, and may lie elsewhere."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from console import columns
from console.columns import (
    WORTH_BYTES,
    build_in_process,
    cache_paths,
    load_history,
    read_history,
    save_history,
    sketch_history,
)
from console.history import History
from engine.store.journal import read_rows
from engine.store.paths import RunPaths

CREATED = 1_767_258_000.0
Rows = Callable[..., list[dict[str, Any]]]
Lines = Callable[[list[dict[str, Any]]], str]


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("CHARLAB_CACHE", str(folder))
    return folder


@pytest.fixture
def run(tmp_path: Path) -> RunPaths:
    paths = RunPaths(tmp_path / "20260101-0900-ada-1a2b")
    paths.folder.mkdir()
    paths.run.write_text(json.dumps({"created": CREATED}))
    return paths


def tell(history: History) -> dict[str, Any]:
    """Everything that a history knows, as values that can be compared: NaN is None, bad points are told apart."""

    def finite(value: float) -> float | None:
        return value if math.isfinite(value) else None

    steps = range(0, 400, 7)
    return {
        "at": (history.attempt, history.step, history.time, history.created),
        "values": history.values,
        "series": {
            name: ([(x, finite(y)) for x, y in (s[i] for i in range(len(s)))], s.columns(0, 1e6, 1)[0].bad)
            for name, s in history.series.items()
        },
        "axes": {name: [round(axis.forward(step), 6) for step in steps] for name, axis in history.axes.items()},
    }


def read_plainly(paths: RunPaths) -> History:
    history = History(CREATED)
    for row in read_rows(paths.metrics):
        history.take(row)
    return history


def resume(rows: Rows) -> list[dict[str, Any]]:
    """Three attempts, each from the checkpoint before where the last one ended."""
    return [*rows(1, 50), *rows(41, 75, attempt=2, began=CREATED + 900), *rows(61, 90, attempt=3, began=CREATED + 1900)]


def lose(rows: Rows) -> list[dict[str, Any]]:
    """Some values were not finite, the newest loss among them, and some are missing."""
    found = rows(1, 60)
    for row in found:
        if row["step"] in (7, 30, 60) and "loss" in row["values"]:
            row["values"] |= {"loss": None, "grad_norm": None}
            row["nonfinite"] = ["grad_norm", "loss"]
        if row["step"] % 11 == 0:
            row["values"].pop("lr", None)
    return found


def start_late(rows: Rows) -> list[dict[str, Any]]:
    """A metric that only comes at the end, and one that is never a number."""
    found = rows(1, 45)
    found[-1]["values"]["device_mb"] = 512
    found[3]["values"]["note"] = "text"
    found[5]["values"]["flag"] = True
    return found


def fall_back(rows: Rows) -> list[dict[str, Any]]:
    """A row of an attempt that was thought dead comes after those of the next one."""
    return [*rows(1, 30), *rows(21, 35, attempt=2, began=CREATED + 900), *rows(12, 14), *rows(36, 38, attempt=2)]


@pytest.mark.parametrize("make", [lambda rows: rows(1, 60), lambda rows: rows(1, 1), resume, lose, start_late, fall_back],
                         ids=["plain", "one row", "attempts", "nonfinite", "late", "stale rows"])  # fmt: skip
def test_columns_are_what_plain_reading_finds(make: Any, run: RunPaths, rows: Rows, lines: Lines) -> None:
    run.metrics.write_text(lines(make(rows)))
    history, offset = read_history(run, CREATED)
    assert offset == run.metrics.stat().st_size
    assert tell(history) == tell(read_plainly(run))


def test_a_cache_gives_back_what_was_saved_and_goes_on_from_there(run: RunPaths, rows: Rows, lines: Lines) -> None:
    run.metrics.write_text(lines(resume(rows)))
    save_history(run, *read_history(run, CREATED))
    found = load_history(run)
    assert found is not None
    history, offset = found
    assert offset == run.metrics.stat().st_size
    assert tell(history) == tell(read_plainly(run))
    more = rows(85, 99, attempt=4, began=CREATED + 2900)
    with run.metrics.open("a") as file:
        file.write(lines(more))
    again = load_history(run)
    assert again is not None
    for row in more:
        again[0].take(row)
    assert again[1] == offset
    assert tell(again[0]) == tell(read_plainly(run))


def test_a_torn_last_line_is_left_for_next_time(run: RunPaths, rows: Rows, lines: Lines) -> None:
    whole = lines(rows(1, 30))
    run.metrics.write_text(whole + '{"attempt":1,"step":31,"ti')
    history, offset = read_history(run, CREATED)
    assert offset == len(whole.encode())
    assert (history.step, len(history.series["loss"])) == (30, 30)


@pytest.mark.parametrize(
    "bad",
    ["not json at all", '{"attempt": 1, "step"', "[1, 2]", "", '{"attempt":1,"step":12,"time":1.0,"values":5}',
     '{"attempt":"x","step":12,"time":1.0,"values":{"loss":1.0}}', '{"attempt":1,"step":12,"time":1.0,"values":{"loss":"high"}}',
     "\x00\x01\x02", "null"],
    ids=["words", "torn", "list", "empty", "values", "attempt", "text", "bytes", "null"],
)  # fmt: skip
def test_a_malformed_line_in_the_middle_is_passed_over_alone(bad: str, run: RunPaths, rows: Rows, lines: Lines) -> None:
    run.metrics.write_text(lines(rows(1, 11)) + bad + "\n" + lines(rows(12, 30)))
    history, offset = read_history(run, CREATED)
    assert offset == run.metrics.stat().st_size
    assert (history.step, len(history.series["loss"])) == (30, 30)
    assert tell(history) == tell(read_plainly(run))


def test_an_empty_file_is_an_empty_history(run: RunPaths) -> None:
    run.metrics.touch()
    history, offset = read_history(run, CREATED)
    assert (history.series, history.attempt, offset) == ({}, 0, 0)


def test_without_a_cache_none_is_found(run: RunPaths, rows: Rows, lines: Lines) -> None:
    run.metrics.write_text(lines(rows(1, 3)))
    assert load_history(run) is None


def test_a_cache_of_another_or_rewritten_file_is_not_used(run: RunPaths, rows: Rows, lines: Lines) -> None:
    text = lines(rows(1, 60))
    run.metrics.write_text(text)
    save_history(run, *read_history(run, CREATED))
    run.metrics.write_text(text.replace("0.0003", "0.0004"))
    assert load_history(run) is None
    run.metrics.write_text(text[: len(text) // 2])
    assert load_history(run) is None
    run.metrics.write_text(text)
    assert load_history(run) is not None


def test_a_cache_of_another_version_or_cut_short_is_not_used(run: RunPaths, rows: Rows, lines: Lines) -> None:
    run.metrics.write_text(lines(rows(1, 60)))
    save_history(run, *read_history(run, CREATED))
    data = run.columns.read_bytes()
    head, body = data.split(b"\n", 1)
    told = json.loads(head)
    for wrong in (
        json.dumps(told | {"version": columns.VERSION + 1}).encode() + b"\n" + body,
        data[:-3],
        data[: len(head) // 2],
        data + b"more",
        b"",
        b"\n",
        b"[]\n",
        b"\xff\xfe\n",
        json.dumps(told | {"offset": -5}).encode() + b"\n" + body,
        json.dumps(told | {"history": []}).encode() + b"\n" + body,
    ):
        run.columns.write_bytes(wrong)
        assert load_history(run) is None, wrong[:60]
    run.columns.write_bytes(data)
    assert load_history(run) is not None


def test_a_metrics_file_that_vanished_has_no_cache_that_fits(run: RunPaths, rows: Rows, lines: Lines) -> None:
    run.metrics.write_text(lines(rows(1, 60)))
    save_history(run, *read_history(run, CREATED))
    run.metrics.unlink()
    assert load_history(run) is None


def test_where_the_run_cannot_be_written_the_users_cache_folder_is_used(
    run: RunPaths, rows: Rows, lines: Lines, own_cache: Path
) -> None:
    run.metrics.write_text(lines(rows(1, 60)))
    run.columns.parent.write_text("a file where the cache's folder should be")
    save_history(run, *read_history(run, CREATED))
    (cached,) = (own_cache / "columns").iterdir()
    assert cached == cache_paths(run)[1]
    found = load_history(run)
    assert found is not None
    assert tell(found[0]) == tell(read_plainly(run))


def test_where_nothing_can_be_written_there_is_no_cache_and_no_error(
    run: RunPaths, rows: Rows, lines: Lines, own_cache: Path
) -> None:
    run.metrics.write_text(lines(rows(1, 60)))
    run.columns.parent.write_text("in the way")
    (own_cache / "columns").write_text("in the way")
    save_history(run, *read_history(run, CREATED))
    assert load_history(run) is None


def test_runs_of_one_name_in_two_workspaces_have_caches_of_their_own(tmp_path: Path) -> None:
    one, other = (RunPaths(tmp_path / room / "20260101-0900-ada-1a2b") for room in ("a", "b"))
    assert cache_paths(one)[1] != cache_paths(other)[1]


def test_a_cache_may_be_built_in_a_process_of_its_own(run: RunPaths, rows: Rows, lines: Lines) -> None:
    run.metrics.write_text(lines(resume(rows)))
    assert build_in_process(run)
    found = load_history(run)
    assert found is not None
    assert tell(found[0]) == tell(read_plainly(run))
    run.columns.unlink()
    run.run.write_text("{")
    assert not build_in_process(run)
    assert load_history(run) is None


def test_a_sketch_has_the_first_row_the_newest_and_rows_between_in_order(
    run: RunPaths, rows: Rows, lines: Lines
) -> None:
    count = 6000
    run.metrics.write_text(lines(rows(1, count)))
    assert run.metrics.stat().st_size > WORTH_BYTES
    history = sketch_history(run, CREATED)
    loss = history.series["loss"]
    steps = [loss[i][0] for i in range(len(loss))]
    assert (steps[0], steps[-1], history.step) == (1, count, count)
    assert count / 10 < len(steps) < count
    assert max(b - a for a, b in pairwise(steps)) < count / 50
    plain = read_plainly(run)
    every = plain.series["loss"]
    assert all(repr(every[every.at(loss[i][0])]) == repr(loss[i]) for i in range(0, len(loss), 40))
    assert history.values["loss"] == plain.values["loss"]


def test_a_sketch_of_lines_longer_than_its_glances_does_not_fail(run: RunPaths, rows: Rows, lines: Lines) -> None:
    found = rows(1, 40)
    for row in found:
        row["padding"] = "x" * 40_000
    run.metrics.write_text(lines(found))
    assert sketch_history(run, CREATED).series.keys() <= {"loss", *found[0]["values"], "heldout.loss", "break_rate"}
