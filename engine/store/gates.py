"""Gates that were checked, by name: what each found, in which files, and who confirmed it."""

import re
import time
from pathlib import Path

from engine.data.read import hash_file
from engine.errors import InputError, StoreError
from engine.records.base import Record
from engine.stats.gate import Confirmation, Gate
from engine.store.journal import read_json, write_json
from engine.store.paths import Workspace


class FileUse(Record):
    path: str
    """As it was given."""
    sha256: str


class KeptGate(Record):
    name: str
    created: float
    gate: Gate
    files: dict[str, FileUse]
    """By the option that named each."""
    accepted: list[str]
    """What was let through without proof, by name."""
    confirmation: Confirmation | None
    notes: list[str]


def find_gate(workspace: Workspace, name: str) -> Path:
    if not re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,47}", name):
        raise StoreError(f"{name!r:.60} cannot name a gate", fix="lower-case letters, digits, '.', '_' and '-'")
    return workspace.gate(name)


def describe_file(path: Path) -> FileUse:
    if not path.is_file():
        raise InputError(f"{path} is no file that could be looked at again", fix="name a file that exists")
    return FileUse(path=str(path), sha256=hash_file(path))


def keep_gate(
    workspace: Workspace,
    name: str,
    gate: Gate,
    files: dict[str, FileUse],
    accepted: list[str],
    confirmation: Confirmation | None,
    notes: list[str],
) -> Path:
    """Record what a gate found, in place of what was found under that name before."""
    path = find_gate(workspace, name)
    kept = KeptGate(
        name=name,
        created=time.time(),
        gate=gate,
        files=files,
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
