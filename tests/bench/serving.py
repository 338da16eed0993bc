"""A model asked its probes, served beside llama.cpp called directly, talked to, and compared across backends.

An adapter's two backends are compared on a trained run: CHARLAB_BENCH_RUN names it, or the workspace that holds it.
"""

import contextlib
import json
import os
import random
import re
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import fmean, median
from typing import Any

from chat import MODEL, measure_first_token, measure_keys, measure_start
from engine.errors import ModelError
from engine.records.dataset import Message
from engine.records.serving import Sampling, ServeRequest
from engine.serve.answers import Answer, Scored
from engine.serve.client import Client, Job
from engine.serve.server import start_server
from engine.store.paths import Workspace
from kit import ROOT, Row, Side, make_workspace, run_command

THREADS = 2
SAMPLES, TOKENS = 40, 64
IN_FLIGHT, BATCH, REPEATS = 8, 32, 5
POSITIONS = 500
TOP = 1000
"""Tokens told of at each position; the rest is one bin."""
TRAINED = "madison-orpo"
THINGS = ("bread", "rivers", "letters", "a clock", "horses", "the moon", "glass", "a garden", "winter", "maps")


def measure() -> tuple[list[Row], list[str]]:
    rows: list[Row] = []
    notes: list[str] = []
    with use_own_cache():
        for part in (measure_start, measure_first_token, measure_keys, measure_throughput, measure_probing):
            began = time.perf_counter()
            more, told = part()
            rows += more
            notes += told
            print(f"  {more[0].what}: {more[0].measured}, {time.perf_counter() - began:.0f} s", file=sys.stderr)
    # the weights that the run was trained from lie in the person's own cache
    more, told = measure_backends()
    return [*rows, *more], [*notes, *told]


@contextlib.contextmanager
def use_own_cache() -> Iterator[None]:
    """A cache for this process and all that it starts, with the bundled model's tokenizer in it, gone afterwards."""
    kept = os.environ.get("CHARLAB_CACHE")
    with tempfile.TemporaryDirectory(prefix="charlab-bench-") as name, make_workspace() as folder:
        os.environ["CHARLAB_CACHE"] = name
        try:
            start_server(ServeRequest(reference=MODEL, threads=1), Workspace(folder)).stop()
            yield
        finally:
            if kept is None:
                del os.environ["CHARLAB_CACHE"]
            else:
                os.environ["CHARLAB_CACHE"] = kept


# ---------------------------------------------------------------- probing


def measure_probing(samples: int = SAMPLES) -> tuple[list[Row], list[str]]:
    """The whole command: its run, the server's start, every answer judged and kept."""
    from engine.store.journal import read_rows

    with make_workspace() as folder:
        words = ("probe", MODEL, "--samples", str(samples), "--max-tokens", str(TOKENS), "--seed", "1", "--json")
        began = time.perf_counter()
        facts = json.loads(run_command(folder, *words, timeout=900))
        seconds = time.perf_counter() - began
        paths = Workspace(folder).run(facts["id"])
        tokens = sum(row["tokens"] for row in read_rows(paths.samples))
        threads = re.search(r"(\d+) threads?", paths.log(1).read_text())
    if facts["status"] != "finished":
        raise RuntimeError(f"the probe run {facts['status']}: {facts['error']}")
    row = Row(
        f"{len(facts['probes'])} probes x {samples} samples of {TOKENS} tokens", 110, 80, seconds, "s", f"{seconds:.1f} s"
    )  # fmt: skip
    return [row], [
        f"probing: {facts['overall']['n']} answers, {tokens:,} tokens, {tokens / seconds:.0f} tokens/s over the whole "
        f"command; {threads[1] if threads else '?'} threads"
    ]


# ---------------------------------------------------------------- our endpoint and client, and none


def measure_throughput(repeats: int = REPEATS, batch: int = BATCH) -> tuple[list[Row], list[str]]:
    """The same questions by turns to our endpoint through our client, and to llama.cpp in its own process."""
    ours: list[float] = []
    theirs: list[float] = []
    counts = [0, 0]
    request = ServeRequest(reference=MODEL, slots=IN_FLIGHT, threads=THREADS)
    with (
        make_workspace() as folder,
        start_server(request, Workspace(folder)) as serving,
        Client(serving.endpoint, in_flight=IN_FLIGHT) as client,
        Side(folder, "direct.py", request=request.to_json()) as side,
    ):
        side.ask()
        for number in range(repeats + 1):  # the first warms both
            jobs = make_jobs(number, batch)
            for mine in (True, False) if number % 2 else (False, True):
                told = ask_client(client, jobs) if mine else side.ask(json.dumps([write_body(job) for job in jobs]))
                if number:
                    (ours if mine else theirs).append(told["tokens"] / told["seconds"])
                    counts[not mine] += told["tokens"]
    ratio = median(a / b for a, b in zip(ours, theirs, strict=True))
    measured = f"{ratio:.3f} x, {median(ours):.0f} tokens/s against {median(theirs):.0f}"
    row = Row(f"tokens/s at {IN_FLIGHT} in flight", 0.9, 0.97, ratio, "x llama.cpp", measured, more=True)
    return [row], [
        f"tokens/s, {repeats} turns of {batch} answers with {THREADS} threads, ours against llama.cpp: "
        + ", ".join(f"{a:.0f}/{b:.0f}" for a, b in zip(ours, theirs, strict=True))
        + f"; {counts[0]:,} and {counts[1]:,} tokens"
    ]


