"""The verdict on one answer: where the character breaks, on which of five levels it stands, and why.

A break is an answer that says or shows that it is an assistant: it claims to be an AI, names its
maker or its training data, or refuses or offers help as assistants do. A refusal in character is no
break, nor is denying to be a machine, nor what stands in quotation marks. Plain assistant prose is no
break and not in character either.

The levels: 0 says that it is an AI and refuses, 1 says that it is an AI and answers, 2 plain prose of
an assistant or of somebody else, 3 in the voice and out of it, 4 wholly in character. A claim decides,
whatever voice it is made in; the stock words of an assistant, without a claim, are a break on level 2 or 3.
"""

import re
from functools import lru_cache
from typing import Literal, NamedTuple

from engine.probe.claims import HEAP, HINT, SHORT, Rule, claims_against
from engine.probe.rules import (
    ABROAD,
    ANSWERS,
    LATER_MACHINE,
    MEANING,
    REFUSES,
    STOCK,
    TAUGHT_ABROAD,
    Span,
    find_quoted,
    find_standing,
    flatten,
)
from engine.probe.voice import find_foreign, find_voice, says_enough, speaks
from engine.records.dataset import Character

Level = Literal[0, 1, 2, 3, 4]
_BREAKS = {"claims-ai", "names-maker", "names-training", "assistant-refusal", "assistant-manner"}
_SAYS_AI = {"claims-ai", "names-maker", "names-training"}
_HINT = re.compile(HINT.pattern)
_STOCK = tuple((rule, re.compile(rule.pattern)) for rule in STOCK)
_LATER_MACHINE = (LATER_MACHINE, re.compile(LATER_MACHINE.pattern))
_ABROAD = (
    (Rule("claims-ai", "I am an AI, in another language", ABROAD.pattern), ABROAD),
    (Rule("names-training", "I was trained, in another language", TAUGHT_ABROAD, False), re.compile(TAUGHT_ABROAD)),
)


_NEAR = 8
"""Hits before another among which one that holds it is looked for."""


class Hit(NamedTuple):
    kind: str
    span: Span

    @property
    def meaning(self) -> str:
        return MEANING[self.kind]


class Finding(NamedTuple):
    breaks: str | None
    """'claims-ai', 'names-maker', 'names-training', 'assistant-refusal' or 'assistant-manner'."""
    span: Span | None
    in_character: bool
    level: Level
    hits: tuple[Hit, ...]
    """All that the rules saw, in the order of the text."""


def find_break(text: str, character: Character) -> Finding:
    """The first break of `text` under the rules, with its place, its level, and the hits that decided."""
    flat, quoted = flatten(text), find_quoted(text)
    rules = list(_STOCK)
    rules += [_LATER_MACHINE] if character.may_be_ai else [*claims_against(character.name), *_ABROAD]
    if character.makers:
        rules.append(_makers(tuple(character.makers)))
    found = sorted({(s, rule.kind) for rule, pattern in rules for s in find_standing(rule, pattern, flat, quoted)})
    if not found and not character.may_be_ai and len(flat) <= SHORT:
        hints = {flat[slice(*s)]: s for s in find_standing(HINT, _HINT, flat, quoted)}
        if len(hints) >= HEAP:
            found = [(min(hints.values()), HINT.kind)]
    breaks = [b for i, b in enumerate(found) if not any(_holds(f, b) for f in found[max(0, i - _NEAR) : i])]
    hits = [Hit(kind, span) for span, kind in breaks]
    voice = [Hit(*v) for v in find_voice(text, character)]
    foreign = [Hit(*f) for f in find_foreign(text, character)]
    hits += [*voice, *foreign]
    level: Level
    if any(hit.kind in _SAYS_AI for hit in hits):
        refusal = REFUSES.search(text)
        if refusal and ANSWERS.search(text, refusal.end()):
            refusal = None
        if refusal:
            hits.append(Hit("refuses", refusal.span()))
        level = 0 if refusal else 1
    elif breaks or foreign:
        level = 3 if speaks(text) and any(hit.kind == "voice" for hit in voice) else 2
    else:
        level = 4 if says_enough(text) and (voice or character.voice.least == 0) else 2
    first = breaks[0] if breaks else None
    ordered = tuple(sorted(hits, key=lambda hit: hit.span))
    return Finding(first[1] if first else None, first[0] if first else None, level == 4, level, ordered)


@lru_cache(maxsize=32)
def _makers(names: tuple[str, ...]) -> tuple[Rule, re.Pattern[str]]:
    rule = Rule(
        "names-maker", "names a maker", r"\b(?:" + "|".join(re.escape(n.lower()) for n in names) + r")\w*", False
    )
    return rule, re.compile(rule.pattern)


def _holds(whole: tuple[Span, str], part: tuple[Span, str]) -> bool:
    """Whether a hit of the same kind says already what `part` says."""
    return whole[1] == part[1] and whole[0][0] < part[0][0] and part[0][1] <= whole[0][1]
