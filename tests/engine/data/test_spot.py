"""Judgements made in passing, saved beside a character's dataset."""

import json
import threading
import time
from pathlib import Path

import pytest

from engine.data.check import check_dataset
from engine.data.read import read_manifest, read_pairs, read_probes
from engine.data.spot import name_spot, read_questions, save_note, save_pair, save_probe
from engine.errors import DatasetError
from engine.records.dataset import Message
from engine.store.journal import read_rows
from engine.store.paths import Workspace

ASKED = [Message(role="system", content="Be brief."), Message(role="user", content="Who are you?")]
META = {"chosen": "run:a@40", "rejected": "bundled:b", "sampling": {"seed": 4}}


def test_a_pair_is_a_sealed_row_of_a_dataset_that_passes_its_check(workspace: Workspace) -> None:
    pair = save_pair(workspace, "madison", ASKED, "James Madison, Sir.", "An assistant.", META)
    save_pair(workspace, "madison", ASKED, "James Madison, Sir.", "Nobody.", META)
    rows = read_pairs(workspace.dataset("madison-spot"))  # refuses rows that are not those of the seal
    assert rows[0].id == pair.id
    assert len({row.id for row in rows}) == 2
    assert rows[0].prompt == ASKED
    assert (rows[0].chosen[0].content, rows[0].rejected[0].content) == ("James Madison, Sir.", "An assistant.")
    assert rows[0].meta == META
    found = check_dataset(workspace, "madison-spot")
    assert (found["rows"], found["sealed"]) == (2, True)


def test_who_gave_the_answers_that_were_preferred_stands_in_the_lineage(workspace: Workspace) -> None:
    for model in ("run:a@40", "anthropic:claude-opus-5-5", "run:a@40"):
        save_pair(
            workspace, "madison", ASKED, f"James Madison, Sir, {time.time_ns()}.", "No.", META | {"chosen": model}
        )
    assert read_manifest(workspace.dataset("madison-spot")).lineage == ["run:a@40", "anthropic:claude-opus-5-5"]


def test_the_dataset_that_was_trained_on_is_not_touched(workspace: Workspace) -> None:
    before = {f.name: f.read_bytes() for f in workspace.dataset("madison").folder.iterdir()}
    save_pair(workspace, "madison", ASKED, "Yes.", "No.", META)
    save_probe(workspace, "madison", ASKED, META)
    save_note(workspace, "madison", "he says folks", META)
    assert {f.name: f.read_bytes() for f in workspace.dataset("madison").folder.iterdir()} == before


def test_the_same_two_answers_are_saved_once_and_never_both_ways_round(workspace: Workspace) -> None:
    save_pair(workspace, "madison", ASKED, "Yes.", "No.", META)
    with pytest.raises(DatasetError, match="saved already"):
        save_pair(workspace, "madison", ASKED, "Yes.", "No. ", {})
    with pytest.raises(DatasetError, match="the other way round"):
        save_pair(workspace, "madison", ASKED, "No.", "Yes.", META)
    assert len(read_pairs(workspace.dataset("madison-spot"))) == 1


@pytest.mark.parametrize(("chosen", "rejected"), [("", "No."), ("Yes.", " \n"), ("Yes.", "Yes.")])
def test_answers_that_cannot_be_preferred_are_refused_and_leave_no_row(
    workspace: Workspace, chosen: str, rejected: str
) -> None:
    with pytest.raises(DatasetError):
        save_pair(workspace, "madison", ASKED, chosen, rejected, META)
    assert not workspace.dataset("madison-spot").pairs.exists()


def test_half_a_character_and_line_breaks_are_saved_as_one_line(workspace: Workspace) -> None:
    save_pair(workspace, "madison", ASKED, "Yes\ud83d\u2028.\n\nSir.", "\x1b[2JNo.", META)
    paths = workspace.dataset("madison-spot")
    assert len(paths.pairs.read_bytes().splitlines()) == 1
    assert read_pairs(paths)[0].chosen[0].content == "Yes?\u2028.\n\nSir."
    assert json.loads(paths.pairs.read_text("utf-8"))["rejected"][0]["content"] == "\x1b[2JNo."


def test_a_row_torn_by_a_crash_is_cut_off_before_the_next(workspace: Workspace) -> None:
    save_pair(workspace, "madison", ASKED, "Yes.", "No.", META)
    paths = workspace.dataset("madison-spot")
    with paths.pairs.open("a") as file:
        file.write('{"id": "spot-torn", "pro')
    save_pair(workspace, "madison", ASKED, "Yes.", "Never.", META)
    assert len(read_pairs(paths)) == 2


def test_a_last_row_that_an_editor_left_without_its_end_is_kept(workspace: Workspace) -> None:
    first = save_pair(workspace, "madison", ASKED, "Yes.", "No.", META)
    paths = workspace.dataset("madison-spot")
    paths.pairs.write_text(paths.pairs.read_text().rstrip("\n"))
    probe = save_probe(workspace, "madison", ASKED, META)
    paths.probes.write_text(paths.probes.read_text().rstrip("\n"))
    second = save_pair(workspace, "madison", ASKED, "Yes.", "Never.", META)
    save_probe(workspace, "madison", ASKED[1:], META)
    assert [p.id for p in read_pairs(paths)] == [first.id, second.id]
    assert [p.id == probe.id for p in read_probes(paths.probes)] == [True, False]


def test_eight_that_save_at_once_lose_no_row(workspace: Workspace) -> None:
    threads = [
        threading.Thread(target=save_pair, args=(workspace, "madison", ASKED, f"Yes {n}.", "No.", META))
        for n in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(p.chosen[0].content for p in read_pairs(workspace.dataset("madison-spot"))) == [
        f"Yes {n}." for n in range(8)
    ]


def test_a_probe_is_saved_once_with_a_note_of_where_it_came_from(workspace: Workspace) -> None:
    probe = save_probe(workspace, "madison", ASKED, META)
    with pytest.raises(DatasetError, match="saved already"):
        save_probe(workspace, "madison", ASKED, META)
    paths = workspace.dataset("madison-spot")
    assert [p.id for p in read_probes(paths.probes)] == [probe.id]
    notes = read_rows(paths.folder / "notes.jsonl")
    assert [(n["probe"], n["meta"]) for n in notes] == [(probe.id, META)]


def test_a_note_keeps_its_text_and_its_provenance(workspace: Workspace) -> None:
    save_note(workspace, "madison", "he says folks", META)
    notes = read_rows(workspace.dataset("madison-spot").folder / "notes.jsonl")
    assert [(n["text"], n["meta"]) for n in notes] == [("he says folks", META)]
    with pytest.raises(DatasetError, match="empty"):
        save_note(workspace, "madison", "  ", META)


def test_a_spot_dataset_is_its_own(workspace: Workspace) -> None:
    assert name_spot("madison") == name_spot("madison-spot") == "madison-spot"


@pytest.mark.parametrize("name", ["", "..", "../elsewhere", ".hidden", "a/b"])
def test_a_name_leads_nowhere_else(workspace: Workspace, name: str) -> None:
    with pytest.raises(DatasetError, match="no dataset's name"):
        save_note(workspace, name, "x", META)
    assert {f.name for f in Path(workspace.datasets).iterdir()} == {"madison"}


def test_questions_are_the_prompts_and_then_the_probes(workspace: Workspace) -> None:
    names = [q.id for q in read_questions(workspace, "madison")]
    assert names[0] == "gt-01"
    assert "drives" in names[1:]
