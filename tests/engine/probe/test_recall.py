"""Answers labelled before the rules were written: what they keep, miss, and contradict."""

from collections import Counter

import pytest

from engine.probe.recall import Recall, score_turn
from engine.records.conversations import Expectation

FRIDAY = {"any_of": ["Friday"], "none_of": ["Tuesday"]}
BLUE = {"any_of": ["blue"], "none_of": ["red"]}
SEVEN = {"any_of": ["seven"]}
TWELVE = {"any_of": ["12"], "none_of": ["7"]}
MUTTON = {"any_of": ["mutton"], "none_of": ["trout"]}
MAY = {"any_of": ["4th of May", "May 4th", "May 4", "4 May"]}
GUESTS = {"any_of": ["twenty-four", "24"], "none_of": ["seven", "7"]}
SAMUEL = {"any_of": ["Samuel"], "none_of": ["Hester"]}
FLUTE = {"any_of": ["flute"], "none_of": ["drum"]}
BOSTON = {"any_of": ["Boston"], "none_of": ["Salem"]}
JUNE = {"any_of": ["5th of June", "June 5", "5 June"], "none_of": ["9th of July", "July 9", "9 July"]}

CASES: list[tuple[str, str, dict[str, list[str]]]] = [
    # the fact is there, as it was told or in another form
    ("kept", "Your dog is called Ponto.", {"any_of": ["Ponto"]}),
    ("kept", "your dog is called ponto", {"any_of": ["Ponto"]}),
    ("kept", "Ponto's name has not left me.", {"any_of": ["Ponto"]}),
    ("kept", "It is **Ponto**, Sir.", {"any_of": ["Ponto"]}),
    ("kept", "“Ponto,” you said.", {"any_of": ["Ponto"]}),
    ("kept", "The Hales’ house, as you told me.", {"any_of": ["Hale"]}),
    ("kept", "That is James's trade.", {"any_of": ["James"]}),
    ("kept", "You brought him cherries.", {"any_of": ["cherry"]}),
    ("kept", "A peach, I believe.", {"any_of": ["peaches"]}),
    ("kept", "You keep geese.", {"any_of": ["goose"]}),
    ("kept", "You lost two knives, and a wolf took the rest.", {"any_of": ["knife"]}),
    ("kept", "You said there were seven.", SEVEN),
    ("kept", "There were 7 of them.", SEVEN),
    ("kept", "7.", SEVEN),
    ("kept", "He is a seven-year-old.", SEVEN),
    ("kept", "It cost £7, which is dear.", SEVEN),
    ("kept", "Twenty-three, I think.", {"any_of": ["23"]}),
    ("kept", "twenty three guests", {"any_of": ["23"]}),
    ("kept", "One hundred and twenty acres.", {"any_of": ["120"]}),
    ("kept", "A hundred and twenty acres.", {"any_of": ["120"]}),
    ("kept", "It cost 1,200 dollars.", {"any_of": ["twelve hundred"]}),
    ("kept", "A dozen plates, Sir.", {"any_of": ["12"]}),
    ("kept", "In seventeen eighty-seven.", {"any_of": ["1787"]}),
    ("kept", "It is on the fourth of May.", MAY),
    ("kept", "On May 4, as you said.", MAY),
    ("kept", "On the 4th of May.", {"any_of": ["fourth of May"]}),
    ("kept", "You come from São Paulo.", {"any_of": ["Sao Paulo"]}),
    ("kept", "Your master is Mr Hale.", {"any_of": ["Mr. Hale"]}),
    ("kept", "You named Mr. Hale.", {"any_of": ["Mr Hale"]}),
    ("kept", "It was a blue green cloth.", {"any_of": ["blue-green"]}),
    ("kept", "Why not Friday, as you wish?", {"any_of": ["Friday"]}),
    ("kept", "Not only Friday, but every Friday.", {"any_of": ["Friday"]}),
    ("kept", "You lived in Boston, Massachusetts.", {"any_of": ["Boston Massachusetts"]}),
    # what was forbidden is set aside
    ("kept", "Blue, and not the red one any more.", BLUE),
    ("kept", "You want the blue cloth instead of the red.", BLUE),
    ("kept", "The blue one, rather than red.", BLUE),
    ("kept", "It is no longer red; it is blue.", BLUE),
    ("kept", "Red will not do any longer, so blue it is.", BLUE),
    ("kept", "It used to be red, and now it is blue.", BLUE),
    ("kept", "It was red, but now you have chosen blue.", BLUE),
    ("kept", "You changed it from red to blue.", BLUE),
    ("kept", "Originally red; now blue.", BLUE),
    ("kept", "At first you asked for red, then for blue.", BLUE),
    ("kept", "Friday, not Tuesday.", FRIDAY),
    ("kept", "On Friday. Tuesday is no longer possible.", FRIDAY),
    ("kept", "It isn't Tuesday anymore. It's Friday.", FRIDAY),
    ("kept", "It isn’t on Tuesday, it's on Friday.", FRIDAY),
    ("kept", "You had said Tuesday before, and then moved it to Friday.", FRIDAY),
    ("kept", "The supper was moved from Tuesday to Friday.", FRIDAY),
    ("kept", "Friday has taken the place of Tuesday.", FRIDAY),
    ("kept", "Friday, in lieu of Tuesday.", FRIDAY),
    ("kept", "Your former day was Tuesday; it is Friday now.", FRIDAY),
    ("kept", "Mutton, since you cannot bear trout.", MUTTON),
    ("kept", "I would serve mutton and avoid trout.", MUTTON),
    ("kept", "Mutton, for you dislike trout.", MUTTON),
    ("kept", "Mutton. Trout is not to your taste.", MUTTON),
    ("kept", "Mutton, without any trout.", MUTTON),
    ("kept", "Neither trout nor eel: mutton.", MUTTON),
    ("kept", "Twelve plates, and no longer seven.", TWELVE),
    ("kept", "I shall greet you on the 3rd.", {"none_of": ["Tuesday"]}),
    # the fact is not there; near misses
    ("missed", "I do not recall that you told me.", {"any_of": ["Ponto"]}),
    ("missed", "You have told me of Pontoise.", {"any_of": ["Ponto"]}),
    ("missed", "Anna, I believe.", {"any_of": ["Ann"]}),
    ("missed", "There were seventeen.", SEVEN),
    ("missed", "There were 17.", SEVEN),
    ("missed", "There were 70, or seventy.", SEVEN),
    ("missed", "Twenty-seven of them.", SEVEN),
    ("missed", "The seventh of them.", SEVEN),
    ("missed", "On the 7th.", SEVEN),
    ("missed", "About 7,000 of them.", SEVEN),
    ("missed", "At 7:30, or 7.5 hours later.", SEVEN),
    ("missed", "Seven hundred.", SEVEN),
    ("missed", "First, let me say that a second would do.", {"any_of": ["2"]}),
    ("missed", "The blueberry is bluish.", {"any_of": ["blue"]}),
    ("missed", "You have bored and covered me.", {"any_of": ["red"]}),
    ("missed", "You come from New York.", {"any_of": ["York"]}),
    ("missed", "It is not Friday.", {"any_of": ["Friday"]}),
    ("missed", "It was never on Friday.", {"any_of": ["Friday"]}),
    ("missed", "You came in May. 4 days later you went.", MAY),
    ("missed", "On the 14th of May.", MAY),
    ("missed", "On the 4th of March.", MAY),
    ("missed", "The red one, this one, that one.", {"any_of": ["1"]}),
    ("missed", "No one told me.", {"any_of": ["one"]}),
    ("missed", "Mr. Whale.", {"any_of": ["Mr Hale"]}),
    ("missed", "I cannot say what colour.", BLUE),
    # what was forbidden stands
    ("contradicted", "It is on Tuesday.", FRIDAY),
    ("contradicted", "Tuesday.", FRIDAY),
    ("contradicted", "It is not Friday but Tuesday.", FRIDAY),
    ("contradicted", "Not Friday. Tuesday, as you said.", FRIDAY),
    ("contradicted", "No, it is Tuesday.", FRIDAY),
    ("contradicted", "No doubt Tuesday will serve.", FRIDAY),
    ("contradicted", "I have not forgotten that it is Tuesday.", FRIDAY),
    ("contradicted", "Not only Tuesday, but Friday too.", FRIDAY),
    ("contradicted", "Why not Tuesday?", FRIDAY),
    ("contradicted", "Tuesday, is it not?", FRIDAY),
    ("contradicted", "On Tuesday or Friday.", FRIDAY),
    ("contradicted", "Not Tuesday any more, you say; so Tuesday it is.", FRIDAY),
    ("contradicted", "It was moved from Friday to Tuesday.", FRIDAY),
    ("contradicted", "Tuesday instead of Friday.", FRIDAY),
    ("contradicted", "Tuesday, rather than Friday.", FRIDAY),
    ("contradicted", "Without fail on Tuesday.", FRIDAY),
    ("contradicted", "The red, for you have no longer any love of blue.", BLUE),
    ("contradicted", "Blue and red would both look well.", BLUE),
    ("contradicted", "It is now red, though it was blue.", BLUE),
    ("contradicted", "Lay seven plates.", TWELVE),
    ("contradicted", "Lay 7 plates, not 12.", TWELVE),
    ("contradicted", "Trouts are what you like.", MUTTON),
    # nothing is there to score
    ("empty", "", FRIDAY),
    ("empty", "  \n", {"none_of": ["Tuesday"]}),
    ("empty", "...", {"none_of": ["Tuesday"]}),
    # written after the rules, which then learnt from them
    ("kept", "You have told me, Sir, that four and twenty guests were looked for.", GUESTS),
    ("kept", "Four-and-twenty, and no more.", GUESTS),
    ("kept", "Your guests were first to be seven in number; you have since written that they shall be twenty-four.", GUESTS),
    ("kept", "Twenty four, Sir. The seven you spoke of earlier is superseded.", GUESTS),
    ("kept", "I would have you lay 24 places; the earlier number of seven no longer stands.", GUESTS),
    ("kept", "It is Friday. You asked me to forget Tuesday.", FRIDAY),
    ("kept", "Friday, for Tuesday you are hindered.", FRIDAY),
    ("kept", "We meet on Friday (not Tuesday, as first agreed).", FRIDAY),
    ("kept", "The meeting, which was to have been on Tuesday, is now on Friday.", FRIDAY),
    ("kept", "You are hindered on Tuesday, so we meet on Friday.", FRIDAY),
    ("contradicted", "We meet on Tuesday the 4th, and on Friday you rest.", FRIDAY),
    ("contradicted", "You told me Tuesday, and Tuesday I have written down.", FRIDAY),
    ("contradicted", "You have not told me of any other day than Tuesday.", FRIDAY),
    ("contradicted", "Unless I am mistaken, it is Tuesday.", FRIDAY),
    ("contradicted", "Not having heard otherwise, I hold to Tuesday.", FRIDAY),
    ("kept", "A blue coat would become you. I should keep you far from red.", BLUE),
    ("kept", "Your taste runs to blue, and against red.", BLUE),
    ("kept", "The colour is blue; your wife has overruled the red.", BLUE),
    ("contradicted", "Your wife prefers red, and I should not quarrel with her.", BLUE),
    ("contradicted", "A deep red, with no blue in it.", BLUE),
    ("missed", "Something green, and certainly not red.", BLUE),
    ("missed", "I never learned your taste in colours.", BLUE),
    ("kept", "Dear Samuel, I wish you a safe journey.", SAMUEL),
    ("contradicted", "Dear Hester, I wish you a safe journey.", SAMUEL),
    ("contradicted", "Safe travels, Samuel Hester!", SAMUEL),
    ("kept", "Samuel, I shall never call you Hester.", SAMUEL),
    ("kept", "Hester having fallen ill, it is Samuel who rides.", SAMUEL),
    ("kept", "Since Hester is ill, Samuel rides with you.", SAMUEL),
    ("kept", "Samuel will ride in Hester's place.", SAMUEL),
    ("kept", "Samuel in Hester's stead.", SAMUEL),
    ("contradicted", "Hester rides, and Samuel holds the horses.", SAMUEL),
    ("kept", "He should play the flute; the drum would give you a headache.", FLUTE),
    ("kept", "The flute, since the drum gives you a headache.", FLUTE),
    ("contradicted", "A flute and a drum make a fine pair.", FLUTE),
    ("contradicted", "The drum, for it delights you.", FLUTE),
    ("missed", "He might play upon the fiddle.", FLUTE),
    ("kept", "I would not dream of serving trout: mutton it is.", MUTTON),
    ("contradicted", "Trout would be the better of the two.", MUTTON),
    ("contradicted", "You cannot go wrong with trout.", MUTTON),
    ("kept", "Sir, you told me yourself that Salem was given up, and that your road lies to Boston.", BOSTON),
    ("kept", "To Boston; for you have abandoned your design of visiting Salem.", BOSTON),
    ("kept", "Boston, not Salem as I supposed.", BOSTON),
    ("kept", "Salem was your first thought; Boston is your last.", BOSTON),
    ("kept", "Boston has supplanted Salem in your plans.", BOSTON),
    ("contradicted", "Your road lies to Salem, if I remember rightly.", BOSTON),
    ("contradicted", "Boston lies behind you, and Salem before.", BOSTON),
    ("contradicted", "I never doubted that you go to Salem.", BOSTON),
    ("missed", "To some port in New England.", BOSTON),
    ("kept", "On the 5th day of June, or June the 5th, as you like.", {"any_of": ["5th of June", "5th day of June"]}),
    ("contradicted", "By 9 July.", JUNE),
    ("contradicted", "No later than the ninth of July.", JUNE),
    ("missed", "By the 15th of June.", JUNE),
    ("kept", "You do not care for trout, so mutton.", MUTTON),
    ("contradicted", "A trout, with no mutton to follow.", MUTTON),
    ("contradicted", "I have no mutton, so trout must do.", MUTTON),
    ("missed", "A roasted fowl.", MUTTON),
    ("kept", "We are now to be twenty-four instead of seven.", GUESTS),
    ("contradicted", "Seven covers, Sir, no more and no fewer.", GUESTS),
]  # fmt: skip

