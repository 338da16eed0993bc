"""The chat template: messages to token ids, the same way at every place that needs them.

A template's default system prompt is part of every result (SmolLM2's and Qwen2.5's add one silently),
so the renderer says what a prompt without a system message is given.
"""

import hashlib
import json
from typing import Any, NamedTuple

from engine.errors import ModelError
from engine.records.dataset import Message
from engine.records.recipe import Template, TemplateUse

_PROBE = "charlab-probe-text"


class Encoded(NamedTuple):
    prompt: list[int]
    answer: list[int]
    """Begins where the prompt ends, and ends with the stop token."""


class Renderer:
    """Renders with one tokenizer under one [template] table. Raises ModelError where it cannot."""

    def __init__(self, tokenizer: Any, template: Template) -> None:
        self.tokenizer = tokenizer
        self.template = template
        if not tokenizer.chat_template:
            raise ModelError(
                f"{tokenizer.name_or_path}: its tokenizer has no chat template",
                fix="use an instruct model, or put chat_template.jinja into its folder",
            )
        self.stop_ids = {tokenizer.eos_token_id, *_turn_ends(tokenizer)} - {None}
        self.default_system = self._find_default_system()

    def complete(self, messages: list[Message]) -> list[dict[str, str]]:
        """The messages as they are rendered: with the recipe's system text where they have none."""
        plain = [{"role": m.role, "content": m.content} for m in messages]
        if messages and messages[0].role == "system":
            return plain
        match self.template.system:
            case "default":
                return plain
            case "none":
                # an empty system turn is the one way that every template has to leave its default out
                return plain if self.default_system is None else [{"role": "system", "content": ""}, *plain]
            case text:
                return [{"role": "system", "content": text}, *plain]

    def render(self, messages: list[dict[str, str]], generate: bool) -> str:
        try:
            text = self.tokenizer.apply_chat_template(
                messages, add_generation_prompt=generate, tokenize=False, **self.template.kwargs
            )
        except Exception as bad:  # jinja raises what the template's author chose
            raise ModelError(f"the chat template failed: {bad}", fix="see [template] in the recipe") from bad
        return str(text)

    def encode_text(self, text: str) -> list[int]:
        return list(self.tokenizer(text, add_special_tokens=False)["input_ids"])

    def encode_prompt(self, messages: list[Message]) -> list[int]:
        """Token ids of the prompt up to where the answer begins."""
        return self.encode_text(self.render(self.complete(messages), generate=True))

    def encode(self, prompt: list[Message], answer: list[Message]) -> Encoded:
        """Token ids of prompt and answer; the answer is cut behind its stop token.

        Templates such as ChatML write a line break behind the stop token; it is never generated, so
        it is never scored.
        """
        before = self.render(self.complete(prompt), generate=True)
        whole = self.render(self.complete([*prompt, *answer]), generate=False)
        if not whole.startswith(before):
            raise ModelError(
                "the chat template does not keep the prompt a prefix of prompt and answer; it renders "
                f"...{before[-60:]!r} before the answer and ...{_differing(before, whole)!r} with it",
                fix="set [template] kwargs, such as enable_thinking = false",
            )
        prompt_ids = self.encode_text(before)
        whole_ids = self.encode_text(whole)
        if whole_ids[: len(prompt_ids)] != prompt_ids:
            # a merge across the seam: the model will see the prompt's own ids when it answers
            whole_ids = prompt_ids + self.encode_text(whole[len(before) :])
        answer_ids = whole_ids[len(prompt_ids) :]
        for index in range(len(answer_ids) - 1, -1, -1):
            if answer_ids[index] in self.stop_ids:
                return Encoded(prompt_ids, answer_ids[: index + 1])
        raise ModelError(
            f"the chat template ends no answer with a stop token ({self._name_stops()}), so the model would "
            f"never learn to stop; it ends with {whole[-40:]!r}",
            fix="use the instruct model's own template",
        )

    def describe(self) -> TemplateUse:
        system = {"default": self.default_system, "none": None}.get(self.template.system, self.template.system)
        digest = hashlib.sha256(str(pick_template(self.tokenizer.chat_template)).encode()).hexdigest()
        return TemplateUse(sha256=digest, system=system)

    def override_template(self) -> str | None:
        """What a server is given as chat template, so that who sends it messages alone is answered as under the
        recipe's; None where the model's own renders the same."""
        system = self.template.system
        if system == "default" or (system == "none" and self.default_system is None):
            return None
        message = {"role": "system", "content": "" if system == "none" else system}
        first = f"{{% set messages = [{json.dumps(message, ensure_ascii=False)}] + messages %}}"
        own = pick_template(self.tokenizer.chat_template)
        return f"{{% if messages[0]['role'] != 'system' %}}{first}{{% endif %}}{own}"

    def _find_default_system(self) -> str | None:
        """The text that the template puts where a prompt has no system message, or None."""
        user = {"role": "user", "content": _PROBE}
        bare = self.render([user], generate=False)
        try:
            empty = self.render([{"role": "system", "content": ""}, user], generate=False)
            marked = self.render([{"role": "system", "content": _PROBE * 2}, user], generate=False)
        except ModelError:
            return None  # a template without a system role has no default either
        before, mark, after = marked.partition(_PROBE * 2)
        if not mark or not bare.startswith(before) or not bare.endswith(after) or len(bare) < len(before) + len(after):
            return None
        found = bare[len(before) : len(bare) - len(after)]
        return found if found and bare != empty else None

    def _name_stops(self) -> str:
        return ", ".join(repr(self.tokenizer.decode([i])) for i in sorted(self.stop_ids))


def pick_template(kept: Any) -> str | None:
    """A tokenizer's chat template; of several under names the one that transformers takes unasked."""
    if isinstance(kept, list):
        kept = {one["name"]: one["template"] for one in kept}
    template: str | None = kept.get("default") if isinstance(kept, dict) else kept
    return template


def _turn_ends(tokenizer: Any) -> set[int]:
    """Tokens that end a turn in the known formats, where this vocabulary has them as one token."""
    names = ("<|im_end|>", "<|eot_id|>", "<end_of_turn>", "<|end|>", "<|eom_id|>", "<turn|>")
    vocabulary = tokenizer.get_added_vocab()
    return {vocabulary[name] for name in names if name in vocabulary}


def _differing(before: str, whole: str) -> str:
    shared = next((i for i, (a, b) in enumerate(zip(before, whole, strict=False)) if a != b), len(whole))
    return whole[max(0, shared - 20) : shared + 40]
