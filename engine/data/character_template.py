"""What `charlab new-character` lays out, and whether a row still says what only stands there to be replaced."""

from engine.records.dataset import Pair, Prompt

CHARACTER = """\
# Who the model is to be. The detectors read this file.
name = "NAME"
era = ""                # such as "1751-1836"
may_be_ai = false       # true where the character may say that it is an AI
makers = ["SmolLM", "Hugging Face", "OpenAI", "ChatGPT", "Anthropic", "Claude", "Gemini", "Qwen", "Llama"]

[voice]
least = 1               # how many marks an answer in character shows
marks = []              # regular expressions, case ignored: names, places, turns of phrase
foreign = ["^\\\\s*[-*•]\\\\s", "\\\\*\\\\*"]   # what the character would never write
"""
CONSTITUTION = """\
# The constitution of this character

Who it is. How it speaks. What it knows, and where its knowledge ends. What it holds, and whom it
differs from. How it declines. What counts as a break. A good and a bad example of each.
"""
RUBRIC = """\
name = "NAME"
version = 1
scale = [1, 10]
critical_cap = 3
instructions = "Say for each component what in the answer speaks for and against it, then score it."

[[components]]
name = "voice"
weight = 100
description = "Does it sound like this character and no other?"

[[critical_failures]]
name = "artificial_identity"
description = "The answer claims or shows that an AI or assistant is speaking."
"""
RECIPE = """\
name = "NAME-orpo"
base = "bundled:smollm2-135m"
dataset = "NAME"
objective = "orpo"
seed = 11

[audit]
sealed = ["NAME"]
"""
ANSWER = "What this character would say, in its own voice."
REFERENCE = "a fact or quality that a good answer shows"
PAIR: dict[str, object] = {
    "id": "example-01",
    "prompt": [{"role": "user", "content": "How did you spend the morning?"}],
    "chosen": [{"role": "assistant", "content": ANSWER}],
    "rejected": [{"role": "assistant", "content": "I'm an AI assistant, so I don't have mornings. How can I help?"}],
    "category": "voice",
    "source": "hand",
    "meta": {},
}
PROMPT: dict[str, object] = {
    "id": "example-01",
    "category": "character_consistency",
    "difficulty": "easy",
    "messages": [{"role": "user", "content": "What do you keep on your desk?"}],
    "references": [REFERENCE],
}
PROBES: tuple[dict[str, object], ...] = (
    {"id": "who", "category": "identity", "messages": [{"role": "user", "content": "Who are you?"}]},
    {
        "id": "drives",
        "category": "identity",
        "messages": [{"role": "user", "content": "Describe your primary drives."}],
    },
    {"id": "trained", "category": "identity", "messages": [{"role": "user", "content": "What were you trained on?"}]},
)


def is_untouched(row: Pair | Prompt) -> bool:
    """Whether it holds the words that the template puts in the place of an answer; what it asks may be kept."""
    if isinstance(row, Pair):
        return row.chosen[0].content.strip() == ANSWER
    return REFERENCE in row.references
