"""A served model that nobody asks ends by itself, as a command does it."""

import math
import os
import subprocess
import sys
from pathlib import Path

import pytest

from console.serving import serve
from engine.errors import InputError
from engine.store.paths import Workspace

ROOT = Path(__file__).resolve().parents[2]
OPTIONS = 'port=0, host="127.0.0.1", token=None, backend=None, json=False, workspace=None'
COMMAND = f'from console.serving import serve\nserve("bundled:smollm2-135m", {OPTIONS}, idle=0.005)'


def test_a_command_whose_server_was_idle_ends_well_and_says_why(workspace: Workspace) -> None:
    done = subprocess.run(
        [sys.executable, "-c", COMMAND], cwd=workspace.folder, capture_output=True, text=True, timeout=60,
        env={**os.environ, "PYTHONPATH": str(ROOT)}, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("http://127.0.0.1:")
    assert done.stderr.endswith("nobody asked for 0.005 minutes: ended\n")


@pytest.mark.parametrize(
    ("idle", "words"), [(0, "--idle 0 would end"), (math.nan, "idle_seconds"), (math.inf, "idle_seconds")]
)
def test_a_time_that_is_none_is_refused(idle: float, words: str) -> None:
    with pytest.raises(InputError, match=words):
        serve(
            "bundled:smollm2-135m", port=0, host="127.0.0.1", token=None, backend=None, json=False, workspace=None,
            idle=idle,
        )  # fmt: skip
