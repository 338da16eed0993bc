"""`charlab export` typed wrong, and how an export run is listed and shown."""

import json
from collections.abc import Callable
from subprocess import CompletedProcess
from typing import Any

import pytest

from engine.models.locate import hash_adapter
from engine.store.paths import RunPaths, Workspace

RUN = "20260101-0900-ada-1a2b"
EXPORT = "20260102-1000-ada-export-3c4d"
Charlab = Callable[..., CompletedProcess[str]]


@pytest.fixture
def run(write_run: Callable[..., RunPaths]) -> RunPaths:
    """A finished run with a checkpoint, by its names and bytes."""
    paths = write_run(RUN, ended="finished")
    checkpoint = paths.checkpoint(40)
    checkpoint.folder.mkdir(parents=True)
    (checkpoint.folder / "adapter_config.json").write_text('{"base_model_name_or_path": "bundled:smollm2-135m"}')
    checkpoint.adapter.write_text("weights")
    manifest: dict[str, Any] = {
        "run": RUN, "attempt": 1, "step": 40, "time": 1.0, "tokens": 1, "reference": None, "lineage": [], "values": {},
        "adapter_sha256": hash_adapter(checkpoint.folder),
    }  # fmt: skip
    checkpoint.manifest.write_text(json.dumps(manifest))
    return paths


WRONG = {
    (f"run:{RUN}#merged", "--to", "q8_0"): ("is a form, and forms are made of the adapter itself", f"run:{RUN}"),
    (f"{RUN}@30", "--to", "q8_0"): ("has no complete checkpoint at step 30", "it has: 40"),
    ("bundled:smollm2-135m", "--to", "q8_0"): ("is no run with an adapter", "run:ID or run:ID@STEP"),
    (RUN, "--to", "q8_0, q9"): ("no form 'q9'", "one of: adapter, merged"),
    (RUN, "--to", ","): ("--to names none", "--to merged,q8_0"),
    (RUN, "--to", "q9"): ("no form 'q9'", "one of: adapter, merged"),
    ("nobody", "--to", "q8_0"): ("no run 'nobody'", "charlab runs"),
}


def test_what_is_typed_wrong_is_told_with_a_way_out_and_makes_no_run(
    charlab: Charlab, run: RunPaths, workspace: Workspace
) -> None:
    for typed, (said, way_out) in WRONG.items():
        done = charlab("export", *typed)
        assert (done.returncode, done.stdout) == (2, ""), (typed, done.stderr)
        assert said in done.stderr, (typed, done.stderr)
        assert way_out in done.stderr.partition("\n  try: ")[2], (typed, done.stderr)
        assert "Traceback" not in done.stderr, typed
    assert workspace.run_ids() == [RUN]


def test_an_export_that_failed_is_listed_and_shown_as_a_run_with_its_error(
    charlab: Charlab, run: RunPaths, write_run: Callable[..., RunPaths]
) -> None:
    paths = write_run(EXPORT, rows=[], ended="failed")
    kept = json.loads(paths.run.read_text())
    origin = {key: kept[key] for key in ("schema_version", "id", "created", "group", "versions", "git", "host")}
    subject = {"reference": f"run:{RUN}@40", "run": RUN, "step": 40, "adapter_sha256": "ab"}
    exported = {**origin, "kind": "export", "name": "ada-export", "steps": 2, "subject": subject}
    paths.run.write_text(json.dumps({**exported, "forms": ["merged", "q8_0"]}))
    event = json.loads(paths.events.read_text())
    paths.events.write_text(json.dumps({**event, "message": "no \x1b[31mdisk left", "fix": "free some disk"}) + "\n")
    (line,) = [line for line in charlab("runs").stdout.splitlines() if EXPORT in line]
    assert line.split()[:5] == [EXPORT, "failed", "0/2", "partial", "export"]
    assert charlab("show", EXPORT).stdout.splitlines() == [
        f"merged, q8_0 of run:{RUN}@40: failed, 0/2 forms", "  no disk left; try: free some disk",
    ]  # fmt: skip
    facts = json.loads(charlab("show", EXPORT, "--json").stdout)
    assert (facts["kind"], facts["to"], facts["forms"]) == ("export", ["merged", "q8_0"], [])
    assert facts["error"]["fix"] == "free some disk"
