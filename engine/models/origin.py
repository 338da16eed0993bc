"""How a model's base is loaded and its prompts rendered: as its run's recipe says, else as the base's own files do."""

from pathlib import Path
from typing import Any

from engine.models.locate import Located, Traced
from engine.records.recipe import Load, Recipe, Template
from engine.store.journal import read_json
from engine.store.paths import Workspace
from engine.store.runs import open_run


def read_template(model: Traced | Located, workspace: Workspace) -> Template:
    """The [template] table that the model was trained under; the default where nothing tells."""
    recipe = _read_recipe(model, workspace)
    return recipe.template if recipe else Template()


def read_load(model: Traced | Located, folder: Path | None, workspace: Workspace) -> Load:
    """How the adapter's run loaded its base; where there is no run, in the type of the base's files in `folder`."""
    recipe = _read_recipe(model, workspace) if model.adapter else None
    return recipe.load if recipe else Load(dtype="fp32" if folder and is_whole(read_config(folder)) else "bf16")


def is_whole(config: dict[str, Any]) -> bool:
    """Whether the weights are stored in float32."""
    return "float32" in str(config.get("dtype") or config.get("torch_dtype"))


def read_config(folder: Path) -> dict[str, Any]:
    """A model's config.json, with what a model of text and pictures says of its text at the top as well."""
    config = read_json(folder / "config.json")
    text = config.get("text_config")
    return {**text, **config} if isinstance(text, dict) else config


def _read_recipe(model: Traced | Located, workspace: Workspace) -> Recipe | None:
    if model.run is None or not workspace.run(model.run).run.is_file():
        return None
    return open_run(workspace.run(model.run)).recipe
