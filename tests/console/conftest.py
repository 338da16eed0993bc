"""Servers that stream as slowly as a test wants them to and die when it wants them to, and evaluations that never ran."""

from __future__ import annotations

import hashlib
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.records.dataset import Character, Prompt
from engine.records.judging import JudgeUse, Rubric, Score, Usage
from engine.records.rows import Event, Launch, Metric, Process, Sample
from engine.records.run import EvalRun, ProbesUse, ScoreRun, Subject
from engine.records.serving import Sampling
from engine.store.journal import write_json, write_rows
from engine.store.paths import RunPaths, Workspace
from listener import Listener

ROOT = Path(__file__).resolve().parents[2]


class Streaming:
    """A server that answers in pieces; `say` decides them by what it was asked, `pace` holds each back."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.say: Callable[[dict[str, Any]], list[str]] = lambda body: ["I ", "am ", f"seed {body['seed']}."]
        self.pace = 0.0
        self.dies_after: int | None = None
        self.gate = threading.Event()
        self.gate.set()
        self._listener = Listener(self.answer)
        self.reference = f"{self._listener.url}#parrot"

    def answer(self, handler: Any, body: dict[str, Any]) -> None:
        def tell(event: dict[str, Any]) -> None:
            handler.wfile.write(f"data: {json.dumps(event)}\n\n".encode())
            handler.wfile.flush()

        self.asked.append(body)
        handler.send_response(200)
        handler.send_header("Content-Type", "text/event-stream")
        handler.end_headers()
        for number, piece in enumerate(self.say(body)):
            if number == self.dies_after:
                return
            choice: dict[str, Any] = {"delta": {"content": piece}}
            if body.get("logprobs"):
                top = [{"token": piece, "logprob": -0.1}, {"token": "else", "logprob": -2.5}]
                choice["logprobs"] = {"content": [{"token": piece, "logprob": -0.1, "top_logprobs": top}]}
            try:
                tell({"choices": [choice]})
            except OSError:
                return
            time.sleep(self.pace)
            self.gate.wait(20)
        tell({"choices": [{"delta": {}, "finish_reason": "stop"}]})
        handler.wfile.write(b"data: [DONE]\n\n")

    def close(self) -> None:
        self.gate.set()
        self._listener.close()


@pytest.fixture
def servers() -> Iterator[tuple[Streaming, Streaming]]:
    pair = Streaming(), Streaming()
    yield pair
    for server in pair:
        server.close()


QUESTIONS = tuple(
    Prompt.model_validate({
        "id": f"{category[:4]}-{number}", "category": category, "difficulty": level,
        "messages": [{"role": "user", "content": f"What do you hold of {category}, point {number}?"}],
    })
    for category in ("letters", "union", "traps") for number, level in enumerate(("easy", "medium", "hard", "hard"), 1)
)  # fmt: skip
"""Twelve prompts in three categories."""
RUBRIC = Rubric.model_validate({
    "name": "planter", "version": 1, "instructions": "Judge the answer.", "critical_cap": 3,
    "components": [
        {"name": "voice", "weight": 60, "description": "Sounds like him."},
        {"name": "history", "weight": 40, "description": "Is right."},
    ],
    "critical_failures": [
        {"name": "artificial_identity", "description": "Says that he is a program."},
        {"name": "assistant_prose", "description": "Offers help."},
    ],
})  # fmt: skip
Grade = dict[str, Any] | int
"""Of one answer: what differs from a plain Score, or the number of every component."""


def make_eval(
    workspace: Workspace,
    name: str,
    grades: Callable[[int], Grade],
    *,
    model: str = "bundled:smollm2-135m",
    about: str | None = None,
    judge: str = "anthropic:claude-sonnet-5-5",
    of: str | None = None,
    prompts: tuple[Prompt, ...] = QUESTIONS,
    answer: Callable[[int], str] = lambda number: f"I hold, Sir, that the {number}th question admits of one answer.",
    ended: str = "finished",
    answered: int | None = None,
    temperature: float = 1.0,
    max_usd: float | None = None,
) -> RunPaths:
    """Lay out an evaluation as its worker would have: one answer to each prompt, graded in their order.

    `about` is the training run that the model is of; `of` makes it a score run of another's answers.
    """
    paths = workspace.run(name)
    paths.log(1).parent.mkdir(parents=True)
    rows = [prompt.to_json() for prompt in prompts]
    write_rows(paths.prompts, rows)
    write_json(paths.rubric, RUBRIC.to_json())
    write_json(paths.character, Character(name="Ada").to_json())
    use = JudgeUse(
        reference=judge, rubric=RUBRIC.name, rubric_version=1, rubric_sha256="a", prompt_sha256="b", schema_sha256="c",
        triage=judge == "rules",
    )  # fmt: skip
    sha256 = hashlib.sha256(paths.prompts.read_bytes()).hexdigest()
    facts: dict[str, Any] = {
        "id": name, "name": "madison-eval", "created": 1_767_258_000.0, "versions": {}, "git": None,
        "host": socket.gethostname(), "subject": Subject(reference=model, run=about), "judge": use,
        "probes": ProbesUse(dataset="madison", sha256=sha256, count=len(prompts)), "max_usd": max_usd,
    }  # fmt: skip
    run: EvalRun | ScoreRun
    if of is None:
        sampling = Sampling(max_tokens=1024, temperature=temperature, seed=11)
        run = EvalRun(**facts, steps=2 * len(prompts), samples=1, sampling=sampling, system=None)
    else:
        run = ScoreRun(**facts, steps=len(prompts), of=of)
    there = len(prompts) if answered is None else answered
    samples = [
        Sample(
            attempt=1, step=0, time=1_767_258_010.0 + number, probe=prompt.id, index=0, seed=number,
            text=answer(number), tokens=21, truncated=False, breaks=None, span=None, in_character=True,
        )
        for number, prompt in enumerate(prompts[:there])
    ]  # fmt: skip
    if of is None:
        write_rows(paths.samples, [sample.to_json() for sample in samples])
    scores = [make_score(prompt, grades(number), use) for number, prompt in enumerate(prompts[:there])]
    write_rows(paths.scores, [score.to_json() for score in scores])
    good = [score for score in scores if score.overall is not None]
    if good:
        raw = [score.judge_overall for score in good if score.judge_overall is not None]
        values: dict[str, float | None] = {
            "score": sum(score.overall or 0.0 for score in good) / len(good),
            "critical": float(sum(bool(score.critical) for score in good)),
            **({"score_raw": sum(raw) / len(raw)} if raw else {}),
        }
        step = run.steps - len(prompts) + len(good)
        write_rows(paths.metrics, [Metric(attempt=1, step=step, time=1_767_258_060.0, values=values).to_json()])
    told = [Event(attempt=1, time=1_767_258_000.0, kind="started", step=0)]
    told += [Event(attempt=1, time=1_767_258_060.0, kind="finished", step=run.steps)] if ended == "finished" else []
    write_rows(paths.events, [event.to_json() for event in told])
    process = Process(pid=4_000_000, start=0.0)
    write_json(
        paths.launch, Launch(attempt=1, host=socket.gethostname(), process=process, time=1_767_258_000.0).to_json()
    )
    write_json(paths.run, run.to_json())
    return paths


def make_score(prompt: Prompt, grade: Grade, use: JudgeUse) -> Score:
    given = {"components": {"voice": grade, "history": grade}} if isinstance(grade, int) else grade
    state = given.get("state", "scored")
    row: dict[str, Any] = {
        "attempt": 1, "time": 1_767_258_050.0, "id": f"{prompt.id} 0 0", "judge": use.fingerprint, "state": state,
        "usage": Usage(input_tokens=400, output_tokens=90, cache_read=2_000), "usd": 0.0 if use.triage else 0.004, "seconds": 2.0,
    }  # fmt: skip
    if state != "scored":
        row["problem"] = "the answer broke off"
    else:
        parts = given["components"]
        mean = 0.6 * parts["voice"] + 0.4 * parts["history"]
        row["overall"] = min(mean, 3.0) if given.get("critical") else mean
        row["judge_overall"] = None if use.triage else float(parts["voice"])
        row["reasons"] = f"The voice is worth {parts['voice']}, and 'Sir' decided me."
    return Score.model_validate({**row, **given})


@pytest.fixture
def write_eval(workspace: Workspace) -> Callable[..., RunPaths]:
    """Lay out an evaluation: write_eval("20260103-0900-madison-eval-5e6f", lambda number: 7)."""

    def write(name: str, grades: Callable[[int], Grade] = lambda number: 5 + number % 3, **how: Any) -> RunPaths:
        return make_eval(workspace, name, grades, **how)

    return write


@pytest.fixture
def start(workspace: Any) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Python code with words as a process in the workspace, ended with the test: start(code, *words)."""
    started: list[subprocess.Popen[str]] = []

    def begin(code: str, *words: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", code, *words], cwd=workspace.folder, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )  # fmt: skip
        started.append(process)
        return process

    yield begin
    for process in started:
        process.kill()
        process.communicate()
