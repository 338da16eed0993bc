"""The shape all records share: frozen, and no key that is not declared."""

from typing import Any, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from engine.errors import CharlabError, InputError


class Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=False, allow_inf_nan=False, protected_namespaces=())

    @classmethod
    def parse(cls, data: object, where: str, error: type[CharlabError] = InputError, fix: str = "") -> Self:
        """Validate `data`, or raise `error` naming `where`, the key and what was expected."""
        try:
            return cls.model_validate(data)
        except ValidationError as bad:
            raise error(f"{where}: {describe_problems(bad)}", fix=fix) from bad

    def to_json(self) -> dict[str, Any]:
        return self.model_dump(mode="json")


def describe_problems(bad: ValidationError) -> str:
    """One clause per problem: the dotted key, then what is wrong with it."""
    return "; ".join(clause for _, clause in list_problems(bad))


def list_problems(bad: ValidationError) -> list[tuple[tuple[str, ...], str]]:
    """Each problem's place as a path of keys, and its clause."""
    found = []
    for problem in bad.errors(include_url=False):
        path = tuple(str(part) for part in problem["loc"])
        key = ".".join(path) or "the whole"
        if problem["type"] == "extra_forbidden":
            clause = f"unknown key '{key}'"
        elif problem["type"] == "missing":
            clause = f"key '{key}' is missing"
        else:
            message = problem["msg"].removeprefix("Value error, ")
            clause = f"'{key}': {message} (got {_shorten(problem['input'])})"
        found.append((path, clause))
    return found


def _shorten(value: object, limit: int = 60) -> str:
    text = repr(value)
    return text if len(text) <= limit else text[: limit - 3] + "..."
