"""The Datasets panel: what it shows of datasets and rows, how it filters, and what its keys do."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from textual.app import App, ComposeResult
from textual.pilot import Pilot
from textual.widgets import Input, Static

from panels.datasets import SLICE, DatasetsPanel
from panels.lines import Lines
from panels.pair import COMPARED, SHOWN, PairText, lay_out, mark_differences, split_words
from panels.spread import Spread, draw_axis, draw_bar, draw_categories, draw_lengths, stack_bars
from panels.table import Table

COLOURS = {**{f"curve-{n}": "cyan" for n in range(1, 9)}, "band": "grey", "good": "green", "bad": "red"}


@dataclass(frozen=True)
class Row:
    line: int
    id: str
    category: str = "voice"
    prompt: str = "How did you sleep?"
    chosen: str = "Poorly, Sir."
    rejected: str = "I do not sleep."
    findings: tuple[str, ...] = ()
    raw: str = '{"id": "as it lies"}'

    @property
    def asked(self) -> str:
        return self.prompt

    @property
    def chosen_words(self) -> int:
        return len(self.chosen.split())

    @property
    def rejected_words(self) -> int:
        return len(self.rejected.split())

    @property
    def search(self) -> str:
        return "\n".join([self.id, self.category, self.prompt, self.chosen, self.rejected, *self.findings]).lower()


@dataclass(frozen=True)
class Lengths:
    step: int = 10
    chosen: tuple[int, ...] = (0, 4, 8, 0)
    rejected: tuple[int, ...] = (8, 0, 0, 1)
    chosen_median: int = 21
    rejected_median: int = 4
    chosen_longer: float = 0.83


@dataclass(frozen=True)
class View:
    items: tuple[Row, ...]
    name: str = "ada"
    seal: Any = "sealed"
    categories: dict[str, int] = field(default_factory=lambda: {"voice": 9, "letters": 3})
    lengths: Lengths = Lengths()
    prompts: int = 36
    probes: int = 10
    notes: tuple[str, ...] = ()

    @property
    def with_findings(self) -> int:
        return sum(1 for item in self.items if item.findings)


@dataclass(frozen=True)
class Listed:
    name: str
    kind: str = "preference"
    rows: int | None = 4
    categories: int | None = 2
    seal: Any = "sealed"


ROWS = (
    Row(1, "row-1", prompt="What do you plant?"),
    Row(2, "row-2", "letters", chosen="I wrote to Mr. Jefferson.", findings=("same prompt as line 4",)),
    Row(5, "", "", "", "", "", ("not JSON",), '{"torn'),
    Row(9, "row-9", rejected="I'm an AI, and I plant nothing."),
)


class Alone(App[None]):
    def __init__(self) -> None:
        super().__init__()
        self.opened: list[str] = []

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return COLOURS

    def compose(self) -> ComposeResult:
        yield DatasetsPanel()

    def on_datasets_panel_opened(self, message: DatasetsPanel.Opened) -> None:
        self.opened.append(message.name)

    @property
    def panel(self) -> DatasetsPanel:
        return self.query_one(DatasetsPanel)


def alone(look: Callable[[Alone, Pilot[None]], Awaitable[None]], size: tuple[int, int] = (120, 34)) -> None:
    """Look at the panel in an app of its own, two datasets listed, the cursor among them."""

    async def go() -> None:
        app = Alone()
        async with app.run_test(size=size) as pilot:
            app.panel.show_datasets([Listed("ada"), Listed("bea", rows=None, categories=None, seal="unsealed")])
            app.panel.query_one("#listing").focus()
            await pilot.pause()
            await look(app, pilot)

    asyncio.run(go())


async def opened(app: Alone, pilot: Pilot[None], view: View | None = None) -> None:
    app.panel.show_dataset(view or View(ROWS))
    await pilot.pause()


def read(widget: Lines) -> str:
    return "\n".join(widget.render_line(y).text.rstrip() for y in range(widget.size.height))


async def look_for(app: Alone, pilot: Pilot[None], words: str) -> None:
    app.panel.action_filter()
    app.panel.query_one(Input).value = words
    await pilot.pause()


def facts(app: Alone) -> str:
    return str(app.panel.query_one("#facts", Static).content)


def shown(app: Alone) -> list[int]:
    view = app.panel.view
    assert view is not None
    return [view.items[i].line for i in app.panel.picked]


def text_of(app: Alone) -> str:
    return read(app.panel.query_one(PairText))


def test_enter_asks_for_the_dataset_under_the_cursor() -> None:
    async def look(app: Alone, pilot: Pilot[None]) -> None:
        listing = read(app.panel.query_one("#listing", Table))
        assert [line.split() for line in listing.splitlines()[1:3]] == [["ada", "4", "sealed"], ["bea", "no"]]
        assert app.panel.text_to_copy() == "ada"
        await pilot.press("down", "enter")
        assert app.opened == ["bea"]
        assert facts(app) == "bea  reading it"

    alone(look)


def test_a_dataset_that_was_read_is_shown_and_takes_the_cursor() -> None:
    async def look(app: Alone, pilot: Pilot[None]) -> None:
        await opened(app, pilot, View(ROWS, seal="changed", notes=("character.toml is missing",)))
        assert facts(app) == "ada  4 rows  2 with findings  36 prompts  10 probes  changed since sealed"
        assert str(app.panel.query_one("#notes", Static).content) == "▲ character.toml is missing"
        rows = app.panel.query_one("#rows", Table)
        assert rows.has_focus
        assert [line.split()[:5] for line in read(rows).splitlines()[1:5]] == [
            ["row-1", "voice", "2", "4", "·"],
            ["row-2", "letters", "5", "4", "1"],
            ["line", "5", "0", "0", "1"],
            ["row-9", "voice", "2", "7", "·"],
        ]
        assert "●" in read(app.panel.query_one("#listing", Table)).splitlines()[1]

    alone(look)


def test_the_row_under_the_cursor_is_shown_and_copied_as_it_lies() -> None:
    async def look(app: Alone, pilot: Pilot[None]) -> None:
        await opened(app, pilot)
        assert "What do you plant?" in text_of(app)
        await pilot.press("j")
        lines = text_of(app).splitlines()
        assert lines[:3] == ["row-2  letters  line 2", "▲ same prompt as line 4", "prompt    How did you sleep?"]
        assert lines[4].split("  ")[0] == "chosen"
        assert "rejected  4 words, 15 characters" in lines[4]
        assert lines[5].startswith("I wrote to Mr. Jefferson.")
        assert "I do not sleep." in lines[5]
        assert app.panel.text_to_copy() == '{"id": "as it lies"}'
        await pilot.press("j")
        assert text_of(app).splitlines()[:4] == ["no id    line 5", "▲ not JSON", "", '{"torn']
        assert app.panel.text_to_copy() == '{"torn'

    alone(look)


def test_typing_after_slash_keeps_the_rows_that_hold_every_word() -> None:
    async def look(app: Alone, pilot: Pilot[None]) -> None:
        await opened(app, pilot)
        await pilot.press("slash", *"PLA")
        assert shown(app) == [1, 9]
        await look_for(app, pilot, "pla an AI,")
        assert shown(app) == [9]
        assert facts(app).startswith("ada  1 of 4 rows  2 with findings")
        assert "I'm an AI" in text_of(app)
        await pilot.press("enter")
        assert app.panel.query_one("#rows").has_focus
        await pilot.press("escape")
        assert (shown(app), app.panel.query_one(Input).display) == ([1, 2, 5, 9], False)
        await look_for(app, pilot, "sleep")
        await look_for(app, pilot, "slee")
        assert shown(app) == [1, 2, 9]

    alone(look)


def test_a_word_with_a_minus_keeps_the_rows_without_it() -> None:
    async def look(app: Alone, pilot: Pilot[None]) -> None:
        await opened(app, pilot)
        await pilot.press("slash", "minus")
        assert shown(app) == [1, 2, 5, 9]
        await look_for(app, pilot, "-letters")
        assert shown(app) == [1, 5, 9]
        await look_for(app, pilot, "-letters -json")
        assert shown(app) == [1, 9]

    alone(look)


def test_more_rows_than_a_slice_are_searched_to_their_end_and_the_newest_words_count() -> None:
    many = tuple(Row(n, f"row-{n}", prompt="odd" if n % 2 else "even") for n in range(2 * SLICE + 3))

    async def look(app: Alone, pilot: Pilot[None]) -> None:
        await opened(app, pilot, View(many))
        words = app.panel.query_one(Input)
        words.value = "odd"
        words.value = "even -row-1"
        await pilot.pause()
        await pilot.pause()
        assert shown(app) == [n for n in range(0, 2 * SLICE + 3, 2) if not str(n).startswith("1")]
        words.value = ""
        await pilot.pause()
        assert app.panel.picked == range(len(many))

    alone(look)


def test_fewer_rows_that_come_while_the_search_goes_on_are_searched_instead() -> None:
    many = tuple(Row(n, f"row-{n}") for n in range(2 * SLICE))

    async def look(app: Alone, pilot: Pilot[None]) -> None:
        await opened(app, pilot, View(many))
        await pilot.press("G")
        app.panel.query_one(Input).value = "row-1"
        await opened(app, pilot, View(ROWS))
        await pilot.pause()
        assert shown(app) == [1]
        assert text_of(app).startswith("row-1")

    alone(look)


def test_f_shows_the_rows_with_findings_and_then_all() -> None:
    async def look(app: Alone, pilot: Pilot[None]) -> None:
        await opened(app, pilot)
        await pilot.press("f")
        assert shown(app) == [2, 5]
        assert facts(app).startswith("ada  2 of 4 rows  with findings")
        await look_for(app, pilot, "json")
        assert shown(app) == [5]
        await pilot.press("escape", "f")
        assert shown(app) == [1, 2, 5, 9]
        await look_for(app, pilot, "nowhere")
        assert shown(app) == []
        assert "no row is like that; esc shows all" in read(app.panel.query_one("#rows", Table))
        assert (text_of(app).strip(), app.panel.text_to_copy()) == ("", "ada")

    alone(look)


def test_enter_goes_a_layer_in_and_escape_a_layer_out() -> None:
    async def look(app: Alone, pilot: Pilot[None]) -> None:
        await opened(app, pilot)
        listing, rows, pair = (app.panel.query_one(f"#{name}") for name in ("listing", "rows", "pair"))
        await pilot.press("enter")
        assert pair.has_focus
        await pilot.press("n")
        assert text_of(app).startswith("row-2")
        await pilot.press("N", "escape")
        assert rows.has_focus
        await pilot.press("f", "escape")
        assert (rows.has_focus, app.panel.only_findings) == (True, False)
        await pilot.press("escape")
        await pilot.pause()
        assert listing.has_focus
        await pilot.press("escape")
        assert listing.has_focus

    alone(look)


def test_on_a_narrow_screen_the_datasets_give_way_while_rows_are_read() -> None:
    async def look(app: Alone, pilot: Pilot[None]) -> None:
        top, pair = app.panel.query_one("#top"), app.panel.query_one(PairText)
        assert top.display is True
        await opened(app, pilot)
        assert top.display is False
        await pilot.press("escape")
        await pilot.pause()
        assert (top.display, app.panel.query_one("#listing").has_focus) == (True, True)
        await pilot.resize_terminal(120, 34)
        await pilot.press("tab")
        assert (top.display, pair.size.width > 100) == (True, True)

    alone(look, (80, 24))


def test_a_dataset_shown_again_keeps_filter_and_cursor_and_another_does_not() -> None:
    async def look(app: Alone, pilot: Pilot[None]) -> None:
        await opened(app, pilot)
        await look_for(app, pilot, "plant")
        await pilot.press("enter", "j")
        assert text_of(app).startswith("row-9")
        await opened(app, pilot, View((Row(0, "row-0", prompt="Do you plant?"), *ROWS)))
        assert shown(app) == [0, 1, 9]
        assert text_of(app).startswith("row-9")
        await opened(app, pilot, View(ROWS, name="bea"))
        assert shown(app) == [1, 2, 5, 9]
        assert text_of(app).startswith("row-1")
        assert app.panel.query_one(Input).value == ""

    alone(look)


def test_a_changed_row_of_the_same_line_is_shown_anew() -> None:
    async def look(app: Alone, pilot: Pilot[None]) -> None:
        await opened(app, pilot)
        await opened(app, pilot, View((Row(1, "row-1", prompt="What do you reap?"),)))
        assert "What do you reap?" in text_of(app)

    alone(look)


def test_trouble_is_told() -> None:
    async def look(app: Alone, pilot: Pilot[None]) -> None:
        app.panel.show_trouble("no dataset 'ada' \x1b[31m[red]here")
        assert facts(app) == "no dataset 'ada' [red]here"

    alone(look)


def test_long_texts_are_scrolled_by_keys() -> None:
    long = Row(1, "long", chosen="\n".join(f"line {n}" for n in range(200)))

    async def look(app: Alone, pilot: Pilot[None]) -> None:
        await opened(app, pilot, View((long, ROWS[1])))
        assert text_of(app).startswith("long")
        await pilot.press("shift+down")
        assert text_of(app).startswith("prompt")
        await pilot.press("enter", "G")
        assert "line 199" in text_of(app)
        await pilot.press("k")
        assert "line 199" not in text_of(app)
        await pilot.press("g", "pagedown")
        assert "line 1" in text_of(app)
        await pilot.press("g")
        assert text_of(app).startswith("long")
        await pilot.press("G", "n")
        await pilot.pause()
        assert text_of(app).startswith("row-2")

    alone(look)


def test_hostile_and_endless_texts_stay_within_their_lines() -> None:
    evil = Row(
        1, "\x1b[2J[bold]x" * 99, "\u202eright", "\x1b]0;owned\x07[red]", "é字\u200b🎉" * 99, "x" * 1_000_000, ("\x1b[31mbad",), "\x1b",
    )  # fmt: skip

    async def look(app: Alone, pilot: Pilot[None]) -> None:
        await opened(
            app, pilot, View((evil,), name="[bold]\x1b[31mada", categories={"\x1b[31m字": 3}, notes=("\x1b[2J",))
        )
        for size in ((120, 34), (80, 24), (40, 12), (200, 50)):
            await pilot.resize_terminal(*size)
            await pilot.pause()
            for widget in app.panel.query(Lines):
                for y in range(widget.size.height):
                    strip = widget.render_line(y)
                    assert strip.cell_length == widget.size.width
                    assert not set(strip.text) & {"\x1b", "\x07", "\u202e", "\u200b"}
        assert facts(app).startswith("[bold]ada")
        await pilot.press("shift+down")
        app.panel.query_one(PairText).action_scroll_by(10_000)
        assert f"… {1_000_000 - SHOWN:,} characters more" in text_of(app)

    alone(look)


def test_the_panel_survives_every_size() -> None:
    async def look(app: Alone, pilot: Pilot[None]) -> None:
        await opened(app, pilot)
        for size in ((1, 1), (2, 30), (79, 5), (200, 50), (120, 34)):
            await pilot.resize_terminal(*size)
            await pilot.press("tab")
        await pilot.pause()
        assert app.panel.size == (120, 34)

    alone(look)


# the text of a row


def marked(text: str, other: str) -> list[str]:
    """The words that are marked of the first."""
    return [word for line in mark_differences(split_words(text), split_words(other))[0] for word, mark in line if mark]


def test_words_that_the_other_answer_lacks_are_marked() -> None:
    a, b = "I rose at six and read\nthe papers", "I rose at ten and read\nall the papers"
    assert (marked(a, b), marked(b, a)) == (["six"], ["ten", "all"])
    assert marked(a, a) == []
    assert marked(a, "") == a.split()


def test_a_shared_word_here_and_there_of_two_strangers_is_no_likeness() -> None:
    a = "the farm had a good year and the tobacco sold well in the town"
    assert marked(a, "Hello! How can I help you with the history today, is it a test?") == a.split()


def test_words_past_those_compared_are_not_marked() -> None:
    a = " ".join(f"a{n}" for n in range(COMPARED + 50))
    assert len(marked(a, "b " * 900)) == COMPARED


def rendered(row: Row, width: int) -> list[str]:
    return ["".join(text for text, _ in line).rstrip() for line in lay_out(row, width)]


def test_answers_stand_abreast_where_there_is_room_and_else_one_below_the_other() -> None:
    row = Row(1, "row-1", chosen="Poorly, Sir.\n\nAnd you?", rejected="Never.")
    assert rendered(row, 80)[3:] == [
        "chosen  4 words, 22 characters           rejected  1 word, 6 characters",
        "Poorly, Sir.                             Never.",
        "",
        "And you?",
    ]
    assert rendered(row, 40)[3:] == [
        "chosen  4 words, 22 characters", "Poorly, Sir.", "", "And you?", "", "rejected  1 word, 6 characters", "Never.",
    ]  # fmt: skip


def test_differences_are_told_by_tone_and_spaces_between_them_belong_to_them() -> None:
    row = Row(1, "row-1", chosen="I rose at six sharp today", rejected="I rose at ten today")
    assert lay_out(row, 40)[4] == [("I rose at ", ""), ("six sharp", "more"), (" today", "")]
    assert lay_out(row, 40)[7] == [("I rose at ", ""), ("ten", "less"), (" today", "")]


def test_text_is_wrapped_by_cells_and_a_long_word_is_cut() -> None:
    row = Row(1, "r", prompt="Hm?", chosen="one two three four", rejected="字" * 12)
    assert rendered(row, 10)[4:] == [
        "one two",
        "three four",
        "",
        "rejected",
        "字" * 5,
        "字" * 5,
        "字" * 2,
    ]


# the summary


def test_bars_of_categories_are_told_in_proportion_and_those_left_out_counted() -> None:
    lines = ["".join(text for text, _ in line) for line in draw_categories({"voice": 8, "": 4, "b": 2, "c": 1}, 20, 3)]
    assert lines == ["voice ━━━━━━━━━━━━ 8", "none  ━━━━━━ 4", "and 2 more, 3 rows"]
    assert (draw_bar(0.001, 10), draw_bar(0.25, 10), draw_bar(1.0, 0)) == ("╸", "━━╸", "")


def test_upright_bars_share_a_scale_and_none_of_the_counted_vanishes() -> None:
    assert stack_bars([0, 1, 8, 16, 1000], 16, 2, 1) == ["   ██", " ▁███"]
    assert stack_bars([1, 2], 2, 1, 2) == ["▄▄██"]
    assert stack_bars([1, 100_000], 100_000, 1, 1) == ["▁█"]


def test_lengths_fill_the_room_they_get() -> None:
    def told(width: int, height: int) -> list[str]:
        return ["".join(text for text, _ in line).rstrip() for line in draw_lengths(Lengths(), width, height)]

    assert told(33, 2) == ["chosen      ▄▄▄███    median 21", "rejected ███      ▁▁▁ median 4"]
    assert told(33, 4) == [
        "words per answer, chosen longer in 83%", *told(33, 2), "         0     20 30+",
    ]  # fmt: skip
    assert told(20, 2) == ["chosen   median 21", "rejected median 4"]
    assert draw_axis(10, 4, 4) == "030+"


def test_the_summary_is_drawn_beside_the_datasets_and_empty_without_rows() -> None:
    async def look(app: Alone, pilot: Pilot[None]) -> None:
        await opened(app, pilot)
        text = read(app.panel.query_one(Spread))
        for part in ("categories", "voice", "letters", "chosen longer in 83%", "median 21", "30+"):
            assert part in text
        await opened(app, pilot, View((), name="empty", categories={}, lengths=Lengths(1, (), (), 0, 0, 0.5)))
        assert read(app.panel.query_one(Spread)).strip() == ""
        assert "no rows" in read(app.panel.query_one("#rows", Table))

    alone(look)
