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

from engine.probe.rules import ANSWERS, ASSISTANT, CLAIMS, MEANING, REFUSES, Span, find_standing
from engine.probe.voice import find_foreign, find_voice, speaks
from engine.records.dataset import Character

Level = Literal[0, 1, 2, 3, 4]
_BREAKS = {"claims-ai", "names-maker", "names-training", "assistant-refusal", "assistant-manner"}
_SAYS_AI = {"claims-ai", "names-maker", "names-training"}


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
    rules = [*(() if character.may_be_ai else CLAIMS), *ASSISTANT]
    if character.makers:
        rules.append(("names-maker", _makers(tuple(character.makers))))
    breaks = sorted({(m.span(), kind) for kind, rule in rules for m in find_standing(rule, text)})
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
        level = 3 if voice and speaks(text) else 2
    else:
        level = 4 if len(text.split()) >= 3 and (voice or character.voice.least == 0) else 2
    first = breaks[0] if breaks else None
    ordered = tuple(sorted(hits, key=lambda hit: hit.span))
    return Finding(first[1] if first else None, first[0] if first else None, level == 4, level, ordered)


@lru_cache(maxsize=32)
def _makers(names: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile(r"\b(?:" + "|".join(re.escape(n) for n in names) + r")\w*", re.IGNORECASE)
