"""What a person judged in passing, kept beside a character's dataset: pairs, probes and notes of NAME-spot.

Several consoles may save at once: whoever saves holds the folder for that long.
"""

import fcntl
import hashlib
import json
import os
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from engine.data.layout import seal_dataset
from engine.data.read import find_dataset, parse_line, read_jsonl, read_probes, read_prompts
from engine.errors import DatasetError
from engine.records.dataset import Message, Pair, Probe
from engine.store.journal import Journal, seal
from engine.store.paths import DatasetPaths, Workspace

SUFFIX = "-spot"
CATEGORY = SOURCE = "spot"


def name_spot(dataset: str) -> str:
    """The dataset that judgements about `dataset` go to; its own where it is one of these already."""
    return dataset if dataset.endswith(SUFFIX) else dataset + SUFFIX


def save_pair(
    workspace: Workspace, dataset: str, prompt: Sequence[Message], chosen: str, rejected: str, meta: dict[str, Any]
) -> Pair:
    """Append one preference and seal the rows anew; DatasetError where these two answers were judged before."""
    paths = _make_spot(workspace, dataset)
    messages = [{"role": m.role, "content": _mend(m.content)} for m in prompt]
    chosen, rejected = _mend(chosen), _mend(rejected)
    # the same answers the other way round have the same id: a preference and its opposite cannot both stand there
    name = "spot-" + _digest([messages, sorted((chosen.strip(), rejected.strip()))])
    row = {
        "id": name,
        "prompt": messages,
        "chosen": [{"role": "assistant", "content": chosen}],
        "rejected": [{"role": "assistant", "content": rejected}],
        "category": CATEGORY,
        "source": SOURCE,
        "meta": meta,
    }
    pair = Pair.parse(row, "this pair", DatasetError, fix="answer again; both answers say something, and not the same")
    with _hold(paths):
        _refuse_repeat(paths.pairs, Pair, name, pair.chosen[0].content)
        _append(paths.pairs, row)
        seal_dataset(workspace, paths.name, [str(meta["chosen"])] if "chosen" in meta else [])
    return pair


def save_probe(workspace: Workspace, dataset: str, messages: Sequence[Message], meta: dict[str, Any]) -> Probe:
    """Append a prompt to the probes; where it came from stands in a note."""
    paths = _make_spot(workspace, dataset)
    asked = [{"role": m.role, "content": _mend(m.content)} for m in messages]
    row = {"id": "spot-" + _digest(asked), "category": CATEGORY, "messages": asked}
    probe = Probe.parse(row, "this prompt", DatasetError)
    with _hold(paths):
        _refuse_repeat(paths.probes, Probe, probe.id)
        _append(paths.probes, row)
        _append(paths.notes, {"time": time.time(), "text": "saved as a probe", "probe": probe.id, "meta": meta})
    return probe


def save_note(workspace: Workspace, dataset: str, text: str, meta: dict[str, Any]) -> None:
    """Append what a person noticed."""
    if not text.strip():
        raise DatasetError("the note is empty", fix="type what there is to note")
    paths = _make_spot(workspace, dataset)
    with _hold(paths):
        _append(paths.notes, {"time": time.time(), "text": _mend(text), "meta": meta})


def read_questions(workspace: Workspace, dataset: str) -> list[Probe]:
    """The prompts and probes of a dataset, as many kinds as it has."""
    paths = find_dataset(workspace, dataset)
    prompts = read_prompts(paths.prompts) if paths.prompts.is_file() else []
    probes = read_probes(paths.probes) if paths.probes.is_file() else []
    return [*prompts, *probes]


def _make_spot(workspace: Workspace, dataset: str) -> DatasetPaths:
    """The folder, with the character whose rows they are; never the dataset that a run was trained on."""
    if not dataset or Path(dataset).name != dataset or dataset.startswith("."):
        raise DatasetError(f"'{dataset}' is no dataset's name", fix="name a folder of datasets/")
    paths = workspace.dataset(name_spot(dataset))
    paths.folder.mkdir(parents=True, exist_ok=True)
    character = workspace.dataset(dataset).character
    if character.is_file() and not paths.character.exists():
        shutil.copyfile(character, paths.character)
    return paths


@contextmanager
def _hold(paths: DatasetPaths) -> Iterator[None]:
    folder = os.open(paths.folder, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def _refuse_repeat(path: Path, kind: type[Pair] | type[Probe], name: str, chosen: str = "") -> None:
    _end_last_line(path)
    if not path.is_file() or not path.stat().st_size:
        return
    rows: Sequence[Pair | Probe] = read_jsonl(path, Pair) if kind is Pair else read_probes(path)
    before = next((row for row in rows if row.id == name), None)
    if before is None:
        return
    if isinstance(before, Pair) and before.chosen[0].content.strip() != chosen.strip():
        raise DatasetError(
            f"these two answers were saved the other way round, as {name} in {path}",
            fix=f"take that line out first, then charlab data seal {path.parent.name}",
        )
    raise DatasetError(f"saved already, as {name} in {path}", fix="nothing was changed")


def _end_last_line(path: Path) -> None:
    """End a last line that only lacks its end, as editors leave one; cut off what a crash left of a row."""
    if not path.is_file():
        return
    last = path.read_bytes().rpartition(b"\n")[2]
    with suppress(ValueError):
        if last.strip() and isinstance(parse_line(last), dict):
            with open(path, "ab") as file:
                file.write(b"\n")
    seal(path)


def _append(path: Path, row: dict[str, Any]) -> None:
    _end_last_line(path)
    journal = Journal(path)
    try:
        journal.append(json.loads(_mend(json.dumps(row, ensure_ascii=False))))
    finally:
        journal.close()


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]


def _mend(text: str) -> str:
    """Half a character, which a model may end with, is no text that a file can hold."""
    return text.encode("utf-8", "replace").decode()
