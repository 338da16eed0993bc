"""A question before an act: the command that does the same, and what each key answers."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from textual.app import App
from textual.widgets import Input, Static

from panels.confirm import Confirm


def ask(*keys: str, size: tuple[int, int] = (80, 24), **settings: Any) -> tuple[list[str | None], list[str]]:
    """The answers given by these keys, and the lines that were shown."""
    answers: list[str | None] = []
    shown: list[str] = []

    async def go() -> None:
        app: App[None] = App()
        async with app.run_test(size=size) as pilot:
            confirm = Confirm("Stop [b]ada[/]\x1b[31m?", "charlab stop ada", **settings)
            app.push_screen(confirm, answers.append)
            await pilot.pause()
            shown.extend(str(static.content) for static in confirm.query(Static))
            await pilot.press(*keys)
            await pilot.pause()

    asyncio.run(go())
    return answers, shown


def test_the_question_and_the_command_are_plain_text() -> None:
    _, shown = ask(note="at step \u202e3")
    assert shown == ["Stop [b]ada[/]?", "at step 3", "$ charlab stop ada", "y, enter  yes      n, esc  no"]


@pytest.mark.parametrize(("key", "answer"), [("y", ""), ("enter", ""), ("n", None), ("escape", None), ("q", None)])
def test_a_key_answers(key: str, answer: str | None) -> None:
    assert ask(key)[0] == [answer]


@pytest.mark.parametrize("key", ["x", "space", "K", "tab", "1"])
def test_any_other_key_answers_nothing(key: str) -> None:
    assert ask(key)[0] == []


def test_the_field_is_typed_into_and_comes_back_with_enter() -> None:
    answers, shown = ask("end", *"yn q", "enter", field="ada@20")
    assert answers == ["ada@20yn q"]
    assert shown[-1] == "type to edit      enter  yes      esc  no"
    assert ask("x", "escape", field="ada@20")[0] == [None]


def test_a_command_longer_than_the_line_is_seen_to_its_end() -> None:
    async def go() -> None:
        app: App[None] = App()
        async with app.run_test(size=(50, 30)) as pilot:
            confirm = Confirm("Start?", "charlab train " + " ".join(f"--set optim.key{n}={n}" for n in range(12)))
            app.push_screen(confirm)
            await pilot.pause()
            command = confirm.query_one("#command", Static)
            assert command.size.height >= 7
            assert command.region.right <= 50
            assert not confirm.query(Input)

    asyncio.run(go())


def test_a_terminal_of_one_cell_still_takes_an_answer() -> None:
    assert ask("n", size=(1, 1), note="note", field=None)[0] == [None]
    assert ask("enter", size=(1, 1), field="kept")[0] == ["kept"]
