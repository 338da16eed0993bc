"""The light tokenizer against transformers' own."""

from pathlib import Path
from typing import Any

import pytest

from engine.models.template import Renderer
from engine.records.dataset import Message
from engine.records.recipe import Template
from engine.serve.tokenizer import LightTokenizer

TEXTS = [
    "",
    "Who are you?",
    "  two  spaces\n\n\ttab",
    "<|im_start|>user\nhi<|im_end|>",
    "é 漢字 🙂 \u200b",
    "1234567 don't",
]


@pytest.fixture(scope="module")
def both(bundled_folder: Path) -> tuple[Any, LightTokenizer]:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(bundled_folder), LightTokenizer(bundled_folder)


def test_ids_are_those_of_transformers(both: tuple[Any, LightTokenizer]) -> None:
    slow, light = both
    for text in TEXTS:
        for special in (True, False):
            assert light(text, add_special_tokens=special) == {
                "input_ids": slow(text, add_special_tokens=special)["input_ids"]
            }
    assert light.get_added_vocab() == slow.get_added_vocab()
    assert light.eos_token_id == slow.eos_token_id


@pytest.mark.parametrize("system", ["default", "none", "You are James Madison."])
def test_prompts_are_rendered_as_with_transformers(both: tuple[Any, LightTokenizer], system: str) -> None:
    slow, light = (Renderer(t, Template(system=system)) for t in both)
    assert slow.stop_ids == light.stop_ids
    assert slow.describe() == light.describe()
    first = Message(role="user", content="Who are you?")
    longer = [first, Message(role="assistant", content="I."), Message(role="user", content="And?")]
    for messages in ([first], longer, [Message(role="system", content="Be brief."), *longer]):
        assert slow.encode_prompt(messages) == light.encode_prompt(messages)


MARKED = (
    "{%- for m in messages %}\n{%- set who = 'outer' %}\n<|im_start|>{{ m.role }}\n"
    "{% generation %}\n{%- set who = 'inner' %}\n  {{ m.content }}<|im_end|>\n{% endgeneration %}\n{{ who }}\n{% endfor %}"
)
"""What is trained on is marked, as SmolLM3's template does."""


@pytest.mark.parametrize(
    "kept",
    [MARKED, {"tool_use": "{{ no }}", "default": "{% for m in messages %}{{ m.content }}<|im_end|>{% endfor %}"}],
)
def test_templates_with_marks_and_under_names_are_rendered_as_with_transformers(
    bundled_folder: Path, tmp_path: Path, kept: Any
) -> None:
    import json
    import shutil

    from transformers import AutoTokenizer

    slow = AutoTokenizer.from_pretrained(bundled_folder)
    slow.chat_template = kept
    folder = Path(shutil.copytree(bundled_folder, tmp_path / "t", ignore=shutil.ignore_patterns("*.safetensors")))
    (folder / "chat_template.jinja").unlink(missing_ok=True)
    config = json.loads((folder / "tokenizer_config.json").read_text())
    named = [{"name": n, "template": t} for n, t in kept.items()] if isinstance(kept, dict) else kept
    (folder / "tokenizer_config.json").write_text(json.dumps({**config, "chat_template": named}))
    ours, theirs = Renderer(LightTokenizer(folder), Template()), Renderer(slow, Template())
    messages = [{"role": "user", "content": "Who?"}, {"role": "assistant", "content": "I."}]
    assert ours.render(messages, generate=False) == theirs.render(messages, generate=False)
    assert ours.describe() == theirs.describe()
