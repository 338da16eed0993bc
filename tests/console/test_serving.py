"""`charlab serve` as a process, over the bundled model on one thread."""

import json
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from console.serving import read_backend, serve
from engine.errors import InputError
from engine.records.serving import ServeRequest
from engine.serve.server import name_url
from engine.store.paths import Workspace

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
        with urllib.request.urlopen(f"{url}/models", timeout=30) as response:
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
    end = time.monotonic() + 60
    while is_there(endpoint["url"]) and time.monotonic() < end:
        time.sleep(0.02)
    assert not is_there(endpoint["url"])


@pytest.fixture
def own_signals() -> Iterator[None]:
    kept = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, kept)


@pytest.mark.usefixtures("own_signals")
@pytest.mark.parametrize("json_too", [True, False])
def test_a_token_is_printed_only_where_it_was_given_as_an_option(
    json_too: bool, workspace: Workspace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CHARLAB_TOKEN", "open-sesame")
    options: dict[str, Any] = {"port": 0, "host": "127.0.0.1", "backend": None, "json": json_too}
    for token in (None, "given"):
        serve("http://127.0.0.1:9/v1#m", token=token, **options, workspace=str(workspace.folder))
        shown = "".join(capsys.readouterr())
        assert "open-sesame" not in shown
        assert ("given" in shown) == (token == "given")


def test_a_server_takes_its_token_from_the_environment(start: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHARLAB_TOKEN", "open-sesame")
    process = start(SERVE.replace("token='open-sesame'", "token=None"), BUNDLED)
    endpoint = read_endpoint(process)
    assert endpoint["token"] is None
    with pytest.raises(urllib.error.HTTPError, match="401"):
        urllib.request.urlopen(f"{endpoint['url']}/models", timeout=30)
    asked = urllib.request.Request(f"{endpoint['url']}/models", headers={"Authorization": "Bearer open-sesame"})
    with urllib.request.urlopen(asked, timeout=30) as response:
        assert response.status == 200


def test_a_url_with_a_password_is_refused_without_repeating_it() -> None:
    with pytest.raises(InputError, match="a name or a password") as caught:
        name_url(ServeRequest(reference="http://ada:open@host/v1#m"))
    assert "open" not in caught.value.told


def test_a_backend_that_there_is_not_is_refused() -> None:
    assert read_backend(None) is None
    assert read_backend("llama") == "llama"
    with pytest.raises(InputError, match="no backend 'ollama'"):
        read_backend("ollama")
