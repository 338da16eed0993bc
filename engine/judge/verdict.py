"""A judge's verdict read strictly: whatever is not exactly a score for every component is an invalid one."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from engine.records.judging import Rubric
from engine.stats.scores import shorten


class Verdict(NamedTuple):
    components: dict[str, int]
    overall: float | None
    """The judge's own; None where it gave none."""
    critical: list[str]
    reasons: str


class InvalidVerdict(ValueError):
    """What is wrong with it, in words for a person."""


def read_verdict(data: object, rubric: Rubric) -> Verdict:
    """Raises InvalidVerdict. A missing overall is none; a missing component or list of failures is no verdict."""
    if not isinstance(data, dict):
        raise InvalidVerdict("the verdict is no JSON object")
    given = data.get("components")
    if not isinstance(given, dict):
        raise InvalidVerdict("the verdict has no components")
    names = [c.name for c in rubric.components]
    if unknown := [str(n) for n in given if n not in names]:
        raise InvalidVerdict(f"unknown component '{unknown[0][:40]}'")
    if missing := [n for n in names if n not in given]:
        raise InvalidVerdict(f"component '{missing[0]}' is missing")
    components = {name: _read_score(name, given[name], rubric) for name in names}
    return Verdict(components, _read_overall(data, rubric), _read_critical(data, rubric), _read_reasons(data))


def _read_score(name: str, value: object, rubric: Rubric) -> int:
    if isinstance(value, bool) or not (isinstance(value, int) or (isinstance(value, float) and value.is_integer())):
        raise InvalidVerdict(f"component '{name}' is {shorten(value)}, which is no whole number")
    low, high = rubric.scale
    if not low <= value <= high:
        raise InvalidVerdict(f"component '{name}' is {shorten(value)}, outside {low} to {high}")
    return int(value)


def _read_overall(data: Mapping[str, Any], rubric: Rubric) -> float | None:
    value = data.get("overall")
    if value is None:
        return None
    low, high = rubric.scale
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
        raise InvalidVerdict(f"the overall is {shorten(value)}, outside {low} to {high}")
    return float(value)


def _read_critical(data: Mapping[str, Any], rubric: Rubric) -> list[str]:
    known = [c.name for c in rubric.critical_failures]
    given = data.get("critical_failures", None if known else [])
    if not isinstance(given, list):
        raise InvalidVerdict("the verdict has no list of critical failures")
    if unknown := [name for name in given if name not in known]:
        raise InvalidVerdict(f"unknown critical failure {shorten(unknown[0])}")
    return [name for name in known if name in given]


def _read_reasons(data: Mapping[str, Any]) -> str:
    reasons = data.get("reasons", "")
    if not isinstance(reasons, str):
        raise InvalidVerdict("the reasons are no text")
    return reasons.strip()
