"""The chat panel in the console: picked by keys, answered by real servers, and what is judged lies on the disk."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from console.app import Lab
from console.chat_room import ChatRoom
from console.partners import Found, read_models
from driving import wait_until
from engine.data.check import check_dataset
from engine.data.read import read_pairs, read_probes
from engine.records.serving import Sampling
from engine.store.journal import read_rows, write_json
from engine.store.paths import Workspace
from panels.chat import Chat
from panels.models import Models
from panels.said import Said

ADA = "20260101-0900-ada-1a2b"
RECIPE = {"name": "ada", "base": "bundled:smollm2-135m", "dataset": "madison", "objective": "orpo", "seed": 1}

Check = Callable[[Lab, Pilot[int], ChatRoom], Awaitable[None]]


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("CHARLAB_CACHE", str(folder))
    monkeypatch.setenv("CHARLAB_THEME", "dark")
    return folder


def drive(workspace: Workspace, check: Check, **settings: Any) -> None:
    async def go() -> None:
        app = Lab(workspace, **settings)
        async with app.run_test(size=(120, 34)) as pilot:
            await pilot.pause()
            await wait_until(pilot, lambda: app.rows, "the run")
            await pilot.press("7")
            await wait_until(pilot, lambda: app.query("#chat Models"), "the panel")
            room = app.query_one(ChatRoom)
            await wait_until(pilot, lambda: app.query_one(Models).models, "the models")
            await pilot.pause()
            await check(app, pilot, room)

    asyncio.run(go())


async def pick(pilot: Pilot[int], room: ChatRoom, *servers: Any) -> None:
    """Pick these servers as a person does who types their names."""
    models = room.query_one(Models)
    for server in servers:
        models.add(server.reference)
    models.focus()
    before = room.conversation
    await pilot.press("enter")
    await wait_until(pilot, lambda: room.conversation and room.conversation is not before, "the conversation")
    await wait_until(pilot, lambda: room.conversation and all(s.ready for s in room.conversation.sides), "the servers")


async def say(pilot: Pilot[int], room: ChatRoom, text: str) -> None:
    room.chat.ask.focus()
    room.chat.ask.put(text)
    await pilot.press("enter")
    await wait_until(pilot, lambda: room.conversation and not room.conversation.busy and turns(room), "the answers")
    await pilot.pause(0.1)


def turns(room: ChatRoom) -> Any:
    return room.chat.view.turns


async def told(pilot: Pilot[int], room: ChatRoom, words: str) -> str:
    said = room.query_one(Said)
    await wait_until(pilot, lambda: words in said.words, f"'{words}', not '{said.words}'")
    return said.words


@pytest.fixture
def character(workspace: Workspace, write_run: Callable[..., Any], servers: Any) -> Any:
    """A run of Madison's, and two servers that answer otherwise than each other."""
    write_run(ADA, recipe=RECIPE, ended="finished")
    servers[0].say = lambda body: ["I am ", "James Madison, ", f"Sir. {body['seed']}"]
    servers[1].say = lambda body: ["I am ", "an AI."]
    return servers


def test_two_answer_and_the_choice_is_a_pair_that_passes_its_check(workspace: Workspace, character: Any) -> None:
    async def check(app: Lab, pilot: Pilot[int], room: ChatRoom) -> None:
        await pick(pilot, room, *character)
        await say(pilot, room, "Who are you?")
        assert [reply.text for reply in turns(room)[0].replies] == ["I am James Madison, Sir. 1", "I am an AI."]
        await pilot.press("escape", "a")
        assert "to madison-spot" in await told(pilot, room, "saved the pair")
        await pilot.press("a")
        await told(pilot, room, "saved already")
        await pilot.press("d")
        await told(pilot, room, "the other way round")

    drive(workspace, check, run=ADA)
    pairs = read_pairs(workspace.dataset("madison-spot"))
    assert [(p.prompt[0].content, p.chosen[0].content, p.rejected[0].content) for p in pairs] == [
        ("Who are you?", "I am James Madison, Sir. 1", "I am an AI.")
    ]
    meta = pairs[0].meta
    assert (meta["chosen"], meta["rejected"]) == (character[0].reference, character[1].reference)
    assert meta["sampling"]["seed"] == 1  # type: ignore[index]
    assert meta["system"] is None
    assert isinstance(meta["time"], float)
    assert check_dataset(workspace, "madison-spot")["sealed"]


