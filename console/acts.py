"""What a person starts from the console: each act is the command line's own, run in a process, its answer read."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from typing import TYPE_CHECKING, NamedTuple

from console.background import in_thread
from engine.store.index import RunRow
from engine.store.paths import Workspace
from panels.confirm import Confirm
from panels.text import plain

if TYPE_CHECKING:
    from textual.app import App

TIMEOUT_SECONDS = 600


class Measure(NamedTuple):
    """A command that takes a model and starts a run of its own."""

    verb: str
    options: str
    """What a person is offered to change."""
    of_any_model: bool
    """Else of trained ones alone."""


MEASURES = {
    "probe": Measure("Probe", "--samples 12", True),
    "eval": Measure("Evaluate", "--judge rules", True),
    "export": Measure("Export", "--to q8_0", False),
    "parity": Measure("Compare the forms of", "--forms adapter,merged,q8_0", False),
}


class Outcome(NamedTuple):
    ok: bool
    message: str
    """What went wrong and the way out, or what the command said last."""
    run: str | None
    """The id of the run it started, if it did."""


def spell_command(*words: str) -> str:
    """The command as a person would type it."""
    return shlex.join(("charlab", *words))


def run_command(workspace: Workspace, *words: str) -> Outcome:
    """Run `charlab WORDS --json` and read what it answers; blocks, so not for the event loop."""
    done = subprocess.run(
        [sys.executable, "-m", "console", *words, "--json", "--workspace", str(workspace.folder)],
        cwd=workspace.folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=TIMEOUT_SECONDS, start_new_session=True,
    )  # fmt: skip
    told = [line for line in done.stderr.splitlines() if line.strip()]
    if done.returncode:
        return Outcome(False, "\n".join(plain(line) for line in told[-3:]) or f"exit code {done.returncode}", None)
    try:
        answer = json.loads(done.stdout)
    except ValueError:
        answer = {}
    started = answer.get("id") if isinstance(answer, dict) else None
    return Outcome(True, plain(told[-1]) if told else "done", started if isinstance(started, str) else None)


async def ask_and_run(
    app: App[int], workspace: Workspace, question: str, *words: str, note: str = "", edit: str | None = None
) -> Outcome | None:
    """Ask first, showing the command; run it if the answer is yes, and say how it went. None where it was no.

    `edit` is the part of the command that may be changed before it runs.
    """
    answer = await app.push_screen_wait(Confirm(question, spell_command(*words), note=note, field=edit))
    if answer is None:
        return None
    try:
        words = (*words, *shlex.split(answer))
    except ValueError as bad:
        app.notify(f"{answer}: {bad}", severity="error", markup=False)
        return None
    app.notify(spell_command(*words), title="running", markup=False, timeout=2)
    try:
        outcome = await in_thread(lambda: run_command(workspace, *words))
    except (OSError, subprocess.TimeoutExpired) as problem:
        outcome = Outcome(False, str(problem), None)
    app.notify(
        outcome.message, title=spell_command(words[0]), severity="information" if outcome.ok else "error",
        markup=False, timeout=4 if outcome.ok else 12,
    )  # fmt: skip
    return outcome


async def stop(app: App[int], workspace: Workspace, run: RunRow) -> None:
    note = f"It is at step {run.step:,} of {run.steps:,}; charlab resume goes on from there."
    if run.status == "draft":
        note = "It waits for its turn, and is passed over; charlab resume starts it."
    await ask_and_run(app, workspace, f"Stop {run.id}?", "stop", run.id, note=note)


async def resume(app: App[int], workspace: Workspace, run: RunRow) -> str | None:
    """The id of the run that goes on, None where it does not."""
    note = f"{run.status} at step {run.step:,} of {run.steps:,}"
    outcome = await ask_and_run(app, workspace, f"Resume {run.id}?", "resume", run.id, "--detach", note=note)
    return run.id if outcome is not None and outcome.ok else None


async def fork(app: App[int], workspace: Workspace, run: RunRow, at: float | None) -> str | None:
    """From the last checkpoint at or before step `at`, else from the newest; the id of the new run, if there is one."""
    steps = list_steps(workspace, run)
    if not steps:
        app.notify(f"{run.id} has no checkpoint to fork from", severity="warning", markup=False)
        return None
    step = pick_step(steps, at)
    edit = f"{run.id}@{step} --set optim.steps={run.steps * 2}"
    note = f"Checkpoints: {', '.join(map(str, steps))}. Weights and optimiser state go on under a new schedule."
    outcome = await ask_and_run(app, workspace, f"Fork {run.id}?", "fork", "--detach", note=note, edit=edit)
    return outcome.run if outcome is not None else None


async def measure(app: App[int], workspace: Workspace, command: str, run: RunRow, at: float | None) -> str | None:
    """Start a probing, evaluation, export or parity of the model that `run` trained or was about; the new run's id.

    Of a training with its crosshair at step `at`, the last checkpoint at or before that.
    """
    act = MEASURES[command]
    reference = run.base
    note = "The answers go into a run of their own."
    if run.kind == "train":
        steps = list_steps(workspace, run)
        if not steps:
            app.notify(f"{run.id} has no checkpoint to {act.verb.lower()}", severity="warning", markup=False)
            return None
        reference = f"run:{run.id}" if at is None else f"run:{run.id}@{pick_step(steps, at)}"
        note = f"Checkpoints: {', '.join(map(str, steps))}. " + (
            f"The base is {run.base}." if act.of_any_model else note
        )
    subject = reference if act.of_any_model else reference.removeprefix("run:").partition("#")[0]
    edit = " ".join(filter(None, (shlex.quote(subject), act.options)))
    outcome = await ask_and_run(app, workspace, f"{act.verb} {subject}?", command, "--detach", note=note, edit=edit)
    return outcome.run if outcome is not None else None


def list_steps(workspace: Workspace, run: RunRow) -> list[int]:
    """Of its whole checkpoints."""
    return [checkpoint.step for checkpoint in workspace.run(run.id).complete_checkpoints()]


def pick_step(steps: list[int], at: float | None) -> int:
    """The last at or before `at`, else the newest."""
    return max((s for s in steps if at is None or s <= at), default=steps[0])
