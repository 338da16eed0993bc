"""What is said about serving: how to sample, what to serve, and where it is served."""

from typing import Literal

from pydantic import Field

from engine.records.base import Record
from engine.records.recipe import Template, TemplateUse

Backend = Literal["llama", "transformers", "vllm", "url"]
BASE_SUFFIX = ":base"
"""Of an endpoint that has an adapter: its model's name with this behind is the base alone (transformers and vLLM)."""
LOOPBACK = ("127.0.0.1", "localhost", "::1")
"""Hosts that this machine alone reaches."""


class Sampling(Record):
    """How an answer is drawn. The order is everywhere temperature, then top_k, then top_p."""

    temperature: float = Field(1.0, ge=0)
    """0 takes the likeliest token."""
    top_k: int = Field(64, ge=0)
    """0 turns it off."""
    top_p: float = Field(0.95, gt=0, le=1)
    max_tokens: int = Field(64, ge=1)
    seed: int | None = Field(None, ge=0, lt=2**32)
    stop: list[str] = []
    """Texts that end the answer; they are left out of it."""


class Endpoint(Record):
    """A running model that speaks chat completions, whatever is behind it."""

    url: str
    """Ends in /v1."""
    model: str
    token: str | None = Field(None, repr=False)
    backend: Backend
    reference: str
    """The model reference that is served."""
    adapters: list[str] = []
    """Adapters that a request can switch on and off; none or one."""
    context: int | None = None
    """Longest prompt and answer together, in tokens, where it is known."""
    tokenizer: str | None = None
    """Folder of the tokenizer that prompts are checked against, where the server renders by itself."""
    template: Template = Template()
    rendered: TemplateUse | None = None
    """The template that prompts are rendered by; None where a URL does not tell."""


class ServeRequest(Record):
    """What to serve and how; what is None is chosen."""

    reference: str
    backend: Backend | None = None
    host: str = "127.0.0.1"
    port: int = Field(0, ge=0, le=65535)
    """0 takes a free one."""
    token: str | None = Field(None, repr=False)
    context: int = Field(4096, ge=16)
    """Longest prompt and answer together, in tokens."""
    slots: int = Field(8, ge=1)
    """Answers that are generated at the same time."""
    threads: int | None = Field(None, ge=1)
    idle_seconds: float | None = Field(None, gt=0)
    """The server ends after this long without a request."""
