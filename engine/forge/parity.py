"""Every form of one adapter against the form that it was trained in: what differs, by how much, and why.

The first form answers every probe greedily; over these answers every other form is asked, token by token, what it
would have said, and samples answers of its own by the same seeds.
"""

import json
import select
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext, suppress
from pathlib import Path
from typing import Any, NamedTuple

from engine.errors import CharlabError, ModelError, SpaceError
from engine.forge.parity_tokens import compare_tokens, encode
from engine.launch.local import worker_environment
from engine.models.load import load_tokenizer
from engine.models.locate import find_base_gguf, hash_adapter, locate_model, trace_model
from engine.models.template import Renderer
from engine.narrate import Narrate
from engine.probe.ask import ask_probes
from engine.probe.variants import make_prompt
from engine.records.dataset import Character, Probe
from engine.records.forms import MERGED, TRAINED, Divergence, FirstDifference, Form, FormRow
from engine.records.rows import Sample
from engine.records.run import ParityRun
from engine.records.serving import Backend, Sampling, ServeRequest
from engine.serve.answers import Scored
from engine.serve.client import Client
from engine.serve.server import start_server
from engine.stats.divergence import bound_kl
from engine.store.paths import Workspace
from engine.store.runs import open_run

TOP = 1000
"""Tokens told of at each place; the rest is one bin."""
HEED_SECONDS = 2.0


class Text(NamedTuple):
    """A greedy answer of the first form."""

    probe: Probe
    prompt: list[int]
    answer: list[int]
    words: list[str]
    """Its tokens as text."""


class Reference(NamedTuple):
    """What the first form said, which every other is compared with."""

    texts: list[Text]
    scored: list[list[Scored | None]]


Heeding = Callable[[], AbstractContextManager[None]]


class Measuring(NamedTuple):
    """What is the same for every form."""

    run: ParityRun
    workspace: Workspace
    probes: list[Probe]
    character: Character
    renderer: Renderer
    """With the tokenizer and template of the training."""
    narrate: Narrate
    heed: Callable[[], None]
    """Raises where somebody asked for an end; called where that loses least."""
    heeding: Heeding = nullcontext
    """Within it that is raised out of whatever is waited for."""


def prepare(
    run: ParityRun,
    workspace: Workspace,
    probes: list[Probe],
    character: Character,
    narrate: Narrate,
    heed: Callable[[], None] = lambda: None,
    heeding: Heeding = nullcontext,
) -> Measuring:
    located = locate_model(run.subject.reference, workspace, narrate)
    assert located.run is not None
    template = open_run(workspace.run(located.run)).recipe.template
    renderer = Renderer(load_tokenizer(located), template)
    return Measuring(run, workspace, probes, character, renderer, narrate, heed, heeding)


def choose_serving(form: str, subject: str) -> tuple[str, Backend]:
    """What to serve, and by what: the form that was trained and merged weights by transformers, a GGUF by llama.cpp."""
    if form == TRAINED:
        return subject, "transformers"
    return f"{subject}#{form}", "transformers" if form in MERGED else "llama"


