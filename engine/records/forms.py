"""The forms that an adapter is served in, what each says of itself in export.json, and how one compares with another."""

from typing import Literal

from engine.records.base import Record
from engine.records.recipe import TemplateUse
from engine.records.run import Ancestor

MERGED = {"merged": "bf16", "merged_fp32": "fp32"}
"""Merged weights as transformers keeps them, and their dtype."""
PLAIN = ("f32", "f16", "bf16", "q8_0", "q5_1", "q5_0", "q4_1", "q4_0")
"""GGUF types that PyPI's gguf writes."""
BY_LLAMA = (
    "q2_k", "q3_k_s", "q3_k_m", "q3_k_l", "q4_k_s", "q4_k_m", "q5_k_s", "q5_k_m", "q6_k",
    "iq4_nl", "iq4_xs", "iq3_s", "iq3_m", "iq3_xxs", "iq2_m",
)  # fmt: skip
"""GGUF types that only llama.cpp itself quantises to."""
ALIASES = {"gguf": "bf16", "merged_bf16": "merged", "lora": "adapter"}
FORMS = ("adapter", *MERGED, *PLAIN, *BY_LLAMA)
TRAINED = "trained"
"""What a comparison calls the form that the adapter was trained in, which is no export."""


class FormFile(Record):
    name: str
    sha256: str
    bytes: int


class BaseFile(FormFile):
    """A file of the base, as it was."""

    mtime_ns: int
    """Where it is another, the hash decides."""


class Form(Record):
    """One form of an adapter, written last, so that a folder without it is none."""

    schema_version: int = 1
    kind: str
    """One of FORMS: adapter (a LoRA as GGUF), merged weights, or the type of a whole GGUF."""
    created: float
    reference: str
    """The adapter that it was made from, on its base."""
    step: int | None
    base: str
    base_revision: str | None
    """Of a hub id, its commit."""
    base_files: list[BaseFile] = []
    """Of a base that lies in files here, its weights and its GGUF."""
    adapter_sha256: str
    lineage: list[Ancestor]
    template: TemplateUse
    dtype: Literal["fp32", "bf16"] | None
    """What base and adapter were added up in; None where they were not."""
    route: str
    """Who wrote the file, in words."""
    writer: int = 0
    """The revision of charlab's writing: raised with every change of what it writes."""
    files: list[FormFile]
    """The weights: what must be whole for the form to be what it says."""
    types: dict[str, int]
    """How many tensors of each type the weights hold."""
    notes: list[str]
    """What the form cannot show, in words."""
    versions: dict[str, str]

    @property
    def bytes(self) -> int:
        return sum(f.bytes for f in self.files)


class Divergence(Record):
    """Distributions of one form against those of the first, token by token over the same texts."""

    positions: int
    kl_mean: float
    """Nats, from the first form to this one, over the tokens that both tell of and one bin for all others."""
    kl_max: float
    agreements: int
    """Places at which both find the same token likeliest."""


class FirstDifference(Record):
    """Where the greedy answers of two forms to one probe part."""

    probe: str
    token: int | None
    """Counted from 0; None where they do not part."""
    of: int
    first: str = ""
    """What the first form says there."""
    here: str = ""


class FormRow(Record):
    """What was measured of one form."""

    form: str
    reference: str
    backend: str
    bytes: int
    seconds: float
    """Of sampling alone."""
    tokens: int
    divergence: Divergence | None
    """None for the first form, which the others are compared with, and where both tell of no place."""
    differences: list[FirstDifference]
    tokens_differ: list[str]
    """How the form's prompts differ from those it was trained on: template, BOS/EOS, token ids; in words."""
    notes: list[str]
    """What the form cannot show."""
    error: str = ""
    fix: str = ""
