"""Words on a terminal: escape sequences out, errors with their way out, JSON on standard output."""

import json
import sys
from collections.abc import Mapping
from typing import Any, TextIO

from engine.errors import CharlabError
from panels.text import harmless_lines, plain


def say(text: str = "", out: TextIO | None = None) -> None:
    """Print lines that may hold what a model, a file or a person wrote: nothing in them moves the cursor."""
    print(harmless_lines(text), file=out or sys.stdout)


def narrate(message: str) -> None:
    say(message, sys.stderr)
    sys.stderr.flush()


def print_json(value: Any) -> None:
    """Half a character, which a journal from elsewhere may hold, becomes a question mark."""
    print(json.dumps(value, ensure_ascii=False, indent=1).encode("utf-8", "replace").decode())


def say_error(error: CharlabError) -> None:
    narrate(f"charlab: {plain(error.message)}")
    if error.fix:
        narrate(f"  try: {plain(error.fix)}")


def tell_error(found: Mapping[str, Any] | None) -> str:
    """A run's error with the way out, in one line; '' where it has none."""
    return CharlabError(found["message"], fix=found["fix"]).told if found else ""


def format_value(value: float | None, digits: int = 3) -> str:
    return (
        ""
        if value is None
        else f"{value:.{digits}g}"
        if abs(value) < 1
        else f"{value:.{digits}f}".rstrip("0").rstrip(".")
    )
