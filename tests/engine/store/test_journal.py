"""What journals and atomic files promise: whole rows or none, and nothing lost that was there before."""

import json
import math
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from engine.errors import SpaceError, StoreError
from engine.store.journal import (
    Journal,
    Tail,
    finite,
    parse_row,
    read_json,
    read_last_rows,
    read_rows,
    seal,
    write_atomic,
    write_json,
    write_rows,
)

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="counts system calls and fills disks as Linux does")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "events.jsonl"


def count_writes() -> int:
    """Calls of write that this thread has made."""
    with open("/proc/thread-self/io") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("syscw:"))


def run_with_small_files(code: str, *words: str) -> str:
    """Run `code` in a process that may write no file beyond 4,096 bytes; returns what it printed."""
    limit = "import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
    done = subprocess.run(
        [sys.executable, "-c", limit + code, *words],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=Path(__file__).parents[3],
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@linux_only
def test_each_row_is_one_write_however_long(path: Path) -> None:
    journal = Journal(path)
    for text in ("short", "long " * 200_000):
        before = count_writes()
        journal.append({"text": text})
        assert count_writes() - before == 1
    journal.close()
    assert [len(row["text"]) for row in read_rows(path)] == [5, 1_000_000]


def test_rows_of_two_threads_never_mix(path: Path) -> None:
    journal = Journal(path)

    def write(name: str) -> None:
        for number in range(200):
            journal.append({"name": name, "number": number, "filling": name * 5000})

    threads = [threading.Thread(target=write, args=(name,)) for name in ("a", "b")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    journal.close()
    rows = [json.loads(line) for line in path.read_bytes().splitlines()]
    for name in ("a", "b"):
        assert [r["number"] for r in rows if r["name"] == name] == list(range(200))
    assert all(row["filling"] == row["name"] * 5000 for row in rows)


def test_a_row_is_one_line_of_compact_json(path: Path) -> None:
    journal = Journal(path)
    journal.append({"text": "Montpelier\nis “fair”", "n": 1})
    journal.append({"text": "", "n": None})
    journal.close()
    assert path.read_text("utf-8") == '{"text":"Montpelier\\nis “fair”","n":1}\n{"text":"","n":null}\n'


def test_a_new_writer_goes_on_where_the_last_one_ended(path: Path) -> None:
    for attempt in (1, 2):
        journal = Journal(path)
        journal.append({"attempt": attempt})
        journal.close()
    assert read_rows(path) == [{"attempt": 1}, {"attempt": 2}]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_row_with_a_non_finite_number_is_refused_and_nothing_is_written(path: Path, value: float) -> None:
    journal = Journal(path)
    with pytest.raises(ValueError, match="not JSON compliant"):
        journal.append({"values": {"loss": value}})
    journal.close()
    assert path.read_bytes() == b""


def test_finite_turns_non_finite_values_to_none_and_names_them_in_order() -> None:
    values = {"loss": math.nan, "lr": 1e-3, "grad_norm": math.inf, "margin": -math.inf, "step": 0.0}
    clean, bad = finite(values)
    assert clean == {"loss": None, "lr": 1e-3, "grad_norm": None, "margin": None, "step": 0.0}
    assert bad == ["grad_norm", "loss", "margin"]
    assert finite({"loss": 2.5}) == ({"loss": 2.5}, [])


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_an_error_that_says_so() -> None:
    journal = Journal(Path("/dev/full"))
    with pytest.raises(SpaceError, match="/dev/full: no disk left") as full:
        journal.append({"step": 1})
    journal.close()
    assert full.value.fix == "free some disk, then charlab resume"


@linux_only
def test_a_row_that_went_in_only_in_part_is_a_full_disk_too_and_spoils_no_later_row(path: Path) -> None:
    told = run_with_small_files(
        "import sys\n"
        "from pathlib import Path\n"
        "from engine.errors import SpaceError\n"
        "from engine.store.journal import Journal\n"
        "journal = Journal(Path(sys.argv[1]))\n"
        "journal.append({'step': 1})\n"
        "try:\n"
        "    journal.append({'text': 'x' * 5000})\n"
        "except SpaceError as error:\n"
        "    print(error.message)\n"
        "journal.append({'step': 2})\n",
        str(path),
    )
    assert told.endswith("only 4085 of 5012 bytes went in")
    assert path.read_bytes() == b'{"step":1}\n{"step":2}\n'


@pytest.mark.parametrize("torn", [b'{"b":', b"x", b'{"b":2}', b"y" * 200_000])
def test_seal_cuts_a_torn_last_row_off_and_keeps_the_rest(path: Path, torn: bytes) -> None:
    path.write_bytes(b'{"a":1}\n{"a":2}\n' + torn)
    assert seal(path) == len(torn)
    assert path.read_bytes() == b'{"a":1}\n{"a":2}\n'
    assert seal(path) == 0


def test_seal_empties_a_file_that_is_one_torn_row(path: Path) -> None:
    path.write_bytes(b"z" * 70_000)
    assert seal(path) == 70_000
    assert path.read_bytes() == b""


def test_seal_leaves_whole_and_missing_files_alone(path: Path) -> None:
    assert seal(path) == 0
    assert not path.exists()
    path.write_bytes(b'{"a":1}\n')
    assert seal(path) == 0
    assert path.read_bytes() == b'{"a":1}\n'


def test_a_tail_yields_what_was_finished_since_the_last_read(path: Path) -> None:
    tail, journal = Tail(path), Journal(path)
    assert list(tail.read()) == []
    journal.append({"n": 1})
    journal.append({"n": 2})
    assert list(tail.read()) == [{"n": 1}, {"n": 2}]
    assert list(tail.read()) == []
    journal.append({"n": 3})
    assert list(tail.read()) == [{"n": 3}]
    tail.close()
    journal.close()


def test_a_tail_waits_for_a_file_that_is_not_there_yet(path: Path) -> None:
    tail = Tail(path)
    assert list(tail.read()) == []
    path.write_bytes(b'{"n":1}\n')
    assert list(tail.read()) == [{"n": 1}]
    tail.close()


def test_a_torn_last_row_is_left_for_next_time(path: Path) -> None:
    path.write_bytes(b'{"n":1}\n{"n":')
    tail = Tail(path)
    assert list(tail.read()) == [{"n": 1}]
    assert list(tail.read()) == []
    with open(path, "ab") as file:
        file.write(b'2}\n{"n":3}\n')
    assert list(tail.read()) == [{"n": 2}, {"n": 3}]
    tail.close()


def test_a_torn_row_that_was_sealed_and_written_over_is_read_anew(path: Path) -> None:
    path.write_bytes(b'{"n":1}\n{"lost":')
    tail = Tail(path)
    assert list(tail.read()) == [{"n": 1}]
    seal(path)
    with open(path, "ab") as file:
        file.write(b'{"n":2}\n')
    assert list(tail.read()) == [{"n": 2}]
    tail.close()


def test_a_file_truncated_under_a_tail_is_read_from_its_start(path: Path) -> None:
    path.write_bytes(b'{"n":1}\n{"n":2}\n')
    tail = Tail(path)
    assert len(list(tail.read())) == 2
    path.write_bytes(b'{"m":1}\n')
    assert list(tail.read()) == [{"m": 1}]
    tail.close()


def test_a_file_truncated_under_a_tail_that_was_read_by_half_is_read_from_its_start(path: Path) -> None:
    path.write_bytes(b'{"n":1}\n{"n":2}\n{"n":3}\n')
    tail = Tail(path)
    rows = tail.read()
    assert (next(rows), next(rows)) == ({"n": 1}, {"n": 2})
    path.write_bytes(b'{"m":1}\n')
    assert list(tail.read()) == [{"m": 1}]
    tail.close()


def test_a_tail_goes_on_from_an_offset_that_was_kept(path: Path) -> None:
    path.write_bytes(b'{"n":1}\n{"n":2}\n')
    first = Tail(path)
    assert next(first.read()) == {"n": 1}
    first.close()
    second = Tail(path, first.offset)
    assert list(second.read()) == [{"n": 2}]
    assert second.offset == 16
    second.close()


def test_lines_that_hold_no_object_are_passed_over(path: Path) -> None:
    path.write_bytes(b'{"n":1}\n[1]\n\nnot json\n\xff\n"word"\n{"n":2}\n')
    assert read_rows(path) == [{"n": 1}, {"n": 2}]


def test_a_line_nested_beyond_reading_is_no_row() -> None:
    assert parse_row(b"[" * 200_000) is None


def test_reading_a_missing_journal_gives_no_rows(path: Path) -> None:
    assert read_rows(path) == []
    assert read_last_rows(path) == []


def test_the_last_rows_come_oldest_first_and_without_a_torn_one(path: Path) -> None:
    path.write_bytes(b"".join(b'{"n":%d}\n' % n for n in range(10)) + b'{"n":1')
    assert read_last_rows(path) == [{"n": 9}]
    assert read_last_rows(path, 3) == [{"n": 7}, {"n": 8}, {"n": 9}]
    assert len(read_last_rows(path, 50)) == 10


def test_the_last_rows_of_a_long_file_come_from_its_end_alone(path: Path) -> None:
    path.write_bytes(b"".join(b'{"n":%06d}\n' % (100_000 + n) for n in range(50_000)))
    # a limit of 100 bytes holds seven whole rows of 13 bytes, the first of which may have been cut
    rows = read_last_rows(path, 1000, limit=100)
    assert [row["n"] for row in rows] == list(range(149_993, 150_000))
    assert read_last_rows(path, 2) == [{"n": 149_998}, {"n": 149_999}]


def test_an_old_junk_line_does_not_hide_the_last_rows(path: Path) -> None:
    path.write_bytes(b'{"n":1}\nnot json\n{"n":2}\n')
    assert read_last_rows(path, 1) == [{"n": 2}]


def test_an_atomic_write_replaces_the_file_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "run.json"
    write_atomic(path, "old")
    write_atomic(path, "neué")
    assert path.read_bytes() == "neué".encode()
    assert [f.name for f in path.parent.iterdir()] == ["run.json"]


def test_half_a_surrogate_is_written_as_a_question_mark(path: Path) -> None:
    said = json.loads('{"text": "half a pair \\ud83d, a whole one \\ud83d\\ude00"}')
    journal = Journal(path)
    journal.append(said)
    journal.close()
    assert read_rows(path) == [{"text": "half a pair ?, a whole one \U0001f600"}]
    write_json(path, said)
    assert read_json(path) == {"text": "half a pair ?, a whole one \U0001f600"}


def test_two_threads_that_write_one_file_each_write_it_whole(tmp_path: Path) -> None:
    path, failed = tmp_path / "a.json", []

    def write(text: str) -> None:
        try:
            for _ in range(100):
                write_atomic(path, text * 1000, durable=False)
        except OSError as error:
            failed.append(error)

    threads = [threading.Thread(target=write, args=(name,)) for name in ("a", "b")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert path.read_text() in ("a" * 1000, "b" * 1000)
    assert [f.name for f in tmp_path.iterdir()] == ["a.json"]


@linux_only
def test_an_atomic_write_that_ends_in_the_middle_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    write_atomic(path, "old")
    told = run_with_small_files(
        "import sys\n"
        "from pathlib import Path\n"
        "from engine.store.journal import write_atomic\n"
        "try:\n"
        "    write_atomic(Path(sys.argv[1]), 'x' * 10_000)\n"
        "except OSError as error:\n"
        "    print('failed')\n",
        str(path),
    )
    assert told == "failed"
    assert path.read_text() == "old"
    assert [f.name for f in tmp_path.iterdir()] == ["run.json"]


def test_written_json_and_rows_read_back_the_same(tmp_path: Path) -> None:
    value = {"name": "Dolley “the Queen”", "steps": 3, "list": [1, None]}
    write_json(tmp_path / "a.json", value)
    assert read_json(tmp_path / "a.json") == value
    write_rows(tmp_path / "b.jsonl", [value, {}])
    assert read_rows(tmp_path / "b.jsonl") == [value, {}]


def test_json_with_a_non_finite_number_is_refused_and_the_old_file_stands(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    write_json(path, {"a": 1})
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(path, {"a": math.nan})
    assert read_json(path) == {"a": 1}


def test_rows_with_a_non_finite_number_are_refused_and_the_old_file_stands(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    write_rows(path, [{"a": 1}])
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_rows(path, [{"meta": {"score": math.nan}}])
    assert read_rows(path) == [{"a": 1}]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (None, "is missing"),
        ("{", "is not JSON"),
        ("\xff", "is not JSON"),
        ("[" * 200_000, "is not JSON"),
        ("[1]", "holds no JSON object"),
    ],
)
def test_a_json_file_that_cannot_be_read_is_named(tmp_path: Path, text: str | None, complaint: str) -> None:
    path = tmp_path / "run.json"
    if text is not None:
        path.write_text(text, "latin-1")
    with pytest.raises(StoreError, match=complaint) as bad:
        read_json(path)
    assert str(path) in bad.value.message


def test_a_full_disk_is_said_to_be_one() -> None:
    journal = Journal(Path("/dev/full"))
    with pytest.raises(SpaceError, match="no disk left") as error:
        journal.append({"step": 1})
    journal.close()
    assert "charlab resume" in error.value.fix
