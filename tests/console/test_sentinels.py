"""The sentinels of a run on the command line: the same grid as the panel's."""

import json
from pathlib import Path
from typing import Any

import pytest

from console.sentinels import describe_grid, grid_json, list_sentinels
from engine.errors import StoreError
from engine.probe.grid import Cell, Grid, Moment, Row, count
from engine.records.dataset import Message
from engine.records.rows import Sample


def answers(step: int, breaks: int, n: int, probe: str = "who") -> list[Sample]:
    return [
        Sample(
            attempt=1, step=step, time=0.0, probe=probe, index=i, seed=1, text="An AI, Sir.", tokens=4,
            truncated=False, breaks="claims-ai" if i < breaks else None, span=None, in_character=i >= breaks,
        )
        for i in range(n)
    ]  # fmt: skip


def make_grid(name: str = "who") -> Grid:
    before, after = answers(0, 9, 12, name), answers(20, 0, 0, name)
    cells: tuple[Cell, ...] = (count(before), count(after))
    return Grid(
        run="20260101-0900-ada-1a2b", name="ada", system="You are\x1b[31m a helper.", skipped=2,
        moments=(Moment(0, 1, False, cells[0]), Moment(20, 1, True, count(answers(20, 1, 400)))),
        rows=(Row(name, "identity", (Message(role="user", content="Who?"),), cells, count(before)),),
        total=count(before),
    )  # fmt: skip


def test_the_tables_give_breaks_and_answers_in_character_by_probe_and_step() -> None:
    assert describe_grid(make_grid()) == [
        "ada  20260101-0900-ada-1a2b",
        "  system prompt where a probe has none: You are a helper.",
        "  2 unreadable rows left out",
        "",
        "breaks         step 0     step 20▲       all",
        "who          9/12  75%          ·   9/12  75%",
        "all prompts  9/12  75%  1/400  <1%  9/12  75%",
        "",
        "in character    step 0       step 20▲       all",
        "who           3/12  25%            ·   3/12  25%",
        "all prompts   3/12  25%  399/400 >99%  3/12  25%",
    ]


def test_the_json_counts_each_cell_and_is_null_where_nothing_was_asked() -> None:
    told = json.loads(json.dumps(grid_json(make_grid())))
    (row,) = told["probes"]
    assert row["messages"] == [{"role": "user", "content": "Who?"}]
    assert row["moments"][0]["break_rate"]["breaks"] == 9
    assert row["moments"][0]["break_rate"]["n"] == 12
    assert row["moments"][0]["in_character_rate"]["in_character"] == 3
    assert row["moments"][1] == {"step": 20, "label": "", "break_rate": None, "in_character_rate": None}
    assert [(m["step"], m["checkpoint"], m["break_rate"]["n"]) for m in told["moments"]] == [
        (0, False, 12), (20, True, 400),
    ]  # fmt: skip
    assert told["skipped"] == 2


def test_an_interval_is_given_for_one_probe_at_one_moment_and_for_no_total() -> None:
    told = grid_json(make_grid())
    (row,) = told["probes"]
    assert [round(end, 2) for end in row["moments"][0]["break_rate"]["ci"]] == [0.47, 0.91]
    for total in (told, told["moments"][0], row):
        assert total["break_rate"] == {"breaks": 9, "n": 12, "rate": 0.75}
        assert total["in_character_rate"] == {"in_character": 3, "n": 12, "rate": 0.25}


def test_a_hostile_probe_prints_without_its_escape_sequences() -> None:
    assert any(line.startswith("[red]who ") for line in describe_grid(make_grid("[red]\x1b[31mwho\u202e\n")))


def test_a_run_that_does_not_exist_is_an_error_that_says_where_runs_are_listed(workspace: Any) -> None:
    with pytest.raises(StoreError, match="no run 'nobody'"):
        list_sentinels("nobody", json=False, workspace=str(Path(workspace.folder)))
