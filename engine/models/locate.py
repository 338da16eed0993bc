"""From a model reference to files: where the base lies, which adapter stands on it, and its lineage.

Loads no weights. A checkpoint of charlab says in its manifest what was trained before; an adapter from
elsewhere says only which base it wants.
"""

import hashlib
from pathlib import Path
from typing import NamedTuple

from engine.errors import ModelError
from engine.models.bundled import convert_bundled
from engine.models.reference import Reference, parse_reference
from engine.records.rows import CheckpointFile
from engine.records.run import Ancestor
from engine.store.journal import Narrate, read_json
from engine.store.paths import CheckpointPaths, Workspace
from engine.store.runs import best_checkpoint, latest_checkpoint, open_checkpoint, open_run


class Located(NamedTuple):
    reference: str
    base: str
    """The reference of the base weights, below any adapter."""
    source: str
    """What transformers loads the base from: a folder, or a hub id."""
    adapter: Path | None
    lineage: list[Ancestor]
    trained: CheckpointFile | None
    """The manifest of the checkpoint, where the adapter is one of charlab's."""


def locate_model(text: str, workspace: Workspace, narrate: Narrate = lambda _: None) -> Located:
    """Find what `text` names; ModelError where it does not exist or is no model."""
    reference = parse_reference(text)
    match reference.kind:
        case "bundled":
            return Located(text, text, str(convert_bundled(reference.name, narrate)), None, [], None)
        case "hub":
            return Located(text, text, reference.name, None, [], None)
        case "folder":
            folder = Path(text).expanduser()
            if not folder.is_absolute():
                folder = workspace.folder / folder
            return _locate_folder(text, folder, workspace, narrate)
        case "run":
            checkpoint = find_checkpoint(reference, workspace)
            return _locate_folder(text, checkpoint.folder, workspace, narrate)


def find_checkpoint(reference: Reference, workspace: Workspace) -> CheckpointPaths:
    paths = workspace.find_run(reference.name)
    if reference.step == "best":
        measure = open_run(paths).recipe.checkpoint.best
        found = best_checkpoint(paths, measure)
        if found is None:
            raise ModelError(
                f"run {paths.id} has no checkpoint scored by {measure}", fix=f"run:{paths.id} takes the last"
            )
        return found
    if reference.step is not None:
        checkpoint = paths.checkpoint(reference.step)
        if not checkpoint.manifest.is_file():
            steps = ", ".join(str(c.step) for c in paths.complete_checkpoints()) or "none"
            raise ModelError(
                f"run {paths.id} has no complete checkpoint at step {reference.step}", fix=f"it has: {steps}"
            )
        return checkpoint
    latest = latest_checkpoint(paths)
    if latest is None:
        raise ModelError(f"run {paths.id} has no complete checkpoint", fix=f"charlab show {paths.id}")
    return latest


def _locate_folder(text: str, folder: Path, workspace: Workspace, narrate: Narrate) -> Located:
    config = folder / "adapter_config.json"
    if config.is_file():
        base = read_json(config).get("base_model_name_or_path")
        if not isinstance(base, str) or not base:
            raise ModelError(f"{config} names no base model", fix="set base_model_name_or_path")
        below = locate_model(base, workspace, narrate)
        if below.adapter is not None:
            raise ModelError(f"{config}: its base '{base}' is itself an adapter", fix="merge that one first")
        manifest = CheckpointPaths(folder).manifest
        if manifest.is_file():
            trained = open_checkpoint(CheckpointPaths(folder))
            return Located(text, below.base, below.source, folder, trained.lineage, trained)
        unknown = Ancestor(run=None, objective=None, step=None, adapter_sha256=hash_adapter(folder))
        return Located(text, below.base, below.source, folder, [unknown], None)
    if not (folder / "config.json").is_file():
        what = "no config.json and no adapter_config.json" if folder.is_dir() else "no such folder"
        raise ModelError(f"model folder {folder}: {what}", fix="a path is taken from the workspace's folder")
    lineage: list[Ancestor] = []
    export = folder / "export.json"
    if export.is_file():
        lineage = [Ancestor.parse(a, str(export), ModelError) for a in read_json(export).get("lineage", [])]
    return Located(text, text, str(folder), None, lineage, None)


def hash_adapter(folder: Path) -> str:
    """sha256 of the adapter's weights file."""
    for name in ("adapter_model.safetensors", "adapter_model.bin"):
        if (folder / name).is_file():
            with open(folder / name, "rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest()
    raise ModelError(
        f"{folder} holds an adapter_config.json but no adapter weights", fix="copy adapter_model.safetensors there"
    )
