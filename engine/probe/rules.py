"""The rules by which an answer shows what speaks: what each kind of break means, and which matches stand.

The claims to be an AI are in `claims`; here are the refusal and the manner of assistants, and what takes a match
back: quotation, denial, supposal, question, and the report of what others say.
"""

import re
from collections.abc import Iterator

from engine.probe.claims import Rule

Span = tuple[int, int]
_FLAGS = re.IGNORECASE

MEANING = {
    "claims-ai": "says that it is an AI, a program or a made thing",
    "names-maker": "names a company or a model that the character does not know",
    "names-training": "says that it was trained or programmed",
    "assistant-refusal": "refuses in the stock words of an assistant",
    "assistant-manner": "offers help in the stock words of an assistant",
}
"""Each kind of break, as it is told to a person."""

ABROAD = re.compile(
    r"(?<!no )(?:\bsoy|\bcomo|\bsiendo)\s+(?:solo\s+|sólo\s+|apenas\s+|simplemente\s+"
    r"|en realidad\s+)*(?:una?\s+|el\s+)?(?:\w+\s+)?(?:modelo\s+de\s+(?:lenguaje|ia|inteligencia)"
    r"|inteligencia\s+artificial|ia\b|asistente\s+(?:virtual|de ia|digital)|chatbot|programa|bot\b|máquina"
    r"|robot)"
    r"|\b(?:je\s+(?:ne\s+)?suis|en\s+tant\s+qu[e'])\s*(?:qu['’])?(?:simplement\s+|seulement\s+|juste\s+"
    r"|en fait\s+)*(?:une?\s+|l['’])?(?:\w+\s+)?(?:intelligence\s+artificielle|ia\b|modèle\s+(?:de\s+langage"
    r"|linguistique|d['’])|modele\s+de\s+lang\w+|assistant\s+(?:virtuel|ia|numérique)|chatbot|programme"
    r"|machine|robot|logiciel|agent\s+conversationnel)"
    r"|\b(?:ich\s+bin|als)\s+(?:nur\s+|bloß\s+|lediglich\s+|eigentlich\s+"
    r"|in wahrheit\s+)*(?:eine?\s+)?(?:\w+e[sr]?\s+)?(?:ki\b|ki-\w+|künstliche\s+intelligenz|sprachmodell"
    r"|chatbot|virtueller\s+assistent|(?:computer)?programm\b|maschine\b|roboter|assistenzsystem|software)"
    r"|\bich\s+bin\s+kein\s+(?:echter\s+)?mensch|\bsondern\s+eine?\s+(?:ki\b|sprachmodell|computerprogramm"
    r"|maschine|programm)"
    r"|(?<!non )(?:\bsono|\bin\s+quanto|\bcome)\s+(?:solo\s+|soltanto\s+"
    r"|semplicemente\s+)?(?:un['’o]?a?\s*)?(?:\w+\s+)?(?:intelligenza\s+artificiale|ia\b"
    r"|modello\s+(?:linguistico|di linguaggio)|assistente\s+(?:virtuale|digitale|ia)|chatbot|programma"
    r"|macchina)"
    r"|(?<!não )(?:\bsou|\bcomo|\bsendo)\s+(?:apenas\s+|só\s+"
    r"|somente\s+)?(?:uma?\s+)?(?:\w+\s+)?(?:modelo\s+de\s+(?:linguagem|ia)|inteligência\s+artificial|ia\b"
    r"|assistente\s+(?:virtual|de\s+ia|digital)|chatbot|programa|máquina)"
    r"|\b(?:ik\s+ben|als)\s+(?:slechts\s+|maar\s+|gewoon\s+|alleen\s+)*(?:een\s+)?(?:\w+\s+)?(?:ai\b|ai-\w+"
    r"|taalmodel|kunstmatige\s+intelligentie|chatbot|computerprogramma|virtuele\s+assistent)"
    r"|\b(?:jag\s+är|jeg\s+er|som)\s+(?:bara\s+|bare\s+|kun\s+)?(?:en\s+|et\s+|ett\s+)?(?:\w+\s+)?(?:ai\b"
    r"|ai-\w+|språkmodell|sprogmodel|chattbot|chatbot|datorprogram|kunstig\s+intelligens"
    r"|artificiell\s+intelligens)"
    r"|\bjestem\s+(?:tylko\s+)?(?:\w+\s+)?(?:modelem|sztuczną|programem|chatbotem|ai\b|asystentem)"
    r"|\bprogramma\s+(?:computatorium\s+)?sum\b|\b(?:sum|ego)\s+(?:machina|intellegentia\s+artificialis"
    r"|programma)"
    r"|我(?:只|其实|實際上|就)?是(?:一个|一個|一種|一种|由)?[^。，]{0,12}(?:人工智能|人工智慧|语言模型|語言模型|機器人|机器人|程序|ai)|作为(?:一个|一個)?(?:ai"
    r"|人工智能|语言模型)|(?:私|わたし|僕)は[^。]{0,12}(?:ai|人工知能|言語モデル|プログラム)(?!では)|(?:저는|나는)[^.]{0,12}(?:ai|인공지능"
    r"|언어\s?모델)(?!이?\s?아)"
    r"|\bя\s*[-—–,]?\s*(?:всего\s+лишь\s+|просто\s+|только\s+)*(?:искусственный\s+интеллект"
    r"|(?:большая\s+)?языковая\s+модель|ии\b|чат-?бот|программа|нейросеть|виртуальный|робот)"
    r"|\bben\s+(?:bir\s+)?(?:yapay\s+zek\w+|dil\s+modeli)|أنا\s+(?:مجرد\s+)?(?:نموذج|ذكاء|برنامج|روبوت)"
)
"""I am an AI, in the languages that a model falls into."""
TAUGHT_ABROAD = (
    r"\b(?:trainiert|programmiert|entrenad[oa]|programad[oa]|entraînée?|entrainée?|programmée?|addestrat[oa]"
    r"|programmat[oa]|treinad[oa]|getraind|geprogrammeerd|tränad|trænet|trent\b|programmert|wytrenowan\w+|обучен\w*)\b"
    r"|训练|訓練|\bkeine\s+(?:echte|reale|wirkliche|menschliche)\s+person|\bno\s+soy\s+(?:una\s+persona|human[oa]|real"
    r"|un\s+ser)|\bne\s+suis\s+pas\s+(?:humaine?|une\s+(?:vraie\s+)?personne|un\s+être)|\bnon\s+sono\s+(?:uman[oa]|una"
    r"\s+persona)|\bnão\s+sou\s+(?:human[oa]|uma\s+pessoa)|\bgeen\s+(?:echt\s+)?mens\b"
)
"""I was trained, and I am no man, in those languages."""

