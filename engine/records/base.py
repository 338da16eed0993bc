"""The shape all records share: frozen, and no key that is not declared."""

from typing import Any, Self

from pydantic import BaseModel, ConfigDict, ValidationError

from engine.errors import CharlabError, InputError


class Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=False, protected_namespaces=())

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
    clauses = []
    for problem in bad.errors(include_url=False):
        key = ".".join(str(part) for part in problem["loc"]) or "the whole"
        if problem["type"] == "extra_forbidden":
            clauses.append(f"unknown key '{key}'")
        elif problem["type"] == "missing":
            clauses.append(f"key '{key}' is missing")
        else:
            message = problem["msg"].removeprefix("Value error, ")
            clauses.append(f"'{key}': {message} (got {_shorten(problem['input'])})")
    return "; ".join(clauses)


def _shorten(value: object, limit: int = 60) -> str:
    text = repr(value)
    return text if len(text) <= limit else text[: limit - 3] + "..."
