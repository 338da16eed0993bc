"""What transformers can serve: any model reference, an adapter switched on and off in one copy."""

from typing import Any

from engine.errors import ModelError
from engine.models.reference import parse_reference
from engine.records.serving import ServeRequest
from engine.serve.llama import find_path
from engine.store.paths import Workspace


def plan_torch(request: ServeRequest, workspace: Workspace) -> dict[str, Any]:
    """The job of a transformers worker; the reference is located there, since that may convert and load."""
    reference = parse_reference(request.reference)
    if request.adapter:
        raise ModelError("an adapter given apart is for a GGUF base", fix="name the adapter's folder as the model")
    if reference.kind == "folder" and find_path(request.reference, workspace).suffix == ".gguf":
        raise ModelError(f"transformers serves no GGUF file such as {request.reference}", fix="--backend llama")
    if reference.kind == "run":
        workspace.find_run(reference.name)
    return {"name": request.reference, "backend": "transformers", "workspace": str(workspace.folder)}
