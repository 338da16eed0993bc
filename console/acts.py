"""What a person starts from the console: each act is the command line's own, run in a process, its answer read."""

from __future__ import annotations

import asyncio
import json
import shlex
import subprocess
import sys
from typing import TYPE_CHECKING, NamedTuple

from engine.store.paths import Workspace
from panels.confirm import Confirm
from panels.text import plain

if TYPE_CHECKING:
    from console.app import Lab

TIMEOUT_SECONDS = 600


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


async def ask_and_run(lab: Lab, question: str, *words: str, note: str = "", edit: str | None = None) -> Outcome | None:
    """Ask first, showing the command; run it if the answer is yes, and say how it went. None where it was no.

    `edit` is the part of the command that may be changed before it runs.
    """
    answer = await lab.push_screen_wait(Confirm(question, spell_command(*words), note=note, field=edit))
    if answer is None:
        return None
    try:
        words = (*words, *shlex.split(answer))
    except ValueError as bad:
        lab.notify(f"{answer}: {bad}", severity="error", markup=False)
        return None
    lab.notify(spell_command(*words), title="started", markup=False, timeout=2)
    try:
        outcome = await asyncio.to_thread(run_command, lab.workspace, *words)
    except (OSError, subprocess.TimeoutExpired) as problem:
        outcome = Outcome(False, str(problem), None)
    lab.notify(
        outcome.message, title=spell_command(words[0]), severity="information" if outcome.ok else "error",
        markup=False, timeout=4 if outcome.ok else 12,
    )  # fmt: skip
    return outcome


async def stop(lab: Lab) -> None:
    if (row := lab.subject()) is not None:
        note = f"It is at step {row.step:,} of {row.steps:,}; charlab resume goes on from there."
        await ask_and_run(lab, f"Stop {row.id}?", "stop", row.id, note=note)


async def resume(lab: Lab) -> None:
    if (row := lab.subject()) is not None:
        note = f"{row.status} at step {row.step:,} of {row.steps:,}"
        outcome = await ask_and_run(lab, f"Resume {row.id}?", "resume", row.id, "--detach", note=note)
        if outcome is not None and outcome.ok:
            lab.open_run(row.id)


async def fork(lab: Lab) -> None:
    """From the checkpoint at the crosshair or the last before it, else from the newest."""
    if (row := lab.subject()) is None:
        return
    steps = [checkpoint.step for checkpoint in lab.workspace.run(row.id).complete_checkpoints()]
    if not steps:
        lab.notify(f"{row.id} has no checkpoint to fork from", severity="warning", markup=False)
        return
    at = lab.crosshair_step(row.id)
    step = max((s for s in steps if at is None or s <= at), default=steps[0])
    edit = f"{row.id}@{step} --set optim.steps={row.steps * 2}"
    note = f"Checkpoints: {', '.join(map(str, steps))}. Weights and optimiser state go on under a new schedule."
    outcome = await ask_and_run(lab, f"Fork {row.id}?", "fork", "--detach", note=note, edit=edit)
    if outcome is not None and outcome.run:
        lab.open_run(outcome.run)