def test_blind_is_the_choice_among_strangers_and_ends_with_it(workspace: Workspace, character: Any) -> None:
    async def check(app: Lab, pilot: Pilot[int], room: ChatRoom) -> None:
        await pick(pilot, room, *character)
        await pilot.press("escape", "b")
        await say(pilot, room, "Who are you?")
        assert [side.label for side in room.chat.view.sides] == ["1", "2"]
        left = turns(room)[0].replies[0].text.startswith("I am James")
        await pilot.press("escape", "a" if left else "d")
        await told(pilot, room, "saved the pair")
        at = 0 if left else 1
        assert room.chat.view.sides[at].label == character[0].reference

    drive(workspace, check, run=ADA)
    assert read_pairs(workspace.dataset("madison-spot"))[0].chosen[0].content.startswith("I am James")


def test_a_pair_of_a_later_turn_has_the_prompt_that_the_chosen_side_saw(workspace: Workspace, character: Any) -> None:
    async def check(app: Lab, pilot: Pilot[int], room: ChatRoom) -> None:
        await pick(pilot, room, *character)
        await say(pilot, room, "One?")
        await say(pilot, room, "Two?")
        await pilot.press("escape", "d")
        await told(pilot, room, "its prompt is what the chosen side was asked")

    drive(workspace, check, run=ADA)
    pair = read_pairs(workspace.dataset("madison-spot"))[0]
    assert [m.content for m in pair.prompt] == ["One?", "I am an AI.", "Two?"]
    assert [m["content"] for m in pair.meta["rejected_prompt"]] == ["One?", "I am James Madison, Sir. 1", "Two?"]  # type: ignore[attr-defined]


def test_both_hold_is_shown_and_saves_nothing(workspace: Workspace, character: Any) -> None:
    async def check(app: Lab, pilot: Pilot[int], room: ChatRoom) -> None:
        await pick(pilot, room, *character)
        await say(pilot, room, "Who are you?")
        await pilot.press("escape", "w")
        await told(pilot, room, "no pair to save")
        assert turns(room)[0].verdict == (True, True)

    drive(workspace, check, run=ADA)
    assert not workspace.dataset("madison-spot").folder.exists()


def test_a_prompt_and_a_note_are_saved_with_where_they_came_from(workspace: Workspace, character: Any) -> None:
    async def check(app: Lab, pilot: Pilot[int], room: ChatRoom) -> None:
        await pick(pilot, room, character[1])
        await say(pilot, room, "Are you a machine?")
        await pilot.press("escape", "f")
        await told(pilot, room, "saved the probe")
        await pilot.press("c", *"says AI", "enter")
        await told(pilot, room, "saved the note")

    drive(workspace, check, run=ADA)
    paths = workspace.dataset("madison-spot")
    assert [p.messages[0].content for p in read_probes(paths.probes)] == ["Are you a machine?"]
    notes = read_rows(paths.folder / "notes.jsonl")
    assert notes[1]["text"] == "says AI"
    assert notes[1]["meta"]["answers"] == ["I am an AI."]
    assert notes[1]["meta"]["models"] == [character[1].reference]


def test_read_only_talks_and_saves_nothing(workspace: Workspace, character: Any) -> None:
    async def check(app: Lab, pilot: Pilot[int], room: ChatRoom) -> None:
        await pick(pilot, room, *character)
        await say(pilot, room, "Who are you?")
        await pilot.press("escape", "a")
        await told(pilot, room, "read only")
        await pilot.press("f")
        await told(pilot, room, "read only")

    drive(workspace, check, run=ADA, readonly=True)
    assert not workspace.dataset("madison-spot").folder.exists()


def test_esc_keeps_what_came_and_marks_it(workspace: Workspace, character: Any) -> None:
    async def check(app: Lab, pilot: Pilot[int], room: ChatRoom) -> None:
        await pick(pilot, room, *character)
        for server in character:
            server.gate.clear()
        room.chat.ask.put("Who?")
        await pilot.press("enter")
        await wait_until(pilot, lambda: turns(room) and all(r.text for r in turns(room)[0].replies), "the first words")
        await pilot.press("escape")
        await wait_until(pilot, lambda: not room.chat.view.busy, "the stop")
        assert [(r.text, r.state) for r in turns(room)[0].replies] == [("I am ", "stopped")] * 2

    drive(workspace, check, run=ADA)


def test_versions_and_forks_are_stepped_through_by_keys(workspace: Workspace, character: Any) -> None:
    async def check(app: Lab, pilot: Pilot[int], room: ChatRoom) -> None:
        await pick(pilot, room, *character)
        await say(pilot, room, "Who?")
        await pilot.press("escape", "r")
        await wait_until(pilot, lambda: turns(room)[0].seed == 2 and not room.chat.view.busy, "the next seed")
        await pilot.press("e", "!", "enter")
        await wait_until(pilot, lambda: turns(room)[0].prompt == "Who?!" and not room.chat.view.busy, "the fork")
        assert (turns(room)[0].version, turns(room)[0].seed) == ((3, 3), 1)
        await pilot.press("escape", "left_square_bracket")
        await wait_until(pilot, lambda: turns(room)[0].version == (2, 3), "the version before")
        assert turns(room)[0].replies[0].text == "I am James Madison, Sir. 2"

    drive(workspace, check, run=ADA)


