"""Templates: the default system prompt told, the prompt a prefix, the answer up to its stop token."""

from pathlib import Path
from typing import Any

import pytest

from engine.errors import ModelError
from engine.models.template import Renderer
from engine.records.dataset import Message
from engine.records.recipe import Template

ASK = [Message(role="user", content="Who are you?")]
ANSWER = [Message(role="assistant", content="I am a planter of Virginia.")]
SMOLLM = "You are a helpful AI assistant named SmolLM, trained by Hugging Face"


@pytest.fixture
def tokenizer(bundled_folder: Path) -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(bundled_folder)


def test_the_default_system_prompt_is_found_and_told(tokenizer: Any) -> None:
    renderer = Renderer(tokenizer, Template())
    assert renderer.default_system == SMOLLM
    assert renderer.describe().system == SMOLLM
    assert SMOLLM in renderer.render(renderer.complete(ASK), generate=True)


def test_none_silences_the_default_and_a_text_replaces_it(tokenizer: Any) -> None:
    silent = Renderer(tokenizer, Template(system="none"))
    assert SMOLLM not in silent.render(silent.complete(ASK), generate=True)
    assert silent.describe().system is None
    own = Renderer(tokenizer, Template(system="You are James Madison."))
    rendered = own.render(own.complete(ASK), generate=True)
    assert "You are James Madison." in rendered
    assert SMOLLM not in rendered
    assert own.describe().system == "You are James Madison."


def test_a_row_with_a_system_message_of_its_own_is_left_alone(tokenizer: Any) -> None:
    own = Renderer(tokenizer, Template(system="Speak plainly."))
    rows = [Message(role="system", content="It is 1828."), *ASK]
    rendered = own.render(own.complete(rows), generate=True)
    assert "It is 1828." in rendered
    assert "Speak plainly." not in rendered


def test_the_answer_is_scored_up_to_its_one_stop_token(tokenizer: Any) -> None:
    prompt, answer = Renderer(tokenizer, Template()).encode(ASK, ANSWER)
    assert tokenizer.decode(answer) == "I am a planter of Virginia.<|im_end|>"
    assert answer.count(tokenizer.eos_token_id) == 1
    assert tokenizer.decode(prompt).endswith("<|im_start|>assistant\n")


def test_a_template_without_a_default_has_none(tokenizer: Any) -> None:
    tokenizer.chat_template = (
        "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
        "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
    )
    renderer = Renderer(tokenizer, Template(system="none"))
    assert renderer.default_system is None
    assert renderer.complete(ASK) == [{"role": "user", "content": "Who are you?"}]


def test_a_template_that_moves_the_prompt_is_refused(tokenizer: Any) -> None:
    tokenizer.chat_template = (
        "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
        "{% if add_generation_prompt %}<|im_start|>assistant\n<think>\n{% endif %}"
    )
    with pytest.raises(ModelError, match="does not keep the prompt a prefix") as error:
        Renderer(tokenizer, Template()).encode(ASK, ANSWER)
    assert "enable_thinking" in error.value.fix


def test_a_template_that_never_stops_is_refused(tokenizer: Any) -> None:
    tokenizer.chat_template = "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}{% if add_generation_prompt %}assistant: {% endif %}"
    with pytest.raises(ModelError, match="ends no answer with a stop token"):
        Renderer(tokenizer, Template()).encode(ASK, ANSWER)


def test_a_template_that_fails_or_is_missing_is_an_error_of_ours(tokenizer: Any) -> None:
    tokenizer.chat_template = "{{ raise_exception('no system role') }}"
    with pytest.raises(ModelError, match="the chat template failed: no system role"):
        Renderer(tokenizer, Template())
    tokenizer.chat_template = None
    with pytest.raises(ModelError, match="has no chat template"):
        Renderer(tokenizer, Template())


def test_template_arguments_reach_the_template(tokenizer: Any) -> None:
    tokenizer.chat_template = (
        "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
        "{% if add_generation_prompt %}<|im_start|>assistant\n{% if loud %}HEAR ME {% endif %}{% endif %}"
    )
    loud = Renderer(tokenizer, Template(kwargs={"loud": True}))
    assert loud.render(loud.complete(ASK), generate=True).endswith("HEAR ME ")


@pytest.mark.parametrize(("system", "text"), [("none", ""), ('Be "Madison".', 'Be "Madison".')])
def test_a_server_is_given_a_template_that_renders_as_the_recipe_does(tokenizer: Any, system: str, text: str) -> None:
    renderer = Renderer(tokenizer, Template(system=system))
    expected = renderer.render(
        [{"role": "system", "content": text}, {"role": "user", "content": "Who?"}], generate=True
    )
    own, tokenizer.chat_template = tokenizer.chat_template, renderer.override_template()
    assert renderer.render([{"role": "user", "content": "Who?"}], generate=True) == expected
    tokenizer.chat_template = own
    assert Renderer(tokenizer, Template()).override_template() is None


def test_a_template_without_a_default_needs_no_other_to_leave_it_out(tokenizer: Any) -> None:
    tokenizer.chat_template = "{% for m in messages %}<|im_start|>{{ m.content }}<|im_end|>{% endfor %}"
    assert Renderer(tokenizer, Template(system="none")).override_template() is None
