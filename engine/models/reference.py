"""A model reference: one string that names something to talk to or to train.

bundled:smollm2-135m      the model that ships with charlab
Qwen/Qwen3-1.7B           a Hugging Face id
./models/mine             a folder (starts with / . or ~), of weights or of an adapter
run:ID  run:ID@40         a run's adapter on its base, its last checkpoint or step 40
run:ID#q8_0  run:ID@40#merged   that adapter in a form that was exported
"""

import re
from typing import Literal, NamedTuple
from urllib.parse import urlsplit

from engine.errors import InputError, ModelError

_RUN = re.compile(r"^run:(?P<run>[^@#]+)(@(?P<step>\d+|best))?(#(?P<form>[a-z0-9_]+))?$")
_HUB = re.compile(r"^[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?$")


class Reference(NamedTuple):
    kind: Literal["bundled", "hub", "folder", "run"]
    name: str
    step: int | Literal["best"] | None = None
    form: str | None = None


def refuse_password(url: str) -> None:
    """InputError for a URL with a name or a password in it."""
    if "@" in urlsplit(url).netloc:
        raise InputError(
            "a URL with a name or a password in it would be shown and written down", fix="give the URL without them"
        )


def find_training(text: str) -> str | None:
    """The id of the run whose adapter a reference names, at any step and in any form; None where it names none."""
    match = _RUN.match(text)
    return match["run"] if match else None


def parse_reference(text: str) -> Reference:
    if text.startswith("bundled:"):
        return Reference("bundled", text.removeprefix("bundled:"))
    if text.startswith(("/", ".", "~")):
        return Reference("folder", text)
    if text.startswith("run:"):
        match = _RUN.match(text)
        if match is None:
            raise ModelError(f"'{text}' is no run reference", fix="run:ID, run:ID@STEP, run:ID@best or run:ID#FORM")
        step = match["step"]
        return Reference("run", match["run"], "best" if step == "best" else int(step) if step else None, match["form"])
    if text.startswith(("anthropic:", "http:", "https:")):
        raise ModelError(f"'{text}' is an endpoint; its weights cannot be trained", fix="name weights")
    if not _HUB.match(text):
        raise ModelError(f"'{text}' is no model reference", fix="a folder starts with / . or ~; a hub id is owner/name")
    return Reference("hub", text)
