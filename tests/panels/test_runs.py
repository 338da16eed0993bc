"""The table of runs: how it is sorted and filtered, what its keys ask for, and that its cursor stays with its run."""

from __future__ import annotations

import asyncio
import math
import time
import unicodedata
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest
from textual import on
from textual.app import App, ComposeResult
from textual.pilot import Pilot
from textual.widgets import Input, Label

from panels.filter import parse_filter
from panels.runs import FIELDS, JUDGED, READS, RunsPanel
from panels.table import Table

HOSTILE = "[red]x[/red] \x1b[31mz\x1b]0;title\x07 \u202eevil\u2066 😀 漢字\r\n\ttab"


@dataclass(frozen=True)
class Run:
    id: str
    kind: str = "train"
    status: str = "finished"
    name: str = "voice"
    step: int = 60
    steps: int = 60
    partial: bool = False
    objective: str = "orpo"
    base: str = "smollm2-135m"
    dataset: str = "madison"
    loss: float | None = 2.5
    margin_nats: float | None = 0.5
    break_rate: float | None = 0.05
    tokens_per_second: float | None = 400.0
    created: float = 0.0
    score: float | None = None
    score_raw: float | None = None
    critical: int | None = None
    problem: str = ""


RUNS = (
    Run("1-ada", created=100.0, loss=2.0, step=10, margin_nats=-0.5, base="qwen-4b"),
    Run("2-bob", created=200.0, loss=None, status="running", step=30, objective="simpo"),
    Run("3-cleo", created=300.0, loss=1.0, status="lost", step=20, break_rate=0.4, partial=True),
)
SHOWN = [name for name in FIELDS if name not in JUDGED]
"""Of runs none of which is an evaluation."""


class Stage(App[None]):
    def __init__(self, runs: Sequence[Run]) -> None:
        super().__init__()
        self.runs = runs
        self.heard: list[tuple[str, str | None]] = []

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return {"good": "green", "bad": "red"}

    def compose(self) -> ComposeResult:
        yield RunsPanel()

    def on_mount(self) -> None:
        self.panel.show(self.runs)
        self.table.focus()

    @property
    def panel(self) -> RunsPanel:
        return self.query_one(RunsPanel)

    @property
    def table(self) -> Table:
        return self.query_one(Table)

    @on(RunsPanel.Marked)
    @on(RunsPanel.Pinned)
    @on(RunsPanel.Opened)
    @on(RunsPanel.Moved)
    def _hear(self, message: Any) -> None:
        self.heard.append((type(message).__name__, message.run))


Act = Callable[[Stage, RunsPanel, Pilot[None]], Awaitable[None]]


def play(act: Act, runs: Sequence[Run] = RUNS, size: tuple[int, int] = (200, 50)) -> None:
    async def go() -> None:
        app = Stage(runs)
        async with app.run_test(size=size) as pilot:
            await pilot.pause()
            await act(app, app.panel, pilot)

    asyncio.run(go())


def text_of(app: Stage) -> list[str]:
    return [strip.text for strip in app.table.draw_lines(*app.table.content_size)]


def order(app: Stage) -> list[str]:
    return [line[2:].split()[0] for line in text_of(app)[1:] if line.strip()]


def count(app: Stage) -> str:
    """What stands beside the filter."""
    return str(app.query_one("#count", Label).content)


# ---------------------------------------------------------------- what is shown


def test_a_row_says_how_a_run_stands() -> None:
    async def act(app: Stage, panel: RunsPanel, pilot: Pilot[None]) -> None:
        rows = {line.split()[0]: line.split() for line in text_of(app)[1:] if line.strip()}
        assert rows["1-ada"][1:-1] == [
            "✓", "finished", "voice", "train", "orpo", "qwen-4b", "madison", "10/60", "2.000", "-0.500", "5%", "400",
        ]  # fmt: skip
        assert rows["2-bob"][1:3] == ["▶", "running"]
        assert rows["2-bob"][-5:-3] == ["·", "+0.500"]
        assert rows["3-cleo"][1:3] == ["?", "lost"]

    play(act)


def test_a_run_that_cannot_be_read_says_why() -> None:
    async def act(app: Stage, panel: RunsPanel, pilot: Pilot[None]) -> None:
        (line,) = [line for line in text_of(app)[1:] if line.strip()]
        assert "5-eve: run.json is not JSON" in line
        assert "✗ unreadable" in line

    play(act, [Run("5-eve", kind="?", status="failed", steps=0, loss=None, problem="run.json is not JSON")])


def test_the_age_counts_from_when_the_run_was_made_and_is_unknown_without() -> None:
    async def act(app: Stage, panel: RunsPanel, pilot: Pilot[None]) -> None:
        assert [line.rstrip(" ▐").split("  ")[-1].strip() for line in text_of(app)[1:3]] == ["3 h", "·"]

    play(act, [Run("1", created=time.time() - 3 * 3600 - 60), Run("2")])


