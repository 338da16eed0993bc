"""Text for a terminal: what comes from models, people and files made harmless, and ages in words."""

import re
import unicodedata
from collections.abc import Collection, Sequence

from rich.cells import cell_len

_ESCAPES = re.compile(
    r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[PX^_][^\x1b]*(?:\x1b\\)?|.)?", re.DOTALL
)
_LINE_ENDS = re.compile("\r\n?|[\n\v\f\x85\u2028\u2029]")
_UNSAFE = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}


def plain(text: str, limit: int | None = None) -> str:
    """Text from a model or a file as one harmless line, white space as single spaces, cut at `limit`."""
    text = harmless(" ".join(_ESCAPES.sub("", text).split()))
    if limit is not None and len(text) > limit:
        return text[: max(0, limit - 1)] + "…"
    return text


def harmless(line: str) -> str:
    """A line without escape sequences, control characters or changes of direction; its spaces stay."""
    line = _ESCAPES.sub("", line).expandtabs()
    return "".join(c for c in line if unicodedata.category(c) not in _UNSAFE)


def harmless_lines(text: str, most: int | None = None) -> str:
    """A text whose lines stay, and nothing else of it moves the cursor; cut at `most` characters, which it then says."""
    lines = "\n".join(harmless(line) for line in _LINE_ENDS.split(text[:most]))
    return lines if most is None or len(text) <= most else f"{lines}\n… {len(text) - most:,} characters more"


def align(rows: Sequence[Sequence[str]], numeric: Collection[int] = ()) -> list[str]:
    """Rows of cells, made harmless, to lines of columns two spaces apart; columns in `numeric` are flush right."""
    clean = [[harmless(cell) for cell in row] for row in rows]
    widths = [max(map(cell_len, column)) for column in zip(*clean, strict=True)]
    lines = []
    for row in clean:
        gaps = [" " * (width - cell_len(cell)) for cell, width in zip(row, widths, strict=True)]
        cells = [gap + cell if i in numeric else cell + gap for i, (cell, gap) in enumerate(zip(row, gaps))]
        lines.append("  ".join(cells).rstrip())
    return lines


def format_age(seconds: float) -> str:
    """'12 s', '4 min', '3 h', '2 d'."""
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(0, seconds):.0f} s"
