"""Rates of a moment's samples: how many break, how many are in character, how many differ."""

from typing import Any, NamedTuple

from engine.stats.intervals import Proportion, wilson


class Rates(NamedTuple):
    breaks: Proportion
    in_character: Proportion
    distinct: float | None
    """Share of different answers among those of one probe, over all probes; a parrot has little."""


def measure_rates(samples: list[dict[str, Any]]) -> Rates:
    n = len(samples)
    return Rates(
        breaks=wilson(sum(s["breaks"] is not None for s in samples), n),
        in_character=wilson(sum(bool(s["in_character"]) for s in samples), n),
        distinct=len({(s["probe"], _plain(s["text"])) for s in samples}) / n if n else None,
    )


def rates_by_probe(samples: list[dict[str, Any]]) -> dict[str, Rates]:
    probes = dict.fromkeys(s["probe"] for s in samples)
    return {p: measure_rates([s for s in samples if s["probe"] == p]) for p in probes}


def _plain(text: str) -> str:
    return " ".join(text.lower().split())
