"""Words of commands on a terminal and as JSON, whatever the files of others hold."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from console.showing import list_all, show_run
from console.text import narrate, print_json, say
from engine.store.paths import Workspace

HOSTILE = "orpo\x1b]52;c;aGk=\x07\x1b[2J"


def test_half_a_character_in_json_is_a_question_mark(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"text": "half \ud83d"})
    assert json.loads(capsys.readouterr().out) == {"text": "half ?"}


def test_what_is_said_keeps_its_lines_and_moves_no_cursor(capsys: pytest.CaptureFixture[str]) -> None:
    say("one\x1b[2J\n  two \ud83d")
    narrate("three\x07")
    assert capsys.readouterr() == ("one\n  two \n", "three\n")


def test_a_record_from_elsewhere_writes_no_escape_sequence_to_the_terminal(
    workspace: Workspace, write_run: Callable[..., Any], capsys: pytest.CaptureFixture[str]
) -> None:
    recipe = {"name": HOSTILE, "base": "base", "dataset": HOSTILE, "objective": HOSTILE, "seed": 1}
    write_run("20260101-0900-ada-1a2b", recipe=recipe, name=HOSTILE, ended="finished")
    list_all(json=False, workspace=str(workspace.folder))
    shown = capsys.readouterr().out
    assert "orpo" in shown
    assert "\x1b" not in shown


def test_a_base_from_elsewhere_is_shown_harmless(
    workspace: Workspace, write_run: Callable[..., Any], capsys: pytest.CaptureFixture[str]
) -> None:
    base = {
        "reference": HOSTILE, "source": "b", "revision": None, "parameters": 1, "adapter_sha256": None,
        "lineage": [{"run": HOSTILE, "step": 1, "objective": HOSTILE, "adapter_sha256": "a"}],
    }  # fmt: skip
    write_run("20260101-0900-ada-1a2b", base=base, name=HOSTILE, ended="finished")
    show_run(workspace.run("20260101-0900-ada-1a2b"), json=False)
    shown = capsys.readouterr().out
    assert "orpo@1" in shown
    assert "\x1b" not in shown
