"""What llama.cpp can serve: a GGUF, bundled or local, with an adapter that stands on it."""

import os
from pathlib import Path
from typing import Any, NamedTuple

from engine.errors import ModelError
from engine.models.locate import find_base_gguf, trace_model
from engine.models.origin import read_template
from engine.records.recipe import Template
from engine.records.serving import ServeRequest
from engine.serve.memory import find_trainings
from engine.store.index import read_launch
from engine.store.journal import read_last_rows
from engine.store.paths import RunPaths, Workspace

LOOK_SECONDS = 0.1
"""How long the machine is watched to see which cores are idle."""


class Base(NamedTuple):
    gguf: Path
    adapter: Path | None
    """The adapter's folder, or its GGUF, where the reference names one."""
    template: Template


def find_base(text: str, workspace: Workspace) -> Base | None:
    """The GGUF that the model reference stands on; None where it stands on none."""
    traced = trace_model(text, workspace)
    stands_on_gguf = traced.base.startswith("bundled:") or traced.base.endswith(".gguf")
    if not stands_on_gguf and not (traced.form and traced.form.kind == "adapter"):
        return None
    gguf = find_base_gguf(traced.base, workspace)
    if gguf is None:
        raise ModelError(f"no GGUF of {traced.base} is here any more", fix=f"charlab export {traced.run} --to q8_0")
    return Base(gguf, traced.adapter, read_template(traced, workspace))


def plan_llama(request: ServeRequest, workspace: Workspace) -> dict[str, Any]:
    """The job of a llama.cpp worker. ModelError where the reference stands on no GGUF."""
    base = find_base(request.reference, workspace)
    if base is None:
        raise ModelError(
            f"llama.cpp serves GGUF files, and '{request.reference}' stands on none",
            fix="--backend transformers, or name a .gguf file",
        )
    if not base.gguf.is_file():
        raise ModelError(f"no GGUF at {base.gguf}", fix="a path is taken from the workspace's folder")

    return {
        "name": request.reference,
        "backend": "llama",
        "gguf": str(base.gguf),
        "adapter": str(base.adapter) if base.adapter else None,
        "template": base.template.to_json(),
        "threads": request.threads or count_free_cores(workspace),
    }


def count_free_cores(workspace: Workspace) -> int:
    """Physical cores that no live training of this workspace holds and nobody else uses just now, at least one.

    llama.cpp's threads wait for each other by spinning, so one that has to share its core stalls all: on two
    cores, two threads made 190 tokens/s, and 4 to 10 beside one busy process, where a single thread made 70.
    """
    cores = count_own_cores()
    return max(1, min(cores - count_held_cores(workspace, cores), count_idle_cores()))


def count_own_cores() -> int:
    """Physical cores that this process may run on."""
    import psutil

    cores: int = psutil.cpu_count(logical=False) or 1
    return min(cores, len(os.sched_getaffinity(0))) if hasattr(os, "sched_getaffinity") else cores


def count_held_cores(workspace: Workspace, cores: int) -> int:
    """What the live trainings of this workspace on this machine compute with, of so many `cores`."""
    return sum(_read_threads(paths, cores) for paths in find_trainings(workspace))


def count_idle_cores() -> int:
    """Logical cores that nobody uses just now."""
    import psutil

    idle: int = round((1 - psutil.cpu_percent(LOOK_SECONDS) / 100) * psutil.cpu_count())
    return idle


def _read_threads(paths: RunPaths, cores: int) -> int:
    """Threads that a training computes with: OMP_NUM_THREADS where it was given one, one on a GPU, else every core."""
    import psutil

    launch = read_launch(str(paths.folder))
    if launch is None:
        return 0
    if any(row["values"].get("device_mb") for row in read_last_rows(paths.metrics, 40)):
        cores = 1
    try:
        return int(psutil.Process(launch["process"]["pid"]).environ().get("OMP_NUM_THREADS", cores))
    except (psutil.Error, OSError, ValueError):
        return cores
