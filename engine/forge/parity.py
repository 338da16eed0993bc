"""Every form of one adapter against the form that it was trained in: what differs, by how much, and why.

The first form answers every probe greedily; over these answers every other form is asked, token by token, what it
would have said, and samples answers of its own by the same seeds.
"""

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from engine.errors import CharlabError, ModelError
from engine.models.load import load_tokenizer
from engine.models.locate import find_base_gguf, hash_adapter, locate_model, trace_model
from engine.models.template import Renderer
from engine.probe.ask import ask_probes
from engine.probe.variants import make_prompt
from engine.records.dataset import Character, Probe
from engine.records.forms import MERGED, Divergence, FirstDifference, Form, FormRow
from engine.records.rows import Sample
from engine.records.run import ParityRun
from engine.records.serving import Backend, Endpoint, Sampling, ServeRequest
from engine.serve.answers import Scored
from engine.serve.client import Client
from engine.serve.server import start_server
from engine.serve.tokenizer import LightTokenizer
from engine.stats.divergence import bound_kl
from engine.store.journal import Narrate
from engine.store.paths import Workspace
from engine.store.runs import open_run

TRAINED = "trained"
TOP = 1000
"""Tokens told of at each place; the rest is one bin."""


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
    scored: list[list[Scored]]


class Measuring(NamedTuple):
    """What is the same for every form."""

    run: ParityRun
    workspace: Workspace
    probes: list[Probe]
    character: Character
    renderer: Renderer
    """With the tokenizer and template of the training."""
    narrate: Narrate


def prepare(
    run: ParityRun, workspace: Workspace, probes: list[Probe], character: Character, narrate: Narrate
) -> Measuring:
    located = locate_model(run.subject.reference, workspace, narrate)
    assert located.run is not None
    template = open_run(workspace.run(located.run)).recipe.template
    return Measuring(run, workspace, probes, character, Renderer(load_tokenizer(located), template), narrate)


def choose_serving(form: str, subject: str) -> tuple[str, Backend]:
    """What to serve, and by what: the form that was trained and merged weights by transformers, a GGUF by llama.cpp."""
    if form == TRAINED:
        return subject, "transformers"
    return f"{subject}#{form}", "transformers" if form in MERGED else "llama"


def measure_form(
    form: str, with_: Measuring, first: Reference | None, kept: list[dict[str, Any]], take: Callable[[Sample], None]
) -> tuple[FormRow, Reference | None]:
    """Serve one form and measure it; the first gives the reference. An error of the form is its row, not the end."""
    run, subject = with_.run, with_.run.subject.reference
    reference, backend = choose_serving(form, subject)
    try:
        if form != TRAINED:
            write_form(form, subject, with_)
        with_.narrate(f"serving {form}")
        with (
            start_server(ServeRequest(reference=reference, backend=backend), with_.workspace, with_.narrate) as serving,
            Client(serving.endpoint) as client,
        ):
            differ = compare_tokens(serving.endpoint, with_)
            texts = answer_greedily(client, with_)
            divergence = None
            if first is None:
                first = Reference(texts, score_texts(client, texts, run.positions))
            else:
                divergence = compare_scores(first.scored, score_texts(client, first.texts, run.positions))
            tokens, seconds = sample(client, form, with_, kept, take)
        row = FormRow(
            form=form, reference=reference, backend=serving.endpoint.backend, bytes=weigh(form, with_), seconds=seconds,
            tokens=tokens, divergence=divergence, differences=part(first.texts, texts), tokens_differ=differ,
            notes=read_notes(form, with_),
        )  # fmt: skip
    except CharlabError as error:
        if form == TRAINED:
            raise
        row = FormRow(
            form=form, reference=reference, backend=backend, bytes=0, seconds=0.0, tokens=0, divergence=None,
            differences=[], tokens_differ=[], notes=[], error=error.message, fix=error.fix,
        )  # fmt: skip
    return row, first


