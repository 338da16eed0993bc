"""A workspace and a character laid out, and never over what stands there already."""

import json
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.data.audit import last_words
from engine.data.check import check_dataset
from engine.data.layout import audit_dataset, find_seed, lay_out_character, make_workspace, read_sealed, seal_dataset
from engine.data.read import hash_file, read_character, read_jsonl, read_manifest, read_pairs, read_probes
from engine.errors import DatasetError, StoreError
from engine.probe.detect import find_break
from engine.records.dataset import Pair, Prompt
from engine.records.recipe import Recipe
from engine.store.paths import DatasetPaths, Workspace, find_workspace

Rows = Callable[..., dict[str, Any]]


def snapshot(folder: Path) -> dict[str, bytes]:
    return {str(f.relative_to(folder)): f.read_bytes() for f in folder.rglob("*") if f.is_file()}


def test_a_new_workspace_holds_madison_and_his_recipes(tmp_path: Path) -> None:
    room = make_workspace(tmp_path / "deep" / "room")
    assert find_workspace(str(tmp_path / "deep" / "room")) == room
    assert snapshot(room.dataset("madison").folder) == snapshot(find_seed() / "datasets" / "madison")
    assert len(read_pairs(room.dataset("madison"))) >= 160
    recipes = sorted(room.recipes.iterdir())
    assert "madison-orpo.toml" in [r.name for r in recipes]
    for recipe in recipes:
        Recipe.parse(tomllib.loads(recipe.read_text()), str(recipe))
    assert (room.folder / ".gitignore").read_text() == "runs/*\n!runs/recipes/\n"
    assert room.run_ids() == []


@pytest.mark.parametrize("used", ["runs", "datasets"])
def test_a_folder_that_is_in_use_is_refused_and_left_as_it_was(tmp_path: Path, used: str) -> None:
    (tmp_path / used).mkdir()
    (tmp_path / used / "mine.txt").write_text("mine")
    with pytest.raises(StoreError, match="already holds runs/ or datasets/"):
        make_workspace(tmp_path)
    assert snapshot(tmp_path) == {f"{used}/mine.txt": b"mine"}


