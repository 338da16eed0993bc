"""What is written beside is there whole or not at all, whoever was killed over it."""

import subprocess
import sys
from pathlib import Path

import pytest

from engine.forge.beside import write_beside

ROOT = Path(__file__).resolve().parents[3]
WRITER = """
import sys, time
from pathlib import Path
from engine.forge.beside import write_beside
with write_beside(Path(sys.argv[1])) as beside:
    beside.mkdir()
    (beside / "half").write_text("half of it")
    print("written", flush=True)
    sys.stdin.read()
"""


def start_writer(target: Path) -> "subprocess.Popen[str]":
    """A process that holds half of `target` until its standard input is closed."""
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(target)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert writer.stdout is not None
    assert writer.stdout.readline() == "written\n"
    return writer


def test_what_a_killed_writer_left_goes_with_the_next(tmp_path: Path) -> None:
    target = tmp_path / "q8_0"
    writer = start_writer(target)
    writer.kill()
    writer.communicate()
    assert [f.name.startswith(".q8_0.") for f in tmp_path.iterdir()] == [True]
    with write_beside(target) as beside:
        beside.write_text("whole")
    assert [f.name for f in tmp_path.iterdir()] == ["q8_0"]
    assert target.read_text() == "whole"


def test_what_another_still_writes_is_left_to_it_and_of_two_the_last_wins(tmp_path: Path) -> None:
    target = tmp_path / "q8_0"
    writer = start_writer(target)
    with write_beside(target) as beside:
        beside.write_text("whole")
    assert target.read_text() == "whole"
    writer.communicate()
    assert writer.returncode == 0
    assert [f.name for f in tmp_path.iterdir()] == ["q8_0"]
    assert (target / "half").read_text() == "half of it"


def test_what_failed_is_gone_and_what_stood_there_stays(tmp_path: Path) -> None:
    target = tmp_path / "model.gguf"
    target.write_text("old")
    with pytest.raises(UnicodeEncodeError), write_beside(target) as beside:
        beside.write_text("half \ud83d")
    assert [f.name for f in tmp_path.iterdir()] == ["model.gguf"]
    assert target.read_text() == "old"
