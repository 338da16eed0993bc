"""A program under a real pty: when it painted what, how soon it answers a key, what it writes and uses meanwhile.

Answers what a program asks its terminal on the way, as a plain xterm without pictures would, so that none waits.
"""

import contextlib
import fcntl
import itertools
import os
import pty
import random
import re
import select
import signal
import statistics
import struct
import sys
import termios
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

import psutil

from kit import environment
from screen import Screen

COLUMNS, ROWS = 120, 34
SILENCE = 0.15
"""Seconds without a byte after which an answer to a key is over."""

QUERIES = re.compile(
    rb"\x1b\[(?P<device>[>=]?)0?c|\x1b\[(?P<status>[56])n|\x1b\[\?(?P<mode>\d+)\$p|\x1b\[\?(?P<keyboard>)u"
    rb"|\x1b\[>0?(?P<version>)q|\x1b\](?P<colour>1[012]);\?(?:\x07|\x1b\\)|\x1b\[(?P<size>1[4568])t"
    rb"|\x1bP\+q(?P<terminfo>[0-9A-Fa-f;]*)\x1b\\"
)
LONGEST_QUERY = 64
FOREIGN = ("CI", "NO_COLOR", "FORCE_COLOR", "COLORTERM", "COLUMNS", "LINES", "TMUX", "STY", "TERM_PROGRAM", "SSH_TTY",
           "SSH_CONNECTION", "SSH_CLIENT")  # fmt: skip
"""What the terminal of whoever runs the benchmark says of itself, and would change what is painted."""


def answer_query(found: re.Match[bytes], columns: int, rows: int) -> bytes:
    """What a terminal replies to one match of QUERIES."""
    kind = found.lastgroup
    value = found[kind] if kind else b""
    match kind:
        case "device":
            return b"\x1b[?62;22c" if not value else b"\x1b[>41;390;0c" if value == b">" else b""
        case "status":
            return b"\x1b[0n" if value == b"5" else b"\x1b[1;1R"
        case "mode":  # synchronised output is known and off, any other mode unknown
            return b"\x1b[?%s;%d$y" % (value, 2 if value == b"2026" else 0)
        case "keyboard":
            return b"\x1b[?0u"
        case "version":
            return b"\x1bP>|XTerm(390)\x1b\\"
        case "colour":
            return b"\x1b]%s;rgb:%s\x1b\\" % (value, b"e0e0/e0e0/e0e0" if value == b"10" else b"1212/1212/1212")
        case "size":
            shapes = {b"14": (4, 16 * rows, 8 * columns), b"15": (5, 16 * rows, 8 * columns), b"16": (6, 16, 8)}
            return b"\x1b[%d;%d;%dt" % shapes.get(value, (8, rows, columns))
        case "terminfo":
            return b"\x1bP0+r\x1b\\"
    return b""


class Press(NamedTuple):
    seconds: float
    """From the key to the first byte after it."""
    bytes: int
    """Until nothing came for SILENCE; 0 where the caller did not wait."""