def test_narrow_terminals_keep_the_name_the_state_the_step_and_the_loss() -> None:
    async def act(app: Stage, panel: RunsPanel, pilot: Pilot[None]) -> None:
        head = text_of(app)[0].split()
        assert head[:2] == ["run", "status"]
        assert {"step", "loss", "breaks"} <= set(head)
        assert not {"name", "kind"} & set(head)

    play(act, size=(80, 24))


# ---------------------------------------------------------------- sorting


def test_the_newest_run_is_first_and_has_the_cursor() -> None:
    async def act(app: Stage, panel: RunsPanel, pilot: Pilot[None]) -> None:
        assert order(app) == ["3-cleo", "2-bob", "1-ada"]
        assert panel.cursor_run == "3-cleo"
        assert "age↓" in text_of(app)[0]

    play(act)


@pytest.mark.parametrize("column", SHOWN)
def test_s_sorts_by_the_next_column_and_its_title_says_so_with_an_arrow(column: str) -> None:
    async def act(app: Stage, panel: RunsPanel, pilot: Pilot[None]) -> None:
        names = SHOWN
        panel.action_sort(names.index(column) - 1 - names.index("age"))
        await pilot.press("s")
        title = FIELDS[column][0].title
        before = next(arrow for arrow in "↑↓" if f"{title}{arrow}" in text_of(app)[0])
        await pilot.press("r")
        assert f"{title}{'↑' if before == '↓' else '↓'}" in text_of(app)[0]

    play(act)


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        ("id", ["1-ada", "2-bob", "3-cleo"]),
        ("loss", ["3-cleo", "1-ada", "2-bob"]),  # 1.0, 2.0, and none at all last
        ("step", ["2-bob", "3-cleo", "1-ada"]),
        ("breaks", ["1-ada", "2-bob", "3-cleo"]),
        ("margin", ["3-cleo", "2-bob", "1-ada"]),
        ("age", ["3-cleo", "2-bob", "1-ada"]),
    ],
)
def test_each_column_sorts_by_its_value_with_the_missing_ones_last(column: str, expected: list[str]) -> None:
    async def act(app: Stage, panel: RunsPanel, pilot: Pilot[None]) -> None:
        names = SHOWN
        panel.action_sort(names.index(column) - names.index("age"))
        assert order(app) == expected
        panel.action_reverse()
        missing = [run.id for run in RUNS if FIELDS[column][2](run) is None]
        assert order(app) == [*[run for run in reversed(expected) if run not in missing], *missing]

    play(act)


def test_scores_have_columns_of_their_own_once_a_run_has_any() -> None:
    judged = Run("4-eval", kind="eval", created=50.0, score=6.254, score_raw=5.5, critical=2)
    clean = Run("5-eval", kind="eval", created=40.0, score=7.0, critical=0)

    async def act(app: Stage, panel: RunsPanel, pilot: Pilot[None]) -> None:
        assert not {"score", "raw", "critical"} & set(text_of(app)[0].split())
        panel.show([*RUNS, judged, clean])
        await pilot.pause()
        title, *lines = text_of(app)
        assert title.split().index("raw") == title.split().index("score") + 1
        line = next(line for line in lines if "4-eval" in line)
        assert [word for word in line.split() if word in ("6.25", "5.50", "2")] == ["6.25", "5.50", "2"]
        # the judge of the other gave no overall of its own: no number stands for that
        assert next(line for line in lines if "5-eval" in line).split().count("0") == 1
        while "score↓" not in text_of(app)[0]:
            await pilot.press("s")
        assert order(app)[:2] == ["5-eval", "4-eval"]
        panel.show(RUNS)
        await pilot.pause()
        assert "age↓" in text_of(app)[0]
        assert "score" not in text_of(app)[0]

    play(act, size=(200, 20))


def test_the_filter_compares_scores() -> None:
    runs = [Run("1", score=6.0, critical=3), Run("2", score=4.0, critical=0), Run("3")]
    assert [run.id for run in runs if parse_filter("score>5", READS)(run)] == ["1"]
    assert [run.id for run in runs if parse_filter("critical=0", READS)(run)] == ["2"]


