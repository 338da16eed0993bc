"""What a person judges of answers, written to the spot dataset of the character with where it came from."""

from __future__ import annotations

import re
import time
from typing import Any

from console.talking import Conversation, Turn
from engine.errors import DatasetError
from engine.records.dataset import Message
from engine.store.paths import Workspace


def describe_turn(conversation: Conversation, turn: Turn | None) -> dict[str, Any]:
    """Where a judgement came from."""
    about: dict[str, Any] = {
        "models": [side.reference for side in conversation.sides],
        "time": time.time(),
    }
    if turn is None:
        return about
    return about | {
        "system": turn.system,
        "sampling": turn.sampling.to_json(),
        "asked": turn.time,
        "tokens": [reply.answer.tokens if reply.answer else len(reply.tokens) for reply in turn.replies],
        "ended": [reply.state for reply in turn.replies],
    }


def save_choice(workspace: Workspace, dataset: str, conversation: Conversation, turn: Turn) -> str:
    """The answer that holds and the one that breaks, as a preference; what was said of it."""
    from engine.data.spot import name_spot, save_pair

    assert turn.verdict is not None
    chosen = next(side for side, holds in turn.verdict.items() if holds)
    rejected = next(side for side, holds in turn.verdict.items() if not holds)
    prompt = conversation.list_messages(turn, chosen)
    about = describe_turn(conversation, turn)
    about |= {"chosen": about["models"][chosen], "rejected": about["models"][rejected]}
    other = conversation.list_messages(turn, rejected)
    if other != prompt:
        # each side went on from its own answers: a pair has one prompt
        about["rejected_prompt"] = [message.to_json() for message in other]
    name = find_dataset_of(workspace, conversation, dataset)
    answers = turn.replies[chosen], turn.replies[rejected]
    for reply in answers:
        if reply.text.strip() and not reply.said.strip():
            raise DatasetError(
                "one of the two never came to the end of its thinking: it answered nothing",
                fix="ask again with a larger max_tokens (s)",
            )
    if any(reply.said != reply.text for reply in answers):
        about["raw"] = {"chosen": answers[0].text, "rejected": answers[1].text}
    pair = save_pair(workspace, name, prompt, answers[0].said, answers[1].said, about)
    return f"saved the pair {pair.id} to {name_spot(name)}" + (
        "; its prompt is what the chosen side was asked" if other != prompt else ""
    )


def save_question(workspace: Workspace, dataset: str, conversation: Conversation, turn: Turn) -> str:
    from engine.data.spot import name_spot, save_probe

    name = find_dataset_of(workspace, conversation, dataset)
    messages = [Message(role="system", content=turn.system)] if turn.system else []
    messages.append(Message(role="user", content=turn.prompt))
    probe = save_probe(workspace, name, messages, describe_turn(conversation, turn))
    return f"saved the probe {probe.id} to {name_spot(name)}"


def save_remark(workspace: Workspace, dataset: str, conversation: Conversation, turn: Turn | None, text: str) -> str:
    from engine.data.spot import name_spot, save_note

    name = find_dataset_of(workspace, conversation, dataset)
    about = describe_turn(conversation, turn)
    if turn is not None:
        about |= {"prompt": turn.prompt, "answers": [reply.text for reply in turn.replies]}
    save_note(workspace, name, text, about)
    return f"saved the note to {name_spot(name)}"


def find_dataset_of(workspace: Workspace, conversation: Conversation, otherwise: str) -> str:
    """The dataset that the first of the runs talked to was trained on, else that of the run looked at."""
    from engine.store.runs import open_run

    for side in conversation.sides:
        if side.reference.startswith("run:"):
            run = re.split("[@#]", side.reference.removeprefix("run:"))[0]
            return open_run(workspace.find_run(run)).recipe.dataset
    if not otherwise:
        raise DatasetError("no run tells whose character this is", fix="open a run first: its dataset is the one meant")
    return otherwise
