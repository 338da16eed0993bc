"""Runs several runs one after another, in a detached process of its own.

    python -m engine.launch.queue RUN_FOLDER...

A run that waits has no launch.json and reads as a draft; one that was asked to stop meanwhile, or started by a person,
is passed over. Where the queue is killed, `charlab resume` starts what was left.
"""

import subprocess
import sys
import time
from pathlib import Path

from engine.errors import CharlabError
from engine.launch.local import LocalLauncher, worker_environment
from engine.store.paths import RunPaths

POLL_SECONDS = 0.5


def start_queue(runs: list[RunPaths]) -> None:
    """Start the runs one after another, without waiting for any."""
    with open(runs[0].log(0), "ab") as log:
        subprocess.Popen(
            [sys.executable, "-m", "engine.launch.queue", *(str(p.folder) for p in runs)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            env=worker_environment(),
        )


def main(folders: list[str]) -> None:
    launcher = LocalLauncher()
    for folder in folders:
        paths = RunPaths(Path(folder))
        if paths.launch.is_file() or paths.stop.exists():
            continue
        try:
            launch = launcher.start(paths)
        except CharlabError as error:
            print(f"{paths.id}: {error.message}", flush=True)
            continue
        while launcher.is_alive(launch):
            time.sleep(POLL_SECONDS)


if __name__ == "__main__":
    main(sys.argv[1:])
