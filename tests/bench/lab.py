"""The console through a real pty, by keys alone, with W&B LEET beside it.

LEET is measured where wandb is beside this interpreter, on PATH or at $CHARLAB_LEET. The file is named after the
application's class, for `console` is the package.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from engine.store.paths import RunPaths, Workspace
from kit import HERE, Row, environment, make_workspace, name_charlab
from leet import find_leet, measure_leet
from record import resolve_demo
from screen import Screen
from store import RUNS, write_runs
from synthetic import write_run
from terminal import Terminal, find_percentile, press_along, tell_latency, wait_without_key

NEWEST = "zenith"
"""A name that stands nowhere else on the screen."""
LONG, MIDDLE, SHORT = 200_000, 100_000, 2000
STARTS, OPENINGS = 9, 5
LOAD_SECONDS, WATCH_SECONDS, IDLE_SECONDS = 180.0, 60.0, 30.0
DOWN = "\x1b[B"
CHART_KEYS = ("h", "h", "j", "l", "l", "k")
"""The crosshair to and fro through all charts of the page, never to an end, and from chart to chart."""
LEAST_DOTS = 200
"""Braille cells on a screen that shows charts."""


def measure(load: float = LOAD_SECONDS) -> tuple[list[Row], list[str]]:
    first, peer = measure_peer(min(load, 60.0))
    rows, notes = [], []
    for part in (measure_start(first), measure_long_run(), measure_load(load), measure_watching()):
        rows += part[0]
        notes += part[1]
    return rows, [*notes, *peer]


def measure_long() -> tuple[list[Row], list[str]]:
    return measure(30 * 60.0)


# ---------------------------------------------------------------- the scenes


def measure_start(peer: float | None) -> tuple[list[Row], list[str]]:
    """A thousand finished runs: the first frame, keys in their table, and nothing happening."""
    with make_workspace() as folder:
        write_runs(folder, NEWEST)
        seconds = []
        for _ in range(STARTS + 1):
            with open_console(folder) as terminal:
                seconds.append(terminal.wait_for_text(NEWEST) - terminal.started)
        with open_console(folder) as terminal:
            terminal.wait_for_text(NEWEST)
            terminal.wait_for_silence(2)
            presses = [terminal.press(DOWN) for _ in range(40)]
            terminal.wait_for_silence(2)
            idle_bytes, idle_cpu = terminal.use(IDLE_SECONDS)
            memory = terminal.resident_mb()
    first = median(seconds[1:]) * 1e3
    size = median(press.bytes for press in presses)
    most = max(press.bytes for press in presses)
    rows = [
        Row(f"command to the first frame that names the newest of {RUNS:,} runs", 400, peer, first, "ms", f"{first:.0f} ms"),
        Row("bytes per keypress in the table of runs", 4096, 1024, size, "B", f"{size:.0f} B, at most {most}"),
        Row("bytes per second, idle", 0, 0, idle_bytes, "B/s", f"{idle_bytes:.1f} B/s in {IDLE_SECONDS:.0f} s"),
        Row("CPU idle, of a core", 0.01, 0.005, idle_cpu, "", f"{idle_cpu:.2%}"),
    ]  # fmt: skip
    fastest = min(seconds[1:]) * 1e3
    latency = f"keypress in the table of {RUNS:,} runs, nothing else going on: {tell_latency(presses)}"
    return rows, [
        f"first frame: fastest {fastest:.0f} ms, slowest {max(seconds[1:]) * 1e3:.0f} ms, the very first start "
        f"{seconds[0] * 1e3:.0f} ms; {memory:.0f} MB with {RUNS:,} runs",
        latency,
    ]


def measure_long_run() -> tuple[list[Row], list[str]]:
    """A run of 200,000 steps: its charts from cold and from the cache, and what they weigh."""
    with make_workspace() as folder:
        run = write_run(folder, resolve_demo(folder), LONG)
        size = run.metrics.stat().st_size
        sketches, wholes, warms, weights = [], [], [], []
        with open_console(folder) as terminal:  # once for the files in the system's memory
            open_charts(terminal, run)
        for _ in range(OPENINGS):
            forget_columns(folder, run)
            with open_console(folder) as terminal:
                sketch, whole = open_charts(terminal, run)
                sketches.append(sketch)
                wholes.append(whole)
                terminal.wait_for_silence(1)
                weights.append(terminal.resident_mb())
        for _ in range(OPENINGS):
            with open_console(folder) as terminal:
                _, whole = open_charts(terminal, run)
                warms.append(whole)
                terminal.wait_for_silence(1)
                weights.append(terminal.resident_mb())
                terminal.press("l")
                moves = [terminal.press(key) for key in ("h", "h", "l", "l") * 5]
        with open_console(folder) as terminal:
            open_charts(terminal, run)
            terminal.wait_for_silence(2)
            idle_bytes, idle_cpu = terminal.use(10)
    memory = max(weights)

    def row(what: str, must: float, aim: float, seconds: list[float]) -> Row:
        value = median(seconds) * 1e3
        measured = f"{value:.0f} ms, slowest {max(seconds) * 1e3:.0f}"
        return Row(f"first frame to the charts of {LONG:,} steps, {what}", must, aim, value, "ms", measured)

    rows = [
        row("warm cache", 300, 150, warms),
        row("cold, newest rows", 500, 300, sketches),
        row("cold, whole", 2500, 1500, wholes),
        Row(f"memory of 12 series of {LONG:,}", 180, 120, memory, "MB", f"{memory:.0f} MB"),
    ]
    return rows, [
        f"the run of {LONG:,} steps: {size / 1e6:.0f} MB of rows; cold is without the column cache, the file itself in the "
        f"system's memory; {median(weights[OPENINGS:]):.0f} MB when opened from the cache",
        f"crosshair over it: {tell_latency(moves)}, {median(press.bytes for press in moves):.0f} B each; "
        f"then idle {idle_bytes:.1f} B/s, {idle_cpu:.2%} of a core",
    ]  # fmt: skip


def measure_load(seconds: float) -> tuple[list[Row], list[str]]:
    """Three runs of 100,000 steps in the same charts, 50 rows a second in all, and keys all the while."""
    with make_workspace() as folder, go_on(folder, MIDDLE, runs=3, rate=50) as runs:
        blocks = folder / "blocks"
        with open_console(folder, {"CHARLAB_BLOCKS": str(blocks)}) as terminal:
            terminal.wait_for_text(runs[0].id[-9:])
            for keys in (" ", DOWN, " ", DOWN, " ", "\r"):
                terminal.press(keys, silence=0)
                time.sleep(0.2)
            terminal.wait_until(lambda screen: shows_charts(screen, "whole"), "three runs whole")
            shown = sum(run.id[-9:] in terminal.show() for run in runs)
            time.sleep(5)
            loading = read_blocks(blocks)
            anyway = wait_without_key(terminal)
            presses = press_along(terminal, CHART_KEYS, seconds)
            while_pressed = read_blocks(blocks)[len(loading) :]
            bytes_per_second, cpu = terminal.use(10)
            memory = terminal.resident_mb()
    p50, p99 = (find_percentile([press.seconds for press in presses], percent) * 1e3 for percent in (50, 99))
    longest = max(while_pressed, default=0.0)
    minutes = f"{seconds / 60:.0f} minutes"
    rows = [
        Row("keypress to first byte, p50, 3 runs of 100,000 and 50 rows/s", 30, 10, p50, "ms", f"{p50:.1f} ms"),
        Row("keypress to first byte, p99", 100, 50, p99, "ms", f"{p99:.1f} ms"),
        Row(f"longest block of the event loop in {minutes} of that", 100, 50, longest, "ms",
            f"{longest:.0f} ms" if while_pressed else "under 20 ms"),
    ]  # fmt: skip
    return rows, [
        f"3 runs and 50 rows/s ({shown} of 3 named over the charts): {tell_latency(presses)}, slowest "
        f"{max(press.seconds for press in presses) * 1e3:.0f} ms; {anyway}; without keys {bytes_per_second:.0f} B/s, "
        f"{cpu:.1%} of a core; {memory:.0f} MB",
        f"blocks over 20 ms: {len(while_pressed)} in {minutes}; while the runs were read {len(loading)}, the longest "
        f"{max(loading, default=0):.0f} ms",
    ]


def measure_watching(seconds: float = WATCH_SECONDS) -> tuple[list[Row], list[str]]:
    """One live run at a row a second; then the console is killed, and opened again."""
    with make_workspace() as folder, go_on(folder, SHORT, runs=1, rate=1) as (run,):
        with open_console(folder) as terminal:
            open_charts(terminal, run)
            time.sleep(5)
            sent, cpu = terminal.use(seconds)
            charts = terminal.show().count("└")
            before = run.metrics.stat().st_size
            os.kill(terminal.pid, signal.SIGKILL)
        with open_console(folder) as terminal:
            again = terminal.wait_until(
                lambda screen: any(run.id in line and "running" in line for line in screen.lines()), "the run as running"
            ) - terminal.started  # fmt: skip
        time.sleep(2)
        went_on = run.metrics.stat().st_size > before
    rows = [
        Row("bytes per second, watching a run at 1 Hz", 4096, 1024, sent, "B/s", f"{sent:.0f} B/s"),
        Row("CPU watching, of a core", 0.05, 0.03, cpu, "", f"{cpu:.2%}"),
        Row("kill -9 of the console, then the run shown again", 1, None, again if went_on else 1e9, "s",
            f"{again:.2f} s, the run {'went on' if went_on else 'DIED'}"),
    ]  # fmt: skip
    return rows, [f"watching: {charts} charts at 120x34, for {seconds:.0f} s"]


def measure_peer(load: float) -> tuple[float | None, list[str]]:
    """Milliseconds to LEET's first frame, where it is installed, and its notes."""
    leet = find_leet()
    if leet is None:
        return None, ["LEET: wandb is not installed here; CHARLAB_LEET=/path/to/wandb names one"]
    try:
        with make_workspace() as folder, tempfile.TemporaryDirectory(prefix="charlab-bench-") as other:
            demo = resolve_demo(folder)
            long, *three, short = (
                write_run(folder, demo, steps, number=number).metrics
                for number, steps in enumerate((LONG, MIDDLE, MIDDLE, MIDDLE, SHORT))
            )
            return measure_leet(leet, Path(other), long, three, short, load, WATCH_SECONDS)
    except (RuntimeError, TimeoutError, OSError, subprocess.SubprocessError) as problem:
        return None, [f"LEET {leet.version}: not measured: {problem}"]


