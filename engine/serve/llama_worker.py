"""llama.cpp's own HTTP server over one GGUF, in a process of its own: python -m engine.serve.llama_worker."""

import json
import re
import threading
import time
from pathlib import Path
from typing import Any

from engine.errors import ModelError
from engine.models.template import Renderer
from engine.records.recipe import Template
from engine.records.serving import ServeRequest
from engine.serve.owner import Say, run_worker
from engine.serve.tokenizer import LightTokenizer, convert_tokenizer
from engine.store.paths import cache_folder


def serve(job: dict[str, Any], say: Say) -> None:
    request = ServeRequest.model_validate(job["request"])
    gguf = Path(job["gguf"])
    check_gguf(gguf)
    adapter = prepare_adapter(job["adapter"], gguf, say)
    say("progress", message=f"loading {gguf.name}, {job['threads']} thread{'s'[: job['threads'] > 1]}")
    tokenizer = convert_tokenizer(gguf)
    renderer = Renderer(LightTokenizer(tokenizer), Template.model_validate(job["template"]))
    server = start(request, job, gguf, adapter, renderer)
    port = int(server.listening_address.rpartition(":")[2])
    say(
        "ready", port=port, adapters=[job["adapter"]] if adapter else [], context=request.context,
        tokenizer=str(tokenizer), rendered=renderer.describe().to_json(),
    )  # fmt: skip
    if request.idle_seconds is None:
        threading.Event().wait()
    else:
        wait_idle(server, request.idle_seconds)


def check_gguf(path: Path) -> None:
    with open(path, "rb") as file:
        if file.read(4) != b"GGUF":
            raise ModelError(f"{path} is no GGUF file", fix="name a .gguf file, or copy it again")


def prepare_adapter(adapter: str | None, gguf: Path, say: Say) -> Path | None:
    """The adapter as a GGUF: as it is given, or made from its folder."""
    if adapter is None or adapter.endswith(".gguf"):
        return Path(adapter) if adapter else None
    from engine.forge.adapter_gguf import ensure_adapter_gguf

    say("progress", message=f"adapter {Path(adapter).name} as GGUF")
    return ensure_adapter_gguf(Path(adapter), gguf, cache_folder() / "adapters")


def start(request: ServeRequest, job: dict[str, Any], gguf: Path, adapter: Path | None, renderer: Renderer) -> Any:
    import xllamacpp

    try:
        return xllamacpp.Server(make_params(request, job, gguf, adapter, renderer))
    except (RuntimeError, ValueError) as bad:
        what = f"{gguf.name} with adapter {adapter.name}" if adapter else gguf.name
        raise ModelError(
            f"llama.cpp could not serve {what}: {find_cause(Path(job['log'])) or bad}", fix=f"see {job['log']}"
        ) from bad


def make_params(
    request: ServeRequest, job: dict[str, Any], gguf: Path, adapter: Path | None, renderer: Renderer
) -> Any:
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = str(gguf)
    params.model_alias = {job["name"]}
    params.hostnames = [request.host]
    params.port = request.port
    if request.token:
        params.api_keys = [request.token]
    # each slot has room for the whole context, so that no answer is cut short by its neighbours
    params.n_parallel = request.slots
    params.n_ctx = request.context * request.slots
    params.kv_unified = False
    params.fit_params = False
    params.cpuparams.n_threads = job["threads"]
    params.cpuparams_batch.n_threads = job["threads"]
    params.n_threads_http = request.slots + 4
    params.ui = False
    params.cors_origins = "http://localhost"  # no web page from elsewhere may use the model
    params.endpoint_metrics = True
    params.cache_ram_mib = 0  # up to 8 GiB of old prompts otherwise
    params.use_jinja = True
    params.reasoning_format = xllamacpp.common_reasoning_format.COMMON_REASONING_FORMAT_NONE
    # a client that names no min_p is given none: the same sampling everywhere
    params.sampling.min_p = 0.0
    if renderer.template.kwargs:
        params.default_template_kwargs = {name: json.dumps(v) for name, v in renderer.template.kwargs.items()}
    if override := renderer.override_template():
        params.chat_template = override
    if adapter:
        params.lora_adapters = [xllamacpp.CommonAdapterLoraInfo(str(adapter), 1.0)]
        params.lora_init_without_apply = True
    return params


def find_cause(log: Path) -> str:
    """The first error that llama.cpp wrote into its log."""
    lines = re.findall(r"^[\d.]+ E (.*)$", log.read_text(errors="replace"), re.MULTILINE)
    return " ".join(lines[0].split())[:300] if lines else ""


def wait_idle(server: Any, seconds: float) -> None:
    """Return when no request was heard for `seconds`."""
    counts, since = "", time.monotonic()
    while time.monotonic() - since < seconds:
        time.sleep(min(1.0, seconds / 4))
        text = str(server.handle_metrics())
        now = " ".join(re.findall(r"^llamacpp:(?:\w+_total|requests_processing) .*$", text, re.MULTILINE))
        busy = re.search(r"requests_processing [1-9]", now)
        if busy or now != counts:
            counts, since = now, time.monotonic()


if __name__ == "__main__":
    run_worker(serve)
