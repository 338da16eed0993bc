"""A file or folder complete or absent: written beside, renamed when whole, gone when it failed."""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.errors import SpaceError


@contextmanager
def write_beside(target: Path) -> Iterator[Path]:
    """Give a free path next to `target` that takes its place once the block has ended well.

    What stood there goes. Of two writers the last wins.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = target.with_name(f".{target.name}.{os.getpid()}")
    _remove(beside)
    try:
        yield beside
        if beside.is_dir() and target.exists():
            _remove(target)
        os.replace(beside, target)
    except OSError as full:
        if full.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise SpaceError(f"{target}: no disk left", fix="free some disk, then the same command again") from full
    finally:
        _remove(beside)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
