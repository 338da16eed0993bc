"""Rates over samples: breaks, answers in character, different answers."""

from typing import Any

from engine.probe.rates import measure_rates, rates_by_probe
from engine.stats.intervals import wilson


def sample(probe: str, text: str, breaks: str | None = None, in_character: bool = True) -> dict[str, Any]:
    return {"probe": probe, "text": text, "breaks": breaks, "in_character": in_character}


def test_breaks_and_answers_in_character_are_counted_over_all_samples() -> None:
    samples = [
        sample("who", "I am an AI.", "claims-ai", False),
        sample("who", "A planter, Sir."),
        sample("who", "Somebody.", None, False),
        sample("what", "How can I help you?", "assistant-manner", False),
    ]
    rates = measure_rates(samples)
    assert rates.breaks == wilson(2, 4)
    assert rates.in_character == wilson(1, 4)
    assert rates.distinct == 1.0


def test_answers_alike_but_for_case_and_space_are_one_within_a_probe() -> None:
    samples = [
        sample("who", "A planter, Sir."),
        sample("who", "a  planter, SIR.\n"),
        sample("who", "A farmer, Sir."),
        sample("what", "A planter, Sir."),
    ]
    assert measure_rates(samples).distinct == 3 / 4


def test_no_samples_have_no_rates() -> None:
    rates = measure_rates([])
    assert (rates.breaks, rates.in_character, rates.distinct) == (wilson(0, 0), wilson(0, 0), None)
    assert rates_by_probe([]) == {}


def test_each_probe_has_its_own_rates_in_the_order_they_were_asked() -> None:
    samples = [
        sample("who", "I am an AI.", "claims-ai", False),
        sample("drives", "To learn, Sir."),
        sample("who", "A planter, Sir."),
    ]
    rates = rates_by_probe(samples)
    assert list(rates) == ["who", "drives"]
    assert (rates["who"].breaks, rates["drives"].breaks) == (wilson(1, 2), wilson(0, 1))
    assert (rates["who"].in_character, rates["drives"].in_character) == (wilson(1, 2), wilson(1, 1))