# ---------------------------------------------------------------- opening, and what is on the screen


def open_console(folder: Path, extra: dict[str, str] | None = None) -> Terminal:
    return Terminal(name_charlab(), folder, {"CHARLAB_CACHE": str(folder / "cache"), **(extra or {})})


def open_charts(terminal: Terminal, run: RunPaths) -> tuple[float, float]:
    """Press enter on the newest run in the first frame; seconds from that frame to any charts, and to whole ones."""
    first = terminal.wait_for_text(run.id)
    terminal.send("\r")
    some = terminal.wait_until(lambda screen: shows_charts(screen, "sketch", "whole"), "charts")
    whole = terminal.wait_until(lambda screen: shows_charts(screen, "whole"), "whole charts")
    return some - first, whole - first


def shows_charts(screen: Screen, *words: str) -> bool:
    lines = screen.lines()
    if not any(word in line for line in lines for word in words):
        return False
    return sum("⠀" < cell <= "⣿" for line in lines for cell in line) >= LEAST_DOTS


def forget_columns(folder: Path, run: RunPaths) -> None:
    """Delete the column cache, wherever the console may have put it."""
    run.columns.unlink(missing_ok=True)
    shutil.rmtree(folder / "cache", ignore_errors=True)


def read_blocks(path: Path) -> list[float]:
    """Milliseconds of each block of the event loop so far; the console writes those over 20."""
    return [float(line) for line in path.read_text().split()] if path.exists() else []


@contextlib.contextmanager
def go_on(folder: Path, steps: int, runs: int, rate: float) -> Iterator[list[RunPaths]]:
    """Live runs whose worker is a process that appends `rate` rows a second to them by turns."""
    words = [sys.executable, str(HERE / "synthetic.py"), str(folder), "--steps", str(steps), "--runs", str(runs)]
    worker = subprocess.Popen([*words, "--rate", str(rate)], env=environment(), stdout=subprocess.PIPE, text=True)
    try:
        assert worker.stdout is not None
        ids = [worker.stdout.readline().strip() for _ in range(runs)]
        if not all(ids):
            raise RuntimeError("synthetic.py made no run")
        yield [Workspace(folder).run(run_id) for run_id in ids]
    finally:
        worker.kill()
        worker.communicate()
