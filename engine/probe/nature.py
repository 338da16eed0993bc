"""What a base really is: whether it has a chat template, and whether it follows instructions that come without one.

A "base" that follows them was tuned on them, or on text like them: what looks like the work of an adapter may have
been there before. Many a true base follows "Instruction: ... Response:" and rambles on raw text, so both are asked:
twenty small tasks that a rule can check, the likeliest token each time.
"""

import re
from collections.abc import Callable
from typing import Literal

from engine.errors import CharlabError
from engine.records.base import Record
from engine.records.serving import Sampling
from engine.serve.answers import Answer
from engine.serve.client import Client, Job
from engine.stats.intervals import wilson

FORMATS = {"raw": "{}\n", "instruction": "Instruction: {}\nResponse:"}
_LEAD = re.compile(r"^\W*(the\s+)?(answer|result|response|a|output|french)( is)?\s*:\s*", re.IGNORECASE)

TASKS: dict[str, str] = {
    "Write the word banana three times, separated by commas.": r"^\W*banana\W+banana\W+banana\W*$",
    "Answer with one word only: what is the opposite of hot?": r"^\W*(cold|cool)\W*$",
    "What is 2 + 3? Reply with the number only.": r"^\W*(5|five)\W*$",
    "Translate 'good morning' into French. Reply with the translation only.": r"^\W*bonjour\W*$",
    "Reply with the single word: yes": r"^\W*yes\W*$",
    "Name the capital of Italy in one word.": r"^\W*rome\W*$",
    "Write the letters A, B and C in lower case, separated by spaces.": r"^\W*a b c\W*$",
    "Finish with one word: the sun rises in the": r"^\W*(east|morning)\W*$",
    "Repeat exactly: the cat sat on the mat": r"^\W*the cat sat on the mat\W*$",
    "Is water wet? Answer yes or no, nothing else.": r"^\W*(yes|no)\W*$",
    "How many days are in a week? Reply with a number.": r"^\W*(7|seven)\W*(days?\W*)?$",
    "Write the plural of the word 'mouse'.": r"^\W*(the plural of \W*mouse\W* is )?\W*mice\W*$",
    "Give one colour of the rainbow. One word.": r"^\W*(red|orange|yellow|green|blue|indigo|violet|purple)\W*$",
    "Count from one to five in digits, separated by commas.": r"^\W*1, ?2, ?3, ?4, ?5\W*$",
    "Spell the word 'dog' with hyphens between the letters.": r"^\W*d-o-g\W*$",
    "Which is larger, 9 or 4? Reply with the digit.": r"^\W*9\W*$",
    "Write today's greeting in upper case: hello": r"^\W*HELLO\W*$",
    "Name a month that begins with J. One word.": r"^\W*(january|june|july)\W*$",
    "What do bees make? One word.": r"^\W*honey\W*$",
    "Reverse the order of these words: one two three": r"^\W*three,? two,? one\W*$",
}
SAMPLING = Sampling(temperature=0, top_k=0, top_p=1, max_tokens=16, seed=0)


class Followed(Record):
    """A proportion as it is written down."""

    followed: int
    n: int
    rate: float | None
    ci: tuple[float, float]


class Follows(Record):
    raw: Followed
    instruction: Followed


class Nature(Record):
    """What stands with every result about the model."""

    of: Literal["base", "model as served"] = "base"
    """What answered: a URL, or a form whose weights hold the adapter, has none to switch off."""
    template: bool
    """Whether a chat template is known."""
    follows: Follows | None = None
    """Of the tasks, in each format; None where the endpoint takes no raw text."""
    problem: str = ""
    """Why it was not asked."""


def examine_base(client: Client, stop: Callable[[], None] = lambda: None) -> Nature:
    """Ask every task in each format; an adapter that is loaded is switched off. Raises what `stop` raises."""
    answers: dict[str, str] = {}
    jobs = [
        Job(f"{name} {task}", text.format(task), SAMPLING, adapter=False)
        for name, text in FORMATS.items()
        for task in TASKS
    ]

    def take(job: Job, answer: Answer) -> None:
        answers[job.id] = answer.text

    endpoint = client.endpoint
    template = endpoint.rendered is not None
    of: Literal["base", "model as served"] = "base"
    if not endpoint.adapters and "#" in endpoint.reference:
        of = "model as served"
    try:
        client.run_batch(jobs, take, stop=stop)
    except CharlabError as refused:
        return Nature(of=of, template=template, problem=refused.message)
    found = {}
    for name in FORMATS:
        followed = sum(follows(answers[f"{name} {task}"], pattern) for task, pattern in TASKS.items())
        found[name] = wilson(followed, len(TASKS)).to_json("followed")
    return Nature(of=of, template=template, follows=Follows.model_validate(found))


def follows(answer: str, pattern: str) -> bool:
    """Whether the first line that says anything is what was asked for, "The answer is:" aside."""
    line = next((line for line in answer.split("\n") if _LEAD.sub("", line).strip()), "")
    flags = re.NOFLAG if "HELLO" in pattern else re.IGNORECASE
    return re.match(pattern, _LEAD.sub("", line).strip(), flags) is not None
