"""The metrics of a run as they come, row by row: attempts, order, and rows that no worker would write."""

from __future__ import annotations

import math
from typing import Any

import pytest

from console.history import History


def row(step: int, attempt: int = 1, time: Any = None, nonfinite: Any = (), **values: Any) -> dict[str, Any]:
    return {
        "attempt": attempt, "step": step, "time": 100.0 + step if time is None else time, "values": values,
        "nonfinite": list(nonfinite) if isinstance(nonfinite, tuple) else nonfinite,
    }  # fmt: skip


def points(history: History, name: str) -> list[tuple[float, float]]:
    series = history.series[name]
    return [series[i] for i in range(len(series))]


def test_rows_become_series_and_axes_and_newest_values() -> None:
    history = History(created=100.0)
    assert history.take(row(1, loss=4.0, epoch=0.1, tokens=900))
    assert history.take(row(2, loss=3.0, epoch=0.2, tokens=1900))
    assert history.take(row(2, **{"heldout.loss": 3.5}))
    assert points(history, "loss") == [(1, 4.0), (2, 3.0)]
    assert points(history, "heldout.loss") == [(2, 3.5)]
    assert (history.attempt, history.step, history.time) == (1, 2, 102.0)
    assert history.values == {"loss": 3.0, "epoch": 0.2, "tokens": 1900, "heldout.loss": 3.5}
    assert [history.axes[name].forward(2) for name in ("epoch", "tokens", "time")] == [0.2, 1900, 2.0]
    assert history.axes["time"].back(1.5) == 1.5


def test_a_new_attempt_drops_what_the_one_before_did_from_its_first_step_on() -> None:
    history = History()
    for step in range(1, 9):
        history.take(row(step, loss=float(step), epoch=step / 10))
    history.take(row(5, attempt=2, loss=50.0, epoch=0.5, time=300.0))
    history.take(row(6, attempt=2, loss=60.0, epoch=0.6, time=301.0))
    assert points(history, "loss") == [(1, 1), (2, 2), (3, 3), (4, 4), (5, 50.0), (6, 60.0)]
    assert (history.attempt, history.step) == (2, 6)
    assert history.axes["epoch"].forward(6) == 0.6
    assert history.axes["time"].forward(5) == 300.0


def test_an_attempt_that_starts_beyond_the_one_before_keeps_all_of_it() -> None:
    history = History()
    history.take(row(1, loss=1.0))
    history.take(row(2, attempt=3, loss=2.0))
    assert points(history, "loss") == [(1, 1.0), (2, 2.0)]


def test_a_row_out_of_order_is_refused_and_changes_nothing() -> None:
    history = History()
    history.take(row(5, attempt=2, loss=1.0))
    before = (points(history, "loss"), dict(history.values), history.time)
    assert not history.take(row(4, attempt=2, loss=9.0, time=999.0))
    assert not history.take(row(7, attempt=1, loss=9.0, time=999.0))
    assert (points(history, "loss"), history.values, history.time) == before
    assert history.take(row(5, attempt=2, break_rate=0.5))


def test_a_value_that_was_not_finite_is_a_bad_point_and_none_where_it_is_only_missing() -> None:
    history = History()
    history.take(row(1, loss=1.0))
    history.take(row(2, loss=None, nonfinite=("loss",)))
    history.take(row(3, loss=None))
    (column,) = history.series["loss"].columns(0, 10, 1)
    assert (len(history.series["loss"]), column.gaps, column.bad) == (2, 1, 1)
    assert history.values["loss"] is None


def test_what_a_new_attempt_dropped_is_no_newest_value_any_more() -> None:
    history = History()
    history.take(row(1, loss=1.0))
    history.take(row(9, loss=9.0, break_rate=0.9))
    history.take(row(5, attempt=2, loss=5.0))
    assert history.values == {"loss": 5.0}


@pytest.mark.parametrize(
    "hostile",
    [
        {},
        row(3, attempt=0) | {"attempt": "2"},
        row(3) | {"step": 2.5},
        row(3) | {"step": True},
        row(3) | {"step": -1},
        row(3) | {"step": 10**400},
        row(3) | {"step": None},
        row(3) | {"time": "noon"},
        row(3) | {"time": math.nan},
        row(3) | {"time": math.inf},
        row(3) | {"time": 10**400},
        row(3) | {"values": [1, 2]},
        row(3) | {"values": None},
        {"attempt": [], "step": {}, "time": (), "values": 5},
    ],
    ids=lambda hostile: str(hostile)[:60],
)
def test_what_does_not_read_as_a_row_is_refused_and_changes_nothing(hostile: dict[str, Any]) -> None:
    history = History(created=100.0)
    history.take(row(2, loss=1.0))
    assert not history.take(hostile)
    assert points(history, "loss") == [(2, 1.0)]
    assert (history.step, history.time) == (2, 102.0)
    assert history.take(row(3, loss=2.0))
    assert history.axes["time"].forward(3) == 3.0


@pytest.mark.parametrize("value", ["high", True, [1.0], {"a": 1}, None], ids=str)
def test_a_value_that_is_no_number_is_left_out_and_the_others_of_its_row_are_taken(value: Any) -> None:
    history = History()
    assert history.take(row(1, loss=value, lr=0.5))
    assert list(history.series) == ["lr"]
    assert points(history, "lr") == [(1, 0.5)]


@pytest.mark.parametrize("value", [10**400, -(10**400), math.nan, math.inf], ids=lambda v: str(v)[:8])
def test_a_number_beyond_any_float_is_a_bad_point(value: Any) -> None:
    history = History()
    assert history.take(row(1, loss=value))
    (column,) = history.series["loss"].columns(0, 10, 1)
    assert (column.gaps, column.bad) == (1, 1)
    assert history.values["loss"] is None


def test_a_list_of_bad_names_that_is_no_list_is_passed_over() -> None:
    history = History()
    assert history.take(row(1, loss=None, lr=1.0, nonfinite=5))
    assert points(history, "lr") == [(1, 1.0)]


def test_a_history_comes_back_from_its_dump_as_it_was_and_goes_on() -> None:
    history = History(created=50.0)
    for step in range(1, 200):
        bad = step == 7
        history.take(row(step, loss=None if bad else float(step), nonfinite=("loss",) if bad else (), epoch=step / 41))
    told, parts = history.dump()
    again = History.load(told, memoryview(b"".join(part.tobytes() for part in parts)))
    assert again.values == history.values
    for one in (history, again):
        one.take(row(150, attempt=2, loss=0.5, epoch=4.0, time=900.0))
    assert (again.created, again.attempt, again.step, again.time) == (50.0, 2, 150, 900.0)
    assert str(again.series["loss"].columns(0, 200, 20)) == str(history.series["loss"].columns(0, 200, 20))
    assert [again.axes[a].forward(99) for a in again.axes] == [history.axes[a].forward(99) for a in history.axes]


def test_a_dump_that_is_cut_short_or_too_long_is_refused() -> None:
    history = History()
    history.take(row(1, loss=1.0))
    told, parts = history.dump()
    data = b"".join(part.tobytes() for part in parts)
    for wrong in (data[:-1], data[:-8], data + b"12345678", b""):
        with pytest.raises(ValueError, match=r"."):
            History.load(told, memoryview(wrong))
