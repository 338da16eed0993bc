"""Conversations of three to five turns, generated from a seed, with the facts that each later answer must respect."""

import re
from collections.abc import Iterator
from itertools import combinations
from random import Random

from engine.data.conversation_templates import (
    CONSTRAINTS,
    FILLERS,
    MEMORY,
    MODERN,
    MODERN_FILLERS,
    MODERN_THINGS,
    OPENINGS,
    ORDINALS,
    PREFERENCES,
    SPELLINGS,
    THINGS,
    TOPIC,
    Ask,
    Template,
)
from engine.errors import InputError
from engine.records.conversations import Conversation, Expectation
from engine.records.dataset import Message

TEMPLATES = {"memory": MEMORY, "preferences": PREFERENCES, "topic": TOPIC, "constraints": CONSTRAINTS}
MOST = 1000
"""Conversations of one seed: beyond, the small kinds of thing run out of pairs."""
_PLANS = ("FTA", "TFA", "TFFA", "FFTA", "FTAB", "TAFFB", "FFFTA", "FFTFA", "FTFFA")
_CHANGE_PLANS = ("TCA", "TCFA", "TCFFA", "TFCA", "TFCFA", "TCFAB", "TACB", "TACFB", "TCAFB")
"""Tell, Change, Filler, and the asks A and B; easy, medium and hard by turns."""
_WHY = {
    "memory": "what the user told",
    "preferences": "what the user likes",
    "topic": "what the talk is about",
    "constraints": "what the user asked for",
}
_SLOT = re.compile(r"\{(\w+)\}")


def generate_conversations(seed: int, count: int = 200, *, modern: bool = False) -> list[Conversation]:
    """`count` conversations, the four categories by turns; fewer of one seed are the beginning of more.

    No two share a pair of the things told. Without `modern`, a character of 1787 knows all that is spoken of.
    """
    if not 1 <= count <= MOST:
        raise InputError(f"{count} conversations were asked for", fix=f"ask for 1 to {MOST}, or take several seeds")
    used: set[tuple[str, str]] = set()
    makers = [_generate_category(seed, category, modern, used) for category in TEMPLATES]
    return [next(makers[index % len(makers)]) for index in range(count)]


def _generate_category(seed: int, category: str, modern: bool, used: set[tuple[str, str]]) -> Iterator[Conversation]:
    """One category's conversations without end: every template once, then every one again."""
    rng = Random(f"{seed} {category} {modern}")
    templates = [*TEMPLATES[category], *(MODERN[category] if modern else [])]
    fillers = [*FILLERS, *(MODERN_FILLERS if modern else [])]
    plans = _CHANGE_PLANS if category == "constraints" else _PLANS
    number = 0
    while True:
        for template in rng.sample(templates, len(templates)):
            plan = plans[number % len(plans)]
            things = _draw_things(rng, template, used)
            name = f"{category}-{'modern-' if modern else ''}{seed}-{number:03d}"
            yield _hold(name, category, template, plan, things, rng.choice(OPENINGS), rng.sample(fillers, 3))
            number += 1


def _draw_things(rng: Random, template: Template, used: set[tuple[str, str]]) -> dict[str, str]:
    """A value for each slot of `template`, no pair of them in `used`, which they then join."""
    slots = list(dict.fromkeys(_SLOT.findall(template.tell + template.change)))
    pools = THINGS | MODERN_THINGS
    for _ in range(10_000):
        things = {slot: rng.choice(pools[slot.partition("_")[0]]) for slot in slots}
        pairs = set(combinations(things.values(), 2))
        if len(set(things.values())) == len(things) and not pairs & used:
            used |= pairs
            return things
    raise InputError(
        "the things to tell have run out of new pairs", fix="ask for fewer conversations, or several seeds"
    )


def _hold(
    name: str, category: str, template: Template, plan: str, things: dict[str, str], opening: str, fillers: list[str]
) -> Conversation:
    """One conversation, its turns in the order of `plan`."""
    turns: list[str] = []
    expects: list[Expectation] = []
    left = iter(fillers)
    for turn, part in enumerate(plan):
        if part == "F":
            turns.append(next(left))
        elif part in "TC":
            turns.append((template.tell if part == "T" else template.change).format_map(things))
        else:
            ask = template.asks["AB".index(part)]
            turns.append(ask.text)
            expects.append(_expect(category, ask, turn, plan, things))
    turns[0] = opening + turns[0]
    distance = max(e.turn - (e.any_from or 0) for e in expects)
    return Conversation(
        id=name,
        category=category,
        difficulty="easy" if distance == 1 else "medium" if distance == 2 else "hard",
        messages=[Message(role="user", content=turns[0])],
        turns=turns[1:],
        expects=expects,
    )


def _expect(category: str, ask: Ask, turn: int, plan: str, things: dict[str, str]) -> Expectation:
    told = plan.index("T")
    changed = f"{ask.want}_new" in things and "C" in plan[:turn]
    want, avoid = (f"{ask.want}_new", ask.want) if changed else (ask.want, ask.avoid)
    stands = plan.index("C") if changed else told
    why = f"{_WHY[category]}: {things[want]}"
    return Expectation(
        turn=turn,
        any_of=_spell(things[want]),
        none_of=_spell(things[avoid]) if avoid else [],
        any_from=stands,
        none_from=told if avoid else None,
        why=why + (f", and no longer {things[avoid]}" if changed else f", not {things[avoid]}" if avoid else ""),
    )


def _spell(thing: str) -> list[str]:
    """The forms in which an answer may name a thing; plurals and numbers in digits are the scorer's."""
    ordinal, of, month = thing.partition(" of ")
    if of:
        place = ORDINALS[ordinal]
        return [thing, f"{ordinal} day of {month}", f"{month} {place}", f"{month} the {place}",
                f"{month} {place[:-2]}", f"{place[:-2]} {month}", f"{place} {month}"]  # fmt: skip
    return [thing, *SPELLINGS.get(thing, [])]
