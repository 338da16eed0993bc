"""How a worker hears that it is to end: at once while it waits, else at the next answer."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.launch.attempt import Journals
from engine.probe.tally import Stopped, Tally
from engine.records.rows import Sample
from engine.store.journal import read_rows
from engine.store.paths import RunPaths


@pytest.fixture
def tally(tmp_path: Path) -> Iterator[Tally]:
    """Of a run that asks for three answers; the signals are given back."""
    before = {name: signal.getsignal(name) for name in (signal.SIGTERM, signal.SIGINT, signal.SIGALRM)}
    paths = RunPaths(tmp_path)
    yield Tally(paths, Journals(paths, 1), 3, [])
    for name, heard in before.items():
        signal.signal(name, heard)


def sample(index: int) -> Sample:
    return Sample(
        attempt=1, step=0, time=0.0, probe="who", index=index, seed=1, text="Sir.", tokens=1, truncated=False,
        breaks=None, span=None, in_character=True,
    )  # fmt: skip


def wait(tally: Tally) -> None:
    with tally.heeding():
        time.sleep(30)


def test_a_signal_ends_what_is_waited_for(tally: Tally) -> None:
    asker = threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGTERM))
    asker.start()
    with pytest.raises(Stopped):
        wait(tally)
    asker.join()
    assert tally.why == "SIGTERM"


def test_a_file_ends_what_is_waited_for(tally: Tally) -> None:
    tally.paths.stop.touch()
    with pytest.raises(Stopped):
        wait(tally)
    assert tally.why == "asked to"


def test_a_signal_that_came_before_is_heard_too(tally: Tally) -> None:
    os.kill(os.getpid(), signal.SIGINT)
    with pytest.raises(Stopped):
        wait(tally)
    assert tally.why == "SIGINT"


def test_beside_waiting_an_answer_is_kept_before_the_end(tally: Tally) -> None:
    with tally.heeding():
        pass
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
    os.kill(os.getpid(), signal.SIGTERM)
    with pytest.raises(Stopped):
        tally.take(sample(0))
    assert [row["index"] for row in read_rows(tally.paths.samples)] == [0]
    tally.answers = 2
    tally.take(sample(2))  # the last one: there is nothing left to stop
    with pytest.raises(Stopped):
        tally.heed()
