"""The recipe: what a person writes in TOML, table by table, with every default.

A key left at None is filled when the recipe is resolved (engine/train/presets.py), so that the
frozen run names the value that was used.
"""

from typing import Literal, Self

from pydantic import ConfigDict, Field, field_validator, model_validator

from engine.records.base import Record


class Table(Record):
    """Of a recipe: a value has its type already, as TOML has types, and numbers are finite."""

    model_config = ConfigDict(strict=True, allow_inf_nan=False, use_attribute_docstrings=True)


Objective = Literal["orpo", "simpo", "dpo", "sft"]


class Lora(Table):
    rank: int = Field(32, ge=1)
    alpha: float | None = Field(None, gt=0)
    """Scale of the update is alpha / rank; None means twice the rank."""
    dropout: float = Field(0.0, ge=0, lt=1)
    targets: Literal["all-linear"] | list[str] = "all-linear"


class Optim(Table):
    lr: float | None = Field(None, gt=0)
    """Peak learning rate; None takes the preset of the objective and the model's size."""
    schedule: Literal["cosine", "linear", "constant"] = "cosine"
    warmup: float = Field(0.1, ge=0, lt=1)
    """Share of the steps over which the rate climbs from zero."""
    epochs: float | None = Field(None, gt=0)
    steps: int | None = Field(None, ge=1)
    """Optimiser steps. Give epochs or steps, not both; neither means three epochs."""
    batch: int = Field(4, ge=1)
    """Pairs per micro-batch."""
    accumulate: int = Field(1, ge=1)
    """Micro-batches per optimiser step."""
    clip: float = Field(1.0, ge=0)
    """Largest gradient norm; 0 turns clipping off."""
    optimizer: Literal["adamw", "adamw8bit"] = "adamw"
    weight_decay: float = Field(0.0, ge=0)

    @model_validator(mode="after")
    def _one_length(self) -> Self:
        if self.epochs is not None and self.steps is not None:
            raise ValueError("give epochs or steps, not both")
        return self


class Orpo(Table):
    beta: float = Field(0.1, ge=0)
    """Weight of the odds-ratio term (lambda in Hong et al. 2024, equation 6)."""
    nll: Literal["completion", "sequence"] = "completion"
    """What the likelihood term scores: the chosen answer, or the prompt as well (TRL's scope)."""


class Simpo(Table):
    beta: float = Field(2.0, gt=0)
    gamma: float = Field(1.0, ge=0)
    """Target margin of Meng et al. 2024, equation 6: -log sigmoid(beta * difference - gamma)."""
    cpo_alpha: float = Field(0.0, ge=0)
    """Weight of an added likelihood term on the chosen answer; 0 is SimPO proper."""


class Dpo(Table):
    beta: float = Field(0.1, gt=0)


class Load(Table):
    dtype: Literal["bf16", "fp32"] = "bf16"
    quantize: Literal["none", "nf4"] = "none"
    sequence: int = Field(2048, ge=8)
    """Longest prompt and answer together, in tokens; the tail of a longer answer is cut."""
    prompt: int | None = Field(None, ge=1)
    """Longest prompt in tokens; None leaves room for one answer token."""
    gradient_checkpointing: bool = False
    deterministic: bool = False
    """Ask torch for deterministic kernels, so that a resumed run is bit-identical on CUDA too."""


class Template(Table):
    system: str = "default"
    """'default' leaves the template's own default, 'none' silences it, other text is used as is.

    Only prompts without a system message of their own are touched.
    """
    kwargs: dict[str, bool | int | float | str] = {}
    """Passed to the chat template, such as enable_thinking = false."""


class TemplateUse(Record):
    """What a template turned out to render."""

    sha256: str
    system: str | None
    """The system text that a prompt without one is rendered with."""


class Checkpoint(Table):
    every: int = Field(50, ge=0)
    """Steps between checkpoints; 0 keeps only the last."""
    keep: int = Field(3, ge=1)
    """How many of the newest to keep; the best by `best` is kept besides."""
    best: Literal["heldout.loss", "heldout.margin", "break_rate"] = "heldout.loss"


class Heldout(Table):
    share: float = Field(0.1, ge=0, lt=1)
    """Share of the distinct prompts set aside before any upsampling."""
    every: int = Field(20, ge=0)
    """Steps between scorings; 0 scores only the end."""


class Sentinel(Table):
    probes: str | None = None
    """A dataset folder holding probes.jsonl; None takes the recipe's own dataset."""
    every: int = Field(20, ge=0)
    """Steps between moments; 0 turns the sentinels off."""
    samples: int = Field(12, ge=1)
    """Answers per probe at the first and the last step, and at most between them."""
    max_tokens: int = Field(64, ge=1)
    temperature: float = Field(1.0, ge=0)
    top_k: int = Field(64, ge=0)
    top_p: float = Field(0.95, gt=0, le=1)
    share: float = Field(0.1, ge=0, le=1)
    """Largest share of wall time for the moments between the first and the last."""


class Alarm(Table):
    stop: list[str] = []
    """Alarms that end the run with a checkpoint: 'nan', or 'break_rate > 0.5 after 40'."""


class Audit(Table):
    sealed: list[str] = []
    """Datasets whose prompts and probes, every turn of them, the training rows must not repeat."""


class Gate(Table):
    name: str | None = None
    """What charlab gate --name recorded: it must have passed, and on this base where it names one."""


OVERALL = "score"
"""The measure of a verdict that is no component of the rubric: the weighted mean of them all."""


class Verdict(Table):
    primary: str | None = None
    """A component of the rubric; None or 'score' is the weighted mean of them all."""
    smallest_effect: float | None = Field(None, gt=0)
    mode: Literal["superiority", "noninferiority"] = "superiority"
    margin: float | None = Field(None, gt=0)
    guards: dict[str, float] | list[str] = {}
    """Of break_rate, critical_failures and categories: names, or each with its limit."""


class Where(Table):
    target: Literal["local"] = "local"
    gpu: str | None = None
    count: int = Field(1, ge=1)


class Budget(Table):
    max_usd: float | None = Field(None, gt=0)


class Recipe(Table):
    name: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,47}$")
    base: str = Field(min_length=1)
    dataset: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    objective: Objective
    seed: int = Field(ge=0, lt=2**32)
    lora: Lora = Lora()
    optim: Optim = Optim()
    orpo: Orpo = Orpo()
    simpo: Simpo = Simpo()
    dpo: Dpo = Dpo()
    upsample: dict[str, int] = {}
    """Category to how often each of its training rows is seen per epoch."""
    load: Load = Load()
    template: Template = Template()
    checkpoint: Checkpoint = Checkpoint()
    heldout: Heldout = Heldout()
    sentinel: Sentinel = Sentinel()
    alarm: Alarm = Alarm()
    audit: Audit = Audit()
    gate: Gate = Gate()
    verdict: Verdict = Verdict()
    where: Where = Where()
    budget: Budget = Budget()
    allow: list[str] = []
    """Refusals overruled, by name: 'sft-after-orpo', 'long-prompt', 'audit', 'gate', ..."""

    @field_validator("upsample")
    @classmethod
    def _at_least_once(cls, upsample: dict[str, int]) -> dict[str, int]:
        for category, times in upsample.items():
            if times < 1:
                raise ValueError(f"'{category}' must be seen at least once")
        return upsample
