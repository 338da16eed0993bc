"""What transformers can serve: any model reference, an adapter switched on and off in one copy."""

from typing import Any

from engine.models.locate import refuse_gguf, trace_model
from engine.records.serving import ServeRequest
from engine.serve.memory import choose_gpu, read_gpus
from engine.store.paths import Workspace


def plan_torch(request: ServeRequest, workspace: Workspace) -> dict[str, Any]:
    """The job of a transformers worker; the weights are located there, since that may convert and load."""
    refuse_gguf(trace_model(request.reference, workspace))
    gpus = read_gpus()
    return {
        "name": request.reference,
        "backend": "transformers",
        "workspace": str(workspace.folder),
        # before CUDA starts, which counts GPUs in an order of its own
        "environment": choose_gpu(gpus).to_environment() if gpus else {},
    }
