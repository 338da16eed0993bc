"""A question with the command that does the same, answered by y or enter, n or escape."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from panels.style import read_style
from panels.text import plain


class Confirm(ModalScreen[str | None]):
    """Ends with the text of the field (empty where it has none), or None where the answer is no."""

    DEFAULT_CSS = read_style(__file__)
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y,enter", "answer(True)", "Yes", id="confirm.yes"),
        Binding("n,escape,q", "answer(False)", "No", id="confirm.no"),
    ]

    def __init__(self, question: str, command: str, *, note: str = "", field: str | None = None) -> None:
        super().__init__()
        self._question, self._command, self._note = plain(question), plain(command), plain(note)
        self._field = field

    def compose(self) -> ComposeResult:
        with Vertical():
            yield Static(self._question, markup=False, id="question")
            if self._note:
                yield Static(self._note, markup=False, id="note")
            yield Static("$ " + self._command, markup=False, id="command")
            if self._field is not None:
                yield Input(plain(self._field), compact=True, select_on_focus=False)
            yield Static(
                "y, enter  yes      n, esc  no" if self._field is None else "type to edit      enter  yes      esc  no",
                id="keys",
            )

    def action_answer(self, yes: bool) -> None:
        text = self.query_one(Input).value if self._field is not None else ""
        self.dismiss(text if yes else None)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        self.action_answer(True)
