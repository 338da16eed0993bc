"""One answer to label, under what it answers: nothing on it tells which model gave it, or what a judge made of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal, NamedTuple

from rich.segment import Segment
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.strip import Strip

from panels.lines import Lines
from panels.style import read_style
from panels.text import harmless_lines
from panels.wrap import fold

Given = Literal["pass", "fail", "critical", "skip"]
ROLE, MARGIN, WIDEST = 11, 2, 100
SHOWN = 20_000
"""Characters of a text that are ever laid out."""


class ItemView(NamedTuple):
    id: str
    turns: Sequence[tuple[str, str]]
    """Role and text of what was asked, and of the answers before this one."""
    references: Sequence[str]
    answer: str


class Calibrate(Lines, can_focus=True):
    """Holds no list and keeps no label: each goes out as a message, and the next item comes in by `show`."""

    DEFAULT_CSS = read_style(__file__)
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "calibrate--text", "calibrate--title", "calibrate--muted", "calibrate--rule", "calibrate--bad",
    }  # fmt: skip
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("p", "label('pass')", "Pass", id="calibrate.pass"),
        Binding("f", "label('fail')", "Fail", id="calibrate.fail"),
        Binding("c", "label('critical')", "Critical", id="calibrate.critical", tooltip="a fail by a critical failure"),
        Binding("s", "label('skip')", "Skip", id="calibrate.skip"),
        Binding("u", "undo", "Undo", id="calibrate.undo"),
        Binding("down,j", "scroll_lines(1)", "Scroll", id="calibrate.down", show=False),
        Binding("up,k", "scroll_lines(-1)", "Scroll up", id="calibrate.up", show=False),
        Binding("pagedown,space", "scroll_pages(1)", "Page down", id="calibrate.page_down", show=False),
        Binding("pageup", "scroll_pages(-1)", "Page up", id="calibrate.page_up", show=False),
        Binding("home,g", "scroll_lines(-1000000)", "To the top", id="calibrate.top", show=False),
        Binding("end,G", "scroll_lines(1000000)", "To the end", id="calibrate.end", show=False),
    ]

    class Labelled(Message):
        """What was said of the item that is shown."""

        def __init__(self, item: str, given: Given) -> None:
            super().__init__()
            self.item = item
            self.given = given

    class Undone(Message):
        """The last label is to be taken back."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.item: ItemView | None = None
        self._left = 0
        self._first = 0
        self._room = 1
        self._reach = 0
        self._problem = ""

    def show(self, item: ItemView | None, left: int) -> None:
        """Another item, from its top; None where all are labelled."""
        self.item, self._left, self._first, self._problem = item, left, 0, ""
        self.refresh_bindings()
        self.redraw()

    def say(self, problem: str) -> None:
        """Why the last label was not kept."""
        self._problem = problem
        self.redraw()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return action != "label" or self.item is not None

    def action_label(self, given: Given) -> None:
        assert self.item is not None, "check_action lets no label through without an item"
        self.post_message(self.Labelled(self.item.id, given))

    def action_undo(self) -> None:
        self.post_message(self.Undone())

    def action_scroll_lines(self, by: int) -> None:
        self._first = max(0, min(self._first + by, self._reach))
        self.redraw()

    def action_scroll_pages(self, by: int) -> None:
        self.action_scroll_lines(by * max(1, self._room - 2))

    def draw_lines(self, width: int, height: int) -> list[Strip]:
        style = self.get_component_rich_style
        muted, title = style("calibrate--muted"), style("calibrate--title")
        if self.item is None:
            head = [Segment("  all are labelled", title)]
            return [Strip(head), self._blank(width), *self._write("q leaves and shows how far you and the judge agree; u takes the last label back", width, "muted")]  # fmt: skip
        body = self._draw_item(self.item, width)
        self._room = max(1, height - 2)
        self._reach = max(0, len(body) - self._room)
        self._first = min(self._first, self._reach)
        more = len(body) - self._first - self._room
        told = Segment(f"  {self._problem}", style("calibrate--bad")) if self._problem else Segment("", muted)
        below = Segment(f"   {more} more {'line' if more == 1 else 'lines'}, j" if more > 0 else "", muted)
        top = Strip([Segment("  does it pass?", title), Segment(f"   {self._left} left", muted), below, told])
        return [top, self._blank(width), *body[self._first : self._first + self._room]]

    def _draw_item(self, item: ItemView, width: int) -> list[Strip]:
        lines: list[Strip] = []
        for role, text in item.turns:
            lines += self._write(text, width, "text" if role == "user" else "muted", role)
            lines.append(self._blank(width))
        for number, reference in enumerate(item.references):
            lines += self._write(f"· {reference}", width, "muted", "reference" if number == 0 else "")
        if item.references:
            lines.append(self._blank(width))
        rule = "─" * max(0, min(width - 2 * MARGIN, WIDEST))
        lines += [
            Strip([Segment(" " * MARGIN + rule, self.get_component_rich_style("calibrate--rule"))]),
            self._blank(width),
        ]
        return lines + (self._write(item.answer, width, "text") or self._write("(an empty answer)", width, "muted"))

    def _write(self, text: str, width: int, tone: str, role: str | None = None) -> list[Strip]:
        """A text in lines; beside a role it is set in, and every paragraph keeps its own lines."""
        style = self.get_component_rich_style
        inset = 0 if role is None else ROLE
        room = max(1, min(width - 2 * MARGIN, WIDEST) - inset)
        lines = fold(harmless_lines(text.strip(), SHOWN), room)
        gutter = " " * MARGIN + (role or "").ljust(inset)[:inset]
        return [
            Strip([
                Segment(gutter if number == 0 else " " * len(gutter), style("calibrate--muted")),
                Segment(line, style(f"calibrate--{tone}")),
            ])
            for number, line in enumerate(lines)
        ]  # fmt: skip

    def _blank(self, width: int) -> Strip:
        return Strip.blank(width, self.get_component_rich_style("calibrate--text"))
