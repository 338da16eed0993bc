"""Answers of a model under the prompt that they were given to, one by one, with the words that break character marked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from textual.binding import Binding, BindingType
from textual.strip import Strip

from engine.records.dataset import Message
from engine.records.rows import Sample
from panels.lines import Lines
from panels.style import read_style
from panels.text import harmless_lines, plain
from panels.wrap import fold, wrap

SHOWN = 10_000
"""Characters of an answer that are ever laid out, around its break."""
ROLE, PROMPT_LINES = 10, 3


class Transcripts(Lines, can_focus=True):
    """The answer that the cursor is on stands first, those after it follow: only what is in sight is laid out."""

    DEFAULT_CSS = read_style(__file__)
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "transcripts--title", "transcripts--muted", "transcripts--bar", "transcripts--good", "transcripts--bad",
        "transcripts--words", "transcripts--text",
    }  # fmt: skip
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "step(-1)", "Answer before", id="transcripts.up", show=False),
        Binding("down,j", "step(1)", "Next answer", id="transcripts.down", show=False),
        Binding("home,g", "first", "First answer", id="transcripts.first", show=False),
        Binding("end,G", "last", "Last answer", id="transcripts.last", show=False),
        Binding("pagedown", "page(1)", "Scroll down", id="transcripts.page_down", show=False),
        Binding("pageup", "page(-1)", "Scroll up", id="transcripts.page_up", show=False),
    ]

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.samples: Sequence[Sample] = ()
        self.index = 0
        self._prompts: Mapping[str, Sequence[Message]] = {}
        self._system: str | None = None
        self._scrolled: int | None = None
        self._first_line = 0

    def show(self, samples: Sequence[Sample], prompts: Mapping[str, Sequence[Message]], system: str | None) -> None:
        """Replace the answers; `prompts` are the messages by probe, `system` stands where those have none."""
        self.samples, self._prompts, self._system = samples, prompts, system
        self.move_to(self.index)

    def move_to(self, index: int) -> None:
        self.index = max(0, min(index, len(self.samples) - 1))
        self._scrolled = None
        self.redraw()

    @property
    def sample(self) -> Sample | None:
        return self.samples[self.index] if self.samples else None

    def text_to_copy(self) -> str:
        """The prompt and the answer that stands first, whole."""
        if self.sample is None:
            return ""
        turns = [*self._asked(self.sample), ("assistant", self.sample.text)]
        return "\n\n".join(f"{role}: {harmless_lines(text)}" for role, text in turns)

    def action_step(self, by: int) -> None:
        self.move_to(self.index + by)

    def action_first(self) -> None:
        self.move_to(0)

    def action_last(self) -> None:
        self.move_to(len(self.samples) - 1)

    def action_page(self, by: int) -> None:
        self._scrolled = max(0, self._first_line + by * max(1, self.content_size.height // 2))
        self.redraw()

    def on_focus(self) -> None:
        self.redraw()

    def on_blur(self) -> None:
        self.redraw()

    def _asked(self, sample: Sample) -> list[tuple[str, str]]:
        asked: list[tuple[str, str]] = [(m.role, m.content) for m in self._prompts.get(sample.probe, ())]
        if self._system is not None and not (asked and asked[0][0] == "system"):
            return [("system", self._system), *asked]
        return asked

    def draw_lines(self, width: int, height: int) -> list[Strip]:
        style = self.get_component_rich_style
        sample = self.sample
        if sample is None:
            return [Strip([Segment("no answers here", style("transcripts--muted"))])]
        lines = self._draw_head(sample, width, height)
        room = max(1, height - len(lines))
        first = self._draw_answer(sample, width, self.has_focus)
        self._first_line = min(self._find_line(first, room), max(0, len(first) - room))
        lines += [strip for strip, _ in first[self._first_line :]]
        for after in self.samples[self.index + 1 :]:
            if len(lines) >= height:
                break
            lines += [
                Strip.blank(width, style("transcripts--text")),
                *(s for s, _ in self._draw_answer(after, width, None)),
            ]
        return lines

    def _find_line(self, lines: list[tuple[Strip, bool]], room: int) -> int:
        """The line of an answer to begin with: where one scrolled to, else such that its break is in sight."""
        if self._scrolled is not None:
            return self._scrolled
        broken = next((i for i, (_, marked) in enumerate(lines) if marked), 0)
        return max(0, broken - room // 2) if broken >= room else 0

    def _draw_head(self, sample: Sample, width: int, height: int) -> list[Strip]:
        """Which answer of how many, the system prompt in a line, the turns in a few."""
        if height < 5:
            return []
        style = self.get_component_rich_style
        muted = style("transcripts--muted")
        title = Segment(f"answer {self.index + 1} of {len(self.samples)}", style("transcripts--title"))
        lines = [Strip([title, Segment(f"  {plain(sample.probe[:99], 20)}, step {sample.step}", muted)])]
        room = max(1, width - ROLE)
        for role, text in self._asked(sample):
            if role == "system" and height < 9:
                continue
            for i, part in enumerate(_fold(text, room, 1 if role == "system" or height < 12 else PROMPT_LINES)):
                tone = style("transcripts--text") if role == "user" else muted
                lines.append(Strip([Segment((role if i == 0 else "").ljust(ROLE), muted), Segment(part, tone)]))
        return [*lines[: height // 2], Strip.blank(width, style("transcripts--text"))]

    def _draw_answer(self, sample: Sample, width: int, focused: bool | None) -> list[tuple[Strip, bool]]:
        """The lines of an answer, each with whether it holds words that break; `focused` is None off the cursor."""
        style = self.get_component_rich_style
        muted = style("transcripts--muted")
        bar = Segment("  ", style("transcripts--text"))
        if focused is not None:
            bar = Segment("▌ ", style("transcripts--bar") if focused else muted)
        if sample.breaks is not None:
            verdict = Segment(f"✗ breaks: {plain(sample.breaks[:99], 40)}", style("transcripts--bad"))
        elif sample.in_character:
            verdict = Segment("✓ in character", style("transcripts--good"))
        else:
            verdict = Segment("· no break, not in character", muted)
        head = Strip([bar, verdict])
        cut = ", cut off" if sample.truncated else ""
        for fact in (f"{sample.tokens} tokens{cut}", f"index {sample.index}", f"seed {sample.seed}"):
            if head.cell_length + len(fact) + 2 > width:
                break
            head = Strip.join([head, Strip([Segment(f"  {fact}", muted)])])
        lines = [(head, False)]
        start, stop = choose_window(sample)
        if start:
            lines.append((Strip([bar, Segment(f"… {start:,} characters before", muted)]), False))
        parts = [(harmless_lines(part), tone) for part, tone in split_answer(sample, start, stop)]
        for line in wrap(parts, width - 2):
            segments = [Segment(part, style(f"transcripts--{tone}")) for part, tone in line]
            lines.append((Strip([bar, *segments]), any(tone == "words" for _, tone in line)))
        if stop < len(sample.text):
            lines.append((Strip([bar, Segment(f"… {len(sample.text) - stop:,} characters more", muted)]), False))
        return lines


def choose_window(sample: Sample) -> tuple[int, int]:
    """The characters of an answer to lay out: all, or as many as are shown with its break among them."""
    length = len(sample.text)
    if length <= SHOWN or sample.span is None or sample.span[1] <= SHOWN:
        return 0, min(length, SHOWN)
    start = max(0, min(sample.span[0] - SHOWN // 2, length - SHOWN))
    return start, start + SHOWN


def split_answer(sample: Sample, start: int, stop: int) -> list[tuple[str, str]]:
    """The text within a window in its parts, those that break marked 'words', the others 'text'."""
    if sample.breaks is None or sample.span is None:
        return [(sample.text[start:stop], "text")]
    a, b = (max(start, min(stop, at)) for at in sample.span)
    return [(sample.text[start:a], "text"), (sample.text[a:b], "words"), (sample.text[max(a, b) : stop], "text")]


def _fold(text: str, width: int, most: int) -> list[str]:
    """A text in so many lines at most, the last one ending in an ellipsis where more would follow."""
    lines = fold(plain(text[: width * (most + 1)]), width)
    if len(lines) > most:
        cut = set_cell_size(lines[most - 1], min(cell_len(lines[most - 1]), width - 1))
        return [*lines[: most - 1], cut + "…"]
    return lines
