"""Every error that charlab raises on purpose, with the way out.

CharlabError                 1  failed
├── InputError               2  what was given cannot be used
│   ├── RecipeError             a recipe, or a --set
│   ├── DatasetError            rows, manifests, characters
│   ├── ModelError              a model reference, a template, an adapter
│   └── StoreError              a workspace, a run, a journal
├── BusyError                3  worth retrying: somebody else holds it
├── SpaceError               1  no disk left
└── RefusedError             4  the answer is no: a guard, an audit or a gate

The number is the exit code of the command that meets the error.
"""

from typing import ClassVar


class CharlabError(Exception):
    """An error with its place in the message and the way out in `fix`."""

    code: ClassVar[int] = 1

    def __init__(self, message: str, fix: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.fix = fix

    @property
    def told(self) -> str:
        """What is wrong and the way out, in one line."""
        return self.message + (f"; try: {self.fix}" if self.fix else "")


class InputError(CharlabError, ValueError):
    code = 2


class RecipeError(InputError):
    pass


class DatasetError(InputError):
    pass


class ModelError(InputError):
    pass


class StoreError(InputError):
    pass


class BusyError(CharlabError):
    code = 3


class SpaceError(CharlabError, OSError):
    code = 1


class RefusedError(CharlabError):
    code = 4
