"""The help: sections of text as text, keys in a column, and a way out."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import pytest
from textual.app import App
from textual.containers import VerticalScroll
from textual.pilot import Pilot
from textual.widgets import Static

from driving import wait_until
from panels.help import Help

SECTIONS = (("Loss [b]", "What it [red]is[/red].\n\nHealthy: falls."), ("Margin", "Higher is better."))
KEYS = (("/", "Filter"), ("space", "Mark"))


def play(
    act: Callable[[App[None], Help, Pilot[None]], Awaitable[None]],
    sections: Sequence[tuple[str, str]] = SECTIONS,
    keys: Sequence[tuple[str, str]] = KEYS,
    size: tuple[int, int] = (80, 24),
) -> None:
    async def go() -> None:
        app: App[None] = App()
        async with app.run_test(size=size) as pilot:
            screen = Help(sections, keys)
            app.push_screen(screen)
            await pilot.pause()
            await act(app, screen, pilot)

    asyncio.run(go())


def test_sections_and_keys_are_shown_as_plain_text() -> None:
    async def act(app: App[None], screen: Help, pilot: Pilot[None]) -> None:
        assert str(screen.query_one(Static).content) == (
            "Loss [b]\nWhat it [red]is[/red].\n\nHealthy: falls.\n\nMargin\nHigher is better.\n\n"
            "Keys\n    /  Filter\nspace  Mark\n"
        )

    play(act)


@pytest.mark.parametrize("key", ["escape", "q", "question_mark", "f1"])
def test_a_key_closes_it(key: str) -> None:
    async def act(app: App[None], screen: Help, pilot: Pilot[None]) -> None:
        await pilot.press(key)
        await pilot.pause()
        assert app.screen is not screen

    play(act)


def test_a_long_text_is_gone_through_by_keys() -> None:
    async def act(app: App[None], screen: Help, pilot: Pilot[None]) -> None:
        scroll = screen.query_one(VerticalScroll)
        await pilot.press("j", "j", "k")
        await pilot.pause()
        assert scroll.scroll_offset.y == 1
        await pilot.press("end")
        await wait_until(pilot, lambda: scroll.scroll_offset.y > 20, "the end")

    play(act, [("Long", "\n".join(str(n) for n in range(99)))])


def test_nothing_to_say_and_one_cell_are_survived() -> None:
    async def act(app: App[None], screen: Help, pilot: Pilot[None]) -> None:
        assert str(screen.query_one(Static).content) == ""
        await pilot.press("j", "k", "escape")

    play(act, (), (), (1, 1))
