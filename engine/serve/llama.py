"""What llama.cpp can serve: a GGUF, bundled or local, with an adapter that stands on it."""

import os
from pathlib import Path
from typing import Any, NamedTuple

from engine.errors import ModelError
from engine.models.bundled import find_gguf
from engine.models.locate import find_checkpoint
from engine.models.reference import parse_reference
from engine.records.recipe import Template
from engine.records.serving import ServeRequest
from engine.records.version import LIVE
from engine.store.index import list_runs, read_launch
from engine.store.journal import read_json
from engine.store.paths import CheckpointPaths, Workspace
from engine.store.runs import open_checkpoint, open_run

LOOK_SECONDS = 0.1
"""How long the machine is watched to see which cores are idle."""


class Base(NamedTuple):
    gguf: Path
    adapter: Path | None
    """The adapter's folder, where the reference names one."""
    template: Template


def find_base(text: str, workspace: Workspace) -> Base | None:
    """The GGUF that the model reference stands on; None where it stands on none."""
    reference = parse_reference(text)
    match reference.kind:
        case "bundled":
            return Base(find_gguf(reference.name), None, Template())
        case "hub":
            return None
        case "run":
            folder = find_checkpoint(reference, workspace).folder
        case "folder":
            folder = find_path(text, workspace)
            if folder.suffix == ".gguf":
                return Base(folder, None, Template())
    config = folder / "adapter_config.json"
    if not config.is_file():
        return None
    below = read_json(config).get("base_model_name_or_path")
    found = find_base(below, workspace) if isinstance(below, str) and below else None
    return found and Base(found.gguf, folder, read_template(folder, workspace))


def find_path(text: str, workspace: Workspace) -> Path:
    path = Path(text).expanduser()
    return path if path.is_absolute() else workspace.folder / path


def read_template(adapter: Path, workspace: Workspace) -> Template:
    """The [template] table that the adapter was trained under; the default where nothing tells."""
    checkpoint = CheckpointPaths(adapter)
    if not checkpoint.manifest.is_file():
        return Template()
    paths = workspace.run(open_checkpoint(checkpoint).run)
    return open_run(paths).recipe.template if paths.run.is_file() else Template()


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
    adapter = find_path(request.adapter, workspace) if request.adapter else base.adapter
    if adapter is not None and not adapter.exists():
        raise ModelError(f"no adapter at {adapter}", fix="a path is taken from the workspace's folder")
    return {
        "name": request.reference,
        "backend": "llama",
        "gguf": str(base.gguf),
        "adapter": str(adapter) if adapter else None,
        "template": base.template.to_json(),
        "threads": request.threads or count_free_cores(workspace),
    }


def count_free_cores(workspace: Workspace) -> int:
    """Physical cores that no live training of this workspace holds and nobody else uses just now, at least one.

    llama.cpp's threads wait for each other by spinning, so one that has to share its core stalls all: on two
    cores, two threads made 190 tokens/s, and 4 to 10 beside one busy process, where a single thread made 70.
    """
    import psutil

    cores: int = psutil.cpu_count(logical=False) or 1
    if hasattr(os, "sched_getaffinity"):
        cores = min(cores, len(os.sched_getaffinity(0)))
    for row in list_runs(workspace):
        if row.status in LIVE and (launch := read_launch(str(workspace.run(row.id).folder))):
            cores -= _read_threads(launch["process"]["pid"], cores)
    idle = round((1 - psutil.cpu_percent(LOOK_SECONDS) / 100) * psutil.cpu_count())
    free: int = max(1, min(cores, idle))
    return free


def _read_threads(pid: int, cores: int) -> int:
    """Threads that a training computes with: OMP_NUM_THREADS where it was given one, else every core."""
    import psutil

    try:
        return int(psutil.Process(pid).environ().get("OMP_NUM_THREADS", cores))
    except (psutil.Error, OSError, ValueError):
        return cores
