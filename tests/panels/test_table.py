"""What the table promises: few rows asked, few cells repainted, a cursor that stays with its key, nothing that breaks."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Self

import pytest
from rich.cells import cell_len
from rich.style import Style
from textual.app import App, ComposeResult
from textual.binding import Binding
from textual.events import MouseScrollDown, MouseScrollUp
from textual.geometry import Region
from textual.pilot import Pilot

from panels.table import Cell, Column, Table, find_thumb, fit, place_columns

COLUMNS = (
    Column("name", "name", 10, share=1),
    Column("status", "status", 8),
    Column("step", "step", 6, "right", rank=1),
    Column("cost", "cost", 5, "right", rank=2),
)


class Runs:
    """Rows by their names, which note which of them were asked for their cells."""

    def __init__(self, names: Sequence[str], cells: Mapping[str, Sequence[Cell]] = {}) -> None:
        self.names = names
        self.given = cells
        self.asked: list[int] = []

    def __len__(self) -> int:
        return len(self.names)

    def key(self, row: int) -> str:
        return self.names[row]

    def cells(self, row: int) -> Sequence[Cell]:
        self.asked.append(row)
        name = self.names[row]
        return self.given.get(name, ((name, ""), ("running", "good"), (str(row), ""), ("$1.00", "muted")))


class Watched(Table):
    """Keeps what it asked to have repainted."""

    def __init__(self, columns: Sequence[Column], *, empty: str = "nothing here", id: str | None = None) -> None:
        super().__init__(columns, empty=empty, id=id)
        self.repainted: list[tuple[Region, ...]] = []

    def refresh(self, *regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False) -> Self:
        if self.is_mounted:
            self.repainted.append(regions)
        return super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)

    def texts(self) -> list[str]:
        return [strip.text for strip in self.render_lines(self.outer_size.region)]

    def ground(self, line: int) -> set[object]:
        """The grounds that a painted line has."""
        strip = self.render_lines(self.outer_size.region)[line]
        return {segment.style.bgcolor for segment in strip if segment.style is not None}

    def styles_of(self, text: str) -> list[Style]:
        strips = self.render_lines(self.outer_size.region)
        return [s.style for strip in strips for s in strip if text in s.text and s.style is not None]


class TableApp(App[None]):
    def __init__(self, table: Watched, rows: Runs | None) -> None:
        super().__init__()
        self.table = table
        self.rows = rows
        self.moves: list[str | None] = []
        self.choices: list[str] = []

    def compose(self) -> ComposeResult:
        yield self.table
        if self.rows is not None:
            self.table.show(self.rows)

    def on_table_moved(self, message: Table.Moved) -> None:
        self.moves.append(message.key)

    def on_table_chosen(self, message: Table.Chosen) -> None:
        self.choices.append(message.key)


Check = Callable[[TableApp, Watched, Pilot[None]], Awaitable[None]]


def run(
    check: Check,
    rows: Runs | int | None,
    size: tuple[int, int] = (40, 11),
    columns: Sequence[Column] = COLUMNS,
    empty: str = "nothing here",
) -> None:
    if isinstance(rows, int):
        rows = Runs(names(rows))

    async def go() -> None:
        app = TableApp(Watched(columns, empty=empty), rows)
        async with app.run_test(size=size) as pilot:
            await pilot.pause()
            await check(app, app.table, pilot)

    asyncio.run(go())


def names(count: int, start: int = 0) -> list[str]:
    return [f"run-{i}" for i in range(start, start + count)]


def turn_wheel(table: Watched, way: type[MouseScrollDown] | type[MouseScrollUp]) -> None:
    table.post_message(way(table, 5, 5, 0, 0, 0, False, False, False))


def first_words(table: Watched) -> list[str]:
    return [line.split()[0] for line in table.texts() if line.strip()]


# ---------------------------------------------------------------- columns


def test_spare_width_goes_by_share() -> None:
    columns = [Column("a", "a", 10, share=2), Column("b", "b", 5), Column("c", "c", 5, share=1)]
    assert place_columns(columns, 24 + 10) == [(0, 16), (1, 5), (2, 9)]


def test_without_shares_columns_keep_their_widths() -> None:
    assert place_columns([Column("a", "a", 10), Column("b", "b", 5)], 100) == [(0, 10), (1, 5)]


@pytest.mark.parametrize(
    ("room", "places"),
    [
        (35, [(0, 10), (1, 8), (2, 6), (3, 5)]),
        (34, [(0, 16), (1, 8), (2, 6)]),
        (27, [(0, 17), (1, 8)]),
        (19, [(0, 9), (1, 8)]),
        (17, [(0, 17)]),
        (4, [(0, 4)]),
        (0, [(0, 0)]),
        (-2, [(0, 0)]),
    ],
)
def test_the_highest_rank_vanishes_first_and_then_the_first_column_shrinks(
    room: int, places: list[tuple[int, int]]
) -> None:
    assert place_columns(COLUMNS, room) == places


def test_of_columns_of_one_rank_the_last_vanishes_first() -> None:
    columns = [Column("a", "a", 5), Column("b", "b", 5, rank=1), Column("c", "c", 5, rank=1)]
    assert place_columns(columns, 12) == [(0, 5), (1, 5)]


def test_a_table_without_columns_places_none() -> None:
    assert place_columns([], 80) == []


# ---------------------------------------------------------------- cells


@pytest.mark.parametrize(
    ("text", "width", "align", "cell"),
    [
        ("loss", 6, "left", "loss  "),
        ("0.5", 6, "right", "   0.5"),
        ("madison", 5, "left", "madi…"),
        ("日本語", 6, "left", "日本語"),
        ("日本語", 5, "left", "日本…"),
        ("日本語", 4, "left", "日 …"),
        ("日本語", 1, "left", "…"),
        ("madison", 0, "left", ""),
        ("two\nlines", 9, "left", "two lines"),
        ("\x1b[31mred\x1b[0m\u202e", 5, "left", "red  "),
        ("[bold]x[/bold]", 14, "left", "[bold]x[/bold]"),
    ],
)
def test_a_cell_is_cut_and_padded_by_terminal_cells(text: str, width: int, align: str, cell: str) -> None:
    assert fit(text, width, "right" if align == "right" else "left") == cell
    assert cell_len(cell) == width


def test_of_a_text_of_a_million_characters_the_start_is_shown() -> None:
    assert fit("ab" * 500_000, 4) == "aba…"
    assert fit(" " * 1_000_000 + "x", 4) == "…   "


def test_a_name_is_cut_in_its_middle_where_its_end_is_to_be_kept() -> None:
    name = "20260101-0900-madison-orpo-export-8aa0"
    assert fit(name, 31, keep=12) == "20260101-0900-madi…-export-8aa0"
    assert fit(name, 38, keep=12) == name
    assert fit(name, 10, keep=12) == "2026…-8aa0"
    assert fit(name, 1, keep=12) == "…"
    assert fit("20260101-0900-ada: run.json is torn", 24, keep=12) == "20260101-0900-ada: run.…"


# ---------------------------------------------------------------- the picture


def test_a_table_shows_its_header_its_rows_and_its_marks() -> None:
    async def check(app: TableApp, table: Watched, pilot: Pilot[None]) -> None:
        table.show(Runs(names(2)), marks={"run-1": "●"})
        await pilot.pause()
        assert table.texts()[:4] == [
            "  name          status      step   cost ",
            "  run-0         running        0  $1.00 ",
            "● run-1         running        1  $1.00 ",
            " " * 40,
        ]

    run(check, 2)


def test_an_empty_table_says_so_in_its_middle() -> None:
    async def check(app: TableApp, table: Watched, pilot: Pilot[None]) -> None:
        assert table.cursor_key is None
        assert table.texts()[0].split() == ["name", "status", "step", "cost"]
        assert [line.strip() for line in table.texts()[1:]] == ["", "", "", "no runs yet", "", "", "", "", "", ""]
        assert table.texts()[4].index("no runs yet") == 14
        await pilot.press("j", "k", "G", "g", "ctrl+d", "ctrl+u", "enter")
        await pilot.click(Table, offset=(3, 2))
        assert app.moves == []
        assert app.choices == []

    run(check, None, empty="no runs yet")


def test_the_cursor_row_is_lit_over_its_whole_width_and_otherwise_without_focus() -> None:
    async def check(app: TableApp, table: Watched, pilot: Pilot[None]) -> None:
        focused, plain = table.ground(1), table.ground(2)
        assert len(focused) == 1
        assert focused != plain
        app.set_focus(None)
        await pilot.pause()
        assert len(table.ground(1)) == 1
        assert table.ground(1) not in (focused, plain)
        assert table.ground(2) == plain

    run(check, 3)


def test_tones_have_colours_of_their_own_and_keep_them_under_the_cursor() -> None:
    tones = ["muted", "strong", "accent", "good", "warn", "bad"]
    columns = [Column(tone, tone, 6) for tone in tones]
    row = [(f"<{i}>", tone) for i, tone in enumerate(tones)]

    async def check(app: TableApp, table: Watched, pilot: Pilot[None]) -> None:
        found = [table.styles_of(f"<{i}>") for i in range(len(tones))]
        assert all(len(pair) == 2 for pair in found)
        assert len({other.color for _, other in found}) >= 5
        assert [lit.color for lit, _ in found] == [other.color for _, other in found]
        assert found[1][0].bold
        assert found[1][1].bold

    run(check, Runs(["a", "b"], {"a": row, "b": row}), size=(60, 6), columns=columns)


def test_the_bar_shows_where_in_the_rows_the_view_is() -> None:
    async def check(app: TableApp, table: Watched, pilot: Pilot[None]) -> None:
        assert [line[-1] for line in table.texts()] == [" ", "▐", "▐", *[" "] * 8]
        await pilot.press("G")
        assert [line[-1] for line in table.texts()] == [*[" "] * 9, "▐", "▐"]

    run(check, 50)


@pytest.mark.parametrize(
    ("top", "page", "count", "thumb"),
    [
        (0, 10, 10, range(0)),
        (0, 10, 0, range(0)),
        (0, 10, 11, range(0, 9)),
        (1, 10, 11, range(1, 10)),
        (0, 10, 100_000, range(0, 1)),
        (99_990, 10, 100_000, range(9, 10)),
        (0, 1, 5, range(0, 1)),
    ],
)
def test_the_thumb_spans_the_page_from_end_to_end(top: int, page: int, count: int, thumb: range) -> None:
    assert list(find_thumb(top, page, count)) == list(thumb)


# ---------------------------------------------------------------- few rows, few cells


def test_only_the_rows_in_sight_are_asked() -> None:
    rows = Runs(names(100_000))

    async def check(app: TableApp, table: Watched, pilot: Pilot[None]) -> None:
        assert set(rows.asked) == set(range(10))
        rows.asked.clear()
        await pilot.press("G")
        assert set(rows.asked) == set(range(99_990, 100_000))

    run(check, rows)


def test_a_step_of_the_cursor_repaints_two_rows() -> None:
    async def check(app: TableApp, table: Watched, pilot: Pilot[None]) -> None:
        table.repainted.clear()
        await pilot.press("j")
        assert table.repainted == [(Region(0, 1, 40, 1), Region(0, 2, 40, 1))]

    run(check, 50)


def test_the_same_rows_shown_again_repaint_nothing() -> None:
    async def check(app: TableApp, table: Watched, pilot: Pilot[None]) -> None:
        table.repainted.clear()
        table.show(Runs(names(50)))
        assert table.repainted == []

    run(check, 50)


def test_one_changed_number_repaints_its_cells_alone() -> None:
    async def check(app: TableApp, table: Watched, pilot: Pilot[None]) -> None:
        table.repainted.clear()
        table.show(Runs(names(3), {"run-1": (("run-1", ""), ("running", "good"), ("7", ""), ("$1.00", "muted"))}))
        assert table.repainted == [(Region(31, 2, 1, 1),)]

    run(check, 3)


# ---------------------------------------------------------------- keys


@pytest.mark.parametrize(
    ("keys", "row"),
    [
        (["j"], 1),
        (["down", "down", "up"], 1),
        (["k"], 0),
        (["G"], 49),
        (["end", "j"], 49),
        (["end", "k"], 48),
        (["G", "g"], 0),
        (["end", "home"], 0),
        (["ctrl+d"], 10),
        (["pagedown", "pagedown", "pageup"], 10),
        (["ctrl+d", "ctrl+u", "ctrl+u"], 0),
        (["G", "ctrl+u"], 39),
        (["pagedown"] * 6, 49),
    ],
)
def test_keys_move_the_cursor_and_the_view_goes_with_it(keys: list[str], row: int) -> None:
    async def check(app: TableApp, table: Watched, pilot: Pilot[None]) -> None:
        await pilot.press(*keys)
        await pilot.pause()
        assert table.cursor_key == f"run-{row}"
        assert f"run-{row}" in first_words(table)
        assert len(first_words(table)) == 11

    run(check, 50)


def test_a_page_down_leaves_the_cursor_on_its_line() -> None:
    async def check(app: TableApp, table: Watched, pilot: Pilot[None]) -> None:
        await pilot.press("j", "j", "ctrl+d")
        assert first_words(table) == ["name", *names(10, 10)]
        assert table.cursor_key == "run-12"

    run(check, 50)


def test_a_cursor_that_leaves_the_view_is_put_in_its_middle() -> None:
    async def check(app: TableApp, table: Watched, pilot: Pilot[None]) -> None:
        await pilot.press(*["j"] * 9)
        assert first_words(table) == ["name", *names(10, 0)]
        await pilot.press("j")
        assert first_words(table) == ["name", *names(10, 5)]

    run(check, 50)


def test_enter_chooses_the_row_of_the_cursor() -> None:
    async def check(app: TableApp, table: Watched, pilot: Pilot[None]) -> None:
        await pilot.press("j", "enter")
        assert app.choices == ["run-1"]

    run(check, 5)


def test_every_binding_has_an_id_and_a_description() -> None:
    bindings = [b for b in Table.BINDINGS if isinstance(b, Binding)]
    assert len(bindings) == len(Table.BINDINGS) == 7
    assert all(b.id and b.id.startswith("table.") and b.description for b in bindings)


# ---------------------------------------------------------------- mouse


def test_a_click_moves_the_cursor_and_a_click_on_its_row_chooses() -> None:
    async def check(app: TableApp, table: Watched, pilot: Pilot[None]) -> None:
        await pilot.click(Table, offset=(5, 3))
        assert table.cursor_key == "run-2"
        assert app.choices == []
        await pilot.click(Table, offset=(30, 3))
        assert app.choices == ["run-2"]

    run(check, 50)


@pytest.mark.parametrize("line", [1, 4], ids=["on the cursor", "elsewhere"])
def test_a_double_click_chooses_once(line: int) -> None:
    async def check(app: TableApp, table: Watched, pilot: Pilot[None]) -> None:
        await pilot.double_click(Table, offset=(5, line))
        assert table.cursor_key == f"run-{line - 1}"
        assert app.choices == [f"run-{line - 1}"]

    run(check, 50)


def test_a_click_on_the_header_or_under_the_rows_does_nothing() -> None:
    async def check(app: TableApp, table: Watched, pilot: Pilot[None]) -> None:
        app.moves.clear()
        await pilot.click(Table, offset=(5, 0))
        await pilot.click(Table, offset=(5, 8))
        assert app.moves == []
        assert app.choices == []

    run(check, 3)


def test_the_wheel_scrolls_the_view_and_leaves_the_cursor() -> None:
    async def check(app: TableApp, table: Watched, pilot: Pilot[None]) -> None:
        turn_wheel(table, MouseScrollDown)
        await pilot.pause()
        assert first_words(table) == ["name", *names(10, 3)]
        assert table.cursor_key == "run-0"
        table.show(Runs(names(60)))
        assert first_words(table) == ["name", *names(10, 3)]
        for _ in range(3):
            turn_wheel(table, MouseScrollUp)
        await pilot.pause()
        assert first_words(table) == ["name", *names(10)]
        for _ in range(30):
            turn_wheel(table, MouseScrollDown)
        await pilot.pause()
        assert first_words(table) == ["name", *names(10, 50)]
        await pilot.press("j")
        assert "run-1" in first_words(table)
        assert table.cursor_key == "run-1"

    run(check, 50)


# ---------------------------------------------------------------- rows replaced under the cursor


@pytest.mark.parametrize(
    "after",
    [
        [*names(20, 100), *names(50)],
        [*names(5000, 100), *names(50)],
        [*reversed(names(50))],
        ["run-7"],
        names(50),
    ],
    ids=["a few before", "many before", "reversed", "alone", "the same"],
)
def test_the_cursor_stays_with_its_key_when_rows_are_replaced(after: list[str]) -> None:
    async def check(app: TableApp, table: Watched, pilot: Pilot[None]) -> None:
        table.move_to("run-7")
        await pilot.pause()
        app.moves.clear()
        table.show(Runs(after))
        await pilot.pause()
        assert table.cursor_key == "run-7"
        assert "run-7" in first_words(table)
        assert app.moves == []

    run(check, 50)


def test_a_new_row_on_top_is_seen_while_the_cursor_stays_with_its_key() -> None:
    async def check(app: TableApp, table: Watched, pilot: Pilot[None]) -> None:
        table.show(Runs(["new", *names(50)]))
        assert first_words(table)[1:3] == ["new", "run-0"]
        assert table.cursor_key == "run-0"

    run(check, 50)


def test_a_cursor_whose_key_is_gone_stands_on_the_row_now_in_its_place() -> None:
    async def check(app: TableApp, table: Watched, pilot: Pilot[None]) -> None:
        table.move_to("run-2")
        table.show(Runs(["run-0", "run-1", "run-3"]))
        assert table.cursor_key == "run-3"
        table.show(Runs(["run-0"]))
        assert table.cursor_key == "run-0"
        table.show(Runs([]))
        assert table.cursor_key is None
        table.show(Runs(["run-5", "run-6"]))
        assert table.cursor_key == "run-5"

    run(check, 4)


def test_moved_is_told_at_the_first_rows_and_whenever_the_key_changes() -> None:
    async def check(app: TableApp, table: Watched, pilot: Pilot[None]) -> None:
        assert app.moves == ["run-0"]
        await pilot.press("j")
        await pilot.press("k", "k")
        table.show(Runs(["a", "b"]))
        await pilot.pause()
        table.show(Runs([]))
        await pilot.pause()
        assert app.moves == ["run-0", "run-1", "run-0", "a", None]

    run(check, 4)


def test_a_later_move_takes_the_place_of_an_earlier_one_of_the_same_table_only() -> None:
    one, other = Table(COLUMNS), Table(COLUMNS)
    later = Table.Moved(one, "b")
    assert later.can_replace(Table.Moved(one, "a"))
    assert not later.can_replace(Table.Moved(other, "a"))
    assert not later.can_replace(Table.Chosen(one, "a"))


def test_move_to_a_key_that_is_not_there_changes_nothing() -> None:
    async def check(app: TableApp, table: Watched, pilot: Pilot[None]) -> None:
        table.move_to("run-40")
        table.move_to("nowhere")
        assert table.cursor_key == "run-40"
        assert "run-40" in first_words(table)

    run(check, 50)


# ---------------------------------------------------------------- sizes and hostile text


@pytest.mark.parametrize("size", [(1, 1), (2, 2), (5, 1), (3, 9), (80, 24), (120, 34), (200, 50)], ids=str)
def test_every_line_is_as_wide_as_the_table_at_any_size(size: tuple[int, int]) -> None:
    odd = {"run-0": (("日本語" * 90, ""), ("\x1b]0;x\x07[b]", "bad"), ("e\u0301" * 9, ""), ("\u200b\u202e9", ""))}

    async def check(app: TableApp, table: Watched, pilot: Pilot[None]) -> None:
        lines = table.texts()
        assert [cell_len(line) for line in lines] == [size[0]] * size[1]
        assert not set("\x1b\x07\u200b\u202e") & set("".join(lines))
        await pilot.press("j", "G", "ctrl+u", "enter")
        assert [cell_len(line) for line in table.texts()] == [size[0]] * size[1]

    run(check, Runs(names(30), odd), size=size)


def test_a_storm_of_sizes_keeps_the_cursor_in_sight() -> None:
    async def check(app: TableApp, table: Watched, pilot: Pilot[None]) -> None:
        table.move_to("run-33")
        for size in ((200, 50), (1, 1), (30, 2), (80, 5), (3, 3), (40, 11)):
            await pilot.resize_terminal(*size)
            assert [cell_len(line) for line in table.texts()] == [size[0]] * size[1]
            if size[0] > 20:
                assert "run-33" in first_words(table)

    run(check, 50)


def test_a_table_of_one_line_shows_the_row_of_the_cursor() -> None:
    async def check(app: TableApp, table: Watched, pilot: Pilot[None]) -> None:
        await pilot.press("j")
        assert first_words(table) == ["run-1"]

    run(check, 5, size=(40, 1))


@pytest.mark.parametrize("theme", ["textual-light", "ansi-dark", "ansi-light"])
def test_the_cursor_is_to_be_seen_in_every_theme(theme: str) -> None:
    async def check(app: TableApp, table: Watched, pilot: Pilot[None]) -> None:
        app.theme = theme
        await pilot.pause()
        looks = [table.styles_of(f"run-{i}")[0] for i in range(2)]
        assert (looks[0].bgcolor, looks[0].reverse) != (looks[1].bgcolor, looks[1].reverse)
        app.set_focus(None)
        await pilot.pause()
        looks = [table.styles_of(f"run-{i}")[0] for i in range(2)]
        assert (looks[0].bgcolor, looks[0].underline) != (looks[1].bgcolor, looks[1].underline)

    run(check, 2)
