"""A run's adapter in the form that is asked for, under its exports folder, with a manifest written last."""

import os
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Literal, NamedTuple

from engine.data.read import hash_file
from engine.errors import ModelError, StoreError
from engine.forge.adapter_gguf import write_adapter_gguf
from engine.forge.base_files import describe_base_files, is_same_base
from engine.forge.base_gguf import open_gguf
from engine.forge.beside import write_beside
from engine.forge.converter import check_quantiser, convert_folder, find_converter, quantise_gguf
from engine.forge.gguf_file import describe_base, describe_types, write_gguf
from engine.forge.interrupt import hear_signals, interrupt
from engine.forge.merge import merge_adapter
from engine.models.locate import Located, find_base_gguf, hash_adapter, locate_model
from engine.models.reference import parse_reference
from engine.models.subject import describe_adapter
from engine.models.template import Renderer
from engine.narrate import Narrate
from engine.records.forms import ALIASES, BY_LLAMA, FORMS, MERGED, PLAIN, BaseFile, Form, FormFile
from engine.records.recipe import Template
from engine.records.run import Subject
from engine.serve.owner import Say, run_worker
from engine.store.journal import read_json, write_json
from engine.store.paths import ExportPaths, RunPaths, Workspace
from engine.store.provenance import read_versions
from engine.store.runs import latest_checkpoint, open_run

LIBRARIES = ("torch", "transformers", "peft", "safetensors", "gguf", "llama-cpp-python")
WRITER = 1
"""Raised whenever what is written here changes."""
LEAVING_SECONDS = 30.0
"""How long a library may take to come back, once whoever asked for the form is gone; what it left, the next removes."""
LARGE = 4e9
"""Parameters above which base and adapter are added up in bf16: in fp32 they would fill 16 GB and more."""


class Made(NamedTuple):
    """What the writing of one form tells of itself."""

    files: list[Path]
    types: dict[str, int]
    dtype: Literal["fp32", "bf16"] | None
    route: str
    notes: list[str]


def name_form(text: str) -> str:
    """The form that `text` stands for; ModelError where it is none."""
    name = ALIASES.get(text.lower(), text.lower())
    if name not in FORMS:
        raise ModelError(f"no form '{text}'", fix=f"one of: {', '.join((*FORMS, *ALIASES))}")
    return name


def export_form(reference: str, to: str, workspace: Workspace, narrate: Narrate = lambda _: None) -> ExportPaths:
    """Write form `to` of a run (RUN[@STEP] or a reference), unless it lies there already; returns its folder."""
    kind = name_form(to)
    subject = describe_adapter(reference, workspace)
    located = locate_model(subject.reference, workspace, narrate)
    assert located.adapter is not None
    adapter = hash_adapter(located.adapter)
    target = place_form(kind, subject, workspace)
    run = parse_reference(subject.reference).name
    if is_current(target, adapter, workspace):
        narrate(f"{kind} of {run} lies there already")
        return target
    recipe = open_run(workspace.run(run)).recipe
    whole = place_form("merged_fp32", subject, workspace)
    with write_beside(target.folder) as beside:
        beside.mkdir()
        merged = whole.folder if is_current(whole, adapter, workspace) else None
        base_files = describe_base_files(located.base, workspace, list_hashed(workspace.run(run)))
        made = make_form(kind, located, ExportPaths(beside), workspace, narrate, merged)
        if recipe.load.quantize == "nf4":
            made.notes.append("the adapter was trained on an NF4 base, and here stands on weights that it never saw")
        form = describe_form(kind, located, adapter, base_files, recipe.template, made)
        write_json(ExportPaths(beside).manifest, form.to_json())
    return target


def place_form(kind: str, subject: Subject, workspace: Workspace) -> ExportPaths:
    """Where the form lies: under its run, named by its step too where that is not the last."""
    paths = workspace.run(parse_reference(subject.reference).name)
    latest = latest_checkpoint(paths)
    return paths.export(kind, None if latest is None or latest.step == subject.step else subject.step)


def list_hashed(paths: RunPaths) -> list[BaseFile]:
    """The base's files as the run's other forms name them."""
    found = []
    for place in paths.complete_exports():
        with suppress(ModelError, StoreError):
            found += open_form(place).base_files
    return found


def open_form(paths: ExportPaths) -> Form:
    """The manifest, after checking that the files it names are there and whole."""
    form = Form.parse(read_json(paths.manifest), str(paths.manifest), StoreError)
    for file in form.files:
        path = paths.folder / file.name
        if not path.is_file() or path.stat().st_size != file.bytes:
            raise ModelError(
                f"{path} is not what {paths.manifest.name} says: {file.bytes} bytes",
                fix=f"charlab export {form.reference.removeprefix('run:')} --to {form.kind}",
            )
    return form


def is_current(paths: ExportPaths, adapter_sha256: str, workspace: Workspace) -> bool:
    """Whether the form lies there whole, made of this very adapter, on the base as it is now, as it would be now."""
    if not paths.manifest.is_file():
        return False
    try:
        form = open_form(paths)
        return (form.adapter_sha256, form.writer) == (adapter_sha256, WRITER) and is_same_base(form, workspace)
    except (ModelError, StoreError):
        return False


