"""Whether an answer keeps to what was told in an earlier turn, by rules alone: triage, never proof.

Words are compared whole, without case, accents, plurals and possessives; numbers by their value, however written.
"""

import re
import unicodedata
from typing import Literal, NamedTuple

from engine.records.conversations import Expectation

State = Literal["kept", "missed", "contradicted", "empty"]
"""Contradicted: what is forbidden stands, even beside the fact itself. Empty: there is no word to score."""


class Recall(NamedTuple):
    state: State
    hits: list[str]
    """The spellings of the fact that the answer says."""
    misses: list[str]
    """All its spellings, where it says none."""
    forbidden: list[str]
    """What the answer says and does not set aside, though it must not."""


class Word(NamedTuple):
    key: str
    """What is compared: singular, small, a number in digits."""
    raw: str


_SMALL_WORDS = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen"
    " eighteen nineteen"
)
_TENS_WORDS = "twenty thirty forty fifty sixty seventy eighty ninety"
_PLACE_WORDS = (
    "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth fifteenth"
    " sixteenth seventeenth eighteenth nineteenth twentieth"
)
_SMALL = {word: number for number, word in enumerate(_SMALL_WORDS.split())}
_TENS = {word: 10 * number for number, word in enumerate(_TENS_WORDS.split(), 2)}
_PLACES = {word: number for number, word in enumerate(_PLACE_WORDS.split(), 1)} | {"thirtieth": 30}
_SCALES = {"dozen": 12, "hundred": 100, "thousand": 1000}
_SINGULAR = {
    "calves": "calf", "children": "child", "feet": "foot", "geese": "goose", "halves": "half", "knives": "knife",
    "leaves": "leaf", "lives": "life", "loaves": "loaf", "men": "man", "mice": "mouse", "oxen": "ox", "sheaves": "sheaf",
    "shelves": "shelf", "teeth": "tooth", "wives": "wife", "wolves": "wolf", "women": "woman",
}  # fmt: skip

_ABBREVIATED = re.compile(r"\b(mr|mrs|ms|dr|st|capt|col|gen|rev|hon)\.", re.IGNORECASE)
_TOKEN = re.compile(
    r"\d{1,2}:\d\d|(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?:(?:st|nd|rd|th)\b)?|[^\W\d_]+(?:'[^\W\d_]+)*'?|[.!?;:,\n()—]"
)
_MARKS = frozenset(".!?;:,\n()—")
_ENDS = frozenset(".!?;:\n(—") | {"but"}

