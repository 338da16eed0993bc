"""An evaluation in figures: what it took and cost, over all that was asked."""

from collections.abc import Callable
from typing import Any

import pytest

from engine.judge.summary import summarise_evaluation
from engine.store.journal import read_rows, write_rows

Write = Callable[..., Any]
RUN = "20260101-0900-ada-eval-1a2b"


def test_tokens_and_dollars_are_of_the_same_judgements(write_evaluation: Write) -> None:
    paths = write_evaluation(RUN, [4.0, 8.0])
    rows = [row | {"usage": {"input_tokens": 100, "output_tokens": 10}} for row in read_rows(paths.scores)]
    refused = {"state": "refused", "overall": None, "judge_overall": None, "components": {}, "problem": "no"}
    more = [
        {**rows[0], **refused, "usd": 0.02},
        {**rows[0], "repeat": 1},
        {**rows[0], "id": "control empty p-000 0 0"},
    ]
    write_rows(paths.scores, [*rows, *more])
    facts = summarise_evaluation(paths)
    assert facts["usd"] == pytest.approx(4 * 0.01 + 0.02)
    assert (facts["usage"]["input_tokens"], facts["usage"]["output_tokens"]) == (500, 50)
    # what failed after a score came takes its place in no figure
    assert (facts["overall"]["n"], facts["overall"]["failed"], facts["judge_noise"]["judgements"]) == (2, 0, 2)


def test_a_night_between_two_attempts_took_no_time(write_evaluation: Write) -> None:
    paths = write_evaluation(RUN, [4.0, 8.0])
    assert summarise_evaluation(paths)["seconds"] == 200
    row = read_rows(paths.scores)[1]
    write_rows(paths.scores, [read_rows(paths.scores)[0], {**row, "attempt": 2, "time": row["time"] + 86_430}])
    started = {"attempt": 2, "time": row["time"] + 86_400, "kind": "started", "step": 3}
    write_rows(paths.events, [*read_rows(paths.events), started])
    assert summarise_evaluation(paths)["seconds"] == 230
