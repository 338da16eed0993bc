"""Conversations with a real server that streams: branches, versions, and what a server does that dies."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from console.sides import Side, make_sides, open_sides
from console.talking import Conversation, Turn
from engine.errors import CharlabError
from engine.records.serving import Sampling
from engine.store.paths import Workspace

SAMPLING = Sampling(seed=7, max_tokens=32)


@pytest.fixture
def talk(workspace: Workspace, servers: Any) -> Iterator[Conversation]:
    sides = [Side(server.reference, workspace) for server in servers]
    yield Conversation(sides, SAMPLING)
    for side in sides:
        side.close()


def finish(talk: Conversation) -> Turn:
    """Take over everything until all have answered."""
    end = time.monotonic() + 20
    while talk.busy and time.monotonic() < end:
        talk.gather()
        time.sleep(0.002)
    assert talk.tip is not None
    assert not talk.busy
    return talk.tip


def wait_for(talk: Conversation, check: Callable[[], object]) -> None:
    end = time.monotonic() + 20
    while not check() and time.monotonic() < end:
        talk.gather()
        time.sleep(0.002)
    assert check()


def texts(turn: Turn) -> list[str]:
    return [reply.text for reply in turn.replies]


def test_both_are_asked_the_same_with_the_same_seed_and_sampling(talk: Conversation, servers: Any) -> None:
    talk.system = "Be brief."
    talk.send("Who are you?")
    turn = finish(talk)
    assert texts(turn) == ["I am seed 7.", "I am seed 7."]
    assert [reply.state for reply in turn.replies] == ["done", "done"]
    left, right = (server.asked[0] for server in servers)
    assert left == right
    assert left["messages"] == [
        {"role": "system", "content": "Be brief."}, {"role": "user", "content": "Who are you?"},
    ]  # fmt: skip
    assert (left["seed"], left["temperature"], left["top_p"], left["max_tokens"]) == (7, 1.0, 0.95, 32)


def test_each_side_goes_on_from_its_own_answers(talk: Conversation, servers: Any) -> None:
    servers[1].say = lambda body: ["Another."]
    talk.send("One?")
    finish(talk)
    talk.send("Two?")
    turn = finish(talk)
    assert [[m.content for m in talk.list_messages(turn, side)] for side in (0, 1)] == [
        ["One?", "I am seed 7.", "Two?"],
        ["One?", "Another.", "Two?"],
    ]
    assert servers[1].asked[1]["messages"][1] == {"role": "assistant", "content": "Another."}


def test_a_changed_system_prompt_holds_from_the_next_turn_on(talk: Conversation, servers: Any) -> None:
    talk.send("One?")
    finish(talk)
    talk.system = "You are James Madison."
    talk.send("Two?")
    finish(talk)
    assert [turn.system for turn in talk.path()] == [None, "You are James Madison."]
    assert [m["role"] for m in servers[0].asked[1]["messages"]] == ["system", "user", "assistant", "user"]


def test_asking_again_takes_the_next_seed_and_keeps_the_first_answer(talk: Conversation) -> None:
    first = talk.send("Who?")
    finish(talk)
    second = talk.ask_again(first)
    finish(talk)
    third = talk.ask_again(first)
    finish(talk)
    assert [turn.sampling.seed for turn in (first, second, third)] == [7, 8, 9]
    assert talk.path() == [third]
    assert third.versions == [first, second, third]
    talk.step(third, 1)
    assert talk.path() == [first]
    assert texts(first)[0] == "I am seed 7."
    assert talk.sampling.seed == 7


def test_a_fork_keeps_the_branch_that_it_leaves(talk: Conversation) -> None:
    one, two = talk.send("One?"), None
    finish(talk)
    two = talk.send("Two?")
    finish(talk)
    other = talk.send("One, otherwise?", instead_of=one)
    finish(talk)
    assert [t.prompt for t in talk.path()] == ["One, otherwise?"]
    talk.send("And then?")
    finish(talk)
    assert talk.step(other, -1) is one
    assert talk.path() == [one, two]
    talk.step(one, 1)
    assert [t.prompt for t in talk.path()] == ["One, otherwise?", "And then?"]


def test_a_new_conversation_is_another_branch_of_the_first_turn(talk: Conversation) -> None:
    one = talk.send("One?")
    finish(talk)
    talk.begin_anew()
    assert talk.path() == []
    assert talk.tip is None
    other = talk.send("Anew?")
    finish(talk)
    assert [m.content for m in talk.list_messages(other, 0)] == ["Anew?"]
    talk.step(other, -1)
    assert talk.path() == [one]


def test_what_came_before_a_stop_is_kept_and_marked(talk: Conversation, servers: Any) -> None:
    for server in servers:
        server.gate.clear()
    turn = talk.send("Who?")
    wait_for(talk, lambda: all(reply.text for reply in turn.replies))
    talk.stop()
    for server in servers:
        server.gate.set()
    assert not talk.busy
    assert [reply.state for reply in turn.replies] == ["stopped", "stopped"]
    kept = texts(turn)
    time.sleep(0.05)
    talk.gather()
    assert texts(turn) == kept == ["I ", "I "]
    assert "cut off: stopped" in turn.replies[0].describe()
    talk.send("Go on")
    assert texts(finish(talk)) == ["I am seed 7."] * 2


def test_a_server_that_dies_in_the_middle_leaves_what_came_marked_cut(talk: Conversation, servers: Any) -> None:
    servers[0].dies_after = 2
    talk.send("Who?")
    turn = finish(talk)
    assert texts(turn) == ["I am ", "I am seed 7."]
    assert [reply.state for reply in turn.replies] == ["cut", "done"]


def test_one_that_cannot_be_reached_fails_alone(workspace: Workspace, servers: Any) -> None:
    sides = [Side(servers[0].reference, workspace), Side("http://127.0.0.1:9/nothing", workspace)]
    talk = Conversation(sides, SAMPLING)
    talk.send("Who?")
    turn = finish(talk)
    assert [reply.state for reply in turn.replies] == ["done", "failed"]
    assert turn.replies[1].error is not None
    assert "/v1" in turn.replies[1].error.fix
    talk.send("And?")
    finish(talk)
    assert [[m.content for m in talk.list_messages(talk.path()[1], side)] for side in (0, 1)] == [
        ["Who?", "I am seed 7.", "And?"],
        ["And?"],
    ]


def test_probabilities_are_asked_of_a_stranger_only_where_they_are_wanted(talk: Conversation, servers: Any) -> None:
    talk.alternatives = 5
    talk.send("Who?")
    assert finish(talk).replies[0].tokens == []
    talk.ask_everyone = True
    talk.send("Who?")
    reply = finish(talk).replies[0]
    assert [token.token for token in reply.tokens] == ["I ", "am ", "seed 7."]
    assert reply.tokens[0].top[1] == ("else", -2.5)
    assert [("logprobs" in body) for body in servers[0].asked] == [False, True]


def test_blind_names_nobody_until_one_is_chosen(talk: Conversation) -> None:
    orders = set()
    for _ in range(60):
        talk.hide()
        orders.add(tuple(talk.order))
    assert orders == {(0, 1), (1, 0)}
    assert [talk.label(0), talk.label(1)] == ["1", "2"]
    talk.reveal()
    assert {talk.label(0), talk.label(1)} == {side.reference for side in talk.sides}


def test_a_start_that_goes_wrong_in_any_way_ends_as_the_sides_error(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    (workspace.folder / "cache").write_text("no folder")
    monkeypatch.setenv("CHARLAB_CACHE", str(workspace.folder / "cache"))
    side = Side("bundled:smollm2-135m", workspace)
    with pytest.raises(CharlabError, match="NotADirectoryError"):
        side.open()
    assert side.error is not None


def test_a_server_that_is_still_starting_is_given_up_at_once(workspace: Workspace) -> None:
    side = Side("bundled:smollm2-135m", workspace, threads=1)
    problems: list[CharlabError] = []

    def begin() -> None:
        try:
            side.open()
        except CharlabError as problem:
            problems.append(problem)

    starting = threading.Thread(target=begin)
    starting.start()
    end = time.monotonic() + 20
    while side._starting is None and time.monotonic() < end:
        time.sleep(0.001)
    side.close()
    starting.join(20)
    assert not side.ready
    assert "ended before it answered" in problems[0].message


def test_the_first_that_does_not_start_ends_the_start(workspace: Workspace, servers: Any) -> None:
    sides = make_sides([servers[0].reference, "./nowhere.gguf"], workspace)
    with pytest.raises(CharlabError, match="no GGUF"):
        open_sides(sides)
    assert sides[0].ready
    assert sides[1].error is not None
    for side in sides:
        side.close()


def test_a_closed_side_opens_no_more(workspace: Workspace, servers: Any) -> None:
    side = Side(servers[0].reference, workspace)
    side.open()
    side.close()
    assert not side.ready
    with pytest.raises(CharlabError, match="given up"):
        side.open()


@pytest.mark.slow
def test_a_server_that_ended_idle_is_started_again_by_the_next_prompt(workspace: Workspace) -> None:
    side = Side("bundled:smollm2-135m", workspace, threads=1, idle_seconds=0.5)
    talk = Conversation([side], Sampling(seed=4, max_tokens=4))
    talk.send("Who?")
    first = finish(talk).replies[0]
    assert first.state in ("done", "longest")
    wait_for(talk, side._has_ended)
    talk.ask_again(talk.path()[0])
    assert finish(talk).replies[0].state in ("done", "longest")
    assert talk.path()[0].replies[0].error is None
    side.close()