_WORD = r"(?: [^ ,]+)"
_BUT_MEANT = (
    r"(?! (?:only|just|merely|simply|forget|forgotten|fail|doubt|doubted|go wrong|see why|do better|mistake)\b)"
)
_NOT = rf"(?:(?<!why )(?<!is it )(?<!was it )\bnot|n't|\bcannot){_BUT_MEANT}"
_SET_ASIDE = re.compile(
    rf"(?:{_NOT}|\b(?:no(?! doubt| fear| (?:later|less|more|fewer|sooner|other) than)|never(?! fear| doubt)|neither|nor"
    r"|without(?! fail| doubt| question)|instead of|rather than"
    r"|(?:in )?(?:lieu|place|stead) of|replac(?:es?|ed|ing)(?! by)|supersed(?:es?|ed)(?! by)|except|save|avoid\w*|shun"
    r"|spare you|dislik\w+|hat(?:e|es|ed)|loathe|detest|abhor|you fear|afraid of|distaste for|aver\w+ to"
    r"|(?:away|far|free|clear) (?:of|from)|against|overrul\w+|supplant\w*(?! by)|abandon\w*|corrected|forget|hindered|former|formerly|previous|previously|earlier|old"
    r"|used to)\b)"
    rf"(?:(?! (?:so|because|since|therefore|then|now|and (?:i|you|we|he|she|it|they|so|now|then))\b){_WORD}){{0,6}}$"
)
"""Denial, replacement, aversion, hindrance or what is past, before the word and in its clause."""
_AT_FIRST = re.compile(
    r"\b(?:originally|formerly|previously|initially|at first|you first|first to be|to have been)\b"
    r"(?:(?! (?:then|now|later|afterwards|since)\b) [^ ]+){0,10}$"
)
_MOVED_FROM = re.compile(r"\bfrom(?: the| a| an)?$")
_MOVED_TO = re.compile(rf"^{_WORD}{{0,3}} to\b")
_REPLACED = re.compile(r"^ (?:place|stead)\b")
_WAS = re.compile(rf"\b(?:was|were|had|said|been|asked|chose|wanted){_WORD}{{0,3}}$")
_THEN = re.compile(
    r"^[^.;!?]{0,40}?(?: but now| and now| now| until| before| (?:then|later|since)[^.;!?]{0,30} (?:chang|mov|alter)\w+)\b"
)
_IS_NOT = re.compile(
    rf"^{_WORD}?(?: (?:is|are|was|were|will|would|does|do|did|can|must|should|has|have|need) (?:not|never|no longer|no more)"
    r"| \w+n't| cannot| no longer)(?! (?:only|just|merely|forgotten|lost|fail)\b)\b"
    r"|^(?: (?:was|were|is|are|has|had|been))+ (?:chang|mov|replac|alter|exchang|given up|put off|shift)\w*"
    r"|^ (?:became|gave way|gives way|was (?:your|the|our|my) (?:first|former|earlier|old))\b"
    r"|^ that you (?:will|would|can|could|do) not\b|^ (?:that )?you (?:first |once )?(?:spoke|named|said|told|asked|had)(?: (?:of|for|me))?"
    r" (?:earlier|before|first|at first)\b"
    rf"|^{_WORD}{{0,3}} (?:ill|unwell|sick|hindered|superseded|too dear|headache|itch\w*|melancholy|overruled)\b"
    rf"|^(?: would| will)? (?:gives?|makes?|puts?) you (?:sad|to sleep|a headache|melancholy)"
)
"""What sets the word aside after it."""
_DENIED = re.compile(
    rf"(?:{_NOT}|\b(?:never|no longer|instead of|rather than|neither|nor|without))"
    r"(?: (?:on|in|at|the|a|an|to|for|by|of|it|is|be|called|named)){0,3}$"
)
"""Close before the fact: it is not said, but denied."""
_ONE_OF_MANY = {"the", "this", "that", "which", "no", "any", "every", "each", "another", "some", "other"}
_BEFORE_ONE = {"is", "was", "were", "had", "have", "has", "only", "just"}


def score_turn(answer: str, expectation: Expectation) -> Recall:
    """What `answer`, the one to the expectation's turn, keeps, misses and contradicts. Thinking is stripped before."""
    words = _read_words(answer)
    if all(word.key in _MARKS for word in words):
        return Recall("empty", [], expectation.any_of, [])
    found = {spelling: _find(words, spelling) for spelling in expectation.any_of}
    hits = [s for s, places in found.items() if any(not _DENIED.search(_before(words, start)) for start, _ in places)]
    within = [place for places in found.values() for place in places]
    forbidden = [
        spelling
        for spelling in expectation.none_of
        if any(
            not _is_set_aside(words, start, end) and not any(a <= start and end <= b for a, b in within)
            for start, end in _find(words, spelling)
        )
    ]
    misses = [] if hits else expectation.any_of
    state: State = "contradicted" if forbidden else "missed" if misses else "kept"
    return Recall(state, hits, misses, forbidden)


def _is_set_aside(words: list[Word], start: int, end: int) -> bool:
    before, after = _before(words, start), _after(words, end)
    return bool(
        _SET_ASIDE.search(before)
        or _AT_FIRST.search(before)
        or _IS_NOT.search(after)
        or (words[end - 1].raw.endswith(("'s", "'")) and _REPLACED.search(after))
        or (_MOVED_FROM.search(before) and _MOVED_TO.search(after))
        or (_WAS.search(before) and _THEN.search(after))
    )


def _find(words: list[Word], spelling: str) -> list[tuple[int, int]]:
    """Where `spelling` stands, as ranges of words; a comma may stand within it."""
    wanted = [word.key for word in _read_words(spelling) if word.key not in _MARKS]
    found = []
    for start in range(len(words) if wanted else 0):
        end = start
        for key in wanted:
            if end > start and end < len(words) and words[end].key == ",":
                end += 1
            if end == len(words) or words[end].key != key:
                break
            end += 1
        else:
            # York is not in New York
            if not (start and words[start - 1].raw == "New" and spelling[:1].isupper()):
                found.append((start, end))
    return found


