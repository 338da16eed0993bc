"""What vLLM can serve: weights and a LoRA adapter on an NVIDIA GPU, where vLLM is installed."""

import shutil
import sys
from pathlib import Path
from typing import Any

from engine.errors import InputError, ModelError
from engine.models.locate import Traced, find_path, refuse_gguf, trace_model
from engine.models.origin import read_load, read_template
from engine.models.reference import parse_reference
from engine.records.serving import LOOPBACK, ServeRequest
from engine.serve.memory import read_gpus
from engine.store.paths import Workspace

INSTALL = "pip install --editable '.[vllm]' --constraint constraints.txt, where charlab was cloned"


def find_vllm() -> Path | None:
    """The program: this installation's own, else one on the PATH."""
    own = Path(sys.executable).with_name("vllm")
    found = str(own) if own.is_file() else shutil.which("vllm")
    return Path(found) if found else None


def can_serve(reference: str, workspace: Workspace) -> bool:
    if find_vllm() is None or not read_gpus():
        return False
    return not find_obstacle(trace_model(reference, workspace), workspace)


def find_obstacle(traced: Traced, workspace: Workspace) -> str:
    """Why vLLM would serve the adapter otherwise than it was trained, or not at all; empty where it serves it."""
    if traced.adapter is None:
        return ""
    below = parse_reference(traced.base)
    load = read_load(traced, find_path(traced.base, workspace) if below.kind == "folder" else None, workspace)
    if load.quantize == "nf4":
        return "loads no base in NF4, which this adapter was trained on"
    return "runs adapters in 16 bits, and this one is of a base in float32" if load.dtype == "fp32" else ""


def plan_vllm(request: ServeRequest, workspace: Workspace) -> dict[str, Any]:
    """The job of the worker that runs vLLM; the weights are located there, since that may convert them."""
    program = find_vllm()
    if program is None:
        raise ModelError("vLLM is not installed", fix=INSTALL)
    if not read_gpus():
        raise ModelError("vLLM needs an NVIDIA GPU, and nvidia-smi shows none", fix="--backend transformers")
    if request.host not in LOOPBACK:
        # its token guards the paths under /v1 alone, and others generate too
        raise InputError(
            f"vLLM would answer at {request.host} without a token on some of its paths",
            fix="no --host; from elsewhere reach it through ssh -L",
        )
    traced = trace_model(request.reference, workspace)
    refuse_gguf(traced)
    if obstacle := find_obstacle(traced, workspace):
        raise ModelError(f"{request.reference}: vLLM {obstacle}", fix="--backend transformers")
    return {
        "name": request.reference,
        "backend": "vllm",
        "workspace": str(workspace.folder),
        "program": str(program),
        "template": read_template(traced, workspace).to_json(),
    }
