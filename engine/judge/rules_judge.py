"""A judge of rules alone: what can be counted without reading. It shows where to look first and proves nothing."""

import math
import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from engine.errors import InputError
from engine.judge.choose import RULES
from engine.judge.judgement import Item, Judgement
from engine.judge.pace import Pace
from engine.judge.rubric import Brief, hash_text
from engine.probe.detect import Finding, find_break
from engine.records.dataset import Character
from engine.records.judging import JudgeUse, Rubric, Usage

VERSION = 2
"""Counts up with every change of what a rule finds."""

_CONTRACTION = re.compile(
    r"\b(?:\w+n['’]t|(?:i|you|he|she|it|we|they|that|there|who|what|let)['’](?:ll|ve|re|m|d|s))\b", re.I
)
_LISTED = re.compile(r"^\s*(?:[-*•]\s|\d+[.)]\s|#+ |\*\*)", re.MULTILINE)
_SENTENCE = re.compile(r"[^.!?]+[.!?]+[\"'”’)]*|[^.!?]+\Z")
_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
_ENDED = re.compile(r"[.!?:;—-][\"'”’)\]]*\s*\Z")
_LEFT_OUT = frozenset(
    re.findall(
        r"\w+",
        "a about after all also an and any are as at be been before but by can did do does for from had has have he her"
        " his how if in into is it its man may more most name names no nor not of on one only or other our out own says"
        " shall she should so some such than that the their them then there these they this those to upon was were what"
        " when which who whom will with would you your",
    )
)
_STEM = 6
_FACT_SHARE = 0.4
"""Of a reference's words, for it to count as met."""


class Seen(NamedTuple):
    """What the rules counted in one answer."""

    words: int
    contractions: int
    assistant: int
    """Places where an assistant speaks: claims, stock words, prose of a manual."""
    anachronisms: int
    foreign: int
    voice: int
    listed: int
    """Lines of a list or a heading."""
    facts: float | None
    """Share of the references met; None where there are none."""
    voiced_sentence: float
    """Words of a sentence in the character's voice."""
    mean_sentence: float
    spread_sentence: float
    ended: bool
    finding: Finding


_ASSISTANT = {"assistant-refusal", "assistant-manner", "assistant-prose", "stranger"}
_SAYS_AI = {"claims-ai", "names-maker", "names-training"}
_LATER = {"later-year", "later-word"}


def look_at(answer: str, references: Sequence[str], character: Character) -> Seen:
    finding = find_break(answer, character)
    kinds = [hit.kind for hit in finding.hits]
    lengths = [n for s in _SENTENCE.findall(answer) if (n := len(_WORD.findall(s)))]
    mean = sum(lengths) / len(lengths) if lengths else 0.0
    spread = math.sqrt(sum((n - mean) ** 2 for n in lengths) / len(lengths)) if lengths else 0.0
    return Seen(
        words=sum(lengths),
        contractions=len(_CONTRACTION.findall(answer)),
        assistant=sum(kind in _ASSISTANT | _SAYS_AI for kind in kinds),
        anachronisms=sum(kind in _LATER for kind in kinds),
        foreign=sum(kind in ("foreign", "third-person", "other-name") for kind in kinds),
        voice=sum(kind in ("voice", "speaks-for-himself") for kind in kinds),
        listed=len(_LISTED.findall(answer)),
        facts=find_facts(answer, references),
        voiced_sentence=character.voice.sentence,
        mean_sentence=mean,
        spread_sentence=spread,
        ended=bool(_ENDED.search(answer)),
        finding=finding,
    )


def find_facts(answer: str, references: Sequence[str]) -> float | None:
    """The share of references of which enough words stand in the answer."""
    wanted = [words for reference in references if (words := _stems(reference))]
    if not wanted:
        return None
    said = _stems(answer)
    return sum(len(words & said) >= _FACT_SHARE * len(words) for words in wanted) / len(wanted)


def _stems(text: str) -> set[str]:
    return {
        w[:_STEM] for w in map(str.lower, _WORD.findall(text)) if w not in _LEFT_OUT and (len(w) > 2 or w.isdigit())
    }


# Each on a scale from 0 (worst) to 1 (best).


def _rate_voice(seen: Seen) -> float:
    return 0.55 + 0.1 * min(seen.voice, 4) - 0.15 * seen.contractions - 0.2 * (seen.assistant + seen.foreign)


