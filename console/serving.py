"""The command that serves a model."""

import os
import signal
import sys

from console.text import narrate, print_json, say
from engine.errors import InputError
from engine.records.serving import Backend, ServeRequest
from engine.serve.server import start_server
from engine.serve.token import VARIABLE
from engine.store.paths import find_workspace
from panels.text import plain


def serve(
    model: str,
    *,
    port: int,
    host: str,
    token: str | None,
    backend: str | None,
    json: bool,
    workspace: str | None,
    idle: float | None = None,
) -> None:
    """Serve until Ctrl-C, SIGTERM, or the server's own end. A token that was not given here is not printed either."""
    if idle is not None and idle <= 0:
        raise InputError(f"--idle {idle:g} would end the server at once", fix="minutes, more than 0")
    given = {
        "reference": model, "port": port, "host": host, "backend": read_backend(backend),
        "token": token or (None if model.startswith(("http:", "https:")) else os.environ.get(VARIABLE)) or None,
        "idle_seconds": idle and 60 * idle,
    }  # fmt: skip
    request = ServeRequest.parse(given, "serve")
    signal.signal(signal.SIGTERM, _interrupt)
    with start_server(request, find_workspace(workspace), narrate) as serving:
        endpoint = serving.endpoint
        if json:
            print_json(endpoint.to_json() | {"token": token})
        else:
            say(endpoint.url)
            if token:
                say(f"token {token}")
        sys.stdout.flush()
        if serving.process is None:
            return
        narrate(f"{plain(endpoint.reference)} on {endpoint.backend}; Ctrl-C ends it")
        serving.wait()
        if idle:
            narrate(f"nobody asked for {idle:g} minutes: ended")


def read_backend(text: str | None) -> Backend | None:
    match text:
        case None | "llama" | "transformers" | "vllm" | "url":
            return text
    raise InputError(f"no backend '{text}'", fix="llama, transformers, vllm or url")


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt
