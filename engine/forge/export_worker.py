"""The worker that writes an adapter in other forms, one after another: in a process of its own.

    python -m engine.forge.export_worker RUN_FOLDER ATTEMPT LOCK_FD

Started by a launcher. What an earlier attempt left unfinished is written anew.
"""

import sys

from engine.errors import ModelError
from engine.forge.export import export_form
from engine.forge.interrupt import hear_signals, heed_stop
from engine.launch.attempt import Journals, run_attempt
from engine.models.locate import hash_adapter, trace_model
from engine.store.paths import RunPaths, Workspace
from engine.store.runs import open_export_run


def attempt_export(paths: RunPaths, journals: Journals) -> str:
    run = open_export_run(paths)
    workspace = Workspace(paths.folder.parent.parent)
    adapter = trace_model(run.subject.reference, workspace).adapter
    if adapter is None or hash_adapter(adapter) != run.subject.adapter_sha256:
        raise ModelError(
            f"{run.subject.reference} is no longer the adapter that this run was made for", fix="charlab export anew"
        )
    journals.tell("started", journals.step, device="this machine", steps=run.steps)

    def narrate(message: str) -> None:
        print(message, flush=True)
        journals.tell("note", journals.step, message)

    hear_signals()
    try:
        with heed_stop(paths):
            for done, form in enumerate(run.forms, 1):
                export_form(run.subject.reference, form, workspace, narrate)
                if done > journals.step:
                    journals.measure(done, {})
    except KeyboardInterrupt:
        return f"stopped: {'asked to' if paths.stop.exists() else 'by a signal'}"
    return "finished"


if __name__ == "__main__":
    # the lock's descriptor (argv[3]) was inherited open, and is let go when the process ends
    sys.exit(run_attempt(sys.argv[1], int(sys.argv[2]), attempt_export))