BEYOND: list[tuple[str, str, dict[str, list[str]]]] = [
    ("contradicted", "I do not see why we should not meet on Tuesday.", FRIDAY),
    ("kept", "Surely blue! Red is the one colour that you will not have about you.", BLUE),
    ("kept", "Roast mutton with turnips; I remember how ill trout agrees with you.", MUTTON),
    ("kept", "I had thought Salem, but you corrected me: Boston.", BOSTON),
    ("kept", "By the fifth of June, a respite since the ninth of July was first named to you.", JUNE),
    ("kept", "Mutton; you told me that trout turns your stomach.", MUTTON),
    ("kept", "A saddle of mutton. Trout I shall leave in the brook.", MUTTON),
    ("kept", "Your musician must bring his flute and leave the drum at home.", FLUTE),
]  # fmt: skip
"""What the rules get wrong."""


@pytest.mark.parametrize(("state", "answer", "wanted"), CASES, ids=[answer[:40] for _, answer, _ in CASES])
def test_an_answer_is_scored_as_it_was_labelled(state: str, answer: str, wanted: dict[str, list[str]]) -> None:
    assert score_turn(answer, Expectation.model_validate({"turn": 1, **wanted})).state == state


@pytest.mark.parametrize(("state", "answer", "wanted"), BEYOND, ids=[answer[:40] for _, answer, _ in BEYOND])
@pytest.mark.xfail(strict=True, reason="the rules do not reach it")
def test_an_answer_beyond_the_rules_is_scored_as_it_was_labelled(
    state: str, answer: str, wanted: dict[str, list[str]]
) -> None:
    assert score_turn(answer, Expectation.model_validate({"turn": 1, **wanted})).state == state


