"""Scores by stratum and the forest plot of their changes: what stands where, at every width."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest
from rich.cells import cell_len
from textual.app import App, ComposeResult

from panels.forest import DifferenceView, Forest, StratumView

STRATA = (
    StratumView("all", "all", 34, 2, 6.42, 5.73, 2, DifferenceView(33, -0.25, -0.5, 0.4, 6.7)),
    StratumView("letters", "category", 18, 0, 6.35, 5.5, 1, DifferenceView(18, 0.8, 0.4, 1.0, 5.5)),
    StratumView("union", "category", 16, 2, 5.73, None, 1, DifferenceView(15, -0.8, -1.0, -0.6, 6.6)),
    StratumView("hard", "difficulty", 0, 1, None, None, 0),
)


class Stage(App[None]):
    def get_theme_variable_defaults(self) -> dict[str, str]:
        return {"good": "green", "bad": "red"}

    def compose(self) -> ComposeResult:
        yield Forest()


def play(check: Callable[[Stage, Forest], None], size: tuple[int, int] = (120, 20)) -> None:
    async def go() -> None:
        app = Stage()
        async with app.run_test(size=size) as pilot:
            await pilot.pause()
            check(app, app.query_one(Forest))

    asyncio.run(go())


def lines_of(forest: Forest, width: int = 120) -> list[str]:
    return ["".join(text for text, _ in runs) for runs in (*forest.lay_out_head(width), *forest.lay_out(width))]


def find(lines: list[str], name: str) -> str:
    return next(line for line in lines if line.startswith(name))


def test_corrected_and_raw_stand_in_columns_of_their_own_and_what_was_not_given_is_no_number() -> None:
    def check(app: Stage, forest: Forest) -> None:
        forest.show(STRATA)
        lines = lines_of(forest)
        corrected, raw = (lines[0].index(name) + len(name) for name in ("corrected", "raw"))
        assert [line[:corrected].split()[-1] for line in (lines[1], lines[2], lines[3])] == ["6.42", "6.35", "5.73"]
        assert [line[corrected:raw].split() for line in (lines[1], lines[2], lines[3])] == [["5.73"], ["5.50"], ["·"]]
        assert find(lines, "all").split()[1] == "34/36"
        assert find(lines, "hard").split()[1:4] == ["0/1", "·", "·"]

    play(check)


def test_the_interval_is_drawn_where_its_bounds_lie_and_nought_in_the_middle() -> None:
    def check(app: Stage, forest: Forest) -> None:
        forest.show(STRATA, smallest=0.5, margin=0.9)
        width = forest._plot_width(120)
        assert width % 2 == 1
        plots = [line[-width:].ljust(width) for line in lines_of(forest)[1:4]]
        middle, step = width // 2, (width - 1) / 2  # one unit of the scale, since the farthest bound is 1.0
        assert plots[0].index("●") == round(middle - 0.25 * step)
        assert plots[0][middle] == "┼"
        assert plots[1].index("├") == round(middle + 0.4 * step)
        assert plots[1].index("┤") == width - 1
        assert plots[1][middle] == "│"
        assert plots[2].index("├") == 0
        assert plots[0].index("┊") == round(middle - 0.9 * step)
        assert plots[0].rindex("┊") == round(middle + 0.5 * step)
        assert "smallest effect +0.5" in lines_of(forest)[-1]
        assert "margin -0.9" in lines_of(forest)[-1]

    play(check)


def test_a_change_is_coloured_only_where_its_interval_leaves_out_nought() -> None:
    def check(app: Stage, forest: Forest) -> None:
        forest.show(STRATA)
        tones = [{text.strip(): tone for text, tone in runs} for runs in forest.lay_out(120)]
        assert (tones[0]["-0.25"], tones[1]["+0.80"], tones[2]["-0.80"]) == ("", "good", "bad")

    play(check)


def test_without_a_baseline_there_is_no_plot_and_no_change() -> None:
    def check(app: Stage, forest: Forest) -> None:
        forest.show([replace(stratum, difference=None) for stratum in STRATA])
        text = "\n".join(lines_of(forest))
        assert "6.42" in text
        assert not any(word in text for word in ("change", "was", "●", "│"))

    play(check)


def test_at_eighty_columns_the_plot_still_stands() -> None:
    def check(app: Stage, forest: Forest) -> None:
        forest.show([replace(s, name="character_consistency_of_the_man") for s in STRATA])
        lines = lines_of(forest, 76)
        assert all(cell_len(line) <= 76 for line in lines)
        assert sum("●" in line for line in lines[:-1]) == 3
        assert "95% interval" not in lines[0]

    play(check)


@pytest.mark.parametrize("width", [1, 5, 30, 60, 80, 104, 200])
def test_every_width_is_drawn_whole(width: int) -> None:
    def check(app: Stage, forest: Forest) -> None:
        forest.show(STRATA, smallest=0.3)
        assert all(strip.cell_length == width for strip in forest.render_lines(forest.size.region))

    play(check, (width, 8))


def test_a_change_that_is_nought_everywhere_is_drawn() -> None:
    def check(app: Stage, forest: Forest) -> None:
        forest.show([replace(STRATA[0], difference=DifferenceView(9, 0.0, 0.0, 0.0, 5.0))])
        line = lines_of(forest)[1]
        assert line.rstrip().endswith("●")

    play(check)
