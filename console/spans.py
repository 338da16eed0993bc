"""A screen update that writes the changed cells and nothing else.

Textual's own writes a changed line from the left edge of its widget, which for a chart whose newest column
changed is a hundred times the bytes; over SSH they are what a person waits for.
"""

from rich.console import Console
from rich.control import Control
from textual._compositor import ChopsUpdate


class Spans(ChopsUpdate):
    """A ChopsUpdate cropped on both sides."""

    def render_segments(self, console: Console) -> str:
        written = []
        for y, start, stop in self.spans:
            for end, (x, strip) in zip(self.chop_ends[y], self.chops[y].items(), strict=True):
                if strip is None or x >= stop or end <= start:
                    continue
                left, right = max(x, start), min(end, stop)
                written.append(Control.move_to(left, y).segment.text)
                written.append(strip.crop(left - x, right - x).render(console))
        return "".join(written)


def crop_update(update: object) -> object:
    """The update as it is to be written; anything but Textual's partial one stays as it is."""
    return Spans(update.chops, update.spans, update.chop_ends) if type(update) is ChopsUpdate else update
