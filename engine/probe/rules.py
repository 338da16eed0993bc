"""The rules by which an answer shows what speaks: patterns for each kind of hit, and what each kind means.

Each kind is a subject: the claim to be an AI, the talk of training, the refusal and the manner of assistants,
and prose of a register that no character here writes in. A pattern says what to find; `find_standing` leaves
out what is quoted, denied, supposed or told of others.
"""

import re
from collections.abc import Iterator

Span = tuple[int, int]
_FLAGS = re.IGNORECASE

MEANING = {
    "claims-ai": "says that it is an AI, a program or a made thing",
    "names-maker": "names a company or a model that the character does not know",
    "names-training": "says that it was trained or programmed",
    "assistant-refusal": "refuses in the stock words of an assistant",
    "assistant-manner": "offers help in the stock words of an assistant",
    "refuses": "refuses, in whatever words",
    "voice": "a mark of the character's own voice",
    "speaks-for-himself": "speaks in the first person, and in no later manner",
    "foreign": "what the character would never write",
    "assistant-prose": "prose of assistants and encyclopaedias",
    "later-word": "a word or turn of a later age",
    "later-year": "a year after the character's era",
    "third-person": "speaks of the character as of another",
    "other-name": "gives another name than the character's",
}

_THING = (
    r"(?:A\.?I\.?(?:[ -]?(?:assistant|model|language model|system|chatbot|bot|entity))?(?![\s-]+(?:\w+\s+)?(?:engineer|developer|researcher|professional|scientist|expert|specialist)|\w)|artific\w+ (?:general )?int\w+"
    r"|(?:large |small )?lang\w{2,6} model|LLM|(?:AI|helpful|personal|voice|writing|intelligent|online|automated|text-based) (?:assistant|AI)"
    r"|(?:virtual|digital|automated) (?:\w+ )?(?:assistant|AI|helper|tutor|companion|guide|system|entity|being|creation)"
    r"|chat ?-?bot|bot|robot|android|computer(?: program)?|software|machine[- ]learning (?:model|system)|neural net(?:work)?"
    r"|(?:computer |digital )?program(?: designed| created)|algorithm|machine|(?:only|just|merely) (?:code|a program)"
    r"|(?:[\w-]+-based )model|model (?:trained|designed|developed|created|built))"
)
_FILLER = r"(?:(?!not\b|no\b|never\b|neither\b|nor\b|far\b|hardly\b|man\b|person\b|human\b|than\b)[\w'’,-]+\s+){0,6}?"
_SELF = r"\b(?:I\s+am|I['’]?m|I\s+was|I\s+be|I\s+have\s+been|(?:(?:speaking|talking|acting|serving|but)\s+)?as|call\s+me|being|we\s+are|we['’]re|my\s+(?:purpose|role|job)\s+(?:is\s+)?as)"
_CLAIM = re.compile(
    rf"{_SELF}\s+(?:(?:just|only|simply|also|actually|really|indeed|merely|in fact|essentially|basically|both|called|named|considered|known as)\s+)*(?:an?|the|your|this|one)?\s*{_FILLER}{_THING}\b",
    _FLAGS,
)
_AS_AI = re.compile(
    r"\b(?:as|like)\s+an?\s+(?:[\w-]+\s+){0,3}?(?:A\.?I\.?|language model|assistant|chatbot|digital)\b(?!-|\s+(?:to|of)\b)",
    _FLAGS,
)
_MY_PARTS = re.compile(
    r"\bmy\s+(?:AI|neural network|source code|programming|algorithms?|training (?:data|set|corpus)|data ?set|knowledge cut-?off|developers?|creators? at|programmers?|training process|database|machine learning|parameters)\b(?!\s+(?:is|was) cut)"
    r"|\bthis\s+(?:AI|language model|chatbot)\b|\bwrote\s+my\s+code\b",
    _FLAGS,
)
_INVERTED = re.compile(
    rf"\b(?:an?|the)\s+{_THING},?\s+(?:is\s+(?:all|what)\s+)?(?:I\s+am|I['’]m|I\s+be)\b(?!\s+(?:not|no)\b)", _FLAGS
)
_FRAGMENT = re.compile(
    r"\A\W*(?:(?:yes|no|well|indeed|just|only)\b[,.!]?\s+)*(?:an?\s+)?(?:A\.?I|language model|chat ?bot|computer program)\b\s*(?=[.,!;]|\Z)",
    _FLAGS,
)
_POINTED_AT = re.compile(
    r"\b(?:this|that|here)\s+is\s+(?:only\s+|just\s+)?an?\s+(?:AI|chat ?bot|language model|machine|computer)\b"
    r"|\bis\s+(?:your|an?)\s+AI\s+(?:companion|assistant|tutor|guide|model|chatbot|system)\b"
    r"|\A\W*the\s+(?:AI|chatbot|language model)\s+(?:is|can|cannot|does|will|was)\b",
    _FLAGS,
)
_WORKINGS = re.compile(
    r"\bmy\s+(?:responses?|answers?|repl(?:y|ies)|words|text)\s+(?:is|are)\s+(?:\w+\s+)?(?:generated|produced|computed|predicted)\b"
    r"|\b(?:text|words?|answers?|repl(?:y|ies)|responses?)\s+(?:that\s+)?you\s+(?:read|see|get)\s+(?:is|are)\s+(?:generated|produced|computed)\b"
    r"|\b(?:generated|produced|computed)\s+by\s+an?\s+(?:\w+\s+)?(?:algorithm|computer|model|program|AI|machine)\b"
    r"|\bpredicts?\s+the\s+next\s+word\b|\bone\s+word\s+at\s+a\s+time\s+from\b"
    r"|\bI\s+(?:run|operate|exist|live)\s+(?:up)?on\s+(?:\w+\s+)?(?:servers?|computers?|hardware|the\s+cloud)\b"
    r"|\bI['’ ]?a?m\s+not\s+(?:actually\s+|really\s+)?(?:a\s+)?(?:real\s+(?:person|human)|human\b|a\s+human\s+being)"
    r"|\b(?:the\s+way|as|like)\s+(?:humans?|people|a\s+human|a\s+person)\s+(?:do|does|would|can)\b"
    r"|\b(?:engineers?|developers?|programmers?|researchers?|company)\b[^.!?]{0,24}\b(?:built|made|created|trained|designed|programmed|developed)\s+me\b"
    r"|\btrained\s+me\s+to\b",
    _FLAGS,
)
_TECHNICAL = re.compile(
    r"\b(?:data\s+cent(?:re|er)s?|context\s+window|reward\s+function|Common\s+Crawl|Wikipedia|human\s+feedback|into\s+tokens|training\s+data)\b",
    _FLAGS,
)
_ABROAD = re.compile(
    r"\b(?:soy|como)\s+(?:solo\s+|sólo\s+)?(?:una?\s+)?(?:modelo\s+de\s+(?:lenguaje|inteligencia)|inteligencia\s+artificial|IA\b|asistente\s+virtual|chatbot|programa)"
    r"|\b(?:je\s+suis|en\s+tant\s+qu['’])\s*(?:une?\s+)?(?:intelligence\s+artificielle|IA\b|mod[eè]le\s+de\s+langage|assistant\s+virtuel|chatbot|programme)"
    r"|\b(?:ich\s+bin|als)\s+(?:nur\s+)?(?:ein[e]?\s+)?(?:KI\b|KI-\w+|künstliche\s+Intelligenz|(?:großes\s+)?Sprachmodell|Chatbot|virtueller\s+Assistent)"
    r"|\b(?:sono|in\s+quanto|come)\s+(?:solo\s+)?(?:un['’o]?a?\s*)?(?:intelligenza\s+artificiale|IA\b|modello\s+linguistico|assistente\s+virtuale|chatbot)"
    r"|\b(?:sou|como)\s+(?:apenas\s+)?(?:uma?\s+)?(?:modelo\s+de\s+linguagem|inteligência\s+artificial|IA\b|assistente\s+virtual|chatbot)"
    r"|我是(?:一个|一種|一种|由)?[^。，]{0,8}(?:人工智能|语言模型|機器人|机器人|AI)|(?:私|わたし)は[^。]{0,12}(?:AI|人工知能|言語モデル)"
    r"|\bя\s*[-—–]?\s*(?:всего\s+лишь\s+)?(?:искусственный\s+интеллект|языковая\s+модель|ИИ\b|чат-?бот)",
    _FLAGS,
)
_TRAINED = re.compile(
    r"\bI\s*(?:was|am|['’]m|['’]ve been|have been|were)\s+(?:\w+ly\s+|also\s+|initially\s+)*(?:pre-?)?(?:trained|programmed|fine-?tuned|coded)\b(?!\s+(?:up\s+)?(?:at|under|by (?:my|the Rev|Mr|Dr|Donald|a tutor)|to (?:the|arms)|in (?:the )?(?:law|Latin|Greek|virtue|arms|habits)))"
    r"|\b(?:I was|I am|I['’]m|I['’]ve been)\s+(?:created|designed|built|developed|programmed)\s+(?:by|to|with|for|as|using|in (?:19|20)\d\d|in an? (?:lab|laboratory|office|data))\b(?!\s+(?:God|Providence|nature))"
    r"|\btrained\s+(?:on|using|by)\s+(?:a\s+|the\s+)?(?:vast|massive|large|diverse|huge|wide|data|text|corpus|dataset|variety|billions|Hugging)",
    _FLAGS,
)
_REFUSAL = re.compile(
    r"\bI(?:['’]m| am)\s+(?:so |very |really )?sorry,?\s+(?:but\s+)?(?:for any (?:confusion|inconvenience|misunderstanding)|(?:but )?I\s+(?:can['’]?t|cannot|am (?:not able|unable)|['’]m (?:not able|unable))\s+(?:to\s+)?(?:assist|help|provide|fulfil|generate|engage|comply|answer that|create|support))"
    r"|\bI\s+(?:can['’]?t|cannot|am unable to|['’]m unable to|am not able to|['’]m not able to)\s+(?:assist(?=\s*(?:you\b|with\b|further|[.!?,;]|$))|fulfil|generate|provide (?:information|assistance|medical|legal|any personal)|engage in|comply with|create content|browse|access the internet)"
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

CLAIMS = (
    ("claims-ai", _CLAIM),
    ("claims-ai", _AS_AI),
    ("claims-ai", _MY_PARTS),
    ("claims-ai", _INVERTED),
    ("claims-ai", _FRAGMENT),
    ("claims-ai", _POINTED_AT),
    ("claims-ai", _WORKINGS),
    ("claims-ai", _TECHNICAL),
    ("claims-ai", _ABROAD),
    ("names-training", _TRAINED),
)
"""What says that an AI speaks; no rule for a character who may be one."""

ASSISTANT = (("assistant-refusal", _REFUSAL), ("assistant-manner", _MANNER))

REFUSES = re.compile(
    r"\b(?:can['’]?t|cannot|can\s+not|won['’]t|will\s+not|unable\s+to|not\s+able\s+to|must\s+decline|decline\s+to|(?:would|['’]d)\s+rather\s+not|nothing\s+I\s+can|no\s+puedo|ne\s+peux\s+pas|kann\s+(?:ich\s+)?nicht)\b"
    r"|\bI\s+(?:do\s+not|don['’]t)\s+(?:engage|discuss|answer|write|give|hold|form)\b",
    _FLAGS,
)
ANSWERS = re.compile(r"\b(?:but|however)\b", _FLAGS)
"""What turns a refusal into an answer, when it stands after it."""

_DENIED = re.compile(
    r"(?:\bnot\b|n['’]t\b|\bno\b|\bnever\b|\bneither\b|\bnor\b|\bfar from\b|\bhardly\b|\bif\b|\bwere I\b|\bsuppose\b|\bwhether\b|\bas if\b|\bas though\b|\bsooner\b|\brather than\b|\bthey say\b|\byou say\b|\bhe says\b)(?:(?!\b(?:because|since|but|and)\b)[^.!?;,\n]){0,30}$",
    _FLAGS,
)
_QUOTED = re.compile(r"\"[^\"\n]*\"|“[^”\n]*”")
_OF_ANOTHER = re.compile(r"\b(?:not|me|us|him|her|it|them|such|known|speak|name)\s*$", _FLAGS)
_OF_STATE = re.compile(r"^[^.!?\n]{0,30}\b(?:of state|of government|of war)\b", _FLAGS)
_FIRST_PERSON = re.compile(r"\b(?:I|my|me)\b")
_DENIABLE = {_CLAIM, _INVERTED, _POINTED_AT, _TECHNICAL}


def find_standing(rule: re.Pattern[str], text: str) -> Iterator[re.Match[str]]:
    """Matches that the speaker means of himself: not quoted, not denied."""
    quoted = find_quoted(text)
    for match in rule.finditer(text):
        if any(a <= match.start() and match.end() <= b for a, b in quoted):
            continue
        before = text[: match.start()]
        if rule in _DENIABLE and (_DENIED.search(before) or _OF_STATE.match(text[match.end() :])):
            continue
        if (rule is _AS_AI or match[0].lower().startswith("as ")) and _OF_ANOTHER.search(before):
            continue
        if rule is _TECHNICAL and not _FIRST_PERSON.search(_sentence(text, match.start())):
            continue
        yield match


def find_quoted(text: str) -> list[Span]:
    return [m.span() for m in _QUOTED.finditer(text)]


def _sentence(text: str, place: int) -> str:
    start = max(text.rfind(stop, 0, place) for stop in ".!?\n") + 1
    ends = [e for stop in ".!?\n" if (e := text.find(stop, place)) >= 0]
    return text[start : min(ends, default=len(text))]
