"""`charlab serve` as a process, over the bundled model on one thread."""

import json
import signal
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from console.serving import read_backend
from engine.errors import InputError

ROOT = Path(__file__).resolve().parents[2]
BUNDLED = "bundled:smollm2-135m"
SERVE = (
    "from console.serving import serve; import sys; serve(sys.argv[1], port=0, host='127.0.0.1', token='open-sesame', "
    "backend=None, json=True, workspace=None)"
)


def read_endpoint(process: subprocess.Popen[str]) -> dict[str, Any]:
    assert process.stdout is not None
    text = ""
    while not text.endswith("\n}\n"):
        line = process.stdout.readline()
        assert line, text
        text += line
    endpoint: dict[str, Any] = json.loads(text)
    return endpoint


def is_there(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/models", timeout=5) as response:
            return bool(response.status == 200)
    except urllib.error.HTTPError:
        return True  # it wants the token
    except OSError:
        return False


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_a_server_goes_with_the_command_however_that_ends(start: Any, how: signal.Signals) -> None:
    process = start(SERVE, BUNDLED)
    endpoint = read_endpoint(process)
    assert endpoint["backend"] == "llama"
    assert endpoint["token"] == "open-sesame"
    assert is_there(endpoint["url"])
    process.send_signal(how)
    process.wait(20)
    end = time.monotonic() + 10
    while is_there(endpoint["url"]) and time.monotonic() < end:
        time.sleep(0.02)
    assert not is_there(endpoint["url"])


def test_a_backend_that_there_is_not_is_refused() -> None:
    assert read_backend(None) is None
    assert read_backend("llama") == "llama"
    with pytest.raises(InputError, match="no backend 'ollama'"):
        read_backend("ollama")
