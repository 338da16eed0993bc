"""The room of the chat panel: owns the conversation and its servers, and saves what is judged."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

from textual import work

from console.background import in_thread
from console.judging import save_choice, save_question, save_remark
from console.partners import read_models
from console.rooms import Room, describe_problem
from console.sides import Side, make_sides
from console.talking import Conversation, Reply, Turn
from engine.errors import CharlabError
from engine.records.serving import Sampling
from panels.chat import Chat, ChatView
from panels.turn import ReplyView, SideView, TurnView

TICKS_PER_SECOND = 15
IDLE_SECONDS = 900.0
"""Without a prompt, after which a server ends; the next prompt starts it anew."""
ALTERNATIVES = 5
FIRST = Sampling(max_tokens=512, seed=1)


class ChatRoom(Room):
    def __init__(self, *, id: str, readonly: bool) -> None:
        super().__init__(Chat(), id=id)
        self.conversation: Conversation | None = None
        self.sampling = FIRST
        self.system: str | None = None
        self._readonly = readonly
        self._dataset = ""
        self._told: list[str] = []

    @property
    def chat(self) -> Chat:
        return self.query_one(Chat)

    def on_mount(self) -> None:
        self._ticking = self.set_interval(1 / TICKS_PER_SECOND, self._tick, pause=True)

    def on_unmount(self) -> None:
        self._give_up()

    def arrive(self) -> None:
        runs = self.lab.looked_at() or ["last"]
        self.load(partial(read_models, self.lab.workspace, runs))

    def take(self, found: Any) -> None:
        self._dataset = found.dataset
        self.chat.show_models(found.models)
        self.chat.show_questions(found.questions)

    # ---------------------------------------------------------------- the conversation

    @work(exclusive=True, group="pick")
    async def on_chat_picked(self, message: Chat.Picked) -> None:
        try:
            sides = await in_thread(
                partial(make_sides, message.references, self.lab.workspace, idle_seconds=IDLE_SECONDS)
            )
        except Exception as problem:  # whatever lies on the disk, the console goes on
            self.chat.say(describe_problem(problem), "bad")
            return
        self._give_up()
        self.conversation = Conversation(sides, self.sampling, self.system)
        self.conversation.alternatives = ALTERNATIVES
        self.conversation.ask_everyone = self.chat.talk.tokens
        for side in sides:
            threading.Thread(target=open_quietly, args=(side,), name=f"{side.reference} starts", daemon=True).start()
        self.chat.say("a server starts for each; what is written meanwhile is asked when it is there")
        self._ticking.resume()
        self._show()

    def on_chat_sent(self, message: Chat.Sent) -> None:
        if self.conversation is None:
            self.chat.ask.put(message.text)
            self.chat.say("the models are only being looked up: enter once more", "warn")
            return
        turn = None if message.turn is None else self._find(message.turn)
        self.conversation.send(message.text, instead_of=turn)
        self._answer()

    def on_chat_again(self, message: Chat.Again) -> None:
        if self.conversation is not None and (turn := self._find(message.turn)) is not None:
            self.conversation.ask_again(turn)
            self._answer()

    def on_chat_stopped(self) -> None:
        if self.conversation is not None:
            self.conversation.stop()
            self.chat.say("stopped; what came is kept")
            self._show()

    def on_chat_stepped(self, message: Chat.Stepped) -> None:
        if self.conversation is not None and (turn := self._find(message.turn)) is not None:
            self.conversation.step(turn, message.by)
            self._show()

    def on_chat_changed(self, message: Chat.Changed) -> None:
        changed = self.system != message.system
        self.system, self.sampling = message.system, message.sampling
        if self.conversation is None:
            return
        self.conversation.system, self.conversation.sampling = message.system, message.sampling
        self.chat.say("the next turn starts with this system prompt" if changed else "from the next turn on")
        self._show()

    def on_chat_blinded(self) -> None:
        if self.conversation is None:
            return
        if self.conversation.blind:
            self.conversation.reveal()
            self.chat.say("no longer blind")
        else:
            self.conversation.begin_anew()
            self.conversation.hide()
            self.chat.say("shuffled: a new conversation, and a or d says which is which")
        self._show()

    def on_chat_begun(self) -> None:
        if self.conversation is not None:
            self.conversation.begin_anew()
            self.chat.say("a new conversation; [ on its first turn leads back to this one")
            self._show()

    def on_chat_tokens_shown(self, message: Chat.TokensShown) -> None:
        if self.conversation is not None:
            self.conversation.ask_everyone = message.on

    def _answer(self) -> None:
        self.chat.say("")
        self._ticking.resume()
        self._show()

    def _tick(self) -> None:
        """Runs while something comes or starts, and only then."""
        conversation = self.conversation
        if conversation is None:
            self._ticking.pause()
            return
        heard = conversation.gather()
        starting = any(not side.ready and side.error is None for side in conversation.sides)
        states = [f"{side.ready}{side.words}{side.error}" for side in conversation.sides]
        if not conversation.busy and not starting:
            self._ticking.pause()
        if heard or states != self._told:
            self._told = states
            self._show()

    def _give_up(self) -> None:
        """End the servers, off the event loop: each may take seconds to end."""
        if self.conversation is not None:
            self.conversation.stop()
            for side in self.conversation.sides:
                threading.Thread(target=side.close, name=f"{side.reference} ends", daemon=True).start()
        self.conversation = None

    def _find(self, key: int) -> Turn | None:
        return next((turn for turn in self.conversation.path() if turn.key == key), None) if self.conversation else None

    def _show(self) -> None:
        if self.conversation is not None:
            self.chat.show(view_conversation(self.conversation))

    # ---------------------------------------------------------------- what is saved

    def on_chat_chosen(self, message: Chat.Chosen) -> None:
        conversation, turn = self.conversation, self._find(message.turn)
        if conversation is None or turn is None:
            return
        holds = dict(zip(conversation.order, message.holds, strict=True))
        turn.verdict = holds
        if len(set(holds.values())) > 1:
            conversation.reveal()
            self._save(partial(save_choice, self.lab.workspace, self._dataset, conversation, turn))
        else:
            self.chat.say("both hold: no pair to save" if message.holds[0] else "both break: no pair to save")
        self._show()

    def on_chat_probed(self, message: Chat.Probed) -> None:
        conversation, turn = self.conversation, self._find(message.turn)
        if conversation is not None and turn is not None:
            self._save(partial(save_question, self.lab.workspace, self._dataset, conversation, turn))

    def on_chat_noted(self, message: Chat.Noted) -> None:
        conversation = self.conversation
        if conversation is not None:
            turn = None if message.turn is None else self._find(message.turn)
            self._save(partial(save_remark, self.lab.workspace, self._dataset, conversation, turn, message.text))

    @work(group="save")
    async def _save(self, save: Callable[[], str]) -> None:
        if self._readonly:
            self.chat.say("read only: nothing is saved", "warn")
            return
        try:
            said = await in_thread(save)
        except Exception as problem:  # whatever lies on the disk, the console goes on
            self.chat.say(describe_problem(problem), "bad")
        else:
            self.chat.say(said, "good")


def open_quietly(side: Side) -> None:
    """What goes wrong stands in the side's `error`."""
    with suppress(CharlabError):
        side.open()