def measure_form(
    form: str, with_: Measuring, first: Reference | None, kept: list[dict[str, Any]], take: Callable[[Sample], None]
) -> tuple[FormRow, Reference | None]:
    """Serve one form and measure it; the first gives the reference. An error of the form is its row, not the end."""
    subject = with_.run.subject.reference
    reference, backend = choose_serving(form, subject)
    try:
        if form != TRAINED:
            write_form(form, subject, with_)
        with_.heed()
        with_.narrate(f"serving {form}")
        with with_.heeding():
            serving = start_server(ServeRequest(reference=reference, backend=backend), with_.workspace, with_.narrate)
        with serving, Client(serving.endpoint) as client:
            differ = compare_tokens(serving.endpoint, with_.probes, with_.renderer, with_.workspace)
            texts = answer_greedily(client, with_)
            divergence = None
            if first is None:
                first = Reference(texts, score_texts(client, texts, with_))
            else:
                divergence = compare_scores(first.scored, score_texts(client, first.texts, with_))
            tokens, seconds = sample(client, form, with_, kept, take)
        row = FormRow(
            form=form, reference=reference, backend=serving.endpoint.backend, bytes=weigh(form, with_), seconds=seconds,
            tokens=tokens, divergence=divergence, differences=part(first.texts, texts), tokens_differ=differ,
            notes=read_notes(form, with_),
        )  # fmt: skip
    except CharlabError as error:
        if form == TRAINED or isinstance(error, SpaceError):
            raise
        row = FormRow(
            form=form, reference=reference, backend=backend, bytes=0, seconds=0.0, tokens=0, divergence=None,
            differences=[], tokens_differ=[], notes=[], error=error.message, fix=error.fix,
        )  # fmt: skip
    return row, first


