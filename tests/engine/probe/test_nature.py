"""Whether a base follows instructions without a template: what it is asked, what counts as followed, what it may refuse."""

from typing import Any

import pytest

from engine.probe.nature import FORMATS, TASKS, Nature, examine_base, follows
from engine.serve.client import Client
from engine.stats.intervals import wilson

SOLVED = {
    "Write the word banana three times, separated by commas.": "banana, banana, banana",
    "What is 2 + 3? Reply with the number only.": "The answer is: 5.",
    "Name the capital of Italy in one word.": "\n\n Rome\nIt lies on the Tiber.",
    "Spell the word 'dog' with hyphens between the letters.": "d-o-g",
    "Write today's greeting in upper case: hello": "HELLO",
}


@pytest.mark.parametrize(
    ("task", "answer", "followed"),
    [
        *((task, answer, True) for task, answer in SOLVED.items()),
        ("Write today's greeting in upper case: hello", "hello", False),
        ("Name the capital of Italy in one word.", "The capital of Italy is a fine town.", False),
        ("What is 2 + 3? Reply with the number only.", "55", False),
        ("What do bees make? One word.", "", False),
        ("What do bees make? One word.", "Wax\nhoney", False),
        ("How many days are in a week? Reply with a number.", "Response: seven days", True),
    ],
)
def test_the_first_line_that_says_anything_is_what_was_asked_for(task: str, answer: str, followed: bool) -> None:
    assert follows(answer, TASKS[task]) is followed


def test_both_formats_are_asked_and_counted_apart(speaker: Any) -> None:
    def say(path: str, body: dict[str, Any]) -> str:
        task = body["prompt"].removeprefix("Instruction: ").removesuffix("\nResponse:").removesuffix("\n")
        named = body["prompt"].startswith("Instruction: ")
        return SOLVED.get(task, "and so on and on") if named else "and so on and on"

    speaker.say = say
    with Client(speaker.endpoint, retries=0) as client:
        found = examine_base(client)
    assert found.to_json() == {
        "of": "model as served",
        "template": False,
        "follows": {
            "raw": wilson(0, 20).to_json("followed"),
            "instruction": wilson(len(SOLVED), 20).to_json("followed"),
        },
        "problem": "",
    }
    prompts = {text.format(task) for text in FORMATS.values() for task in TASKS}
    assert {body["prompt"] for body in speaker.bodies} == prompts
    assert all(path == "/v1/completions" and body["temperature"] == 0 for path, body in speaker.asked)
    assert Nature.model_validate(found.to_json()) == found


def test_an_adapter_that_is_loaded_is_switched_off(speaker: Any) -> None:
    served = speaker.endpoint.model_copy(update={"backend": "transformers", "adapters": ["madison"]})
    with Client(served, retries=0) as client:
        found = examine_base(client)
    assert {body["adapter"] for body in speaker.bodies} == {0.0}
    assert found.of == "base"


@pytest.mark.parametrize(
    ("reference", "of"), [("run:x#merged", "model as served"), ("run:x#q8_0", "model as served"), ("bundled:a", "base")]
)
def test_a_form_that_holds_its_adapter_is_not_called_the_base(speaker: Any, reference: str, of: str) -> None:
    served = speaker.endpoint.model_copy(update={"backend": "llama", "reference": reference})
    with Client(served, retries=0) as client:
        assert examine_base(client).of == of


def test_whoever_asks_for_an_end_is_heard_between_the_tasks(speaker: Any) -> None:
    def stop() -> None:
        if speaker.asked:
            raise InterruptedError

    with Client(speaker.endpoint, in_flight=2, retries=0) as client, pytest.raises(InterruptedError):
        examine_base(client, stop)
    assert len(speaker.asked) < 40


def test_an_endpoint_that_takes_no_raw_text_is_a_finding(speaker: Any) -> None:
    speaker.say = lambda path, body: None
    with Client(speaker.endpoint, retries=0) as client:
        found = examine_base(client)
    assert found.follows is None
    assert "HTTP 404" in found.problem
    assert "no such path" in found.problem
