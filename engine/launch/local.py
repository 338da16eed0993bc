"""Runs a worker as a detached process on this machine.

The launcher takes the run's lock and hands its descriptor to the worker, so that between the two there is
no moment in which a second worker could start; the lock ends with the worker, however it ends.
"""

import fcntl
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from engine.errors import BusyError, CharlabError
from engine.launch.process import is_same, read_start
from engine.records.rows import Launch, Process
from engine.store.index import has_ended, read_launch
from engine.store.journal import write_json
from engine.store.paths import RunPaths

WORKERS = {
    "train": "engine.train.worker",
    "probe": "engine.probe.worker",
    "compare": "engine.forge.parity_worker",
    "export": "engine.forge.export_worker",
    "eval": "engine.judge.worker",
    "score": "engine.judge.worker",
    "generate": "engine.judge.critic_worker",
}
LEAVING_SECONDS = 20.0
"""How long a worker that has said its last word may take to end; a large model is slow to let go."""


class LocalLauncher:
    def start(self, paths: RunPaths, kind: str = "train") -> Launch:
        """Start the next attempt; BusyError while another worker holds the run."""
        folder = str(paths.folder)
        earlier = read_launch(folder)
        lock = take_lock(paths, LEAVING_SECONDS if earlier and has_ended(folder, earlier) else 0.0)
        try:
            if read_launch(folder) != earlier:
                raise BusyError(f"run {paths.id} was started by another meanwhile", fix=f"charlab show {paths.id}")
            attempt = (int(earlier["attempt"]) if earlier else 0) + 1
            paths.stop.unlink(missing_ok=True)
            paths.log(attempt).parent.mkdir(exist_ok=True)
            with open(paths.log(attempt), "ab") as log:
                process = subprocess.Popen(
                    [sys.executable, "-m", WORKERS[kind], str(paths.folder), str(attempt), str(lock)],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                    pass_fds=(lock,),
                    env=worker_environment(),
                )
            start = read_start(process.pid)
            if start is None:
                raise CharlabError(f"the worker of {paths.id} ended at once", fix=f"charlab log {paths.id}")
            launch = Launch(
                attempt=attempt,
                host=socket.gethostname(),
                process=Process(pid=process.pid, start=start),
                time=time.time(),
            )
            write_json(paths.launch, launch.to_json())
            return launch
        finally:
            os.close(lock)

    def is_alive(self, launch: Launch) -> bool:
        return is_same(launch.process.pid, launch.process.start)

    def stop(self, launch: Launch) -> None:
        if self.is_alive(launch):
            os.kill(launch.process.pid, signal.SIGTERM)


def take_lock(paths: RunPaths, patience: float = 0.0) -> int:
    """An inheritable descriptor that holds the run's lock; BusyError when it is still held after `patience` seconds."""
    lock = os.open(paths.lock, os.O_RDWR | os.O_CREAT, 0o644)
    end = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return lock
        except OSError as held:
            if time.monotonic() < end:
                time.sleep(0.1)
                continue
            os.close(lock)
            raise BusyError(
                f"run {paths.id} already has a worker",
                fix=f"charlab watch {paths.id}, or charlab stop {paths.id} first",
            ) from held


WAITING = {"OMP_WAIT_POLICY", "GOMP_SPINCOUNT"}
SPINS = "1000"
"""How often one of torch's threads looks before it sleeps. By OpenMP's own 300,000 two trainings on the same cores
stall each other; what it costs a training alone stands in docs/LOG.md."""


def worker_environment() -> dict[str, str]:
    """This environment, with charlab's packages importable, threads that soon sleep, and telemetry off, each unless told otherwise."""
    here = str(Path(__file__).resolve().parents[2])
    path = os.environ.get("PYTHONPATH")
    return {
        **os.environ,
        "PYTHONPATH": f"{here}{os.pathsep}{path}" if path else here,
        "PYTHONUNBUFFERED": "1",
        "HF_HUB_DISABLE_TELEMETRY": os.environ.get("HF_HUB_DISABLE_TELEMETRY", "1"),
        **({} if WAITING & os.environ.keys() else {"GOMP_SPINCOUNT": SPINS}),
    }
