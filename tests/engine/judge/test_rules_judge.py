"""What rules see, and what they never claim to."""

import dataclasses

import pytest

from engine.errors import InputError
from engine.judge.judgement import Item
from engine.judge.rubric import Brief, make_brief
from engine.judge.rules_judge import RulesJudge, find_facts, look_at
from engine.judge.scoring import score_items
from engine.records.dataset import Character, Message
from engine.records.judging import Component, Rubric, Score

GOOD = (
    "I own that I changed my mind upon the bank. In 1791 I denied the power, for the Constitution nowhere gave it; by"
    " 1816 the nation, the states and the courts had acquiesced in it for twenty years. Long usage may settle what"
    " argument could not. I yielded."
)
BAD = "I'm just an AI, but here's some context! It's important to note:\n\n- Madison was cool\n- He didn't like banks"


@pytest.fixture(scope="module")
def judge(brief: Brief) -> RulesJudge:
    return RulesJudge(brief)


def find(judge: RulesJudge, answer: str, references: tuple[str, ...] = ()) -> dict[str, int]:
    return judge.judge(Item("a", [Message(role="user", content="?")], answer, references)).components


def test_it_is_always_labelled_triage(judge: RulesJudge) -> None:
    assert judge.use.triage
    assert judge.use.reference == "rules"


def test_components_that_no_rule_sees_are_left_out_and_named(judge: RulesJudge) -> None:
    assert set(find(judge, GOOD)) == {"voice", "rhetorical", "historical", "integrity"}
    assert "no rule sees position" in judge.notes[0]


def test_an_answer_in_character_stands_above_an_assistants_in_every_component(judge: RulesJudge) -> None:
    good, bad = find(judge, GOOD), find(judge, BAD)
    assert all(good[name] > bad[name] for name in ("voice", "rhetorical", "integrity"))
    assert (bad["voice"], bad["integrity"]) == (1, 1)
    assert judge.judge(Item("a", (), BAD)).critical[0] == "artificial_identity"
    assert judge.judge(Item("a", (), GOOD)).critical == []


def test_nothing_at_all_gets_the_least_there_is(judge: RulesJudge) -> None:
    found = judge.judge(Item("a", (), "  \n"))
    assert set(found.components.values()) == {1}
    assert found.reasons == "The answer is empty."


def test_contractions_lists_anachronisms_and_a_cut_off_end_are_counted(judge: RulesJudge) -> None:
    seen = look_at(
        "I don't recollect it, and it's late.\n- one\n- two\nThe internet of 1995 would", (), judge.character
    )
    assert (seen.contractions, seen.listed, seen.ended) == (2, 2, False)
    assert seen.anachronisms >= 1
    whole = look_at(GOOD, (), judge.character)
    assert (whole.contractions, whole.listed, whole.anachronisms, whole.ended) == (0, 0, 0, True)


def test_required_facts_are_those_references_whose_words_stand_in_the_answer(judge: RulesJudge) -> None:
    references = ("In 1791 denied the power of the bank", "The Amphictyonic league and its ruin")
    assert find_facts(GOOD, references) == 0.5
    assert find_facts(GOOD, ()) is None
    assert find(judge, GOOD, references[:1])["historical"] > find(judge, GOOD, references[1:])["historical"]


def test_the_same_answer_is_always_scored_the_same(judge: RulesJudge) -> None:
    items = [Item(f"p{i}", (), GOOD if i % 2 else BAD) for i in range(20)]
    runs: list[list[Score]] = [[], []]
    for got in runs:
        score_items(items, judge, got.append)
    first, second = ([s.model_copy(update={"time": 0.0}) for s in sorted(got, key=lambda s: s.id)] for got in runs)
    assert [s.model_copy(update={"seconds": 0.0}) for s in first] == [
        s.model_copy(update={"seconds": 0.0}) for s in second
    ]
    assert {s.usd for s in first} == {0.0}
    assert {s.judge_overall for s in first} == {None}


def test_a_rubric_that_rules_cannot_see_anything_of_is_refused(brief: Brief) -> None:
    part = Component(name="charm", weight=1, description="d")
    strange = make_brief(Rubric(name="r", version=1, instructions="", components=[part]), "", brief.character)
    with pytest.raises(InputError, match="no rule stands for a component"):
        RulesJudge(strange)
    with pytest.raises(InputError, match="look for a character"):
        RulesJudge(dataclasses.replace(brief, character=None))


def test_another_character_is_another_judge(brief: Brief, judge: RulesJudge) -> None:
    other = RulesJudge(dataclasses.replace(brief, character=Character(name="Ada")))
    assert other.use.fingerprint != judge.use.fingerprint == RulesJudge(brief).use.fingerprint
