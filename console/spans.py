"""A screen update that writes the changed cells and nothing else.

Textual's own writes a changed line from the left edge of its widget, and all of a style for every piece of
text; for a chart whose newest column changed that is a hundred times the bytes, and over SSH they are what a
person waits for.
"""

from functools import lru_cache
from typing import NamedTuple

from rich.color import ColorSystem
from rich.console import Console
from rich.control import Control
from rich.style import Style
from textual._compositor import ChopsUpdate

RESET = "\x1b[0m"


class Ink(NamedTuple):
    """A style as terminals take it, SGR parameters of its attributes and of its two colours."""

    attributes: str
    colour: str
    ground: str


class Spans(ChopsUpdate):
    """A ChopsUpdate cropped on both sides, styles changed by what differs."""

    def render_segments(self, console: Console) -> str:
        system = console._color_system
        written, ink = [], Ink("", "", "")
        for y, start, stop in self.spans:
            for end, (x, strip) in zip(self.chop_ends[y], self.chops[y].items(), strict=True):
                if strip is None or x >= stop or end <= start:
                    continue
                left, right = max(x, start), min(end, stop)
                written.append(Control.move_to(left, y).segment.text)
                for text, style, control in strip.crop(left - x, right - x):
                    if control:
                        continue
                    wanted = read_ink(style, system)
                    written += [change_ink(ink, wanted), text]
                    ink = wanted
        return "".join(written) + RESET


@lru_cache(maxsize=4096)
def read_ink(style: Style | None, system: ColorSystem | None) -> Ink:
    """What a style is in a terminal of these colours; nothing at all in one without any."""
    if style is None or system is None:
        return Ink("", "", "")
    colour, ground = (
        ";".join(one.downgrade(system).get_ansi_codes(foreground=front)) if one is not None else ""
        for one, front in ((style.color, True), (style.bgcolor, False))
    )
    attributes = style.without_color.render("x", color_system=system).partition("m")[0].removeprefix("\x1b[")
    return Ink("" if attributes.startswith("x") else attributes, colour, ground)


@lru_cache(maxsize=4096)
def change_ink(before: Ink, after: Ink) -> str:
    """The sequence that turns one ink into another."""
    if before == after:
        return ""
    if before.attributes != after.attributes:
        return f"\x1b[{';'.join(part for part in ('0', *after) if part)}m"
    parts = [] if before.colour == after.colour else [after.colour or "39"]
    parts += [] if before.ground == after.ground else [after.ground or "49"]
    return f"\x1b[{';'.join(parts)}m"


def crop_update(update: object) -> object:
    """The update as it is to be written; anything but Textual's partial one stays as it is."""
    return Spans(update.chops, update.spans, update.chop_ends) if type(update) is ChopsUpdate else update
