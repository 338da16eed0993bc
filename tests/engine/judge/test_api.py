"""The loopback API as a process, as the benchmark uses it."""

import subprocess
import sys
from collections.abc import Callable

import api
from engine.judge.claude import ClaudeJudge
from engine.judge.judgement import Item
from engine.judge.rubric import Brief
from engine.judge.scoring import score_items
from engine.records.judging import Score


def test_it_prints_its_port_and_ends_with_its_input(brief: Brief, make_items: Callable[[int], list[Item]]) -> None:
    command = [sys.executable, api.__file__, "--fail-every", "4"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        url = f"http://127.0.0.1:{int(server.stdout.readline())}"
        judge = ClaudeJudge(brief, "claude-sonnet-5-5", key="sk-ant-loopback", url=url)
        got: list[Score] = []
        score_items(make_items(9), judge, got.append)
        judge.close()
        server.communicate(timeout=60)
    assert server.returncode == 0
    assert [s.state for s in got] == ["scored"] * 9
