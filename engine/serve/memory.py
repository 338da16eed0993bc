"""What a GPU has room for now: what nvidia-smi says is free, less what live trainings may still take. Sizes are MiB."""

import math
import os
import shutil
import socket
import subprocess
from pathlib import Path
from typing import NamedTuple

from engine.errors import BusyError, ModelError
from engine.models.origin import is_whole, read_config
from engine.records.recipe import Load
from engine.records.version import LIVE
from engine.store.index import list_runs, read_launch
from engine.store.journal import read_last_rows
from engine.store.paths import RunPaths, Workspace
from engine.store.runs import open_run

BYTES = {"bf16": 2.0, "fp32": 4.0}
"""Of one weight in memory, by the recipe's name for its type."""
NF4_BYTES = 0.55
"""With the constants of its blocks."""
LOADING = 1.1
"""A loaded model takes this much more than its weights."""
CONTEXT_MB = 1024.0
"""What CUDA and its libraries take on the GPU before the first weight."""
FRAGMENTS = 0.1
"""Share of a training's peak that its allocator may take beyond it, cut into pieces."""
LARGEST_SHARE = 0.9
ASK_SECONDS = 20.0


class Gpu(NamedTuple):
    number: int
    """As nvidia-smi counts: in the order of the bus."""
    uuid: str
    free: float
    total: float

    def to_environment(self) -> dict[str, str]:
        """What makes CUDA see this one alone."""
        return {"CUDA_DEVICE_ORDER": "PCI_BUS_ID", "CUDA_VISIBLE_DEVICES": str(self.number)}


class Claim(NamedTuple):
    """What a live training may still take beyond what it holds."""

    run: str
    megabytes: float


def read_gpus() -> list[Gpu]:
    """The GPUs that CUDA would see in this process; empty where there is none, or nothing that tells of them."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return []
    words = [program, "--query-gpu=index,uuid,memory.free,memory.total", "--format=csv,noheader,nounits"]
    try:
        said = subprocess.run(words, capture_output=True, text=True, timeout=ASK_SECONDS, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return []
    return select_visible(parse_gpus(said), os.environ.get("CUDA_VISIBLE_DEVICES"))


def parse_gpus(text: str) -> list[Gpu]:
    gpus = []
    for line in text.splitlines():
        words = [word.strip() for word in line.split(",")]
        try:
            gpus.append(Gpu(int(words[0]), words[1], float(words[2]), float(words[3])))
        except (ValueError, IndexError):
            continue  # one that shares the machine's memory says [N/A]
    return gpus


def select_visible(gpus: list[Gpu], named: str | None) -> list[Gpu]:
    """Those that CUDA_VISIBLE_DEVICES names, by index or by the beginning of their uuid; all where it is not set."""
    if named is None:
        return gpus
    chosen: list[Gpu] = []
    for word in (w.strip() for w in named.split(",")):
        found = [g for g in gpus if (word == str(g.number) if word.isdigit() else word and g.uuid.startswith(word))]
        if not found:
            break  # CUDA sees none from the first that it does not know
        chosen += found[:1]
    return chosen


def estimate_growth(peak: float, weights: float, longest: int, median: int, epoch: float) -> float:
    """What a training may take beyond its peak so far.

    What is not weights grows with the tokens of a batch. Until every row was seen once, the longest may still
    come, where the peak is at least that of rows of the median length.
    """
    coming = 0.0 if epoch >= 1 else max(0.0, peak - weights) * max(0.0, longest / max(1, median) - 1)
    return coming + FRAGMENTS * (peak + coming)


def find_claims(workspace: Workspace) -> list[Claim]:
    """Of every live training of the workspace on this machine; BusyError where one has not said what it takes yet."""
    claims = (read_claim(paths) for paths in find_trainings(workspace))
    return [claim for claim in claims if claim]


def find_trainings(workspace: Workspace) -> list[RunPaths]:
    """The live trainings of the workspace on this machine; on a shared home another host's are there too."""
    here = socket.gethostname()
    runs = list_runs(workspace)
    return [workspace.run(r.id) for r in runs if r.kind == "train" and r.status in LIVE and r.host == here]


