"""What a recipe would take, as far as it is known: rows, steps, time, memory, disk, tokens, advice and refusals."""

from dataclasses import dataclass
from itertools import zip_longest
from typing import ClassVar

from rich.segment import Segment
from textual.binding import Binding, BindingType
from textual.strip import Strip

from panels.lines import Lines
from panels.style import read_style
from panels.text import plain
from panels.wrap import Runs, fold

BAR = "█"


@dataclass(frozen=True)
class Forecast:
    """The estimate as it is shown; with `known` false all but the first lines are empty."""

    measuring: str = ""
    """What is being read at the moment, '' when nothing is."""
    problem: tuple[str, str] | None = None
    """Why there is no estimate, and the way out."""
    known: bool = False
    train: int = 0
    seen: int = 0
    """Training rows of one epoch, upsampling included."""
    heldout: int = 0
    steps: int = 0
    rows_per_step: int = 1
    parameters: int = 0
    lr: float = 0.0
    probes: int = 0
    samples: int = 0
    system: str | None = None
    bins: tuple[tuple[int, int, int], ...] = ()
    """Low, high (not included) and pairs of each class of lengths."""
    truncated: tuple[str, ...] = ()
    left_out: tuple[tuple[str, str], ...] = ()
    memory_mb: tuple[tuple[str, float], ...] = ()
    disk_mb: float = 0.0
    seconds: float = 0.0
    basis: str = ""
    advice: tuple[str, ...] = ()
    refusals: tuple[tuple[str, str], ...] = ()
    first: tuple[tuple[str, str], ...] = ()


class ForecastView(Lines, can_focus=True):
    DEFAULT_CSS = read_style(__file__)
    COMPONENT_CLASSES: ClassVar[set[str]] = {f"forecast--{tone}" for tone in ("muted", "strong", "bar", "warn", "bad")}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "scroll_lines(1)", "Down", id="forecast.down", show=False),
        Binding("up,k", "scroll_lines(-1)", "Up", id="forecast.up", show=False),
        Binding("pagedown,space", "scroll_lines(10)", "Page down", id="forecast.page_down", show=False),
        Binding("pageup", "scroll_lines(-10)", "Page up", id="forecast.page_up", show=False),
    ]

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._forecast = Forecast()
        self._top = 0

    def show(self, forecast: Forecast) -> None:
        if forecast != self._forecast:
            self._forecast = forecast
            self.redraw()

    def draw_lines(self, width: int, height: int) -> list[Strip]:
        lines = write_lines(self._forecast, width)
        self._top = max(0, min(self._top, len(lines) - height))
        shown = lines[self._top : self._top + height]
        rest = len(lines) - self._top - height
        if rest > 0:
            shown[-1] = [(f"↓ {rest + 1} more lines", "muted")]
        return [self._paint(line, width) for line in shown]

    def action_scroll_lines(self, count: int) -> None:
        self._top += count
        self.redraw()

    def on_mouse_scroll_down(self) -> None:
        self.action_scroll_lines(3)

    def on_mouse_scroll_up(self) -> None:
        self.action_scroll_lines(-3)

    def _paint(self, line: Runs, width: int) -> Strip:
        ground = self.rich_style
        styles = {tone: self.get_component_rich_style(f"forecast--{tone}") for _, tone in line if tone}
        segments = [Segment(text, styles.get(tone, ground)) for text, tone in line]
        return Strip(segments).adjust_cell_length(width, ground)


