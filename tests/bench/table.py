"""How long a table of 100,000 rows takes from being given them to its first painted frame."""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from textual.app import App, ComposeResult

from panels.table import Cell, Column, Table

ROWS = 100_000
SHOWS = 20
COLUMNS = (
    Column("name", "name", 20, share=1),
    Column("status", "status", 9),
    Column("step", "step", 9, "right"),
    *(Column(name, name, 7, "right", rank=1) for name in ("loss", "margin", "break", "tok/s", "age")),
)


class Runs:
    """Made-up rows; `version` changes what they say, so that no frame is like the last."""

    def __init__(self, version: int) -> None:
        self.version = version
        self.keys = [f"run-{i}" for i in range(ROWS)]

    def __len__(self) -> int:
        return ROWS

    def key(self, row: int) -> str:
        return self.keys[row]

    def cells(self, row: int) -> Sequence[Cell]:
        numbers = (f"{(row * k + self.version) % 997 / 100:.2f}" for k in (3, 5, 7, 11, 13))
        name, step = f"madison-orpo-{self.version}-{row}", f"{row:,}"
        return ((name, "strong"), ("finished", "muted"), (step, ""), *((number, "") for number in numbers))


class TableApp(App[None]):
    def compose(self) -> ComposeResult:
        yield Table(COLUMNS)


def measure_table() -> list[tuple[str, str, str, str]]:
    """One row a measurement: what, must, aim, measured; "-" where no figure is set."""
    first, shows = asyncio.run(_time_frames())
    again = f"{statistics.median(shows) * 1e3:.1f} ms median, {max(shows) * 1e3:.1f} ms worst of {SHOWS}"
    return [
        (f"table of {ROWS:,} rows to first paint", "150 ms", "50 ms", f"{first * 1e3:.1f} ms"),
        ("the same with its rows replaced", "-", "-", again),
    ]


async def _time_frames() -> tuple[float, list[float]]:
    """Seconds from show() to the painted frame: of the first rows, and of those that replace them."""
    app = TableApp()
    async with app.run_test(size=(120, 34)) as pilot:
        await pilot.pause()
        table = app.query_one(Table)
        rows = [Runs(version) for version in range(SHOWS + 1)]
        seconds = [await _time_frame(table, each) for each in rows]
    return seconds[0], seconds[1:]


async def _time_frame(table: Table, rows: Runs) -> float:
    painted = asyncio.Event()
    begin = time.perf_counter()
    table.show(rows)
    table.call_after_refresh(painted.set)
    await painted.wait()
    return time.perf_counter() - begin


if __name__ == "__main__":
    for row in measure_table():
        print("{:<38} must {:<6} aim {:<5} measured {}".format(*row))