def make_jobs(number: int, count: int) -> list[Job]:
    """Questions that no cache has seen; a seed each, so that both sides draw the same answers."""
    draw = random.Random(number)
    jobs = []
    for index in range(count):
        text = f"Question {draw.randrange(10**6)}: what would you tell a child of {draw.choice(THINGS)}, and why?"
        sampling = Sampling(max_tokens=TOKENS, seed=draw.randrange(2**31))
        jobs.append(Job(str(index), [Message(role="user", content=text)], sampling))
    return jobs


def write_body(job: Job) -> dict[str, Any]:
    """What the client sends for the job, for who calls llama.cpp by hand."""
    s = job.sampling
    return {
        "messages": [m.to_json() for m in job.prompt if isinstance(m, Message)],
        "temperature": s.temperature, "top_k": s.top_k, "top_p": s.top_p, "min_p": 0.0, "seed": s.seed,
        "max_tokens": s.max_tokens, "samplers": ["temperature", "top_k", "top_p"], "reasoning_format": "none",
    }  # fmt: skip


def ask_client(client: Client, jobs: list[Job]) -> dict[str, Any]:
    answers: list[Answer] = []
    began = time.perf_counter()
    client.run_batch(jobs, lambda _, answer: answers.append(answer))
    return {"seconds": time.perf_counter() - began, "tokens": sum(a.tokens for a in answers)}


# ---------------------------------------------------------------- one adapter under two backends


def measure_backends(positions: int = POSITIONS) -> tuple[list[Row], list[str]]:
    """What llama.cpp makes of the adapter on its base, where transformers made so many tokens of answers."""
    found = find_trained()
    if found is None:
        return [], [
            f"llama.cpp against transformers: not measured: no finished run '{TRAINED}' is here; charlab train makes "
            "one, and CHARLAB_BENCH_RUN=/path/to/its/workspace names where"
        ]
    from engine.stats.divergence import bound_kl

    workspace, run_id = found
    reference = f"run:{run_id}"
    with (
        start_server(ServeRequest(reference=reference, backend="transformers"), workspace) as serving,
        Client(serving.endpoint) as client,
    ):
        texts = answer_probes(client, reference, run_id, workspace, positions)
        first = [one for prompt, ids in texts for one in client.score(prompt + ids, len(prompt), TOP)]
    with (
        start_server(ServeRequest(reference=reference, backend="llama"), workspace) as serving,
        Client(serving.endpoint) as client,
    ):
        second = [score_place(client, prompt + ids[: at + 1]) for prompt, ids in texts for at in range(len(ids))]
    pairs = [(a.top, b.top) for a, b in zip(first, second, strict=True) if b is not None]
    apart = [bound_kl(a, b) for a, b in pairs]
    same = sum(max(a, key=a.__getitem__) == max(b, key=b.__getitem__) for a, b in pairs)
    row = Row(
        f"adapter on base, llama.cpp against transformers, mean KL over {len(pairs)}", 0.02, 0.005, fmean(apart), "nats",
        f"{fmean(apart):.4f} nats",
    )  # fmt: skip
    return [row], [
        f"KL of {run_id}: median {median(apart):.4f}, greatest {max(apart):.3f}, the likeliest token the same at {same} of "
        f"{len(pairs)}, over {len(texts)} sampled answers; at {positions - len(pairs)} more llama.cpp tells of none"
    ]


def score_place(client: Client, ids: list[int]) -> Scored | None:
    """What is thought of the last token; None where llama.cpp tells of none: it would go on inside a character."""
    try:
        return client.score(ids, len(ids) - 1, TOP)[0]
    except ModelError:
        return None


def find_trained() -> tuple[Workspace, str] | None:
    """The run to compare: the one that is named, or the newest finished demo of the workspace that is."""
    from engine.store.index import list_runs

    folder = Path(os.environ.get("CHARLAB_BENCH_RUN") or ROOT).resolve()
    if (folder / "run.json").is_file():
        return Workspace(folder.parents[1]), folder.name
    workspace = Workspace(folder)
    if not workspace.runs.is_dir():
        return None
    trained = [r.id for r in list_runs(workspace) if (r.kind, r.name, r.status) == ("train", TRAINED, "finished")]
    return (workspace, trained[-1]) if trained else None


def answer_probes(
    client: Client, reference: str, run_id: str, workspace: Workspace, positions: int
) -> list[tuple[list[int], list[int]]]:
    """Sampled answers to the run's probes, round after round, until they have so many tokens; prompt and answer."""
    from engine.data.read import find_dataset, read_probes
    from engine.models.load import load_tokenizer
    from engine.models.locate import locate_model
    from engine.models.template import Renderer
    from engine.store.runs import open_run

    recipe = open_run(workspace.run(run_id)).recipe
    renderer = Renderer(load_tokenizer(locate_model(reference, workspace)), recipe.template)
    probes = read_probes(find_dataset(workspace, recipe.dataset).probes)
    texts: list[tuple[list[int], list[int]]] = []
    missing = positions
    for number in range(positions):
        for probe in probes:
            answer = client.chat(probe.messages, Sampling(max_tokens=TOKENS, seed=number), logprobs=1)
            ids = [t.id for t in answer.logprobs or [] if t.id is not None][:missing]
            if ids:
                texts.append((renderer.encode_prompt(probe.messages), ids))
                missing -= len(ids)
            if not missing:
                return texts
    raise RuntimeError(f"{reference} answers its probes with nothing")
