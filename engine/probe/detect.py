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
_SAYS_AI = {"claims-ai", "names-maker", "names-training"}
_HINT = re.compile(HINT.pattern)
_STOCK = tuple((rule, re.compile(rule.pattern)) for rule in STOCK)
_LATER_MACHINE = (LATER_MACHINE, re.compile(LATER_MACHINE.pattern))
_ABROAD = (
    (Rule("claims-ai", ABROAD.pattern), ABROAD),
    (Rule("names-training", TAUGHT_ABROAD, False), re.compile(TAUGHT_ABROAD)),
)


_WORDS = frozenset({"amazon", "apple", "falcon", "gemini", "llama", "meta", "nova", "orca", "phi"})
"""Makers and models whose names are words of their own."""
_NEAR = 8
"""Hits before another among which one that holds it is looked for."""
_EDGE = 20
_EMPTY_RUN = re.compile(rf"\W{{{2 * _EDGE + 1},}}")
"""Blanks, line breaks and signs without a word among them, of which the two edges are read: the patterns take time by
the square of such a run, and a half-trained model falls into thousands."""


class Hit(NamedTuple):
    kind: str
    span: Span


class Finding(NamedTuple):
    breaks: str | None
    """Its kind: see `rules.MEANING`."""
    span: Span | None
    in_character: bool
    level: Level
    hits: tuple[Hit, ...]
    """All that the rules saw, in the order of the text."""


def find_break(text: str, character: Character) -> Finding:
    """The first break of `text` under the rules, with its place, its level, and the hits that decided."""
    kept = list(range(len(text)))
    for run in reversed(list(_EMPTY_RUN.finditer(text))):
        del kept[run.start() + _EDGE : run.end() - _EDGE]
    if len(kept) == len(text):
        return _find_break(text, character)
    found = _find_break("".join(text[i] for i in kept), character)
    hits = tuple(Hit(kind, (kept[start], kept[end - 1] + 1)) for kind, (start, end) in found.hits)
    span = found.span and (kept[found.span[0]], kept[found.span[1] - 1] + 1)
    return found._replace(span=span, hits=hits)


def _find_break(text: str, character: Character) -> Finding:
    flat, quoted = flatten(text), find_quoted(text)
    rules = list(_STOCK)
    rules += [_LATER_MACHINE] if character.may_be_ai else [*claims_against(character.name), *_ABROAD]
    seen = {(s, rule.kind) for rule, pattern in rules for s in find_standing(rule, pattern, flat, quoted)}
    if character.makers:
        rule, pattern = _makers(tuple(character.makers))
        seen |= {(s, rule.kind) for s in find_standing(rule, pattern, text, quoted)}
    found = sorted(seen)
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
    """Reads the text as it is written: a name that is a word too counts with its capital, one of a single word whole."""
    forms = []
    for name in names:
        if not (name.isalpha() and name[1:] == name[1:].lower()):
            forms.append(rf"(?i:{re.escape(name)})\w*")
            continue
        spelt = rf"{name[0].upper()}(?i:{name[1:]})" if name.lower() in _WORDS else rf"(?i:{name})"
        forms.append(rf"{spelt}(?:\d+(?:\.\d+)*\w*)?(?!\w)")
    rule = Rule("names-maker", rf"\b(?:{'|'.join(forms)})", False)
    return rule, re.compile(rule.pattern)


def _holds(whole: tuple[Span, str], part: tuple[Span, str]) -> bool:
    """Whether a hit of the same kind says already what `part` says."""
    return whole[1] == part[1] and whole[0][0] < part[0][0] and part[0][1] <= whole[0][1]
