"""One preference row to read: what is wrong with it, its prompt, then both answers with the words that differ marked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import SequenceMatcher
from itertools import groupby, zip_longest
from operator import itemgetter
from typing import ClassVar, Protocol

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.strip import Strip

from panels.lines import Lines
from panels.style import read_style
from panels.table import find_thumb, fit
from panels.text import harmless, plain
from panels.wrap import Runs, wrap

SHOWN = 10_000
"""Characters of a text that are ever laid out."""
COMPARED = 400
"""Words of an answer that are compared with the other's."""
RUN = 3
"""Words in a row that two answers of little in common must share to count as shared."""
LABEL, GAP, BAR, BESIDE = 10, 3, 2, 72
"""Cells: of a label, between the answers, at the right for the scroll bar, and from which the answers stand abreast."""

Word = tuple[str, bool]
"""A word and whether the other answer lacks it."""


class PairView(Protocol):
    """One line of a dataset; texts come as they lie in the file."""

    @property
    def line(self) -> int: ...
    @property
    def id(self) -> str: ...
    @property
    def category(self) -> str: ...
    @property
    def prompt(self) -> str: ...
    @property
    def asked(self) -> str:
        """The last turn of the prompt."""

    @property
    def chosen(self) -> str: ...
    @property
    def rejected(self) -> str: ...
    @property
    def chosen_words(self) -> int: ...
    @property
    def rejected_words(self) -> int: ...
    @property
    def findings(self) -> Sequence[str]: ...
    @property
    def raw(self) -> str:
        """The whole line."""

    @property
    def search(self) -> str:
        """All of its texts in lower case."""


class PairText(Lines, can_focus=True):
    """The row is laid out once for a width; keys scroll it."""

    DEFAULT_CSS = read_style(__file__)
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "pair--id", "pair--here", "pair--muted", "pair--warn", "pair--chosen", "pair--rejected", "pair--more", "pair--less",
    }  # fmt: skip
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "scroll_by(-1)", "Up", id="pair.up", show=False),
        Binding("down,j", "scroll_by(1)", "Down", id="pair.down", show=False),
        Binding("pageup,ctrl+u", "turn(-1)", "Page up", id="pair.page_up", show=False),
        Binding("pagedown,ctrl+d,space", "turn(1)", "Page down", id="pair.page_down", show=False),
        Binding("home,g", "scroll_by(-1000000)", "Start", id="pair.start", show=False),
        Binding("end,G", "scroll_by(1000000)", "End", id="pair.end", show=False),
    ]

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.pair: PairView | None = None
        self._top = 0
        self._page = 1
        self._laid: tuple[PairView, int, list[Runs]] | None = None

    def show(self, pair: PairView | None) -> None:
        if pair is not self.pair:
            self.pair, self._top = pair, 0
            self.redraw()

    # textual has an action_scroll_down of its own, which scrolls what Lines does not have
    def action_scroll_by(self, lines: int) -> None:
        self._top = max(0, self._top + lines)
        self.redraw()

    def action_turn(self, pages: int) -> None:
        self.action_scroll_by(pages * max(1, self._page - 1))

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        self.action_scroll_by(3)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        self.action_scroll_by(-3)

    def on_focus(self) -> None:
        self.redraw()

    def on_blur(self) -> None:
        self.redraw()

    def draw_lines(self, width: int, height: int) -> list[Strip]:
        if self.pair is None:
            return []
        if self._laid is None or self._laid[:2] != (self.pair, width):
            self._laid = self.pair, width, lay_out(self.pair, max(1, width - BAR))
        lines = self._laid[2]
        self._page = height
        self._top = max(0, min(self._top, len(lines) - height))
        tones: dict[str, Style] = {name[6:]: self.get_component_rich_style(name) for name in self.COMPONENT_CLASSES}
        tones[""] = self.rich_style
        if self.has_focus:
            tones["id"] = tones["here"]
        thumb = find_thumb(self._top, height, len(lines))
        strips = []
        for y, runs in enumerate(lines[self._top : self._top + height]):
            strip = Strip([Segment(text, tones[tone]) for text, tone in runs])
            strip = strip.adjust_cell_length(max(0, width - 1), self.rich_style)
            strips.append(Strip([*strip, Segment("▐" if y in thumb else " ", tones["muted"])]))
        return strips