# ---------------------------------------------------------------- what the panel is shown


def view_conversation(conversation: Conversation) -> ChatView:
    system: str | None = None
    turns = []
    for turn in conversation.path():
        changed = turn.system != system
        system = turn.system
        versions = turn.versions
        order = conversation.order
        turns.append(
            TurnView(
                key=turn.key,
                prompt=turn.prompt,
                replies=tuple(view_reply(conversation, turn.replies[side]) for side in order),
                seed=turn.sampling.seed,
                system=(system or "") if changed else None,
                version=(versions.index(turn) + 1, len(versions)),
                verdict=(turn.verdict[order[0]], turn.verdict[order[1]]) if turn.verdict else None,
            )
        )
    return ChatView(
        sides=tuple(view_side(conversation, place) for place in range(len(conversation.sides))),
        turns=tuple(turns),
        busy=conversation.busy,
        blind=conversation.blind,
        system=conversation.system,
        sampling=conversation.sampling,
    )


def view_side(conversation: Conversation, place: int) -> SideView:
    side = conversation.sides[conversation.order[place]]
    label = conversation.label(place)
    if side.error is not None:
        return SideView(label, "failed", conversation.tell(side.error))
    if conversation.blind:  # which of two is there first would tell which is which
        return SideView(label, "ready" if all(one.ready for one in conversation.sides) else "starting")
    return SideView(label, "ready" if side.ready else "starting", side.words)


def view_reply(conversation: Conversation, reply: Reply) -> ReplyView:
    words = conversation.tell(reply.error) if reply.error else reply.describe(blind=conversation.blind)
    return ReplyView(reply.key, reply.text, reply.state, words, reply.tokens)
