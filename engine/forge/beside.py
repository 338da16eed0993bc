"""A file or folder complete or absent: written beside, renamed when whole, gone when it failed."""

import errno
import fcntl
import glob
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.errors import SpaceError

_LOCK = "lock"


@contextmanager
def write_beside(target: Path) -> Iterator[Path]:
    """Give a free path on the same disk that takes the place of `target` once the block has ended well.

    What stood there goes. Of two writers the last wins. What one that was killed left behind goes with the next.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _sweep(target)
        with _hold_folder(target) as folder:
            beside = folder / target.name
            yield beside
            if beside.is_dir() and target.exists():
                _remove(target)
            os.replace(beside, target)
    except OSError as full:
        if full.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise SpaceError(f"{target}: no disk left", fix="free some disk, then the same command again") from full


@contextmanager
def _hold_folder(target: Path) -> Iterator[Path]:
    """A folder near `target`, gone afterwards; its lock says that somebody writes there, and ends with this process."""
    # locked before it has the name by which others look for what was left
    folder = Path(tempfile.mkdtemp(prefix=".new.", dir=target.parent))
    try:
        with open(folder / _LOCK, "wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            folder = folder.rename(target.with_name(f".{target.name}.{folder.name.removeprefix('.new.')}"))
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _sweep(target: Path) -> None:
    """Remove what writers of `target` left that are no more."""
    for folder in target.parent.glob(f".{glob.escape(target.name)}.*"):
        try:
            with open(folder / _LOCK, "r+b") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            continue
        shutil.rmtree(folder, ignore_errors=True)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
