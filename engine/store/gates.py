"""Gates that were checked, by name, under runs/."""

import re
import time
from collections.abc import Mapping
from pathlib import Path

from engine.errors import StoreError
from engine.records.gate import Confirmation, FileUse, Gate, KeptGate
from engine.store.journal import read_json, write_json
from engine.store.paths import Workspace


def find_gate(workspace: Workspace, name: str) -> Path:
    if not re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,47}", name):
        raise StoreError(f"{name!r:.60} cannot name a gate", fix="lower-case letters, digits, '.', '_' and '-'")
    return workspace.gate(name)


def keep_gate(
    workspace: Workspace,
    name: str,
    gate: Gate,
    files: dict[str, FileUse],
    models: Mapping[str, str | None],
    accepted: list[str],
    confirmation: Confirmation | None,
    notes: list[str],
) -> Path:
    """Record what a gate found, in place of what was found under that name before; `models` names its two sides."""
    path = find_gate(workspace, name)
    kept = KeptGate(
        name=name,
        created=time.time(),
        gate=gate,
        files=files,
        base=models.get("base"),
        instruct=models.get("instruct"),
        accepted=accepted,
        confirmation=confirmation,
        notes=notes,
    )
    write_json(path, kept.to_json())
    return path


def read_gate(workspace: Workspace, name: str) -> KeptGate | None:
    """None where no gate of that name was recorded."""
    path = find_gate(workspace, name)
    if not path.is_file():
        return None
    return KeptGate.parse(read_json(path), str(path), StoreError, fix=f"charlab gate ... --name {name} records it anew")
