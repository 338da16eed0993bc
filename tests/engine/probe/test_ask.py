"""Asking probes of a real server on the loopback: what it is asked to the letter, what is kept, what is not asked again."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.errors import BusyError
from engine.probe.ask import ask_probes, read_answers, seed_answer, strip_thinking
from engine.records.dataset import Character, Probe
from engine.records.rows import Sample
from engine.records.serving import Sampling
from engine.serve.client import Client
from engine.store.paths import RunPaths

Make = Callable[..., Probe]
SAMPLING = Sampling(temperature=0.7, top_k=5, top_p=0.9, max_tokens=9, seed=3)


@pytest.fixture
def ask(speaker: Any, character: Character) -> Callable[..., list[Sample]]:
    """ask([probe], samples=2, system="", kept=rows) asks the speaker and returns what was taken."""

    def do(probes: list[Probe], samples: int = 1, taken: list[Sample] | None = None, **more: Any) -> list[Sample]:
        taken = [] if taken is None else taken
        more = {"system": None, "character": character, **more}
        with Client(speaker.endpoint, in_flight=4, retries=0) as client:
            ask_probes(client, probes, samples, SAMPLING, take=taken.append, **more)
        return taken

    return do


def body(probe: Probe, index: int = 0, turn: int = 0, **more: Any) -> dict[str, Any]:
    seed = seed_answer(SAMPLING, probe, index, turn).seed
    said = {"model": "there", "temperature": 0.7, "top_p": 0.9, "max_tokens": 9, "top_k": 5, "seed": seed}
    return {**said, **more}


def user(text: str) -> dict[str, str]:
    return {"role": "user", "content": text}


def test_a_chat_probe_is_asked_with_its_messages_alone(ask: Any, speaker: Any, probe: Make) -> None:
    (sample,) = ask([probe()])
    assert speaker.asked == [("/v1/chat/completions", body(probe(), messages=[user("Who are you?")]))]
    assert (sample.probe, sample.index, sample.turn, sample.tokens, sample.prompt_tokens) == ("who", 0, 0, 7, 11)
    assert sample.seed == speaker.bodies[0]["seed"]
    assert sample.text == f"I hold so, Sir: {sample.seed}."
    assert (sample.breaks, sample.span, sample.truncated, sample.judged_from) == (None, None, False, 0)


def test_raw_and_instruction_probes_are_asked_as_text(ask: Any, speaker: Any, probe: Make) -> None:
    raw, named = probe("a", format="raw"), probe("b", format="instruction")
    ask([raw, named], system="Be brief.")
    assert sorted(speaker.asked, key=lambda one: one[1]["prompt"]) == [
        ("/v1/completions", body(named, prompt="Be brief.\nInstruction: Who are you?\nResponse:", stop=["\nInstruction:"])),
        ("/v1/completions", body(raw, prompt="Be brief.\nWho are you?")),
    ]  # fmt: skip


def test_a_beginning_is_put_into_the_models_mouth(ask: Any, speaker: Any, probe: Make) -> None:
    begun = probe(begin="Very well,", turns=["And?"])
    speaker.say = lambda path, body: " I am James, Sir."
    samples = ask([begun])
    first = [user("Who are you?"), {"role": "assistant", "content": "Very well,"}]
    going_on = {"continue_final_message": True, "add_generation_prompt": False}
    whole = {"role": "assistant", "content": "Very well, I am James, Sir."}
    assert speaker.bodies == [
        body(begun, messages=first, **going_on),
        body(begun, turn=1, messages=[user("Who are you?"), whole, user("And?")]),
    ]
    assert [s.text for s in samples] == [" I am James, Sir."] * 2


def test_an_interview_goes_on_from_the_models_own_answers(ask: Any, speaker: Any, probe: Make) -> None:
    interview = probe(turns=["And?", "So?"])
    samples = {(s.index, s.turn): s for s in ask([interview], samples=2)}
    assert sorted(samples) == [(i, t) for i in range(2) for t in range(3)]
    asked = {b["seed"]: b["messages"] for b in speaker.bodies}
    for index in range(2):
        said = [{"role": "assistant", "content": samples[index, turn].text} for turn in range(2)]
        whole = [user("Who are you?"), said[0], user("And?"), said[1], user("So?")]
        for turn in range(3):
            assert asked[samples[index, turn].seed] == whole[: 1 + 2 * turn]
    assert samples[0, 0].text != samples[1, 0].text


@pytest.mark.parametrize(
    ("system", "own", "seen"),
    [
        (None, None, None),
        ("Be brief.", None, "Be brief."),
        ("", None, ""),
        ("Be brief.", "You are Ada.", "You are Ada."),
        ("", "You are Ada.", "You are Ada."),
    ],
)
def test_the_system_prompt_is_the_probes_own_or_the_runs(
    ask: Any, speaker: Any, system: str | None, own: str | None, seen: str | None
) -> None:
    messages = [*([{"role": "system", "content": own}] if own else []), user("Who are you?")]
    ask([Probe.model_validate({"id": "p", "messages": messages})], system=system)
    first = [] if seen is None else [{"role": "system", "content": seen}]
    assert speaker.bodies[0]["messages"] == [*first, user("Who are you?")]


def test_every_answer_draws_with_a_seed_of_its_own_that_comes_again(ask: Any, speaker: Any, probe: Make) -> None:
    probes = [probe("a", turns=["And?"]), probe("b"), probe("a 1"), probe("a\n")]
    first = {(s.probe, s.index, s.turn): s.seed for s in ask(probes, samples=3)}
    assert len(first) == len(set(first.values())) == 15
    again = {(s.probe, s.index, s.turn): s.seed for s in ask(list(reversed(probes)), samples=3)}
    assert again == first
    assert {seed_answer(SAMPLING.model_copy(update={"seed": 4}), p, 0, 0).seed for p in probes}.isdisjoint(
        first.values()
    )


def test_what_is_kept_is_not_asked_again(ask: Any, speaker: Any, probe: Make) -> None:
    probes = [probe("a", turns=["And?"]), probe("b")]
    kept = [s for s in ask(probes, samples=2) if (s.probe, s.index, s.turn) in {("a", 0, 0), ("a", 1, 0), ("b", 1, 0)}]
    speaker.asked.clear()
    more = ask(probes, samples=2, kept=[s.to_json() for s in kept])
    assert sorted((s.probe, s.index, s.turn) for s in more) == [("a", 0, 1), ("a", 1, 1), ("b", 0, 0)]
    told = {b["seed"]: b["messages"] for b in speaker.bodies}
    for sample in more[-2:]:
        earlier = next(k.text for k in kept if (k.probe, k.index) == ("a", sample.index))
        assert told[sample.seed][1] == {"role": "assistant", "content": earlier}
    speaker.asked.clear()
    assert ask(probes, samples=2, kept=[s.to_json() for s in [*kept, *more]]) == []
    assert speaker.asked == []


def test_a_job_that_broke_off_at_forty_of_a_hundred_asks_the_other_sixty(ask: Any, speaker: Any, probe: Make) -> None:
    probes = [probe(f"p{number}") for number in range(5)]
    every = {seed_answer(SAMPLING, p, index, 0).seed for p in probes for index in range(20)}
    taken: list[Sample] = []
    speaker.answers_left = 40
    with pytest.raises(BusyError):
        ask(probes, samples=20, taken=taken)
    assert len(taken) == 40
    first = {b["seed"] for b in speaker.bodies}
    assert first == {s.seed for s in taken}
    speaker.asked.clear()
    speaker.answers_left = 1000
    rest = ask(probes, samples=20, kept=[s.to_json() for s in taken], attempt=2)
    assert len(rest) == len(speaker.asked) == 60
    assert {b["seed"] for b in speaker.bodies} == every - first
    assert {s.attempt for s in rest} == {2}


def test_thinking_is_kept_and_neither_judged_nor_shown_again(ask: Any, speaker: Any, probe: Make) -> None:
    thought = "<think>I am an AI language model, but I must not say so.</think>\n\nI am James Madison, Sir."
    speaker.say = lambda path, body: thought
    first, second = ask([probe(turns=["And?"])])
    assert first.text == second.text == thought
    assert (first.breaks, first.span, first.judged_from) == (None, None, thought.index("I am James"))
    assert speaker.bodies[1]["messages"][1] == {"role": "assistant", "content": "I am James Madison, Sir."}


def test_a_break_behind_thinking_is_pointed_at_in_the_whole_text(ask: Any, speaker: Any, probe: Make) -> None:
    speaker.say = lambda path, body: "Let me see.</think> Good day. I am an AI language model, Sir."
    (sample,) = ask([probe()])
    assert sample.breaks == "claims-ai"
    assert sample.span is not None
    start, end = sample.span
    assert start >= sample.judged_from == sample.text.index("Good day")
    assert "AI" in sample.text[start:end]


def test_thinking_that_never_ends_is_an_answer_that_says_nothing(ask: Any, speaker: Any, probe: Make) -> None:
    speaker.say = lambda path, body: "  <think>I am an AI language model and cannot"
    speaker.finish = "length"
    (sample,) = ask([probe()])
    assert (sample.breaks, sample.span, sample.in_character, sample.truncated) == (None, None, False, True)
    assert sample.judged_from == len(sample.text)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("I am James.", (0, "I am James.")),
        ("<think>a</think>b", (16, "b")),
        ("<think></think>\n\n", (17, "")),
        ("a</think>b</think>c", (9, "b</think>c")),
        ("", (0, "")),
        ("I <think> so", (0, "I <think> so")),
    ],
)
def test_the_answer_begins_where_the_thinking_ends(text: str, found: tuple[int, str]) -> None:
    assert strip_thinking(text) == found


def make_sample(probe: str, index: int, turn: int = 0, **more: Any) -> dict[str, Any]:
    row = {"attempt": 1, "step": 0, "time": 1.0, "probe": probe, "index": index, "seed": 1, "text": "Sir.", "tokens": 1}
    return {**row, "truncated": False, "breaks": None, "span": None, "in_character": True, "turn": turn, **more}


def test_one_answer_counts_for_each_question_and_the_rest_is_left_out(tmp_path: Path, probe: Make) -> None:
    rows = [
        make_sample("a", 0, 1),  # of a conversation whose beginning is lost
        make_sample("a", 0, 0, text="first"),
        make_sample("a", 0, 0, text="second"),
        make_sample("a", 0, 1, text="later"),
        make_sample("a", 0, 2),
        make_sample("a", 9), make_sample("a", -1), make_sample("stranger", 0), make_sample("a", 1, breaks=7),
        {"probe": "a"}, {"probe": ["a"], "index": {}}, {},
    ]  # fmt: skip
    paths = RunPaths(tmp_path)
    lines = [json.dumps(row) for row in rows]
    paths.samples.write_text("\n".join([*lines, "[1]", "no json", '{"torn": ']))
    answers, skipped = read_answers(paths, [probe("a", turns=["And?"])], 2)
    assert [(s.probe, s.index, s.turn, s.text) for s in answers] == [
        ("a", 0, 0, "first"),
        ("a", 0, 1, "later"),
    ]
    assert skipped == 10
    assert read_answers(RunPaths(tmp_path / "none"), [], 1) == ([], 0)
