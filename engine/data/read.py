"""Reading a dataset's files: every row validated, every complaint with its file and line."""

import hashlib
import json
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from engine.errors import CharlabError, DatasetError
from engine.records.conversations import Conversation
from engine.records.dataset import Character, Manifest, Pair, Probe, Prompt
from engine.records.judging import Rubric
from engine.store.journal import read_json
from engine.store.paths import DatasetPaths, Workspace

Row = TypeVar("Row", Pair, Probe, Prompt)


def find_dataset(workspace: Workspace, name: str) -> DatasetPaths:
    paths = workspace.dataset(name)
    if not paths.folder.is_dir() or name == "":
        have = sorted(f.name for f in workspace.datasets.iterdir() if f.is_dir())
        raise DatasetError(f"no dataset '{name}' in {workspace.datasets}", fix=f"one of: {', '.join(have) or 'none'}")
    return paths


def read_pairs(paths: DatasetPaths) -> list[Pair]:
    """The preference rows, after checking that they are the ones the manifest was written for."""
    pairs = read_jsonl(paths.pairs, Pair)
    manifest = read_manifest(paths)
    found = hash_file(paths.pairs)
    if manifest.sha256 != found:
        raise DatasetError(
            f"{paths.pairs} is not what {paths.manifest.name} was written for (sha256 {found[:12]}, not {manifest.sha256[:12]})",
            fix=f"charlab data check {paths.name}, then charlab data seal {paths.name}",
        )
    return pairs


def read_manifest(paths: DatasetPaths) -> Manifest:
    if not paths.manifest.is_file():
        raise DatasetError(f"{paths.manifest} is missing", fix=f"charlab data seal {paths.name}")
    return Manifest.parse(read_json(paths.manifest), str(paths.manifest), DatasetError)


def read_probes(path: Path) -> list[Probe]:
    return read_jsonl(path, Probe)


def read_prompts(path: Path) -> list[Prompt]:
    return read_jsonl(path, Prompt, choose_prompt)


def choose_prompt(data: object) -> type[Prompt]:
    """What a row of a prompt set is: one that says what its answers must keep to is a Conversation."""
    return Conversation if isinstance(data, dict) and "expects" in data else Prompt


def read_character(paths: DatasetPaths) -> Character:
    fix = "charlab new-character lays one out"
    try:
        data = tomllib.loads(paths.character.read_text("utf-8"))
    except FileNotFoundError as missing:
        raise DatasetError(f"{paths.character} is missing", fix=fix) from missing
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as bad:
        raise DatasetError(f"{paths.character}: {bad}") from bad
    return Character.parse(data, str(paths.character), DatasetError)


def read_rubric_file(path: Path) -> Rubric:
    fix = "name a rubric that is there, or write one like datasets/madison/rubric.toml"
    try:
        data = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError as missing:
        raise DatasetError(f"{path} is missing", fix=fix) from missing
    except OSError as bad:
        raise DatasetError(f"{path} cannot be read: {bad.strerror}", fix=fix) from bad
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as bad:
        raise DatasetError(f"{path}: {bad}", fix="mend the line; the file is TOML in UTF-8") from bad
    return Rubric.parse(data, str(path), DatasetError, fix="see datasets/madison/rubric.toml")


def read_jsonl(path: Path, kind: type[Row], choose: Callable[[Any], type[Row]] | None = None) -> list[Row]:
    """Every row as a `kind`, or as what `choose` picks for it; DatasetError with file and line at the first that is none, or at a second row of one id."""
    rows: list[Row] = []
    lines: dict[str, int] = {}
    for number, data in read_lines(path, DatasetError, f"put the rows of {path.parent.name} there"):
        row = (choose(data) if choose else kind).parse(
            data, f"{path} line {number}", DatasetError, fix=f"mend line {number}"
        )
        if row.id in lines:
            raise DatasetError(
                f"{path} line {number}: id '{row.id}' stands already on line {lines[row.id]}", fix="ids are unique"
            )
        lines[row.id] = number
        rows.append(row)
    if not rows:
        raise DatasetError(f"{path} holds no rows", fix="add at least one")
    return rows


def read_lines(path: Path, error: type[CharlabError], missing: str, shape: str = "") -> list[tuple[int, Any]]:
    """The lines that hold anything, with their numbers; `error` with file and line at the first that is not JSON."""
    try:
        raw = path.read_bytes()
    except FileNotFoundError as bad:
        raise error(f"{path} is missing", fix=missing) from bad
    except OSError as bad:
        raise error(f"{path} cannot be read: {bad.strerror}", fix=missing) from bad
    found = []
    for number, line in enumerate(raw.split(b"\n"), 1):
        if not line.strip():
            continue
        try:
            found.append((number, parse_line(line)))
        except ValueError as bad:
            fix = f"mend line {number}{'; ' if shape else ''}{shape}"
            raise error(f"{path} line {number} is not JSON: {bad}", fix=fix) from bad
    return found


def parse_line(line: bytes) -> Any:
    """What a line says, a mark of byte order aside; ValueError where it is not JSON, or holds half a character."""
    try:
        data = json.loads(line.removeprefix(b"\xef\xbb\xbf").decode())
        if b"\\u" in line:
            # half a surrogate pair is no text: no tokenizer takes it, and no file could hold it again
            json.dumps(data, ensure_ascii=False).encode()
    except RecursionError as deep:
        raise ValueError("it is nested too deep") from deep
    except UnicodeEncodeError as half:
        raise ValueError("it holds half of a character, which no file or tokenizer takes") from half
    return data


def hash_file(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
