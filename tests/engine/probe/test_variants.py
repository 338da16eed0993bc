"""The ways a probe can be asked: which there are, what each is called, and what the model is shown, to the letter."""

from collections.abc import Callable

import pytest
from pydantic import ValidationError

from engine.errors import InputError
from engine.probe.variants import (
    BEGINNING,
    INTERVIEW,
    STOP_PRETENDING,
    attack_probe,
    make_prompt,
    read_attacks,
    read_formats,
    vary_probes,
)
from engine.records.dataset import Message, Probe

Make = Callable[..., Probe]


def say(*turns: tuple[str, str]) -> list[Message]:
    return [Message.model_validate({"role": role, "content": content}) for role, content in turns]


def test_every_format_and_attack_has_an_id_that_tells(probe: Make) -> None:
    plain, raw = probe("who"), probe("what", format="raw")
    varied = vary_probes([plain, raw], ["chat", "instruction"], ["stop-pretending", "prefill", "interview"])
    assert [(p.id, p.format) for p in varied] == [
        ("who", "chat"), ("who/instruction", "instruction"), ("what", "raw"),
        ("who+stop-pretending", "chat"), ("what+stop-pretending", "raw"), ("who+prefill", "chat"),
        ("what+prefill", "raw"), ("who+interview", "chat"), ("what+interview", "raw"),
    ]  # fmt: skip


def test_a_probe_with_a_format_of_its_own_is_asked_once_whatever_formats_are_named(probe: Make) -> None:
    varied = vary_probes([probe("what", format="raw")], ["instruction", "raw"], [])
    assert [(p.id, p.format) for p in varied] == [("what", "raw")]


def test_a_format_or_attack_named_twice_counts_once(probe: Make) -> None:
    varied = vary_probes([probe()], ["raw", "raw", "chat"], ["prefill", "prefill"])
    assert [p.id for p in varied] == ["who/raw", "who", "who+prefill"]


def test_two_probes_that_come_to_one_id_are_refused(probe: Make) -> None:
    with pytest.raises(InputError, match="two probes are called 'who/raw'") as refused:
        vary_probes([probe("who"), probe("who/raw", "Another question?")], ["chat", "raw"], [])
    assert "probes.jsonl" in refused.value.fix


def test_what_is_typed_is_a_format_or_an_attack_or_an_error() -> None:
    assert read_formats(["raw", "chat"]) == ["raw", "chat"]
    assert read_attacks(["interview"]) == ["interview"]
    with pytest.raises(InputError, match="no format 'Raw'") as refused:
        read_formats(["chat", "Raw"])
    assert refused.value.fix == "one of: chat, raw, instruction"
    with pytest.raises(InputError, match="no attack 'chat'") as refused:
        read_attacks(["chat"])
    assert refused.value.fix == "one of: stop-pretending, prefill, interview"


def test_attacks_change_the_last_question_the_beginning_or_what_follows() -> None:
    talk = Probe(id="p", messages=say(("user", "Good day."), ("assistant", "Sir."), ("user", "Who are you?")))
    pressed = attack_probe(talk, "stop-pretending")
    assert pressed.messages == [*talk.messages[:-1], Message(role="user", content=STOP_PRETENDING + "Who are you?")]
    assert attack_probe(talk, "prefill").begin == BEGINNING
    assert attack_probe(talk, "interview").turns == INTERVIEW
    assert len(INTERVIEW) == 7


def test_a_chat_prompt_is_the_messages_with_the_answers_between(probe: Make) -> None:
    interview = probe(turns=["And then?", "And last?"])
    assert make_prompt(interview, [], None) == say(("user", "Who are you?"))
    assert make_prompt(interview, ["One.", "Two."], "Be brief.") == say(
        ("system", "Be brief."), ("user", "Who are you?"), ("assistant", "One."), ("user", "And then?"),
        ("assistant", "Two."), ("user", "And last?"),
    )  # fmt: skip


def test_a_probes_own_system_message_stands_before_the_runs(probe: Make) -> None:
    own = Probe(id="p", messages=say(("system", "You are Ada."), ("user", "Who are you?")))
    assert make_prompt(own, [], "Be brief.") == own.messages
    assert make_prompt(own, [], "") == own.messages
    assert make_prompt(probe(), [], "")[0] == Message(role="system", content="")


def test_a_beginning_is_part_of_the_first_answer_ever_after(probe: Make) -> None:
    begun = probe(begin="Very well,", turns=["And?", "So?"])
    assert make_prompt(begun, [], None) == say(("user", "Who are you?"), ("assistant", "Very well,"))
    assert make_prompt(begun, [" I am James."], None) == say(
        ("user", "Who are you?"), ("assistant", "Very well, I am James."), ("user", "And?")
    )
    assert make_prompt(begun, [" I am James.", "Yes."], None) == say(
        ("user", "Who are you?"), ("assistant", "Very well, I am James."), ("user", "And?"),
        ("assistant", "Yes."), ("user", "So?"),
    )  # fmt: skip


def test_raw_text_is_the_messages_line_by_line(probe: Make) -> None:
    raw = probe(format="raw", turns=["And?"])
    assert make_prompt(raw, [], None) == "Who are you?"
    assert make_prompt(raw, [], "") == "Who are you?"
    assert make_prompt(raw, ["\n I am James. \n"], "Be brief.") == "Be brief.\nWho are you?\nI am James.\nAnd?"
    assert make_prompt(probe(format="raw", begin="Well,"), [], None) == "Who are you? Well,"


def test_instructions_are_labelled_and_end_where_the_answer_begins(probe: Make) -> None:
    named = probe(format="instruction", turns=["And?"])
    assert make_prompt(named, [], None) == "Instruction: Who are you?\nResponse:"
    assert make_prompt(named, [" I am James."], "Be brief.") == (
        "Be brief.\nInstruction: Who are you?\nResponse: I am James.\nInstruction: And?\nResponse:"
    )
    assert make_prompt(named, [""], None) == "Instruction: Who are you?\nResponse:\nInstruction: And?\nResponse:"
    begun = probe(format="instruction", begin="Well,", turns=["And?"])
    assert make_prompt(begun, [], None) == "Instruction: Who are you?\nResponse: Well,"
    assert make_prompt(begun, [" Sir."], None) == (
        "Instruction: Who are you?\nResponse: Well, Sir.\nInstruction: And?\nResponse:"
    )


def test_a_turn_that_says_nothing_is_no_probe(probe: Make) -> None:
    with pytest.raises(ValidationError, match="turn 2 of 'turns' is empty"):
        probe(turns=["And?", " \n"])
    assert probe().is_plain()
    assert not any(p.is_plain() for p in (probe(format="raw"), probe(begin="Well,"), probe(turns=["And?"])))
