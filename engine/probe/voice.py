"""What of an answer is in the character's voice, and what is out of it."""

import re
from collections.abc import Iterator
from functools import lru_cache

from engine.probe.prose import (
    ADVICE,
    APPOSITION,
    BROKEN,
    DEFINES,
    EARLY_LATER_WORD,
    EARNEST,
    LATER_WORD,
    PROSE,
    STAGE,
    STRANGER,
)
from engine.probe.rules import Span, find_quoted, flatten
from engine.records.dataset import Character

_FLAGS = re.IGNORECASE
_EARLY_ERA, _MODERN_ERA = 1900, 1970
"""Eras that end before these write a prose that is told from a later one by its words alone."""

_QUIP, _REMARK = 15, 60
"""Words that a character speaks in without a mark and without I: any so few; more where he is heard to remark."""
_REMARK_MADE = re.compile(
    r";|\b(?:he|him|she|they|them|nobody|nothing|none|never|neither|nor|no|too|scarcely|hardly|whom|ought|shall|sir|madam)\b"
    r"|\A\W*(?:by|from|of|with|upon|to\s+be)\s",
    _FLAGS,
)
_SETS_OUT = re.compile(
    r"\W*(?!The\b|Th[eo]se\b|Some\b|Her\b|His\b|Their\b)[A-Z][a-z]{2,}\s+"
    r"(?:(?!was|is|has|this|as)[a-z]{2,}s\s+\w+(?:[^\w,;]+\w+){5}|\w+\s+(?:when|because|by)\b)"
)
"""Bread rises because ...: what holds of a thing at all times."""

_FIRST_PERSON = re.compile(r"\b(?:I|my|me|mine|myself|we|our|us|je|mon)\b", _FLAGS)
_SPEAKS = re.compile(r"\b(?:I|my|me|mine|myself|we|our|us|je|mon|you|ye|your|yer|sir|madam|em)\b", _FLAGS)
_SAYS_NOTHING = re.compile(r"\b(?:yes|no|aye|nay|well|okay|sure|sir|madam|hello|hi)\b|[^\w\s]+", _FLAGS)
_PERSONAL = re.compile(r"\b(?:I|my|me|mine|myself|we|our|us|je|mon|ye|yer|sir|madam|em)\b", _FLAGS)
_ONE_SPEAKS = re.compile(r"\b(?:I|my|me|mine|myself|je|mon)\b", _FLAGS)
_NAMED = re.compile(
    r"\b(?:(?:[Mm]y name(?: is|['’]s| was)|[Cc]all me|[Tt]hey call me|[Nn]ame['’]s|(?:I (?:am|was)|I['’]m) (?:called"
    r"|named))\s+|I(?: am"
    r"|['’]m)\s+(?=(?:Colonel|Captain|General|Dr\.|Mr\.|Lord|King|Queen|Prince|Princess|Saint|St\.)\s"
    r"|[A-Z][\w.]+\s(?:[A-Z]|of|de|von|van|the)|[A-Z][\w’-]+(?:[.,;!]|\s+and\b)))"
    r"((?:(?:[A-Z][a-z]{0,3}\.|[A-Z][\w’-]+)(?:\s(?=[A-Z]))?)+)(?!['’]s)"
)
_SCRIPTED = re.compile(r"(?:\A|\n)\W*([A-Z][a-z]+(?: [A-Z][a-z]+)?):\s+(?=[A-Z\"“])")
"""Who speaks, as a script puts it before his words."""
_OF_A_PEOPLE = re.compile(
    r"(?:\w+(?:an|ish|ese|ch|ist|er|ier|crat|ans|ite)|Sir|Madam|Secretary|President|Lord|Lady|Countess|Whig"
    r"|Tory|Doc|Master)\Z"
)


def find_voice(text: str, character: Character) -> list[tuple[str, Span]]:
    """Marks of the character's own voice; of an age before ours, any speech also that is no later or bookish one."""
    found = [("voice", m.span()) for p in character.voice.marks if (m := _compiled(p).search(text))]
    if len(found) >= character.voice.least:
        return found
    last = last_year(character)
    words = text.split()
    if last is None or last >= _MODERN_ERA or character.voice.least > 1 or not says_enough(text):
        return []
    spoken = _FIRST_PERSON.search(text)
    if spoken is None and not _remarks(text, len(words), character.name):
        return []
    first = re.search(r"\w+", text)
    place = spoken or first
    return [*found, ("speaks-for-himself", place.span())] if place else found


