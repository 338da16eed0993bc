"""The ledger: what has a price and what has none, sums under their columns, budgets as bars, and how it is sorted."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest
from textual.app import App, ComposeResult
from textual.pilot import Pilot

from panels.ledger import CostView, LedgerPanel, LedgerView, Totals, describe_time, fill_row, shorten_count
from panels.table import Table

NOTHING = CostView("20260101-0900-ada-1a2b", "train", 0, 0, 0, 0, 0, 0, 0, None, None, 0.0, False, None, 0.0)
TRAINED = replace(NOTHING, train_seconds=3725, train_tokens=1_234_567, machine_usd=2.5, usd=2.5, budget=2.0, spent=2.5)
JUDGED = replace(
    NOTHING, run="20260102-0900-eval-3c4d", kind="eval", generate_seconds=42, generate_tokens=812, judgements=36, failed=2,
    judge_tokens=88_000, judge_usd=0.144, usd=0.144, partly=True, budget=0.5, spent=0.144,
)  # fmt: skip
UNKNOWN = replace(
    NOTHING, run="20260103-0900-eval-5e6f", kind="eval", generate_seconds=9, usd=None, budget=1.0, spent=None
)
WHOLE = replace(
    TRAINED, run="3 runs", kind="", generate_seconds=51, generate_tokens=812, judgements=36, failed=2, judge_tokens=88_000,
    judge_usd=0.144, usd=2.644, partly=True, budget=3.5, spent=None,
)  # fmt: skip
LEDGER = LedgerView((TRAINED, JUDGED, UNKNOWN), WHOLE, 2, "CHARLAB_USD_PER_HOUR is what an hour here costs")

Act = Callable[["Stage", LedgerPanel, Pilot[None]], Awaitable[None]]


class Stage(App[None]):
    def __init__(self) -> None:
        super().__init__()
        self.opened: list[str] = []

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return {"good": "green", "bad": "red"}

    def compose(self) -> ComposeResult:
        yield LedgerPanel()

    def on_ledger_panel_opened(self, message: LedgerPanel.Opened) -> None:
        self.opened.append(message.run)


def play(act: Act, size: tuple[int, int] = (200, 20), ledger: LedgerView = LEDGER) -> None:
    async def go() -> None:
        app = Stage()
        async with app.run_test(size=size) as pilot:
            panel = app.query_one(LedgerPanel)
            panel.show(ledger)
            panel.query_one(Table).focus()
            await pilot.pause()
            await act(app, panel, pilot)

    asyncio.run(go())


def table_of(panel: LedgerPanel) -> list[str]:
    table = panel.query_one(Table)
    return [strip.text for strip in table.draw_lines(*table.content_size)]


def foot_of(panel: LedgerPanel) -> list[str]:
    totals = panel.query_one(Totals)
    return [strip.text for strip in totals.draw_lines(*totals.content_size)]


def order(panel: LedgerPanel) -> list[str]:
    return [line.split()[0][-4:] for line in table_of(panel)[1:] if line.strip()]


def test_a_price_that_is_not_known_is_a_dot_and_what_did_not_happen_is_left_empty() -> None:
    texts = [text for text, _ in fill_row(UNKNOWN)]
    assert texts[8:] == ["", "·", "·", "? of $1.00"]
    texts = [text for text, _ in fill_row(TRAINED)]
    assert texts == [
        TRAINED.run, "train", "1:02:05", "1.23M", "", "", "", "", "", "2.50", "2.50", "██████ 125% of $2.00",
    ]  # fmt: skip
    texts = [text for text, _ in fill_row(JUDGED)]
    assert texts[4:] == ["42 s", "812", "36 (2✗)", "88.0k", "0.1440", "·", "≥ 0.1440", "██░░░░ 29% of $0.50"]


def test_the_sums_stand_under_their_columns_and_a_line_says_what_lacks_a_price() -> None:
    async def act(app: Stage, panel: LedgerPanel, pilot: Pilot[None]) -> None:
        title, foot = table_of(panel)[0], foot_of(panel)
        assert foot[1].startswith("  3 runs ")
        end = title.index("machine $") + len("machine $")
        assert foot[1][:end].endswith("2.50")
        assert "2 runs lack a price: CHARLAB_USD_PER_HOUR" in foot[2]
        panel.show(replace_ledger(unpriced=0))
        await pilot.pause()
        assert len(foot_of(panel)) == 2

    play(act)


def replace_ledger(unpriced: int) -> LedgerView:
    return LedgerView(LEDGER.costs, replace(WHOLE, partly=False), unpriced, "")


def test_where_the_budget_has_no_column_it_has_a_line() -> None:
    async def act(app: Stage, panel: LedgerPanel, pilot: Pilot[None]) -> None:
        assert "budget" not in table_of(panel)[0]
        assert foot_of(panel)[2].strip() == "budget ? of $3.50"
        assert all(run in "".join(table_of(panel)) for run in (TRAINED.run, JUDGED.run, UNKNOWN.run))

    play(act, (80, 24))


def test_s_sorts_by_the_next_column_with_the_unknown_last_and_r_turns_it_round() -> None:
    async def act(app: Stage, panel: LedgerPanel, pilot: Pilot[None]) -> None:
        assert order(panel) == ["5e6f", "3c4d", "1a2b"]
        while "all $↓" not in table_of(panel)[0]:
            await pilot.press("s")
        assert order(panel) == ["1a2b", "3c4d", "5e6f"]
        await pilot.press("r")
        assert order(panel) == ["3c4d", "1a2b", "5e6f"]

    play(act)


def test_enter_asks_for_the_run_and_the_copy_holds_every_row_and_the_sums() -> None:
    async def act(app: Stage, panel: LedgerPanel, pilot: Pilot[None]) -> None:
        await pilot.press("j", "enter")
        assert app.opened == [JUDGED.run]
        lines = panel.text_to_copy().splitlines()
        assert [line.split("\t")[0] for line in lines] == ["run", UNKNOWN.run, JUDGED.run, TRAINED.run, "3 runs"]

    play(act)


@pytest.mark.parametrize("size", [(1, 1), (5, 3), (80, 4), (200, 2)])
def test_every_size_is_drawn_whole(size: tuple[int, int]) -> None:
    async def act(app: Stage, panel: LedgerPanel, pilot: Pilot[None]) -> None:
        await pilot.press("s", "j", "r")
        strips = app.screen._compositor.render_strips()
        assert [strip.cell_length for strip in strips] == [size[0]] * size[1]

    play(act, size)


def test_a_hostile_name_is_shown_as_text() -> None:
    hostile = replace(TRAINED, run="[red]x[/] \x1b[31mred\u202e", kind="\x07train")

    async def act(app: Stage, panel: LedgerPanel, pilot: Pilot[None]) -> None:
        assert table_of(panel)[1].startswith("  [red]x[/] red ")
        assert "\x1b" not in panel.text_to_copy()

    play(act, ledger=LedgerView((hostile,), hostile, 0, ""))


def test_times_and_counts_are_short() -> None:
    assert [describe_time(s) for s in (0, 4.24, 59, 61, 3600)] == ["", "4.2 s", "59 s", "1:01", "1:00:00"]
    assert [shorten_count(n) for n in (999, 1000, 12_345, 999_000, 4_060_000)] == [
        "999", "1.00k", "12.3k", "999k", "4.06M",
    ]  # fmt: skip


def test_a_long_id_keeps_its_end_in_a_narrow_terminal() -> None:
    exported = replace(NOTHING, run="20260104-0900-madison-orpo-export-8aa0", kind="export")

    async def act(app: Stage, panel: LedgerPanel, pilot: Pilot[None]) -> None:
        table = panel.query_one(Table)
        assert "20260104-0900-madison…-export-8aa0 " in table.render_line(1).text

    play(act, (80, 20), replace(LEDGER, costs=(exported,)))