def write_lines(forecast: Forecast, width: int) -> list[Runs]:
    """The whole of it at `width`, what decides first."""
    lines: list[Runs] = []
    if forecast.measuring:
        lines += [[(plain(forecast.measuring), "warn")]]
    if forecast.problem is not None:
        message, fix = forecast.problem
        lines += [*_wrap(message, "✗ ", "bad", width), *_wrap(fix, "→ ", "muted", width, indent=2)]
    if not forecast.known:
        return lines or _wrap("no estimate while the recipe has errors", "", "muted", width)
    if lines:
        lines.append([])
    for message, fix in forecast.refusals:
        lines += [*_wrap(message, "✗ ", "bad", width), *_wrap(fix, "→ ", "muted", width, indent=2), []]
    basis = 10 if width >= 45 else 2
    per_epoch = forecast.seen / forecast.rows_per_step
    epochs = f" · {forecast.steps / per_epoch:.3g} epochs" if per_epoch else ""
    total = dict(forecast.memory_mb).get("total", 0.0)
    lines += [
        _fact("rows", f"{forecast.train:,}", f" and {forecast.heldout:,} held out", width),
        *([_fact("", "", f"{forecast.seen:,} an epoch", width)] if forecast.seen != forecast.train else []),
        _fact("steps", f"{forecast.steps:,}", epochs, width),
        _fact("rate", f"{forecast.lr:g}", " at its peak", width),
        _fact("time", say_time(forecast.seconds), "", width),
        *_wrap(f"by {forecast.basis}; sentinels on top", " " * basis, "muted", width, indent=basis),
        _fact("memory", say_size(total), "", width),
        *_bars([(n, size, say_size(size)) for n, size in forecast.memory_mb if n != "total"], width),
        _fact("disk", say_size(forecast.disk_mb), " of checkpoints", width),
        _fact(
            "sentinels", f"{forecast.probes}", f" probes × {forecast.samples} answers" if forecast.probes else "", width
        ),
        [],
    ]
    for said in forecast.advice:
        lines += [*_wrap(said, "! ", "warn", width)]
    if forecast.advice:
        lines.append([])
    lines += [[("tokens of a pair's longer half", "muted")]]
    lines += _bars([(f"{low:,}–{high - 1:,}", n, f"{n:,}") for low, high, n in forecast.bins], width, flush=True)
    lines += _wrap(say_cut(forecast), "  ", "muted", width, indent=2)
    for pair_id, why in forecast.left_out[:8]:
        lines += _wrap(f"left out: {pair_id}: {why}", "  ", "muted", width, indent=2)
    lines += [[], [(f"{forecast.parameters:,}", "strong"), (" parameters", "muted")]]
    lines += _wrap(f"system: {forecast.system or 'none'}", "", "muted", width)
    if forecast.first:
        lines += [[], [("the first pair as it is rendered", "muted")]]
        for name, text in forecast.first:
            lines += (
                [[(name, "strong")], *_wrap(text.replace("\n", "⏎ "), "  ", "", width, indent=2)]
                if name != "id"
                else []
            )
    return lines


def say_time(seconds: float) -> str:
    """'40 s', '3.2 min', '5.1 h'."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.1f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def say_size(mb: float) -> str:
    return f"{mb:,.0f} MB" if mb < 10_000 else f"{mb / 1024:,.1f} GB"


def say_cut(forecast: Forecast) -> str:
    cut, out = forecast.truncated, forecast.left_out
    if not cut and not out:
        return "none cut, none left out"
    named = f": {', '.join(cut[:4])}{', …' if len(cut) > 4 else ''}" if cut else ""
    return f"{len(cut):,} cut{named}; {len(out):,} left out"


def _fact(name: str, value: str, more: str, width: int) -> Runs:
    return [(f"{name:<10}", "muted"), (value, "strong"), (more[: max(0, width - 10 - len(value))], "muted")]


def _bars(rows: list[tuple[str, float, str]], width: int, *, flush: bool = False) -> list[Runs]:
    """One bar per row of name, size and the size in words; the longest takes what room there is."""
    if not rows:
        return []
    names = max(len(name) for name, _, _ in rows)
    names = min(names, max(4, width // 2))
    words = max(len(said) for _, _, said in rows)
    room = min(24, width - names - words - 5)
    most = max(size for _, size, _ in rows) or 1
    lines: list[Runs] = []
    for name, size, said in rows:
        name = name if len(name) <= names else name[: names - 1] + "…"
        bar = BAR * max(round(room * size / most), int(size > 0)) if room > 2 else ""
        lines.append(
            [
                (f"  {name:>{names}}" if flush else f"  {name:<{names}}", "muted"),
                (f" {said:>{words}} ", ""),
                (bar, "bar"),
            ]
        )
    return lines


def _wrap(text: str, mark: str, tone: str, width: int, indent: int | None = None) -> list[Runs]:
    """The text in lines no wider than `width`, its mark before the first."""
    inner = len(mark) if indent is None else indent
    parts = fold(plain(text), max(8, width - inner))
    leads = [(mark if indent is None or mark.isspace() else " " * (indent - 2) + mark)]
    return [
        [(lead, tone), (part, tone)] for lead, part in zip_longest(leads[: len(parts)], parts, fillvalue=" " * inner)
    ]
