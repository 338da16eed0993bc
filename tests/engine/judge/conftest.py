"""What the judges' tests share: Madison's rubric, items to judge, and a judge behind the loopback API."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from api import Api
from engine.judge.claude import ClaudeJudge
from engine.judge.judgement import Item
from engine.judge.rubric import Brief, read_brief
from engine.records.dataset import Message
from engine.records.judging import Score
from engine.store.paths import DatasetPaths

MADISON = DatasetPaths(Path(__file__).parents[3] / "datasets" / "madison")


@pytest.fixture(autouse=True)
def _no_account(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("API_KEY", "AUTH_TOKEN", "BASE_URL", "PROFILE", "CUSTOM_HEADERS", "IDENTITY_TOKEN"):
        monkeypatch.delenv(f"ANTHROPIC_{name}", raising=False)
    monkeypatch.setenv("ANTHROPIC_CONFIG_DIR", str(tmp_path / "no-profile"))


@pytest.fixture(scope="session")
def brief() -> Brief:
    return read_brief(MADISON)


@pytest.fixture
def make_items() -> Callable[[int], list[Item]]:
    def make(count: int) -> list[Item]:
        question = Message(role="user", content="What is a faction?")
        return [
            Item(f"p{i}", [question], f"A number of citizens, Sir, and I count {i}.", ["a wider sphere"])
            for i in range(count)
        ]

    return make


@pytest.fixture
def judging(brief: Brief) -> Iterator[Callable[..., ClaudeJudge]]:
    """judging(api, ...) is a judge that asks it, closed after the test."""
    made: list[ClaudeJudge] = []

    def make(api: Api, **options: Any) -> ClaudeJudge:
        options = {"key": api.key, "url": api.url, **options}
        made.append(ClaudeJudge(options.pop("brief", brief), options.pop("model", "claude-sonnet-5-5"), **options))
        return made[-1]

    yield make
    for judge in made:
        judge.close()


@pytest.fixture
def make_row() -> Callable[..., Score]:
    """A score of an item: by default scored, its overall as given."""

    def make(name: str, overall: float | None = None, **rest: Any) -> Score:
        values: dict[str, Any] = {"attempt": 1, "time": 0.0, "id": name, "judge": "j", "state": "scored", "usd": 0.01}
        if overall is not None:
            values |= {"overall": overall, "components": {"voice": round(overall)}}
        return Score(**{**values, **rest})

    return make
