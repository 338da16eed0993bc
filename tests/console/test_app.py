"""The console as a person meets it: every panel by keys, acts that ask first, and nothing on disk that can end it."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
import unicodedata
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from textual.command import CommandPalette
from textual.pilot import Pilot
from textual.widget import Widget
from textual.widgets import ContentSwitcher, Input, Static

from console.app import Lab
from console.palette import Palette
from driving import stand_still, wait_until
from engine.store.paths import Workspace
from panels.bar import Bar
from panels.charts import Charts
from panels.confirm import Confirm
from panels.help import Help
from panels.keys import Keys
from panels.plot import Plot
from panels.runs import RunsPanel
from panels.table import Table
from panels.training import TrainingHead, TrainingPanel

ROOT = Path(__file__).resolve().parents[2]
ADA, BOB, CLEO = "20260101-0900-ada-1a2b", "20260102-0900-bob-3c4d", "20260103-0900-cleo-5e6f"
HOSTILE = "[red]x[/red] [@click=app.bell]y[/] \x1b[31mz\x1b]0;title\x07 \u202eevil\u2066 😀👩\u200d🚀 שלום\x00\x07 漢字\r\n\ttab"
PANELS = ("runs", "training", "sentinels", "compare", "datasets", "launch", "chat", "evals", "ledger")

Check = Callable[[Lab, Pilot[int]], Awaitable[None]]
WriteRun = Callable[..., Any]


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("CHARLAB_CACHE", str(folder))
    monkeypatch.setenv("CHARLAB_THEME", "dark")
    return folder


def drive(workspace: Workspace, check: Check, size: tuple[int, int] = (120, 34), **settings: Any) -> None:
    async def go() -> None:
        app = Lab(workspace, **settings)
        async with app.run_test(size=size) as pilot:
            await pilot.pause()
            await check(app, pilot)

    asyncio.run(go())


async def listed(app: Lab, pilot: Pilot[int], count: int) -> None:
    await wait_until(pilot, lambda: len(app.rows) == count, f"{count} runs")
    await pilot.pause()


async def read(app: Lab, pilot: Pilot[int], *runs: str) -> None:
    await wait_until(pilot, lambda: all(r in app.views and app.views[r].whole for r in runs), f"curves of {runs}")


def text_of(widget: Widget) -> str:
    """What a widget of lines shows."""
    return "\n".join(strip.text.rstrip() for strip in widget.render_lines(widget.outer_size.region))


def screen_text(app: Lab) -> str:
    strips = app.screen._compositor.render_strips()
    return "\n".join(strip.text.rstrip() for strip in strips)


def panel_of(app: Lab) -> str | None:
    return app.query_one(ContentSwitcher).current


def statics(app: Lab) -> str:
    return "\n".join(str(static.content) for static in app.screen.query(Static))


# ---------------------------------------------------------------- panels, runs and curves


def test_digits_open_the_panels_one_after_another(workspace: Workspace, write_run: WriteRun) -> None:
    write_run(ADA, ended="finished")

    async def check(app: Lab, pilot: Pilot[int]) -> None:
        await listed(app, pilot, 1)
        for number, name in (*enumerate(PANELS, 1), (1, "runs")):
            await pilot.press(str(number))
            await wait_until(pilot, lambda name=name: panel_of(app) == name, name)
            await pilot.pause()
            assert app.query_one(f"#{name}").display
            assert [child.id for child in app.query_one(ContentSwitcher).children if child.display] == [name]
            focused = app.focused
            assert focused is not None
            assert not isinstance(focused, Input), "a field would swallow the next digit"
            assert app.query_one(f"#{name}") in focused.ancestors_with_self

    drive(workspace, check)


def test_a_panel_that_is_slow_to_compose_has_the_keys_once_it_is_open(
    workspace: Workspace, write_run: WriteRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_run(ADA, ended="finished")
    compose = TrainingPanel._compose

    async def compose_late(panel: TrainingPanel) -> None:
        await asyncio.sleep(0.3)
        await compose(panel)

    monkeypatch.setattr(TrainingPanel, "_compose", compose_late)

    async def check(app: Lab, pilot: Pilot[int]) -> None:
        await listed(app, pilot, 1)
        await pilot.press("2")
        await wait_until(pilot, lambda: panel_of(app) == "training", "the panel")
        panel = app.query_one("#training")
        await wait_until(pilot, lambda: app.focused and panel in app.focused.ancestors_with_self, "the keys")

    drive(workspace, check)


def test_the_newest_run_is_on_top_and_under_the_cursor(workspace: Workspace, write_run: WriteRun) -> None:
    for n, run in enumerate((ADA, BOB, CLEO)):
        write_run(run, ended="finished", created=1000.0 * (n + 1))

    async def check(app: Lab, pilot: Pilot[int]) -> None:
        await listed(app, pilot, 3)
        assert app.query_one(RunsPanel).cursor_run == CLEO
        shown = text_of(app.query_one("#runs Table"))
        assert shown.index(CLEO) < shown.index(BOB) < shown.index(ADA)

    drive(workspace, check)


def test_enter_on_a_run_opens_its_curves_with_its_events_and_its_log(workspace: Workspace, write_run: WriteRun) -> None:
    write_run(ADA, ended="finished", log="worker says hello\n")

    async def check(app: Lab, pilot: Pilot[int]) -> None:
        await listed(app, pilot, 1)
        await pilot.press("enter")
        await read(app, pilot, ADA)
        assert panel_of(app) == "training"
        await wait_until(pilot, lambda: "finished at step 40" in text_of(app.query_one("#training Table")), "the event")
        head = text_of(app.query_one(TrainingHead))
        assert "ada  finished  step 40/60" in head
        assert "loss 1.433" in head
        assert [plot.title for plot in app.query(Plot) if plot.display][:2] == ["loss", "margin, nats per token"]
        assert any("⠁" <= char <= "⣿" for char in text_of(app.query(Plot).first()))
        await pilot.press("e")
        await pilot.pause()
        assert "worker says hello" in text_of(app.query_one("#training Table"))

    drive(workspace, check)


def test_a_run_given_at_the_start_is_open_and_the_console_may_leave_with_its_end(
    workspace: Workspace, write_run: WriteRun
) -> None:
    write_run(ADA, ended="finished")

    async def check(app: Lab, pilot: Pilot[int]) -> None:
        await wait_until(pilot, lambda: app.return_value is not None, "its end")
        assert app.return_value == 0

    drive(workspace, check, run=ADA, leave_when_ended=True)


def test_marked_and_pinned_runs_are_drawn_with_the_opened_one_in_colours_that_stay(
    workspace: Workspace, write_run: WriteRun
) -> None:
    for n, run in enumerate((ADA, BOB, CLEO)):
        write_run(run, ended="finished", created=1000.0 * (n + 1))

    async def check(app: Lab, pilot: Pilot[int]) -> None:
        await listed(app, pilot, 3)
        await pilot.press("space", "j", "p", "j", "space")  # cleo marked, bob pinned, ada marked
        await read(app, pilot, ADA, BOB, CLEO)
        table = app.query_one("#runs Table")
        marks = {line.split()[1]: line[:1] for line in text_of(table).splitlines()[1:4]}
        assert marks == {CLEO: "●", BOB: "◆", ADA: "●"}
        colours = dict(app.colours)
        assert sorted(colours.values()) == [1, 2, 3]
        await pilot.press("k", "enter")  # bob is opened
        await wait_until(pilot, lambda: panel_of(app) == "training", "the curves")
        assert app.looked_at() == [BOB, CLEO, ADA]
        await pilot.press("1", "k", "space")  # cleo no more
        await wait_until(pilot, lambda: CLEO not in app.views, "cleo to go")
        assert app.colours == {run: colour for run, colour in colours.items() if run != CLEO}
        await pilot.press("space")  # and again: the colour that is free
        await pilot.pause()
        assert app.colours == colours
        assert len(set(app.colours.values())) == 3

    drive(workspace, check)


def test_a_run_unmarked_and_marked_again_at_once_keeps_its_curves(workspace: Workspace, write_run: WriteRun) -> None:
    write_run(ADA, ended="finished")

    async def check(app: Lab, pilot: Pilot[int]) -> None:
        await listed(app, pilot, 1)
        app.pin(ADA)
        await read(app, pilot, ADA)
        app.pin(None)
        app.pin(ADA)
        await read(app, pilot, ADA)
        assert len(app.views[ADA].history.series["loss"]) == 40

    drive(workspace, check)


def test_panels_about_trainings_say_where_a_run_of_another_kind_is_shown(
    workspace: Workspace, write_evaluation: Callable[..., Any]
) -> None:
    judged, again = "20260101-0900-madison-eval-1a2b", "20260101-0901-madison-score-3c4d"
    write_evaluation(judged, [7.0, 6.0])
    write_evaluation(again, [5.0, 4.0], of=judged)

    async def check(app: Lab, pilot: Pilot[int]) -> None:
        await listed(app, pilot, 2)
        for run, digit, panel in ((judged, "2", "training"), (judged, "4", "compare"), (again, "3", "sentinels")):
            app.opened = run
            app._watch()
            words = f"{run} is {'an eval' if run == judged else 'a score'} run: 8 Evals shows it"
            await pilot.press(digit)
            await wait_until(pilot, lambda panel=panel: panel_of(app) == panel, panel)
            await wait_until(pilot, lambda words=words: words in screen_text(app), words)
            assert "could not be read" not in screen_text(app)

    drive(workspace, check)


def test_more_runs_than_there_are_colours_are_refused_with_words(workspace: Workspace, write_run: WriteRun) -> None:
    for n in range(9):
        write_run(f"2026010{n + 1}-0900-ada-000{n}", rows=[], ended="finished")

    async def check(app: Lab, pilot: Pilot[int]) -> None:
        await listed(app, pilot, 9)
        for _ in range(8):
            await pilot.press("space", "j")
        await pilot.pause()
        await pilot.press("space")
        await pilot.pause()
        assert len(app.marked) == 8
        assert sorted(app.colours.values()) == [1, 2, 3, 4, 5, 6, 7, 8]
        assert any("8 runs are shown" in note.message for note in app._notifications)

    drive(workspace, check)


def test_the_help_says_what_the_panel_is_for_and_lists_its_keys(workspace: Workspace, write_run: WriteRun) -> None:
    write_run(ADA, ended="finished")

    async def check(app: Lab, pilot: Pilot[int]) -> None:
        await listed(app, pilot, 1)
        await pilot.press("question_mark")
        await wait_until(pilot, lambda: isinstance(app.screen, Help), "the help")
        await pilot.pause()
        said = statics(app)
        assert "All runs of the workspace" in said
        assert "Filter" in said
        await pilot.press("escape")
        await pilot.press("enter")
        await read(app, pilot, ADA)
        await wait_until(pilot, lambda: app.query_one(Charts).chart is not None, "a chart")
        await pilot.press("f1")
        await wait_until(pilot, lambda: isinstance(app.screen, Help), "the help")
        await pilot.pause()
        assert "Healthy:" in statics(app)
        assert "Under ORPO" in statics(app)

    drive(workspace, check)


@pytest.mark.parametrize("size", [(80, 24), (120, 34), (200, 50)])
def test_the_last_line_always_shows_the_way_to_help_and_out(
    size: tuple[int, int], workspace: Workspace, write_run: WriteRun
) -> None:
    write_run(ADA, ended="finished")

    async def check(app: Lab, pilot: Pilot[int]) -> None:
        await listed(app, pilot, 1)
        for number, name in enumerate(PANELS, 1):
            await pilot.press(str(number))
            await wait_until(pilot, lambda name=name: panel_of(app) == name, name)
            shown = text_of(app.query_one(Keys))
            assert "? Help" in shown
            assert "q Quit" in shown
            assert len(text_of(app.query_one(Bar)).splitlines()) == 1

    drive(workspace, check, size=size)


def test_q_leaves_with_0(workspace: Workspace) -> None:
    async def check(app: Lab, pilot: Pilot[int]) -> None:
        await pilot.press("q")
        await wait_until(pilot, lambda: app.return_value is not None, "the end")
        assert app.return_value == 0

    drive(workspace, check)


# ---------------------------------------------------------------- acts


def test_acts_are_offered_only_where_they_make_sense(
    workspace: Workspace, write_run: WriteRun, live: subprocess.Popen[bytes]
) -> None:
    write_run(ADA, process=live.pid)
    write_run(BOB, ended="finished")
    write_run(CLEO, ended="stopped")

    async def check(app: Lab, pilot: Pilot[int]) -> None:
        await listed(app, pilot, 3)
        offered = {}
        for run in (ADA, BOB, CLEO):
            app.query_one("#runs Table", Table).move_to(run)
            await pilot.pause()
            shown = text_of(app.query_one(Keys))
            offered[run] = [word for word in ("Stop", "Resume", "Fork") if word in shown]
        assert offered == {ADA: ["Stop", "Fork"], BOB: ["Fork"], CLEO: ["Resume", "Fork"]}

    drive(workspace, check)


def test_an_act_shows_the_command_that_does_the_same_and_n_changes_nothing(
    workspace: Workspace, write_run: WriteRun, live: subprocess.Popen[bytes]
) -> None:
    write_run(ADA, process=live.pid)
    paths = write_run(BOB, ended="stopped")
    paths.checkpoint(20).folder.mkdir(parents=True)
    paths.checkpoint(20).manifest.write_text("{}")
    before = {path: path.read_bytes() for path in workspace.runs.rglob("*") if path.is_file()}

    async def check(app: Lab, pilot: Pilot[int]) -> None:
        await listed(app, pilot, 2)
        for run, key, question, command, field, no in (
            (ADA, "K", f"Stop {ADA}?", f"$ charlab stop {ADA}", None, "n"),
            (BOB, "R", f"Resume {BOB}?", f"$ charlab resume {BOB} --detach", None, "escape"),
            (BOB, "F", f"Fork {BOB}?", "$ charlab fork --detach", f"{BOB}@20 --set optim.steps=120", "escape"),
        ):
            app.query_one("#runs Table", Table).move_to(run)
            await pilot.press(key)
            await wait_until(pilot, lambda: isinstance(app.screen, Confirm), question)
            await pilot.pause()
            assert str(app.screen.query_one("#question", Static).content) == question
            assert str(app.screen.query_one("#command", Static).content) == command
            assert [i.value for i in app.screen.query(Input)] == ([] if field is None else [field])
            await pilot.press(no)
            await wait_until(pilot, lambda: not isinstance(app.screen, Confirm), "the answer")
        await pilot.pause()

    drive(workspace, check)
    assert {path: path.read_bytes() for path in workspace.runs.rglob("*") if path.is_file()} == before


def test_a_fork_starts_at_the_checkpoint_before_the_crosshair(workspace: Workspace, write_run: WriteRun) -> None:
    paths = write_run(ADA, ended="finished", rows=None)
    for step in (10, 20, 40):
        paths.checkpoint(step).folder.mkdir(parents=True)
        paths.checkpoint(step).manifest.write_text("{}")

    async def check(app: Lab, pilot: Pilot[int]) -> None:
        await listed(app, pilot, 1)
        await pilot.press("enter")
        await read(app, pilot, ADA)
        panel = app.query_one(TrainingPanel)
        await wait_until(pilot, lambda: app.query_one(Charts).chart is not None, "the charts")
        await pilot.press("left", "shift+left")
        at = panel.crosshair_step(ADA)
        assert at is not None
        assert 20 <= at < 40
        await pilot.press("F")
        await wait_until(pilot, lambda: isinstance(app.screen, Confirm), "the question")
        await pilot.pause()
        assert app.screen.query_one(Input).value.startswith(f"{ADA}@20 ")

    drive(workspace, check)


def test_a_run_without_a_checkpoint_is_not_forked(workspace: Workspace, write_run: WriteRun) -> None:
    write_run(ADA, ended="finished")

    async def check(app: Lab, pilot: Pilot[int]) -> None:
        await listed(app, pilot, 1)
        await pilot.press("F")
        await wait_until(pilot, lambda: len(app._notifications), "words")
        assert [note.message for note in app._notifications] == [f"{ADA} has no checkpoint to fork from"]
        assert not isinstance(app.screen, Confirm)

    drive(workspace, check)


def test_readonly_hides_every_act_and_neither_keys_nor_palette_run_one(
    workspace: Workspace, write_run: WriteRun, live: subprocess.Popen[bytes]
) -> None:
    write_run(ADA, process=live.pid)
    write_run(BOB, ended="stopped")
    (workspace.recipes / "quick.toml").write_text((ROOT / "runs" / "recipes" / "madison-orpo.toml").read_text())
    before = sorted(path for path in workspace.folder.rglob("*"))

    async def check(app: Lab, pilot: Pilot[int]) -> None:
        await listed(app, pilot, 2)
        assert "read only" in text_of(app.query_one(Bar))
        for run in (ADA, BOB):
            app.query_one("#runs Table", Table).move_to(run)
            await pilot.press("K", "R", "F")
            assert not isinstance(app.screen, Confirm)
            assert not {"Stop", "Resume", "Fork"} & set(text_of(app.query_one(Keys)).split())
            assert not {entry.title for entry in Palette(app.screen).entries()} & {"Stop", "Resume", "Fork"}
            await app.run_action("stop")
            await app.run_action("fork")
            await pilot.pause()
            assert not isinstance(app.screen, Confirm)
        await pilot.press("6")
        await wait_until(pilot, lambda: panel_of(app) == "launch" and app.focused, "the recipes")
        await stand_still(pilot, lambda: screen_text(app))
        titles = {entry.title for entry in Palette(app.screen).entries()}
        assert not titles & {"Start", "Save", "Save as"}, titles
        await pilot.press("S", "ctrl+s")
        await pilot.pause()
        assert not isinstance(app.screen, Confirm)

    drive(workspace, check, size=(200, 50), readonly=True)
    assert sorted(path for path in workspace.folder.rglob("*")) == before


def test_the_palette_offers_panels_the_acts_that_are_possible_and_every_run(
    workspace: Workspace, write_run: WriteRun
) -> None:
    write_run(ADA, ended="stopped")

    async def check(app: Lab, pilot: Pilot[int]) -> None:
        await listed(app, pilot, 1)
        titles = [entry.title for entry in Palette(app.screen).entries()]
        assert titles[:6] == ["Runs", "Training", "Sentinels", "Compare", "Datasets", "Launch"]
        assert {"Resume", "Fork", "Filter", "Mark", "Theme charlab-light", "Screenshot"} <= set(titles)
        assert "Stop" not in titles
        await pilot.press("ctrl+p")
        await wait_until(pilot, lambda: isinstance(app.screen, CommandPalette), "the palette")
        await pilot.press(*"run 2026")
        await wait_until(pilot, lambda: ADA in screen_text(app), "the run")
        await pilot.press("down", "enter")
        await wait_until(pilot, lambda: app.opened == ADA and panel_of(app) == "training", "its curves")

    drive(workspace, check)


# ---------------------------------------------------------------- copy


def test_y_copies_to_the_terminal_and_to_a_file(workspace: Workspace, write_run: WriteRun, own_cache: Path) -> None:
    write_run(ADA, ended="finished")

    async def check(app: Lab, pilot: Pilot[int]) -> None:
        await listed(app, pilot, 1)
        await pilot.press("y")
        await pilot.pause()
        assert app.clipboard == ADA
        assert (own_cache / "copied.txt").read_text() == ADA
        await pilot.press("enter")
        await read(app, pilot, ADA)
        await wait_until(pilot, lambda: app.query_one(Charts).chart is not None, "the charts")
        await pilot.press("y")
        await pilot.pause()
        lines = app.clipboard.splitlines()
        assert lines[0] == f"{ADA}  newest"
        assert "loss  ada 1.433" in lines
        assert (own_cache / "copied.txt").read_text() == app.clipboard

    drive(workspace, check)


def test_y_still_copies_where_no_file_can_be_written(
    workspace: Workspace, write_run: WriteRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_run(ADA, ended="finished")
    in_the_way = tmp_path / "in-the-way"
    in_the_way.write_text("a file where the cache folder should be")
    monkeypatch.setenv("CHARLAB_CACHE", str(in_the_way))

    async def check(app: Lab, pilot: Pilot[int]) -> None:
        await listed(app, pilot, 1)
        await pilot.press("y")
        await pilot.pause()
        assert app.clipboard == ADA

    drive(workspace, check)


# ---------------------------------------------------------------- what files may do


def test_an_empty_workspace_says_how_to_make_a_run_and_every_panel_opens(workspace: Workspace) -> None:
    async def check(app: Lab, pilot: Pilot[int]) -> None:
        await wait_until(pilot, lambda: "no runs yet" in text_of(app.query_one("#runs Table")), "the table")
        for number, name in enumerate(PANELS, 1):
            await pilot.press(str(number))
            await wait_until(pilot, lambda name=name: panel_of(app) == name, name)
            await pilot.press("enter", "y")
            assert panel_of(app) == name
            await pilot.press("escape")
        await pilot.press("2")
        await pilot.pause()
        assert "no run chosen" in text_of(app.query_one(TrainingHead))

    drive(workspace, check)


def test_without_a_workspace_the_way_out_is_told_and_the_exit_code_is_2(
    charlab: Callable[..., subprocess.CompletedProcess[str]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    nowhere = tmp_path_factory.mktemp("nowhere")
    for words in ([], ["--readonly"]):
        done = charlab(*words, cwd=nowhere)
        assert done.returncode == 2
        assert done.stdout == ""
        assert f"no workspace at {nowhere}" in done.stderr
        assert "try: charlab init DIR" in done.stderr
        assert "Traceback" not in done.stderr


def test_a_run_that_vanishes_is_named_and_let_go(workspace: Workspace, write_run: WriteRun) -> None:
    paths = write_run(ADA, ended="finished")
    write_run(BOB, ended="finished")

    async def check(app: Lab, pilot: Pilot[int]) -> None:
        await listed(app, pilot, 2)
        app.open_run(ADA)
        app.pin(BOB)
        await read(app, pilot, ADA, BOB)
        shutil.rmtree(paths.folder)
        await wait_until(pilot, lambda: app.opened is None and len(app.rows) == 1, "ada to go")
        await pilot.pause()
        assert app.looked_at() == [BOB]
        assert list(app.views) == [BOB]
        assert [note.message for note in app._notifications] == [f"run {ADA} is no longer there"]

    drive(workspace, check)


def test_a_workspace_that_vanishes_is_told_and_the_console_stays(
    workspace: Workspace, write_run: WriteRun, tmp_path_factory: pytest.TempPathFactory
) -> None:
    write_run(ADA, ended="finished")
    moved = tmp_path_factory.mktemp("moved") / "runs"

    async def check(app: Lab, pilot: Pilot[int]) -> None:
        await listed(app, pilot, 1)
        workspace.runs.rename(moved)
        await wait_until(pilot, lambda: len(app._notifications), "words")
        assert "No such file or directory" in next(iter(app._notifications)).message
        await pilot.press("2", "3", "4", "5", "6", "1")
        await pilot.pause()
        assert panel_of(app) == "runs"

    drive(workspace, check)


def no_control(text: str) -> bool:
    return not any(unicodedata.category(char) in ("Cc", "Cf", "Zl", "Zp") for char in text.replace("\n", ""))


def test_hostile_text_in_names_events_and_logs_is_shown_as_plain_text(
    workspace: Workspace, write_run: WriteRun
) -> None:
    long = HOSTILE + "x" * 1_000_000
    events = (
        {"attempt": 1, "time": 1_767_258_001.0, "kind": "started", "step": 0, "data": {"device": HOSTILE}},
        {"attempt": 1, "time": 1_767_258_002.0, "kind": "alarm", "step": 3, "message": long, "data": {"name": HOSTILE}},
        {"attempt": 1, "time": 1_767_258_003.0, "kind": "failed", "step": 4, "message": HOSTILE, "fix": long},
    )
    recipe = {"name": HOSTILE, "base": long, "dataset": HOSTILE, "objective": "orpo", "seed": 1}
    row = {"attempt": 1, "step": 5, "time": 1_767_258_005.0, "values": {HOSTILE: 1.0, "loss": 2.0}, "nonfinite": []}
    write_run(ADA, name=long, recipe=recipe, rows=[row], events=events, log=f"{long}\n{HOSTILE}\n")
    write_run(BOB, name=HOSTILE, ended="finished")

    async def check(app: Lab, pilot: Pilot[int]) -> None:
        await listed(app, pilot, 2)
        app.pin(BOB)
        app.open_run(ADA)
        await read(app, pilot, ADA, BOB)
        await wait_until(pilot, lambda: "[red]x[/red] [@click=app.bell]y[/]" in screen_text(app), "the name")
        assert no_control(screen_text(app))
        await pilot.press("e")
        await wait_until(pilot, lambda: "[red]x[/red]" in text_of(app.query_one("#training Table")), "the log")
        for number, name in enumerate(PANELS, 1):
            await pilot.press(str(number))
            await wait_until(pilot, lambda name=name: panel_of(app) == name, name)
            assert no_control(await stand_still(pilot, lambda: screen_text(app))), name
        await pilot.press("2", "question_mark")
        await pilot.pause()
        assert no_control(screen_text(app))
        await pilot.press("escape", "1", "slash", *"[red]", "enter", "y")
        await pilot.press("ctrl+p", *"[red")
        await pilot.pause(0.1)
        assert no_control(screen_text(app))

    drive(workspace, check)


def test_an_id_with_escape_sequences_in_its_run_json_does_not_reach_the_terminal(
    workspace: Workspace, write_run: WriteRun
) -> None:
    write_run(ADA, id=f"{ADA}\x1b[31m\u202e[b]", ended="finished")
    write_run(BOB, ended="finished")

    async def check(app: Lab, pilot: Pilot[int]) -> None:
        await listed(app, pilot, 2)
        for row in app.rows:
            app.open_run(row.id)
            app.pin(row.id)
            await pilot.pause(0.2)
            for number in "1234":
                await pilot.press(number)
                await pilot.pause()
                assert no_control(screen_text(app)), number

    drive(workspace, check)


@pytest.mark.parametrize(
    "event",
    [
        {"kind": "started", "data": {"device": "cpu", "trainable": "many"}},
        {"kind": "alarm", "data": ["no", "object"]},
        {"kind": "checkpoint", "time": 1e300},
        {"kind": "sentinel", "step": 10**400},
        {"kind": "note", "message": {"not": "text"}},
        {"kind": ["stopped"]},
    ],
    ids=["count", "data", "time", "step", "message", "kind"],
)
def test_an_event_of_the_wrong_shape_does_not_end_the_console(
    event: dict[str, Any], workspace: Workspace, write_run: WriteRun
) -> None:
    write_run(ADA, events=({"attempt": 1, "time": 1.0, "step": 0, **event},), ended="finished")

    async def check(app: Lab, pilot: Pilot[int]) -> None:
        await listed(app, pilot, 1)
        await pilot.press("enter")
        await read(app, pilot, ADA)
        await wait_until(pilot, lambda: "finished at step 40" in text_of(app.query_one("#training Table")), "events")

    drive(workspace, check)


@pytest.mark.parametrize(
    "change",
    [{"steps": "many"}, {"created": "today"}, {"id": 5}, {"name": None}, {"recipe": {"objective": ["orpo"], "base": 5, "dataset": {}}}],
    ids=["steps", "created", "id", "name", "recipe"],
)  # fmt: skip
def test_a_run_json_of_the_wrong_types_is_listed_as_unreadable_beside_the_others(
    change: dict[str, Any], workspace: Workspace, write_run: WriteRun
) -> None:
    write_run(ADA, ended="finished", **change)
    write_run(BOB, ended="finished")

    async def check(app: Lab, pilot: Pilot[int]) -> None:
        await listed(app, pilot, 2)
        await pilot.press("j", "enter", "1")
        await pilot.pause()
        shown = text_of(app.query_one("#runs Table"))
        assert BOB in shown
        assert "✗ unread" in shown

    drive(workspace, check)


def test_a_torn_run_json_is_listed_with_what_is_wrong(workspace: Workspace, write_run: WriteRun) -> None:
    paths = write_run(ADA, ended="finished")
    paths.run.write_text('{"schema_version": 1, "id"')

    async def check(app: Lab, pilot: Pilot[int]) -> None:
        await listed(app, pilot, 1)
        shown = text_of(app.query_one("#runs Table"))
        assert f"{ADA}: run.json is not JSON" in shown.replace("…", "") or "unreadable" in shown
        await pilot.press("space", "p", "enter")
        for number in "23451":
            await pilot.press(number)
            await pilot.pause(0.05)

    drive(workspace, check, size=(200, 50))


# ---------------------------------------------------------------- sizes


@pytest.mark.parametrize("name", PANELS)
def test_a_storm_of_resizes_leaves_a_panel_whole(name: str, workspace: Workspace, write_run: WriteRun) -> None:
    write_run(ADA, ended="finished", log="hello\n")
    write_run(BOB, ended="finished")
    sizes = [(200, 50), (120, 34), (80, 24), (40, 12), (13, 5), (5, 13), (2, 2), (1, 1), (1, 40), (190, 1), (200, 50)]

    async def check(app: Lab, pilot: Pilot[int]) -> None:
        await listed(app, pilot, 2)
        app.pin(BOB)
        app.open_run(ADA)
        await read(app, pilot, ADA, BOB)
        await pilot.press(str(PANELS.index(name) + 1))
        await wait_until(pilot, lambda: panel_of(app) == name, name)
        before = await stand_still(pilot, lambda: screen_text(app))
        for size in sizes:
            await pilot.resize_terminal(*size)
            assert [strip.cell_length for strip in app.screen._compositor.render_strips()] == [size[0]] * size[1]
        await pilot.pause()
        if name not in ("datasets", "launch", "chat"):  # these read on meanwhile
            assert screen_text(app) == before

    drive(workspace, check, size=(200, 50))


def test_a_question_and_the_help_survive_a_terminal_of_one_cell(
    workspace: Workspace, write_run: WriteRun, live: subprocess.Popen[bytes]
) -> None:
    write_run(ADA, process=live.pid)

    async def check(app: Lab, pilot: Pilot[int]) -> None:
        await listed(app, pilot, 1)
        for key in ("K", "question_mark"):
            await pilot.press(key)
            await pilot.pause()
            for size in ((1, 1), (30, 8), (80, 24)):
                await pilot.resize_terminal(*size)
            assert isinstance(app.screen, Confirm | Help)
            await pilot.press("escape")
            await pilot.pause()

    drive(workspace, check)


def test_live_rows_change_in_the_table(
    workspace: Workspace, write_run: WriteRun, live: subprocess.Popen[bytes]
) -> None:
    paths = write_run(ADA, process=live.pid)

    async def check(app: Lab, pilot: Pilot[int]) -> None:
        await listed(app, pilot, 1)
        table = app.query_one("#runs Table")
        assert "▶ running" in text_of(table)
        assert "40/60" in text_of(table)
        row = {"attempt": 1, "step": 41, "time": 1.0, "values": {"loss": 0.125}, "nonfinite": []}
        with paths.metrics.open("a") as file:
            file.write(json.dumps(row) + "\n")
        await wait_until(pilot, lambda: "41/60" in text_of(table), "the row")
        assert "0.125" in text_of(table)
        live.kill()
        live.wait()
        await wait_until(pilot, lambda: "? lost" in text_of(table), "the loss")

    drive(workspace, check)


def test_the_wrong_name_of_a_theme_is_told_in_words(workspace: Workspace) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "console"], cwd=workspace.folder, capture_output=True, text=True, timeout=60,
        stdin=subprocess.DEVNULL, env={**os.environ, "PYTHONPATH": str(ROOT), "CHARLAB_THEME": "neon"},
    )  # fmt: skip
    assert done.returncode == 2
    assert "no theme is called 'neon'" in done.stderr
