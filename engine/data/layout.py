"""Making what a person fills in: a workspace, a character of one's own, the manifest of its rows."""

import json
import re
import shutil
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from engine.data.audit import Leak, Text, find_leaks, find_near, list_asked, list_rows
from engine.data.character_template import CHARACTER, CONSTITUTION, PAIR, PROBES, PROMPT, RECIPE, RUBRIC
from engine.data.read import find_dataset, hash_file, read_jsonl, read_manifest, read_probes, read_prompts
from engine.errors import DatasetError, StoreError
from engine.records.dataset import Manifest, Pair
from engine.store.journal import write_atomic, write_json
from engine.store.paths import DatasetPaths, Workspace


def make_workspace(folder: Path) -> Workspace:
    """A new workspace with the bundled character and its recipes; StoreError where one stands already."""
    folder = folder.absolute()
    if (folder / "runs").exists() or (folder / "datasets").exists():
        raise StoreError(f"{folder} already holds runs/ or datasets/", fix="name another folder; nothing was changed")
    seed = find_seed()
    room = Workspace(folder)
    shutil.copytree(seed / "datasets" / "madison", room.dataset("madison").folder)
    room.recipes.mkdir(parents=True)
    for recipe in sorted((seed / "runs" / "recipes").glob("*.toml")):
        shutil.copy(recipe, room.recipes)
    ignore = folder / ".gitignore"
    before = ignore.read_text("utf-8").rstrip("\n") + "\n" if ignore.is_file() else ""
    write_atomic(ignore, before + "runs/*\n!runs/recipes/\n")
    return room


def find_seed() -> Path:
    """Where Madison lies: the checkout that charlab runs from, else what its wheel installed."""
    for folder in (Path(__file__).resolve().parents[2], Path(sys.prefix) / "share" / "charlab"):
        if (folder / "datasets" / "madison" / "dataset.json").is_file():
            return folder
    raise StoreError("this installation holds no bundled character", fix="install charlab again")


def lay_out_character(workspace: Workspace, name: str) -> DatasetPaths:
    """Folder, recipe and one example row of each kind for a new character."""
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,40}", name):
        raise DatasetError(f"'{name}' cannot name a character", fix="lower-case letters, digits and hyphens")
    paths = workspace.dataset(name)
    recipe = workspace.recipes / f"{name}-orpo.toml"
    if taken := next((p for p in (paths.folder, recipe) if p.exists()), None):
        raise DatasetError(f"{taken} stands already", fix="choose another name; nothing was changed")
    write_atomic(paths.character, CHARACTER.replace("NAME", name))
    write_atomic(paths.constitution, CONSTITUTION)
    write_atomic(paths.rubric, RUBRIC.replace("NAME", name))
    write_atomic(paths.pairs, _line(PAIR))
    write_atomic(paths.prompts, _line(PROMPT))
    write_atomic(paths.probes, "".join(_line(p) for p in PROBES))
    write_atomic(recipe, RECIPE.replace("NAME", name))
    return paths


def seal_dataset(workspace: Workspace, name: str, made_by: Sequence[str] = ()) -> Manifest:
    """Write dataset.json for the rows as they are, after validating every one; `made_by` joins its lineage."""
    paths = find_dataset(workspace, name)
    pairs = read_jsonl(paths.pairs, Pair)
    earlier = read_manifest(paths) if paths.manifest.is_file() else None
    manifest = Manifest(
        name=name,
        lineage=list(dict.fromkeys([*(earlier.lineage if earlier else []), *made_by])),
        licence=earlier.licence if earlier else "",
        rows=len(pairs),
        sha256=hash_file(paths.pairs),
        categories=dict(Counter(p.category for p in pairs)),
    )
    write_json(paths.manifest, manifest.to_json())
    return manifest


def audit_dataset(workspace: Workspace, name: str, sealed: list[str], meaning: bool = False) -> list[Leak]:
    """Rows that repeat a prompt of the `sealed` datasets by their words, and by an embedding if asked."""
    rows = list_rows(read_jsonl(find_dataset(workspace, name).pairs, Pair))
    leaks = []
    for other in sealed:
        prompts = read_sealed(workspace, other)
        leaks += find_leaks(rows, prompts) + (find_near(rows, prompts) if meaning else [])
    return leaks


def read_sealed(workspace: Workspace, name: str) -> list[Text]:
    """What the prompts and probes of a dataset ask, which training rows must not repeat; DatasetError without any."""
    paths = find_dataset(workspace, name)
    sealed: list[Text] = []
    if paths.prompts.is_file():
        sealed += list_asked(read_prompts(paths.prompts))
    if paths.probes.is_file():
        sealed += list_asked(read_probes(paths.probes))
    if not sealed:
        raise DatasetError(
            f"{name} holds no prompts and no probes, so nothing of it is sealed",
            fix=f"put prompts.jsonl or probes.jsonl into {paths.folder}, or seal another dataset",
        )
    return sealed


def _line(row: dict[str, object]) -> str:
    return json.dumps(row, ensure_ascii=False) + "\n"