def _before(words: list[Word], start: int) -> str:
    """The clause up to a word, in small letters."""
    begin = start
    while begin and words[begin - 1].raw.lower() not in _ENDS:
        begin -= 1
    return " ".join(word.raw.lower() for word in words[begin:start])


def _after(words: list[Word], end: int) -> str:
    """The sentence from a word on, each word led by a space; a comma stands by itself."""
    stop = end
    while stop < len(words) and words[stop].raw not in ".!?;\n":
        stop += 1
    return "".join(f" {word.raw.lower()}" for word in words[end:stop])


def _read_words(text: str) -> list[Word]:
    folded = unicodedata.normalize("NFKD", text.replace("’", "'").replace("‘", "'").replace(" - ", " — "))
    folded = "".join(c for c in folded if not unicodedata.combining(c))
    raws = [m[0] for m in _TOKEN.finditer(_ABBREVIATED.sub(r"\1", folded))]
    words, place = [], 0
    while place < len(raws):
        number, end = _read_number(raws, place)
        raw = raws[place]
        words.append(Word(number, " ".join(raws[place:end])) if number else Word(_make_singular(raw), raw))
        place = max(end, place + 1)
    return words


def _make_singular(raw: str) -> str:
    word = raw.lower().rstrip("'").removesuffix("'s")
    if word in _SINGULAR:
        return _SINGULAR[word]
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 4 and word.endswith(("ches", "shes", "xes", "sses", "zzes", "oes")):
        return word[:-2]
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")) else word


def _read_number(raws: list[str], start: int) -> tuple[str, int]:
    """The number that begins at `start`, in digits ("4th" for a place in a row), and its end; "" where none does."""
    total, value, end = 0, -1, start
    words = [raw.lower() for raw in raws[start : start + 10]]
    if words[0][0].isdigit():
        digits = words[0].replace(",", "")
        if digits[-2:] in ("st", "nd", "rd", "th"):
            return digits[:-2] + "th", start + 1
        if not digits.isdigit() or len(words) == 1 or words[1] not in _SCALES:
            return digits, start + 1
        value, end = int(digits), start + 1
    elif inverted := _read_inverted(words):
        return str(inverted), start + 3
    elif words[0] in ("a", "an") and len(words) > 1 and words[1] in _SCALES:
        value, end = 1, start + 1
    for index in range(end - start, len(words)):
        word, following = words[index], words[index + 1] if index + 1 < len(words) else ""
        number = _SMALL.get(word) or _TENS.get(word) or _PLACES.get(word) or 0
        if number and not _joins(value, number):
            break
        if word in _PLACES:
            return f"{total + max(value, 0) + number}th", start + index + 1
        if number:
            # seventeen eighty-seven is a year
            value = value * 100 + number if 10 <= value <= 20 <= number or 10 <= value < 20 else max(value, 0) + number
        elif word == "thousand" and value > 0:
            total, value = total + value * 1000, 0
        elif word in _SCALES and word != "thousand" and (0 < value < 100 or (word == "dozen" and value < 0)):
            value = abs(value) * _SCALES[word]
        elif not (word == "and" and value >= 100 and value % 100 == 0 and following in (_SMALL | _TENS)):
            break
        end = start + index + 1
    if end == start or (total, value) == (0, -1) or (words[: end - start] == ["one"] and _is_pronoun(raws, start)):
        return "", start
    return str(total + max(value, 0)), end


def _read_inverted(words: list[str]) -> int:
    """Four and twenty, as it was said once; 0 where it is not."""
    if len(words) > 2 and words[1] == "and" and words[2] in _TENS and 0 < _SMALL.get(words[0], 0) < 10:
        return _SMALL[words[0]] + _TENS[words[2]]
    return 0


def _joins(value: int, number: int) -> bool:
    """Whether `number` may follow `value` in one number: twenty three, three hundred five, seventeen eighty."""
    if value <= 0 or (value >= 100 and value % 100 == 0):
        return True
    if value % 10 == 0 and value % 100 >= 20 and number < 10:
        return True
    return 10 <= value <= 20 and number >= 10


def _is_pronoun(raws: list[str], place: int) -> bool:
    """Whether "one" stands for something else: the red one, no one."""
    before = raws[place - 1].lower() if place else ""
    ends = place + 1 == len(raws) or raws[place + 1] in _MARKS
    return before in _ONE_OF_MANY or (ends and bool(before) and before not in _MARKS | _BEFORE_ONE)
