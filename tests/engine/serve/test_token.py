"""Each host has a token of its own."""

import pytest

from engine.records.serving import ServeRequest
from engine.serve.server import name_url
from engine.serve.token import name_variable


def test_no_host_is_sent_the_token_of_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHARLAB_TOKEN", "here")
    monkeypatch.setenv("CHARLAB_TOKEN_GPU_EXAMPLE_8000", "there")

    def token(url: str) -> str | None:
        return name_url(ServeRequest(reference=f"{url}/v1#mine")).token

    assert token("http://127.0.0.1:8000") == token("http://localhost:9000") == token("http://[::1]:9000") == "here"
    assert token("http://gpu.example:8000") == "there"
    assert token("http://gpu.example:9000") is None
    assert token("https://other.example") is None
    assert name_variable("https://api-1.example/v1") == "CHARLAB_TOKEN_API__1_EXAMPLE"
