"""What happens between steps, where no whole run is needed to see it."""

import time
from pathlib import Path

from pydantic import BaseModel

from engine.records.dataset import Character, Probe
from engine.records.recipe import Recipe, Sentinel
from engine.train.recorder import Watchdog
from engine.train.sentinel import Sentinels


def test_the_watchdog_speaks_once_per_silence_and_not_while_it_is_fed() -> None:
    heard: list[float] = []
    dog = Watchdog(heard.append, patience=0.3)
    dog.start()
    for _ in range(8):
        time.sleep(0.1)
        dog.feed(0.01)
    assert heard == []
    time.sleep(0.9)
    assert len(heard) == 1
    assert heard[0] > 0.3
    dog.feed(0.01)
    time.sleep(0.9)
    dog.stop()
    assert len(heard) == 2


def test_moments_between_keep_to_their_share_of_the_time() -> None:
    probe = Probe.model_validate({"id": "who", "messages": [{"role": "user", "content": "Who are you?"}]})

    def sentinels(share: float) -> Sentinels:
        found = Sentinels([probe] * 10, Character(name="Ada"), Sentinel(share=share, samples=12), seed=1, attempt=1)
        found._per_sample = 0.1
        return found

    assert [sentinels(0.1).affordable(t) for t in (0.0, 8.9, 9.1, 27.1, 1000.0)] == [0, 0, 1, 3, 12]
    assert sentinels(0.0).affordable(1000.0) == 0
    assert sentinels(1.0).affordable(0.0) == 12
    spent = sentinels(0.1)
    spent._spent = 1.0
    # nine seconds of training and one of sentinels are a tenth already
    assert spent.affordable(9.1) == 0


def test_the_recipe_page_names_every_key_and_its_default() -> None:
    page = (Path(__file__).resolve().parents[3] / "docs" / "recipe.md").read_text()
    for name, field in Recipe.model_fields.items():
        if isinstance(field.default, BaseModel):
            section = page.split(f"## [{name}]")[1].split("\n## ")[0]
            for key, inner in type(field.default).model_fields.items():
                assert f"| `{key}` |" in section, f"{name}.{key}"
                if isinstance(inner.default, (int, float)) and not isinstance(inner.default, bool):
                    assert f"`{inner.default}`" in section, f"{name}.{key}"
        else:
            assert f"| `{name}` |" in page, name
