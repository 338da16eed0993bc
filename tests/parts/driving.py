"""What tests of the console wait with: for what is to be so, and never for a time that a busy machine may overrun."""

import time
from collections.abc import Callable
from typing import Any

from textual.pilot import Pilot


async def wait_until(pilot: Pilot[Any], check: Callable[[], object], what: str, seconds: float = 30) -> None:
    """Go on with the app until something is so."""
    end = time.monotonic() + seconds
    while not check():
        assert not pilot.app.return_code, f"the app ended while waiting for {what}"
        assert time.monotonic() < end, f"waited {seconds:g} s in vain for {what}"
        await pilot.pause(0.02)


async def stand_still(pilot: Pilot[Any], show: Callable[[], str], seconds: float = 30) -> str:
    """What `show` gives once it gives the same for a third of a second."""
    end, seen = time.monotonic() + seconds, ""
    while seen != (seen := show()):
        assert time.monotonic() < end, f"still changing after {seconds:g} s"
        await pilot.pause(0.3)
    return seen