def test_a_workspace_made_in_a_repository_keeps_its_gitignore(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("secrets.env\n")
    make_workspace(tmp_path)
    assert "secrets.env" in (tmp_path / ".gitignore").read_text().splitlines()


def fill_in(paths: DatasetPaths) -> None:
    """Put words of one's own where the template holds the place of an answer."""
    for path, words, own in (
        (paths.pairs, "What this character would say, in its own voice.", "I walked out, Sir, and saw the mill."),
        (paths.prompts, "a fact or quality that a good answer shows", "the engine of Mr Babbage"),
    ):
        text = path.read_text()
        assert words in text
        path.write_text(text.replace(words, own))


def test_rows_of_the_template_are_named_until_they_are_filled_in(workspace: Workspace) -> None:
    paths = lay_out_character(workspace, "ada")
    untouched = [
        "example-01 of pairs.jsonl is the template's row: replace it",
        "example-01 of prompts.jsonl is the template's row: replace it",
    ]
    assert check_dataset(workspace, "ada")["findings"][:2] == untouched
    row = json.loads(paths.pairs.read_text())
    paths.pairs.write_text(json.dumps(row | {"id": "mine", "prompt": [{"role": "user", "content": "Well?"}]}) + "\n")
    assert check_dataset(workspace, "ada")["findings"][0] == "mine of pairs.jsonl is the template's row: replace it"


def test_a_new_character_passes_the_check_once_filled_in_and_sealed(workspace: Workspace) -> None:
    paths = lay_out_character(workspace, "ada")
    fill_in(paths)
    assert check_dataset(workspace, "ada")["sealed"] is False
    manifest = seal_dataset(workspace, "ada")
    assert (manifest.name, manifest.rows, manifest.categories) == ("ada", 1, {"voice": 1})
    found = check_dataset(workspace, "ada")
    assert (found["sealed"], found["rows"], found["prompts"], found["probes"]) == (True, 1, 1, 3)
    # nothing is wrong but what is still to be filled in
    assert [f.split(" lists")[0] for f in found["findings"]] == ["character.toml"]
    assert [p.id for p in read_pairs(paths)] == ["example-01"]
    assert audit_dataset(workspace, "ada", ["ada"]) == []


def test_a_new_characters_files_say_what_they_should(workspace: Workspace) -> None:
    paths = lay_out_character(workspace, "ada-1")
    character = read_character(paths)
    assert (character.name, character.may_be_ai) == ("ada-1", False)
    assert "OpenAI" in character.makers
    recipe = workspace.recipes / "ada-1-orpo.toml"
    parsed = Recipe.parse(tomllib.loads(recipe.read_text()), str(recipe))
    assert (parsed.name, parsed.dataset, parsed.audit.sealed) == ("ada-1-orpo", "ada-1", ["ada-1"])
    assert [p.difficulty for p in read_jsonl(paths.prompts, Prompt)] == ["easy"]
    assert tomllib.loads(paths.rubric.read_text())["name"] == "ada-1"
    assert paths.constitution.read_text().startswith("# The constitution")
    example = read_jsonl(paths.pairs, Pair)[0]
    assert find_break(example.chosen[0].content, character).breaks is None
    assert find_break(example.rejected[0].content, character).breaks == "claims-ai"
    assert find_break("* a list\n* of things", character).in_character is False


@pytest.mark.parametrize("name", ["", "Ada", "ada lovelace", "../ada", "-ada", "ada\n", "a" * 42, "ada.b"])
def test_a_name_that_makes_no_folder_is_refused(workspace: Workspace, name: str) -> None:
    before = snapshot(workspace.folder)
    with pytest.raises(DatasetError, match="cannot name a character"):
        lay_out_character(workspace, name)
    assert snapshot(workspace.folder) == before


def test_the_longest_name_makes_a_recipe_that_reads(workspace: Workspace) -> None:
    name = "a" * 41
    lay_out_character(workspace, name)
    Recipe.parse(tomllib.loads((workspace.recipes / f"{name}-orpo.toml").read_text()), "recipe")


def test_a_character_that_stands_already_is_refused_and_left_as_it_was(workspace: Workspace) -> None:
    before = snapshot(workspace.folder)
    with pytest.raises(DatasetError, match="stands already"):
        lay_out_character(workspace, "madison")
    assert snapshot(workspace.folder) == before


def test_a_new_character_never_writes_over_a_recipe(workspace: Workspace) -> None:
    recipe = workspace.recipes / "ada-orpo.toml"
    recipe.write_text("# weeks of work\n")
    with pytest.raises(DatasetError, match="stands already"):
        lay_out_character(workspace, "ada")
    assert recipe.read_text() == "# weeks of work\n"


def test_sealing_again_takes_the_rows_as_they_are_now(
    workspace: Workspace, write_dataset: Callable[..., DatasetPaths], pair: Rows
) -> None:
    paths = write_dataset("ada", [pair(1)])
    with open(paths.pairs, "a") as file:
        file.write(json.dumps(pair(2, "letters")) + "\n")
    manifest = seal_dataset(workspace, "ada")
    assert manifest == read_manifest(paths)
    assert (manifest.rows, manifest.sha256) == (2, hash_file(paths.pairs))
    assert manifest.categories == {"voice": 1, "letters": 1}


def test_sealing_again_keeps_what_the_manifest_says_of_origin_and_licence(
    workspace: Workspace, write_dataset: Callable[..., DatasetPaths], pair: Rows
) -> None:
    paths = write_dataset("ada", [pair(1)])
    manifest = {**json.loads(paths.manifest.read_text()), "lineage": ["ada-v1"], "licence": "CC-BY-4.0"}
    paths.manifest.write_text(json.dumps(manifest))
    seal_dataset(workspace, "ada")
    assert (read_manifest(paths).lineage, read_manifest(paths).licence) == (["ada-v1"], "CC-BY-4.0")


def test_rows_that_cannot_be_used_are_not_sealed(
    workspace: Workspace, write_dataset: Callable[..., DatasetPaths], pair: Rows
) -> None:
    paths = write_dataset("ada", [pair(1)])
    before = paths.manifest.read_bytes()
    paths.pairs.write_text(json.dumps(pair(1)) + "\n" + json.dumps({**pair(2), "chosen": []}) + "\n")
    with pytest.raises(DatasetError, match="line 2"):
        seal_dataset(workspace, "ada")
    assert paths.manifest.read_bytes() == before


def test_what_is_sealed_is_every_prompt_and_probe(workspace: Workspace) -> None:
    paths = workspace.dataset("madison")
    sealed = read_sealed(workspace, "madison")
    rows = [*read_jsonl(paths.prompts, Prompt), *read_probes(paths.probes)]
    assert [(s.id, s.text) for s in sealed if " turn " not in s.id] == [(r.id, last_words(r.messages)) for r in rows]
    assert sum(" turn " in s.id for s in sealed) == sum(len(r.turns) for r in rows)


def test_a_set_that_asks_nothing_seals_nothing_and_is_refused(
    workspace: Workspace, write_dataset: Callable[..., DatasetPaths], pair: Rows
) -> None:
    write_dataset("ada", [pair(1)])
    with pytest.raises(DatasetError, match="ada holds no prompts and no probes"):
        audit_dataset(workspace, "madison", ["ada"])


def test_an_audit_finds_a_row_that_asks_a_probe(
    workspace: Workspace, write_dataset: Callable[..., DatasetPaths], pair: Rows
) -> None:
    leaking = pair(2, prompt=[{"role": "user", "content": "who are YOU?"}])
    write_dataset("ada", [pair(1), leaking])
    assert [(x.row, x.sealed) for x in audit_dataset(workspace, "ada", ["madison"])] == [("row-2", "who")]
    write_dataset("bea", [pair(1)], [{"id": "cat", "messages": [{"role": "user", "content": "Where is your cat?"}]}])
    assert audit_dataset(workspace, "ada", ["bea"]) == []
    with pytest.raises(DatasetError, match="no dataset 'bob'"):
        audit_dataset(workspace, "ada", ["bob"])


def test_an_audit_looks_at_every_turn_of_the_user_on_both_sides(
    workspace: Workspace, write_dataset: Callable[..., DatasetPaths], pair: Rows
) -> None:
    earlier = [
        {"role": "user", "content": "Who are you?"},
        {"role": "assistant", "content": "A planter."},
        {"role": "user", "content": "And what do you raise upon your land?"},
    ]
    interview = {
        "id": "interview", "messages": [{"role": "user", "content": "Good day, Sir."}],
        "turns": ["Where were you born?", "What do you raise upon your land?"],
    }  # fmt: skip
    write_dataset("ada", [pair(1, prompt=earlier)], [interview])
    assert [(x.row, x.sealed) for x in audit_dataset(workspace, "ada", ["madison"])] == [("row-1", "who")]
    assert [(x.row, x.sealed) for x in audit_dataset(workspace, "ada", ["ada"])] == [("row-1", "interview turn 2")]
