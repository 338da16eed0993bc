"""Append-only rows: one writer per file, any number of readers. Knows nothing of what the rows mean.

A row is one line of JSON and one os.write with O_APPEND. A reader keeps a byte offset and leaves an
unfinished line for next time.
"""

import errno
import json
import math
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any

from engine.errors import SpaceError, StoreError

_CHUNK = 1 << 16


class Journal:
    """The writer's end. `seal` first when an earlier writer may have died in the middle of a row."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)

    def append(self, row: dict[str, Any]) -> None:
        line = json.dumps(row, ensure_ascii=False, allow_nan=False, separators=(",", ":")) + "\n"
        data = _encode(line)
        with _disk(self.path):
            written = os.write(self._fd, data)
            if written != len(data):
                # the next row must not be glued to half of this one
                os.ftruncate(self._fd, os.fstat(self._fd).st_size - written)
        if written != len(data):
            raise SpaceError(
                f"{self.path}: only {written} of {len(data)} bytes went in", fix="free some disk, then charlab resume"
            )

    def close(self) -> None:
        os.close(self._fd)


def seal(path: Path) -> int:
    """Cut a torn last row off; returns how many bytes were cut."""
    if not path.exists():
        return 0
    with open(path, "r+b") as file:
        size = file.seek(0, os.SEEK_END)
        keep = size
        while keep > 0:
            start = max(0, keep - _CHUNK)
            file.seek(start)
            newline = file.read(keep - start).rfind(b"\n")
            if newline >= 0:
                keep = start + newline + 1
                break
            keep = start
        if keep != size:
            file.truncate(keep)
        return size - keep


class Tail:
    """The reader's end: each call to `read` yields the rows that were finished since the last."""

    def __init__(self, path: Path, offset: int = 0) -> None:
        self.path = path
        self.offset = offset
        self._file: IO[bytes] | None = None

    def read(self) -> Iterator[dict[str, Any]]:
        if self._file is None:
            try:
                self._file = open(self.path, "rb")  # noqa: SIM115  kept open between reads
            except FileNotFoundError:
                return
        if self._is_replaced():
            self.close()
            self._file = open(self.path, "rb")  # noqa: SIM115
        if os.fstat(self._file.fileno()).st_size < self.offset:
            # what is buffered is of the old file
            self.close()
            self.offset = 0
            self._file = open(self.path, "rb")  # noqa: SIM115
        self._file.seek(self.offset)
        for line in self._file:
            if not line.endswith(b"\n"):
                return
            self.offset += len(line)
            row = parse_row(line)
            if row is not None:
                yield row

    def _is_replaced(self) -> bool:
        """Whether another file lies there under the same name, as rsync leaves one."""
        assert self._file is not None
        try:
            return not os.path.samestat(os.stat(self.path), os.fstat(self._file.fileno()))
        except OSError:
            return False

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


def read_rows(path: Path) -> list[dict[str, Any]]:
    """All finished rows of a journal that a machine wrote; a line that is no object is passed over."""
    tail = Tail(path)
    try:
        return list(tail.read())
    finally:
        tail.close()


def read_last_lines(path: Path | str, limit: int = 1 << 14) -> list[bytes]:
    """The newest finished rows as they stand, oldest first, from the last `limit` bytes alone.

    At least one row where the file has one, however long it is.
    """
    try:
        fd = os.open(path, os.O_RDONLY)
    except OSError:
        return []
    try:
        size = os.fstat(fd).st_size
        data = os.pread(fd, limit, max(0, size - limit))
    finally:
        os.close(fd)
    lines = data[: data.rfind(b"\n") + 1].split(b"\n")[:-1]
    if size > limit:
        return lines[1:] or read_last_lines(path, 4 * limit)
    return lines


def read_last_rows(path: Path | str, count: int = 1, limit: int = 1 << 14) -> list[dict[str, Any]]:
    """Up to `count` of the newest finished rows, oldest first."""
    return [row for line in read_last_lines(path, limit)[-count:] if (row := parse_row(line)) is not None]


def parse_row(line: bytes) -> dict[str, Any] | None:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return row if isinstance(row, dict) else None


def read_time(path: Path) -> int:
    """When it was last written, in nanoseconds; 0 where it is not there."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def _encode(text: str) -> bytes:
    """As UTF-8; half a surrogate, which JSON from elsewhere may hold, becomes a question mark."""
    return text.encode("utf-8", "replace")


def write_atomic(path: Path, data: str | bytes, *, durable: bool = True) -> None:
    """Write beside, flush to disk, rename: a reader sees the old file or the whole new one.

    What may be lost with the power, such as a cache, need not be `durable` and is not waited for.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # by chance, not by pid: threads share theirs, and so may containers on one disk
    beside = path.with_name(f".{path.name}.{os.urandom(4).hex()}")
    with _disk(path):
        try:
            with open(beside, "wb") as file:
                file.write(_encode(data) if isinstance(data, str) else data)
                if durable:
                    file.flush()
                    os.fsync(file.fileno())
            os.replace(beside, path)
        finally:
            beside.unlink(missing_ok=True)


def write_json(path: Path, value: object) -> None:
    write_atomic(path, json.dumps(value, ensure_ascii=False, allow_nan=False, indent=1) + "\n")


def write_rows(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    write_atomic(path, "".join(json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n" for row in rows))


def read_json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_bytes())
    except FileNotFoundError as missing:
        raise StoreError(f"{path} is missing") from missing
    except (ValueError, RecursionError) as bad:
        raise StoreError(f"{path} is not JSON: {bad}") from bad
    if not isinstance(value, dict):
        raise StoreError(f"{path} holds no JSON object")
    return value


def finite(values: dict[str, float]) -> tuple[dict[str, float | None], list[str]]:
    """Values with each non-finite one turned to None, and the names of those."""
    bad = sorted(name for name, value in values.items() if not math.isfinite(value))
    return {name: None if name in bad else value for name, value in values.items()}, bad


class _disk:
    """Turns a full disk into an error that says so."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, value: BaseException | None, trace: object) -> None:
        if isinstance(value, OSError) and value.errno in (errno.ENOSPC, errno.EDQUOT):
            raise SpaceError(f"{self.path}: no disk left", fix="free some disk, then charlab resume") from value
