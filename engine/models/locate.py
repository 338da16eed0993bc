"""From a model reference to files: where the base lies, which adapter stands on it, and its lineage.

Loads no weights. A checkpoint of charlab says in its manifest what was trained before; an adapter from
elsewhere says only which base it wants.
"""

import hashlib
from pathlib import Path
from typing import NamedTuple

from engine.errors import ModelError, StoreError
from engine.models.bundled import convert_bundled, find_gguf
from engine.models.reference import Reference, parse_reference
from engine.narrate import Narrate
from engine.records.forms import ALIASES, FORMS, MERGED, Form
from engine.records.rows import CheckpointFile
from engine.records.run import Ancestor
from engine.store.journal import read_json
from engine.store.paths import CheckpointPaths, ExportPaths, Workspace
from engine.store.runs import best_checkpoint, latest_checkpoint, open_checkpoint, open_run

SMALL_FILES = ("*.json", "*.jinja", "*.txt", "*.model")
"""A hub model's configuration and tokenizer."""


class Traced(NamedTuple):
    """What a reference stands on, by its names alone: nothing is converted and nothing fetched."""

    reference: str
    """With the run's whole id and the checkpoint's step."""
    base: str
    """The reference of the base weights, below any adapter; of a merged form or a whole GGUF, its own."""
    adapter: Path | None
    """The adapter's folder, or of the form 'adapter' its GGUF."""
    lineage: list[Ancestor]
    trained: CheckpointFile | None
    """The manifest of the checkpoint, where the adapter is one of charlab's."""
    form: Form | None = None
    run: str | None = None
    """The run that the adapter is of."""
    revision: str | None = None
    """Of a base from the hub: the one that the adapter was trained on, where that is known."""


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
    run: str | None = None
    """The run under whose template the model was trained, where there is one."""
    revision: str | None = None
    """Of a base from the hub: the one to load; None takes the newest."""

    def name_base(self) -> str:
        return f"{self.base} at revision {self.revision}" if self.revision else self.base


def locate_model(text: str, workspace: Workspace, narrate: Narrate = lambda _: None) -> Located:
    """Find what `text` names for transformers to load; ModelError where it does not exist or is no such model."""
    traced = trace_model(text, workspace)
    refuse_gguf(traced)
    below = parse_reference(traced.base)
    match below.kind:
        case "bundled":
            source = str(convert_bundled(below.name, narrate))
        case "hub":
            source = below.name
            if traced.adapter and not traced.revision:
                narrate(f"which revision of {below.name} {text} was trained on is not known: the newest here is taken")
        case _:
            source = str(find_path(traced.base, workspace))
    trained = traced.trained if traced.adapter else None  # what is merged is a base of its own
    revision = traced.revision if below.kind == "hub" else None
    return Located(text, traced.base, source, traced.adapter, traced.lineage, trained, traced.run, revision)


def find_folder(located: Located) -> Path:
    """Where the base's config.json and tokenizer lie, and its weights where they are on this machine."""
    if Path(located.source).is_dir():
        return Path(located.source)
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(located.source, revision=located.revision, allow_patterns=list(SMALL_FILES)))
    except (OSError, ValueError) as bad:
        raise ModelError(
            f"model '{located.name_base()}' is neither in the local Hugging Face cache nor to be reached",
            fix="check the id and the connection, or copy the model into a folder and name that (./models/mine)",
        ) from bad


def refuse_gguf(traced: Traced) -> None:
    """Raise ModelError for what llama.cpp alone reads."""
    if traced.form and traced.form.kind not in MERGED:
        fix = f"{traced.reference.partition('#')[0]}, or its form merged"
    elif traced.base.endswith(".gguf"):
        fix = "--backend llama to serve it, or name the folder of its weights"
    else:
        return
    raise ModelError(f"'{traced.reference}' is a GGUF, which llama.cpp serves and transformers does not load", fix=fix)


def trace_model(text: str, workspace: Workspace, above: Path | None = None) -> Traced:
    """What `text` stands on; ModelError where it does not exist, is no model, or is an adapter that one stands on.

    `above` is the adapter's configuration that names `text` as its base.
    """
    reference = parse_reference(text)
    match reference.kind:
        case "bundled" | "hub":
            return Traced(text, text, None, [], None)
        case "folder":
            return _trace_folder(text, find_path(text, workspace), workspace, above)
        case "run":
            checkpoint = find_checkpoint(reference, workspace)
            run = workspace.find_run(reference.name).id
            full = f"run:{run}@{checkpoint.step}"
            if reference.form:
                return _trace_form(full, reference, workspace)
            return _trace_folder(full, checkpoint.folder, workspace, above)


def find_path(text: str, workspace: Workspace) -> Path:
    """A path as it was given; a relative one is taken from the workspace's folder."""
    path = Path(text).expanduser()
    return path if path.is_absolute() else workspace.folder / path


