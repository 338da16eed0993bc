"""One attempt at a run: what its journals and its log say of the error that ended it."""

from pathlib import Path

import pytest

from engine.errors import InputError
from engine.launch.attempt import Journals, run_attempt
from engine.store.journal import read_rows
from engine.store.paths import RunPaths

KEY, TOKEN = "sk-ant-very-secret-0123456789", "a word of ours"


def test_an_error_that_repeats_a_key_is_told_and_logged_without_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    for name in ("CHARLAB_TOKEN", "HF_HUB_DISABLE_TELEMETRY", "TOKENIZERS_PARALLELISM"):
        monkeypatch.setenv(name, TOKEN)

    def act(paths: RunPaths, journals: Journals) -> str:
        try:
            raise ValueError(f"the server said: {TOKEN}")
        except ValueError as cause:
            raise InputError(f"bad key {KEY}", fix="another") from cause

    assert run_attempt(str(tmp_path), 1, act) == InputError.code
    (event,) = read_rows(RunPaths(tmp_path).events)
    assert (event["kind"], event["message"], event["fix"]) == ("failed", "InputError: bad key (removed)", "another")
    log = capfd.readouterr().err
    assert "ValueError: the server said: (removed)" in log
    assert KEY not in log
    assert TOKEN not in log