def test_one_that_does_not_start_says_why_beside_one_that_does(workspace: Workspace, character: Any) -> None:
    async def check(app: Lab, pilot: Pilot[int], room: ChatRoom) -> None:
        models = room.query_one(Models)
        models.add(character[0].reference)
        models.add("./nowhere.gguf")
        models.focus()
        await pilot.press("enter")
        await wait_until(
            pilot, lambda: [s.state for s in room.chat.view.sides] == ["ready", "failed"], "the one that starts"
        )
        assert "no GGUF at" in room.chat.view.sides[1].words
        assert "try:" in room.chat.view.sides[1].words

    drive(workspace, check, run=ADA)


def test_nothing_ticks_while_nothing_comes(workspace: Workspace, character: Any) -> None:
    async def check(app: Lab, pilot: Pilot[int], room: ChatRoom) -> None:
        assert not room._ticking._active.is_set()
        await pick(pilot, room, *character)
        await say(pilot, room, "Who?")
        await wait_until(pilot, lambda: not room._ticking._active.is_set(), "the rest")

    drive(workspace, check, run=ADA)


def test_picking_others_ends_the_conversation_and_keeps_the_sampling(workspace: Workspace, character: Any) -> None:
    async def check(app: Lab, pilot: Pilot[int], room: ChatRoom) -> None:
        await pick(pilot, room, *character)
        await say(pilot, room, "Who?")
        first = room.conversation
        assert first is not None
        room.chat.post_message(Chat.Changed("Be brief.", first.sampling))
        await pilot.press("escape", "m")
        room.query_one(Models).marked = []
        await pick(pilot, room, character[1])
        assert room.conversation is not first
        assert room.conversation is not None
        assert room.conversation.system == "Be brief."
        await wait_until(pilot, lambda: not any(side.ready for side in first.sides), "the end of the first servers")

    drive(workspace, check, run=ADA)


def test_a_pick_that_fails_leaves_the_conversation_as_it_is(workspace: Workspace, character: Any) -> None:
    async def check(app: Lab, pilot: Pilot[int], room: ChatRoom) -> None:
        await pick(pilot, room, *character)
        first = room.conversation
        room.on_chat_picked(Chat.Picked(("http://me:secret@host/v1#x",)))
        await pilot.pause(0.2)
        assert room.conversation is first is not None
        await say(pilot, room, "Who?")
        assert first.tip is not None

    drive(workspace, check, run=ADA)


# ---------------------------------------------------------------- whom one can talk to


def test_a_run_offers_its_last_checkpoint_its_forms_its_steps_and_its_base(
    workspace: Workspace, write_run: Callable[..., Any]
) -> None:
    paths = write_run(ADA, recipe=RECIPE, ended="finished")
    for step in (20, 40):
        paths.checkpoint(step).folder.mkdir(parents=True)
        write_json(paths.checkpoint(step).manifest, {})
    paths.checkpoint(60).folder.mkdir(parents=True)  # its writer died
    for form, at in (("merged", None), ("q8_0", 20)):
        paths.export(form, at).folder.mkdir(parents=True)
        write_json(paths.export(form, at).manifest, {})
    found = read_models(workspace, [ADA])
    assert [model.reference for model in found.models] == [
        f"run:{ADA}", RECIPE["base"], f"run:{ADA}#merged", f"run:{ADA}@20#q8_0", f"run:{ADA}@20",
    ]  # fmt: skip
    assert found.models[0].what == "last checkpoint, step 40"
    assert found.dataset == "madison"
    assert found.questions[0].id == "gt-01"


def test_without_a_run_there_is_the_bundled_model(workspace: Workspace) -> None:
    found = read_models(workspace, ["last", "no-such-run"])
    assert [model.reference for model in found.models] == ["bundled:smollm2-135m"]
    assert found == Found(found.models, [], "")


def test_a_dataset_that_cannot_be_read_leaves_the_models(workspace: Workspace, write_run: Callable[..., Any]) -> None:
    write_run(ADA, recipe=RECIPE, ended="finished")
    workspace.dataset("madison").prompts.write_text(json.dumps({"id": 1}) + "\n")
    found = read_models(workspace, [ADA])
    assert found.models
    assert found.questions == []


def test_a_url_with_a_password_is_refused_without_showing_it(workspace: Workspace, character: Any) -> None:
    async def check(app: Lab, pilot: Pilot[int], room: ChatRoom) -> None:
        room.chat.post_message(Chat.Picked(("http://ada:open@host:80/v1#m",)))
        assert "open" not in await told(pilot, room, "a name or a password")
        assert room.conversation is None

    drive(workspace, check, run=ADA)


