"""Metrics looked up by step in a long journal, against the same read whole."""

import json
import random
from pathlib import Path
from typing import Any

import pytest

from engine.store.journal import read_rows
from engine.store.lookup import MetricsFile, Reading, find_place
from engine.store.runs import merge_metrics

IO = Path("/proc/self/io")


def row(attempt: int, step: int, **values: float | None) -> dict[str, Any]:
    return {"attempt": attempt, "step": step, "time": 1.5, "values": values, "nonfinite": []}


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(r, separators=(",", ":")) + "\n" for r in rows))
    return path


def look(path: Path, step: int | None = None) -> dict[str, Reading]:
    with MetricsFile(path) as file:
        return file.read_newest(step)


def test_each_metric_comes_with_its_newest_value_at_or_before_the_step(tmp_path: Path) -> None:
    rows = [row(1, 0, **{"heldout.loss": 5.0}), row(1, 1, loss=4.0), row(1, 2, loss=3.0), row(1, 3, loss=2.0)]
    path = write(tmp_path / "rows", rows)
    assert look(path, 2) == {"heldout.loss": Reading(5.0, 0), "loss": Reading(3.0, 2)}
    assert look(path, 0) == {"heldout.loss": Reading(5.0, 0)}
    assert look(path) == look(path, 99) == {"heldout.loss": Reading(5.0, 0), "loss": Reading(2.0, 3)}


def test_at_a_step_that_two_attempts_have_the_later_attempt_counts_alone(tmp_path: Path) -> None:
    rows = [row(1, 1, loss=4.0), row(1, 2, loss=3.0, accuracy=1.0), row(1, 3, loss=2.5), row(2, 2, loss=9.0)]
    path = write(tmp_path / "rows", rows)
    assert look(path, 2) == {"loss": Reading(9.0, 2)}
    assert look(path) == {"loss": Reading(2.5, 3)}
    with MetricsFile(path) as file:
        assert file.last_step == 3


def test_lookups_agree_with_the_merged_rows_for_any_attempts_gaps_and_lengths(tmp_path: Path) -> None:
    dice = random.Random(7)
    for number in range(30):
        rows, step = [], 0
        for attempt in sorted(dice.sample(range(1, 9), dice.randint(1, 5))):
            step = max(0, step - dice.randint(0, 30))
            for _ in range(dice.randint(1, 60)):
                names = dice.sample(["loss", "lr", "heldout.loss", "break_rate"], dice.randint(0, 4))
                padding = {"x" * dice.choice([1, 300, 3000]): 0.0} if dice.random() < 0.1 else {}
                rows.append(row(attempt, step, **dict.fromkeys(names, dice.random()), **padding))
                step += dice.choice([0, 1, 1, 7])
        path = write(tmp_path / str(number), rows)
        merged = merge_metrics(read_rows(path))
        with MetricsFile(path) as file:
            assert file.last_step == max(merged)
            for at in {*dice.sample(range(max(merged) + 2), min(20, max(merged) + 2)), max(merged)}:
                told: dict[str, Reading] = {}
                for here in (s for s in merged if s <= at):
                    told |= {n: Reading(v, here) for n, v in merged[here].items() if n != "time"}
                found = file.read_newest(at)
                for name in ("loss", "lr", "heldout.loss", "break_rate"):
                    assert found.get(name) == told.get(name), (number, at, name)


def test_a_torn_last_row_and_lines_that_are_no_rows_are_passed_over(tmp_path: Path) -> None:
    path = write(tmp_path / "rows", [row(1, step, loss=float(step)) for step in range(1, 9)])
    path.write_bytes(b"\0\0\n" + path.read_bytes() + b'not json\n[1]\n{"attempt":1,"step":99,"values":{"loss":')
    with MetricsFile(path) as file:
        assert file.last_step == 8
        assert file.read_newest(5) == {"loss": Reading(5.0, 5)}


def test_a_value_that_was_not_finite_is_told_as_none_at_its_step(tmp_path: Path) -> None:
    path = write(tmp_path / "rows", [row(1, 1, loss=4.0), row(1, 2, loss=None)])
    assert look(path) == {"loss": Reading(None, 2)}
    path.write_text('{"attempt":1,"step":3,"values":{"loss":NaN,"flag":true,"word":"x"}}\n')
    assert look(path) == {"loss": Reading(None, 3)}
    path.write_text('{"attempt":1,"step":4,"values":{"loss":1' + "0" * 400 + ',"lr":-1e999,"tokens":12}}\n')
    assert look(path) == {"loss": Reading(None, 4), "lr": Reading(None, 4), "tokens": Reading(12.0, 4)}


def test_an_empty_file_has_no_step_and_no_metric(tmp_path: Path) -> None:
    for content in (b"", b"torn", b"\n\n"):
        path = tmp_path / "rows"
        path.write_bytes(content)
        with MetricsFile(path) as file:
            assert (file.last_step, file.read_newest(), file.read_newest(3)) == (None, {}, {})


def test_rows_that_are_out_of_order_end_the_search_and_do_not_hang_it(tmp_path: Path) -> None:
    path = write(tmp_path / "rows", [row(a, s, loss=1.0) for a, s in [(3, 9), (1, 2), (2, 40), (1, 7), (2, 1)]])
    with MetricsFile(path) as file:
        assert set(file.read_newest()) <= {"loss"}


def test_the_place_of_a_row_is_read_whatever_the_spaces_and_the_names_of_its_metrics() -> None:
    assert find_place(b'{"attempt": 2, "step" : 17, "values": {"seconds_per_step": 3}}') == (2, 17)
    assert find_place(b'{"values":{"seconds_per_step":3},"step":17}') is None


@pytest.mark.skipif(not IO.exists(), reason="what a process has read is told by Linux alone")
def test_of_a_long_file_little_is_read(tmp_path: Path) -> None:
    path = tmp_path / "rows"
    line = '{"attempt":1,"step":%d,"time":1,"values":{"loss":%d%s},"padding":"' + "x" * 200 + '"}\n'
    path.write_text("".join(line % (s, s, ',"break_rate":0.5' if s % 100 == 0 else "") for s in range(40_000)))
    before = int(IO.read_text().split()[1])
    assert look(path, 25_050) == {"loss": Reading(25_050.0, 25_050), "break_rate": Reading(0.5, 25_000)}
    assert int(IO.read_text().split()[1]) - before < path.stat().st_size / 10
