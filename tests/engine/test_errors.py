"""Every error has an exit code, a message and a way out."""

import re

import pytest

from engine import errors
from engine.errors import (
    BusyError,
    CharlabError,
    DatasetError,
    InputError,
    ModelError,
    RecipeError,
    RefusedError,
    SpaceError,
    StoreError,
)


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (CharlabError, 1), (InputError, 2), (RecipeError, 2), (DatasetError, 2), (ModelError, 2), (StoreError, 2),
        (BusyError, 3), (SpaceError, 1), (RefusedError, 4),
    ],
)  # fmt: skip
def test_each_error_has_its_exit_code_and_keeps_message_and_fix(kind: type[CharlabError], code: int) -> None:
    error = kind("runs/a: broken", fix="mend it")
    assert (error.code, error.message, error.fix, str(error)) == (code, "runs/a: broken", "mend it", "runs/a: broken")
    assert kind("no way out is known").fix == ""
    assert isinstance(error, CharlabError)


def test_errors_are_also_what_python_would_call_them() -> None:
    assert all(issubclass(kind, ValueError) for kind in (RecipeError, DatasetError, ModelError, StoreError))
    assert issubclass(SpaceError, OSError)
    assert not issubclass(RefusedError, InputError)


def test_the_tree_in_the_docstring_names_every_error_with_its_exit_code() -> None:
    told, code = {}, None
    for line in (errors.__doc__ or "").splitlines():
        if found := re.match(r"[│├└─ ]*([A-Z]\w+Error) +(\d?)", line):
            # an error without a number of its own stands below the one whose number it has
            code = int(found[2]) if found[2] else code
            told[found[1]] = code
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, CharlabError)]
    assert told == {kind.__name__: kind.code for kind in kinds}