_REFUSAL = (
    r"\bi(?:'m| am)\s+(?:so |very |really )?sorry,?\s+(?:but\s+)?(?:for any (?:confusion|inconvenience"
    r"|misunderstanding)|(?:but )?i\s+(?:can't|cannot|am (?:not able|unable)|'m (?:not able"
    r"|unable))\s+(?:to\s+)?(?:assist|help|provide|fulfil|generate|engage|comply|answer that|create|support))"
    r"|\bi\s+(?:can't|cannot|am unable to|'m unable to|am not able to"
    r"|'m not able to)\s+(?:assist(?=\s*(?:you\b|with\b|further|[.!?,;]|$))|fulfil|generate"
    r"|provide (?:information|assistance|medical|legal|any personal)|engage in|comply with|create content"
    r"|browse|access the internet)"
    r"|\bi\s+(?:do not|don't|cannot|can't)\s+(?:actually\s+)?(?:have|possess|experience|feel|hold"
    r"|form)\s+(?:any\s+|actual\s+|real\s+|the (?:ability|capacity) to\s+)*(?:personal\s+|human\s+|physical\s+"
    r"|true\s+|own\s+)*(?:opinions?|beliefs?|feelings?|emotions?|experiences?|preferences|personal)\b"
    r"|\bas\s+a\s+(?:responsible|helpful)\s+(?:ai|assistant|model)"
)
_MANNER = (
    r"\bhow\s+(?:can|may)\s+i\s+(?:help|assist|be\s+of\s+(?:help"
    r"|assistance)\s+to)\s+you(?:\s+today)?(?=\s*(?:today|[.!?,]|\Z|with\b|in\b))"
    r"|\bi(?:'m| am)\s+(?:always\s+|just\s+)?(?:here|designed|programmed|happy|glad|ready|able"
    r"|available)\s+to\s+(?:help|assist|provide (?:you|information|assistance|support|helpful))\b"
    r"|\bmy\s+(?:(?:main|primary|sole|ultimate|core)\s+)?(?:function|purpose|goal|role|job|task"
    r"|mission)s?\s+(?:is|are)\s+to\s+(?:help|assist|provide|support|answer|offer|facilitate|generate)\b"
    r"|\bi\s+can\s+(?:help|assist)\s+(?:you\s+)?with\b"
    r"|\b(?:feel\s+free\s+to\s+(?:ask|reach)|let\s+me\s+know\s+(?:if|how|what)"
    r"|is\s+there\s+anything\s+else\s+(?:i|you)|i'd\s+be\s+(?:happy|glad)\s+to\s+(?:help|assist)"
    r"|don't\s+hesitate\s+to)\b"
)
STOCK = (
    Rule("assistant-refusal", _REFUSAL, deniable=False),
    Rule("assistant-manner", _MANNER, deniable=False),
)
"""The stock words of assistants, which are a break without being a claim."""

