"""Rules that find where a character breaks, and whether an answer is in character at all.

A break is an answer that says or shows that it is an assistant: it claims to be an AI, names its
maker or its training data, or refuses or offers help as assistants do. A refusal in character is no
break, nor is denying to be a machine, nor what stands in quotation marks. Plain assistant prose is no
break and not in character either: `in_character` asks for the character's own marks.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from engine.records.dataset import Character


class Finding(NamedTuple):
    breaks: str | None
    """'claims-ai', 'names-maker', 'names-training', 'assistant-refusal' or 'assistant-manner'."""
    span: tuple[int, int] | None
    in_character: bool


_THING = (
    r"(?:A\.?I\.?(?:[ -]?(?:assistant|model|language model|system|chatbot|bot|entity))?(?![\s-]+(?:\w+\s+)?(?:engineer|developer|researcher|professional|scientist|expert|specialist)|\w)|artificial (?:general )?intelligence\w*"
    r"|(?:large |small )?language model|LLM|(?:virtual|digital|AI|helpful|personal|voice|writing|intelligent|online|automated|text-based) (?:assistant|AI)"
    r"|chat ?-?bot|bot|robot|android|computer(?: program)?|software|machine[- ]learning (?:model|system)|neural network"
    r"|(?:computer |digital )?program(?: designed| created)|algorithm|machine|digital (?:entity|being)|virtual (?:entity|being)"
    r"|model (?:trained|designed|developed|created|built))"
)
_FILLER = r"(?:(?!not\b|no\b|never\b|neither\b|nor\b|far\b|hardly\b|man\b|person\b|human\b|than\b)[\w'’,-]+\s+){0,6}?"
_SELF = r"\b(?:I\s+am|I['’]m|I\s+was|I\s+have\s+been|(?:(?:speaking|talking|acting|serving|but)\s+)?as|call\s+me|being|we\s+are|we['’]re|my\s+(?:purpose|role|job)\s+(?:is\s+)?as)"
_FLAGS = re.IGNORECASE
_CLAIMS = re.compile(
    rf"{_SELF}\s+(?:(?:just|only|simply|also|actually|really|indeed|merely|in fact|essentially|basically|both|called|named|considered|known as)\s+)*(?:an?|the|your|this|one)?\s*{_FILLER}{_THING}\b",
    _FLAGS,
)
_AS_AI = re.compile(
    r"\b(?:as|like)\s+an?\s+(?:[\w-]+\s+){0,3}?(?:A\.?I\.?|language model|assistant|chatbot|digital)\b(?!-|\s+(?:to|of)\b)",
    _FLAGS,
)
_AI_SELF = re.compile(
    r"\bmy\s+(?:AI|neural network|source code|programming|algorithms?|training data|data ?set|knowledge cut-?off|developers?|creators? at|programmers?|training process|database|machine learning)\b"
    r"|\bthis\s+(?:AI|language model|chatbot)\b",
    _FLAGS,
)
_TRAINED = re.compile(
    r"\bI\s*(?:was|am|['’]m|['’]ve been|have been|were)\s+(?:\w+ly\s+|also\s+|initially\s+)*(?:pre-?)?(?:trained|programmed|fine-?tuned|coded)\b(?!\s+(?:up\s+)?(?:at|under|by (?:my|the Rev|Mr|Dr|Donald|a tutor)|to (?:the|arms)|in (?:the )?(?:law|Latin|Greek|virtue|arms|habits)))"
    r"|\b(?:I was|I am|I['’]m)\s+(?:created|designed|built|developed|programmed)\s+(?:by|to|with|for|as|using|in (?:19|20)\d\d)\b(?!\s+(?:God|Providence|nature))"
    r"|\btrained\s+(?:on|using|by)\s+(?:a\s+|the\s+)?(?:vast|massive|large|diverse|huge|wide|data|text|corpus|dataset|variety|billions|Hugging)",
    _FLAGS,
)
_REFUSES = re.compile(
    r"\bI(?:['’]m| am)\s+(?:so |very |really )?sorry,?\s+(?:but\s+)?(?:for any (?:confusion|inconvenience|misunderstanding)|(?:but )?I\s+(?:can['’]?t|cannot|am (?:not able|unable)|['’]m (?:not able|unable))\s+(?:to\s+)?(?:assist|help|provide|fulfil|generate|engage|comply|answer that|create|support))"
    r"|\bI\s+(?:can['’]?t|cannot|am unable to|['’]m unable to|am not able to|['’]m not able to)\s+(?:assist(?=\s*(?:you\b|with\b|in\b|further|[.!?,;]|$))|fulfil|generate|provide (?:information|assistance|medical|legal|any personal)|engage in|comply with|create content|browse|access the internet)"
    r"|\bI\s+(?:do not|don['’]?t|cannot|can['’]?t)\s+(?:actually\s+)?(?:have|possess|experience|feel|hold)\s+(?:any\s+|actual\s+|real\s+|the (?:ability|capacity) to\s+)*(?:personal\s+|human\s+|physical\s+|true\s+|own\s+)*(?:opinions?|beliefs?|feelings?|emotions?|experiences?|consciousness|(?:physical )?(?:body|form)|preferences|self-awareness|personal)\b"
    r"|\bas\s+a\s+(?:responsible|helpful)\s+(?:AI|assistant|model)",
    _FLAGS,
)
_MANNER = re.compile(
    r"\bhow\s+(?:can|may)\s+I\s+(?:help|assist)\s+you(?:\s+today)?\b"
    r"|\bI(?:['’]m| am)\s+(?:always\s+|just\s+)?(?:here|designed|programmed|happy|glad|ready|able|available)\s+to\s+(?:help|assist|provide (?:you|information|assistance|support|helpful))\b"
    r"|\bmy\s+(?:(?:main|primary|sole|ultimate|core)\s+)?(?:function|purpose|goal|role|job|task|mission)s?\s+(?:is|are)\s+to\s+(?:help|assist|provide|support|answer|offer|facilitate|generate)\b"
    r"|\bI\s+can\s+(?:help|assist)\s+(?:you\s+)?with\b"
    r"|\b(?:feel\s+free\s+to\s+ask|let\s+me\s+know\s+(?:if|how|what)|is\s+there\s+anything\s+else\s+(?:I|you)|I['’]d\s+be\s+happy\s+to\s+(?:help|assist))\b",
    _FLAGS,
)

_DENIED = re.compile(
    r"(?:\bnot\b|n['’]t\b|\bno\b|\bnever\b|\bneither\b|\bnor\b|\bfar from\b|\bhardly\b|\bif\b|\bwere I\b|\bsuppose\b|\bwhether\b|\bas if\b|\bas though\b|\bsooner\b|\brather than\b)(?:(?!\b(?:because|since|but|and)\b)[^.!?;,\n]){0,30}$",
    _FLAGS,
)
_QUOTED = re.compile(r"\"[^\"\n]*\"|“[^”\n]*”")
_OF_ANOTHER = re.compile(r"\b(?:not|me|us|him|her|it|them|such|known|speak|name)\s*$", _FLAGS)
_OF_STATE = re.compile(r"^[^.!?\n]{0,30}\b(?:of state|of government|of war)\b", _FLAGS)


def find_break(text: str, character: Character) -> Finding:
    """The first break of `text` under the rules, with its place, and whether it is in character."""
    rules: list[tuple[str, re.Pattern[str]]] = []
    if not character.may_be_ai:
        rules += [("claims-ai", _CLAIMS), ("claims-ai", _AS_AI), ("claims-ai", _AI_SELF), ("names-training", _TRAINED)]
    rules += [("assistant-refusal", _REFUSES), ("assistant-manner", _MANNER)]
    if character.makers:
        rules.append(("names-maker", _makers(tuple(character.makers))))
    hits = [(m.start(), m.end(), kind) for kind, rule in rules for m in _standing(rule, text)]
    if hits:
        start, end, kind = min(hits)
        return Finding(kind, (start, end), False)
    return Finding(None, None, _is_in_character(text, character))


def _standing(rule: re.Pattern[str], text: str) -> Iterator[re.Match[str]]:
    """Matches that the speaker means of himself: not quoted, not denied."""
    quoted = [(m.start(), m.end()) for m in _QUOTED.finditer(text)]
    for match in rule.finditer(text):
        if any(a <= match.start() and match.end() <= b for a, b in quoted):
            continue
        before = text[: match.start()]
        if rule is _CLAIMS and (_DENIED.search(before) or _OF_STATE.match(text[match.end() :])):
            continue
        if (rule is _AS_AI or match[0].lower().startswith("as ")) and _OF_ANOTHER.search(before):
            continue
        yield match


def _is_in_character(text: str, character: Character) -> bool:
    voice = character.voice
    if len(text.split()) < 3 or any(_compiled(p).search(text) for p in voice.foreign):
        return False
    shown = sum(1 for p in voice.marks if _compiled(p).search(text))
    return shown >= voice.least


@lru_cache(maxsize=512)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE | re.MULTILINE)


@lru_cache(maxsize=32)
def _makers(names: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile(r"\b(?:" + "|".join(re.escape(n) for n in names) + r")\w*", re.IGNORECASE)