def write_form(form: str, subject: str, with_: Measuring) -> None:
    """Export the form where it does not lie there yet, in a process of its own: its memory is free again afterwards."""
    with_.narrate(f"writing {form}")
    words = [sys.executable, "-m", "engine.forge.export", subject, form, str(with_.workspace.folder)]
    done = subprocess.run(words, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        lines = done.stdout.strip().splitlines()
        said = json.loads(lines[-1]) if lines else {"message": "the export died", "fix": "charlab log shows why"}
        raise ModelError(f"{form}: {said['message']}", fix=said["fix"])


def compare_tokens(endpoint: Endpoint, with_: Measuring) -> list[str]:
    """Where the form's own tokenizer renders or encodes otherwise than the training's did, in words."""
    folder = endpoint.tokenizer
    if folder is None:
        traced = trace_model(endpoint.reference, with_.workspace)
        found = Path(traced.base)
        if traced.form is None or not (found / "tokenizer.json").is_file():
            return []
        folder = str(found)
    theirs, ours = LightTokenizer(Path(folder)), with_.renderer.tokenizer
    differ = []
    if theirs.chat_template != ours.chat_template:
        differ.append("template: the form carries another chat template than the base that was trained")
    if theirs.eos_token_id != ours.eos_token_id:
        differ.append(f"BOS/EOS: the form ends with token {theirs.eos_token_id}, the training with {ours.eos_token_id}")
    for text in ("A text.", *(m.content for p in with_.probes for m in p.messages)):
        if theirs(text)["input_ids"] != list(ours(text)["input_ids"]):
            whole = theirs(text, add_special_tokens=False)["input_ids"]
            plain = list(ours(text, add_special_tokens=False)["input_ids"])
            kind = "BOS/EOS" if whole == plain else "token ids"
            differ.append(
                f"{kind}: {text[:60]!r} becomes {theirs(text)['input_ids'][:8]}, not {ours(text)['input_ids'][:8]}"
            )
            break
    return differ


def answer_greedily(client: Client, with_: Measuring) -> list[Text]:
    """One answer to each probe, the likeliest token each time."""
    sampling = Sampling(temperature=0, top_k=0, top_p=1, max_tokens=with_.run.sampling.max_tokens, seed=0)
    texts = []
    for probe in with_.probes:
        prompt = make_prompt(probe, [], None)
        ids = encode(prompt, with_.renderer)
        answer = client.chat(prompt, sampling, logprobs=1)
        found = answer.logprobs or []
        texts.append(Text(probe, ids, [t.id for t in found if t.id is not None], [t.token for t in found]))
    return texts


def encode(prompt: Any, renderer: Renderer) -> list[int]:
    if isinstance(prompt, str):
        return list(renderer.tokenizer(prompt)["input_ids"])
    if prompt[-1].role == "assistant":
        return renderer.encode_prompt(prompt[:-1]) + renderer.encode_text(prompt[-1].content)
    return renderer.encode_prompt(prompt)


def score_texts(client: Client, texts: list[Text], positions: int) -> list[list[Scored]]:
    """The distributions at every token of the answers, `positions` of them at most, an equal share of each answer."""
    share = -(-positions // len(texts))
    scored = []
    for text in texts:
        ids = text.prompt + text.answer[:share]
        scored.append(client.score(ids, len(text.prompt), TOP) if len(ids) > len(text.prompt) else [])
    return scored


def compare_scores(first: list[list[Scored]], second: list[list[Scored]]) -> Divergence:
    pairs = [(a, b) for one, two in zip(first, second, strict=True) for a, b in zip(one, two, strict=True)]
    found = [bound_kl(a.top, b.top) for a, b in pairs]
    return Divergence(
        positions=len(found),
        kl_mean=statistics.fmean(found) if found else 0.0,
        kl_max=max(found, default=0.0),
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
        kept=kept, step=with_.run.subject.step or 0, form=form,
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
    folder = Path(located.source)
    weights = [*folder.glob("*.safetensors")] if folder.is_dir() else []
    return sum(f.stat().st_size for f in [*weights, *located.adapter.glob("adapter_model.*")])


def read_notes(form: str, with_: Measuring) -> list[str]:
    traced = trace_model(choose_serving(form, with_.run.subject.reference)[0], with_.workspace)
    return traced.form.notes if isinstance(traced.form, Form) else []


def same_adapter(run: ParityRun, workspace: Workspace) -> bool:
    """Whether the adapter is still the one that the run was made for."""
    adapter = trace_model(run.subject.reference, workspace).adapter
    return adapter is not None and hash_adapter(adapter) == run.subject.adapter_sha256
