"""A text that grows at its end, laid out in lines: what is new costs what its own line costs, not what stands before."""

from __future__ import annotations

import re
from bisect import bisect_right

from panels.text import harmless_lines
from panels.wrap import find_lines

_UNFINISHED = re.compile(r"(?:\x1b(?:\[[0-?]*[ -/]*|\][^\x07\x1b]*\x1b?|[PX^_][^\x1b]*\x1b?)?|\r)\Z")


class Growing:
    """`text` is what came, made harmless; `lines` are where each line of it starts and stops."""

    def __init__(self, width: int) -> None:
        self.width = max(2, width)  # a wide character fits
        self.text = ""
        self.lines: list[tuple[int, int]] = []
        self._taken = 0
        self._held = ""

    def follow(self, raw: str) -> None:
        """Take what `raw` has more than at the last call."""
        if len(raw) == self._taken:
            return
        new = self._held + raw[self._taken :]
        self._taken = len(raw)
        # an escape sequence, or the end of a line, may be cut between two pieces, and is read when it is whole
        cut = _UNFINISHED.search(new, new.rfind("\n") + 1)
        self._held = cut[0] if cut else ""
        self.add(harmless_lines(new[: cut.start()] if cut else new))

    def add(self, clean: str) -> None:
        """Add a text that is harmless as it stands."""
        if not clean:
            return
        self.text += clean
        # a line that another one stands beneath stays as it is, whatever follows
        start = self.lines.pop()[0] if self.lines else 0
        found = find_lines(self.text[start:], self.width) or [(0, 0)]
        self.lines += [(start + a, start + b) for a, b in found]

    def find_line(self, offset: int) -> int:
        """The line that holds a character."""
        return max(0, bisect_right(self.lines, (offset, len(self.text))) - 1)
