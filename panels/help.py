"""What the panel in sight is for, and every key that works there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from panels.style import read_style


class Help(ModalScreen[None]):
    """Sections of text, and keys with what they do."""

    DEFAULT_CSS = read_style(__file__)
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,question_mark,f1", "dismiss", "Close", id="help.close"),
        Binding("j", "scroll(1)", "Down", id="help.down", show=False),
        Binding("k", "scroll(-1)", "Up", id="help.up", show=False),
    ]

    def __init__(self, sections: Sequence[tuple[str, str]], keys: Sequence[tuple[str, str]]) -> None:
        super().__init__()
        self._sections, self._keys = sections, keys

    def compose(self) -> ComposeResult:
        text = Text()
        for title, body in self._sections:
            text.append(title + "\n", "bold")
            text.append(body.strip() + "\n\n")
        if self._keys:
            text.append("Keys\n", "bold")
            width = max(len(key) for key, _ in self._keys)
            for key, meaning in self._keys:
                text.append(key.rjust(width), "bold").append(f"  {meaning}\n")
        with VerticalScroll():
            yield Static(text, markup=False)

    def action_scroll(self, by: int) -> None:
        self.query_one(VerticalScroll).scroll_relative(y=by, animate=False)
