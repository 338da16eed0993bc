"""Acts from the console: the command line's own, in a process of its own, started and stopped by keys."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import ContentSwitcher, Input, Static

from console.acts import run_command, spell_command
from console.app import Lab
from console.palette import Palette
from driving import wait_until
from engine.store.paths import Workspace
from panels.confirm import Confirm
from panels.launch import Launch
from panels.table import Table

ADA = "20260101-0900-ada-1a2b"


def messages(app: Lab) -> str:
    return "\n".join(f"{note.title}: {note.message}" for note in app._notifications)


def test_the_command_is_spelled_as_a_person_would_type_it() -> None:
    assert spell_command("stop", ADA) == f"charlab stop {ADA}"
    assert spell_command("train", "a b", "--set", "name='x'") == "charlab train 'a b' --set 'name='\"'\"'x'\"'\"''"


def test_what_a_command_refuses_is_told_with_the_way_out(workspace: Workspace) -> None:
    outcome = run_command(workspace, "stop", "nothing-like-it")
    assert not outcome.ok
    assert outcome.run is None
    assert "no run 'nothing-like-it'" in outcome.message
    assert "try: charlab runs lists them" in outcome.message
    assert not run_command(workspace, "no-such-command").ok


def test_a_command_that_is_done_says_what_it_did(
    workspace: Workspace, write_run: Callable[..., Any], live: Any
) -> None:
    paths = write_run(ADA, process=live.pid)
    outcome = run_command(workspace, "stop", ADA)
    assert (outcome.ok, outcome.run) == (True, ADA)
    assert outcome.message.startswith(f"asked {ADA} to stop")
    assert paths.stop.exists()


def test_k_and_y_ask_a_live_run_to_stop(workspace: Workspace, write_run: Callable[..., Any], live: Any) -> None:
    paths = write_run(ADA, process=live.pid)

    async def go() -> None:
        app = Lab(workspace)
        async with app.run_test(size=(120, 34)) as pilot:
            await wait_until(pilot, lambda: len(app.rows) == 1, "the run")
            await pilot.pause()
            await pilot.press("K")
            await wait_until(pilot, lambda: isinstance(app.screen, Confirm), "the question")
            assert not paths.stop.exists()
            await pilot.press("y")
            await wait_until(pilot, lambda: f"asked {ADA} to stop" in messages(app), "the answer")
            assert paths.stop.exists()

    asyncio.run(go())


def test_a_fork_whose_words_do_not_parse_starts_nothing(workspace: Workspace, write_run: Callable[..., Any]) -> None:
    paths = write_run(ADA, ended="finished")
    paths.checkpoint(20).folder.mkdir(parents=True)
    paths.checkpoint(20).manifest.write_text("{}")

    async def go() -> None:
        app = Lab(workspace)
        async with app.run_test(size=(120, 34)) as pilot:
            await wait_until(pilot, lambda: len(app.rows) == 1, "the run")
            await pilot.pause()
            await pilot.press("F")
            await wait_until(pilot, lambda: isinstance(app.screen, Confirm), "the question")
            await pilot.press("end", "'", "enter")
            await wait_until(pilot, lambda: "No closing quotation" in messages(app), "words")

    asyncio.run(go())
    assert workspace.run_ids() == [ADA]


@pytest.mark.parametrize(
    ("key", "command", "words"),
    [
        ("P", "probe", f"run:{ADA} --samples 12"),
        ("E", "eval", f"run:{ADA} --judge rules"),
        ("X", "export", f"{ADA} --to q8_0"),
        ("C", "parity", f"{ADA} --forms adapter,merged,q8_0"),
    ],
)
def test_a_trained_run_is_measured_by_a_key_that_shows_its_command(
    key: str, command: str, words: str, workspace: Workspace, write_run: Callable[..., Any]
) -> None:
    paths = write_run(ADA, ended="finished")

    async def go() -> None:
        app = Lab(workspace)
        async with app.run_test(size=(120, 34)) as pilot:
            await wait_until(pilot, lambda: len(app.rows) == 1, "the run")
            await pilot.pause()
            await pilot.press(key)
            await wait_until(pilot, lambda: "has no checkpoint" in messages(app), "the refusal")
            paths.checkpoint(20).folder.mkdir(parents=True)
            paths.checkpoint(20).manifest.write_text("{}")
            await pilot.press(key)
            await wait_until(pilot, lambda: isinstance(app.screen, Confirm), "the question")
            assert str(app.screen.query_one("#command", Static).content) == f"$ charlab {command} --detach"
            assert app.screen.query_one(Input).value == words
            await pilot.press("escape")
            assert {"Probe", "Evaluate", "Export", "Parity"} <= {e.title for e in Palette(app.screen).entries()}

    asyncio.run(go())
    assert workspace.run_ids() == [ADA]


def test_a_base_is_probed_again_by_a_key_and_its_sentinels_are_opened(
    workspace: Workspace, write_eval: Callable[..., Any]
) -> None:
    write_eval(ADA, lambda number: 5)

    async def go() -> None:
        app = Lab(workspace)
        async with app.run_test(size=(120, 34)) as pilot:
            await wait_until(pilot, lambda: len(app.rows) == 1, "the evaluation")
            await pilot.pause()
            await pilot.press("X")
            assert not isinstance(app.screen, Confirm)  # there is nothing to export
            await pilot.press("P")
            await wait_until(pilot, lambda: isinstance(app.screen, Confirm), "the question")
            app.screen.query_one(Input).value = "bundled:smollm2-135m --samples 1 --max-tokens 4"
            await pilot.press("enter")
            await wait_until(pilot, lambda: len(app.rows) == 2, "the probing", 60)
            await wait_until(pilot, lambda: app.query_one(ContentSwitcher).current == "sentinels", "its panel")
            (row,) = (row for row in app.rows if row.id == app.opened)
            assert (row.kind, row.base) == ("probe", "bundled:smollm2-135m")
            await wait_until(pilot, lambda: app.rows[-1].status == "finished", "its end", 60)

    asyncio.run(go())


@pytest.mark.slow
def test_a_run_is_started_watched_and_stopped_by_keys_alone(
    workspace: Workspace, tiny_recipe: Callable[..., Path]
) -> None:
    tiny_recipe(optim={"steps": 5000}, checkpoint={"every": 0})

    async def go() -> None:
        app = Lab(workspace)
        async with app.run_test(size=(120, 34)) as pilot:
            await pilot.press("6")
            await wait_until(pilot, lambda: app.query_one(ContentSwitcher).current == "launch", "the recipes")
            await wait_until(pilot, lambda: app.query_one(Launch).text_to_copy(), "a recipe")
            await pilot.press("S")
            await wait_until(pilot, lambda: isinstance(app.screen, Confirm), "the question")
            command = str(app.screen.query_one("#command", Static).content)
            assert command.startswith("$ charlab train ")
            assert command.endswith(" --detach")
            await pilot.press("y")
            await wait_until(pilot, lambda: app.opened is not None, "the run", 60)
            run = app.opened
            assert run is not None
            assert workspace.run_ids() == [run]
            assert app.query_one(ContentSwitcher).current == "training"
            await wait_until(
                pilot, lambda: run in app.views and len(app.views[run].history.series.get("loss", ())) > 5, "rows", 60
            )
            await wait_until(
                pilot, lambda: any(row.id == run and row.status == "running" for row in app.rows), "its row"
            )
            await pilot.press("1")
            app.query_one("#runs Table", Table).move_to(run)
            await pilot.pause()
            await pilot.press("K")
            await wait_until(pilot, lambda: isinstance(app.screen, Confirm), "the question")
            await pilot.press("enter")
            await wait_until(pilot, lambda: any(row.status == "stopped" for row in app.rows), "the stop", 60)
            (row,) = app.rows
            assert row.partial
            assert 5 < row.step < 5000
            await pilot.press("R")
            await wait_until(pilot, lambda: isinstance(app.screen, Confirm), "the question")
            await pilot.press("n")

    asyncio.run(go())
    (run,) = workspace.run_ids()
    paths = workspace.run(run)
    assert [checkpoint.step for checkpoint in paths.complete_checkpoints()]
    assert json.loads(paths.launch.read_text())["attempt"] == 1
