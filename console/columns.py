"""The column cache of one run: its metrics file read once, and as arrays from then on.

A cache may always be deleted; one that does not fit its metrics file is not used. Building one takes
seconds for a long run, so it happens in a process of its own: python -m console.columns RUN_FOLDER.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import subprocess
import sys
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from console.history import AXES, History
from engine.errors import SpaceError
from engine.store.journal import parse_row, read_json, write_atomic
from engine.store.paths import RunPaths, cache_folder
from panels.axis import Axis
from panels.series import Series

if TYPE_CHECKING:
    import polars as pl

VERSION = 1
WORTH_BYTES = 1 << 20
"""A smaller metrics file is read as quickly as its cache."""
PROOF_BYTES = 4096
SKETCH_CHUNKS, SKETCH_BYTES = 96, 6 << 10


def load_history(paths: RunPaths) -> tuple[History, int] | None:
    """The cached history and the bytes of metrics.jsonl that it covers; None where there is none that fits."""
    for path in cache_paths(paths):
        try:
            data = path.read_bytes()
        except OSError:
            continue
        end = data.find(b"\n")
        try:
            told = json.loads(data[:end])
            if told["version"] == VERSION and told["proof"] == prove(paths.metrics, told["offset"]):
                return History.load(told["history"], memoryview(data)[end + 1 :]), told["offset"]
        except (OSError, ValueError, KeyError, TypeError, IndexError):
            continue  # of another version, cut short, or no cache at all
    return None


def save_history(paths: RunPaths, history: History, offset: int) -> None:
    """Write the cache under the run, or in the user's cache folder where that is read-only or full."""
    told, parts = history.dump()
    head = {"version": VERSION, "offset": offset, "proof": prove(paths.metrics, offset), "history": told}
    data = json.dumps(head).encode() + b"\n" + b"".join(part.tobytes() for part in parts)
    for path in cache_paths(paths):
        try:
            write_atomic(path, data, durable=False)
        except (OSError, SpaceError):
            continue
        return


def cache_paths(paths: RunPaths) -> tuple[Path, Path]:
    name = hashlib.sha256(os.fsencode(paths.folder.absolute())).hexdigest()[:24]
    return paths.columns, cache_folder() / "columns" / name


def prove(metrics: Path, offset: int) -> str:
    """A hash of the file's first and last bytes before `offset`: another file, or a rewritten one, has another."""
    digest = hashlib.sha256(str(offset).encode())
    with open(metrics, "rb") as file:
        digest.update(file.read(min(offset, PROOF_BYTES)))
        file.seek(max(0, offset - PROOF_BYTES))
        digest.update(file.read(min(offset, PROOF_BYTES)))
    return digest.hexdigest()


def build_in_process(paths: RunPaths) -> bool:
    """Build the cache in a process of its own, so that this one's threads go on; False where it failed."""
    words = [sys.executable, "-m", "console.columns", str(paths.folder)]
    done = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return done.returncode == 0


def sketch_history(paths: RunPaths, created: float) -> History:
    """A first look at a long file: the rows of about a hundred places spread over it, the newest among them."""
    history = History(created)
    for line in _sampled_lines(paths.metrics):
        if (row := parse_row(line)) is not None:
            history.take(row)
    return history


def _sampled_lines(path: Path) -> Iterator[bytes]:
    size = path.stat().st_size
    with open(path, "rb") as file:
        for chunk in range(SKETCH_CHUNKS + 1):
            start = max(0, size - SKETCH_BYTES) * chunk // SKETCH_CHUNKS
            file.seek(start)
            data = file.read(SKETCH_BYTES)
            first = data.find(b"\n") + 1 if start else 0
            yield from data[first : data.rfind(b"\n") + 1].splitlines()


