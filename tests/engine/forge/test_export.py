"""Every form of a run lies whole under its exports with a manifest that says what it is, or not at all."""

import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from engine.errors import ModelError
from engine.forge.converter import VERSION
from engine.forge.export import export_form, name_form, open_form
from engine.launch.local import worker_environment
from engine.launch.process import read_start
from engine.launch.steer import stop_run
from engine.models.locate import hash_adapter, locate_model, trace_model
from engine.serve.llama import find_base
from engine.store.index import summarise_run
from engine.store.journal import read_rows
from engine.store.paths import RunPaths, Workspace

RUN = "20260101-0900-ada-1a2b"


@pytest.fixture
def base(lively_folder: Path, lively_gguf: Path, tmp_path: Path) -> Path:
    """The lively model with its GGUF beside the weights, as people keep both."""
    folder = tmp_path / "base"
    shutil.copytree(lively_folder, folder)
    shutil.copy(lively_gguf, folder)
    return folder


@pytest.fixture
def run(
    workspace: Workspace, write_run: Callable[..., RunPaths], save_adapter: Callable[..., Any], base: Path
) -> RunPaths:
    """A finished run with checkpoints at steps 20 and 40."""
    paths = write_run(RUN, ended="finished")
    for step in (20, 40):
        write_checkpoint(paths, step, base, save_adapter)
    return paths


def write_checkpoint(paths: RunPaths, step: int, base: Path, save_adapter: Callable[..., Any], seed: int = 0) -> None:
    checkpoint = paths.checkpoint(step)
    save_adapter(base, checkpoint.folder, seed=seed or step)
    adapter = hash_adapter(checkpoint.folder)
    past = [{"run": paths.id, "objective": "orpo", "step": step, "adapter_sha256": adapter}]
    manifest = {
        "run": paths.id, "attempt": 1, "step": step, "time": 1.0, "tokens": 1, "adapter_sha256": adapter,
        "reference": None, "lineage": past, "values": {},
    }  # fmt: skip
    checkpoint.manifest.write_text(json.dumps(manifest))


def test_a_form_lies_under_the_run_with_a_manifest_of_what_it_stands_on(
    workspace: Workspace, run: RunPaths, base: Path
) -> None:
    paths = export_form(run.id, "q8_0", workspace)
    assert paths == run.export("q8_0")
    assert sorted(f.name for f in paths.folder.iterdir()) == ["export.json", "model.gguf"]
    assert [f.name for f in run.exports.iterdir()] == ["q8_0"]
    form = open_form(paths)
    template = (base / "chat_template.jinja").read_bytes()
    assert (form.kind, form.step, form.base, form.dtype) == ("q8_0", 40, str(base), "fp32")
    assert form.adapter_sha256 == hash_adapter(run.checkpoint(40).folder)
    assert [(a.run, a.step) for a in form.lineage] == [(RUN, 40)]
    assert form.template.sha256 == hashlib.sha256(template).hexdigest()
    (file,) = form.files
    assert (file.sha256, file.bytes) == (hashlib.sha256(paths.model.read_bytes()).hexdigest(), form.bytes)
    assert form.types == {"q8_0": 15, "f32": 5}
    assert form.versions["gguf"]


def test_adapter_and_merged_weights_are_forms_too(workspace: Workspace, run: RunPaths) -> None:

    adapter = open_form(export_form(run.id, "adapter", workspace))
    assert ([f.name for f in adapter.files], adapter.types, adapter.dtype) == (["adapter.gguf"], {"f32": 28}, None)
    merged = export_form(run.id, "merged", workspace)
    assert (open_form(merged).dtype, open_form(merged).types) == ("bf16", {"bf16": 20})
    located = locate_model(str(merged.folder), workspace)
    assert located.adapter is None
    assert [a.objective for a in located.lineage] == ["orpo"]


def test_a_form_of_a_checkpoint_lies_beside_that_of_the_last(workspace: Workspace, run: RunPaths) -> None:
    last, early = (export_form(r, "adapter", workspace) for r in (f"run:{RUN}", f"run:{RUN}@20"))
    assert early == run.export("adapter", 20)
    assert (open_form(last).step, open_form(early).step) == (40, 20)
    assert run.complete_exports() == [last, early]


def test_what_lies_there_is_kept_until_the_adapter_is_another_or_the_file_is_cut(
    workspace: Workspace, run: RunPaths, base: Path, save_adapter: Callable[..., Any]
) -> None:
    told: list[str] = []
    paths = export_form(run.id, "adapter", workspace)
    stamp = paths.adapter.stat().st_mtime_ns
    export_form(run.id, "adapter", workspace, told.append)
    assert paths.adapter.stat().st_mtime_ns == stamp
    assert told == [f"adapter of {RUN} lies there already"]
    paths.adapter.write_bytes(paths.adapter.read_bytes()[:-1000])
    with pytest.raises(ModelError, match=r"is not what export\.json says") as cut:
        open_form(paths)
    assert cut.value.fix == f"charlab export {RUN}@40 --to adapter"
    export_form(run.id, "adapter", workspace)
    whole = open_form(paths)
    write_checkpoint(run, 60, base, save_adapter)
    export_form(run.id, "adapter", workspace)
    assert (whole.step, open_form(paths).step) == (40, 60)


