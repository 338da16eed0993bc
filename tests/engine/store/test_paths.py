"""What names stand for: a workspace, a run, a checkpoint."""

import os
from pathlib import Path

import pytest

from engine.errors import StoreError
from engine.store.paths import RunPaths, Workspace, cache_folder, find_workspace

IDS = ("20260101-0900-ada-orpo-1a2b", "20260101-0900-ada-orpo-1a9f", "20260203-1000-ada-dpo-77aa")


@pytest.fixture
def room(tmp_path: Path) -> Workspace:
    """A workspace with three runs, their run.json written in the order of their ids."""
    (tmp_path / "datasets").mkdir()
    workspace = Workspace(tmp_path)
    for number, name in enumerate(IDS):
        workspace.run(name).folder.mkdir(parents=True)
        workspace.run(name).run.write_text("{}")
        os.utime(workspace.run(name).run, (1000 + number, 1000 + number))
    workspace.recipes.mkdir()
    return workspace


def make_workspace_folders(folder: Path) -> Path:
    (folder / "runs").mkdir(parents=True)
    (folder / "datasets").mkdir()
    return folder


def test_runs_are_the_folders_that_hold_a_run_json_oldest_first(room: Workspace) -> None:
    (room.runs / "20250101-unfinished").mkdir()
    (room.runs / "notes.txt").write_text("no run")
    (room.recipes / "run.json").write_text("{}")
    assert room.run_ids() == list(IDS)


def test_a_run_is_found_by_its_whole_id_and_by_a_unique_prefix(room: Workspace) -> None:
    assert room.find_run(IDS[0]).id == IDS[0]
    assert room.find_run("20260203").id == IDS[2]
    assert room.find_run("20260101-0900-ada-orpo-1a9").id == IDS[1]


def test_an_id_that_begins_another_id_is_no_ambiguity(room: Workspace) -> None:
    longer = room.run(IDS[0] + "-b")
    longer.folder.mkdir()
    longer.run.write_text("{}")
    assert room.find_run(IDS[0]).id == IDS[0]


def test_a_prefix_of_several_runs_is_refused_with_their_ids(room: Workspace) -> None:
    with pytest.raises(StoreError, match="is one of 2") as refused:
        room.find_run("20260101")
    assert IDS[0] in refused.value.message
    assert IDS[1] in refused.value.message
    assert IDS[2] not in refused.value.message


@pytest.mark.parametrize("name", ["", "ada-orpo", "2027", "recipes", "../runs", "."])
def test_a_name_that_begins_no_id_is_refused(room: Workspace, name: str) -> None:
    with pytest.raises(StoreError, match="no run"):
        room.find_run(name)


def test_last_is_the_run_that_was_written_last(room: Workspace) -> None:
    assert room.find_run("last").id == IDS[2]
    os.utime(room.run(IDS[0]).run, (5000, 5000))
    assert room.find_run("last").id == IDS[0]


def test_last_of_runs_written_at_once_is_the_one_of_the_highest_id(room: Workspace) -> None:
    for name in IDS:
        os.utime(room.run(name).run, (7000, 7000))
    assert room.find_run("last").id == IDS[2]


def test_last_of_no_runs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no run in"):
        Workspace(make_workspace_folders(tmp_path)).find_run("last")


def test_the_workspace_is_the_nearest_parent_that_holds_both_folders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outer = make_workspace_folders(tmp_path / "outer")
    inner = make_workspace_folders(outer / "deep" / "inner")
    (inner / "half" / "runs").mkdir(parents=True)
    for here, expected in ((outer / "deep", outer), (inner, inner), (inner / "half" / "runs", inner)):
        monkeypatch.chdir(here)
        assert find_workspace().folder == expected


def test_the_environment_names_the_workspace_and_an_argument_overrules_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, named, given = (make_workspace_folders(tmp_path / name) for name in ("here", "named", "given"))
    monkeypatch.chdir(here)
    monkeypatch.setenv("CHARLAB_WORKSPACE", str(named))
    assert find_workspace().folder == named
    assert find_workspace(str(given)).folder == given
    assert find_workspace("../given").folder.resolve() == given


def test_a_named_folder_that_is_no_workspace_is_refused_though_a_parent_is_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = make_workspace_folders(tmp_path / "room")
    (room / "empty").mkdir()
    monkeypatch.chdir(room)
    with pytest.raises(StoreError, match="holds no runs/ and datasets/") as refused:
        find_workspace("empty")
    assert refused.value.fix == "charlab init empty"


def test_no_workspace_here_or_above_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "runs").mkdir()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(StoreError, match="no workspace at") as refused:
        find_workspace()
    assert "charlab init" in refused.value.fix


def test_checkpoints_without_a_manifest_are_ignored_and_the_rest_stand_in_order_of_step(tmp_path: Path) -> None:
    paths = RunPaths(tmp_path / "run")
    assert paths.complete_checkpoints() == []
    for step in (1_000_000, 20, 40, 60):
        paths.checkpoint(step).folder.mkdir(parents=True)
        if step != 60:
            paths.checkpoint(step).manifest.write_text("{}")
    for name in ("step_000080.tmp", "step_8", "best"):
        (paths.checkpoints / name).mkdir()
        (paths.checkpoints / name / "checkpoint.json").write_text("{}")
    (paths.checkpoints / "step_000090").write_text("a file")
    assert [c.step for c in paths.complete_checkpoints()] == [20, 40, 1_000_000]


def test_a_step_and_its_folder_name_each_other(tmp_path: Path) -> None:
    checkpoint = RunPaths(tmp_path).checkpoint(40)
    assert checkpoint.folder == tmp_path / "checkpoints" / "step_000040"
    assert checkpoint.step == 40


def test_the_cache_lies_where_the_environment_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CHARLAB_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "charlab"
    monkeypatch.setenv("CHARLAB_CACHE", str(tmp_path / "own"))
    assert cache_folder() == tmp_path / "own"
    monkeypatch.delenv("CHARLAB_CACHE")
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder() == tmp_path / ".cache" / "charlab"
