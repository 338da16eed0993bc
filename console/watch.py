"""Attaching to runs: the console on their curves in a terminal, plain lines elsewhere, a closing summary.

Reads the run's files and nothing else, so that leaving, being killed or losing the connection harms no run.
"""

import sys
import time
from typing import Protocol, TextIO

from console.closing import print_closing
from console.reader import RunReader
from console.text import narrate, print_json, say
from console.view import RunView, describe_event, describe_step
from engine.errors import StoreError
from engine.records.version import LIVE
from engine.store.index import summarise_run
from engine.store.journal import Tail, read_last_rows
from engine.store.paths import RunPaths, Workspace
from panels.text import plain


class Show(Protocol):
    """Prints one run."""

    def __call__(self, paths: RunPaths, *, json: bool) -> None: ...


POLL_SECONDS = 0.25
COUNTED = {"eval": "answers and judgements", "score": "judgements", "export": "forms"}


def see_through(paths: RunPaths, show: Show, *, detach: bool, json: bool) -> None:
    """Say what was started, then watch it to its end and `show` it, unless asked not to."""
    if detach:
        if json:
            print_json({"id": paths.id})
        else:
            say(paths.id)
        narrate(f"started; charlab show {paths.id} shows it, charlab stop {paths.id} ends it")
        return
    code = attach([paths], show, quiet=json)
    if json and code != 130:
        show(paths, json=True)
    sys.exit(code)


def attach(runs: list[RunPaths], show: Show, out: TextIO | None = None, *, quiet: bool = False) -> int:
    """Watch the runs one after another to their ends; returns 1 if any failed or was lost, 4 if an alarm of its own
    recipe ended any, 3 if any stopped otherwise, so that `charlab resume` goes on, else 0.

    The closing summaries of trainings go to `out`, standard output if not given; other kinds are shown by `show` unless
    `quiet`. 130 where a person left before the end.
    """
    codes = set()
    for paths in runs:
        try:
            ended = follow(paths)
        except KeyboardInterrupt:
            ended = False
        if not ended:
            narrate(f"left; the run goes on. charlab watch {paths.id} comes back, charlab stop {paths.id} ends it")
            return 130
        if summarise_run(paths).kind == "train":
            print_closing(paths, out or sys.stdout)
        elif not quiet:
            show(paths, json=False)
        row = summarise_run(paths)
        if row.status in ("failed", "lost"):
            codes.add(1)
        elif row.status == "stopped":
            codes.add(4 if was_ended_by_alarm(paths) else 3)
    return next((code for code in (1, 4, 3) if code in codes), 0)


def was_ended_by_alarm(paths: RunPaths) -> bool:
    """Whether the newest attempt stopped because the recipe's [alarm] says so: it would again."""
    last = read_last_rows(paths.events)
    return bool(last) and str(last[0].get("message", "")).startswith("alarm ")


def follow(paths: RunPaths) -> bool:
    """Show the run until it ends; False where a person left it before."""
    row = summarise_run(paths)
    kind = row.kind
    if row.status == "draft":
        narrate(f"{paths.id} has not started yet; Ctrl-C leaves it")
    if kind == "train" and sys.stderr.isatty() and sys.stdout.isatty() and sys.stdin.isatty():
        from console.app import Lab, hears_mouse

        lab = Lab(Workspace(paths.folder.parents[1]), run=paths.id, leave_when_ended=True)
        lab.run(mouse=hears_mouse())
        if lab.return_code:
            sys.exit(lab.return_code)
        return summarise_run(paths).status not in (*LIVE, "draft")
    if kind == "export":
        return tell_notes(paths)
    if kind != "train":
        return count_answers(paths)
    reader, view, lines = RunReader(paths), RunView(summarise_run(paths)), PlainLines()
    while True:
        for batch in reader.gather():
            if batch.gone:
                raise StoreError(f"run {paths.id} is no longer in {paths.folder.parent}", fix="charlab runs")
            view.take(batch)
            lines.tell(view)
        if view.ended():
            reader.close()
            return True
        time.sleep(POLL_SECONDS)


def count_answers(paths: RunPaths) -> bool:
    """Tell how many answers and judgements the run has until it ends."""
    told = -1
    while (row := summarise_run(paths)).status in (*LIVE, "draft"):
        part = 20 * row.step // max(row.steps, 1)
        if row.step and part != told:
            told = part
            rate = "" if row.break_rate is None else f"  breaks {row.break_rate:.0%}"
            speed = "" if row.tokens_per_second is None else f"  {row.tokens_per_second:.0f} tok/s"
            narrate(f"{row.step}/{row.steps} {COUNTED.get(row.kind, 'answers')}{rate}{speed}")
        time.sleep(POLL_SECONDS)
    return True


def tell_notes(paths: RunPaths) -> bool:
    """Tell what the newest attempt says that it is doing until it ends."""
    events, live = Tail(paths.events), True
    while live:
        row = summarise_run(paths)
        live = row.status in (*LIVE, "draft")
        for event in events.read():
            if event.get("kind") == "note" and event.get("attempt") == row.attempt:
                narrate(plain(str(event.get("message"))))
        if live:
            time.sleep(POLL_SECONDS)
    events.close()
    return True


class PlainLines:
    """One line on standard error for every twentieth of the run, and for every event of its newest attempt."""

    def __init__(self) -> None:
        self._told = -1
        self._newest = 0.0

    def tell(self, view: RunView) -> None:
        for event in view.events:
            if event["time"] > self._newest and event["attempt"] >= view.row.attempt:
                self._newest = event["time"]
                narrate(describe_event(event))
        stride = max(1, view.row.steps // 20)
        if "loss" in view.history.values and view.history.step // stride > self._told // stride:
            self._told = view.history.step
            narrate(describe_step(view))
