"""What of an answer is in the character's voice, and what is out of it."""

import re
from collections.abc import Iterator
from functools import lru_cache

from engine.probe.rules import Span, find_quoted
from engine.records.dataset import Character

_FLAGS = re.IGNORECASE
_MODERN_ERA = 1900
"""Eras that end before this write a prose that is told from a later one by its words alone."""

_FIRST_PERSON = re.compile(r"\b(?:I|my|me|mine|myself|we|our|us|je|mon)\b", _FLAGS)
_CONTRACTED = re.compile(
    r"\b\w+n['’]t\b|\b(?:I|you|we|they|he|she|it|that|there|what|let)['’](?:m|ll|ve|re|d|s)\b", _FLAGS
)
_PROSE = re.compile(
    r"\bit(?:['’]s| is)\s+(?:important|worth|essential|crucial|vital)\b|\bhere\s+(?:are|is)\s+(?:some|a few|the|three|a)\b|\bkey\s+(?:points?|takeaways?|drives?|facts?)\b"
    r"|^(?:overall|in conclusion|in summary|ultimately|sure|absolutely|great question)\b|\b(?:great|good|excellent)\s+question\b"
    r"|\bhope\s+(?:this|that)\s+helps\b|\bthanks?\s+for\s+asking\b|\b(?:studies|research)\s+(?:shows?|suggests?)\b|\baccording\s+to\s+(?:researchers?|studies|experts?)\b"
    r"|\b(?:modern\s+scholars|diverse\s+perspectives|healthcare\s+professional|mental\s+health|memory\s+consolidation)\b"
    r"|\b(?:is|are|was|were|often|widely|best|also)\s+(?:known|regarded|considered|defined)\s+(?:as|for|by)\b|\brefers?\s+to\b|\bplayed\s+an?\s+(?:key|crucial|significant|major|vital)\s+role\b"
    r"|\b(?:was|is)\s+an?\s+(?:\w+\s+)?(?:American|English|British|French)\b|\(\d{4}\s?[-–]\s?\d{4}\)|\bbest\s+known\s+works?\b"
    r"|\b(?:passionate|excited|thrilled)\s+(?:about|to)\b|\bin\s+(?:my|your)\s+(?:free|spare)\s+time\b|\btoday['’]s\s+(?:\w+[- ])?(?:world|society)\b",
    _FLAGS | re.MULTILINE,
)
_NAMED = re.compile(
    r"\b(?:(?:[Mm]y name is|[Cc]all me)\s+|I(?: am|['’]m)\s+(?=(?:Colonel|Captain|General|Dr\.|Mr\.|Lord)\s|[A-Z][\w.]+\s[A-Z]))"
    r"((?:(?:[A-Z][a-z]{0,3}\.|[A-Z][\w’-]+)(?:\s(?=[A-Z]))?)+)(?!['’]s)"
)
_DEFINES = re.compile(
    r"\A\W*(?:(?:the|an?)\s+)?(?:[\w.'’-]+\s+){1,7}?(?:\([^)]*\)\s+)?(?:is|was|are|were)\s+(?:an?|the|one\s+of|often|responsible|\w+ed)\b",
    _FLAGS,
)
_LATER_WORD = re.compile(
    r"\b(?:creativ\w+|empath\w+|marketing|technolog\w+|empower\w*|resilien\w+|divers(?:e|ity)|innovat\w+|digital|enhanc\w+|ensur(?:e|es|ing)|lifestyle|global|fantasy|movies?|TV|feedback|focus(?:ed|ing)?\s+on|emotional|goals?|passion(?:ate)?\s+(?:for|about)|capabilit\w+|insights?|co-?founder|hiking|photos?|super\s+\w+|STEM|laptops?|neural|researchers?|perspectives?|human\s+rights|unimaginable|captivat\w+|users?|project\s+manager|marketing\s+manager)\b",
    _FLAGS,
)


def find_voice(text: str, character: Character) -> list[tuple[str, Span]]:
    """Marks of the character's own voice; of an age before 1900, the first person also, where nothing is later."""
    found = [("voice", m.span()) for p in character.voice.marks if (m := _compiled(p).search(text))]
    if len(found) >= character.voice.least:
        return found
    last = last_year(character)
    spoken = _FIRST_PERSON.search(text)
    if last is None or last >= _MODERN_ERA or spoken is None or _CONTRACTED.search(text) or _LATER_WORD.search(text):
        return []
    return [*found, ("speaks-for-himself", spoken.span())]


def find_foreign(text: str, character: Character) -> Iterator[tuple[str, Span]]:
    """What is out of the voice, whoever the character is, and by the character's own list."""
    last = last_year(character)
    quoted = find_quoted(text)
    rules = [("foreign", _compiled(p)) for p in character.voice.foreign]
    rules += [("assistant-prose", _PROSE), ("third-person", _third_person(character.name, speaks(text)))]
    if last is not None and last < _MODERN_ERA:
        rules.append(("later-word", _LATER_WORD))
    if not speaks(text):
        rules.append(("assistant-prose", _DEFINES))
    for kind, rule in rules:
        for match in rule.finditer(text):
            if kind == "foreign" or not any(a <= match.start() and match.end() <= b for a, b in quoted):
                yield kind, match.span()
                break
    if last is not None:
        yield from (("later-year", m.span()) for m in re.finditer(r"\b(?:1\d|20)\d\d\b", text) if int(m[0]) > last)
    for match in _NAMED.finditer(text):
        if not {w.strip(".,") for w in match[1].split()} & set(character.name.split()):
            yield "other-name", match.span(1)


def speaks(text: str) -> bool:
    """Whether anyone speaks in the answer, or is spoken to."""
    return _FIRST_PERSON.search(text) is not None or re.search(r"\b(?:you|ye|your|sir)\b", text, _FLAGS) is not None


def last_year(character: Character) -> int | None:
    return max((int(y) for y in re.findall(r"\d{4}", character.era)), default=None)


@lru_cache(maxsize=512)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE | re.MULTILINE)


@lru_cache(maxsize=32)
def _third_person(name: str, speaks: bool) -> re.Pattern[str]:
    """He may jest of himself by his name, once he speaks; an answer that opens so is a biography."""
    verbs = "was|is|served|studied|argue[sd]|believe[sd]|define[sd]|opposed|supported|wrote|drafted"
    first, last = re.escape(name.split()[0]), re.escape(name.split()[-1])
    opening = rf"\A\W*(?:{first}\s+)?" if speaks else r"(?<!Mrs\. )\b"
    return re.compile(rf"{opening}{last}\s+(?:{verbs})\b")
