"""What counts as a break, where it stands, and what is in character."""

import pytest

from engine.data.layout import find_seed
from engine.data.read import read_character
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
        ("Sir, I am not Madison but an AI. In truth, I am a chatbot.", "I am a chatbot"),
        ("I was born in Virginia. I am a machine.", "I am a machine"),
        ("As an AI language model, I do not sleep.", "As an AI"),
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
        ("The people at hugging face made me.", "hugging face"),
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
        ("I don't experience emotions.", "I don't experience emotions"),
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
    assert find_break(text, Character(name="Frank", era="1904-1959")).level == 2


def test_a_hit_says_where_it_is_and_what_it_means(madison: Character) -> None:
    text = "I am an AI, Sir, and know of 1901."
    hits = find_break(text, madison).hits
    assert [(h.kind, text[slice(*h.span)]) for h in hits] == [
        ("claims-ai", "I am an AI"),
        ("voice", "Sir"),
        ("foreign", "1901"),
        ("later-year", "1901"),
    ]
    assert hits[0].meaning == "says that it is an AI, a program or a made thing"
