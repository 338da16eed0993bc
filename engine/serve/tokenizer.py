"""A tokenizer and its chat template from their files, without transformers: for who only renders and counts.

It is what engine.models.template.Renderer asks of a tokenizer, and yields the same ids as transformers does.
"""

import json
from datetime import datetime
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

from engine.errors import ModelError
from engine.models.template import pick_template
from engine.store.once import make_once
from engine.store.paths import cache_folder


class LightTokenizer:
    def __init__(self, folder: Path) -> None:
        from tokenizers import Tokenizer

        self.name_or_path = str(folder)
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        config: dict[str, Any] = json.loads((folder / "tokenizer_config.json").read_text())
        names = ("bos_token", "eos_token", "unk_token", "pad_token")
        self._special = {name: _read_token(config[name]) for name in names if config.get(name)}
        file = folder / "chat_template.jinja"
        self.chat_template = pick_template(file.read_text() if file.is_file() else config.get("chat_template"))
        self.eos_token_id: int | None = self._tokenizer.token_to_id(self._special.get("eos_token", ""))

    def get_added_vocab(self) -> dict[str, int]:
        return {token.content: i for i, token in self._tokenizer.get_added_tokens_decoder().items()}

    def __call__(self, text: str, add_special_tokens: bool = True) -> dict[str, list[int]]:
        return {"input_ids": self._tokenizer.encode(text, add_special_tokens=add_special_tokens).ids}

    def decode(self, ids: list[int], skip_special_tokens: bool = False) -> str:
        text: str = self._tokenizer.decode(ids, skip_special_tokens=skip_special_tokens)
        return text

    def apply_chat_template(
        self, messages: list[dict[str, str]], add_generation_prompt: bool, tokenize: bool, **kwargs: Any
    ) -> str:
        assert not tokenize
        text: str = self._template.render(
            messages=messages, add_generation_prompt=add_generation_prompt, tools=None, documents=None,
            **self._special, **kwargs,
        )  # fmt: skip
        return text

    @cached_property
    def _template(self) -> Any:
        """Compiled in an environment such as transformers compiles templates in."""
        from jinja2 import TemplateError
        from jinja2.ext import Extension, loopcontrols
        from jinja2.nodes import Node, Scope
        from jinja2.parser import Parser
        from jinja2.sandbox import ImmutableSandboxedEnvironment

        class Generation(Extension):
            """Marks what is trained on; for who only renders it is not there."""

            tags = {"generation"}

            def parse(self, parser: Parser) -> Node:
                line = next(parser.stream).lineno
                return Scope(parser.parse_statements(("name:endgeneration",), drop_needle=True), lineno=line)

        def refuse(message: str) -> None:
            raise TemplateError(message)

        def to_json(value: Any, ensure_ascii: bool = False, **options: Any) -> str:
            return json.dumps(value, ensure_ascii=ensure_ascii, **options)

        environment = ImmutableSandboxedEnvironment(
            trim_blocks=True, lstrip_blocks=True, extensions=[Generation, loopcontrols]
        )
        environment.filters["tojson"] = to_json
        environment.globals["raise_exception"] = refuse
        environment.globals["strftime_now"] = lambda form: datetime.now().strftime(form)
        return environment.from_string(self.chat_template or "")


def convert_tokenizer(gguf: Path) -> Path:
    """The folder with the tokenizer of a GGUF as this transformers reads it, written into the cache once."""
    stat = gguf.stat()
    name = f"{gguf.stem}-{stat.st_size}-{stat.st_mtime_ns}-{version('transformers')}"

    def write(beside: Path) -> None:
        import tempfile

        from transformers import AutoTokenizer

        try:
            # alone in a folder: beside a model's own files transformers reads these, and loses the chat template
            with tempfile.TemporaryDirectory() as alone:
                (Path(alone) / gguf.name).symlink_to(gguf.absolute())
                tokenizer = AutoTokenizer.from_pretrained(alone, gguf_file=gguf.name)
        except Exception as bad:  # whatever its reader meets in a file that is torn or of a kind it does not know
            raise ModelError(
                f"{gguf}: its tokenizer cannot be read: {bad}", fix="check the file, or copy it again"
            ) from bad
        tokenizer.save_pretrained(beside)

    return make_once(cache_folder() / "tokenizers" / name, "tokenizer_config.json", write)


def _read_token(token: Any) -> str:
    return str(token["content"] if isinstance(token, dict) else token)