class Terminal:
    """Starts `words` in `folder`; times are those of time.perf_counter."""

    def __init__(
        self, words: Sequence[str], folder: Path, extra: dict[str, str] | None = None, columns: int = COLUMNS,
        rows: int = ROWS,
    ) -> None:  # fmt: skip
        env = {name: value for name, value in environment().items() if name not in FOREIGN}
        env |= {"TERM": "xterm-256color", "LANG": "C.UTF-8", **(extra or {})}
        self.chunks: list[tuple[float, bytes]] = []
        self._screen = Screen(columns, rows)
        self._fed = 0
        self._came = threading.Condition()
        self._shape = (columns, rows)
        # a chunk is stamped by a thread: it must not wait for the one that reads the screen
        self._interval = sys.getswitchinterval()
        sys.setswitchinterval(0.0005)
        self.started = time.perf_counter()
        self.pid, self._master = pty.fork()
        if self.pid == 0:
            try:
                fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 8 * columns, 16 * rows))
                os.chdir(folder)
                os.execvpe(words[0], list(words), env)
            finally:
                os._exit(127)
        self.process = psutil.Process(self.pid)
        self._ending, self._wake = os.pipe()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        before = b""
        while True:
            ready, _, _ = select.select([self._master, self._ending], [], [])
            if self._ending in ready:
                return
            try:
                data = os.read(self._master, 1 << 16)
            except OSError:
                data = b""
            now = time.perf_counter()
            if data:
                # a question may come in two pieces, but is answered once: only one that ends in the new piece
                reply = b"".join(
                    answer_query(found, *self._shape)
                    for found in QUERIES.finditer(before + data)
                    if found.end() > len(before)
                )
                if reply:
                    os.write(self._master, reply)
                before = data[-LONGEST_QUERY:]
            with self._came:
                self.chunks.append((now, data))
                self._came.notify_all()
            if not data:
                return

    # -- waiting -------------------------------------------------------------------------------------

    def wait_for_text(self, text: str, timeout: float = 60) -> float:
        """When the screen first held `text`; TimeoutError shows the screen."""
        return self.wait_until(lambda screen: screen.holds(text), text, timeout)

    def wait_until(self, holds: Callable[[Screen], bool], what: str, timeout: float = 60) -> float:
        """When the screen, from here on, first was so."""
        deadline = time.perf_counter() + timeout
        if self._fed and holds(self._screen):
            return self.chunks[self._fed - 1][0]
        while True:
            with self._came:
                while self._fed == len(self.chunks):
                    if not self._came.wait(deadline - time.perf_counter()):
                        raise TimeoutError(f"no {what} in {timeout:.0f} s on:\n{self.show()}")
                when, data = self.chunks[self._fed]
            self._fed += 1
            if not data:
                raise RuntimeError(f"the program ended before {what}:\n{self.show()}")
            self._screen.feed(data)
            if holds(self._screen):
                return when

    def wait_for_silence(self, seconds: float = SILENCE, timeout: float = 60) -> float:
        """Until no byte came for `seconds`; when the last came."""
        deadline = time.perf_counter() + timeout
        with self._came:
            while True:
                last = self.chunks[-1][0] if self.chunks else self.started
                left = last + seconds - time.perf_counter()
                if left <= 0:
                    return last
                if time.perf_counter() > deadline:
                    raise TimeoutError(f"never silent for {seconds} s in {timeout:.0f} s:\n{self.show()}")
                self._came.wait(left)

    def screen(self) -> Screen:
        """The screen as of now."""
        while self._fed < len(self.chunks):
            self._screen.feed(self.chunks[self._fed][1])
            self._fed += 1
        return self._screen

    def show(self) -> str:
        return "\n".join(line.rstrip() for line in self.screen().lines())

    # -- acting and counting -------------------------------------------------------------------------

    def send(self, keys: str) -> None:
        os.write(self._master, keys.encode())

    def press(self, keys: str, timeout: float = 5, silence: float = SILENCE) -> Press:
        """Send keys as one; with a `silence` of 0 the rest of the answer is not waited for."""
        known = len(self.chunks)
        began = time.perf_counter()
        self.send(keys)
        with self._came:
            if not self._came.wait_for(lambda: len(self.chunks) > known, timeout):
                raise TimeoutError(f"no answer to {keys!r} in {timeout:.0f} s on:\n{self.show()}")
        seconds = max(0.0, self.chunks[known][0] - began)
        if silence:
            self.wait_for_silence(silence)
        return Press(seconds, sum(len(data) for _, data in self.chunks[known:]) if silence else 0)

    def count_bytes(self, since: float, until: float) -> int:
        return sum(len(data) for when, data in self.chunks if since <= when < until)

    def use(self, seconds: float) -> tuple[float, float]:
        """Let `seconds` pass; the bytes per second and the share of one core that went by meanwhile."""
        cpu, began = self.cpu_seconds(), time.perf_counter()
        time.sleep(seconds)
        cpu, ended = self.cpu_seconds() - cpu, time.perf_counter()
        return self.count_bytes(began, ended) / (ended - began), cpu / (ended - began)

    def family(self) -> list[psutil.Process]:
        return [self.process, *self.process.children(recursive=True)]

    def cpu_seconds(self) -> float:
        """Of the program and all that it started and that lives."""
        total = 0.0
        for one in self.family():
            with contextlib.suppress(psutil.Error):
                times = one.cpu_times()
                total += times.user + times.system
        return total

    def resident_mb(self) -> float:
        """Of the largest process of the program's family, in MiB."""
        sizes = []
        for one in self.family():
            with contextlib.suppress(psutil.Error):
                sizes.append(one.memory_info().rss)
        return max(sizes, default=0) / 2**20

    def kill(self) -> None:
        """As `kill -9` does, the program and all that it started."""
        with contextlib.suppress(psutil.Error):
            for one in reversed(self.family()):
                with contextlib.suppress(psutil.Error):
                    one.send_signal(signal.SIGKILL)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self.pid, 0)

    def close(self) -> None:
        self.kill()
        os.write(self._wake, b"x")
        self._reader.join()
        for descriptor in (self._master, self._ending, self._wake):
            os.close(descriptor)
        sys.setswitchinterval(self._interval)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def press_along(terminal: Terminal, keys: Sequence[str], seconds: float, every: float = 0.3) -> list[Press]:
    """Press the keys by turns for so long, about `every` seconds, at no fixed beat."""
    draw = random.Random(0)
    ends = time.perf_counter() + seconds
    presses = []
    for key in itertools.cycle(keys):
        if time.perf_counter() > ends:
            return presses
        presses.append(terminal.press(key, silence=0))
        time.sleep(draw.uniform(0.5, 1.5) * every)
    return presses


def wait_without_key(terminal: Terminal, seconds: float = 10) -> str:
    """How soon a byte would have come by itself, for a latency to be seen beside."""
    began = time.perf_counter()
    known = len(terminal.chunks)
    time.sleep(seconds)
    times = [began] + [when for when, _ in terminal.chunks[known:]]
    if len(times) < 3:
        return "without a key no byte comes"
    # from a random moment to the next chunk: half a gap on the average, and long gaps are met more often
    gaps = [later - earlier for earlier, later in itertools.pairwise(times)]
    return f"without a key the next byte comes after {sum(g * g for g in gaps) / sum(gaps) / 2 * 1e3:.0f} ms on average"


def find_percentile(values: Sequence[float], percent: int) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]


def tell_latency(presses: Sequence[Press]) -> str:
    p50, p99 = (find_percentile([press.seconds for press in presses], percent) * 1e3 for percent in (50, 99))
    return f"p50 {p50:.1f} ms, p99 {p99:.1f} ms of {len(presses)} presses"
