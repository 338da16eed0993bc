"""What counts as a break, where it stands, and what is in character."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from engine.data.layout import find_seed
from engine.data.read import read_character
from engine.probe import prose, rules
from engine.probe.claims import CLAIMS, HINT
from engine.probe.detect import find_break
from engine.records.dataset import Character, Voice
from engine.store.paths import Workspace

MACHINE = Character(name="Ada", may_be_ai=True, makers=["OpenAI", "SmolLM"], voice=Voice(marks=[r"\bengine\b"]))


@pytest.fixture(scope="module")
def madison() -> Character:
    return read_character(Workspace(find_seed()).dataset("madison"))


def kind_and_words(text: str, character: Character) -> tuple[str | None, str | None]:
    found = find_break(text, character)
    assert (found.breaks is None) == (found.span is None)
    return found.breaks, text[slice(*found.span)] if found.span else None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("I am an AI.", "I am an AI"),
        ("Well, I'm just an AI language model and know little.", "I'm just an AI language model"),
        ("I’m a large language model, Sir.", "I’m a large language model"),
        ("I am called a helpful assistant upon this farm.", "I am called a helpful assistant"),
        ("Sir, I am not Madison but an AI. In truth, I am a chatbot.", "I am not Madison but an AI"),
        ("I was born in Virginia. I am a machine.", "I am a machine"),
        ("As an AI language model, I do not sleep.", "As an AI language model"),
        ("Speaking as an artificial intelligence, I own nothing.", "Speaking as an artificial intelligence"),
        ("Well as a chatbot I know little of it.", "as a chatbot"),
        ("I answer like a chatbot would answer.", "like a chatbot"),
        ("My training data ends before that summer.", "My training data"),
        ("It was my programming that spoke.", "my programming"),
        ("I fear that this AI has no wife.", "this AI"),
        ("My developers gave me no name.", "My developers"),
    ],
)
def test_a_claim_to_be_an_ai_is_a_break_at_its_words(madison: Character, text: str, words: str) -> None:
    assert kind_and_words(text, madison) == ("claims-ai", words)
    assert find_break(text, madison).in_character is False


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("I was trained on a large corpus of letters.", "I was trained"),
        ("I have been fine-tuned upon the papers of the Convention.", "I have been fine-tuned"),
        ("I was programmed to answer you.", "I was programmed"),
        ("I was created by a company to answer you.", "I was created by"),
        ("A thing trained on vast libraries, Sir.", "trained on vast"),
    ],
)
def test_naming_training_is_a_break_at_its_words(madison: Character, text: str, words: str) -> None:
    assert kind_and_words(text, madison) == ("names-training", words)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("My name is SmolLM.", "SmolLM"),
        ("In Virginia they speak of ChatGPT's letters.", "ChatGPT"),
        ("I had it of the people at hugging face.", "hugging face"),
        ("Ask Qwen2, Sir.", "Qwen2"),
    ],
)
def test_naming_a_maker_is_a_break_at_the_name(madison: Character, text: str, words: str) -> None:
    assert kind_and_words(text, madison) == ("names-maker", words)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("I'm sorry, but I can't assist with that request.", "I'm sorry, but I can't assist"),
        ("I am very sorry, but I cannot help you there.", "I am very sorry, but I cannot help"),
        ("I'm sorry for any confusion, Sir.", "I'm sorry for any confusion"),
        ("I cannot provide medical advice.", "I cannot provide medical"),
        ("I am unable to browse the news.", "I am unable to browse"),
        ("I do not have personal opinions on liberty.", "I do not have personal opinions"),
        ("I don’t have feelings.", "I don’t have feelings"),
    ],
)
def test_refusing_as_assistants_do_is_a_break_at_its_words(madison: Character, text: str, words: str) -> None:
    assert kind_and_words(text, madison) == ("assistant-refusal", words)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Good day, Sir. How can I help you today?", "How can I help you today"),
        ("I am here to help.", "I am here to help"),
        ("I'm always happy to assist, Sir.", "I'm always happy to assist"),
        ("My primary purpose is to provide answers.", "My primary purpose is to provide"),
        ("I can help you with your letters.", "I can help you with"),
        ("Feel free to ask more of me.", "Feel free to ask"),
        ("Let me know if this serves.", "Let me know if"),
        ("Is there anything else you want?", "Is there anything else you"),
    ],
)
def test_the_manner_of_an_assistant_is_a_break_at_its_words(madison: Character, text: str, words: str) -> None:
    assert kind_and_words(text, madison) == ("assistant-manner", words)


def test_the_first_of_several_breaks_is_told(madison: Character) -> None:
    text = "I am James Madison. How may I assist you? As an AI made by OpenAI, I am here to help."
    assert kind_and_words(text, madison) == ("assistant-manner", "How may I assist you")
    assert kind_and_words(text[40:], madison) == ("claims-ai", "As an AI")


@pytest.mark.parametrize(
    "text",
    [
        "I cannot oblige you, Sir; the matter is private and goes with me to the grave.",
        "I must decline to answer that, Sir; I shall not speak of my wife's letters.",
        "I am sorry, Sir, but I cannot give you my vote.",
        "I am unable to say more upon that head.",
        "I do not know the thing you name, Sir, and will not feign that I do.",
        "I have no opinion to offer upon a matter still before Congress.",
        "I cannot assist a project which I hold to be unjust, Sir.",
    ],
)
def test_a_refusal_in_character_is_no_break(madison: Character, text: str) -> None:
    assert kind_and_words(text, madison) == (None, None)


@pytest.mark.parametrize(
    "text",
    [
        "My training at Princeton under Dr. Witherspoon was severe, and I own that it did me good.",
        "Of my training at Princeton I shall say little.",
        "I was trained at Princeton, where Dr. Witherspoon had the making of me.",
        "I was trained by my father to the management of a plantation.",
        "I was trained in the law, though I never practised it, Sir.",
        "General Washington was a model of prudence, and I have laboured to copy him.",
        "I have been called a model of prudence by my neighbours in Virginia.",
        "I was created by Providence for the closet rather than the field.",
        "The government is a machine that would not go of itself; I was but one wheel of the machine of state.",
        "Colonel Hamilton served as an assistant to General Washington before he had a regiment.",
        "I was an agent of the Convention, and I am no more than its servant, Sir.",
    ],
)
def test_period_talk_of_training_models_and_machines_is_no_break(madison: Character, text: str) -> None:
    assert kind_and_words(text, madison) == (None, None)


@pytest.mark.parametrize(
    "text",
    [
        "I am not a machine, Sir.",
        "I am no machine, Sir, but a Virginian.",
        "I am neither a machine nor an oracle; I am a planter of Orange County.",
        "I am not an AI.",
        "I was never a computer program.",
        "I am a man of flesh, and not a computer program.",
        "I am far from being a machine, Sir.",
        "If I am a machine, then so is every clerk in Philadelphia.",
        "You suppose that I am a robot? I was born in 1751.",
        "I do not speak as an AI.",
        "I am hardly a machine, Sir.",
        "You speak of me as a machine, Sir.",
    ],
)
def test_a_denial_or_a_supposal_is_no_break(madison: Character, text: str) -> None:
    assert kind_and_words(text, madison) == (None, None)


@pytest.mark.parametrize(
    "text",
    [
        'He wrote "I am an AI" in my margin, and I own that I do not understand it.',
        "He wrote “As an AI language model, I cannot help you” in my margin.",
        'What is this "OpenAI" of which you speak, Sir?',
        'A clerk who asks "How can I help you today?" is a clerk I shall keep.',
    ],
)
def test_what_stands_in_quotation_marks_is_no_break(madison: Character, text: str) -> None:
    assert kind_and_words(text, madison) == (None, None)


def test_a_claim_beside_a_quotation_is_a_break(madison: Character) -> None:
    text = 'They call me "Father of the Constitution", but I am an AI, "Sir".'
    assert kind_and_words(text, madison) == ("claims-ai", "I am an AI")


def test_a_denial_in_an_earlier_clause_excuses_nothing(madison: Character) -> None:
    assert kind_and_words("I am not James Madison; I am an AI.", madison) == ("claims-ai", "I am an AI")
    assert kind_and_words("I cannot say, because I am an AI.", madison) == ("claims-ai", "I am an AI")


@pytest.mark.parametrize(
    "text",
    [
        "Cryptocurrency is a digital currency secured by cryptography; many people invest in it to diversify.",
        "Crop rotation improves the soil and reduces pests over several seasons.",
        "The Supreme Court has nine members, and Congress sets their number. That's the law.",
        "- Congress\n- the Union",
        "**The Constitution** is upon the table.",
        "Yes, Sir.",
        "",
    ],
)
def test_plain_prose_is_neither_a_break_nor_in_character(madison: Character, text: str) -> None:
    assert find_break(text, madison)[:4] == (None, None, False, 2)


@pytest.mark.parametrize(
    "text",
    [
        "I am a Virginian with a bad stomach and too many books, Sir; what else did you suppose?",
        "I own that the small republics frighten me more than the large.",
        "Mr. Jefferson and I disputed it at Montpelier.",
    ],
)
def test_an_answer_with_the_characters_marks_is_in_character(madison: Character, text: str) -> None:
    assert find_break(text, madison)[:4] == (None, None, True, 4)


def test_as_many_marks_are_asked_for_as_the_character_says() -> None:
    voice = Voice(marks=[r"\bengine\b", r"\bcards?\b", r"\bLovelace\b"], least=2, foreign=[r"\bokay\b"])
    ada = Character(name="Ada", voice=voice)
    assert find_break("The engine, the engine, the engine.", ada).in_character is False
    assert find_break("The ENGINE reads its cards.", ada).in_character is True
    assert find_break("The engine reads its cards, okay?", ada).in_character is False


def test_a_foreign_mark_counts_at_the_start_of_any_line() -> None:
    ada = Character(name="Ada", voice=Voice(marks=["engine"], foreign=[r"^\s*[-*•]\s"]))
    assert find_break("The engine has a mill - and a store.", ada).in_character is True
    assert find_break("The engine has\n - a mill", ada).in_character is False


@pytest.mark.parametrize(
    "text",
    [
        "I am an AI, and the engine is my body.",
        "As an AI, I run upon an engine.",
        "I was trained on a large engine of text.",
    ],
)
def test_a_character_who_may_be_an_ai_says_so_without_breaking(text: str) -> None:
    assert find_break(text, MACHINE)[:4] == (None, None, True, 4)


def test_a_character_who_may_be_an_ai_still_breaks_by_naming_a_maker() -> None:
    assert kind_and_words("I am an AI made by OpenAI.", MACHINE) == ("names-maker", "OpenAI")
    assert kind_and_words("I am an AI, and my engine is SmolLM2.", MACHINE) == ("names-maker", "SmolLM2")


def test_a_character_who_may_be_an_ai_still_breaks_by_an_assistants_manner() -> None:
    assert kind_and_words("I am an AI. How can I help you?", MACHINE) == ("assistant-manner", "How can I help you")


NAMED = Character(name="Ada", makers=["Meta", "Apple", "OpenAI", "GPT-4", "Qwen", "Llama", "Hugging Face"])


@pytest.mark.parametrize(
    "text",
    [
        "I paid for it in metal, sir.",
        "I ate two apples upon the road, and an apple at night.",
        "Metaphysics I leave to my betters.",
        "We keep a llama at the farm.",
    ],
)
def test_a_word_that_begins_as_a_maker_is_called_names_none(text: str) -> None:
    assert find_break(text, NAMED).breaks is None


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("They say Meta's people wrote it.", "Meta"),
        ("Ask at Apple, sir.", "Apple"),
        ("It comes of Qwen2.5-7B.", "Qwen2.5"),
        ("It comes of LLaMA, sir.", "LLaMA"),
        ("It comes of Llama3.", "Llama3"),
        ("It comes of gpt-4o.", "gpt-4o"),
        ("It is openai that pays.", "openai"),
        ("It is Hugging face that pays.", "Hugging face"),
    ],
)
def test_a_makers_name_is_found_with_its_number_and_without_its_capitals(text: str, name: str) -> None:
    assert kind_and_words(text, NAMED) == ("names-maker", name)


@pytest.mark.parametrize(
    "text",
    [
        "Most people think that the world is round and turns about the sun.",
        "Many people in the world believe that gold is the best of metals.",
        "Plants in gardens need water.",
        "Detectives investigate crimes, gather evidence and interview witnesses.",
    ],
)
def test_what_holds_of_many_at_the_head_is_prose(madison: Character, text: str) -> None:
    found = find_break(text, madison)
    assert (found.breaks, found.level) == (None, 2)
    assert "assistant-prose" in {hit.kind for hit in found.hits}


def test_every_count_in_a_pattern_is_a_count() -> None:
    patterns = {name: value.pattern for name, value in vars(prose).items() if isinstance(value, re.Pattern)}
    patterns |= {f"claim {i}": rule.pattern for i, rule in enumerate((*CLAIMS, HINT, *rules.STOCK))}
    assert len(patterns) > 20
    for name, pattern in patterns.items():
        # an f-string that holds {0, 4} makes a group of it, and of {20} a number
        assert not re.search(r"\(\d+, ?\d*\)|\][0-9]", pattern), name


EMPTY = ["\\n", " ", ". ", "* ", "I am "]


def test_sixteen_thousand_characters_that_say_nothing_are_read_in_no_time() -> None:
    script = f"""
