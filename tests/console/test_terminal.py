"""The console in a real terminal: what a person sees who types `charlab`, and that killing it harms nothing."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from engine.store.paths import Workspace
from terminal import Terminal

ADA, BOB = "20260101-0900-ada-1a2b", "20260102-0900-bob-3c4d"
CONSOLE = [sys.executable, "-m", "console"]


@pytest.fixture
def extra(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return {"CHARLAB_CACHE": str(tmp_path_factory.mktemp("cache"))}


def test_it_opens_takes_keys_is_killed_and_opens_again_as_it_was(
    workspace: Workspace, write_run: Callable[..., Any], live: subprocess.Popen[bytes], extra: dict[str, str]
) -> None:
    write_run(ADA, ended="finished", created=1000.0)
    write_run(BOB, process=live.pid, created=2000.0)
    before = {path: path.read_bytes() for path in workspace.runs.rglob("*") if path.is_file()}
    for _ in range(2):
        with Terminal(CONSOLE, workspace.folder, extra) as terminal:
            terminal.wait_for_text(BOB, 20)
            terminal.wait_for_text("▶ running", 20)
            terminal.send("\r")
            terminal.wait_for_text("step 40/60", 20)
            terminal.wait_for_text("margin, nats per token", 20)
            terminal.send("5")
            terminal.wait_for_text("madison", 20)
            terminal.kill()
            assert not terminal.process.is_running()
    assert live.poll() is None
    assert {path: path.read_bytes() for path in workspace.runs.rglob("*") if path.is_file()} == before


def test_q_gives_the_terminal_back_with_0_and_sixteen_colours_are_enough(
    workspace: Workspace, write_run: Callable[..., Any], extra: dict[str, str]
) -> None:
    write_run(ADA, ended="finished")
    with Terminal(CONSOLE, workspace.folder, {**extra, "TERM": "xterm"}, 80, 24) as terminal:
        terminal.wait_for_text(ADA, 20)
        written = b"".join(data for _, data in terminal.chunks)
        assert b"\x1b[38;2;" not in written
        assert b"\x1b[38;5;" not in written
        terminal.send("q")
        assert terminal.process.wait(20) == 0
        terminal.wait_for_silence()
        assert b"\x1b[?1049l" in b"".join(data for _, data in terminal.chunks)


def test_an_idle_console_writes_nothing(
    workspace: Workspace, write_run: Callable[..., Any], extra: dict[str, str]
) -> None:
    write_run(ADA, ended="finished")
    with Terminal(CONSOLE, workspace.folder, extra) as terminal:
        terminal.wait_for_text(ADA, 20)
        terminal.wait_for_silence(0.5)
        known = len(terminal.chunks)
        terminal.wait_for_silence(1.0)
        assert terminal.chunks[known:] == []


def test_a_workspace_given_by_name_opens_read_only(
    workspace: Workspace, write_run: Callable[..., Any], extra: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    write_run(ADA, ended="stopped")
    words = [*CONSOLE, "--readonly", "--workspace", str(workspace.folder)]
    with Terminal(words, tmp_path_factory.mktemp("elsewhere"), extra, 200, 50) as terminal:
        terminal.wait_for_text(ADA, 20)
        terminal.wait_for_text("read only", 20)
        assert not terminal.screen().holds("Resume")
