"""A run: one resolved recipe, and where everything it stands on came from."""

from typing import Literal

from engine.records.base import Record
from engine.records.recipe import Recipe
from engine.records.version import SCHEMA_VERSION

Kind = Literal["train", "probe", "eval", "score", "compare", "export", "generate", "serve", "search"]


class DatasetUse(Record):
    name: str
    sha256: str
    """Of the bytes of pairs.jsonl when the run was resolved."""
    rows_sha256: str
    """Of the bytes of this run's own rows.jsonl."""
    train: int
    """Training rows of one epoch, upsampling included."""
    heldout: int


class Ancestor(Record):
    """One earlier training whose weights this run starts from, oldest first."""

    run: str | None
    """None when only the adapter's own files are known."""
    objective: str | None
    step: int | None
    adapter_sha256: str | None = None


class BaseUse(Record):
    reference: str
    source: str
    """What transformers was asked for: a hub id, a folder, or the bundled model's name."""
    revision: str | None
    parameters: int
    adapter_sha256: str | None = None
    """Of the adapter that training starts from, if any."""
    lineage: list[Ancestor] = []


class TemplateUse(Record):
    sha256: str
    system: str | None
    """The system text that a prompt without one is rendered with."""


class Parent(Record):
    """The checkpoint that a fork goes on from."""

    run: str
    step: int
    adapter_sha256: str


class Plan(Record):
    tokens_longest: int
    tokens_median: int
    truncated: list[str]
    """Ids of rows whose answer loses its tail."""
    left_out: dict[str, str]
    """Id of a row that is not trained on, and why."""


class Git(Record):
    commit: str
    dirty: bool


class Run(Record):
    schema_version: int = SCHEMA_VERSION
    id: str
    kind: Kind
    name: str
    created: float
    """Unix seconds."""
    recipe: Recipe
    dataset: DatasetUse
    base: BaseUse
    template: TemplateUse
    reference: str | None
    """The model that DPO measures against; None where the objective needs none."""
    parent: Parent | None
    group: str | None
    steps: int
    start_step: int
    plan: Plan
    advice: list[str]
    versions: dict[str, str]
    git: Git | None
    host: str