def write_form(form: str, subject: str, with_: Measuring) -> None:
    """Export the form where it does not lie there yet, in a process of its own: its memory is free again afterwards.

    That process ends with this one, so that a run that goes on has no other copy of the weights beside it.
    """
    with_.narrate(f"writing {form}")
    job = {"reference": subject, "form": form, "workspace": str(with_.workspace.folder)}
    failed: dict[str, Any] = {"message": "the export died", "fix": "charlab log shows why"}
    with subprocess.Popen(
        [sys.executable, "-m", "engine.forge.export"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0, start_new_session=True, env=worker_environment(),
    ) as process:  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        with suppress(BrokenPipeError):
            process.stdin.write(json.dumps(job).encode() + b"\n")
        while True:
            while not select.select([process.stdout], [], [], HEED_SECONDS)[0]:
                with_.heed()
            line = process.stdout.readline()
            if not line:
                break
            event = json.loads(line)
            if event["event"] == "progress":
                with_.narrate(event["message"])
            else:
                failed = event
    if process.returncode:
        raise ModelError(f"{form}: {failed['message']}", fix=failed["fix"])


def answer_greedily(client: Client, with_: Measuring) -> list[Text]:
    """One answer to each probe, the likeliest token each time."""
    sampling = Sampling(temperature=0, top_k=0, top_p=1, max_tokens=with_.run.sampling.max_tokens, seed=0)
    texts = []
    for probe in with_.probes:
        with_.heed()
        prompt = make_prompt(probe, [], None)
        answer = client.chat(prompt, sampling, logprobs=1)
        told = [(t.id, t.token) for t in answer.logprobs or [] if t.id is not None]
        if len(told) < answer.tokens:
            # llama.cpp passes over a token that is but a part of a character
            ids = with_.renderer.encode_text(answer.text)
            told = [(i, with_.renderer.tokenizer.decode([i])) for i in ids]
        elif answer.finish == "stop" and client.endpoint.backend == "llama":
            told = told[:-1]  # it tells of the token that ends the answer too
        texts.append(Text(probe, encode(prompt, with_.renderer), [i for i, _ in told], [word for _, word in told]))
    return texts


def score_texts(client: Client, texts: list[Text], with_: Measuring) -> list[list[Scored | None]]:
    """The distributions at every token of the answers, `positions` of them at most, an equal share of each answer.

    None where llama.cpp tells of none, which is where it would go on with a part of a character.
    """
    share, rest = divmod(with_.run.positions, len(texts))
    scored: list[list[Scored | None]] = []
    for index, text in enumerate(texts):
        with_.heed()
        ids = text.prompt + text.answer[: share + (index < rest)]
        places = range(len(text.prompt), len(ids))
        if client.endpoint.backend == "llama":
            scored.append([score_place(client, ids[: at + 1]) for at in places])
        else:
            scored.append([*client.score(ids, len(text.prompt), TOP)] if places else [])
    return scored


def score_place(client: Client, ids: list[int]) -> Scored | None:
    try:
        return client.score(ids, len(ids) - 1, TOP)[0]
    except ModelError as untold:
        if "told no probabilities" in untold.message:
            return None
        raise


def compare_scores(first: list[list[Scored | None]], second: list[list[Scored | None]]) -> Divergence | None:
    """Over the places that both tell of; None where there is none."""
    pairs = [(a, b) for one, two in zip(first, second, strict=True) for a, b in zip(one, two, strict=True) if a and b]
    if not pairs:
        return None
    found = [bound_kl(a.top, b.top) for a, b in pairs]
    return Divergence(
        positions=len(found),
        kl_mean=statistics.fmean(found),
        kl_max=max(found),
        agreements=sum(_likeliest(a) == _likeliest(b) for a, b in pairs),
    )


def _likeliest(scored: Scored) -> int:
    return max(scored.top, key=lambda i: scored.top[i])


def part(first: list[Text], texts: list[Text]) -> list[FirstDifference]:
    """Where each greedy answer parts from that of the first form."""
    found = []
    for one, two in zip(first, texts, strict=True):
        longest = max(len(one.answer), len(two.answer))
        at = next((i for i in range(longest) if one.answer[i : i + 1] != two.answer[i : i + 1]), None)
        words = [(t.words[at] if at < len(t.words) else "(its end)") if at is not None else "" for t in (one, two)]
        found.append(FirstDifference(probe=one.probe.id, token=at, of=len(one.answer), first=words[0], here=words[1]))
    return found


def sample(
    client: Client, form: str, with_: Measuring, kept: list[dict[str, Any]], take: Callable[[Sample], None]
) -> tuple[int, float]:
    """Sampled answers by the seeds that every form has; the tokens and seconds that they took."""
    tokens, began = 0, time.perf_counter()

    def count(answer: Sample) -> None:
        nonlocal tokens
        tokens += answer.tokens
        take(answer)

    ask_probes(
        client, with_.probes, with_.run.samples, with_.run.sampling, system=None, character=with_.character, take=count,
        stop=with_.heed, kept=kept, step=with_.run.subject.step or 0, form=form,
    )  # fmt: skip
    return tokens, time.perf_counter() - began


def weigh(form: str, with_: Measuring) -> int:
    """Bytes of the weights that are served: of the base too, where the adapter stands on it."""
    traced = trace_model(choose_serving(form, with_.run.subject.reference)[0], with_.workspace)
    if traced.form is not None and form != "adapter":
        return traced.form.bytes
    located = locate_model(with_.run.subject.reference, with_.workspace)
    assert located.adapter is not None
    if form == "adapter":
        assert traced.form is not None
        gguf = find_base_gguf(traced.base, with_.workspace)
        return traced.form.bytes + (gguf.stat().st_size if gguf else 0)
    folder = find_source(located.source)
    weights = [f for pattern in ("model*.safetensors", "pytorch_model*.bin") for f in folder.glob(pattern)]
    return sum(f.stat().st_size for f in [*weights, *located.adapter.glob("adapter_model.*")])


def find_source(source: str) -> Path:
    """Where the files of a folder or of a hub id lie, once it was loaded."""
    from huggingface_hub import try_to_load_from_cache

    found = None if Path(source).is_dir() else try_to_load_from_cache(source, "config.json")
    return Path(found).parent if isinstance(found, str) else Path(source)


def read_notes(form: str, with_: Measuring) -> list[str]:
    traced = trace_model(choose_serving(form, with_.run.subject.reference)[0], with_.workspace)
    return traced.form.notes if isinstance(traced.form, Form) else []


def same_adapter(run: ParityRun, workspace: Workspace) -> bool:
    """Whether the adapter is still the one that the run was made for."""
    adapter = trace_model(run.subject.reference, workspace).adapter
    return adapter is not None and hash_adapter(adapter) == run.subject.adapter_sha256
