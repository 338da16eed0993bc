"""A run: what it does, on what, and where everything it stands on came from."""

from typing import Literal

from engine.records.base import Record
from engine.records.judging import JudgeUse
from engine.records.recipe import Recipe, TemplateUse, Verdict
from engine.records.serving import Backend, Sampling
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
    lineage: list[str] = []
    """What made the rows, as their manifest said when the run was resolved."""


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


class Parent(Record):
    """The checkpoint that a fork goes on from."""

    run: str
    step: int
    adapter_sha256: str


class GateUse(Record):
    """The gate that a recipe names, as it stood when the run was resolved."""

    name: str
    created: float | None
    """None where none of that name was recorded."""
    passed: bool
    base: str | None = None
    """The model that failed in it as the base; None where its files named none."""


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


class Header(Record):
    """What every run says of itself, whatever its kind."""

    schema_version: int = SCHEMA_VERSION
    id: str
    kind: Kind
    name: str
    created: float
    """Unix seconds."""
    steps: int
    """How many there are to do: optimiser steps of a training, answers of a probing."""
    group: str | None = None
    versions: dict[str, str]
    git: Git | None
    host: str


class Run(Header):
    """A training run."""

    kind: Literal["train"]
    recipe: Recipe
    dataset: DatasetUse
    base: BaseUse
    template: TemplateUse
    reference: str | None
    """The model that DPO measures against; None where the objective needs none."""
    parent: Parent | None
    start_step: int
    gate: GateUse | None = None
    """None where the recipe names none, or an earlier charlab wrote the run."""
    plan: Plan
    advice: list[str]


class Subject(Record):
    """The model that a run is about."""

    reference: str
    """With the run's whole id and the checkpoint's step."""
    run: str | None = None
    step: int | None = None
    form: str | None = None
    """The exported form, such as merged or q8_0; None is the adapter on its base as it was trained."""
    base: str | None = None
    """The weights below any adapter; None where only an endpoint is known."""
    adapter_sha256: str | None = None
    lineage: list[Ancestor] = []


class ProbesUse(Record):
    dataset: str
    sha256: str
    """Of the bytes of this run's own probes.jsonl or prompts.jsonl, where formats and attacks are written out."""
    count: int


class ModelRun(Header):
    """A run about a model, with a character's probes or prompts."""

    subject: Subject
    probes: ProbesUse


class Asking(Record):
    """How a model is asked."""

    samples: int
    """Answers to each probe or prompt."""
    sampling: Sampling
    """Its seed is the run's; every answer draws with one of its own that follows from it."""
    system: str | None
    """The text given as system prompt; "" silences the template's own, None leaves it."""
    backend: Backend | None = None
    """What was asked to serve the model; None left the choice."""


class Judging(Record):
    """Who judges, and how far one goes."""

    judge: JudgeUse
    batch: bool = False
    """Whether the judge is asked by its batch interface, at half the price."""
    repeats: int = 1
    """How often the judge is asked about each answer of an anchor set, to measure its own noise."""
    controls: bool = False
    """Whether it is tried with answers that no judge should fall for."""
    max_usd: float | None = None
    advice: list[str] = []


class ProbeRun(ModelRun, Asking):
    """A model asked the probes of a character."""

    kind: Literal["probe"] = "probe"


class EvalRun(ModelRun, Asking, Judging):
    """A model asked a prompt set, its answers judged by a rubric."""

    kind: Literal["eval"] = "eval"


class ScoreRun(ModelRun, Judging):
    """The answers of an evaluation judged again, by another judge or rubric."""

    kind: Literal["score"] = "score"
    of: str
    """The run that holds the answers."""
    against: str | None = None
    """Another that does: then each pair of answers is judged in both orders, by which is better."""


class ParityRun(ModelRun):
    """Every form of one adapter, asked and compared with the form that it was trained in."""

    kind: Literal["compare"] = "compare"
    measure: Literal["parity"] = "parity"
    samples: int
    sampling: Sampling
    forms: list[str]
    """'trained' first, then names of engine.records.forms."""
    positions: int
    """Places of greedy answers at which distributions are compared, at most."""
    judge: str | None = None
    """Who judges each form's answers to the prompt set, in an evaluation of its own; None judges none."""
    max_tokens: int | None = None
    """Of these answers; None is what the prompt set states."""


class Side(Record):
    """One of two evaluations that are compared."""

    run: str
    subject: Subject
    n: int
    """Answers."""
    failed: int
    """Judgements in a state other than scored."""
    usd: float | None
    """What its judgements cost; None where no price is known."""


class CompareRun(ModelRun):
    """Two evaluations compared, the candidate being the subject; what came out stands in verdict.json."""

    kind: Literal["compare"] = "compare"
    measure: Literal["scores"] = "scores"
    baseline: Side
    candidate: Side
    judge: JudgeUse
    rule: Verdict
    differences: list[str]
    """What differs between the two besides the model, in words."""
    seed: int
    resamples: int


class CriticRun(ModelRun):
    """Candidates of a base ranked by its adapter, each judged: what choosing among them is worth."""

    kind: Literal["generate"] = "generate"
    candidates: int
    """Of each prompt, among which the critic chooses; one more stands for asking once."""
    sampling: Sampling
    backend: Backend | None = None
    judge: JudgeUse
    max_usd: float | None = None
    advice: list[str] = []


class ExportRun(Header):
    """An adapter written in other forms, which lie under the exports of the training that it is of."""

    kind: Literal["export"] = "export"
    subject: Subject
    forms: list[str]
    """Names of engine.records.forms, in the order in which they are written; a step each."""
