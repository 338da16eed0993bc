"""Words on a terminal: escape sequences out, errors with their way out, JSON on standard output."""

import json
import sys
from typing import Any

from engine.errors import CharlabError
from panels.text import plain


def narrate(message: str) -> None:
    print(message, file=sys.stderr, flush=True)


def print_json(value: Any) -> None:
    print(json.dumps(value, ensure_ascii=False, indent=1))


def say_error(error: CharlabError) -> None:
    narrate(f"charlab: {plain(error.message)}")
    if error.fix:
        narrate(f"  try: {plain(error.fix)}")


def format_value(value: float | None, digits: int = 3) -> str:
    return (
        ""
        if value is None
        else f"{value:.{digits}g}"
        if abs(value) < 1
        else f"{value:.{digits}f}".rstrip("0").rstrip(".")
    )
