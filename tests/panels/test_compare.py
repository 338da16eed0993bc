"""The comparison of runs on a screen: what is shown, where the cursor goes, what is asked for."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest
from textual.app import App, ComposeResult
from textual.binding import Binding
from textual.pilot import Pilot
from textual.widgets import Input

from panels.compare import Compare, ComparedTable, fill_row, measure_runs
from panels.comparison import (
    Line,
    drop_shared,
    format_number,
    format_setting,
    list_lines,
    shorten_ids,
    write_problems,
    write_text,
)
from panels.plot import Curve, Plot
from panels.series import Series


@dataclass(frozen=True)
class Item:
    key: str
    values: tuple[Any, ...]
    steps: tuple[int | None, ...] = ()
    changes: tuple[float | None, ...] = ()
    counts: tuple[int | None, ...] = ()

    @property
    def differs(self) -> bool:
        return len(set(self.values)) > 1


@dataclass(frozen=True)
class Section:
    name: str
    items: tuple[Item, ...]
    steps: tuple[int | None, ...] = ()


@dataclass(frozen=True)
class Run:
    id: str
    name: str = "ada-orpo"
    last_step: int | None = 60


@dataclass(frozen=True)
class Problem:
    run: str
    message: str


@dataclass(frozen=True)
class Comparison:
    runs: tuple[Run, ...]
    sections: tuple[Section, ...]
    step: int | None = 40
    same: int = 2
    settings: int = 4
    problems: tuple[Problem, ...] = ()


IDS = ("20260101-0900-ada-orpo-1a2b", "20260101-0901-ada-orpo-3c4d", "20260101-0902-ada-orpo-5e6f")
THREE = Comparison(
    runs=tuple(Run(id) for id in IDS),
    sections=(
        Section("recipe", (Item("optim.lr", (1e-4, 1e-4, 2e-4)), Item("seed", (1, 1, 1)))),
        Section("data", (Item("sha256", ("a" * 64, "b" * 64, "a" * 64)), Item("train", (9, 9, 9)))),
        Section(
            "metrics at step 40",
            (
                Item("loss", (2.0, 1.5, None), (40, 40, 40), (0.0, -0.5, None)),
                Item("break_rate", (0.625, None, 0.25), (20, None, 40), (0.0, None, -0.375)),
            ),
            (40, 40, 40),
        ),
    ),
)
TWO = Comparison(THREE.runs[:2], (Section("recipe", (Item("seed", (1, 2)),)),), same=3)


class Alone(App[None]):
    BINDINGS = [Binding("escape", "note", "Out")]

    def __init__(self) -> None:
        super().__init__()
        self.compare = Compare()
        self.pinned: list[str] = []
        self.left = 0

    def get_theme_variable_defaults(self) -> dict[str, str]:
        curves = {f"curve-{n}": f"#0000{n}0" for n in range(1, 9)}
        return {**curves, "band": "#333333", "good": "#00aa00", "bad": "#aa0000"}

    def compose(self) -> ComposeResult:
        yield self.compare

    def on_compare_pinned(self, message: Compare.Pinned) -> None:
        self.pinned.append(message.run_id)

    def action_note(self) -> None:
        self.left += 1

    @property
    def table(self) -> ComparedTable:
        return self.query_one(ComparedTable)

    def rows(self) -> list[str]:
        """What the table shows, white space made single, its titles first."""
        lines = [self.table.render_line(y).text for y in range(self.table.size.height)]
        return [" ".join(line.split()) for line in lines if line.strip()]


def drive(do: Callable[[Alone, Pilot[None]], Awaitable[None]], size: tuple[int, int] = (120, 34)) -> None:
    async def go() -> None:
        app = Alone()
        async with app.run_test(size=size) as pilot:
            app.compare.show(THREE)
            app.table.focus()
            await pilot.pause()
            await do(app, pilot)

    asyncio.run(go())


def make_curves(*titles: str) -> dict[str, list[Curve]]:
    series = Series()
    series.append(0, 1.0)
    series.append(60, 2.0)
    return {title: [Curve(series, "curve-1"), Curve(series, "curve-2")] for title in titles}


def test_only_what_differs_is_shown_with_changes_and_the_steps_they_were_measured_at() -> None:
    async def do(app: Alone, pilot: Pilot[None]) -> None:
        assert app.rows() == [
            "◆ 1a2b 3c4d 5e6f",
            "recipe",
            "optim.lr 0.0001 0.0001 0.0002",
            "data",
            "sha256 aaaaaaaaaaaa bbbbbbbbbbbb aaaaaaaaaaaa",
            "metrics at step 40",
            "loss 2.000 1.500 -0.500 not finite",
            "break_rate 0.625 @20 - 0.250 -0.375",
        ]

    drive(do)


def test_v_shows_what_is_the_same_too_and_again_the_differences_alone() -> None:
    async def do(app: Alone, pilot: Pilot[None]) -> None:
        few = app.rows()
        await pilot.press("v")
        assert [row for row in app.rows() if row not in few] == ["seed 1 1 1", "train 9 9 9"]
        await pilot.press("v")
        assert app.rows() == few

    drive(do)


def test_values_unlike_the_baseline_are_accented_and_equal_ones_muted() -> None:
    lines = {line.title: line for line in list_lines(THREE)}
    assert lines["optim.lr"].tones == ["", "muted", "accent"]
    assert lines["loss"].tones == ["", "accent", "bad"]
    assert lines["recipe"].values == ()


def test_the_filter_narrows_while_one_types_and_escape_leaves_it() -> None:
    async def do(app: Alone, pilot: Pilot[None]) -> None:
        await pilot.press("slash", *"sha")
        assert app.rows()[1:] == ["data", "sha256 aaaaaaaaaaaa bbbbbbbbbbbb aaaaaaaaaaaa"]
        await pilot.press("enter")
        assert app.focused is app.table
        assert len(app.rows()) == 3
        await pilot.press("escape")
        assert (len(app.rows()), app.left, app.query_one(Input).display) == (8, 0, False)
        await pilot.press("escape")
        assert app.left == 1

    drive(do)


def test_the_filter_takes_words_of_sections_keys_and_values_and_says_when_nothing_is_left() -> None:
    async def do(app: Alone, pilot: Pilot[None]) -> None:
        assert [line.title for line in list_lines(THREE, matching="METRICS loss")] == ["metrics at step 40", "loss"]
        assert [line.title for line in list_lines(THREE, matching="0.0002")] == ["recipe", "optim.lr"]
        assert [line.title for line in list_lines(THREE, matching="-metrics -optim")] == ["data", "sha256"]
        await pilot.press("slash", *"zzz")
        assert app.rows()[1:] == ["nothing like it here"]

    drive(do)


def test_p_asks_for_the_run_under_the_cursor_as_the_baseline() -> None:
    async def do(app: Alone, pilot: Pilot[None]) -> None:
        await pilot.press("p")
        await pilot.press("l", "right", "p")
        await pilot.press("h", "p", "left", "left", "p")
        assert app.pinned == [IDS[1], IDS[2], IDS[1]]

    drive(do)


def test_the_cursor_stays_with_its_run_when_the_baseline_changes() -> None:
    async def do(app: Alone, pilot: Pilot[None]) -> None:
        await pilot.press("l")
        turned = Comparison((THREE.runs[2], THREE.runs[0]), TWO.sections)
        app.compare.show(turned)
        await pilot.press("p")
        assert app.pinned == []
        await pilot.press("l", "p")
        assert app.pinned == [IDS[0]]

    drive(do)


def test_the_row_under_the_cursor_stays_when_the_step_moves_on() -> None:
    async def do(app: Alone, pilot: Pilot[None]) -> None:
        await pilot.press("G")
        assert app.table.cursor_key == "metrics.break_rate"
        later = Section("metrics at step 41", THREE.sections[2].items, (41, 41, 41))
        app.compare.show(Comparison(THREE.runs, (*THREE.sections[:2], later), 41))
        assert app.table.cursor_key == "metrics.break_rate"
        assert app.rows()[-3] == "metrics at step 41"

    drive(do)


def test_titles_bear_the_colours_of_the_curves() -> None:
    async def do(app: Alone, pilot: Pilot[None]) -> None:
        app.compare.show(THREE, {}, {IDS[2]: "curve-7"})
        title = {text.strip(): style for text, style, _ in app.table.render_line(0) if text.strip()}
        colours = [title[name].color.name for name in ("◆ 1a2b", "3c4d", "5e6f")]
        assert colours == ["#000010", "#000020", "#000070"]
        assert [title[name].underline for name in ("◆ 1a2b", "3c4d", "5e6f")] == [None, True, None]

    drive(do)


@pytest.mark.parametrize(
    ("size", "charts", "beside"), [((80, 24), 2, False), ((120, 34), 3, False), ((200, 50), 4, True), ((80, 12), 0, False)]
)  # fmt: skip
def test_charts_are_as_many_as_have_room_above_the_table_or_beside_it(
    size: tuple[int, int], charts: int, beside: bool
) -> None:
    async def do(app: Alone, pilot: Pilot[None]) -> None:
        app.compare.show(THREE, make_curves("loss", "margin_nats", "heldout.loss", "break_rate"))
        await pilot.pause()
        shown = [plot for plot in app.query(Plot) if plot.size.area]
        assert [plot.title for plot in shown] == ["loss", "margin_nats", "heldout.loss", "break_rate"][:charts]
        if shown:
            assert (shown[0].region.x >= app.table.region.right) is beside
            assert (shown[0].region.bottom <= app.table.region.y) is not beside
        assert app.table.size.height >= 8

    drive(do, size)


def test_any_number_of_runs_at_any_size_is_drawn() -> None:
    async def do(app: Alone, pilot: Pilot[None]) -> None:
        runs = tuple(Run(f"{i}-ada-{i}{i}{i}{i}") for i in range(6))
        six = Comparison(runs, (Section("recipe", (Item("optim.lr", (0.1, 0.2, 0.3, 0.4, 0.5, 0.6)),)),))
        for size in [(200, 50), (1, 1), (12, 3)]:
            await pilot.resize_terminal(*size)
            for comparison in (TWO, Comparison(runs[:1], ()), Comparison((), ()), six):
                app.compare.show(comparison, make_curves("loss"))
            await pilot.pause()
        await pilot.resize_terminal(80, 24)
        app.compare.show(six)
        await pilot.pause()
        assert app.rows()[2] == "optim.lr 0.1 0.2 0.3 0.4 0.5 0.6"

    drive(do, (80, 24))


def test_without_runs_the_way_in_is_told_and_unreadable_ones_are_named() -> None:
    async def do(app: Alone, pilot: Pilot[None]) -> None:
        app.compare.show(Comparison((), (), problems=(Problem("x-1", "\x1b[31m[b]torn[/b]"),)))
        await pilot.pause()
        head = app.query(".compare--head").first()
        assert "mark two runs or more" in head.render_line(0).text
        assert "x-1 could not be read: [b]torn[/b]" in head.render_line(1).text

    drive(do)


def test_text_from_files_is_harmless_on_the_screen_and_in_the_copy() -> None:
    bad = Section("recipe", (Item("template.\x1b[2Jsystem", ("[red]A\x1b]52;c;x\x07\nB", "\u202eC")),))

    async def do(app: Alone, pilot: Pilot[None]) -> None:
        app.compare.show(Comparison(TWO.runs, (bad,)))
        assert app.rows()[2] == "template.system [red]A B C"
        assert "\x1b" not in app.compare.text_to_copy()
        assert "\u202e" not in app.compare.text_to_copy()

    drive(do)


def test_what_is_copied_is_what_is_shown_as_an_aligned_table() -> None:
    async def do(app: Alone, pilot: Pilot[None]) -> None:
        await pilot.press("slash", *"recipe", "enter", "v")
        assert app.compare.text_to_copy().split("\n") == [
            "◆ 1a2b  20260101-0900-ada-orpo-1a2b, step 60",
            "3c4d    20260101-0901-ada-orpo-3c4d, step 60",
            "5e6f    20260101-0902-ada-orpo-5e6f, step 60",
            "",
            "2 of 4 settings the same",
            "",
            "            ◆ 1a2b    3c4d    5e6f",
            "recipe",
            "  optim.lr  0.0001  0.0001  0.0002",
            "  seed           1       1       1",
        ]

    drive(do)


def test_notes_stand_beside_their_values_in_text() -> None:
    lines = write_text(THREE, matching="metrics")
    assert lines[-3:] == [
        "metrics at step 40",
        "  loss               2.000       1.500  -0.500  not finite",
        "  break_rate         0.625  @20      -               0.250  -0.375",
    ]
    assert write_text(Comparison(TWO.runs, ()))[-1] == "nothing differs"
    assert write_problems(Comparison((), (), problems=(Problem("a", "b"),))) == ["a could not be read: b"]


def test_ids_are_shortened_to_ends_that_tell_them_apart() -> None:
    assert shorten_ids(IDS) == ["1a2b", "3c4d", "5e6f"]
    assert shorten_ids(["x-12345", "y-92345"]) == ["12345", "92345"]
    assert shorten_ids(["a-orpo-7f3a", "b-orpo-7f3a"]) == ["a-orpo-7f3a", "b-orpo-7f3a"]
    assert shorten_ids([]) == []


def test_settings_and_numbers_are_short_but_not_wrong() -> None:
    assert [format_setting(v) for v in (None, [], True, 64.0, 3e-4, 2048, ["q", "v"], "f" * 64, "fed")] == [
        "-", "-", "yes", "64", "0.0003", "2048", "q, v", "f" * 12, "fed",
    ]  # fmt: skip
    numbers = [0.0, 3.90637, -0.05424, 8.459e-7, 433.498, 109283.0, -1e15]
    assert [format_number(v) for v in numbers] == ["0.000", "3.906", "-0.054", "8.46e-07", "433.5", "109,283", "-1e+15"]
    assert format_number(0.25, "+") == "+0.250"


def test_long_texts_that_begin_alike_are_shown_from_the_word_where_they_part() -> None:
    texts = ["You are a helpful AI named SmolLM", "You are a helpful AI named Qwen"]
    assert drop_shared(texts, 20) == ["…SmolLM", "…Qwen"]
    assert drop_shared(texts, 40) == texts
    assert drop_shared(["same " * 9, "same " * 9], 4) == ["same " * 9] * 2
    assert drop_shared(["Be Ada, a poet of London", "-"], 8) == ["Be Ada, a poet of London", "-"]


def test_notes_give_way_where_not_all_have_room() -> None:
    lines = [Line("k", "loss", ["1.000", "2.000", "3.000"], ["@20", "+1.000", "+2.000 @20"], ["", "", ""])]
    assert measure_runs(lines, 3, 120) == (12, [3, 10, 10])
    assert measure_runs(lines, 3, 77) == (12, [0, 0, 0])
    assert measure_runs(lines, 3, 10) == (8, [0, 0, 0])


def test_a_rate_says_over_how_many_answers_it_is() -> None:
    rate = Item("break_rate", (0.5, 0.0), (40, 20), (0.0, -0.5), (120, 10))
    comparison = Comparison(TWO.runs, (Section("metrics at step 40", (rate,), (40, 40)),))
    assert write_text(comparison)[-1] == "  break_rate         0.500  n=120  0.000  -0.500 n=10 @20"
    line = list(list_lines(comparison))[1]
    assert fill_row(line, 12, [0, 0])[1:] == [("0.500 n=120", ""), ("0.000 n=10 @20", "accent")]


def test_runs_of_other_kinds_are_pointed_to_with_one_message() -> None:
    other = "x is an eval run: 8 Evals shows it"

    async def do(app: Alone, pilot: Pilot[None]) -> None:
        head = app.query(".compare--head").first()
        app.compare.show(Comparison((), ()), others=[other])
        await pilot.pause()
        assert [head.render_line(y).text.strip() for y in range(head.size.height)] == [other]
        app.compare.show(TWO, others=[other])
        await pilot.pause()
        assert head.render_line(1).text.strip() == other

    drive(do)
