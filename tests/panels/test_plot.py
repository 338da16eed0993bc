"""The chart as a widget: its title and readings, colours of the theme, and few cells repainted where few change."""

from __future__ import annotations

import asyncio
import math
import unicodedata
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Self

import pytest
from textual.app import App, ComposeResult
from textual.geometry import Region
from textual.pilot import Pilot

from panels.axis import Axis
from panels.chart import Mark
from panels.plot import Curve, Plot, Reading
from panels.series import Series

COLOURS = {f"curve-{n}": f"#0000{n:x}{n:x}" for n in range(1, 9)} | {
    "band": "#222222",
    "good": "#00aa00",
    "bad": "#aa0000",
}


def series_of(ys: Sequence[float | None]) -> Series:
    series = Series()
    for x, y in enumerate(ys):
        series.append(x, y)
    return series


class Watched(Plot):
    """Keeps what it asked to have repainted."""

    def __init__(self) -> None:
        super().__init__(title="loss")
        self.repainted: list[tuple[Region, ...]] = []

    def refresh(self, *regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False) -> Self:
        if self.is_mounted:
            self.repainted.append(regions)
        return super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)


class Stage(App[None]):
    def get_theme_variable_defaults(self) -> dict[str, str]:
        return COLOURS

    def compose(self) -> ComposeResult:
        yield Watched()


def play(act: Callable[[Watched, Pilot[None]], Awaitable[None]], size: tuple[int, int] = (60, 12)) -> None:
    async def go() -> None:
        app = Stage()
        async with app.run_test(size=size) as pilot:
            await pilot.pause()
            await act(app.query_one(Watched), pilot)

    asyncio.run(go())


def rows(plot: Plot) -> list[str]:
    return [plot.render_line(y).text for y in range(plot.size.height)]


def colour_of(plot: Plot, text: str) -> set[str]:
    """The colours of the theme in which a text stands."""
    names = {colour: name for name, colour in COLOURS.items()}
    found = (s.style.color for y in range(plot.size.height) for s in plot.render_line(y) if text in s.text and s.style)
    return {names.get(colour.name, "other") for colour in found if colour is not None}


def test_the_title_stands_over_the_plot_with_readings_in_the_colours_of_their_curves() -> None:
    async def act(plot: Watched, pilot: Pilot[None]) -> None:
        readings = [Reading("ada 1.5", "curve-1"), Reading("bob 2.5", "curve-6")]
        plot.show([Curve(series_of([1.0, 2.0]), "curve-1")], readings=readings)
        await pilot.pause()
        assert rows(plot)[0].rstrip() == "loss  ada 1.5  bob 2.5"
        assert colour_of(plot, "ada 1.5") == {"curve-1"}
        assert colour_of(plot, "bob 2.5") == {"curve-6"}
        assert "┤" in "".join(rows(plot)[1:])

    play(act)


def test_readings_that_have_no_room_go_whole_and_the_title_is_cut_last() -> None:
    async def act(plot: Watched, pilot: Pilot[None]) -> None:
        plot.show([], readings=[Reading("1.5", "curve-1"), Reading("a long reading", "curve-2")])
        for width, title in ((16, "loss  1.5"), (8, "loss"), (3, "lo…")):
            await pilot.resize_terminal(width, 12)
            assert rows(plot)[0].rstrip() == title

    play(act)


def test_without_room_for_four_rows_there_is_no_title() -> None:
    async def act(plot: Watched, pilot: Pilot[None]) -> None:
        plot.show([Curve(series_of([1.0, 2.0]), "curve-1")])
        await pilot.pause()
        assert not any("loss" in row for row in rows(plot))

    play(act, (60, 3))


def test_a_curve_has_its_colour_and_what_is_not_finite_a_red_tick() -> None:
    async def act(plot: Watched, pilot: Pilot[None]) -> None:
        plot.show([Curve(series_of([1.0] * 5), "curve-7"), Curve(series_of([3.0, math.nan, 3.0]), "good", "dots")])
        await pilot.pause()
        found = {
            names
            for y in range(1, 10)
            for s in plot.render_line(y)
            if any("⠀" < char <= "⣿" for char in s.text) and s.style
            for names in [s.style.color.name if s.style.color else ""]
        }
        assert found == {COLOURS["curve-7"], COLOURS["good"]}
        assert colour_of(plot, "╻") == {"bad"}

    play(act)