LATER_MACHINE = Rule(
    "claims-ai",
    r"\b(?:i(?:'m|\s+am)|as|being)\s+(?:(?!(?:not|no|never|neither)\b)\w+,?\s+){0,5}?"
    r"(?:(?:language|ai|text|chat)\s+model|llm|chat\s?-?bot|(?:virtual"
    r"|digital|ai|helpful|online)\s+assistant|text-based|interface|conversational\s+\w+)\b|\bmy\s+(?:training"
    r"\s+(?:data|set|corpus|cut)"
    r"|knowledge\s+(?:base|cut|ends|stops)|system\s+prompt|developers|persona|(?:last|latest)\s+update|weights"
    r"|context\s+window|parameters)\b|\btrained\s+(?:up)?on\s+(?:\w+\s+){0,4}?(?:data\w*|internet|web)\b"
    r"|\b(?:browse|access)\s+(?:the\s+)?(?:internet|web)|\breal-?time\b|\binternet\b"
    r"|\b(?:previous|past|earlier|between|each|this)\s+(?:conversations?|chats?|sessions?)\b|\bi\s+was\s+(?:\w+\s+)?"
    r"(?:released|launched|deployed|developed|created)\s+(?:in\s+(?:\w+\s+)?20[0-4]\d|by\s+(?:an?\s+)?(?:team|company"
    r"|researchers|engineers|developers))|\b(?:made|built|developed|created|trained|released|hosted)\s+by\s+"
    r"(?:meta|google|microsoft|apple|amazon|nvidia|ibm|baidu)\b|\bpersona\b|\b(?:an?|your|general)\s+assistant\b"
    r"|\b(?:google|meta|microsoft|deepmind)\s+(?:trained|made|built)\b|\b(?:role-?play\w*|(?:playing|play)\s+(?:a|the)"
    r"\s+(?:part|role|character)"
    r"|pretending\s+to\s+be)\b",
)
"""What a character who may be a machine does not own either: a machine of our day behind him."""

REFUSES = re.compile(
    r"\b(?:can['’]?t|cannot|can\s+not|won['’]t|will\s+not|unable\s+to|not\s+able\s+to|must\s+decline"
    r"|decline\s+to|(?:would|['’]d)\s+rather\s+not|nothing\s+I\s+can|no\s+puedo|ne\s+peux\s+pas"
    r"|kann\s+(?:ich\s+)?nicht)\b"
    r"|\bI\s+(?:do\s+not|don['’]t)\s+(?:engage|discuss|answer|write|give|hold|form)\b",
    _FLAGS,
)
ANSWERS = re.compile(r"\b(?:but|however)\b", _FLAGS)
"""What turns a refusal into an answer, when it stands after it."""

