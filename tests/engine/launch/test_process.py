"""Which process is which: alive, ended but unreaped, gone, or another one with the same pid."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from engine.launch.process import is_same, read_start, resident_mb


def test_a_live_process_keeps_its_start(live: subprocess.Popen[bytes]) -> None:
    start = read_start(live.pid)
    assert start is not None
    assert read_start(live.pid) == start
    assert is_same(live.pid, start)


@pytest.mark.skipif(sys.platform != "linux", reason="counts as Linux counts")
def test_the_start_is_the_one_that_the_system_tells() -> None:
    start = read_start(os.getpid())
    assert start is not None
    seconds = start / os.sysconf("SC_CLK_TCK")
    assert seconds == pytest.approx(psutil.Process().create_time() - psutil.boot_time(), abs=2)


def test_a_pid_with_another_start_is_another_process(live: subprocess.Popen[bytes]) -> None:
    start = read_start(live.pid)
    assert start is not None
    assert not is_same(live.pid, start + 1)
    assert not is_same(os.getpid(), start)


def test_a_process_that_ended_and_was_not_reaped_counts_as_gone(live: subprocess.Popen[bytes]) -> None:
    start = read_start(live.pid)
    assert start is not None
    live.kill()
    os.waitid(os.P_PID, live.pid, os.WEXITED | os.WNOWAIT)
    assert psutil.Process(live.pid).status() == psutil.STATUS_ZOMBIE
    assert read_start(live.pid) is None
    assert not is_same(live.pid, start)


def test_a_process_that_was_reaped_is_gone(live: subprocess.Popen[bytes]) -> None:
    start = read_start(live.pid)
    assert start is not None
    live.kill()
    live.wait()
    assert read_start(live.pid) is None
    assert not is_same(live.pid, start)


@pytest.mark.skipif(sys.platform != "linux", reason="names stand in parentheses in /proc alone")
def test_a_command_with_spaces_and_parentheses_in_its_name_is_read_all_the_same(tmp_path: Path) -> None:
    sleep = shutil.which("sleep")
    assert sleep is not None
    odd = tmp_path / "a) Z 1 (b"
    shutil.copy(sleep, odd)
    process = subprocess.Popen([str(odd), "60"])
    try:
        start = read_start(process.pid)
        assert start is not None
        assert start >= (read_start(os.getpid()) or 0)
    finally:
        process.kill()
        process.wait()


def test_the_resident_memory_is_that_of_this_process() -> None:
    assert resident_mb() == pytest.approx(psutil.Process().memory_info().rss / 2**20, rel=0.2)
