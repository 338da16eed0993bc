"""Where a run comes from: its id, the versions of the libraries, the commit of the workspace, the machine."""

import platform
import secrets
import socket
import subprocess
import time
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from engine.records.run import Git
from engine.store.paths import Workspace


def describe_origin(name: str, workspace: Workspace, libraries: Sequence[str]) -> dict[str, Any]:
    """What every run's record begins with, as keys of engine.records.run.Header: a new id, and what it is made with."""
    now = time.time()
    return {
        "id": f"{time.strftime('%Y%m%d-%H%M', time.localtime(now))}-{name}-{secrets.token_hex(2)}",
        "name": name,
        "created": now,
        "versions": read_versions(libraries),
        "git": read_git(workspace.folder),
        "host": socket.gethostname(),
    }


def read_versions(libraries: Sequence[str]) -> dict[str, str]:
    """Of Python, of charlab, and of those of `libraries` that are installed."""
    found = {"python": platform.python_version()}
    for name in ("charlab", *libraries):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def read_git(folder: Path) -> Git | None:
    """Commit and state of the repository that holds the workspace, None outside of one."""

    def ask(*words: str) -> str | None:
        try:
            done = subprocess.run(["git", "-C", str(folder), *words], capture_output=True, text=True, timeout=10)
        except (OSError, subprocess.TimeoutExpired):
            return None
        return done.stdout.strip() if done.returncode == 0 else None

    commit = ask("rev-parse", "HEAD")
    if not commit:
        return None
    return Git(commit=commit, dirty=bool(ask("status", "--porcelain", "--untracked-files=no")))
