"""What a widget of lines promises: the cells that changed are repainted, no others, and nothing out of sight."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Self

import pytest
from rich.segment import Segment
from rich.style import Style
from textual.app import App, ComposeResult
from textual.containers import Container
from textual.geometry import Region
from textual.pilot import Pilot
from textual.strip import Strip

from panels.lines import Lines, find_changes

RED = Style(color="red")


class Letters(Lines):
    """Shows its texts, counts its drawings and keeps what it asked to have repainted."""

    DEFAULT_CSS = "Letters { color: red; } Letters.framed { border: solid green; padding: 1 2; }"

    def __init__(self, classes: str | None = None) -> None:
        super().__init__(classes=classes)
        self.texts = ["alpha", "beta", "gamma"]
        self.drawn = 0
        self.asked: list[tuple[Region, ...]] = []

    def draw_lines(self, width: int, height: int) -> list[Strip]:
        self.drawn += 1
        return [Strip([Segment(text, self.rich_style)]) for text in self.texts]

    def refresh(self, *regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False) -> Self:
        if self.is_mounted:
            self.asked.append(regions)
        return super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)

    def painted(self) -> list[str]:
        return [strip.text.rstrip() for strip in self.render_lines(self.outer_size.region)]

    def change(self, *texts: str) -> None:
        self.texts = list(texts)
        self.asked.clear()
        self.drawn = 0
        self.redraw()


class LettersApp(App[None]):
    def __init__(self, letters: Letters) -> None:
        super().__init__()
        self.letters = letters

    def compose(self) -> ComposeResult:
        with Container():
            yield self.letters


def run(
    check: Callable[[Letters, Pilot[None]], Awaitable[None]], size: tuple[int, int] = (20, 6), classes: str = ""
) -> None:
    async def go() -> None:
        letters = Letters(classes)
        async with LettersApp(letters).run_test(size=size) as pilot:
            await pilot.pause()
            await check(letters, pilot)

    asyncio.run(go())


# ---------------------------------------------------------------- what changed


@pytest.mark.parametrize(
    ("old", "new", "span"),
    [
        ("abcdef", "abcdef", None),
        ("abcdef", "abXdef", (2, 3)),
        ("abcdef", "XbcdeX", (0, 6)),
        ("日本語ab", "日木語ab", (2, 4)),
        ("ab日c", "abxyc", (2, 4)),
        ("abxyc", "ab日c", (2, 4)),
        ("ab日c", "abx c", (2, 4)),
        ("❤\ufe0f ab", "❤\ufe0f aX", (4, 5)),
        ("e\u0301bc", "ebc", (0, 1)),
        ("e\u0301bc", "e\u0301bX", (2, 3)),
        ("日a", "日b", (2, 3)),
    ],
)
def test_the_span_of_a_change_is_counted_in_cells(old: str, new: str, span: tuple[int, int] | None) -> None:
    assert find_changes(Strip([Segment(old)]), Strip([Segment(new)])) == ([span] if span else [])


def test_changes_far_apart_are_spans_of_their_own_and_near_ones_are_one() -> None:
    old = Strip([Segment("a" * 60)])
    new = Strip([Segment("X" + "a" * 5 + "X" + "a" * 40 + "X" + "a" * 12)])
    assert find_changes(old, new) == [(0, 7), (47, 48)]


def test_a_change_of_style_alone_is_a_change() -> None:
    old = Strip([Segment("abcd")])
    new = Strip([Segment("a"), Segment("bc", RED), Segment("d")])
    assert find_changes(old, new) == [(1, 3)]


def test_the_same_cells_in_other_segments_are_no_change() -> None:
    assert find_changes(Strip([Segment("abcd")]), Strip([Segment("ab"), Segment("cd")])) == []


def test_a_style_change_of_half_a_wide_character_repaints_both_halves() -> None:
    old = Strip([Segment("a日b")])
    new = Strip([Segment("a"), Segment("日", RED), Segment("b")])
    assert find_changes(old, new) == [(1, 3)]


# ---------------------------------------------------------------- what is repainted


def test_one_changed_letter_repaints_one_cell() -> None:
    async def check(letters: Letters, pilot: Pilot[None]) -> None:
        letters.change("alpha", "beXa", "gamma")
        assert letters.asked == [(Region(2, 1, 1, 1),)]
        await pilot.pause()
        assert letters.painted() == ["alpha", "beXa", "gamma", "", "", ""]

    run(check)


def test_nothing_is_repainted_when_nothing_changed() -> None:
    async def check(letters: Letters, pilot: Pilot[None]) -> None:
        letters.change("alpha", "beta", "gamma")
        assert letters.drawn == 1
        assert letters.asked == []

    run(check)


def test_a_change_inside_a_border_and_padding_is_painted_where_it_stands() -> None:
    async def check(letters: Letters, pilot: Pilot[None]) -> None:
        letters.change("alphX", "beta", "gamma")
        await pilot.pause()
        texts = [line.strip("│ ") for line in letters.painted()[2:5]]
        assert texts == ["alphX", "beta", "gamma"]

    run(check, size=(20, 9), classes="framed")


def test_a_change_of_colour_draws_everything_anew() -> None:
    async def check(letters: Letters, pilot: Pilot[None]) -> None:
        letters.styles.color = "blue"
        await pilot.pause()
        (first, *_), *_ = letters.render_lines(letters.outer_size.region)
        assert first.style is not None
        assert first.style.color == Style(color="#0000ff").color

    run(check)


# ---------------------------------------------------------------- out of sight


@pytest.mark.parametrize("whole_parent", [False, True], ids=["itself", "its parent"])
def test_what_is_hidden_is_not_drawn_and_is_right_when_shown(whole_parent: bool) -> None:
    async def check(letters: Letters, pilot: Pilot[None]) -> None:
        hidden = pilot.app.query_one(Container) if whole_parent else letters
        hidden.display = False
        await pilot.pause()
        letters.change("one", "two", "three")
        letters.change("uno", "due", "tre")
        await pilot.pause()
        assert letters.drawn == 0
        hidden.display = True
        await pilot.pause()
        assert letters.painted()[:3] == ["uno", "due", "tre"]
        assert letters.drawn == 1
        letters.change("uno", "due", "tra")
        assert letters.asked == [(Region(2, 2, 1, 1),)]

    run(check)


def test_a_redraw_before_it_is_mounted_or_after_it_is_gone_does_nothing() -> None:
    async def check(letters: Letters, pilot: Pilot[None]) -> None:
        letters.change("one")
        await letters.remove()
        letters.change("two")
        assert letters.drawn == 0

    fresh = Letters()
    fresh.change("early")
    assert fresh.drawn == 0
    run(check)


# ---------------------------------------------------------------- sizes


def test_a_screen_of_one_cell_shows_one_letter() -> None:
    async def check(letters: Letters, pilot: Pilot[None]) -> None:
        assert letters.painted() == ["a"]
        letters.change("z")
        await pilot.pause()
        assert letters.painted() == ["z"]

    run(check, size=(1, 1))


def test_lines_longer_and_more_than_the_widget_are_cut() -> None:
    async def check(letters: Letters, pilot: Pilot[None]) -> None:
        letters.change("abcdefgh", "日本語", "x")
        await pilot.pause()
        assert letters.painted() == ["abcde", "日本"]

    run(check, size=(5, 2))


def test_a_resize_draws_for_the_new_size() -> None:
    async def check(letters: Letters, pilot: Pilot[None]) -> None:
        for size in ((3, 2), (1, 1), (200, 50), (20, 2)):
            await pilot.resize_terminal(*size)
            letters.change("alpha", "beta", "gamma")
            await pilot.pause()
            texts = [text[: size[0]] for text in letters.texts] + [""] * 50
            assert letters.painted() == texts[: size[1]]

    run(check)
