"""What a reference stands on: chains of adapters, and the revision of a base from the hub."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from engine.errors import ModelError
from engine.models.locate import locate_model, trace_model
from engine.store.paths import Workspace

ROOT = Path(__file__).resolve().parents[3]
OLD, NEW = "a" * 40, "b" * 40
RUN = "20260101-0900-ada-1a2b"


def write_adapter(folder: Path, base: str, **config: Any) -> Path:
    folder.mkdir(parents=True)
    (folder / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": base, **config}))
    (folder / "adapter_model.safetensors").write_bytes(b"weights")
    return folder


def test_an_adapter_on_itself_or_on_one_that_leads_back_is_refused(workspace: Workspace, tmp_path: Path) -> None:
    own = write_adapter(tmp_path / "own", str(tmp_path / "own"))
    one = write_adapter(tmp_path / "one", str(tmp_path / "other"))
    write_adapter(tmp_path / "other", str(tmp_path / "one"))
    for folder in (own, one):
        with pytest.raises(ModelError, match="is itself an adapter"):
            trace_model(str(folder), workspace)


@pytest.fixture
def trained(workspace: Workspace, write_run: Any) -> str:
    """A run that was trained on one revision of a base from the hub."""
    base = {"reference": "owner/model", "source": "owner/model", "revision": OLD, "parameters": 1}
    checkpoint = write_run(RUN, ended="finished", base=base).checkpoint(2)
    write_adapter(checkpoint.folder, "owner/model")
    manifest = {
        "run": RUN, "attempt": 1, "step": 2, "time": 1.0, "tokens": 1, "adapter_sha256": "a", "reference": None,
        "lineage": [], "values": {},
    }  # fmt: skip
    checkpoint.manifest.write_text(json.dumps(manifest))
    return f"run:{RUN}"


def test_a_runs_base_is_loaded_at_the_revision_that_was_trained_on(workspace: Workspace, trained: str) -> None:
    told: list[str] = []
    located = locate_model(trained, workspace, told.append)
    assert (located.source, located.revision, told) == ("owner/model", OLD, [])


ASK = """
import sys
from engine.models.load import load_config
from engine.models.locate import find_folder, locate_model
from engine.store.paths import Workspace
for reference in sys.argv[2:]:
    located = locate_model(reference, Workspace(__import__("pathlib").Path(sys.argv[1])))
    print(find_folder(located).name, load_config(located).vocab_size)
"""


@pytest.mark.slow  # a process of its own has to load torch: where the cache lies is read once
def test_files_are_those_of_the_revision_that_was_trained_on(
    workspace: Workspace, trained: str, tmp_path: Path
) -> None:
    cache = tmp_path / "hub" / "models--owner--model"
    for number, revision in enumerate((OLD, NEW), 1):
        folder = cache / "snapshots" / revision
        folder.mkdir(parents=True)
        (folder / "config.json").write_text(json.dumps({"model_type": "llama", "vocab_size": number}))
    (cache / "refs").mkdir()
    (cache / "refs" / "main").write_text(NEW)
    done = subprocess.run(
        [sys.executable, "-c", ASK, str(workspace.folder), trained, "owner/model"], capture_output=True, text=True,
        cwd=ROOT, env={**os.environ, "HF_HUB_CACHE": str(tmp_path / "hub"), "HF_HUB_OFFLINE": "1"},
    )  # fmt: skip
    assert done.stdout.splitlines() == [f"{OLD} 1", f"{NEW} 2"], done.stderr


def test_a_revision_that_nothing_tells_is_said_to_be_unknown(workspace: Workspace, tmp_path: Path) -> None:
    told: list[str] = []
    stranger = str(write_adapter(tmp_path / "adapter", "owner/model"))
    assert locate_model(stranger, workspace, told.append).revision is None
    assert "which revision of owner/model" in told[0]
    pinned = str(write_adapter(tmp_path / "pinned", "owner/model", revision="def456"))
    assert locate_model(pinned, workspace).revision == "def456"
