"""The worker that measures every form of an adapter, one after another: in a process of its own.

    python -m engine.forge.parity_worker RUN_FOLDER ATTEMPT LOCK_FD

A later attempt measures the first form again, since the others are compared with it, and those that are not there yet
or failed.
"""

import os
import sys

from engine.data.read import read_probes
from engine.errors import ModelError, StoreError
from engine.forge.parity import measure_form, prepare, same_adapter
from engine.forge.parity_judged import judge_forms
from engine.launch.attempt import Journals, Stopped, run_attempt
from engine.probe.tally import Tally
from engine.records.dataset import Character
from engine.records.forms import TRAINED
from engine.store.journal import Journal, read_json, read_rows, seal
from engine.store.paths import RunPaths, Workspace
from engine.store.runs import open_parity_run


def narrate(message: str) -> None:
    print(message, flush=True)


def attempt_parity(paths: RunPaths, journals: Journals) -> str:
    run = open_parity_run(paths)
    workspace = Workspace(paths.folder.parent.parent)
    if not same_adapter(run, workspace):
        raise ModelError(
            f"{run.subject.reference} is no longer the adapter that this run was made for", fix="charlab parity anew"
        )
    seal(paths.forms)
    rows = Journal(paths.forms)
    done = {row["form"] for row in read_rows(paths.forms) if not row["error"]}
    character = Character.parse(read_json(paths.character), str(paths.character), StoreError)
    kept = read_rows(paths.samples)
    tally = Tally(paths, journals, run.steps, kept)
    journals.tell("started", len(kept), device="all forms", steps=run.steps)

    def heed() -> None:
        os.utime(paths.events)  # alive, though a form may be long without a row
        tally.heed()

    with_ = prepare(run, workspace, read_probes(paths.probes), character, narrate, heed, tally.heeding)
    first = None
    failed: list[str] = []
    try:
        for form in run.forms:
            if form in done and form != TRAINED:
                continue
            answers = [row for row in kept if row.get("form") == form]
            row, first = measure_form(form, with_, first, answers, tally.take)
            tally.tell()
            if form not in done:
                rows.append(row.to_json())
            if row.error:
                failed.append(form)
            journals.tell("note", journals.step, f"{form} measured" if not row.error else f"{form} failed: {row.error}")
        if run.judge is not None:
            tally.tell()
            judge_forms(run, paths, [f for f in run.forms if f not in failed], workspace, journals, heed)
    except Stopped:
        return f"stopped: {tally.why}"
    finally:
        tally.tell()
        rows.close()
    return f"stopped: {', '.join(failed)} failed; charlab resume measures what failed again" if failed else "finished"


if __name__ == "__main__":
    # the lock's descriptor (argv[3]) was inherited open, and is let go when the process ends
    sys.exit(run_attempt(sys.argv[1], int(sys.argv[2]), attempt_parity))