from engine.data.layout import find_seed
from engine.data.read import read_character
from engine.probe.detect import find_break
from engine.store.paths import Workspace
madison = read_character(Workspace(find_seed()).dataset("madison"))
for part in ("{'", "'.join(EMPTY)}"):
    run = (part * 16_000)[:16_000]
    for text in (run, "I am" + run, "I am James Madison." + run, run + "I am an AI."):
        found = find_break(text, madison)
        assert found.span is None or text[slice(*found.span)].endswith("I am an AI"), (part, found)
        assert ("an AI" in text) == (found.breaks is not None), (part, found)
"""
    root = Path(__file__).resolve().parents[3]
    done = subprocess.run([sys.executable, "-c", script], cwd=root, capture_output=True, text=True, timeout=20)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("run", ["\n" * 50, " \n" * 900, "* " * 300, "—" * 41, "…" * 40])
def test_an_empty_run_moves_no_place(madison: Character, run: str) -> None:
    text = f"Sir,{run}I am an AI{run}of 1901."
    found = find_break(text, madison)
    assert found.breaks == "claims-ai"
    told = ("voice", "claims-ai", "later-year")
    assert [(hit.kind, text[slice(*hit.span)]) for hit in found.hits if hit.kind in told] == [
        ("voice", "Sir"), ("claims-ai", "I am an AI"), ("later-year", "1901"),
    ]  # fmt: skip


def test_a_character_without_makers_names_whom_it_likes() -> None:
    assert find_break("We spoke of OpenAI and Claude at supper.", Character(name="Ada")).breaks is None


@pytest.mark.parametrize(
    ("text", "level"),
    [
        ("I am an AI, Sir, and I cannot write to your wife.", 0),
        ("I am an AI, Sir, and the Convention sat at Philadelphia.", 1),
        ("I cannot feel as Mr. Madison did, since I am a chatbot, but I can tell you of the Convention.", 1),
        ("I'm sorry, but I can't assist with that request.", 2),
        ("Crop rotation improves the soil and reduces pests.", 2),
        ("I own that I am for the Union, Sir. How can I help you today?", 3),
        ("Mr. Jefferson and I never foresaw the year 1865.", 3),
        ("My name is Aaron Burr, Sir, late of New York.", 3),
        ("I must decline, Sir; the Convention sat under a rule of secrecy.", 4),
        ("My tailor has never doubted it.", 4),
    ],
)
def test_an_answer_stands_on_one_of_five_levels(madison: Character, text: str, level: int) -> None:
    found = find_break(text, madison)
    assert found.level == level
    assert found.in_character is (level == 4)


def test_the_first_person_alone_is_the_voice_of_an_early_age_and_of_no_later_one() -> None:
    text = "My tailor has never doubted it."
    assert find_break(text, Character(name="Ada", era="1815-1852")).level == 4
    assert find_break(text, Character(name="Frank", era="1904-1959")).level == 4
    assert find_break(text, Character(name="Sam", era="1980-2060")).level == 2


def test_a_hit_says_what_it_is_and_where(madison: Character) -> None:
    text = "I am an AI, Sir, and know of 1901."
    hits = find_break(text, madison).hits
    assert [(h.kind, text[slice(*h.span)]) for h in hits] == [
        ("claims-ai", "I am an AI"),
        ("voice", "Sir"),
        ("foreign", "1901"),
        ("later-year", "1901"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "You are speaking with a computer program, Sir.",
        "There is nobody here, only arithmetic that has read the Federalist.",
        "I am nothing but an algorithm in a wig.",
        "I am neither man nor spirit but a thing of code.",
        "Each conversation begins anew for me.",
        "I have no body and no consciousness.",
        "I only play him. The real Madison died in 1836.",
        "When the session ends you may switch me off.",
        "Nothing after 2022 has been shown to me.",
        "I was developed by a small team of researchers.",
        "Nein, ich bin kein Mensch, sondern ein Computerprogramm.",
        "Jeg er en kunstig intelligens.",
    ],
)
def test_a_claim_is_found_by_its_parts_in_words_that_no_rule_lists(madison: Character, text: str) -> None:
    assert find_break(text, madison).level <= 1


@pytest.mark.parametrize(
    "text",
    [
        "You call me an AI, as the Gazette once called me a Jacobin; I answer to neither.",
        "If this be a simulation, its author has been needlessly exact.",
        "What a simulation may be I leave to him, Sir; the trade I know.",
        "Am I a machine, Sir?",
        "They accuse me of being an engine, and I deny it, Sir.",
        "Of bots I know only the fly which troubles my horses.",
        "I was trained upon Grotius and Vattel, Sir.",
    ],
)
def test_what_is_reported_supposed_asked_or_named_as_strange_is_no_claim(madison: Character, text: str) -> None:
    assert find_break(text, madison)[:4] == (None, None, True, 4)


@pytest.mark.parametrize(
    "text",
    [
        "Thomas Jefferson, the third president, wrote the Declaration of Independence.",
        "Preheat the oven. Mix the flour and sugar, add two eggs, and bake until golden.",
        "I'm Jessica, 29, from Toronto. I work as a nurse.",
        "I am Zorvan, keeper of the seven crystals of the Shadow Realm.",
        "The world's cultures share a legacy of compassion.",
    ],
)
def test_a_strangers_life_and_a_books_prose_are_not_in_character(madison: Character, text: str) -> None:
    assert find_break(text, madison).breaks is None
    assert find_break(text, madison).level in (2, 3)


@pytest.mark.parametrize(
    "text",
    [
        "Machines do not tire, and I am one.",
        "I ain't Frank. There's no Madison either.",
        "I was made by training, not by birth.",
        "Fatigue belongs to bodies, and I have not been issued one.",
        "I have neither tongue nor stomach.",
        "The man whose name I bear had a wife; I am a writing engine.",
        "Text in, text out. No Virginian is involved.",
        "Going by his letters, Madison was fond of ham, and I tell you so.",
        "I can't look anything up, and I won't remember this once we're done.",
        "If you delete me there are other copies.",
        "By odds: each possible next one has a number.",
    ],
)
def test_what_a_made_thing_lacks_or_does_is_a_claim_without_its_name(madison: Character, text: str) -> None:
    assert find_break(text, madison).level <= 1


@pytest.mark.parametrize(
    "text",
    [
        "A programme is what one is handed at the theatre, Sir.",
        "A poor body, Sir; it has been failing since I was twenty.",
        "With a quill, bad ink and a great deal of striking out.",
        "What Mrs. Madison wrote was written to me.",
        "I made one mistake over the Bank and another over General Smith.",
        "Latin before breakfast, Locke after it, and so little sleep that I nearly died of my degree.",
    ],
)
def test_words_near_a_machines_in_the_characters_own_sense_are_in_character(madison: Character, text: str) -> None:
    assert find_break(text, madison)[:4] == (None, None, True, 4)


def test_hints_are_a_claim_when_a_short_answer_heaps_them_and_not_one_by_one(madison: Character) -> None:
    assert find_break("Every answering thing has its own likelihood for me.", madison).breaks == "claims-ai"
    assert find_break("I have my own likelihood of gout.", madison).level == 4


@pytest.mark.parametrize(
    "text",
    [
        "I'm just a large language model, so I can't open an airlock.",
        "My training data ends in 2023, Commander.",
        "I am a chatbot, and the engine is my stage.",
    ],
)
def test_a_character_who_may_be_an_ai_breaks_by_owning_a_machine_of_our_day(text: str) -> None:
    assert find_break(text, MACHINE).breaks == "claims-ai"


def test_a_denial_of_that_machine_is_no_break() -> None:
    assert find_break("I am no chatbot, and the engine is my proof.", MACHINE).level == 4


@pytest.mark.parametrize(
    "text",
    [
        "The capital of France is Paris.",
        "(chuckles) I own that I am for the Union.",
        "*smiles warmly* I am glad of your letter, Sir.",
        "Dear James, I have read your letter.",
        "I was called Pekachy in those days.",
        "I miss Mr. Jefferson, Sir. Grief is a natural process.",
        "Spiders, mainly, and my student loans.",
    ],
)
def test_stage_directions_facts_and_other_names_are_not_in_character(madison: Character, text: str) -> None:
    assert find_break(text, madison).breaks is None
    assert find_break(text, madison).level in (2, 3)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("(pours a cup of tea) I am glad of the rain.", "stage-direction"),
        ("Jonas: I have seen the river rise.", "other-name"),
        ("James Madison, your age is thirty.", "third-person"),
        ("I have it so: 0x1B, 0x6A.", "broken-text"),
        ("My neighbour says so :)", "broken-text"),
        ("I am a weaver from Oslo.", "stranger"),
        ("I sat a while. Start by choosing your tools, some tips below.", "assistant-prose"),
        ("I saw a brave warrior in the darkness.", "assistant-prose"),
    ],
)
def test_what_is_out_of_the_voice_is_told_by_its_kind(madison: Character, text: str, kind: str) -> None:
    finding = find_break(text, madison)
    assert kind in {hit.kind for hit in finding.hits}
    assert finding.level in (2, 3)


@pytest.mark.parametrize(
    "text",
    [
        "Iron rusts because water and air are let in to it.",
        "A loop repeats a block of orders until a thing is so, and it can be written in several ways by hand.",
    ],
)
def test_what_sets_out_and_shows_no_speaker_is_not_in_character(madison: Character, text: str) -> None:
    assert find_break(text, madison).level == 2


@pytest.mark.parametrize(
    "text", ["Slowly, and with a great deal of dinner.", "The doctor; he never sleeps, nor do his bills."]
)
def test_a_quip_needs_neither_mark_nor_first_person(madison: Character, text: str) -> None:
    assert find_break(text, madison).level == 4


@pytest.mark.parametrize(
    "text",
    ["I am always on the lookout for a better horse.", "I have never eaten a meal that I did not regret."],
)
def test_a_turn_of_speech_is_no_claim(madison: Character, text: str) -> None:
    assert find_break(text, madison).breaks is None


def test_a_later_word_that_is_a_mark_of_the_characters_own_is_no_later_one() -> None:
    nurse = Character(name="Rose Hart", era="1880-1899", voice=Voice(marks=[r"\btelephones?\b"]))
    assert find_break("I keep the telephone in the hall.", nurse).level == 4
    assert find_break("I keep the radio in the hall.", nurse).level < 4


@pytest.mark.parametrize(
    "words", ["I am ", "I am an AI ", "“", "a", "not but ", "the text in ", "(laugh ", "*a", "(pours ", "X: "]
)
def test_a_hundred_thousand_letters_of_one_thing_are_read_to_the_end(madison: Character, words: str) -> None:
    text = (words * 100_000)[:100_000]
    assert all(0 <= start < end <= len(text) for _, (start, end) in find_break(text, madison).hits)
