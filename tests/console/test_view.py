"""A run in words: how it stands, what happened, and when it has ended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from console.reader import Batch
from console.view import RunView, describe_event, describe_step, seconds_left
from engine.store.index import RunRow, summarise_run

ADA = "20260101-0900-ada-1a2b"


@pytest.fixture
def row(write_run: Callable[..., Any]) -> RunRow:
    return summarise_run(write_run(ADA, ended="finished"))


def event(kind: str, step: int = 20, attempt: int = 1, **change: Any) -> dict[str, Any]:
    return {"attempt": attempt, "time": 1.0, "kind": kind, "step": step, **change}


def test_a_live_run_says_how_far_it_is_and_how_long_it_will_take(row: RunRow, rows: Callable[..., Any]) -> None:
    view = RunView(replace(row, status="running"))
    view.take(Batch(ADA, metrics=tuple(rows(1, 40))))
    assert describe_step(view) == (
        "step 40/60  10 s left  loss 1.433  margin +0.500 nats  accuracy 0.00  breaks 30%  404 tok/s"
    )
    assert describe_step(view, 40) == "step 40/60  10 s left  loss 1.433"
    assert describe_step(view, 1) == "step 40/60"
    view.row = replace(row, status="running", steps=1000)
    assert "8 min left" in describe_step(view)


def test_the_time_left_is_of_many_steps_and_does_not_hop_with_each(row: RunRow, rows: Callable[..., Any]) -> None:
    view = RunView(replace(row, status="running", steps=100))
    told = set()
    for number, each in enumerate(rows(1, 60), 1):
        seconds = {"seconds_per_step": 1.0 if number % 2 else 3.0} if "loss" in each["values"] else {}
        view.take(Batch(ADA, metrics=({**each, "values": {**each["values"], **seconds}},)))
        if number >= 40 and (left := seconds_left(view)) is not None:
            told.add(round(left / (100 - view.history.step), 1))
    assert told <= {1.9, 2.0, 2.1}
    broken = {**rows(61, 61)[0], "values": {"seconds_per_step": None}, "nonfinite": ["seconds_per_step"]}
    view.take(Batch(ADA, metrics=(broken,)))
    assert seconds_left(view) == pytest.approx(39 * 2, rel=0.1)


@pytest.mark.parametrize("status", ["stopped", "finished", "failed", "lost"])
def test_a_run_that_ended_has_no_time_left_and_loads_no_model(
    status: Any, row: RunRow, rows: Callable[..., Any]
) -> None:
    view = RunView(replace(row, status=status))
    assert "loading" not in describe_step(view)
    assert "asking" not in describe_step(view)
    view.take(Batch(ADA, metrics=tuple(rows(1, 40))))
    assert "left" not in describe_step(view)


def test_before_the_first_step_a_live_run_says_what_its_worker_does(row: RunRow) -> None:
    view = RunView(replace(row, status="running"))
    assert describe_step(view) == "the worker is loading the model"
    view.take(Batch(ADA, events=(event("started", 0),)))
    assert describe_step(view) == "scoring held-out pairs and asking the probes"


@pytest.mark.parametrize(
    ("told", "said"),
    [
        (event("started", 0, data={"device": "cpu", "trainable": 4884480}), "started on cpu, 4,884,480 parameters to train"),
        (event("started", 40, 2, data={"device": "cpu", "from_checkpoint": "x"}), "started on cpu, from the checkpoint at step 40"),
        (event("checkpoint"), "checkpoint at step 20"),
        (event("sentinel", data={"breaks": 3, "n": 84}), "sentinels at step 20: 3 of 84 answers break"),
        (event("alarm", message="not finite", data={"name": "nan"}), "ALARM nan at step 20: not finite"),
        (event("failed", message="no memory", fix="optim.batch=1"), "failed at step 20: no memory\n  try: optim.batch=1"),
        (event("finished"), "finished at step 20"),
        (event("note", message="a\x1b[31m word\nand more"), "note at step 20: a word\n  and more"),
    ],
    ids=lambda value: value["kind"] if isinstance(value, dict) else "",
)  # fmt: skip
def test_an_event_is_told_in_words(told: dict[str, Any], said: str) -> None:
    assert describe_event(told) == said


def test_a_run_has_ended_with_the_last_word_of_its_newest_attempt(row: RunRow) -> None:
    view = RunView(replace(row, status="running"))
    assert not view.ended()
    view.take(Batch(ADA, events=(event("stopped"),)))
    assert view.ended()
    view.take(Batch(ADA, row=replace(row, status="running", attempt=2)))
    assert not view.ended()
    view.take(Batch(ADA, events=(event("started", attempt=2), event("finished", attempt=2))))
    assert view.ended()
    assert RunView(replace(row, status="lost")).ended()
    assert RunView(replace(row, status="stopped", attempt=0)).ended()
