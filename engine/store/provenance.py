"""What a run was made with: the versions of the libraries, and the commit of the workspace."""

import platform
import subprocess
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from engine.records.run import Git


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
