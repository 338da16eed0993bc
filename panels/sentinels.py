"""Where the character breaks: prompts by moments of one or several runs, and the answers behind each rate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual import on
from textual.actions import SkipAction
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical
from textual.widgets import Input, Static

from panels.grid import GridView, ProportionView, format_rate
from panels.heat import Heat
from panels.style import read_style
from panels.text import plain
from panels.transcripts import Transcripts

WIDE = 100
"""From this width on the answers stand beside the map, else beneath it."""


class Sentinels(Vertical):
    DEFAULT_CSS = read_style(__file__)
    HELP = (
        "How often the character breaks: prompts down, the steps of each run across, and the answers behind the cell "
        "under the cursor. The colour rises with the rate, m shows how often answers are in character instead. A "
        "coloured 0% has an interval under one half, a grey one was asked too seldom to say. ▲ marks a step with a "
        "checkpoint, · a prompt that was not asked. Behind the steps stand the probe runs about the run, and the forms that "
        "its adapter was compared in.\n\n"
        "The line at the foot gives the 95% interval of one prompt at one moment, which takes the answers to a prompt "
        "for independent. Totals have none: many answers to few prompts say little of prompts that were not asked.\n\n"
        "enter or tab goes to the answers, esc comes back; n and N go to the next break and the one before, wherever "
        "it is. The filter takes words of a prompt, all of which must occur, and -word for without."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("m", "toggle_rate", "Breaks / in character", id="sentinels.rate"),
        Binding("n", "find(1)", "Next break", id="sentinels.next"),
        Binding("N", "find(-1)", "Break before", id="sentinels.before", show=False),
        Binding("slash", "filter", "Filter", id="sentinels.filter"),
        Binding("enter", "read", "Read the answers", id="sentinels.read", show=False),
        Binding("escape", "leave", "Back to the map", id="sentinels.leave", show=False),
    ]

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.heat, self.answers = Heat(), Transcripts()
        self.status = Static(markup=False, classes="sentinels--status")
        self.input = Input(placeholder="words of a prompt, -word", compact=True)
        self._cell: tuple[object, ...] | None = None

    def compose(self) -> ComposeResult:
        with Container():
            yield self.heat
            yield self.answers
        yield self.input
        yield self.status

    def show(self, grids: Sequence[GridView], instead: str = "") -> None:
        """Show these runs side by side, or say `instead` where none was asked; cursor, filter and rate stay."""
        self.heat.show(grids, instead)
        self._show_cell()
        self._lay_out()

    def text_to_copy(self) -> str:
        """The answer in sight under its prompt."""
        return self.answers.text_to_copy()

    # keys

    def action_toggle_rate(self) -> None:
        self.heat.toggle()

    def action_find(self, by: int) -> None:
        """Go to the next break, or the one before, anywhere in the map; past the last comes the first."""
        breaks = list(self.heat.breaks())
        if not breaks:
            self.app.bell()
            return
        here = (self.heat.at, self.heat.row, self.answers.index)
        if by > 0:
            at, row, answer = next((b for b in breaks if b > here), breaks[0])
        else:
            at, row, answer = next((b for b in reversed(breaks) if b < here), breaks[-1])
        self.heat.move_to(row, at)
        self._show_cell()
        self.answers.move_to(answer)

    def action_read(self) -> None:
        if not self.heat.has_focus:
            raise SkipAction
        self.answers.focus()

    def action_filter(self) -> None:
        self.input.display = True
        self.input.focus()

    def action_leave(self) -> None:
        if self.input.display or self.heat.words:
            self.input.value = ""
            self.input.display = False
            self.heat.filter("")
        elif not self.answers.has_focus:
            raise SkipAction
        self.heat.focus()

    @on(Input.Changed)
    def _filter(self, event: Input.Changed) -> None:
        event.stop()
        self.heat.filter(event.value)

    @on(Input.Submitted)
    def _keep_filter(self, event: Input.Submitted) -> None:
        event.stop()
        self.input.display = False
        self.heat.focus()

    # what follows the cursor

    @on(Heat.Moved)
    def _follow(self, event: Heat.Moved) -> None:
        event.stop()
        self._show_cell()

    def _show_cell(self) -> None:
        heat, cell, column = self.heat, self.heat.cell, self.heat.column
        samples = cell.samples if cell else ()
        # a total has thousands, and two of them compared field by field are slow
        times = [sample.time for sample in samples]
        now = (column.key if column else None, heat.prompt and heat.prompt[:2], times)
        if now != self._cell:
            if self._cell is None or now[:2] != self._cell[:2]:
                self.answers.index = 0
            self._cell = now
            rows = column.grid.rows if column else ()
            self.answers.show(
                samples, {row.probe: row.messages for row in rows}, column.grid.system if column else None
            )
        self.status.update(self._describe(), layout=False)

    def _describe(self) -> Text:
        heat, cell, column = self.heat, self.heat.cell, self.heat.column
        text = Text()
        if column is None:
            return text
        prompt = plain(heat.prompt.probe[:99], 30) if heat.prompt else "all prompts"
        moment = None if column.moment is None else column.grid.moments[column.moment]
        where = "at all steps" if moment is None else f"at step {moment.step}"
        if moment is not None and moment.label:
            where += f" as {moment.label}" if moment.label != "probe" else f" by {moment.run}"
        text.append(f"{prompt} {where}: ", "bold")
        total = heat.prompt is None or moment is None
        breaks_first = heat.rate == "breaks"
        text.append(describe_rates(cell.breaks, cell.in_character, breaks_first, total) if cell else "not asked")
        if moment is not None and moment.checkpoint:
            text.append("  ▲ checkpoint", "dim")
        if heat.words:
            text.append(
                f"  /{plain(heat.words[:99], 20)} {len(heat.prompts)} of {len(heat.all_prompts)} prompts", "dim"
            )
        if skipped := sum(grid.skipped for grid in heat.grids):
            text.append(f"  {skipped} unreadable rows left out", "dim")
        return text

    def on_resize(self) -> None:
        self._lay_out()

    def on_descendant_focus(self) -> None:
        self._lay_out()

    def _lay_out(self) -> None:
        """Give the map what it wants, up to its share, and the answers the rest; beneath it they grow when read."""
        width, height = self.size
        wide = width >= WIDE
        self.set_class(wide, "-wide")
        self.set_class(not self.heat.columns, "-empty")
        wanted_width, wanted_height = self.heat.wants
        share = 2 if self.answers.has_focus else 3
        beside = wide and bool(self.heat.columns)
        self.heat.styles.width = min(width * 3 // 5, max(wanted_width, width * 2 // 5)) if beside else "1fr"
        self.heat.styles.height = "1fr" if wide else max(1, min(wanted_height, (height - 1) * share // 5))


def describe_rates(
    breaks: ProportionView, in_character: ProportionView, breaks_first: bool = True, total: bool = False
) -> str:
    """'7 of 12 break, 58% [32%, 81%]; 1 in character', or the other way round; a total has no interval."""
    if breaks.rate is None or in_character.rate is None:
        return "not asked"
    first = breaks if breaks_first else in_character
    rate = format_rate(first) if total else f"{format_rate(first)} [{first.low:.0%}, {first.high:.0%}]"
    if breaks_first:
        return f"{breaks.hits} of {breaks.n} break, {rate}; {in_character.hits} in character"
    return f"{in_character.hits} of {breaks.n} in character, {rate}; {breaks.hits} break"