def read_claim(paths: RunPaths) -> Claim | None:
    """None where the training is not on a GPU."""
    attempt = (read_launch(str(paths.folder)) or {}).get("attempt")
    rows = [row["values"] for row in read_last_rows(paths.metrics, 40) if row.get("attempt") == attempt]
    steps = [values for values in rows if "seconds_per_step" in values]
    if not steps:
        raise BusyError(
            f"run {paths.id} is starting, and has not said yet how much of the GPU it takes",
            fix="try again when it has made its first step",
        )
    peak = steps[-1].get("device_mb")
    if not peak:
        return None
    run = open_run(paths)
    load = run.recipe.load
    weights = run.base.parameters * (NF4_BYTES if load.quantize == "nf4" else BYTES[load.dtype]) / 2**20
    epoch = steps[-1].get("epoch") or 0.0
    return Claim(paths.id, estimate_growth(peak, weights, run.plan.tokens_longest, run.plan.tokens_median, epoch))


def choose_gpu(gpus: list[Gpu]) -> Gpu:
    """The one with the most free memory, the first of equals."""
    return max(gpus, key=lambda g: (g.free, -g.number))


def find_room(gpu: Gpu, claims: list[Claim]) -> float:
    """What a server may take: trainings keep what they may grow by, wherever they stand."""
    return max(0.0, gpu.free - CONTEXT_MB - sum(claim.megabytes for claim in claims))


def find_share(room: float, total: float) -> float:
    """`room` as a share of the GPU's memory, in whole hundredths, never rounded up."""
    return min(LARGEST_SHARE, math.floor(100 * room / total) / 100)


def weigh_model(folder: Path, load: Load) -> float:
    """What the model in `folder` takes when it is loaded; 0 where no file of weights lies there."""
    # some keep the same weights in a second format beside those
    files = list(folder.glob("model*.safetensors")) or list(folder.glob("*.safetensors"))
    stored = sum(file.stat().st_size for file in files)
    per_weight = NF4_BYTES if load.quantize == "nf4" else BYTES[load.dtype]
    return LOADING * stored / read_stored_bytes(folder) * per_weight / 2**20


def read_stored_bytes(folder: Path) -> float:
    """Bytes of one weight on the disk."""
    return 4.0 if is_whole(read_config(folder)) else 2.0


def size_server(reference: str, needed: float, workspace: Workspace) -> tuple[Gpu, float] | None:
    """The GPU with the most room and the share of its memory that a server may take; None where nothing tells of one.

    Raises ModelError where what the model needs is more.
    """
    gpus = read_gpus()
    if not gpus:
        return None
    gpu, claims = choose_gpu(gpus), find_claims(workspace)
    share = find_share(find_room(gpu, claims), gpu.total)
    refuse_too_large(reference, needed, share * gpu.total, gpu, claims)
    return gpu, share


def refuse_too_large(reference: str, needed: float, room: float, gpu: Gpu, claims: list[Claim]) -> None:
    """Raise ModelError where the model does not fit into what it may take."""
    if needed <= room:
        return
    kept = "".join(f", {_gib(c.megabytes)} are kept for run {c.run} that trains" for c in claims)
    raise ModelError(
        f"{reference} needs {_gib(needed)} of GPU {gpu.number} once loaded, and may take {_gib(room)}: "
        f"{_gib(gpu.free)} of {_gib(gpu.total)} are free, {_gib(CONTEXT_MB)} go to CUDA itself{kept}",
        fix="end what holds the GPU (nvidia-smi lists it), or serve a smaller model",
    )


def _gib(megabytes: float) -> str:
    return f"{megabytes / 1024:.1f} GiB"
