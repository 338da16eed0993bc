"""The very files that the base of a form was, so that others which took their place are told from them."""

from collections.abc import Iterable
from pathlib import Path

from engine.data.read import hash_file
from engine.models.locate import find_base_gguf, find_path
from engine.models.reference import parse_reference
from engine.records.forms import BaseFile, Form
from engine.store.paths import Workspace


def describe_base_files(base: str, workspace: Workspace, known: Iterable[BaseFile] = ()) -> list[BaseFile]:
    """With their hashes, taken over from `known` for a file of the same name, size and time: a large base takes minutes."""
    hashes = {(file.name, file.bytes, file.mtime_ns): file.sha256 for file in known}
    found = []
    for path in list_base_files(base, workspace):
        stat = path.stat()
        sha256 = hashes.get((path.name, stat.st_size, stat.st_mtime_ns)) or hash_file(path)
        found.append(BaseFile(name=path.name, sha256=sha256, bytes=stat.st_size, mtime_ns=stat.st_mtime_ns))
    return found


def is_same_base(form: Form, workspace: Workspace) -> bool:
    """Whether the base is still what the form was made on, as far as it lies here; only a touched file is read."""
    files = list_base_files(form.base, workspace)
    if [path.name for path in files] != [kept.name for kept in form.base_files]:
        return False
    return all(map(_is_same_file, files, form.base_files))


def list_base_files(base: str, workspace: Workspace) -> list[Path]:
    """Its weights and its GGUF; none for a hub id, of which the run names the revision."""
    found = set[Path]()
    if parse_reference(base).kind == "folder":
        folder = find_path(base, workspace)
        found.update(folder.glob("*.safetensors"), folder.glob("pytorch_model*.bin"))
    if (gguf := find_base_gguf(base, workspace)) is not None:
        found.add(gguf)
    return sorted(found)


def _is_same_file(path: Path, kept: BaseFile) -> bool:
    stat = path.stat()
    if stat.st_size != kept.bytes:
        return False
    return stat.st_mtime_ns == kept.mtime_ns or hash_file(path) == kept.sha256