def find_base_gguf(base: str, workspace: Workspace) -> Path | None:
    """A base as GGUF: the bundled model's own file, a .gguf that is named, or the one that lies beside its weights."""
    below = parse_reference(base)
    if below.kind == "bundled":
        return find_gguf(below.name)
    folder = find_path(base, workspace)
    if below.kind != "folder" or folder.suffix == ".gguf":
        return folder if below.kind == "folder" else None
    found = sorted(folder.glob("*.gguf"))
    if len(found) > 1:
        raise ModelError(
            f"{folder} holds {len(found)} GGUF files, and which is the base is not known", fix="leave one there"
        )
    return found[0] if found else None


def find_checkpoint(reference: Reference, workspace: Workspace) -> CheckpointPaths:
    paths = workspace.find_run(reference.name)
    if not paths.complete_checkpoints():
        open_run(paths)  # which says so where runs of that kind have none
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


def _trace_folder(text: str, folder: Path, workspace: Workspace, above: Path | None) -> Traced:
    if folder.suffix == ".gguf":
        if not folder.is_file():
            raise ModelError(f"no GGUF at {folder}", fix="a path is taken from the workspace's folder")
        return Traced(text, str(folder), None, [], None)
    config = folder / "adapter_config.json"
    if config.is_file():
        if above:  # here, since a chain of such may lead back to its beginning
            raise ModelError(f"{above}: its base '{text}' is itself an adapter", fix="merge that one first")
        told = read_json(config)
        base, revision = told.get("base_model_name_or_path"), told.get("revision")
        if not isinstance(base, str) or not base:
            raise ModelError(f"{config} names no base model", fix="set base_model_name_or_path")
        below = trace_model(base, workspace, config)
        if below.adapter is not None:
            raise ModelError(f"{config}: its base '{base}' is itself an adapter", fix="merge that one first")
        manifest = CheckpointPaths(folder).manifest
        if manifest.is_file():
            trained = open_checkpoint(CheckpointPaths(folder))
            record = workspace.run(trained.run)
            revision = open_run(record).base.revision if record.run.is_file() else None
            return Traced(text, below.base, folder, trained.lineage, trained, run=trained.run, revision=revision)
        unknown = Ancestor(run=None, objective=None, step=None, adapter_sha256=hash_adapter(folder))
        revision = revision if isinstance(revision, str) else None
        return Traced(text, below.base, folder, [unknown], None, revision=revision)
    if not (folder / "config.json").is_file():
        what = "no config.json and no adapter_config.json" if folder.is_dir() else "no such folder"
        raise ModelError(f"model folder {folder}: {what}", fix="a path is taken from the workspace's folder")
    lineage: list[Ancestor] = []
    export = ExportPaths(folder).manifest
    if export.is_file():
        lineage = [Ancestor.parse(a, str(export), ModelError) for a in read_json(export).get("lineage", [])]
    return Traced(text, str(folder), None, lineage, None)


def _trace_form(full: str, reference: Reference, workspace: Workspace) -> Traced:
    """A form that lies under the run, made of the very adapter that is asked for."""
    assert reference.form is not None
    kind = ALIASES.get(reference.form, reference.form)
    run, text = full.removeprefix("run:").partition("@")[0], f"{full}#{kind}"
    if kind not in FORMS:
        raise ModelError(f"no form '{kind}'", fix=f"one of: {', '.join((*FORMS, *ALIASES))}")
    checkpoint = find_checkpoint(reference, workspace)
    manifest = open_checkpoint(checkpoint)
    paths = workspace.run(run)
    for export in (paths.export(kind), paths.export(kind, checkpoint.step)):
        if not export.manifest.is_file():
            continue
        form = Form.parse(read_json(export.manifest), str(export.manifest), StoreError)
        if form.adapter_sha256 != manifest.adapter_sha256:
            continue
        if kind == "adapter":
            return Traced(text, form.base, export.adapter, form.lineage, manifest, form, run, form.base_revision)
        base = export.folder if kind in MERGED else export.model
        return Traced(text, str(base), None, form.lineage, manifest, form, run)
    named = run if reference.step is None else f"run:{run}@{checkpoint.step}"
    raise ModelError(
        f"run {run} has no form {kind} of its adapter at step {checkpoint.step}",
        fix=f"charlab export {named} --to {kind}",
    )


def hash_adapter(folder: Path) -> str:
    """sha256 of the adapter's weights file."""
    for name in ("adapter_model.safetensors", "adapter_model.bin"):
        if (folder / name).is_file():
            with open(folder / name, "rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest()
    raise ModelError(
        f"{folder} holds an adapter_config.json but no adapter weights", fix="copy adapter_model.safetensors there"
    )
