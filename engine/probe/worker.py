"""The probing worker: a server for the model, every probe asked, every answer kept: in a process of its own.

    python -m engine.probe.worker RUN_FOLDER ATTEMPT LOCK_FD

Started by a launcher. A later attempt asks only what no earlier one has an answer to.
"""

import sys

from engine.data.read import read_probes
from engine.launch.attempt import Journals, Stopped, run_attempt
from engine.probe.answering import answer_all
from engine.probe.ask import read_answers
from engine.probe.tally import Tally
from engine.store.paths import RunPaths
from engine.store.runs import open_probe_run


def attempt_probing(paths: RunPaths, journals: Journals) -> str:
    run = open_probe_run(paths)
    probes = read_probes(paths.probes)
    kept, _ = read_answers(paths, probes, run.samples)
    tally = Tally(paths, journals, run.steps, [sample.to_json() for sample in kept])
    if len(kept) >= run.steps:
        tally.tell()  # the last attempt may have died between an answer and its count
        return "finished"
    try:
        answer_all(run, paths, probes, kept, journals, tally)
    except Stopped:
        return f"stopped: {tally.why}"
    return "finished"


if __name__ == "__main__":
    # the lock's descriptor (argv[3]) was inherited open, and is let go when the process ends
    sys.exit(run_attempt(sys.argv[1], int(sys.argv[2]), attempt_probing))