def test_smoothing_leaves_alone_the_curves_that_say_so() -> None:
    ys = [float(n % 2) for n in range(60)]

    async def act(plot: Watched, pilot: Pilot[None]) -> None:
        plot.show([Curve(series_of(ys), "curve-1", smooth=False)], smoothing=0.3)
        await pilot.pause()
        left_alone = rows(plot)
        plot.show([Curve(series_of(ys), "curve-1")], smoothing=0.0)
        await pilot.pause()
        assert rows(plot) == left_alone
        plot.show([Curve(series_of(ys), "curve-1")], smoothing=0.3)
        await pilot.pause()
        assert rows(plot) != left_alone

    play(act)


def test_the_same_picture_again_repaints_nothing_and_a_new_value_only_its_cells() -> None:
    series = series_of([1.0, 2.0] * 20)
    told: dict[str, Any] = {"x_range": (0.0, 60.0), "y_range": (0.0, 3.0)}

    async def act(plot: Watched, pilot: Pilot[None]) -> None:
        plot.show([Curve(series, "curve-1")], **told)
        await pilot.pause()
        plot.repainted.clear()
        plot.show([Curve(series, "curve-1")], **told)
        assert plot.repainted == []
        series.append(40, 2.5)
        plot.show([Curve(series, "curve-1")], **told)
        (regions,) = plot.repainted
        assert sum(region.area for region in regions) <= 4 * 4

    play(act)


def test_series_that_were_drawn_and_grow_are_drawn_anew() -> None:
    series, axis = series_of([1.0, 1.0]), Axis()
    axis.append(0, 0.0)
    axis.append(1, 10.0)

    async def act(plot: Watched, pilot: Pilot[None]) -> None:
        plot.show([Curve(series, "curve-1", axis=axis)], x_range=(0.0, 40.0))
        await pilot.pause()
        before = rows(plot)
        series.append(2, 5.0)
        axis.append(2, 40.0)
        plot.show([Curve(series, "curve-1", axis=axis)], x_range=(0.0, 40.0))
        await pilot.pause()
        assert rows(plot) != before
        after = rows(plot)
        series.truncate(1)
        series.append(1, 1.0)
        axis.truncate(2)
        plot.show([Curve(series, "curve-1", axis=axis)], x_range=(0.0, 40.0))
        await pilot.pause()
        assert rows(plot) == before != after


def test_what_a_new_attempt_did_again_takes_the_place_of_the_old_though_there_are_as_many_points() -> None:
    series = series_of([1.0, 2.0, 3.0, 4.0])

    async def act(plot: Watched, pilot: Pilot[None]) -> None:
        plot.show([Curve(series, "curve-1")], y_range=(0.0, 5.0))
        await pilot.pause()
        before = rows(plot)
        series.truncate(2)
        series.append(2, 0.0)
        series.append(3, 5.0)
        plot.show([Curve(series, "curve-1")], y_range=(0.0, 5.0))
        await pilot.pause()
        assert rows(plot) != before

    play(act)


def test_another_theme_repaints_in_its_colours() -> None:
    async def act(plot: Watched, pilot: Pilot[None]) -> None:
        plot.show([Curve(series_of([1.0, 2.0]), "curve-1")])
        await pilot.pause()
        dark = rows(plot), plot.render_line(0)
        plot.app.theme = "textual-light"
        await pilot.pause()
        assert rows(plot) == dark[0]
        assert plot.render_line(0) != dark[1]

    play(act)


@pytest.mark.parametrize("size", [(1, 1), (2, 9), (9, 2), (200, 50)])
def test_hostile_text_at_every_size_is_plain_text_of_the_right_width(size: tuple[int, int]) -> None:
    hostile = "[red]x[/] \x1b[31mz\u202e😀漢字\r\n\x00" * 50

    async def act(plot: Watched, pilot: Pilot[None]) -> None:
        plot.title = hostile
        marks = [Mark(0.5, hostile, hostile, "good")]
        plot.show([Curve(series_of([1.0, 2.0]), "curve-1")], readings=[Reading(hostile, "curve-2")] * 3, marks=marks)
        await pilot.pause()
        for y in range(plot.size.height):
            strip = plot.render_line(y)
            assert strip.cell_length == plot.size.width
            assert not [char for char in strip.text if unicodedata.category(char) in ("Cc", "Cf", "Zl", "Zp")]

    play(act, size)
