"""rows.jsonl: the very rows that a run trains on, so that its dataset may go on changing."""

from pathlib import Path

from engine.data.split import Split, upsample
from engine.errors import StoreError
from engine.records.dataset import Pair
from engine.store.journal import read_rows, write_rows


def write_rows_file(path: Path, split: Split, times: dict[str, int]) -> None:
    rows = [{**p.to_json(), "split": "train", "times": times.get(p.category, 1)} for p in split.train]
    rows += [{**p.to_json(), "split": "heldout", "times": 1} for p in split.heldout]
    write_rows(path, rows)


def read_rows_file(path: Path) -> Split:
    """The split as it was resolved, training rows repeated as the recipe's [upsample] says."""
    split = Split([], [])
    times: dict[str, int] = {}
    for number, row in enumerate(read_rows(path), 1):
        part, times_seen = row.pop("split", None), row.pop("times", 1)
        pair = Pair.parse(row, f"{path} line {number}", StoreError)
        times[pair.category] = times_seen if part == "train" else times.get(pair.category, 1)
        (split.train if part == "train" else split.heldout).append(pair)
    return Split(upsample(split.train, times), split.heldout)
