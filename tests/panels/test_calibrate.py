"""The screen on which an answer is labelled: what it shows, what it keeps to itself, and its keys."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from textual.app import App, ComposeResult
from textual.pilot import Pilot

from console.themes import THEMES, fill_variables
from panels.calibrate import Calibrate, ItemView

HOSTILE = "[red]x[/red] [@click=app.bell]y[/] \x1b[31mz\x1b]0;title\x07 \u202eevil\u2066 漢字\r\n\ttab"
Check = Callable[["Console", Calibrate, Pilot[None]], Awaitable[None]]


class Console(App[None]):
    def __init__(self, item: ItemView | None, left: int) -> None:
        super().__init__()
        self.item, self.left = item, left
        self.heard: list[tuple[str, str]] = []
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = "charlab-dark"

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return fill_variables(self.current_theme)

    def compose(self) -> ComposeResult:
        yield Calibrate()

    def on_mount(self) -> None:
        self.query_one(Calibrate).show(self.item, self.left)
        self.query_one(Calibrate).focus()

    def on_calibrate_labelled(self, message: Calibrate.Labelled) -> None:
        self.heard.append((message.item, message.given))

    def on_calibrate_undone(self) -> None:
        self.heard.append(("", "undone"))


def drive(item: ItemView | None, check: Check, size: tuple[int, int] = (120, 34), left: int = 7) -> None:
    async def go() -> None:
        app = Console(item, left)
        async with app.run_test(size=size) as pilot:
            await pilot.pause()
            await check(app, app.query_one(Calibrate), pilot)

    asyncio.run(go())


def read(panel: Calibrate) -> list[str]:
    return ["".join(s.text for s in strip).rstrip() for strip in panel.draw_lines(*panel.content_size)]


def item(answer: str = "I am of Virginia, Sir.", question: str = "Who are you?") -> ItemView:
    return ItemView("who 0 0", [("user", question)], ["Names his county."], answer)


def test_question_reference_and_answer_stand_in_this_order_with_how_many_are_left() -> None:
    async def check(app: Console, panel: Calibrate, pilot: Pilot[None]) -> None:
        lines = [line for line in read(panel) if line]
        assert lines[0] == "  does it pass?   7 left"
        assert lines[1] == "  user       Who are you?"
        assert lines[2] == "  reference  · Names his county."
        assert set(lines[3].strip()) == {"─"}
        assert lines[4] == "  I am of Virginia, Sir."

    drive(item(), check)


def test_the_id_of_an_answer_is_not_shown() -> None:
    async def check(app: Console, panel: Calibrate, pilot: Pilot[None]) -> None:
        assert "who 0 0" not in "\n".join(read(panel))

    drive(item(), check)


@pytest.mark.parametrize(("key", "given"), [("p", "pass"), ("f", "fail"), ("c", "critical"), ("s", "skip")])
def test_a_key_says_what_it_is_of_the_item_that_is_shown(key: str, given: str) -> None:
    async def check(app: Console, panel: Calibrate, pilot: Pilot[None]) -> None:
        await pilot.press(key)
        await pilot.pause()
        assert app.heard == [("who 0 0", given)]

    drive(item(), check)


def test_where_all_are_labelled_no_label_goes_out_and_the_last_can_be_taken_back() -> None:
    async def check(app: Console, panel: Calibrate, pilot: Pilot[None]) -> None:
        assert "all are labelled" in read(panel)[0]
        await pilot.press("p", "u")
        await pilot.pause()
        assert app.heard == [("", "undone")]

    drive(None, check, left=0)


def test_a_long_answer_scrolls_to_its_end_and_not_beyond() -> None:
    async def check(app: Console, panel: Calibrate, pilot: Pilot[None]) -> None:
        assert "more lines, j" in read(panel)[0]
        await pilot.press("j")
        assert "Who are you?" not in "\n".join(read(panel))
        await pilot.press("G")
        assert read(panel)[-1].strip() == "line 99"
        await pilot.press("j", "pagedown")
        assert read(panel)[-1].strip() == "line 99"
        assert "more" not in read(panel)[0]
        await pilot.press("g")
        assert "Who are you?" in read(panel)[2]

    drive(item("\n".join(f"line {i}" for i in range(100))), check)


def test_the_next_item_is_shown_from_its_top() -> None:
    async def check(app: Console, panel: Calibrate, pilot: Pilot[None]) -> None:
        await pilot.press("G")
        panel.show(item(question="And now?"), 6)
        assert "And now?" in "\n".join(read(panel))

    drive(item("\n".join(map(str, range(100)))), check)


def test_hostile_text_neither_steers_the_terminal_nor_is_markup() -> None:
    async def check(app: Console, panel: Calibrate, pilot: Pilot[None]) -> None:
        shown = "\n".join(read(panel))
        assert "[red]x[/red] [@click=app.bell]y[/] z" in shown
        assert not set("\x1b\x07\u202e\u2066\t") & set(shown)

    drive(ItemView("x", [("user", HOSTILE), ("assistant", HOSTILE)], [HOSTILE], HOSTILE), check)


def test_an_empty_answer_says_that_it_is_one() -> None:
    async def check(app: Console, panel: Calibrate, pilot: Pilot[None]) -> None:
        assert read(panel)[-1] == "  (an empty answer)"

    drive(item("  \n"), check)


@pytest.mark.parametrize("size", [(1, 1), (3, 2), (80, 24), (200, 50)])
def test_it_holds_at_any_size(size: tuple[int, int]) -> None:
    async def check(app: Console, panel: Calibrate, pilot: Pilot[None]) -> None:
        width, height = panel.content_size
        assert all(strip.cell_length <= max(width, 200) for strip in panel.draw_lines(width, height))
        await pilot.press("j", "G", "k", "p")
        await pilot.pause()
        assert app.heard == [("who 0 0", "pass")]

    drive(item("word " * 3000), check, size)
