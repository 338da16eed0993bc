"""What is made once: whole or not at all, and never twice."""

from pathlib import Path

import pytest

from engine.errors import StoreError
from engine.store.once import make_once


def write(beside: Path) -> None:
    beside.mkdir()
    (beside / "sign").write_text("whole")


def test_a_folder_is_made_once(tmp_path: Path) -> None:
    folder = make_once(tmp_path / "kept" / "one", "sign", write)
    assert (folder / "sign").read_text() == "whole"
    assert make_once(folder, "sign", lambda _: pytest.fail("again")) == folder
    assert [p.name for p in folder.parent.iterdir()] == ["one"]


def test_what_failed_leaves_nothing(tmp_path: Path) -> None:
    def fail(beside: Path) -> None:
        write(beside)
        raise OSError("no space left")

    with pytest.raises(OSError, match="no space"):
        make_once(tmp_path / "one", "sign", fail)
    assert list(tmp_path.iterdir()) == []


def test_who_is_overtaken_takes_what_the_faster_made(tmp_path: Path) -> None:
    def overtake(beside: Path) -> None:
        write(beside)
        write(tmp_path / "one")
        (tmp_path / "one" / "sign").write_text("faster")

    assert (make_once(tmp_path / "one", "sign", overtake) / "sign").read_text() == "faster"


def test_a_folder_that_cannot_take_its_place_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "debris").touch()
    with pytest.raises(StoreError, match="lies there without sign"):
        make_once(tmp_path / "one", "sign", write)
