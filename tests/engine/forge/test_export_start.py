"""An export is a run: what can be found wrong is found before it starts, and it says what it is about."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.card_commands import find_runs_about
from engine.errors import BusyError, ModelError
from engine.forge.base_files import describe_base_files, is_same_base
from engine.forge.export import WRITER, is_current
from engine.forge.export_start import list_missing, write_export_run
from engine.forge.export_summary import summarise_export
from engine.launch.process import read_start
from engine.models.locate import hash_adapter
from engine.models.subject import describe_adapter
from engine.records.forms import Form, FormFile
from engine.records.recipe import TemplateUse
from engine.records.run import Subject
from engine.store.index import list_runs
from engine.store.paths import ExportPaths, RunPaths, Workspace

RUN = "20260101-0900-ada-1a2b"


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """The files of a base, as far as their names and bytes go."""
    folder = tmp_path / "base"
    folder.mkdir()
    for name in ("config.json", "model.safetensors", "base.gguf"):
        (folder / name).write_text(name)
    return folder


@pytest.fixture
def run(workspace: Workspace, write_run: Callable[..., RunPaths], base: Path) -> RunPaths:
    """A finished run whose checkpoints at steps 20 and 40 are adapters on `base` by their names and bytes."""
    paths = write_run(RUN, ended="finished")
    for step in (20, 40):
        checkpoint = paths.checkpoint(step)
        checkpoint.folder.mkdir(parents=True)
        config = {"base_model_name_or_path": str(base)}
        (checkpoint.folder / "adapter_config.json").write_text(json.dumps(config))
        checkpoint.adapter.write_text(f"weights at step {step}")
        manifest: dict[str, Any] = {
            "run": RUN, "attempt": 1, "step": step, "time": 1.0, "tokens": 1, "reference": None, "lineage": [],
            "adapter_sha256": hash_adapter(checkpoint.folder), "values": {},
        }  # fmt: skip
        checkpoint.manifest.write_text(json.dumps(manifest))
    return paths


def write_form(paths: ExportPaths, subject: Subject, workspace: Workspace, **change: Any) -> Form:
    assert subject.base is not None
    assert subject.adapter_sha256 is not None
    paths.folder.mkdir(parents=True, exist_ok=True)
    paths.model.write_text("a model")
    form = Form(
        kind="q8_0", created=1.0, reference=subject.reference, step=subject.step, base=subject.base, base_revision=None,
        base_files=describe_base_files(subject.base, workspace), adapter_sha256=subject.adapter_sha256, lineage=[],
        template=TemplateUse(sha256="c", system=None), dtype="fp32", route="by hand", writer=WRITER,
        files=[FormFile(name="model.gguf", sha256="d", bytes=7)], types={}, notes=["a note"], versions={},
    ).model_copy(update=change)  # fmt: skip
    paths.manifest.write_text(json.dumps(form.to_json()))
    return form


def test_a_run_is_named_as_every_command_names_it(workspace: Workspace, run: RunPaths) -> None:
    named = {
        text: describe_adapter(text, workspace).reference for text in (RUN, "last", "20260101@20", f"run:{RUN}@20")
    }
    assert named == {
        RUN: f"run:{RUN}@40", "last": f"run:{RUN}@40", "20260101@20": f"run:{RUN}@20", f"run:{RUN}@20": f"run:{RUN}@20",
    }  # fmt: skip
    with pytest.raises(ModelError, match="is a form, and forms are made of the adapter itself") as form:
        describe_adapter(f"run:{RUN}@20#merged", workspace)
    assert form.value.fix == f"run:{RUN}@20"
    for other in ("bundled:smollm2-135m", "./base", "http://127.0.0.1:9/v1#x"):
        with pytest.raises(ModelError, match="is no run with an adapter"):
            describe_adapter(other, workspace)


def test_an_export_run_names_the_adapter_and_the_forms(workspace: Workspace, run: RunPaths) -> None:
    subject = describe_adapter(RUN, workspace)
    paths = write_export_run(subject, ["q8_0", "adapter"], workspace)
    row = next(row for row in list_runs(workspace) if row.id == paths.id)
    assert (row.kind, row.status, row.name, row.steps, row.problem) == ("export", "draft", "ada-export", 2, "")
    assert (row.objective, row.base, row.dataset) == ("export", f"run:{RUN}@40", "")
    facts = summarise_export(paths)
    assert (facts["to"], facts["forms"]) == (["q8_0", "adapter"], [])
    assert facts["subject"]["adapter_sha256"] == hash_adapter(run.checkpoint(40).folder)
    write_form(run.export("q8_0"), subject, workspace)
    (form,) = summarise_export(paths)["forms"]
    assert (form["form"], form["bytes"], form["path"]) == ("q8_0", 7, str(run.export("q8_0").folder))
    assert find_runs_about(RUN, workspace).all() == []  # nothing that a card could tell of was measured


def test_what_cannot_be_written_here_makes_no_run(workspace: Workspace, run: RunPaths, base: Path) -> None:
    (base / "base.gguf").unlink()
    with pytest.raises(ModelError, match="has no GGUF here for the adapter to stand on"):
        write_export_run(describe_adapter(RUN, workspace), ["merged", "adapter"], workspace)
    assert workspace.run_ids() == [RUN]


def test_a_form_that_a_live_run_writes_is_not_written_twice(workspace: Workspace, run: RunPaths) -> None:
    subject = describe_adapter(RUN, workspace)
    first = write_export_run(subject, ["q8_0"], workspace)
    process = {"pid": os.getpid(), "start": read_start(os.getpid())}
    first.launch.write_text(json.dumps({"attempt": 1, "host": list_runs(workspace)[-1].host, "process": process}))
    with pytest.raises(BusyError, match=f"run {first.id} writes q8_0 already") as twice:
        write_export_run(subject, ["merged", "q8_0"], workspace)
    assert twice.value.fix == f"charlab watch {first.id}"
    write_export_run(subject, ["merged"], workspace)
    write_export_run(describe_adapter(f"{RUN}@20", workspace), ["q8_0"], workspace)
    first.launch.unlink()


def test_a_form_is_kept_while_its_base_is_the_same_and_no_longer(
    workspace: Workspace, run: RunPaths, base: Path
) -> None:
    subject = describe_adapter(RUN, workspace)
    form = write_form(run.export("q8_0"), subject, workspace)
    assert [f.name for f in form.base_files] == ["base.gguf", "model.safetensors"]
    assert list_missing(subject, ["q8_0", "merged"], workspace) == ["merged"]
    os.utime(base / "model.safetensors", (1.0, 1.0))  # copied anew, say
    assert list_missing(subject, ["q8_0"], workspace) == []
    for name in ("model.safetensors", "base.gguf"):
        kept = (base / name).read_text()
        (base / name).write_text(kept.swapcase())
        assert list_missing(subject, ["q8_0"], workspace) == ["q8_0"]
        (base / name).write_text(kept)
    (base / "more.safetensors").write_text("a second part")
    assert not is_same_base(form, workspace)


def test_a_form_of_an_earlier_writer_or_another_adapter_is_written_anew(workspace: Workspace, run: RunPaths) -> None:
    subject, paths = describe_adapter(RUN, workspace), run.export("q8_0")
    assert subject.adapter_sha256 is not None
    write_form(paths, subject, workspace)
    assert is_current(paths, subject.adapter_sha256, workspace)
    assert not is_current(paths, "another", workspace)
    write_form(paths, subject, workspace, writer=WRITER - 1)
    assert not is_current(paths, subject.adapter_sha256, workspace)
