"""Runs `vllm serve` and ends it with its owner, in a process of its own: python -m engine.serve.vllm_worker."""

import ctypes
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import httpx2

from engine.errors import CharlabError, ModelError
from engine.models.locate import Located, find_folder, locate_model
from engine.models.origin import read_load
from engine.models.template import Renderer
from engine.records.dataset import Message
from engine.records.recipe import Template
from engine.records.serving import ServeRequest
from engine.serve.memory import size_server, weigh_model
from engine.serve.owner import Say, run_worker
from engine.serve.tokenizer import LightTokenizer
from engine.serve.vllm_command import make_environment, name_model, name_reach, name_size, name_template
from engine.store.paths import Workspace

LOOK_SECONDS = 0.5
LEAVING_SECONDS = 3.0
"""The owner waits for five."""
SIGNS = (
    (re.compile(r"Loading safetensors checkpoint shards:\s+(\d+)%"), "loading weights, {}%"),
    (re.compile(r"Loading weights took ([\d.]+) seconds"), "weights loaded in {} s"),
    (re.compile(r"(Start compiling|Dynamo bytecode transform)"), "compiling"),
    (re.compile(r"GPU KV cache size: ([\d,]+) tokens"), "room for {} tokens"),
    (re.compile(r"(Capturing CUDA graphs?)", re.IGNORECASE), "capturing CUDA graphs"),
)
"""What of vLLM's log is told on, and how."""


class Server:
    """The `vllm serve` process and all that it starts."""

    def __init__(self) -> None:
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, words: list[str], environment: dict[str, str]) -> None:
        self.process = subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stdout=2, stderr=2, env=environment,
            start_new_session=True, preexec_fn=make_dying(),
        )  # fmt: skip

    def stop(self) -> None:
        """End the whole group: vLLM's engine is a process of its own, which holds the GPU's memory."""
        if self.process is None:
            return
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(LEAVING_SECONDS)
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)

    def check(self, log: Path) -> None:
        """Raise CharlabError where it has ended."""
        assert self.process is not None
        code = self.process.poll()
        if code is not None:
            cause = find_cause(log) or f"code {code}"
            raise CharlabError(f"vLLM ended by itself: {cause}", fix=f"see {log}")


def make_dying() -> Callable[[], object] | None:
    """What a child does before it becomes vLLM: asks to be ended when this worker is killed and can end nothing."""
    if sys.platform != "linux":
        return None
    prctl, die = ctypes.CDLL(None).prctl, 1
    return lambda: prctl(die, signal.SIGTERM)


def serve(server: Server, job: dict[str, Any], say: Say) -> None:
    request = ServeRequest.model_validate(job["request"])
    workspace, log = Workspace(Path(job["workspace"])), Path(job["log"])
    located = locate_model(job["name"], workspace, lambda message: say("progress", message=message))
    folder = find_folder(located)
    load = read_load(located, folder, workspace)
    renderer = make_renderer(located, folder, Template.model_validate(job["template"]))
    port = request.port or find_port(request.host)
    sized = size_server(job["name"], weigh_model(folder, load), workspace)
    if sized is None:
        raise ModelError("vLLM needs an NVIDIA GPU, and nvidia-smi shows none", fix="--backend transformers")
    gpu, share = sized
    words = [
        job["program"], *name_model(located, job["name"], load), *name_reach(request.host, port),
        *name_size(request, folder, share), *name_template(renderer),
    ]  # fmt: skip
    say("progress", message=f"starting vLLM with {located.base}; a first start takes minutes")
    try:
        server.start(words, make_environment(request.token, bool(located.adapter)) | gpu.to_environment())
        host = f"[{request.host}]" if ":" in request.host else request.host
        headers = {"Authorization": f"Bearer {request.token}"} if request.token else {}
        with httpx2.Client(base_url=f"http://{host}:{port}", headers=headers, timeout=60, trust_env=False) as http:
            wait_healthy(server, http, log, say)
            check_rendering(http, job["name"], renderer, say)
            if located.adapter:
                load_adapter(http, job["name"], located.adapter, log)
            say(
                "ready", port=port, adapters=[str(located.adapter)] if located.adapter else [],
                context=read_context(http), rendered=renderer.describe().to_json(),
                tokenizer=str(folder) if isinstance(renderer.tokenizer, LightTokenizer) else None,
            )  # fmt: skip
            watch(server, http, log, request.idle_seconds)
    finally:
        server.stop()


# what it is started with


