"""A changed recipe as a command line: its file, and a --set for each value that differs."""

import re
import shlex
from typing import Any

from panels.fields import Problem, look_up, read_fields, read_literal, read_toml
from panels.toml_lines import Path, to_literal

LENGTHS: dict[Path, Path] = {("optim", "steps"): ("optim", "epochs"), ("optim", "epochs"): ("optim", "steps")}
"""Two names of one thing: giving one takes the other away, as --set does."""
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9._:/@-]*")


def write_twin(path: str, saved: str, text: str) -> str:
    """`charlab train PATH` with a --set for each value that differs from the file; '' where --set cannot say it."""
    command = f"charlab train {shlex.quote(path)}"
    before, now = read_toml(saved), read_toml(text)
    if isinstance(now, Problem):
        return ""
    if isinstance(before, Problem):
        return command if saved == text else ""
    old, new = list_values(before), list_values(now)
    changed = {
        key: value for key, value in new.items() if old.get(key) != value or type(old.get(key)) is not type(value)
    }
    gone = old.keys() - new.keys() - {LENGTHS[key] for key in changed if key in LENGTHS}
    if gone:
        return ""
    settings = (shlex.quote(f"{'.'.join(key)}={write_setting(value)}") for key, value in changed.items())
    return " ".join([command, *(f"--set {s}" for s in settings)])


def write_setting(value: Any) -> str:
    """A value as --set reads it back: a plain word bare, all else as TOML."""
    if isinstance(value, str) and _WORD.fullmatch(value) and read_literal(value) is None:
        return value
    return to_literal(value)


def list_values(data: dict[str, Any]) -> dict[Path, Any]:
    """The values of all keys of a recipe that are set."""
    return {f.path: value for f in read_fields() if (value := look_up(data, f.path)) is not None}
