"""The turns of a conversation, each prompt over what one or two models answered to it, side by side where there is room.

Longer than a file should be: turns, tokens and the place where two answers part share one layout and one cursor.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from math import exp
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.strip import Strip

from panels.growing import Growing
from panels.lines import Lines
from panels.style import read_style
from panels.table import find_thumb
from panels.text import plain
from panels.turn import (
    GAP,
    Answer,
    Block,
    ReplyView,
    SideView,
    TokenText,
    TurnView,
    count_same,
    cut_lines,
    find_end,
    format_chance,
    join_columns,
    keep_end,
    name_chance,
    quote,
)
from panels.wrap import Runs, fold

GUTTER, BAR, BESIDE = 2, 2, 72
"""Cells: of the cursor's bar, at the right for the scroll bar; from which answers stand abreast."""
PROMPT_LINES, ERROR_LINES, SYSTEM_LINES = 12, 6, 2
PROMPT_SHOWN = 4000
"""Characters of a prompt that are laid out."""
HALF = ("left", "right")

STATES = {"waiting": "…", "longest": "cut off at max_tokens", "cut": "cut off: the server went away", "stopped": "cut off: stopped"}  # fmt: skip
ENDED = ("done", "longest", "cut", "stopped", "failed")


class Talk(Lines, can_focus=True):
    """A cursor over turns; with `tokens` on, one over the tokens of the turn's answers too."""

    DEFAULT_CSS = read_style(__file__)
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        f"talk--{tone}"
        for tone in (
            "text", "muted", "name", "bar", "prompt", "part", "good", "bad", "warn", "token", "rule",
            "sure", "likely", "unlikely", "rare",
        )
    }  # fmt: skip
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "step(-1)", "Turn before", id="talk.up", show=False),
        Binding("down,j", "step(1)", "Next turn", id="talk.down", show=False),
        Binding("pageup,ctrl+u", "turn_page(-1)", "Page up", id="talk.page_up", show=False),
        Binding("pagedown,ctrl+d", "turn_page(1)", "Page down", id="talk.page_down", show=False),
        Binding("home,g", "step(-1000000)", "First turn", id="talk.first", show=False),
        Binding("end,G", "step(1000000)", "Last turn", id="talk.last", show=False),
        Binding("left,h", "step_token(-1)", "Token before", id="talk.left", show=False),
        Binding("right,l", "step_token(1)", "Next token", id="talk.right", show=False),
        Binding("o", "turn_side", "Other answer", id="talk.side", show=False, tooltip="with the tokens shown"),
    ]

    def __init__(self, *, hints: Sequence[str] = (), id: str | None = None) -> None:
        """`hints` stand where nothing was said yet."""
        super().__init__(id=id)
        self._hints = hints
        self.turns: tuple[TurnView, ...] = ()
        self.sides: tuple[SideView, ...] = ()
        self.tokens = False
        self.index = 0
        self._side = 0
        self._token = [0, 0]
        self._top = 0
        self._follows = True  # the end stays in sight while answers come, until one scrolls away from it
        self._page = 1
        self._laid: dict[tuple[int, bool], Growing | TokenText] = {}
        self._heads: dict[int, tuple[tuple[object, ...], list[Runs]]] = {}
        self._same: dict[tuple[int, int], int] = {}
        self._blocks: list[Block] = []

    def allow_focus(self) -> bool:
        return bool(self.display)

    # ---------------------------------------------------------------- what is shown

    def show(self, sides: Sequence[SideView], turns: Sequence[TurnView]) -> None:
        keys = [turn.key for turn in self.turns]
        self.sides, self.turns = tuple(sides), tuple(turns)
        now = [turn.key for turn in turns]
        if now != keys:
            # the turn that is another one now, or the new last one
            self.index = next((i for i, (a, b) in enumerate(zip(keys, now)) if a != b), max(0, len(now) - 1))
            self._token = [0, 0]
            there = {reply.key for turn in turns for reply in turn.replies}
            self._laid = {key: laid for key, laid in self._laid.items() if key[0] in there}
            self._heads = {key: head for key, head in self._heads.items() if key in now}
            self._same = {pair: same for pair, same in self._same.items() if there.issuperset(pair)}
            self._follows = self.index == len(now) - 1
            self._show_cursor(follows=self._follows)
        self.redraw()

    @property
    def turn(self) -> TurnView | None:
        return self.turns[self.index] if self.index < len(self.turns) else None

    def show_tokens(self, on: bool) -> None:
        self.tokens = on
        self._show_cursor()
        self.redraw()

    def go_where_they_part(self) -> bool:
        """Put the cursor where the answers of its turn part; whether they do."""
        if self.turn is None:
            return False
        block = self._lay_out()[self.index]
        for number, answer in enumerate(block.answers):
            if answer.mark is not None and isinstance(answer.laid, TokenText):
                self._token[number] = answer.laid.find_token(answer.mark[0])
        marks = [(number, answer.mark) for number, answer in enumerate(block.answers) if answer.mark is not None]
        if not marks:
            return False
        self._go_to(block.find_line(marks[0][0], marks[0][1][0]))
        self.redraw()
        return True

    # ---------------------------------------------------------------- keys

    def action_step(self, by: int) -> None:
        before = self.index
        self.index = max(0, min(len(self.turns) - 1, self.index + by))
        if self.index != before:
            self._token = [0, 0]
        self._show_cursor(follows=by > 0 and self.index == len(self.turns) - 1)
        self.redraw()

    def action_turn_page(self, by: int) -> None:
        self._scroll(by * max(1, self._page - 2))

    def action_step_token(self, by: int) -> None:
        reply = self._reply()
        if reply is None or not reply.tokens or not self.tokens:
            return
        at = max(0, min(len(reply.tokens) - 1, self._token[self._side] + by))
        self._token[self._side] = at
        laid = self._lay_out()[self.index]
        text = self._laid.get((reply.key, True))
        if isinstance(text, TokenText):
            self._go_to(laid.find_line(self._side, text.starts[at]))
        self.redraw()

    def action_turn_side(self) -> None:
        if self.turn is not None and len(self.turn.replies) > 1:
            self._side = 1 - self._side
            self.redraw()

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        self._scroll(3)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        self._scroll(-3)

    def on_focus(self) -> None:
        self.redraw()

    def on_blur(self) -> None:
        self.redraw()

    def _scroll(self, lines: int) -> None:
        count = sum(block.height for block in self._lay_out())
        self._top = max(0, min(self._top + lines, count - self._page))
        self._follows = self._top >= count - self._page
        self.redraw()

    def _show_cursor(self, follows: bool = False) -> None:
        """Bring the turn under the cursor into sight, from its prompt on."""
        self._follows = follows
        if not follows and self.turns:
            blocks = self._lay_out()
            start = self._start_of(self.index)
            if start < self._top or start + blocks[self.index].height > self._top + self._page:
                self._top = start

    def _go_to(self, line: int) -> None:
        """Bring a line of the turn under the cursor into sight."""
        line += self._start_of(self.index)
        if not self._top <= line < self._top + self._page:
            self._top, self._follows = max(0, line - self._page // 2), False

    def _start_of(self, index: int) -> int:
        return sum(block.height for block in self._blocks[:index])

    def _reply(self) -> ReplyView | None:
        turn = self.turn
        return None if turn is None or not turn.replies else turn.replies[min(self._side, len(turn.replies) - 1)]

    # ---------------------------------------------------------------- layout

    def _lay_out(self) -> list[Block]:
        width = max(4, self.content_size.width - GUTTER - BAR)
        abreast = len(self.sides) > 1 and width >= BESIDE
        half = (width - GAP) // 2 if abreast else width
        self._blocks = [self._lay_turn(number, turn, width, half) for number, turn in enumerate(self.turns)]
        return self._blocks

    def _lay_turn(self, index: int, turn: TurnView, width: int, half: int) -> Block:
        laid = [self._lay_reply(reply, half) for reply in turn.replies]
        marks = self._mark_parting(turn, laid)
        answers = []
        for number, (text, mark) in enumerate(zip(laid, marks, strict=True)):
            at = self._token[number] if isinstance(text, TokenText) and index == self.index else None
            named = half == width and len(laid) > 1 and number < len(self.sides)
            title: Runs = [(keep_end(plain(self.sides[number].label), half), "muted")] if named else []
            answers.append(Answer(title, text, mark, at, self._write_tail(turn, number, half)))
        return Block(self._find_head(index, turn, width), answers, width, half)

    def _lay_reply(self, reply: ReplyView, width: int) -> Growing | TokenText:
        as_tokens = self.tokens and bool(reply.tokens)
        laid = self._laid.get((reply.key, as_tokens))
        if laid is None or laid.width != max(2, width):
            laid = self._laid[reply.key, as_tokens] = TokenText(width) if as_tokens else Growing(width)
        if isinstance(laid, TokenText):
            laid.take(reply.tokens)
        else:
            laid.follow(reply.text)
        return laid

    def _find_head(self, index: int, turn: TurnView, width: int) -> list[Runs]:
        now = (index, len(self.turns) > 1, width, turn.prompt, turn.seed, turn.system, turn.version)
        before = self._heads.get(turn.key)
        if before is None or before[0] != now:
            before = self._heads[turn.key] = now, self._write_head(index, turn, width)
        return before[1]

    def _write_head(self, index: int, turn: TurnView, width: int) -> list[Runs]:
        facts = [f"turn {index + 1}"] if len(self.turns) > 1 else []
        if turn.version[1] > 1:
            facts.append(f"version {turn.version[0]} of {turn.version[1]}")
        if turn.seed is not None:
            facts.append(f"seed {turn.seed}")
        while facts and sum(len(fact) + 2 for fact in facts) > width // 2:
            facts.pop()
        note = "  ".join(facts)
        lines: list[Runs] = []
        if turn.system is not None:
            said = f"system  {plain(turn.system[:PROMPT_SHOWN])}" if turn.system else "no system prompt from here on"
            lines += [[(line, "muted")] for line in cut_lines(fold(said, width), SYSTEM_LINES, width)]
        shown = Growing(max(8, width - len(note) - 3))
        shown.follow(turn.prompt[:PROMPT_SHOWN])
        parts = [shown.text[a:b] for a, b in shown.lines]
        for number, line in enumerate(cut_lines(parts, PROMPT_LINES, shown.width)):
            runs: Runs = [(line, "prompt")]
            if number == 0 and note:
                runs += [(" " * max(1, width - cell_len(line) - len(note)), "text"), (note, "muted")]
            lines.append(runs)
        return lines

    def _write_tail(self, turn: TurnView, number: int, width: int) -> list[Runs]:
        """What stands beneath an answer: that it said nothing, what was judged, what it cost."""
        reply = turn.replies[number]
        lines: list[Runs] = []
        if reply.state == "failed":
            lines += [[(line, "bad")] for line in cut_lines(fold(f"✗ {plain(reply.words)}", width), ERROR_LINES, width)]
        elif reply.state in ENDED and not reply.text.strip():
            lines.append([("answered nothing", "warn")])
        elif reply.state == "waiting":
            return [[("…", "muted")]]
        words = reply.words if reply.state != "failed" else ""
        words = "" if reply.state == "coming" else words or STATES.get(reply.state, "")
        tone = "warn" if reply.state in ("cut", "stopped", "longest") else "muted"
        costs: list[Runs] = [[(line, tone)] for line in fold(plain(words), width)]
        if turn.verdict is not None:
            verdict = ("✓ holds", "good") if turn.verdict[number] else ("✗ breaks", "bad")
            if len(costs) == 1 and cell_len(costs[0][0][0]) + 10 <= width:
                return [*lines, [verdict, ("  ", "text"), *costs[0]]]
            lines.append([verdict])
        return [*lines, *costs]

    def _mark_parting(self, turn: TurnView, laid: Sequence[Growing]) -> list[tuple[int, int] | None]:
        """What differs first in each of two answers; None where nothing yet tells them apart."""
        if len(laid) != 2 or not (laid[0].text and laid[1].text):
            return [None] * len(laid)
        a, b = laid
        if isinstance(a, TokenText) and isinstance(b, TokenText):
            same = count_same([t.token for t in turn.replies[0].tokens], [t.token for t in turn.replies[1].tokens])
            return [a.span(same), b.span(same)]
        pair = turn.replies[0].key, turn.replies[1].key
        known = self._same.get(pair, 0)
        same = self._same[pair] = known + count_same(a.text[known:], b.text[known:])
        ended = all(reply.state in ENDED for reply in turn.replies)
        if same == min(len(a.text), len(b.text)) and (not ended or a.text == b.text):
            return [None, None]
        return [(same, find_end(text.text, same)) for text in laid]

    # ---------------------------------------------------------------- drawing

    def draw_lines(self, width: int, height: int) -> list[Strip]:
        tones = {name[6:]: self.get_component_rich_style(name) for name in self.COMPONENT_CLASSES}
        head = self._draw_sides(width, height, tones)
        foot = self._draw_token(width, tones) if self.tokens and height >= 8 else []
        self._page = max(1, height - len(head) - len(foot))
        blocks = self._lay_out()
        count = sum(block.height for block in blocks)
        if self._follows:
            self._top = count
        self._top = max(0, min(self._top, count - self._page))
        thumb = find_thumb(self._top, self._page, count)
        ends = list(accumulate(block.height for block in blocks))
        lines: list[Strip] = []
        if not blocks:
            words = self._hints if self.sides else ()
            room = max(8, width - GUTTER - BAR)
            hints = ["", *(line for hint in words for line in fold(hint, room))]
            lines = [Strip([Segment(f"  {hint}", tones["muted"])]).adjust_cell_length(width) for hint in hints]
        for y in range(len(lines), self._page):
            line = self._top + y
            at = bisect_right(ends, line)
            runs: Runs = []
            bar = " "
            if at < len(blocks):
                within = line - (ends[at - 1] if at else 0)
                runs = blocks[at].write(within)
                bar = "▌" if at == self.index and within < blocks[at].height - 1 else " "
            strip = Strip(
                [
                    Segment(bar.ljust(GUTTER), tones["bar" if self.has_focus else "muted"]),
                    *(Segment(text, tones[tone]) for text, tone in runs),
                ]
            ).adjust_cell_length(max(0, width - 1), tones["text"])
            lines.append(Strip([*strip, Segment("▐" if y in thumb else " ", tones["muted"])]))
        return [*head, *lines[: self._page], *foot]

    def _draw_sides(self, width: int, height: int, tones: dict[str, Style]) -> list[Strip]:
        """Who stands where, and how far each server is; one under the other where answers are."""
        if not self.sides or height < 5:
            return []
        room = max(4, width - GUTTER - BAR)
        abreast = len(self.sides) > 1 and room >= BESIDE
        half = (room - GAP) // 2 if abreast else room
        columns: list[list[Runs]] = []
        for side in self.sides:
            note = "" if side.state in ("ready", "failed") else plain(side.words) or side.state
            label = plain(side.label)
            note = note if len(note) <= half // 2 else note[: max(0, half // 2 - 1)] + "…"
            room_for = half - (cell_len(note) + 2 if note else 0)
            label = keep_end(label, room_for)
            gap = " " * max(0, half - cell_len(label) - cell_len(note))
            column: list[Runs] = [[(label, "name"), (gap, "text"), (note, "muted")]]
            if side.state == "failed":
                column += [
                    [(line, "bad")] for line in cut_lines(fold(f"✗ {plain(side.words)}", half), ERROR_LINES, half)
                ]
            columns.append(column)
        if abreast:
            lines = [
                join_columns([c[y] if y < len(c) else [] for c in columns], half) for y in range(max(map(len, columns)))
            ]
        else:
            lines = [runs for column in columns for runs in column]
        lines = lines[: max(1, height // 2)]
        strips = [
            Strip([Segment(" " * GUTTER, tones["text"]), *(Segment(t, tones[tone]) for t, tone in runs)])
            for runs in lines
        ]
        rule = Strip([Segment("─" * width, tones["rule"])])
        return [*(s.adjust_cell_length(width, tones["text"]) for s in strips), rule]

    def _draw_token(self, width: int, tones: dict[str, Style]) -> list[Strip]:
        """The token under the cursor: how likely it was, and what else might have stood there."""
        reply = self._reply()
        ground = tones["text"]
        rule = Strip([Segment("─" * width, tones["rule"])])
        if reply is None or not reply.tokens:
            words = "no probabilities came with this answer" if reply and reply.text else "no token here"
            return [rule, Strip([Segment(f"  {words}", tones["muted"])]), Strip.blank(width, ground)]
        at = min(self._token[self._side], len(reply.tokens) - 1)
        token = reply.tokens[at]
        chance = exp(min(0.0, token.logprob))
        where = f"{HALF[self._side]}, " if len(self.sides) > 1 else ""
        first = [
            Segment("  ", ground),
            Segment(quote(token.token), tones["name"]),
            Segment(f"  {format_chance(chance)}", tones[name_chance(chance)]),
            Segment(f"  {where}token {at + 1} of {len(reply.tokens)}", tones["muted"]),
        ]
        second = Strip([Segment("  ", ground)])
        for text, logprob in token.top:
            likely = exp(min(0.0, logprob))
            part = Strip(
                [
                    Segment(quote(text), tones["text"]),
                    Segment(f" {format_chance(likely)}   ", tones["muted"]),
                ]
            )
            if second.cell_length + part.cell_length > width:
                break
            second = Strip.join([second, part])
        return [rule, Strip(first), second]
