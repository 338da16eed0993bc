"""The top line: numbered panels that shrink before they vanish, and words that give way first."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from textual.app import App, ComposeResult
from textual.pilot import Pilot

from panels.bar import Bar

NINE = ("Runs", "Training", "Sentinels", "Compare", "Datasets", "Launch", "Chat", "Evals", "Ledger")
PANELS = (("runs", "Runs"), ("training", "Training"), ("compare", "Compare"), ("launch", "Launch"))


class Stage(App[None]):
    def __init__(self) -> None:
        super().__init__()
        self.chosen: list[str] = []

    def compose(self) -> ComposeResult:
        yield Bar(PANELS)

    def on_bar_chosen(self, message: Bar.Chosen) -> None:
        self.chosen.append(message.panel)


def play(act: Callable[[Stage, Bar, Pilot[None]], Awaitable[None]], size: tuple[int, int] = (120, 3)) -> None:
    async def go() -> None:
        app = Stage()
        async with app.run_test(size=size) as pilot:
            await act(app, app.query_one(Bar), pilot)

    asyncio.run(go())


def text_of(bar: Bar) -> str:
    return bar.render_line(0).text


def test_the_open_panel_is_lit_and_the_words_stand_at_the_right() -> None:
    async def act(app: Stage, bar: Bar, pilot: Pilot[None]) -> None:
        bar.show(open="compare", words=("2 running", "~/lab"))
        await pilot.pause()
        text = text_of(bar)
        assert text.startswith(" charlab  1 Runs  2 Training  3 Compare  4 Launch ")
        assert text.endswith("  2 running  ~/lab ")
        lit = bar.get_component_rich_style("bar--open").bgcolor
        assert "".join(s.text for s in bar.render_line(0) if s.style and s.style.bgcolor == lit) == " 3 Compare "
        bar.show(words=("idle",))
        await pilot.pause()
        assert "".join(s.text for s in bar.render_line(0) if s.style and s.style.bgcolor == lit) == " 3 Compare "
        assert text_of(bar).endswith(" idle ")

    play(act)


@pytest.mark.parametrize("width", [1, 2, 5, 9, 12, 20, 30, 40, 50, 60, 89, 90, 200])
def test_at_every_width_the_line_is_whole_and_panels_are_numbered_as_far_as_there_is_room(width: int) -> None:
    async def act(app: Stage, bar: Bar, pilot: Pilot[None]) -> None:
        bar.show(open="runs", words=("words",) * 9)
        await pilot.pause()
        line = bar.render_line(0)
        assert line.cell_length == width
        if width >= 20:
            assert [word for word in line.text.split() if word.isdigit()] == ["1", "2", "3", "4"]
        if width >= 50:
            assert all(title in line.text for _, title in PANELS)

    play(act, (width, 3))


def test_words_that_do_not_fit_are_left_out_before_any_panel_is() -> None:
    async def act(app: Stage, bar: Bar, pilot: Pilot[None]) -> None:
        bar.show(words=("a folder with a long name " * 5,))
        await pilot.pause()
        assert text_of(bar).split() == ["charlab", "1", "Runs", "2", "Training", "3", "Compare", "4", "Launch"]

    play(act)


def test_the_last_words_give_way_first() -> None:
    async def act(app: Stage, bar: Bar, pilot: Pilot[None]) -> None:
        bar.show(words=("read only", "a folder with a long name " * 5))
        await pilot.pause()
        assert text_of(bar).endswith(" read only ")

    play(act)


def test_hostile_words_are_shown_as_text() -> None:
    async def act(app: Stage, bar: Bar, pilot: Pilot[None]) -> None:
        bar.show(words=("[red]x[/] \x1b[31mred\u202e\n~/lab",))
        await pilot.pause()
        assert text_of(bar).endswith(" [red]x[/] red ~/lab ")

    play(act)


@pytest.mark.parametrize("width", [120, 60, 30])
def test_a_click_on_a_name_asks_for_its_panel(width: int) -> None:
    async def act(app: Stage, bar: Bar, pilot: Pilot[None]) -> None:
        await pilot.pause()
        text = text_of(bar)
        for number in range(1, 5):
            await pilot.click(bar, offset=(text.index(f" {number} ") + 1, 0))
        await pilot.click(bar, offset=(width - 1, 0))
        assert app.chosen == [name for name, _ in PANELS]

    play(act, (width, 3))


@pytest.mark.parametrize(
    ("width", "text"),
    [
        (103, " charlab  1 Runs  2 Training  3 Sentinels  4 Compare  5 Datasets  6 Launch  7 Chat  8 Evals  9 Ledger"),
        (102, " 1 Runs  2 Training  3 Sentinels  4 Compare  5 Datasets  6 Launch  7 Chat  8 Evals  9 Ledger"),
        (90, " 1 Runs  2 Train  3 Sentinels  4 Compare  5 Data  6 Launch  7 Chat  8 Evals  9 Ledger"),
        (80, " 1 Runs 2 Train 3 Sentinels 4 Compare 5 Data 6 Launch 7 Chat 8 Evals 9 Ledger"),
        (60, " 1 2 3 Sentinels 4 5 6 7 8 9"),
        (20, " 1 2 3 4 5 6 7 8 9"),
    ],
)
def test_no_name_is_cut_and_where_there_is_no_room_the_open_panel_keeps_its_own(width: int, text: str) -> None:
    async def go() -> None:
        app: App[None] = App()
        async with app.run_test(size=(width, 3)) as pilot:
            bar = Bar([(title.lower(), title) for title in NINE])
            await app.mount(bar)
            bar.show(open="sentinels")
            await pilot.pause()
            assert text_of(bar).rstrip() == text
            assert bar.render_line(0).cell_length == width

    asyncio.run(go())
