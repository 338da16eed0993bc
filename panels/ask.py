"""The field that a prompt is typed into: enter sends, ctrl+j begins another line."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.events import Key
from textual.message import Message
from textual.widgets import TextArea

from panels.style import read_style
from panels.text import harmless


class Ask(TextArea):
    DEFAULT_CSS = read_style(__file__)
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "submit", "Send", id="ask.send"),
        # a terminal tells shift+enter from enter only where it speaks kitty's protocol, ctrl+j everywhere
        Binding("ctrl+j,shift+enter,alt+enter", "break_line", "New line", id="ask.new_line", show=False),
    ]

    class Submitted(Message):
        """What was typed, which the field keeps until it is cleared."""

        def __init__(self, ask: Ask) -> None:
            super().__init__()
            self.ask = ask
            self.text = ask.text

        @property
        def control(self) -> Ask:
            return self.ask

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(
            id=id,
            compact=True,
            highlight_cursor_line=False,
            soft_wrap=True,
            tab_behavior="focus",
            show_line_numbers=False,
        )
        self.cursor_blink = False

    def get_line(self, line_index: int) -> Text:
        """What could steer a terminal is shown as a mark, and stays in the text."""
        line = self.document.get_line(line_index)
        shown = line if line.isascii() and line.isprintable() else "".join(_show(char) for char in line)
        return Text(shown, end="", no_wrap=True)

    async def _on_key(self, event: Key) -> None:
        # here and not by a priority binding, which would overtake the letters that came with the key in one read
        if event.key == "enter":
            event.stop()
            event.prevent_default()
            self.action_submit()
        else:
            await super()._on_key(event)

    def action_submit(self) -> None:
        self.post_message(self.Submitted(self))

    def action_break_line(self) -> None:
        self.insert("\n")

    def take(self, text: str) -> None:
        """Clear what was submitted; what was typed behind it meanwhile stays."""
        self.put(self.text.removeprefix(text))

    def put(self, text: str) -> None:
        """Another text, the cursor at its end."""
        self.load_text(text)
        self.move_cursor(self.document.end)


def _show(char: str) -> str:
    return char if char == "\t" or harmless(char) else "�"
