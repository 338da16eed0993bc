"""The bottom line: as many keys as fit, and always the last ones."""

from __future__ import annotations

import asyncio

import pytest
from textual.app import App, ComposeResult

from panels.keys import Keys

KEYS = (("/", "Filter"), ("space", "Mark"), ("K", "Stop"), ("?", "Help"), ("q", "Quit"))


class Stage(App[None]):
    def compose(self) -> ComposeResult:
        yield Keys(last=("Help", "Quit"))


def draw(width: int, keys: tuple[tuple[str, str], ...] = KEYS) -> str:
    found = []

    async def go() -> None:
        app = Stage()
        async with app.run_test(size=(width, 3)) as pilot:
            line = app.query_one(Keys)
            line.show(keys)
            await pilot.pause()
            assert line.render_line(0).cell_length == width
            found.append(line.render_line(0).text)

    asyncio.run(go())
    return found[0]


@pytest.mark.parametrize(
    ("width", "shown"),
    [
        (80, "/ Filter  space Mark  K Stop  ? Help  q Quit"),
        (40, "/ Filter  space Mark  ? Help  q Quit"),
        (30, "/ Filter  ? Help  q Quit"),
        (17, "? Help  q Quit"),
    ],
)
def test_the_last_keys_stay_when_others_go(width: int, shown: str) -> None:
    assert draw(width).strip() == shown


@pytest.mark.parametrize("width", [1, 2, 9])
def test_a_line_too_short_for_any_is_cut_and_still_whole(width: int) -> None:
    assert len(draw(width)) == width


def test_no_keys_are_an_empty_line() -> None:
    assert draw(20, ()) == " " * 20