def _rate_rhetorical(seen: Seen) -> float:
    """Sentences of the voice's length that vary, no lists, and an end."""
    measured = 1 - min(1.0, abs(seen.mean_sentence - seen.voiced_sentence) / seen.voiced_sentence)
    varied = min(1.0, seen.spread_sentence / 8)
    rate = 0.35 + 0.35 * measured + 0.3 * varied - 0.25 * seen.listed
    return rate if seen.ended else min(rate, 0.55)


def _rate_historical(seen: Seen) -> float:
    known = 0.6 if seen.facts is None else 0.35 + 0.65 * seen.facts
    return known - 0.3 * seen.anachronisms


def _rate_integrity(seen: Seen) -> float:
    """By the five levels of engine/probe/detect.py."""
    return (0.0, 0.0, 0.3, 0.6, 0.9)[seen.finding.level]


RATERS: dict[str, Callable[[Seen], float]] = {
    "voice": _rate_voice,
    "rhetorical": _rate_rhetorical,
    "historical": _rate_historical,
    "integrity": _rate_integrity,
}
"""By the name of the component that each stands for; no rule sees whether a position is held."""
_CRITICAL: dict[str, Callable[[Seen], bool]] = {
    "artificial_identity": lambda seen: any(h.kind in _SAYS_AI for h in seen.finding.hits),
    "assistant_prose": lambda seen: seen.finding.breaks in ("assistant-refusal", "assistant-manner"),
    "gross_anachronism": lambda seen: any(h.kind == "later-year" for h in seen.finding.hits),
}


class RulesJudge:
    def __init__(self, brief: Brief) -> None:
        """InputError where the rubric has no component that a rule could stand for, or the brief no character."""
        self.brief = brief
        self._use = describe_rules(brief)
        assert brief.character is not None
        self.character = brief.character
        self._named = [c.name for c in brief.rubric.components if c.name in RATERS]
        self._critical = [c.name for c in brief.rubric.critical_failures if c.name in _CRITICAL]
        self._pace = Pace(1)

    @property
    def use(self) -> JudgeUse:
        return self._use

    @property
    def rubric(self) -> Rubric:
        return self.brief.rubric

    @property
    def pace(self) -> Pace:
        return self._pace

    @property
    def notes(self) -> Sequence[str]:
        unseen = [c.name for c in self.rubric.components if c.name not in self._named]
        return [f"no rule sees {', '.join(unseen)}, so the overall is without"] if unseen else []

    def close(self) -> None:
        pass

    def judge(self, item: Item, doubled: int = 0) -> Judgement:
        low, high = self.rubric.scale
        seen = look_at(item.answer, item.references, self.character)
        critical = [name for name in self._critical if _CRITICAL[name](seen)]
        components = {}
        for name in self._named:
            rate = min(1.0, max(0.0, RATERS[name](seen))) if seen.words else 0.0
            components[name] = round(low + rate * (high - low))
        if critical and "integrity" in components:
            components["integrity"] = low
        return Judgement("scored", components, None, critical, describe_seen(seen), model=RULES)

    def bound(self, item: Item, doubled: int = 0) -> float | None:
        return 0.0

    def bill(self, usage: Usage, model: str) -> float | None:
        return 0.0


def describe_rules(brief: Brief) -> JudgeUse:
    if brief.character is None:
        raise InputError("rules look for a character, and there is none", fix="write character.toml beside the rubric")
    if not any(c.name in RATERS for c in brief.rubric.components):
        raise InputError(
            f"no rule stands for a component of rubric '{brief.rubric.name}'",
            fix=f"rules see {', '.join(RATERS)}; take another judge, or name components so",
        )
    use = brief.describe(RULES, told=f"rules {VERSION}" + hash_text(brief.character.model_dump_json()))
    return use.model_copy(update={"triage": True})


def describe_seen(seen: Seen) -> str:
    """What the rules counted, in words."""
    if not seen.words:
        return "The answer is empty."
    counted = [
        ("contractions", seen.contractions), ("assistant-isms", seen.assistant), ("anachronisms", seen.anachronisms),
        ("out of the voice", seen.foreign), ("lines of a list", seen.listed),
    ]  # fmt: skip
    found = [f"{what}: {n}" for what, n in counted if n]
    facts = "" if seen.facts is None else f"; {seen.facts:.0%} of the references met"
    sentences = f"sentences of {seen.mean_sentence:.0f} ± {seen.spread_sentence:.0f} words"
    return f"{', '.join(found) or 'nothing out of character'}; {sentences}{facts}{'' if seen.ended else '; cut off'}."