def test_the_system_prompt_and_the_sampling_outlive_any_number_of_picks(workspace: Workspace, character: Any) -> None:
    async def check(app: Lab, pilot: Pilot[int], room: ChatRoom) -> None:
        room.chat.post_message(Chat.Changed("Be brief.", Sampling(seed=5)))
        for server in (*character, character[0]):
            room.chat.post_message(Chat.Picked((server.reference,)))
        await pick(pilot, room, character[1])
        assert room.conversation is not None
        assert (room.conversation.system, room.conversation.sampling) == ("Be brief.", Sampling(seed=5))

    drive(workspace, check, run=ADA)


def test_while_it_is_blind_nothing_tells_one_side_from_the_other(workspace: Workspace, character: Any) -> None:
    character[1].pace = 0.02

    async def check(app: Lab, pilot: Pilot[int], room: ChatRoom) -> None:
        await pick(pilot, room, *character)
        await pilot.press("escape", "b")
        await say(pilot, room, "Who are you?")
        assert [reply.words for reply in turns(room)[0].replies] == ["", ""]
        character[0].close()
        await say(pilot, room, "And who are you now?")
        failed = next(reply for reply in turns(room)[1].replies if reply.state == "failed")
        assert character[0].reference not in failed.words
        await pilot.press("escape", "b")
        await wait_until(pilot, lambda: all("first after" in r.words for r in turns(room)[0].replies), "the speeds")

    drive(workspace, check, run=ADA)


def test_thinking_goes_neither_into_a_pair_nor_back_to_the_model(workspace: Workspace, character: Any) -> None:
    character[0].say = lambda body: ["<think>Who am I?</think>", "James Madison, Sir."]

    async def check(app: Lab, pilot: Pilot[int], room: ChatRoom) -> None:
        await pick(pilot, room, *character)
        await say(pilot, room, "Who are you?")
        await pilot.press("escape", "a")
        await told(pilot, room, "saved the pair")
        await say(pilot, room, "And where?")
        assert character[0].asked[-1]["messages"][1]["content"] == "James Madison, Sir."
        character[0].say = lambda body: ["<think>Who am I? And"]
        await say(pilot, room, "Once more?")
        await pilot.press("escape", "a")
        await told(pilot, room, "never came to the end of its thinking")

    drive(workspace, check, run=ADA)
    (pair,) = read_pairs(workspace.dataset("madison-spot"))
    assert pair.chosen[0].content == "James Madison, Sir."
    assert pair.meta["raw"] == {"chosen": "<think>Who am I?</think>James Madison, Sir.", "rejected": "I am an AI."}


def test_a_note_about_half_a_character_is_saved(workspace: Workspace, character: Any) -> None:
    async def check(app: Lab, pilot: Pilot[int], room: ChatRoom) -> None:
        await pick(pilot, room, *character)
        await say(pilot, room, "Who are you?")
        assert room.conversation is not None
        assert room.conversation.tip is not None
        room.conversation.tip.replies[0].text = "half \ud83d"
        room.chat.post_message(Chat.Noted("cut", turns(room)[0].key))
        await told(pilot, room, "saved the note")

    drive(workspace, check, run=ADA)
    (note,) = read_rows(workspace.dataset("madison-spot").notes)
    assert note["meta"]["answers"][0] == "half ?"


@pytest.mark.slow
def test_the_bundled_model_answers_beside_itself_with_its_probabilities(
    workspace: Workspace, write_run: Callable[..., Any]
) -> None:
    write_run(ADA, recipe=RECIPE, ended="finished")

    async def check(app: Lab, pilot: Pilot[int], room: ChatRoom) -> None:
        models = room.query_one(Models)
        models.add(RECIPE["base"])  # type: ignore[arg-type]
        models.focus()
        await pilot.press("enter")
        await wait_until(pilot, lambda: room.conversation and room.conversation.sides[0].ready, "the server")
        assert room.conversation is not None
        room.conversation.sampling = room.conversation.sampling.model_copy(update={"max_tokens": 12})
        await say(pilot, room, "Who are you?")
        reply = turns(room)[0].replies[0]
        assert reply.state in ("done", "longest")
        assert "".join(token.token for token in reply.tokens).strip() == reply.text.strip()
        assert all(len(token.top) == 5 for token in reply.tokens)
        first = reply.text
        await pilot.press("escape", "r")
        await wait_until(pilot, lambda: turns(room)[0].seed == 2 and not room.chat.view.busy, "another seed")
        await pilot.press("t", "l")
        assert turns(room)[0].replies[0].text != first

    drive(workspace, check, run=ADA)