def make_form(
    kind: str, located: Located, out: ExportPaths, workspace: Workspace, narrate: Narrate, merged: Path | None = None
) -> Made:
    """Write the weights of one form into `out`; `merged` is the folder of merged fp32 weights where there is one."""
    base = find_base_gguf(located.base, workspace)
    if kind == "adapter":
        assert located.adapter is not None
        if base is None:
            raise ModelError(
                f"{located.base} has no GGUF here for the adapter to stand on",
                fix=f"put its .gguf into {located.source}, or charlab export --to q8_0, which needs none",
            )
        write_adapter_gguf(located.adapter, base, out.adapter)
        notes = describe_base(open_gguf(base))
        return Made([out.adapter], count_gguf_types(out.adapter), None, "PyPI gguf over the base GGUF", notes)
    if kind in MERGED:
        dtype: Literal["fp32", "bf16"] = "fp32" if MERGED[kind] == "fp32" else "bf16"
        _merge_into(located, out.folder, dtype, narrate)
        files = sorted(out.folder.glob("*.safetensors"))
        notes = describe_base(open_gguf(base)) if base else []
        return Made(files, count_types(files), dtype, "peft, on a fresh base", notes)
    return _make_gguf(kind, located, base, out, narrate, merged)


def _make_gguf(
    kind: str, located: Located, base: Path | None, out: ExportPaths, narrate: Narrate, merged: Path | None
) -> Made:
    """Merge, lay out, quantise; what lies between is thrown away."""
    from engine.models.load import count_parameters, load_config

    if kind in BY_LLAMA:
        check_quantiser(kind)
    if base is None:
        find_converter()  # before minutes are spent on the merge
    dtype: Literal["fp32", "bf16"] = "fp32" if merged or count_parameters(load_config(located)) <= LARGE else "bf16"
    with _scratch(out.folder) as scratch:
        if merged is None:
            merged = scratch / "merged"
            merge_adapter(located, merged, dtype, narrate)
        layout, route = base, "PyPI gguf in the layout of the base GGUF"
        if layout is None:
            layout, route = scratch / "layout.gguf", "llama.cpp's converter"
            convert_folder(merged, layout, "f32" if dtype == "fp32" else "bf16", narrate)
        if kind in PLAIN:
            narrate(f"writing {kind}")
            write_gguf(merged, layout, out.model, kind)
        else:
            whole = scratch / "whole.gguf"
            write_gguf(merged, layout, whole, "f32" if dtype == "fp32" else "bf16")
            quantise_gguf(whole, out.model, kind, max(1, (os.cpu_count() or 2) - 1), narrate)
            route += ", then llama.cpp's quantiser"
    written = open_gguf(out.model)
    notes = [*describe_types(written, kind), *(describe_base(open_gguf(base)) if base else [])]
    return Made([out.model], written.count_types(), dtype, route, notes)


def describe_form(
    kind: str, located: Located, adapter_sha256: str, base_files: list[BaseFile], template: Template, made: Made
) -> Form:
    from engine.models.load import load_config, load_tokenizer

    return Form(
        kind=kind,
        created=time.time(),
        reference=located.reference,
        step=located.trained.step if located.trained else None,
        base=located.base,
        base_revision=getattr(load_config(located), "_commit_hash", None),
        base_files=base_files,
        adapter_sha256=adapter_sha256,
        lineage=located.lineage,
        template=Renderer(load_tokenizer(located), template).describe(),
        dtype=made.dtype,
        route=made.route,
        writer=WRITER,
        files=[describe_file(f) for f in made.files],
        types=made.types,
        notes=made.notes,
        versions=read_versions(LIBRARIES),
    )


def describe_file(path: Path) -> FormFile:
    return FormFile(name=path.name, sha256=hash_file(path), bytes=path.stat().st_size)


def count_types(files: list[Path]) -> dict[str, int]:
    """How many tensors of each type safetensors files hold."""
    from safetensors import safe_open

    found: Counter[str] = Counter()
    for path in files:
        with safe_open(path, framework="pt") as opened:
            found.update(str(opened.get_slice(key).get_dtype()).lower() for key in opened.keys())  # noqa: SIM118
    return dict(found.most_common())


def count_gguf_types(path: Path) -> dict[str, int]:
    from gguf import GGUFReader

    reader: Any = GGUFReader(path)
    return dict(Counter(t.tensor_type.name.lower() for t in reader.tensors).most_common())


def _merge_into(located: Located, folder: Path, dtype: Literal["fp32", "bf16"], narrate: Narrate) -> None:
    """Merge beside and move the files in: `folder` itself takes its place when its manifest is written."""
    with _scratch(folder) as scratch:
        merge_adapter(located, scratch / "merged", dtype, narrate)
        for file in (scratch / "merged").iterdir():
            shutil.move(file, folder / file.name)


@contextmanager
def _scratch(near: Path) -> Iterator[Path]:
    """A folder on the same disk that is gone afterwards."""
    with tempfile.TemporaryDirectory(dir=near, prefix=".scratch_") as scratch:
        yield Path(scratch)


def write(job: dict[str, Any], say: Say) -> None:
    """Write one form for another process, which thereby has its memory back."""
    folder = Workspace(Path(job["workspace"]))
    try:
        export_form(job["reference"], job["form"], folder, lambda message: say("progress", message=message))
    except KeyboardInterrupt:
        os._exit(130)


if __name__ == "__main__":
    hear_signals()
    run_worker(write, end=lambda: interrupt(LEAVING_SECONDS))
