"""From a model reference to a running endpoint: chooses what serves it, starts it, and ends with its owner."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

from engine.errors import BusyError, CharlabError, InputError, ModelError
from engine.launch.local import worker_environment
from engine.models.reference import refuse_password
from engine.narrate import Narrate
from engine.records.recipe import Template
from engine.records.serving import LOOPBACK, Backend, Endpoint, ServeRequest
from engine.serve.llama import find_base, plan_llama
from engine.serve.token import read_token
from engine.serve.torch_server import plan_torch
from engine.serve.vllm import can_serve, plan_vllm
from engine.store.paths import Workspace, cache_folder

ENDING_SECONDS = 5.0
KEEP_LOGS_SECONDS = 7 * 86400.0


class Serving:
    """A server that this process owns; ends with the `with` block, with `stop`, or with this process."""

    def __init__(self, endpoint: Endpoint, process: subprocess.Popen[bytes] | None = None, log: Path | None = None):
        self.endpoint = endpoint
        self.process = process
        self.log = log

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        if self.process is None:
            return
        well = self.process.poll() is None
        _end(self.process)
        if well and self.log:
            self.log.unlink(missing_ok=True)

    def wait(self) -> None:
        """Return when the server has ended by itself, idle; CharlabError where it died."""
        if self.process is None:
            return
        if code := self.process.wait():
            raise CharlabError(f"the server of {self.endpoint.reference} ended with code {code}", fix=f"see {self.log}")


def start_server(
    request: ServeRequest,
    workspace: Workspace,
    narrate: Narrate = lambda _: None,
    take: Callable[[subprocess.Popen[bytes]], None] = lambda _: None,
) -> Serving:
    """Start serving, and return when it answers. The same for every backend; a URL is only looked at.

    `take` is given the process while it starts, for whoever may `hang_up` on it before it answers.
    """
    match request.backend or choose_backend(request, workspace):
        case "url":
            return Serving(name_url(request))
        case "llama":
            module, job = "engine.serve.llama_worker", plan_llama(request, workspace)
        case "transformers":
            module, job = "engine.serve.torch_worker", plan_torch(request, workspace)
        case "vllm":
            module, job = "engine.serve.vllm_worker", plan_vllm(request, workspace)
    check_reach(request)
    return start_worker(module, job, request, narrate, take)


def choose_backend(request: ServeRequest, workspace: Workspace) -> Backend:
    """A URL is what it is; llama.cpp serves what stands on a GGUF; vLLM the rest where it can, transformers elsewhere."""
    if request.reference.startswith(("http://", "https://")):
        return "url"
    if find_base(request.reference, workspace):
        return "llama"
    return "vllm" if can_serve(request.reference, workspace) else "transformers"


def name_url(request: ServeRequest) -> Endpoint:
    """The endpoint that `http://host:8000/v1#name` names; where no token is given, the environment's for that host."""
    url, _, model = request.reference.partition("#")
    url = url.rstrip("/")
    refuse_password(url)
    if not url.endswith("/v1"):
        raise ModelError(f"'{url}' does not end in /v1", fix=f"{url}/v1#MODEL")
    if not model:
        raise ModelError(f"'{request.reference}' names no model", fix=f"{url}#MODEL; {url}/models lists them")
    token = request.token or read_token(url)
    return Endpoint(url=url, model=model, token=token, backend="url", reference=request.reference)


def check_reach(request: ServeRequest) -> None:
    """Nobody else reaches the server unasked, and nobody without a token; the port is free."""
    if request.host not in LOOPBACK and not request.token:
        raise InputError(
            f"{request.host} is reached from other machines, so it needs a token",
            fix="CHARLAB_TOKEN=WORD, or no --host",
        )
    if request.port == 0:
        return
    family = socket.AF_INET6 if ":" in request.host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((request.host, request.port))
        except OSError as taken:
            raise BusyError(
                f"port {request.port} of {request.host} cannot be taken: {taken.strerror}",
                fix="another --port; without one a free port is chosen",
            ) from taken


def start_worker(
    module: str,
    job: dict[str, Any],
    request: ServeRequest,
    narrate: Narrate,
    take: Callable[[subprocess.Popen[bytes]], None] = lambda _: None,
) -> Serving:
    log = cache_folder() / "serve" / f"{module.rpartition('.')[2]}-{os.getpid()}-{time.time_ns()}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    _prune_logs(log.parent)
    with open(log, "wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=file,
            start_new_session=True,  # Ctrl-C is the owner's to hear
            env=worker_environment() | job.pop("environment", {}),
        )
    assert process.stdin is not None
    try:
        process.stdin.write(json.dumps({**job, "request": request.to_json(), "log": str(log)}).encode() + b"\n")
        process.stdin.flush()
        take(process)
        ready = _wait_ready(process, request, log, narrate)
    except BaseException:
        _end(process)
        raise
    host = f"[{request.host}]" if ":" in request.host else request.host
    endpoint = Endpoint(
        url=f"http://{host}:{ready['port']}/v1",
        model=job["name"],
        token=request.token,
        backend=job["backend"],
        reference=request.reference,
        adapters=ready["adapters"],
        context=ready["context"],
        tokenizer=ready.get("tokenizer"),
        template=Template.model_validate(ready.get("template") or job.get("template") or {}),
        rendered=ready.get("rendered"),
    )
    return Serving(endpoint, process, log)


def _wait_ready(process: subprocess.Popen[bytes], request: ServeRequest, log: Path, narrate: Narrate) -> dict[str, Any]:
    """Read the worker's events up to the one that says that it answers."""
    assert process.stdout is not None
    for line in process.stdout:
        event: dict[str, Any] = json.loads(line)
        match event["event"]:
            case "ready":
                return event
            case "progress":
                narrate(event["message"])
            case "failed":
                process.wait()
                kind = {2: ModelError, 3: BusyError}.get(event["code"], CharlabError)
                raise kind(event["message"], fix=event["fix"] or f"see {log}")
    code = process.wait()
    raise CharlabError(
        f"the server of {request.reference} ended before it answered (code {code}): {_last_words(log)}",
        fix=f"see {log}",
    )


def _last_words(log: Path) -> str:
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return lines[-1][:200] if lines else "it said nothing"


def hang_up(process: subprocess.Popen[bytes]) -> None:
    """Close the worker's line, which ends it wherever it is; who started it sees that."""
    if process.stdin:
        with suppress(OSError):  # it may have ended already
            process.stdin.close()


def _end(process: subprocess.Popen[bytes]) -> None:
    """Close the worker's line, which ends it; kill it where that does not."""
    hang_up(process)
    try:
        process.wait(ENDING_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout:
        process.stdout.close()


def _prune_logs(folder: Path) -> None:
    for old in folder.glob("*.log"):
        with suppress(OSError):  # another server's start may just have removed it
            if time.time() - old.stat().st_mtime > KEEP_LOGS_SECONDS:
                old.unlink()