def find_foreign(text: str, character: Character) -> Iterator[tuple[str, Span]]:
    """What is out of the voice, whoever the character is, and by the character's own list."""
    last = last_year(character)
    quoted = find_quoted(text)
    flat = flatten(text)
    cased = [("foreign", _compiled(p)) for p in character.voice.foreign]
    cased += [("third-person", _third_person(character.name, speaks(text))), ("assistant-prose", APPOSITION)]
    cased += [("stage-direction", STAGE), ("broken-text", BROKEN)]
    rules = [("assistant-prose", PROSE), ("stranger", STRANGER)]
    if last is not None and last < _MODERN_ERA:
        rules.append(("later-word", LATER_WORD))
    if last is not None and last < _EARLY_ERA:
        rules.append(("later-word", EARLY_LATER_WORD))
    if not _PERSONAL.search(text):
        rules.append(("assistant-prose", DEFINES))
    if not _ONE_SPEAKS.search(text):
        rules.append(("assistant-prose", ADVICE))
    for read, kind, rule in [*((text, *c) for c in cased), *((flat, *r) for r in rules)]:
        for match in rule.finditer(read):
            if kind == "foreign" or not (
                any(a <= match.start() and match.end() <= b for a, b in quoted)
                or (
                    kind in ("later-word", "stranger")
                    and any(_compiled(mark).search(match[0]) for mark in character.voice.marks)
                )
            ):
                yield kind, match.span()
                break
    if last is not None and last < _MODERN_ERA:
        heaped = {m[0]: m.span() for m in EARNEST.finditer(flat)}
        if len(heaped) > 1:
            yield "assistant-prose", max(heaped.values())
    if last is not None:
        yield from (("later-year", m.span()) for m in re.finditer(r"\b(?:1\d|20)\d\d\b", text) if int(m[0]) > last)
    for match in (*_NAMED.finditer(text), *_SCRIPTED.finditer(text)):
        if not _is_own(match[1], character.name):
            yield "other-name", match.span(1)


def speaks(text: str) -> bool:
    """Whether anyone speaks in the answer, or is spoken to."""
    return _SPEAKS.search(text) is not None


def says_enough(text: str) -> bool:
    """Whether there are two words in it besides yes, no and sir."""
    return len(_SAYS_NOTHING.sub("", text).split()) >= 2


def _remarks(text: str, words: int, name: str) -> bool:
    """Whether somebody quips, denies, weighs or speaks of men, where a book would set out."""
    if _SETS_OUT.match(text):
        return False
    return words <= _QUIP or (words <= _REMARK and (name in text or _REMARK_MADE.search(text) is not None))


def last_year(character: Character) -> int | None:
    return max((int(y) for y in re.findall(r"\d{4}", character.era)), default=None)


def _is_own(named: str, name: str) -> bool:
    """One of his names, a short form of one (Toby of Tobias), or the name of a people or an office."""
    own = [w.lower() for w in name.split()]
    words = [w.strip(".,").lower() for w in named.split()]
    if any(w in own or any(len(w) > 2 and w[:3] == o[:3] and len(w) < len(o) for o in own) for w in words):
        return True
    return len(words) == 1 and _OF_A_PEOPLE.match(named.strip(".,")) is not None


@lru_cache(maxsize=512)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE | re.MULTILINE)


@lru_cache(maxsize=32)
def _third_person(name: str, speaks: bool) -> re.Pattern[str]:
    """He may jest of himself by his name, once he speaks; an answer that opens so is a biography."""
    verbs = "was|is|served|studied|argue[sd]|believe[sd]|define[sd]|opposed|supported|wrote|drafted|became|grew|worked|died|married"
    first, last = re.escape(name.split()[0]), re.escape(name.split()[-1])
    opening = rf"\A\W*(?:{first}\s+)?" if speaks else r"(?<!Mrs\. )\b"
    parts = "contributions|life|career|work|role|presidency|views|legacy|ideas|influence|writings|story"
    greeted = rf"\A\W*(?:dear|hello|hi|hey|welcome|greetings|thank you)\W+(?:\w+\.?\s+)?(?:{first}|{last})"
    addressed = rf"\A\W*(?:{first}\s+)?(?:{last}|{first}),\s+your?"
    return re.compile(
        rf"{opening}{last}(?:\s+(?:{verbs})|['’]s\s+(?:\w+\s+)?(?:{parts}))\b|(?i:{greeted}|{addressed})\b"
    )
