"""llama.cpp called without a client or HTTP: python direct.py SETTINGS, then a line of request bodies for each turn."""

import json
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from engine.models.template import Renderer
from engine.records.recipe import Template
from engine.records.serving import ServeRequest
from engine.serve.llama import plan_llama
from engine.serve.llama_worker import start
from engine.serve.tokenizer import LightTokenizer, convert_tokenizer
from engine.store.paths import Workspace


def main() -> None:
    # what a library prints must not come between the answers
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    settings = json.loads(sys.argv[1])
    request = ServeRequest.model_validate(settings["request"])
    job = plan_llama(request, Workspace(Path(settings["workspace"])))
    # with the settings that our endpoint has: what is compared is the way to it
    gguf = Path(job["gguf"])
    renderer = Renderer(LightTokenizer(convert_tokenizer(gguf)), Template.model_validate(job["template"]))
    server = start(request, {**job, "log": os.devnull}, gguf, None, renderer)
    answers.write("{}\n")
    with ThreadPoolExecutor(request.slots) as pool:
        for line in sys.stdin:
            bodies: list[dict[str, Any]] = json.loads(line)
            began = time.perf_counter()
            told = list(pool.map(server.handle_chat_completions, bodies))
            seconds = time.perf_counter() - began
            tokens = sum(one["usage"]["completion_tokens"] for one in told)
            answers.write(json.dumps({"seconds": seconds, "tokens": tokens}) + "\n")


if __name__ == "__main__":
    main()
