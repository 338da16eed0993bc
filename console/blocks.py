"""Where CHARLAB_BLOCKS names a file: each time the event loop was held up for long, in milliseconds, one a line.

For benchmarks; it wakes a hundred times a second, which an idle console otherwise never does.
"""

import asyncio
import time
from pathlib import Path

TICK_SECONDS = 0.01
WORTH_SECONDS = 0.02


async def note_blocks(path: str) -> None:
    """Runs until it is cancelled."""
    with Path(path).open("a", buffering=1) as file:
        while True:
            began = time.perf_counter()
            await asyncio.sleep(TICK_SECONDS)
            late = time.perf_counter() - began - TICK_SECONDS
            if late > WORTH_SECONDS:
                file.write(f"{late * 1e3:.1f}\n")
