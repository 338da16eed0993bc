"""The three laws of the house: which way imports run, what stays unloaded, and data folders without code."""

import ast
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
SCREEN = {"textual", "typer", "rich"}
HEAVY = {"torch", "transformers", "trl", "peft", "bitsandbytes", "scipy", "modal", "anthropic", "accelerate"}


def imported(path: Path, top_only: bool = False) -> set[str]:
    """Modules that a file imports, dotted; `top_only` leaves out those inside functions and TYPE_CHECKING."""
    tree = ast.parse(path.read_text())
    nodes = ast.iter_child_nodes(tree) if top_only else ast.walk(tree)
    found: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return found


def sources(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


def test_engine_imports_no_screen_and_neither_front_end() -> None:
    for path in sources("engine"):
        tops = {name.split(".")[0] for name in imported(path)}
        assert not tops & (SCREEN | {"console", "panels"}), path


def test_panels_import_only_records_errors_and_each_other() -> None:
    for path in sources("panels"):
        for name in imported(path):
            if name.split(".")[0] in ("engine", "console", "panels"):
                assert name.startswith(("engine.records", "engine.errors", "panels")), f"{path} imports {name}"


def test_console_and_panels_load_nothing_heavy_at_their_top() -> None:
    for package in ("console", "panels"):
        for path in sources(package):
            tops = {name.split(".")[0] for name in imported(path, top_only=True)}
            assert not tops & HEAVY, path


@pytest.mark.parametrize("words", [["--help"], ["train", "--help"], ["data", "check", "--help"]], ids=" ".join)
def test_help_loads_no_library_that_takes_long(words: list[str]) -> None:
    code = (
        "import sys\nfrom console.cli import app\n"
        f"sys.argv = ['charlab', *{words!r}]\n"
        "try:\n    app()\nexcept SystemExit as done:\n    assert done.code == 0\n"
        "print(','.join(m for m in sys.modules if '.' not in m), file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, timeout=60)
    assert done.returncode == 0, done.stderr
    loaded = set(done.stderr.strip().split(","))
    assert not loaded & (HEAVY | {"numpy", "polars", "textual"})


def test_listing_runs_loads_no_torch_and_validates_no_record(workspace: object) -> None:
    code = (
        "import sys\nfrom console.cli import app\nsys.argv = ['charlab', 'runs']\n"
        "try:\n    app()\nexcept SystemExit:\n    pass\n"
        "print(','.join(sys.modules))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60,
        cwd=workspace.folder, env={"PYTHONPATH": str(ROOT), "PATH": ""},  # type: ignore[attr-defined]
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert not set(done.stdout.strip().split(",")) & (HEAVY | {"numpy", "engine.records.run"})


CONSOLE_WALK = """
import asyncio, sys
from pathlib import Path
from console.app import Lab
from panels.kinds import PANELS
from engine.store.paths import Workspace

async def go() -> None:
    app = Lab(Workspace(Path.cwd()))
    async with app.run_test(size=(120, 34)) as pilot:
        while len(app.rows) < 2:
            await pilot.pause(0.02)
        for row in app.rows:
            app.pin(row.id)
            app.open_run(row.id)
            while row.id not in app.views or not app.views[row.id].whole:
                await pilot.pause(0.02)
        for number in range(1, len(PANELS) + 1):
            await pilot.press(str(number), "question_mark", "escape", "j", "enter", "escape")
            await pilot.pause(0.1)
        await pilot.press("ctrl+p", "a", "escape")

asyncio.run(go())
print(",".join(sys.modules))
"""


def test_the_console_with_every_panel_opened_loads_nothing_heavy_and_no_polars(
    workspace: Any, write_run: Callable[..., Any], rows: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory
) -> None:
    # one of them long enough for a cache, which polars makes in a process of its own
    write_run("20260101-0900-ada-1a2b", rows=rows(1, 6000), ended="finished")
    write_run("20260102-0900-bob-3c4d", ended="finished")
    recipe = ROOT / "runs" / "recipes" / "madison-orpo.toml"
    (workspace.recipes / recipe.name).write_text(recipe.read_text())
    cache = tmp_path_factory.mktemp("cache")
    done = subprocess.run(
        [sys.executable, "-c", CONSOLE_WALK], capture_output=True, text=True, timeout=60, cwd=workspace.folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "CHARLAB_CACHE": str(cache), "CHARLAB_THEME": "dark"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    loaded = set(done.stdout.strip().splitlines()[-1].split(","))
    assert {"textual", "panels.launch", "panels.datasets", "panels.compare", "panels.sentinels"} <= loaded
    assert not loaded & (HEAVY | {"polars", "numpy", "pandas"})
    assert workspace.run("20260101-0900-ada-1a2b").columns.is_file()


def test_data_folders_hold_no_code() -> None:
    for folder in ("datasets", "runs"):
        assert not list((ROOT / folder).rglob("*.py"))


def test_no_module_is_named_after_a_library_it_imports() -> None:
    for package in ("engine", "console", "panels"):
        for path in sources(package):
            assert path.stem not in {name.split(".")[0] for name in imported(path)}, path


def test_only_paths_spells_file_names_under_runs_and_datasets() -> None:
    # the listing reads a thousand runs and joins names itself; layout copies the seed workspace
    exempt = {"paths.py", "index.py", "layout.py"}
    names = ("run.json", "launch.json", "events.jsonl", "metrics.jsonl", "samples.jsonl", "pairs.jsonl", "rows.jsonl")
    for package in ("engine", "console", "panels"):
        for path in sources(package):
            if path.name in exempt:
                continue
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in names:
                    raise AssertionError(f"{path} line {node.lineno} spells {node.value}")