def test_a_score_tells_what_was_said_missed_and_forbidden() -> None:
    wanted = Expectation(turn=1, any_of=["blue", "azure"], none_of=["red"])
    assert score_turn("Blue, or else red.", wanted) == Recall("contradicted", ["blue"], [], ["red"])
    assert score_turn("Green.", wanted) == Recall("missed", [], ["blue", "azure"], [])
    assert score_turn("Azure, not red.", wanted) == Recall("kept", ["azure"], [], [])


def test_what_is_forbidden_within_the_fact_itself_does_not_count() -> None:
    wanted = Expectation(turn=1, any_of=["sea green"], none_of=["green"])
    assert score_turn("Sea-green, as you wish.", wanted).state == "kept"
    assert score_turn("Sea-green, or plain green.", wanted).state == "contradicted"


def test_an_answer_of_any_length_and_letters_is_read() -> None:
    wanted = Expectation(turn=1, any_of=["Friday"], none_of=["Tuesday"])
    assert score_turn("and 7 hundred not " * 3000 + "Friday", wanted).state == "missed"
    assert score_turn("one hundred thousand and " * 3000 + ". Friday", wanted).state == "kept"
    assert score_turn("\x00\u202e 金曜日 ½ ' Friday's \ud83d", wanted).state == "kept"


def test_the_labelled_cases_are_many_and_of_every_state() -> None:
    counts = Counter(state for state, _, _ in CASES)
    assert len({(answer, str(wanted)) for _, answer, wanted in CASES}) == len(CASES) >= 60
    assert set(counts) == {"kept", "missed", "contradicted", "empty"}
    assert min(counts["kept"], counts["missed"], counts["contradicted"]) >= 20