def lay_out(pair: PairView, width: int) -> list[Runs]:
    """The row as lines of parts, each with its tone."""
    lines: list[Runs] = [
        [
            (plain(pair.id[:SHOWN], 60) or "no id", "id"),
            (f"  {plain(pair.category[:SHOWN], 40)}  line {pair.line}", "muted"),
        ]
    ]
    for finding in pair.findings:
        for i, runs in enumerate(wrap(join_words(split_words(finding), "warn"), width - 2)):
            lines.append([("▲ " if i == 0 else "  ", "warn"), *runs])
    if not (pair.prompt or pair.chosen or pair.rejected):
        return [*lines, [], *wrap(join_words(split_words(pair.raw)), width)]
    indent = LABEL if width >= 3 * LABEL else 0
    for i, runs in enumerate(wrap(join_words(split_words(pair.prompt)), width - indent)):
        lines.append([(("prompt" if i == 0 else "").ljust(indent), "muted"), *runs] if indent else runs)
    chosen, rejected = mark_differences(split_words(pair.chosen), split_words(pair.rejected))
    abreast = width >= BESIDE
    half, nothing = (width - GAP) // 2 if abreast else width, Runs()
    left = [_head("chosen", pair.chosen_words, pair.chosen, half), *wrap(join_words(chosen, "", "more"), half)]
    right = [_head("rejected", pair.rejected_words, pair.rejected, half), *wrap(join_words(rejected, "", "less"), half)]
    left, right = left + _tell_more(pair.chosen), right + _tell_more(pair.rejected)
    if not abreast:
        return [*lines, nothing, *left, nothing, *right]
    lines.append(nothing)
    for a, b in zip_longest(left, right, fillvalue=nothing):
        gap = " " * (half + GAP - sum(cell_len(text) for text, _ in a))
        lines.append([*a, (gap, ""), *b])
    return lines


def _head(what: str, words: int, text: str, width: int) -> Runs:
    size = f"{words:,} {'word' if words == 1 else 'words'}, {len(text):,} characters"
    return [(what, what), ("  " + fit(size, min(len(size), width - len(what) - 2)), "muted")]


def _tell_more(text: str) -> list[Runs]:
    return [[(f"… {len(text) - SHOWN:,} characters more", "muted")]] if len(text) > SHOWN else []


def split_words(text: str) -> list[list[str]]:
    """The harmless words of each line of a text, as many as are ever laid out."""
    return [harmless(line).split() for line in text[:SHOWN].splitlines()]


def mark_differences(a: list[list[str]], b: list[list[str]]) -> tuple[list[list[Word]], list[list[Word]]]:
    """Both texts with every word marked that the other lacks at its place."""
    left, right = ([word for line in text for word in line][:COMPARED] for text in (a, b))
    blocks = SequenceMatcher(None, left, right, autojunk=False).get_matching_blocks()
    if sum(block.size for block in blocks) * 4 < len(left) + len(right):
        # little in common: a shared "the" here and there says nothing
        blocks = [block for block in blocks if block.size >= RUN]
    shared_left = {block.a + i for block in blocks for i in range(block.size)}
    shared_right = {block.b + i for block in blocks for i in range(block.size)}
    return _mark(a, shared_left), _mark(b, shared_right)


def _mark(text: list[list[str]], shared: set[int]) -> list[list[Word]]:
    number = -1
    marked = []
    for line in text:
        words = []
        for word in line:
            number += 1
            words.append((word, number < COMPARED and number not in shared))
        marked.append(words)
    return marked


def join_words(text: Iterable[Sequence[Word | str]], tone: str = "", mark: str = "") -> Runs:
    """The words as one text, the marked ones and the spaces between them in the tone `mark`."""
    runs: Runs = []
    for number, line in enumerate(text):
        if number:
            runs.append(("\n", tone))
        for at, item in enumerate(line):
            word, marked = (item, False) if isinstance(item, str) else item
            look = mark if marked else tone
            if at:
                runs.append((" ", look if runs[-1][1] == look else tone))
            runs.append((word, look))
    return [("".join(text for text, _ in same), look) for look, same in groupby(runs, itemgetter(1))]
