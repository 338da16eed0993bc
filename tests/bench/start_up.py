"""How long `charlab --help` takes, as a whole command."""

import subprocess
import sys
import time
from pathlib import Path
from statistics import median

from kit import ROOT, Row, environment, name_charlab

TIMES = 20


def measure() -> tuple[list[Row], list[str]]:
    seconds = time_command([*name_charlab(), "--help"], ROOT)
    bare = time_command([sys.executable, "-c", "pass"], ROOT)
    notes = [
        f"charlab --help: fastest {min(seconds) * 1e3:.0f} ms; the bare interpreter takes {median(bare) * 1e3:.0f} ms"
    ]
    middle = median(seconds) * 1e3
    return [Row("charlab --help", 150, 110, middle, "ms", f"{middle:.0f} ms")], notes


def time_command(words: list[str], folder: Path) -> list[float]:
    """Seconds of each of TIMES runs, after one that warms the caches."""
    seconds = []
    for _ in range(TIMES + 1):
        began = time.perf_counter()
        subprocess.run(
            words, cwd=folder, env=environment(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True
        )
        seconds.append(time.perf_counter() - began)
    return seconds[1:]