def read_history(paths: RunPaths, created: float) -> tuple[History, int]:
    """The whole metrics file as a history, and the bytes it took."""
    with open(paths.metrics, "rb") as file:
        data = file.read()
    data = data[: data.rfind(b"\n") + 1]
    try:
        history = _read_columns(data, created)
    except Exception:  # polars reads well-formed files only; the plain reader passes over what is not
        history = History(created)
        for line in data.splitlines():
            if (row := parse_row(line)) is not None:
                history.take(row)
    return history, len(data)


def _read_columns(data: bytes, created: float) -> History:
    import polars as pl

    frame = _parse(data)
    last = frame.row(-1, named=True)
    newest = int(last["attempt"])
    kept = pl.lit(True)
    for attempt, first in frame.group_by("attempt").agg(pl.col("step").min()).iter_rows():
        kept = kept & ((pl.col("attempt") >= attempt) | (pl.col("step") < first))
    frame = frame.filter(kept)
    if not frame["step"].is_sorted():
        raise ValueError("steps fall within an attempt")
    history = History(created)
    history.attempt, history.step, history.time = newest, int(last["step"]), float(last["time"])
    values = frame["values"].struct.unnest()
    # few rows name any, so that the others need not be asked for each metric
    bad = frame["nonfinite"] if frame["nonfinite"].dtype == pl.List(pl.String) else None
    named = set() if bad is None else set(bad.filter(bad.list.len() > 0).explode().to_list())
    steps = frame["step"].cast(pl.Float64)
    for name in values.columns:
        column = values[name]
        if not column.dtype.is_numeric():
            continue
        there = column.is_not_null()
        if bad is not None and name in named:
            there = there | bad.list.contains(name)
        # an infinity is what the series takes for a bad point
        held = column.filter(there).cast(pl.Float64).fill_null(float("inf"))
        if not len(held):
            continue
        x, y = _to_array(steps.filter(there)), _to_array(held)
        history.series[name] = series = Series()
        series.extend(x, y)
        history.values[name] = y[-1] if math.isfinite(y[-1]) else None
        if name in AXES:
            whole = column.is_not_null()
            history.axes[name] = _make_axis(steps.filter(whole), column.filter(whole).cast(pl.Float64))
    history.axes["time"] = _make_axis(steps, frame["time"] - created)
    return history


def _parse(data: bytes) -> pl.DataFrame:
    """The rows as a frame. The names of metrics are learnt from a sample, which halves the time.

    They are all where the file has no more keys than the frame has values; else every row is asked for its names.
    """
    import polars as pl

    ends = (data[: 1 << 20], data[len(data) // 2 :][: 1 << 20], data[-(1 << 20) :])
    lines = [line for part in ends for line in part[part.find(b"{") :].splitlines() if line[:1] == b"{"]
    rows = [row for line in lines if (row := parse_row(line)) is not None]
    names = dict.fromkeys(name for row in rows for name in row["values"])
    schema: dict[str, Any] = {
        "attempt": pl.Int64, "step": pl.Int64, "time": pl.Float64,
        "values": pl.Struct(dict.fromkeys(names, pl.Float64)), "nonfinite": pl.List(pl.String),
    }  # fmt: skip
    frame = pl.read_ndjson(data, schema=schema)
    values = frame["values"].struct.unnest()
    held = sum(values[name].count() for name in values.columns) + int(frame["nonfinite"].list.len().sum())
    if data.count(b'":') == len(schema) * len(frame) + held:
        return frame
    return pl.read_ndjson(data, infer_schema_length=None)


def _make_axis(steps: pl.Series, units: pl.Series) -> Axis:
    return Axis.load([_to_array(steps), _to_array(units.cum_max())])


def _to_array(column: pl.Series) -> array[float]:
    found: array[float] = array("d")
    found.frombytes(column.to_numpy().tobytes())
    return found


def main(folder: str) -> None:
    paths = RunPaths(Path(folder))
    created: Any = read_json(paths.run)["created"]
    history, offset = read_history(paths, float(created))
    save_history(paths, history, offset)


if __name__ == "__main__":
    main(sys.argv[1])