# ---------------------------------------------------------------- filtering


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("", "123"),
        ("   ", "123"),
        ("ada", "1"),
        ("ADA", "1"),
        ("madison", "123"),
        ("madison running", "2"),
        ("status:running", "2"),
        ("status:RUN", "2"),
        ("base:qwen", "1"),
        ("objective:simpo", "2"),
        ("-bob", "13"),
        ("-status:lost -base:qwen", "2"),
        ("loss<1.5", "3"),
        ("loss>=1", "13"),
        ("loss=2", "1"),
        ("-loss<1.5", "12"),
        ("margin>0", "23"),
        ("margin<-0.1", "1"),
        ("step>=20", "23"),
        ("step<=20 step>10", "3"),
        ("breaks>10%", "3"),
        ("breaks>0.1", "3"),
        ("breaks<=5%", "12"),
        ("name:voice", "123"),
        ("name:x", ""),
        ("no such run", ""),
        # broken terms: never an error, and nothing is kept by a comparison with what is no number
        ("loss<", ""),
        ("loss<abc", ""),
        ("loss<%", ""),
        ("loss<nan", ""),
        ("loss<inf", "13"),
        ("loss<1e999", "13"),
        ("loss<<2", ""),
        ("status<3", ""),
        ("unknown:x", ""),
        ("unknown<5", ""),
        (":", ""),
        ("status:", ""),
        ("-", "123"),
        ("--ada", "1"),
        ("(", ""),
        ("[red]", ""),
        ("\\", ""),
        ("*", ""),
    ],
)
def test_the_filter_keeps(text: str, kept: str) -> None:
    keep = parse_filter(text, READS)
    assert "".join(run.id[0] for run in RUNS if keep(run)) == kept


def test_the_filter_field_opens_types_filters_and_goes() -> None:
    async def act(app: Stage, panel: RunsPanel, pilot: Pilot[None]) -> None:
        field = app.query_one(Input)
        assert not field.is_on_screen
        await pilot.press("slash")
        await pilot.pause()
        assert field.has_focus
        assert field.is_on_screen
        await pilot.press(*"status:r")
        assert order(app) == ["2-bob"]
        assert count(app) == "1 of 3"
        await pilot.press("enter")
        assert app.table.has_focus
        assert field.is_on_screen, "the filter that holds stays in sight"
        await pilot.press("escape")
        assert not field.is_on_screen
        assert order(app) == ["3-cleo", "2-bob", "1-ada"]
        await pilot.press("slash", "enter")
        assert not field.is_on_screen

    play(act)


def test_beside_the_count_stands_which_term_is_not_understood() -> None:
    async def act(app: Stage, panel: RunsPanel, pilot: Pilot[None]) -> None:
        await pilot.press("slash", *"loss<[b]x")
        assert count(app) == "'[b]x' is no number · 0 of 3"
        app.query_one(Input).value = "status:foo"
        await pilot.pause()
        assert count(app) == "nothing has 'status:foo' · 0 of 3"
        app.query_one(Input).value = "status:lost"
        await pilot.pause()
        assert count(app) == "1 of 3"

    play(act)


def test_ids_that_differ_at_their_ends_are_told_apart_in_a_narrow_terminal() -> None:
    ends = ("export-1a2b", "export-3c4d", "parity-5e6f")
    runs = [Run(f"20260101-0900-the-elder-madison-orpo-{end}", created=i) for i, end in enumerate(ends)]

    async def act(app: Stage, panel: RunsPanel, pilot: Pilot[None]) -> None:
        assert order(app) == [f"20260101-0900-the-eld…-{end}" for end in reversed(ends)]

    play(act, runs, (80, 24))


def test_a_filter_that_nothing_passes_says_how_to_clear_it_and_no_run_has_the_cursor() -> None:
    async def act(app: Stage, panel: RunsPanel, pilot: Pilot[None]) -> None:
        await pilot.press("slash", *"zzz", "enter")
        assert "no run matches the filter; esc clears it" in "\n".join(text_of(app))
        assert (panel.cursor_run, panel.text_to_copy()) == (None, "")
        await pilot.press("space", "p", "enter")
        assert not [heard for heard in app.heard if heard[0] != "Moved"]
        await pilot.press("escape")
        assert panel.cursor_run is not None

    play(act)


def test_a_workspace_that_empties_after_a_filter_says_again_how_to_make_a_run() -> None:
    async def act(app: Stage, panel: RunsPanel, pilot: Pilot[None]) -> None:
        await pilot.press("slash", *"zzz", "escape")
        panel.show(())
        assert "no runs yet" in "\n".join(text_of(app))

    play(act)


def test_runs_that_come_while_a_filter_holds_are_filtered_too() -> None:
    async def act(app: Stage, panel: RunsPanel, pilot: Pilot[None]) -> None:
        await pilot.press("slash", *"status:lost", "enter")
        panel.show((*RUNS, Run("4-dan", status="lost", created=400.0), Run("5-eve", created=500.0)))
        assert order(app) == ["4-dan", "3-cleo"]

    play(act)


# ---------------------------------------------------------------- keys and the cursor


