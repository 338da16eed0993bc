"""A panel's stylesheet lies beside it, under its own name."""

from pathlib import Path


def read_style(module: str) -> str:
    """The text of the .tcss beside a module, given its __file__."""
    return Path(module).with_suffix(".tcss").read_text("utf-8")
