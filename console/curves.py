"""The live picture of one run for `charlab watch`: four charts, a header, the latest events and answer."""

import shutil
from typing import TYPE_CHECKING, Any

from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from console.text import plain
from console.view import RunView, describe_event, describe_step
from panels.chart import Line, Mark, Row, draw

if TYPE_CHECKING:
    from types import TracebackType

# Okabe and Ito 2008: told apart by the colour-blind too
SKY, ORANGE, GREEN, VERMILION = "#56B4E9", "#E69F00", "#009E73", "#D55E00"
FAINT = "bright_black"

CHARTS: tuple[tuple[str, tuple[tuple[str, str, str], ...]], ...] = (
    ("loss", (("loss", FAINT, "dots"), ("loss~", SKY, "line"), ("heldout.loss", ORANGE, "line"))),
    (
        "margin, nats per token",
        (("margin_nats", FAINT, "dots"), ("margin_nats~", SKY, "line"), ("heldout.margin_nats", ORANGE, "line")),
    ),
    ("pair accuracy", (("accuracy", FAINT, "dots"), ("accuracy~", SKY, "line"), ("heldout.accuracy", ORANGE, "line"))),
    ("breaks, in character", (("break_rate", VERMILION, "line"), ("in_character_rate", GREEN, "line"))),
)
LEGEND = ((SKY, "training, smoothed"), (ORANGE, "held out"), (VERMILION, "breaks"), (GREEN, "in character"))
FIXED_RANGE = {"pair accuracy": (0.0, 1.0), "breaks, in character": (0.0, 1.0)}


class LiveCurves:
    """Redraws in place, only when something came or the terminal changed its size."""

    def __init__(self) -> None:
        self._console = Console(stderr=True, highlight=False)
        self._live = Live(console=self._console, auto_refresh=False, transient=True, screen=True)
        self._size = (0, 0)

    def __enter__(self) -> "LiveCurves":
        self._live.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: "TracebackType | None"
    ) -> None:
        self._live.__exit__(kind, value, trace)

    def resized(self) -> bool:
        return self._size != tuple(shutil.get_terminal_size())

    def draw(self, view: RunView) -> None:
        size = shutil.get_terminal_size()
        self._size = (size.columns, size.lines)
        self._live.update(compose(view, size.columns, size.lines), refresh=True)


def compose(view: RunView, width: int, height: int) -> Group:
    """The whole picture, `height` lines of at most `width` cells."""
    status = view.row.status
    colour = GREEN if status in ("running", "finished") else ORANGE
    head = [
        Text.assemble((plain(view.row.name, 40), "bold"), "  ", (status, colour), "  ", (view.paths.id, FAINT)),
        Text(describe_step(view, width) if view.values else "loading the model"),
    ]
    foot = _foot(view, width, 3 if height < 30 else 6)
    room = max(4, height - len(head) - len(foot) - 1)
    columns = 2 if width >= 70 else 1
    shown = CHARTS if columns == 2 else CHARTS[: max(1, min(4, room // 6))]
    rows = -(-len(shown) // columns)
    body: list[Text] = []
    each_width, each_height = (width - (columns - 1) * 2) // columns, max(3, room // rows)
    for start in range(0, len(shown), columns):
        drawn = [_chart(view, title, lines, each_width, each_height) for title, lines in shown[start : start + columns]]
        for parts in zip(*drawn, strict=True):
            body.append(Text("  ").join(_to_text(row) for row in parts))
    lines = [*head, *body, *foot]
    for line in lines:
        line.truncate(width)
        line.no_wrap = True
    return Group(*lines[:height])


def _chart(view: RunView, title: str, lines: tuple[tuple[str, str, str], ...], width: int, height: int) -> list[Row]:
    drawn = [Line(view.series[n], colour, style) for n, colour, style in lines if n in view.series]  # type: ignore[arg-type]
    marks = [Mark(float(step), glyph) for step, glyph in view.marks]
    return draw(
        drawn, width, height, x_range=(0.0, float(max(1, view.row.steps))), y_range=FIXED_RANGE.get(title), marks=marks,
        title=title, axis_colour=FAINT,
    )  # fmt: skip


def _foot(view: RunView, width: int, lines: int) -> list[Text]:
    events = [Text(plain(describe_event(e), width), style=FAINT) for e in list(view.events)[-(lines - 2) :]]
    sample: dict[str, Any] | None = view.sample
    if sample is not None:
        mark = (
            ("breaks", VERMILION)
            if sample["breaks"]
            else ("in character", GREEN)
            if sample["in_character"]
            else ("holds", SKY)
        )
        answer = Text.assemble(
            (f"{plain(sample['probe'], 12)} ", "bold"), mark, "  ", plain(sample["text"], max(10, width - 30))
        )
        events.append(answer)
    legend = Text()
    for colour, meaning in LEGEND:
        legend.append("━ ", colour).append(f"{meaning}  ")
    legend.append("· each step  ▲ checkpoint  Ctrl-C detaches" if width >= 105 else "Ctrl-C detaches", FAINT)
    return [*events, legend]


def _to_text(row: Row) -> Text:
    text = Text()
    for piece, colour in row:
        text.append(piece, style=str(colour) if colour is not None else None)
    return text
