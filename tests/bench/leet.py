"""W&B LEET measured as the console is, over equal runs: what stands beside charlab's figures in the notes."""

import contextlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median
from typing import NamedTuple

import psutil

from kit import HERE
from terminal import Terminal, press_along, tell_latency, wait_without_key

STARTS = 5
RUNS = 1000
DOWN, UP = "\x1b[B", "\x1b[A"
LOAD_KEYS = (DOWN, UP, "n", "N")
"""Through its list of runs, and from one page of charts to the next."""


class Leet(NamedTuple):
    command: str
    interpreter: str
    """Of the environment that wandb is installed in."""
    version: str


def find_leet() -> Leet | None:
    """wandb at $CHARLAB_LEET, beside this interpreter or on PATH; None where there is none."""
    beside = Path(sys.executable).with_name("wandb")
    command = os.environ.get("CHARLAB_LEET") or (str(beside) if beside.is_file() else shutil.which("wandb"))
    if not command:
        return None
    with open(command, errors="replace") as file:
        interpreter = file.readline().removeprefix("#!").strip()
    told = subprocess.run(
        [interpreter, "-c", "import wandb; print(wandb.__version__)"], capture_output=True, text=True, check=True
    )
    return Leet(command, interpreter, told.stdout.strip())


def measure_leet(
    leet: Leet, folder: Path, long: Path, three: list[Path], short: Path, load: float, watch: float
) -> tuple[float, list[str]]:
    """Milliseconds to its first frame over 1,000 runs, and the notes.

    The metrics of charlab's runs are given: a long finished one, three that are shown together, a short one to watch.
    """
    first, notes = measure_start(leet, folder / "many", short)
    notes += measure_long_run(leet, folder / "long", long)
    notes += measure_load(leet, folder / "three", three, load)
    notes += measure_watching(leet, folder / "watched", short, watch)
    return first, [f"LEET {leet.version}: {note}" for note in notes]


def open_leet(leet: Leet, path: Path) -> Terminal:
    settings = {"WANDB_CONFIG_DIR": str(path / "settings"), "WANDB_MODE": "offline", "HOME": str(path)}
    return Terminal([leet.command, "leet", str(path / "wandb")], path, settings)


def measure_start(leet: Leet, folder: Path, metrics: Path) -> tuple[float, list[str]]:
    newest = write_many(leet, folder, metrics)
    seconds = []
    for _ in range(STARTS + 1):
        with open_leet(leet, folder) as terminal:
            seconds.append(terminal.wait_for_text(newest) - terminal.started)
    with open_leet(leet, folder) as terminal:
        terminal.wait_for_text(newest)
        terminal.wait_for_silence(2)
        sizes = [terminal.press(DOWN).bytes for _ in range(20)]
    first = median(seconds[1:]) * 1e3
    return first, [
        f"first frame that names the newest of {RUNS:,} runs {first:.0f} ms (fastest {min(seconds[1:]) * 1e3:.0f})",
        f"bytes per keypress in its list of runs {median(sizes):.0f}, at most {max(sizes)}",
    ]


def measure_long_run(leet: Leet, folder: Path, metrics: Path) -> list[str]:
    with log_runs(leet, folder, [metrics]):
        pass
    seconds, memory = [], 0.0
    for _ in range(3):
        with open_leet(leet, folder) as terminal:
            first = terminal.wait_for_text("Run Overview")
            seconds.append(terminal.wait_for_text("State: Finished") - first)
            terminal.wait_for_silence(1)
            memory = max(memory, terminal.resident_mb())
            bytes_idle, cpu_idle = terminal.use(10)
    return [
        f"first frame to the charts of the 200,000-step run, whole {median(seconds) * 1e3:.0f} ms",
        f"memory with it open {memory:.0f} MB; then idle {bytes_idle:.0f} B/s, {cpu_idle:.1%} of a core",
    ]


def measure_load(leet: Leet, folder: Path, metrics: list[Path], seconds: float) -> list[str]:
    with log_runs(leet, folder, metrics, rate=50), open_leet(leet, folder) as terminal:
        terminal.wait_for_text("Runs [")
        time.sleep(3)  # a mark of the running state blinks, so it is never silent
        for keys in (DOWN, " ", DOWN, " "):  # it shows the newest run by itself
            terminal.press(keys, silence=0)
            time.sleep(2)
        anyway = wait_without_key(terminal)
        pressed = press_along(terminal, LOAD_KEYS, seconds)
    return [f"keypress to first byte, 3 runs of 100,000 steps and 50 rows/s: {tell_latency(pressed)} ({anyway})"]


def measure_watching(leet: Leet, folder: Path, metrics: Path, seconds: float) -> list[str]:
    with log_runs(leet, folder, [metrics], rate=1), open_leet(leet, folder) as terminal:
        terminal.wait_for_text("Run Overview")
        time.sleep(3)
        sent, cpu = terminal.use(seconds)
    return [f"watching a run at 1 Hz, its first charts: {sent:.0f} B/s, {cpu:.1%} of a core"]


@contextlib.contextmanager
def log_runs(leet: Leet, folder: Path, metrics: list[Path], rate: float = 0) -> Iterator[None]:
    """W&B's own offline runs with these curves; with a rate they go on meanwhile."""
    folder.mkdir()
    words = [leet.interpreter, str(HERE / "wandb_run.py"), str(folder), *map(str, metrics), "--rate", str(rate)]
    writer = subprocess.Popen(words, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert writer.stdout is not None
        if writer.stdout.readline() != "logged\n":
            raise RuntimeError("wandb could not log a run")
        yield
    finally:
        if rate:
            writer.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            writer.wait(30)
        for process in find_family(writer.pid):
            process.kill()
        writer.communicate()


def find_family(pid: int) -> list[psutil.Process]:
    try:
        process = psutil.Process(pid)
        return [*process.children(recursive=True), process]
    except psutil.Error:
        return []


def write_many(leet: Leet, folder: Path, metrics: Path) -> str:
    """One short run as RUNS runs a minute apart; returns what the newest folder's name begins with."""
    short = folder.with_name("one.jsonl")
    with open(metrics) as file, open(short, "w") as head:
        head.writelines(line for _, line in zip(range(60), file, strict=False))
    with log_runs(leet, folder, [short]):
        pass
    (first,) = (folder / "wandb").glob("offline-run-*")
    (log,) = first.glob("*.wandb")
    (folder / "wandb" / "latest-run").unlink(missing_ok=True)
    for number in range(1, RUNS):
        when = datetime.now() - timedelta(minutes=RUNS - number)
        run_id = f"{number:08d}"
        other = folder / "wandb" / f"offline-run-{when:%Y%m%d_%H%M%S}-{run_id}"
        other.mkdir()
        shutil.copy(log, other / f"run-{run_id}.wandb")
    return first.name.rpartition("-")[0]