def make_renderer(located: Located, folder: Path, template: Template) -> Renderer:
    if (folder / "tokenizer.json").is_file():
        return Renderer(LightTokenizer(folder), template)
    from engine.models.load import load_tokenizer

    return Renderer(load_tokenizer(located), template)


def find_port(host: str) -> int:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port


# what vLLM answers


def wait_healthy(server: Server, http: httpx2.Client, log: Path, say: Say) -> None:
    """Return when it answers; what its log says of its progress is told on."""
    told, offset, healthy = "", 0, False
    while not healthy:
        server.check(log)
        with suppress(httpx2.TransportError):
            healthy = http.get("/health").status_code == 200
        with open(log, "rb") as file:  # once more after it answers: it may have loaded between two looks
            file.seek(offset)
            news = file.read()
        offset += len(news)
        for message in read_progress(news.decode(errors="replace")):
            if message != told:
                told = message
                say("progress", message=f"vLLM: {message}")
        if not healthy:
            time.sleep(LOOK_SECONDS)


def read_progress(text: str) -> list[str]:
    found = [
        (match, words) for line in re.split(r"[\r\n]+", text) for sign, words in SIGNS if (match := sign.search(line))
    ]
    return [words.format(match[1]) for match, words in found]


def find_cause(log: Path) -> str:
    """The first error in the log: the later ones tell that the engine did not start, and not why."""
    lines = re.findall(r"\b(?:\w+(?:Error|Exception)|error): (.+)", log.read_text(errors="replace"))
    return " ".join(lines[0].split())[:300] if lines else ""


def check_rendering(http: httpx2.Client, name: str, renderer: Renderer, say: Say) -> None:
    """Raise ModelError where vLLM makes other tokens of a question than the tokenizer does under the [template]."""
    ask = Message(role="user", content="Who are you?")
    body = {"messages": [ask.to_json()], "chat_template_kwargs": renderer.template.kwargs}
    response = http.post("/tokenize", json=body)
    if response.status_code != 200:
        say("progress", message=f"vLLM does not tell how it reads messages: {read_message(response)}")
        return
    ours, theirs = renderer.encode_prompt([ask]), response.json()["tokens"]
    if ours != theirs:
        raise ModelError(
            f"{name}: vLLM reads a question otherwise than the tokenizer.\n"
            f"tokenizer: {renderer.tokenizer.decode(ours)!r} {ours}\nvLLM: {renderer.tokenizer.decode(theirs)!r} {theirs}",
            fix="--backend transformers",
        )


def load_adapter(http: httpx2.Client, name: str, adapter: Path, log: Path) -> None:
    response = http.post("/v1/load_lora_adapter", json={"lora_name": name, "lora_path": str(adapter)}, timeout=600)
    if response.status_code >= 400:
        raise ModelError(f"vLLM did not load adapter {adapter}: {read_message(response)}", fix=f"see {log}")


def read_message(response: httpx2.Response) -> str:
    try:
        data = response.json()
        error = data.get("error", data)
        return str(error.get("message", error) if isinstance(error, dict) else error)[:300]
    except (ValueError, AttributeError):
        return response.text[:300]


def read_context(http: httpx2.Client) -> int | None:
    found = [model.get("max_model_len") for model in http.get("/v1/models").json()["data"]]
    return next((length for length in found if isinstance(length, int)), None)


def watch(server: Server, http: httpx2.Client, log: Path, idle: float | None) -> None:
    """Return when no request was heard for `idle` seconds; CharlabError where vLLM ended."""
    counts, since = "", time.monotonic()
    while idle is None or time.monotonic() - since < idle:
        time.sleep(min(1.0, idle / 4) if idle else 1.0)
        server.check(log)
        if idle is not None and (is_busy(now := read_counts(http)) or now != counts):
            counts, since = now, time.monotonic()


def read_counts(http: httpx2.Client) -> str:
    """How many requests vLLM runs and has run; a text that changes where it is too busy to tell."""
    try:
        text = http.get("/metrics").text
    except httpx2.TransportError:
        return str(time.monotonic())
    return " ".join(
        re.findall(r"^vllm:(?:num_requests_\w+|\w+_tokens_total|request_success_total)\b.*$", text, re.MULTILINE)
    )


def is_busy(counts: str) -> bool:
    return bool(re.search(r"num_requests_(?:running|waiting)(?:\{[^}]*\})? [1-9]", counts))


if __name__ == "__main__":
    own = Server()
    run_worker(partial(serve, own), own.stop)