def test_a_failed_export_leaves_nothing(workspace: Workspace, run: RunPaths, base: Path) -> None:
    gguf = base / "lively.gguf"
    gguf.write_bytes(gguf.read_bytes()[: gguf.stat().st_size // 2])
    for kind in ("adapter", "q4_0"):
        with pytest.raises(ModelError, match="is no whole GGUF"):
            export_form(run.id, kind, workspace)
    assert list(run.exports.iterdir()) == []


def test_a_base_without_a_gguf_needs_the_converter_and_is_told_how_to_get_it(
    workspace: Workspace, run: RunPaths, base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (base / "lively.gguf").unlink()
    monkeypatch.setenv("CHARLAB_CACHE", str(tmp_path / "cache"))
    with pytest.raises(ModelError, match="converter is not here") as whole:
        export_form(run.id, "q8_0", workspace)
    assert whole.value.fix.startswith("pip download --no-deps --no-binary llama-cpp-python --dest")
    with pytest.raises(ModelError, match="has no GGUF here for the adapter to stand on"):
        export_form(run.id, "adapter", workspace)
    shutil.copy(base / "config.json", base / "a.gguf")
    shutil.copy(base / "config.json", base / "b.gguf")
    with pytest.raises(ModelError, match="holds 2 GGUF files"):
        export_form(run.id, "adapter", workspace)


@pytest.mark.skipif(importlib.util.find_spec("llama_cpp") is not None, reason="llama-cpp-python is installed")
def test_a_k_quant_without_llama_cpp_names_the_command_before_anything_is_merged(
    workspace: Workspace, run: RunPaths
) -> None:
    told: list[str] = []
    with pytest.raises(ModelError, match=r"q4_k_m is written by llama\.cpp alone") as bad:
        export_form(run.id, "q4_k_m", workspace, told.append)
    assert bad.value.fix.startswith("pip install llama-cpp-python==")
    assert told == []


@pytest.mark.skipif(importlib.util.find_spec("llama_cpp") is None, reason="llama-cpp-python is not installed")
def test_a_k_quant_of_narrow_rows_says_what_became_of_them(workspace: Workspace, run: RunPaths) -> None:
    form = open_form(export_form(run.id, "q4_k_m", workspace))
    assert form.route.endswith("llama.cpp's quantiser")
    assert "packs rows in blocks of 256" in form.notes[0]


def test_forms_are_known_by_several_names_and_others_are_refused(workspace: Workspace, run: RunPaths) -> None:
    assert [name_form(t) for t in ("GGUF", "Q4_K_M", "merged_bf16", "lora")] == ["bf16", "q4_k_m", "merged", "adapter"]
    with pytest.raises(ModelError, match="no form 'q9_9'") as bad:
        name_form("q9_9")
    assert "q4_k_m" in bad.value.fix
    with pytest.raises(ModelError, match="has no complete checkpoint at step 30"):
        export_form(f"run:{RUN}@30", "adapter", workspace)


def test_the_command_writes_forms_in_a_run_and_prints_one_object_each(
    charlab: Callable[..., CompletedProcess[str]], workspace: Workspace, run: RunPaths
) -> None:
    done = charlab("export", f"{RUN}@40", "--to", "adapter", "--json")
    assert done.returncode == 0, done.stderr
    one = json.loads(done.stdout)
    assert (one["form"], one["path"]) == ("adapter", str(run.export("adapter").folder))
    exported = workspace.run(one["id"])
    assert workspace.run_ids() == [RUN, exported.id]
    done = charlab("export", RUN, "--to", "lora", "--to", "q4_0", "--json")
    assert "adapter of run:" in done.stderr
    assert "lies there already\n" in done.stderr
    assert "\nwriting q4_0\n" in done.stderr
    kept, new = json.loads(done.stdout)
    assert [(f["form"], f["id"]) for f in (kept, new)] == [("adapter", None), ("q4_0", new["id"])]
    assert {*workspace.run_ids()} - {RUN, exported.id} == {new["id"]}
    facts = json.loads(charlab("show", new["id"], "--json").stdout)
    assert (facts["kind"], facts["status"], facts["step"], facts["steps"]) == ("export", "finished", 1, 1)
    assert [f["path"] for f in facts["forms"]] == [new["path"]]
    assert "writing q4_0\n" in workspace.run(new["id"]).log(1).read_text()
    kinds = [event["kind"] for event in read_rows(workspace.run(new["id"]).events)]
    assert (kinds[0], {*kinds[1:-1]}, kinds[-1]) == ("started", {"note"}, "finished")
    runs = workspace.run_ids()
    said = charlab("export", RUN, "--to", "q4_0", "--detach")
    assert said.stdout.startswith("q4_0  ")
    assert "note: 1 of 15 matrices are kept finer than q4_0" in said.stderr
    assert workspace.run_ids() == runs


def test_an_export_that_is_stopped_leaves_nothing_and_resume_writes_it(
    charlab: Callable[..., CompletedProcess[str]], workspace: Workspace, run: RunPaths
) -> None:
    exported = workspace.run(json.loads(charlab("export", RUN, "--to", "merged", "--detach", "--json").stdout)["id"])
    stop_run(exported)
    assert charlab("watch", exported.id).returncode == 3
    assert summarise_run(exported).status == "stopped"
    assert list(run.exports.glob("*")) == []
    done = charlab("resume", exported.id)
    assert (done.returncode, "behind 0 of 1 forms" in done.stderr) == (0, True)
    assert done.stdout.startswith(f"merged of run:{RUN}@40: finished, 1/1 forms\nmerged  ")
    assert open_form(run.export("merged")).step == 40


CONVERTER = """
import os, sys, time
print("converting", os.getpid(), file=sys.stderr, flush=True)
open(sys.argv[sys.argv.index("--outfile") + 1], "w").write("half of it")
time.sleep(60)
"""


def test_a_writer_whose_owner_is_gone_ends_the_tool_that_it_waits_for_and_leaves_nothing(
    workspace: Workspace, run: RunPaths, base: Path, tmp_path: Path
) -> None:
    (base / "lively.gguf").unlink()
    vendored = tmp_path / "cache" / "llama.cpp" / VERSION / f"llama_cpp_python-{VERSION}" / "vendor" / "llama.cpp"
    vendored.mkdir(parents=True)
    (vendored / "convert_hf_to_gguf.py").write_text(CONVERTER)
    (tmp_path / "sentencepiece.py").touch()
    environment = {**worker_environment(), "CHARLAB_CACHE": str(tmp_path / "cache")}
    environment["PYTHONPATH"] += f"{os.pathsep}{tmp_path}"
    writer = subprocess.Popen(
        [sys.executable, "-m", "engine.forge.export"],
        stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True,
        env=environment,
    )  # fmt: skip
    assert writer.stdin is not None
    assert writer.stderr is not None
    job = {"reference": f"run:{RUN}@40", "form": "q8_0", "workspace": str(workspace.folder)}
    writer.stdin.write(json.dumps(job) + "\n")
    writer.stdin.flush()
    tool = int(next(line for line in writer.stderr if line.startswith("converting")).split()[1])
    assert read_start(tool) is not None
    writer.communicate()
    assert read_start(tool) is None
    assert list(run.exports.iterdir()) == []


def test_a_form_is_named_behind_its_run_and_stands_on_its_own_files(
    workspace: Workspace, run: RunPaths, base: Path
) -> None:
    for kind in ("q8_0", "merged", "adapter"):
        export_form(run.id, kind, workspace)
    whole = trace_model(f"run:{run.id}#q8_0", workspace)
    assert whole.reference == f"run:{run.id}@40#q8_0"
    assert (whole.base, whole.adapter) == (str(run.export("q8_0").model), None)
    assert whole.form is not None
    assert whole.form.kind == "q8_0"
    assert find_base(f"run:{run.id}#q8_0", workspace).gguf == run.export("q8_0").model  # type: ignore[union-attr]
    merged = locate_model(f"run:{run.id}#merged_bf16", workspace)
    assert (merged.source, merged.adapter, merged.trained) == (str(run.export("merged").folder), None, None)
    on_base = find_base(f"run:{run.id}#adapter", workspace)
    assert on_base is not None
    assert (on_base.gguf.parent, on_base.adapter) == (base, run.export("adapter").adapter)


def test_a_form_of_another_checkpoint_or_none_is_refused_with_the_command_that_makes_it(
    workspace: Workspace, run: RunPaths
) -> None:
    export_form(run.id, "q8_0", workspace)
    with pytest.raises(ModelError, match="no form q8_0 of its adapter at step 20") as refused:
        trace_model(f"run:{run.id}@20#q8_0", workspace)
    assert refused.value.fix == f"charlab export run:{run.id}@20 --to q8_0"
    with pytest.raises(ModelError, match="no form 'q9'"):
        trace_model(f"run:{run.id}#q9", workspace)
    with pytest.raises(ModelError, match="and transformers does not load"):
        locate_model(f"run:{run.id}#q8_0", workspace)
