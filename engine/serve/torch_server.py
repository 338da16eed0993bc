"""What transformers can serve: any model reference, an adapter switched on and off in one copy."""

from typing import Any

from engine.errors import ModelError
from engine.models.locate import refuse_gguf, trace_model
from engine.records.serving import ServeRequest
from engine.store.paths import Workspace


def plan_torch(request: ServeRequest, workspace: Workspace) -> dict[str, Any]:
    """The job of a transformers worker; the weights are located there, since that may convert and load."""
    if request.adapter:
        raise ModelError("an adapter given apart is for a GGUF base", fix="name the adapter's folder as the model")
    refuse_gguf(trace_model(request.reference, workspace))
    return {"name": request.reference, "backend": "transformers", "workspace": str(workspace.folder)}
