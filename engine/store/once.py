"""Folders of the cache that are made once: complete or absent."""

import tempfile
from collections.abc import Callable
from pathlib import Path

from engine.errors import StoreError


def make_once(folder: Path, sign: str, write: Callable[[Path], None]) -> Path:
    """`folder`, which `write` fills unless its file `sign` lies there already.

    Written beside it and renamed when whole, so that two at once are safe: the first wins, both write the same.
    """
    if (folder / sign).is_file():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}.", dir=folder.parent) as room:
        beside = Path(room) / folder.name
        write(beside)
        try:
            beside.rename(folder)
        except OSError as there:
            if not (folder / sign).is_file():
                raise StoreError(f"{folder} lies there without {sign}", fix="delete it: it is made again") from there
    return folder