def test_keys_ask_for_a_mark_a_pin_and_the_curves_of_the_run_under_the_cursor() -> None:
    async def act(app: Stage, panel: RunsPanel, pilot: Pilot[None]) -> None:
        await pilot.press("j", "space", "p", "enter", "k", "space")
        assert [heard for heard in app.heard if heard[0] != "Moved"] == [
            ("Marked", "2-bob"), ("Pinned", "2-bob"), ("Opened", "2-bob"), ("Marked", "3-cleo"),
        ]  # fmt: skip
        assert ("Moved", "2-bob") in app.heard

    play(act)


def test_marks_and_the_baseline_stand_in_the_gutter_and_the_baseline_wins() -> None:
    async def act(app: Stage, panel: RunsPanel, pilot: Pilot[None]) -> None:
        panel.show(RUNS, marked=["1-ada", "2-bob"], baseline="2-bob")
        assert {line[2:].split()[0]: line[0] for line in text_of(app)[1:] if line.strip()} == {
            "3-cleo": " ", "2-bob": "◆", "1-ada": "●",
        }  # fmt: skip
        panel.show(RUNS)
        assert {line[0] for line in text_of(app)[1:] if line.strip()} == {" "}

    play(act)


def test_the_cursor_stays_on_its_run_when_rows_come_go_and_change_places() -> None:
    async def act(app: Stage, panel: RunsPanel, pilot: Pilot[None]) -> None:
        await pilot.press("j")
        assert panel.cursor_run == "2-bob"
        panel.show((*RUNS, *(Run(f"9-new-{n}", created=900.0 + n) for n in range(30))))
        assert panel.cursor_run == "2-bob"
        panel.show(tuple(replace(run, created=-run.created) for run in RUNS))
        assert panel.cursor_run == "2-bob"
        panel.action_sort(-1)
        panel.action_reverse()
        assert panel.cursor_run == "2-bob"
        panel.show([run for run in RUNS if run.id != "2-bob"])
        assert panel.cursor_run in ("1-ada", "3-cleo")
        panel.show([])
        assert panel.cursor_run is None

    play(act)


def test_ten_thousand_runs_are_filtered_sorted_and_gone_through() -> None:
    runs = [Run(f"{n:05d}-run", created=float(n), loss=(n * 7919) % 10_000 / 1000) for n in range(10_000)]

    async def act(app: Stage, panel: RunsPanel, pilot: Pilot[None]) -> None:
        assert panel.cursor_run == "09999-run"
        await pilot.press("end")
        assert panel.cursor_run == "00000-run"
        await pilot.press("slash", *"loss<0.003", "enter")
        assert count(app) == "3 of 10,000"
        assert sorted(order(app)) == sorted(run.id for run in runs if run.loss is not None and run.loss < 0.003)
        await pilot.press("escape")
        assert len(order(app)) == app.table.content_size.height - 1

    play(act, runs)


def test_hostile_text_is_shown_as_text_in_cells_of_the_right_width() -> None:
    runs = [
        Run(
            "1-ada", name=HOSTILE, base=HOSTILE * 9000, dataset=HOSTILE, objective=HOSTILE, status=HOSTILE, kind=HOSTILE
        ),
        Run(HOSTILE, problem=HOSTILE * 9000),
    ]

    async def act(app: Stage, panel: RunsPanel, pilot: Pilot[None]) -> None:
        strips = app.table.draw_lines(*app.table.content_size)
        text = "".join(strip.text for strip in strips)
        assert "[red]x[/red]" in text
        assert not [char for char in text if unicodedata.category(char) in ("Cc", "Cf", "Zl", "Zp")]
        rows = [strip for strip in strips if strip.text.strip()]
        assert {strip.cell_length for strip in rows} == {app.table.content_size.width}
        await pilot.press("slash", *"[red]", "enter")
        assert len(order(app)) == 2

    play(act, runs)


def test_every_size_is_drawn() -> None:
    async def act(app: Stage, panel: RunsPanel, pilot: Pilot[None]) -> None:
        for size in ((1, 1), (2, 40), (40, 2), (80, 24)):
            await pilot.resize_terminal(*size)
            await pilot.press("slash", "a", "escape", "j")

    play(act)


def test_values_that_are_not_finite_do_not_break_the_order() -> None:
    runs = [Run("1", loss=math.inf), Run("2", loss=-math.inf), Run("3", loss=1.0)]

    async def act(app: Stage, panel: RunsPanel, pilot: Pilot[None]) -> None:
        names = SHOWN
        panel.action_sort(names.index("loss") - names.index("age"))
        assert order(app) == ["2", "3", "1"]

    play(act, runs)


def test_the_filter_compares_ages_in_seconds() -> None:
    runs = [Run("1", created=time.time() - 30), Run("2", created=time.time() - 7200)]
    assert [run.id for run in runs if parse_filter("age<3600", READS)(run)] == ["1"]
    assert [run.id for run in runs if parse_filter("age>3600", READS)(run)] == ["2"]
