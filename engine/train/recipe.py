"""Recipes as people write them: TOML in, with --set on top, and groups where a --set lists values."""

import itertools
import tomllib
from pathlib import Path
from typing import Any

from engine.errors import RecipeError
from engine.records.recipe import Recipe


def read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError as missing:
        raise RecipeError(f"no recipe at {path}", fix="recipes lie in runs/recipes/") from missing
    except IsADirectoryError as folder:
        raise RecipeError(f"{path} is a folder", fix="name a recipe file") from folder
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as bad:
        raise RecipeError(f"{path}: {bad}", fix="mend the TOML") from bad


def expand_settings(data: dict[str, Any], settings: list[str], where: str) -> list[Recipe]:
    """One recipe per combination of the values listed in `settings` ("optim.lr=1e-5,2e-5")."""
    choices = [parse_setting(s) for s in settings]
    recipes = []
    for values in itertools.product(*(values for _, values in choices)):
        one = _copy(data)
        for (key, _), value in zip(choices, values, strict=True):
            put_setting(one, key, value)
        recipes.append(Recipe.parse(one, where, RecipeError, fix="docs/recipe.md lists every key"))
    return recipes


def parse_setting(text: str) -> tuple[str, list[Any]]:
    """'optim.lr=1e-5,2e-5' to its key and values, each read as TOML reads it, else as a word."""
    key, equals, value = text.partition("=")
    key = key.strip()
    if not equals or not key or not value.strip():
        raise RecipeError(f"--set '{text}' is not KEY=VALUE", fix="--set optim.lr=1e-5")
    if value.strip().startswith(("[", "{", '"', "'")):
        return key, [_parse_value(value)]
    return key, [_parse_value(part) for part in value.split(",")]


def put_setting(data: dict[str, Any], key: str, value: Any) -> None:
    *tables, last = key.split(".")
    table = data
    for name in tables:
        table = table.setdefault(name, {})
        if not isinstance(table, dict):
            raise RecipeError(f"--set {key}: '{name}' is not a table")
    if tables == ["optim"] and last in ("epochs", "steps"):
        # the two name one thing, the length; setting one unsets the other
        table.pop("steps" if last == "epochs" else "epochs", None)
    table[last] = value


def _parse_value(text: str) -> Any:
    text = text.strip()
    try:
        return tomllib.loads(f"v = {text}")["v"]
    except tomllib.TOMLDecodeError:
        return text


def _copy(data: dict[str, Any]) -> dict[str, Any]:
    return {k: _copy(v) if isinstance(v, dict) else v for k, v in data.items()}
