"""Text in lines that are no wider than their room by cells, each part of it with its tone."""

import re
from collections.abc import Sequence

from rich.cells import cell_len, chop_cells

Runs = list[tuple[str, str]]
"""A text in parts, each with its tone."""

_WORD = re.compile(r"\S+")


def wrap(parts: Sequence[tuple[str, str]], width: int) -> list[Runs]:
    """The parts as one text in lines; its spaces stay but where a line ends, a word that is too long is cut."""
    lines: list[Runs] = []
    index = offset = 0
    for start, stop in find_lines("".join(text for text, _ in parts), max(1, width)):
        while index < len(parts) and offset + len(parts[index][0]) <= start:
            offset += len(parts[index][0])
            index += 1
        line, here = Runs(), offset
        for text, tone in parts[index:]:
            if here >= stop:
                break
            if piece := text[max(0, start - here) : stop - here]:
                line.append((piece, tone))
            here += len(text)
        lines.append(line)
    return lines


def fold(text: str, width: int) -> list[str]:
    """A text of one tone in lines."""
    return [text[start:stop] for start, stop in find_lines(text, max(1, width))]


def find_lines(text: str, width: int) -> list[tuple[int, int]]:
    """Where each line starts and stops; an empty text has none."""
    lines: list[tuple[int, int]] = []
    place = 0
    for paragraph in text.split("\n") if text else ():
        start = stop = place
        used = 0
        place += len(paragraph) + 1
        for word in _WORD.finditer(text, start, place - 1):
            gap, cells = cell_len(text[stop : word.start()]), cell_len(word[0])
            if used + gap + cells > width:
                if stop > start:
                    lines.append((start, stop))
                start, used, gap = word.start(), 0, 0
                for piece in chop_cells(word[0], width)[:-1] if cells > width else ():
                    lines.append((start, start + len(piece)))
                    start += len(piece)
                    cells -= cell_len(piece)
            stop, used = word.end(), used + gap + cells
        lines.append((start, stop))
    return lines