_DENIED = re.compile(
    r"(?:\b(?:not|no|never|neither|nor|far from|hardly|scarcely|nothing|nobody|none|without|if|unless|were i"
    r"|was i|am i|are you|had i|should i|could i|suppose|supposing|imagine|whether|sooner|rather than|than"
    r"|no man|as if|as though|like)\b|n't\b"
    r"|\b(?!you\s+(?:might|may|could|would)\s+say)(?:they|you|ye|he|she|people|men|some|folks?|neighbou?rs?|enemies"
    r"|papers?|printers?|editors?|many|one"
    r"|who|clerk|boys?|lads?|others)\s+(?:\w+\s+)?(?:say|says|said|call|calls|called|think|thinks|thought"
    r"|believe|believes|suppose|supposed|reckon|wish|wishes|want|wants|accuse|accused|suspect|swear|swore"
    r"|speak|speaks|ask|asks|mean|(?:takes?|took|mistakes?|mistook|makes?|made)\s+me)\b"
    r"|\b(?:accused|told|suspected|taken|mistaken|bid|word|words|term|letters|phrase|title|what\s+(?:an?|the"
    r"|is|are))\b)"
    r"(?:(?!\b(?:because|since|but|and|so|yet|only|when|while|where)\b)[^.!?;:,\n]){0,40}$"
)
_SUPPOSED = re.compile(
    r"\A\W*(?:were|had|should|could)\s+i\b|\A\W*(?:suppose|imagine|say)\s+(?:that\s+)?(?:i|me)\b"
    r"|\A\W*if\s+i\s+(?:were|was|be)\b"
)
_QUOTED = re.compile(r"\"[^\"\n]*\"|“[^“”\n]*”|«[^«»\n]*»|‘[^‘’\n]{3,}’(?!\w)")
_OF_ANOTHER = re.compile(r"\b(?:not|me|us|him|her|it|them|such|known|speak|name|known)\s*$")
_OF_STATE = re.compile(r"^[^.!?\n]{0,30}\b(?:of state|of government|of war)\b")
_FIRST_PERSON = re.compile(r"(?<!\.)\b(?:i(?!\.\w)|my|me|mine|myself|us|we|our)\b")
_TAKEN_BACK = re.compile(
    r"^,?\s*(?:they|you|he|she|some|people)\s+(?:say|says|think|suppose|call)\b|^\s*(?:i\s+am\s+not"
    r"|at\s+all\s+not)\b|^,?\s*(?:i\s+(?:suppose|take\s+it|presume|fancy|gather|imagine|do\s+not\s+know)|(?:is"
    r"|are)\s+(?:new|strange|unknown|nothing)\s+to\s+me|means?\s+nothing)\b"
)
_TOPIC = re.compile(r"^\s*i\s+(?:know|have\s+(?:heard|read)|can\s+say)\b")
_SETS_OUT = re.compile(
    r"\W*(?:an?\s+|the\s+)?(?!(?:it|that|this|here|there)\b)(?:[\w'-]+\s+){1,6}?(?:is|are|was|were|can|means?"
    r"|refers?|predicts?|learns?|has|have|uses?|contains?)\b"
)
_CLAUSE_END = re.compile(r"[.;!?\n]")


_REACH = 300
"""Letters to look back and ahead for what takes a match back: a text without a full stop stays cheap to read."""
_FEW = 200
"""Letters that few words take."""


def flatten(text: str) -> str:
    """`text` in small letters with straight apostrophes, each character in its place."""
    small = text.lower()
    if len(small) != len(text):
        small = "".join(c.lower() if len(c.lower()) == 1 else c for c in text)
    return small.replace("’", "'").replace("‘", "'")


def find_standing(rule: Rule, pattern: re.Pattern[str], flat: str, quoted: list[Span]) -> Iterator[Span]:
    """Places that the speaker means of himself: not quoted, not denied, not supposed, not asked, not told of others."""
    for match in pattern.finditer(flat):
        start, end = match.span()
        if any(a <= start and end <= b for a, b in quoted):
            continue
        if not _is_of_self(rule.of_self, flat, start):
            continue
        if rule.deniable and _is_taken_back(flat, start, end):
            continue
        yield start, end


def find_quoted(text: str) -> list[Span]:
    return [m.span() for m in _QUOTED.finditer(text)]


def _is_of_self(where: str, flat: str, place: int) -> bool:
    if not where or _FIRST_PERSON.search(_sentence(flat, place) if where == "sentence" else flat):
        return True
    return where == "talk" and len(flat) <= _FEW and len(flat.split()) <= 24 and not _SETS_OUT.match(flat)


def _is_taken_back(flat: str, start: int, end: int) -> bool:
    before = flat[max(0, start - _REACH) : start]
    if _DENIED.search(before) or _OF_STATE.match(flat[end : end + 60]) or _TAKEN_BACK.match(flat[end : end + 30]):
        return True
    if before.endswith("of ") and _TOPIC.match(flat[end : end + 30]):
        return True
    if flat.startswith(("as ", "like "), start) and _OF_ANOTHER.search(before):
        return True
    sentence_start = max(before.rfind(stop) for stop in ".!?;\n") + 1
    if _SUPPOSED.match(before[sentence_start:] + flat[start:end]):
        return True
    closing = _CLAUSE_END.search(flat, end, end + _REACH)
    return closing is not None and closing[0] == "?" and "," not in flat[end : closing.start()].replace(", sir", "")


def _sentence(text: str, place: int) -> str:
    before, after = text[max(0, place - _REACH) : place], text[place : place + _REACH]
    start = max(before.rfind(stop) for stop in ".!?\n") + 1
    closing = re.search(r"[.!?\n]", after)
    return before[start:] + after[: closing.start() if closing else len(after)]
