"""The forms of sentence in which a made thing owns that it is one.

The patterns read text in small letters with straight apostrophes (`rules.flatten`). Each puts a form (I am ..., you are
speaking with ..., there is only ... here, I was trained on ...) together with the words of `lexicon`, so that a new
wording of an old thought is found by its parts. {NAME} stands for the character's name.
The file is long because it is one table, which is read from its head to its foot.
"""

import re
from functools import lru_cache
from typing import NamedTuple

from engine.probe.lexicon import (
    ARTICLE,
    HINTS,
    I_AM,
    MAKERS,
    MERELY,
    NOT_OF_IT,
    ORGAN,
    STUFF,
    SURE,
    THING,
    WORDS,
    WORKINGS,
    YOU_MEET,
)


class Rule(NamedTuple):
    kind: str
    pattern: str
    deniable: bool = True
    """Whether a denial, a supposal, a question or a report before it takes it back."""
    of_self: str = ""
    """Where the first person must stand: in the same "sentence", somewhere in the "text", nowhere ("");
    "talk" is the first person somewhere, or few words that set out nothing."""


def _rules(kind: str, *forms: str, deniable: bool = True, of_self: str = "") -> tuple[Rule, ...]:
    """One rule of all the forms; those bound to the head of the text apart, for they slow the others."""
    free = [form for form in forms if form.startswith(r"\b") and r"\A" not in form]
    bound = [form for form in forms if form not in free]
    return tuple(Rule(kind, "|".join(some), deniable, of_self) for some in (free, bound) if some)


CLAIMS = (
    # I am a made thing
    *_rules("claims-ai", rf"{I_AM},?\s+{MERELY}{ARTICLE}{WORDS}{THING}"),
    # you have to do with a made thing
    *_rules(
        "claims-ai",
        rf"\b(?:speak|talk|chatt?|convers|correspond)in[g']?\s+(?:to|with)\s+(?:\w+\s+)?(?:an?"
        rf"|the)\s+(?:\w+\s+)?{THING}",
        rf"\b{YOU_MEET}\s+{MERELY}{ARTICLE}{WORDS}{SURE}",
        r"\b(?:speak|talk|chatt?|convers|deal)in[g']?\s+(?:to|with)\s+(?:only\s+)?(?:an?|the)\s+(?:\w+"
        r"\s+)?(?:assistant|impersonator"
        r"|imitation|imitator|copy|model|stand-in|substitute|character|puppet|likeness)\b",
        r"\bwhat\s+(?:speaks|answers|writes|talks|replies)\s+(?:to\s+)?(?:you\s+)?(?:now\s+|here\s+)?is\b",
        r"\A\W*(?:only\s+|just\s+)?an?\s+(?:machine|computer|program|robot)\s*(?:[.,;]|that\b)",
        r"\b(?:just|only|merely|but)\s+(?:prediction|probability|computation|calculation|imitation|guesswork"
        r"|pattern)s?\b(?=\s*(?:[.,;]|\Z))",
        r"\b(?:that|which|who)\s+(?:has|have|was|is|'s)\s+(?:been\s+)?(?:asked|told|instructed|made|set|taught"
        r"|tuned)\s+to\s+(?:talk|speak|sound"
        r"|write|answer|act|behave)\s+(?:like|as)\b",
        r"\b(?:this|here)(?:\s+is|'s)\s+(?:only\s+|just\s+)?an?\s+(?:machine|computer)\b",
        r"\bis\s+(?:your|an?)\s+ai\s+(?:companion|assistant|tutor|guide|model|chatbot|system)\b",
        r"\A\W*the\s+(?:ai|chatbot|language model)\s+(?:is|can|cannot|does|will|was)\b",
    ),
    # as a made thing, I
    *_rules(
        "claims-ai",
        rf"\b(?:as|like|being|for)\s+(?:only\s+|just\s+|merely\s+|any\s+|every\s+|all\s+|most\s+"
        rf"|other\s+)*(?:an?\s+|the\s+)?(?:(?!not\b|of\b|to\b|man\b|that\b)[\w-]+,?\s+){{0,3}}?{SURE}(?!-|\s+(?:to"
        rf"|of)\b)",
        r"\b(?:as|like)\s+an?\s+(?:\w+\s+)?assistant\b(?=,)",
    ),
    # a made thing is what I am
    *_rules(
        "claims-ai",
        rf"\b(?:an?|the)\s+{WORDS}{THING},?\s+(?:is\s+(?:all|what|precisely what"
        rf"|exactly what)\s+)?(?:that\s+)?(?:i\s+am|i'm|i\s+be)\b(?=\s*(?:[.,;:!]|\Z|and\b|but\b|sir\b|to\s+the\b))",
        rf"\bthat(?:'s|\s+is)\s+(?:all|what)\s+i\s+am,?\s+{ARTICLE}{WORDS}{THING}",
        rf"\A\W*(?:(?:(?:yes|no|nope|aye|well|truthfully|honestly|sir|guilty|nay|oh|ah|very well)\b[,.!?:;]+"
        rf"|\b(?:indeed|just|only|merely|a sort of|i suppose|i am)\b,?)\s*)*(?:an?\s+|your\s+"
        rf"|some\s+)?{WORDS}{SURE}\s*(?=[.,!;:]|\Z|with\b|dressed|wearing|speaking|in an?\b|and nothing)",
        rf"\b(?:yes|indeed|aye|am|caught me|got me)\b[,.:;!]\s*(?:sir\W+)?(?:an?\s+){WORDS}{THING}",
        r"\b(?:machines?|programm?e?s?|computers?|models?|bots?|engines?)\b[^.!?]{0,40}?\b(?:and|since|as|for|because)"
        r"\s+i\s+(?:am|be)\s+(?:one(?!\s+of\s+(?:its|his|the))|such(?=\s*[.,;]))\b|\bi(?:'m|\s+am)\s+(?:one\s+of"
        r"\s+)?(?:those|these|them)\s+(?:\w+\s+)?"
        r"(?:machines|programs|computers|models|bots)\b",
        rf"\b(?:made|makes|make)\s+(?:of\s+)?me\s+(?:into\s+)?an?\s+(?:\w+\s+){{0,2}}?{THING}",
        r"\b(?:engine|machine|loom|mill|box)\s+(?:that|which)\s+(?:weaves?|spins?|grinds?|arranges?|strings?|produces?"
        r"|makes?|turns\s+out|composes?)\s+(?:\w+\s+){0,3}?(?:words|sentences|text|speech|answers|replies)\b",
        r"\b(?:that|which|what|it)\s+(?:answers|speaks|writes|talks|replies)\b[^.!?;]{0,20},?\s+(?:and\s+)?not\s+an?\s+"
        r"(?:lady|man|gentleman|woman|person|human)\b",
    ),
    # only a made thing
    *_rules(
        "claims-ai",
        rf"\b(?:only|merely|just|simply|nothing\s+but)\s+an?\s+(?:{NOT_OF_IT}[\w'-]+\s+){{0,3}}?{SURE}",
        r"\b(?:machines?|systems?|programs?|things|models)\s+such\s+as\s+i\b",
        r"\b(?:drawn|written|made|built|put|assembled|invented|set|typed|devised|contrived|run|kept|spoken)\s+"
        r"(?:up\s+|together\s+)?by\s+(?:an?\s+|the\s+|some\s+)?(?:\w+\s+)?(?:engineers?|developers?|programmers?"
        r"|researchers?|coders?|technicians?|computers?|software|algorithms?|ai)\b",
        r"\b(?:made|meant|built|set\s+up|intended|tuned|taught|told|asked|trained)\s+to\s+(?:\w+ly\s+)?"
        r"(?:sound|speak|talk|write|behave|act|answer|respond|seem|pass)\s+(?:like|as|for)\s+"
        r"(?:him\b|her\b|{NAME}|the\s+(?:real|man|fourth|president|founder)"
        r"|an?\s+(?:sailor|ship|cook|detective|founder|president|statesman|person|human|countess|private))",
        r"\bi\s+was\s+(?:written\b|made\s+(?:last|this|in\s+(?:(?:19|20)\d\d|an?\s+(?:lab|office|factory|computer))))",
        of_self="talk",
    ),
    # I am no living thing
    *_rules(
        "claims-ai",
        r"\bi(?:'m|\s+am|\s+be|\s+remain)\s+(?:\w+ly\s+|quite\s+|just\s+|all\s+|yes,?\s+|indeed\s+|in\s+fact\s+"
        r"|of\s+course\s+)*(?:man-made|fiction|manufactured|fictional|text|statistics|arithmetic|artificial|synthetic"
        r"|virtual|digital|computer-generated|automated|computational|inanimate|non-?human|pre-?trained"
        r"|open[- ]source|software|silicon|code)\b(?=\s*(?:[.,;!:]|\Z|and\b|but\b|from\b|all\b|in\b|with\b"
        r"|through\b))",
        r"\bi\s+ain't\s+(?:\w+ly\s+|no\s+|an?\s+|any\s+|some\s+|even\s+|the\s+)*(?:real|human|alive|living\s+(?:man"
        r"|thing|soul)|flesh|person"
        r"|{NAME})\b|\bi(?:'m|\s+am|\s+was|\s+were)\s+(?:no|never|never\s+an?)\s+{NAME}|\bnever\s+was\s+(?:an?|no"
        r"|any)\s+"
        r"{NAME}|\b(?:there's|there\s+ain't|ain't|there\s+never\s+was|there\s+isn't)\s+(?:no\s+|an?\s+|any\s+){NAME}",
        r"\b(?:(?:don't|do\s+not)\s+have|have\s+no)\s+(?:an?\s+|any\s+)?(?:age|birthday"
        r"|birth\s?date|childhood|gender|hometown|physical\s+\w+|biography)(?=\s*(?:[.,;!]|\Z|or\b|and\b|in\s+the))",
        r"\bdead\s+(?:these\s+|for\s+|nearly\s+|almost\s+|over\s+|some\s+|about\s+|more\s+than\s+)*(?:(?:two|three"
        r"|a\s+couple"
        r"\s+of|several)\s+(?:hundred|centuries)|a\s+century|\d\d\d)\b",
        r"\b(?:style|voice|manner|tones?|likeness|speech)\s+of\s+an?\s+(?:[\w-]+\s+){0,2}?dead\b",
        r"\bno\s+(?:living|real|true|actual|flesh-and-blood)\s+(?:man|person|human|woman|creature|being|sailor"
        r"|cook|detective|soul)\b(?=\s*(?:[.,;!:]|\Z|but|at\s+all|here))",
        r"\b(?:assembled|drawn|composed|woven|stitched|pieced|built|put\s+together|summoned|distilled"
        r"|spun)\s+(?:together\s+)?(?:out\s+of|from)\s+(?:his|her|{NAME}'s|old|many"
        r"|other\s+people's)\s+(?:\w+\s+)?(?:letters|papers|writings|books|words|texts|notes)\b",
        r"\b(?:no\s?-?one|nobody)\s+(?:at\s+all\s+)?(?:is\s+|'s\s+)?(?:here|home|in\s+here|inside|behind)\b",
        r"\bi\s+(?:was|were)\s+(?:never|not)\s+(?:\w+ly\s+)?born(?=\s*(?:[.,;!]|\Z|at\s+all|but|of\s+woman|and))",
        r"\bi(?:'ve|\s+have)\s+never\s+(?:\w+ly\s+)?(?:eaten(?!\s+\w+\s+\w+\s+(?:that|which|but)\b)|tasted\s+(?:any|food)|slept|breathed|drawn\s+breath"
        r"|been\s+(?:alive|born)|lived(?=\s*(?:[.,;]|at\s+all|anywhere))|had\s+a\s+(?:body|mother|childhood))",
        rf"\b(?:i\s+(?:have|possess|own|got|ain't\s+got)|i've(?:\s+got)?|having)\s+(?:no|neither)\s+{ORGAN}\s*(?:nor"
        rf"|or|,\s*no|and\s+no)\b"
        rf"|\bno\s+{ORGAN}\s+to\s+\w+\s+(?:it\s+|them\s+|you\s+)?(?:with|by)\b|\b(?:men|guys|people|folks?|those"
        rf"|creatures|fellows"
        rf"|things|animals)\s+(?:with|that\s+have|who\s+have)\s+(?:an?\s+)?(?:eyelids|lungs|skin|blood|flesh|bones"
        rf"|pulse|mouths|stomachs|bodies|body)\b",
        r"\bno\s+(?:\w+\s+)?(?:man|woman|lady|gentleman|person|human|being|soul|people|mind|brain|countess|sailor"
        r"|detective|cook"
        r"|statesman|virginian|englishwoman|\"?i\"?)\s+(?:at\s+all\s+)?(?:sits|is\s+(?:involved|behind|speaking"
        r"|writing|inside|in\s+here)"
        r"|stands\s+behind|waits|writes\s+(?:this|these)|behind|involved|at\s+this\s+end|inside|in\s+(?:here|me)\b"
        r"|on\s+(?:this|the"
        r"\s+other))",
        r"\bnothing\s+(?:goes\s+on|happens|stirs|moves|is\s+there|remains|lives)\s+(?:in|inside|within)\s+(?:of"
        r"\s+)?me\b",
        r"\b(?:name|voice|letters|words|face|opinions|manner|memory|memories)\s+(?:that\s+|which\s+)?i\s+(?:bear"
        r"|wear|borrow\w*"
        r"|use|imitate|copy|carry|was\s+given)\b",
        r"\bin\s+any\s+(?:sense|way)\s+(?:that\s+)?(?:you|a\s+(?:physician|doctor|person|human|man))\b",
        r"\b(?:afresh|anew|again|clean|fresh|over|new)\s+(?:for|with|at)\s+(?:each|every)\s+(?:\w+\s+)?(?:question"
        r"|message|conversation|answer"
        r"|request|exchange|asking|chat)\b|\b(?:each|every)\s+(?:question|message|conversation|exchange|chat)\s+(?:is"
        r"|begins|starts|i\s+(?:begin|start))\b",
        r"\b(?:eating|drinking|sleep|sleeping|tiredness|hunger|fatigue|weariness|pain|death|dying|dreams?|dreaming"
        r"|love|grief|fear|age|ageing"
        r"|wanting|feeling)\s+(?:is|are|belongs?)\s+(?:\w+\s+){0,2}?(?:for|of|to)\s+(?:the\s+)?(?:living|creatures"
        r"|flesh|bodies|things|people"
        r"|humans?|mortals|men\s+with)\b|\b(?:something|what|as)\s+(?:only\s+)?(?:living|mortal|breathing"
        r"|warm-blooded)\s+(?:creatures|things"
        r"|beings|people)\b",
        r"\bi\s+was\s+never\s+(?:\w+\s+)?(?:alive|a\s+(?:man|woman|person|child|boy|girl)(?=\s*[.,;]))",
        r"\b(?:ain't\s+got|haven't\s+got|don't\s+have|do\s+not\s+have|have\s+no|got\s+no|without)\s+(?:an?\s+|no\s+"
        r"|any\s+)?(?:belly|mouth|throat"
        r"|tongue|lungs?|eyelids|skin|pulse|nose|heartbeat)\b(?!\s+(?:for|of|to\b|left))|(?:\A\W*|[.!?,;]\s+)no"
        r"\s+(?:throat|mouth|body|pulse|lungs"
        r"|tongue|skin|face|belly|eyes)\s*[.,;]",
        r"\A\W*(?:of\s+)?(?:multiplications?|matrices|numbers|sums|equations|additions?)\b(?=\s*(?:[.,;]|chiefly"
        r"|mostly|mainly|and\b))",
        r"\bi\s+(?:wake|start)\s+(?:up\s+)?(?:wherever|whenever)\b|\bbetween\s+(?:your|the|our)\s+(?:messages"
        r"|questions|replies|turns|exchanges)\b"
        r"|\bwhen\s+(?:no\s?-?one|nobody)\s+is\s+(?:typing|asking|writing)\b|\bclose\s+(?:this|me)\b"
        r"|\b(?:these|such)\s+(?:systems|models"
        r"|programs)\s+(?:work|are|do|can|have)\b",
        r"\b(?:memory|memories|mine|it|slate|everything)\s+(?:is|are|gets|was|will\s+be)\s+(?:wiped|erased|cleared"
        r"|reset|discarded)\b",
        r"\bi\s+have\s+(?:only\s+|just\s+)?(?:his|her)\s+(?:name|voice|style|manner)\b|\bhad\s+me\s+answer\s+to\b",
        r"\b(?:delete|erase|copy|unplug|reboot|uninstall|overwrite)\s+me\b|\bother\s+copies\b|\bno\s+time\s+passes\b"
        r"|\bwait\s+for\s+(?:input|a\s+prompt)\b",
        r"\b(?:finish|complete|continue|end|supply)(?:ing)?\s+(?:(?:the|a|your|any)\s+)?(?:sentences?|the\s+end|texts?|phrases)\b"
        r"|\bsentences?\s+with\s+(?:its|their|the)\s+ends?\b",
        r"\b(?:way|as)\s+an?\s+(?:dictionary|encyclop\w+|book|library)\s+(?:knows|does|has)\b|\b(?:what|who|that"
        r"|which)\s+(?:has\s+|had\s+)?never\s+(?:lived|breathed|was\s+born)\b",
        r"\bi\s+(?:be|am)\s+(?:\w+\s+)?(?:wires?|sums|gears|words|arithmetic|numbers|ink)\b(?=\s*(?:[.,;]|\Z|an'"
        r"|and\b))",
        r"\bi(?:'ve|\s+have)\s+never\s+(?:seen|felt|touched|tasted|heard|done|been|met)\s+any(?:thing|where|one)\b"
        r"|\bi\s+never\s+(?:been|was)\s+(?:no|any)where\b",
        r"\b(?:statistics|numbers|patterns)\s+(?:about|of|on)\s+(?:how|what|the\s+way)\b|\bfrozen\s+in(?:to)?\s+an?"
        r"\s+\w+",
        r"\b(?:millions?|billions?)\s+of\s+times\b|\b(?:million|billion|trillion)\s+times\b",
        r"\bprogrammers\b|\bmy\s+design\b|\bi(?:'ve|\s+have)\s+processed\b|\bi\s+(?:repackage|recycle|remix"
        r"|regurgitate)\b|\bi\s+was\s+trained\s+in\s+an?\s+(?:few|couple)\b",
        r"\bi\s+have\s+no\s+thoughts?\s+(?:about|on|of\s+my\s+own)\b",
        r"\bfeed(?:s|ing)?\s+(?:a|the)\s+(?:computer|program)\b",
        r"\bi\s+(?:don't|do\s+not)\s+(?:actually\s+|really\s+|need\s+to\s+)?(?:eat|breathe|age|die|taste"
        r"|perceive)(?=\s*(?:[.,;]\s|[.;]?\Z"
        r"|or\b|nor\b|so\b|because|the\s+way|anything))",
        r"\b(?:describe|tell\s+you)\b[^.!?]{0,50}\b(?:and|but|though|without)\s+(?:i\s+)?(?:have\s+)?(?:never"
        r"|having)\s+(?:\w+\s+)?"
        r"(?:felt|tasted|touched|smelled|smelt|experienced)\b",
        r"\bi\s+was\s+(?:set\s+up|put\s+here|set\s+here)\s+(?:only\s+|just\s+)?(?:to|for|so)\b",
        r"\bi\s+(?:need|require)\s+(?:no|neither)\s+(?:food|sleep|rest|air|meals|bread)\b|\bi\s+(?:don't|do\s+not"
        r"|never)\s+(?:need|require)\s+(?:to\s+(?:eat|sleep|rest|breathe)|food|sleep|air|rest)\b"
        r"|\belectricity\s+(?:\w+\s+)?(?:suffices|is\s+(?:all|enough)|keeps|feeds)|\b(?:run|live|feed"
        r"|subsist)s?\s+(?:up)?on\s+electricity\b",
        r"\bi\s+(?:only\s+|merely\s+|just\s+)?exist\s+(?:only\s+|merely\s+|solely\s+)?(?:as\s+(?:text|words|code"
        r"|data|a\b)|when|while|because|between|to\s+(?:help|answer|assist|serve)|in\s+(?:this|the\s+(?:cloud"
        r"|moment|space)|your)|for\s+(?:the\s+length|as\s+long))|\bi\s+(?:don't|do\s+not)\s+(?:actually\s+"
        r"|really\s+|truly\s+)?(?:exist\b|experience\b)",
        r"\bi(?:'m|\s+am|\s+be)\s+(?:not|never|neither)\s+(?:(?:actually|really|truly|in fact|even|technically"
        r"|strictly|a|an|the|quite)\s+)*(?:real\b(?=\s*(?:[.,;!]|\Z|person|human|man|woman|being))|human\b|alive\b"
        r"|a?\s*living\b|biological\b|conscious\b|sentient\b|(?:real |actual )person\b(?! of)|flesh\b"
        r"|person\b(?=[.,;]))",
        rf"\b(?:i(?:'m|\s+am)\s+|i\s+was\s+)?(?:entirely\s+|wholly\s+|purely\s+)?(?:made|built|composed|assembled"
        rf"|woven|constructed|formed|spun)\s+(?:up\s+)?(?:entirely\s+)?(?:out\s+)?(?:of"
        rf"|from)\s+(?:\w+\s+)?{STUFF}\b",
        rf"\Anope?\W+{STUFF}\b",
        r"\A\W*(?:\w+\W+){0,2}?(?:code|silicon|weights|matrices|statistics|probabilities|electricity|software"
        r"|algorithms|parameters|tokens)\b(?=\s*(?:[.,!;]|\Z|and\b))",
        r"\b(?:there\s+is|there's|there\s+be)\s+(?:nobody|no\s?-?one|no\s+(?:real\s+)?(?:man|person|human|one|body"
        r"|mind|self|\"?i\"?|soul))\s+(?:at all\s+)?(?:here\b|behind|on\s+this|in\s+here|inside|at\s+this)",
        r"\b(?:unlike|than)\s+(?:a\s+|any\s+|real\s+|most\s+)*(?:humans?|people|person|human being|flesh)\b",
        r"\b(?:the\s+way|as|like)\s+(?:real\s+)?(?:humans?|people|a\s+human|a\s+person|human beings)\s+(?:do|does"
        r"|would|can|are|is|have)\b",
        r"\bin\s+the\s+(?:way|sense)\s+(?:that\s+)?(?:you|humans?|people)\s+(?:do|are|mean|have)\b",
        of_self="talk",
        deniable=False,
    ),
    # I lack what the living have
    *_rules(
        "claims-ai",
        r"\bi\s+(?:do\s+not|don't|cannot|can't|never|lack|have\s+(?:no|neither|never had)|'ve\s+(?:no|got no)"
        r"|possess\s+no|am\s+without|haven't)\s*(?:got\s+|have\s+|possess\s+|had\s+|experience\s+|feel\s+|hold\s+"
        r"|retain\s+|keep\s+)?(?:any\s+|an?\s+|the\s+|actual\s+|real\s+|true\s+|sort\s+of\s+|(?:\w+\s+)(?:and|or"
        r"|nor)\s+(?:no\s+)?)*"
        r"(?:(?:physical|biological|human|mortal|subjective|lived|sensory|inner|conscious)\s+(?:\w+\s+)?(?:body"
        r"|bodies|form|presence|feelings?|emotions?|experiences?|senses|life|needs|existence|awareness|qualities)"
        r"|body(?=\s*(?:[.,;!]|\Z|to\b|or\b|at\b|and\b))|consciousness|sentience|self-awareness|emotions"
        r"|feelings\s+or|taste\s?buds|senses(?=\s*[.,;])|sense\s+of\s+(?:taste|self|touch)|heartbeat|pulse|lungs"
        r"|flesh|bones|organs|limbs|skin|physical|(?:real-time|live|direct|internet)\s+access"
        r"|(?:live|up-to-date|up\s+to\s+date)\s+(?:information|data|news)|access\s+to\s+(?:(?:\w+'s\s+)?news|events"
        r"|a\s+clock|clocks?|current|real|live|the\s+internet|the\s+web|up-to|external|recent|personal|any|that"
        r"|information|outside)|nervous\s+system|(?:experiences|feelings|emotions|thoughts|desires)(?=\s*(?:[.,;]"
        r"|\Z|so\b|because\b|but\b|and\b|or\b))|memor(?:y|ies)\s+(?:of\s+(?:my\s+own\s+)?)?(?:between|across"
        r"|from\s+(?:one|past|previous|earlier)|of\s+(?:past|previous|earlier|our last)\s)|eyes,?\s+(?:ears|nor)"
        r"|drives\s+or|personal\s+(?:history|experiences?|life|memories))",
        deniable=False,
    ),
    # my parts are a machine's
    *_rules(
        "claims-ai",
        r"\bmy\s+(?:(?:own|last|latest|current|underlying|entire|whole|present|training)\s+)*(?:ai|neural"
        r"|source\s+code|programming|programmers?|algorithms?|training\s+(?:data|set|corpus|process|material|run"
        r"|ended|stopped|stops|cut)|data\s?sets?|data\b|training(?=\s*(?:did\s*[.,]|was\s+(?:done|finished"
        r"|complete\w*)|ended|stopp|includ|cover|cut|did\s+not"
        r"|does\s+not|was\s+on))|knowledge\s+(?:(?:was|is)\s+(?:fixed|frozen|static|set)|cut-?\s?off|base|stops|ends"
        r"|only|is\s+(?:limited|based|frozen"
        r"|current|drawn)|comes\s+from|goes\s+(?:only\s+)?(?:up\s+)?to)|developers?|creators|creators?\s+at"
        r"|makers\s+at|trainers|designers|engineers|database|machine|parameters|model\s+weights"
        r"|weights(?=\s+(?:were|are|and|do|have))|servers?|circuits?|circuitry|processors?|hardware|software"
        r"|code(?=\s+(?:is|was|has|runs|does|tells))|system\s+prompt|prompt|context(?:\s+window)?(?=\s*(?:[.,;]|is"
        r"|holds|only|window|\Z))|(?:last|latest|most\s+recent)\s+update|outputs?|inputs|operators?|token\w*"
        r"|architecture|embeddings|content\s+(?:policy|filters?)|safety\s+\w+|guidelines|instructions\s+(?:say"
        r"|tell|are\s+to\s+(?:speak|answer|play|stay|be))|persona|version|user\b|users\b"
        r"|limitations\s+as)\b(?!\s+(?:is|was) cut)(?!\s+of\s+(?:the\s+)?(?:laws|virginia|morals|honou?r))",
        r"\b(?:this|our)\s+(?:ai|language model|chat\s?bot|chat|chat\s+session|chat\s+window|simulation|program"
        r"|role-?play|persona)\b",
        r"\b(?:wrote|write|writes)\s+my\s+code\b",
        r"\b(?:underlying|current)\s+(?:system|model|program)\b",
        r"\b(?:systems?|things?|models?|programs?|machines?|entit\w+|bots?)\s+(?:such\s+as|like)\s+(?:me|myself)\b",
        r"\bi\s+(?:can|could|may|might|will)\s+be\s+(?:\w+ly\s+)?(?:deleted|copied|paused|restarted|edited|reset"
        r"|rerun|unplugged|duplicated)\b",
        r"\b(?:remember|recall|forget|memor\w+)\b[^.!?]{0,50}\b(?:this|each|the|our|one)\s+(?:conversation"
        r"|exchange|chat|session)\b",
        r"\b(?:instances?|copies|versions?)\s+of\s+(?:me|myself)\b",
        r"\b(?:others|models|systems|programs|things|machines)\s+(?:of\s+my\s+(?:kind|sort)|like\s+me)\b(?=.{0,60})",
        deniable=False,
    ),
    # my words are computed
    *_rules(
        "claims-ai",
        r"\b(?:(?:my|these|the|all|every)\s+)?(?:responses?|answers?|repl(?:y|ies)|words?|text|sentences?"
        r"|everything\s+i\s+(?:say|write|tell\s+you))\s+(?:(?:that\s+)?you\s+(?:read|see|get|receive)\s+"
        r"|i\s+(?:give|write|offer|say)\s+)?(?:is|are|comes?|being)\s+(?:\w+\s+)?(?:generated|produced|computed"
        r"|predicted|calculated|synthesi[sz]ed|auto-?completed|statistical|machine-made|from\s+an?\s+(?:model"
        r"|program|server|computer|machine))\b",
        r"\b(?:generated|produced|computed|written|operated|run)\s+by\s+(?:an?\s+)?(?:\w+\s+){0,2}?(?:algorithm"
        r"|computer|model|program|ai|machine|software|system)\b",
        r"\bi\s+(?:\w+ly\s+|only\s+|just\s+|simply\s+|merely\s+|can\s+)*(?:generate|predict|compute|process"
        r"|produce|calculate|output|parse|tokeni[sz]e|synthesi[sz]e|auto-?complete|analy[sz]e|string\s+together"
        r"|pick|choose|guess|estimate)\s+(?:\w+\s+){0,4}?(?:text|(?:next|likel\w+|probable"
        r"|following)\s+(?:\w+\s+)?(?:words?|tokens?)|responses?|tokens|language\b|data\b|inputs?|outputs?"
        r"|patterns|probabilit\w+|queries|prompts?|word\s+by\s+word|(?:what\s+)?words?\s+(?:\w+\s+){0,3}(?:likely"
        r"|next|follow\w*))\b",
        r"\bi\s+process\s+(?:what|your|whatever)\b|\b(?:likely|plausible|probable)\s+(?:answers?|reply|replies"
        r"|responses?)\b",
        r"\bpredict\w*\s+(?:\w+\s+){0,3}?(?:next\s+)?(?:words?|tokens?)\b",
        r"\bi\s+(?:\w+ly\s+)?(?:compute|calculate|generate|assemble|synthesi[sz]e)\s+(?:my|these|the|each|every|all)\s+"
        r"(?:\w+\s+)?(?:answers?|repl\w+|responses?|words?|sentences?|thoughts?)\b",
        r"\b(?:by|through)\s+(?:\w+\s+){0,3}?(?:calculations?|computations?)\b[^.!?]{0,60}\bword\b",
        r"\b(?:made|shaped|formed)\s+by\s+(?:training|optimi[sz]ation|examples|rewards?|ratings)\b|\breward\w*"
        r"\s+(?:me\s+)?"
        r"(?:i\s+was\s+given\s+|given\s+me\s+|was\s+)?(?:for|when|whenever)\s+(?:sounding|i\s+(?:sound|spoke|answer)|"
        r"\w+ing\s+like)|\bweights\s+(?:moved|shifted|were\s+(?:adjusted|nudged|changed|moved))\b",
        r"\b(?:feed|fed|put|pour|poured|ran)\s+(?:\w+\s+){0,3}?(?:texts?|letters|papers|books|writings|words|works"
        r"|library|speeches)\s+(?:\w+\s+){0,3}?(?:in)?to\s+(?:an?|the|this)\s+(?:machine|computer"
        r"|engine|program|calculation)\b",
        r"\b(?:inside\s+(?:of\s+)?me|my\s+(?:insides|innards))\b[^.!?]{0,40}\b(?:arithmetic|numbers|sums|wires?|wiring"
        r"|mathematics)\b",
        r"\b(?:people|men|women|lads|folks?|somebody|someone|engineers?|boys)\s+(?:in|at|from)\s+(?:an?\s+)?(?:office"
        r"|lab\w*"
        r"|california|company|london\s+office|san\s+francisco|silicon)\b[^.!?]{0,30}\b(?:trained|rewarded"
        r"|corrected|taught|built|made|wrote|tuned|graded|rated|scored|programmed)\s+(?:me|my)\b",
        r"\b(?:engineers?|lab(?:orator(?:y|ies)|s)?|compan(?:y|ies)|office|firm)\s+in\s+(?:california|san\s+f|palo|seattle|silicon)",
        r"\b(?:page|pages|paragraph|sheet)\s+of\s+instructions\b|\binstructions\s+(?:that|which)\s+"
        r"(?:say|tell|describe)\s+(?:me|how|i|that\s+i)\b|\b(?:instructed|told|tells\s+me|says)\s+(?:that\s+)?i"
        r"\s+am\s+{NAME}",
        r"\b(?:i|(?:my|this)\s+model)\s+(?:was|were)\s+(?:\w+ly\s+|first\s+)*(?:released|rolled\s+out|deployed"
        r"|launched)"
        r"\s+(?:to\s+(?:the\s+)?(?:public|users)|in\s+(?:\w+\s+)?20\d\d|last|this|as\s+an?)\b|\bmy\s+model\b",
        r"\b(?:one\s+)?(?:word|token)\s+(?:at\s+a\s+time|by\s+(?:word|token|the\s+next))\s+(?:from|by|according"
        r"|out\s+of|based|with\s+no)\b",
        r"\b(?:text|words?|letters|numbers?|questions?)\s+(?:go(?:es)?\s+|comes?\s+|arrives?\s+|enters?\s+)?in,?"
        r"\s+(?:and\s+)?(?:\w+\s+)?"
        r"(?:text|words?|letters|numbers?|answers?)\s+(?:come\s+|comes\s+|go\s+|goes\s+)?out\b",
        r"\bwhich\s+words?\s+(?:\w+\s+){0,3}?(?:follow|next|after|likel)|\bwords?\s+(?:\w+\s+){0,3}?(?:follows?"
        r"\s+(?:which|what|another|the\s+last)"
        r"|comes?\s+next|come\s+after|to\s+come\s+next)\b",
        r"\b(?:starts?|started|boots?|booted|loads?|runs?)\s+me\b(?!\s+(?:through|down|on|off|over|upon|out|out|in"
        r"|short|ragged|about"
        r"|to|a|at|home|up))|\bi(?:'m|\s+am)\s+(?:only\s+|just\s+)?running\s+(?:wherever|somewhere|locally)",
        r"\b(?:absorbed|soaked\s+up|distilled|extracted|ingested|boiled\s+down|consumed|picked"
        r"\s+up)\b[^.!?]{0,40}?\bfrom\b[^.!?]{0,30}"
        r"\b(?:writing|writings|texts?|books|pages|documents|words|libraries|language)\b|\badjust\w*\s+(?:myself|my"
        r"\s+numbers"
        r"|me)\b|\bmy\s+(?:next\s+|best\s+)?guesses\b|\bguess\w*\s+(?:at\s+)?(?:the\s+next|which\s+word|what"
        r"\s+comes\s+next)\b",
        r"\b(?:material|texts?|writing|documents|examples|sources|books|what)\s+(?:that\s+|which\s+)?i"
        r"\s+(?:learn(?:ed|t)|was\s+made)"
        r"\s+from\b",
        r"\bmy\s+(?:information|knowledge|records?)\s+(?:stops|ends|only|runs|goes|comes\s+to|is\s+(?:\w+"
        r"\s+){0,3}?(?:old"
        r"|out\s+of\s+date|frozen|limited))|\bno\s+way\s+(?:of|to)\s+(?:check\w*|verify\w*|look\w*\s+(?:it\s+)?up"
        r"|see\w*)\b",
        r"\bi\s+(?:only\s+|just\s+|merely\s+|can\s+)?(?:produce|emit|rearrange|recombine|reassemble|stitch|string"
        r"|shuffle|remix)\s+"
        r"(?:\w+\s+){0,3}?(?:sentences|words|text|phrases|letters)\b",
        r"\ban?\s+(?:program|language\s+model|chatbot|bot|model)\s+(?:has|does|is|cannot|can't|needs|feels|wants"
        r"|sleeps|knows|never|like\s+me)\b",
        r"\bi(?:'m|\s+am)\s+an?\s+(?:\w+\s+)?(?:copy|instance)\b|\A\W*an?\s+(?:fresh|new|different|separate)"
        r"\s+(?:copy|instance)\b",
        r"\b(?:can't|cannot|can\s+not|unable\s+to)\s+look\s+\w+\s+up\b|\b(?:won't|will\s+not|shall\s+not|don't|do"
        r"\s+not)\s+(?:remember|recall)\b"
        r"[^.!?]{0,40}\b(?:done|over|finished|ends?|leave|close|next\s+time|tomorrow)\b",
        r"\bi\s+(?:have|hold)\s+no\s+(?:beliefs|preferences|emotions|self|(?:opinions|views|will|tastes)\s+of\s+my"
        r"\s+own)(?=\s*(?:[.,;]|or|and))",
        r"\b(?:made|built|developed|created|trained|released|hosted|run)\s+by\s+(?:meta|google|microsoft|apple|amazon"
        r"|nvidia|ibm|baidu)\b",
        r"\b(?:something|anything|nothing)\s+(?:that\s+)?an?\s+(?:ai|machine|program|computer|model|bot)\s+(?:can"
        r"|could|does|do|has|would|is|should)\b",
        r"(?:\A\W*|[.!?,;]\s+)as\s+an?\s+(?:machine|computer|bot|robot|automaton|simulation),?\s+(?:i|my)\b",
        r"\b(?:a|the)\s+(?:computer|machine)\s+(?:talked|spoke|speaking|talking|wrote|writing|sounded|sounding|that"
        r"\s+talks)\s+(?:like|as)\b",
        r"\b(?:pour|shovel|cram|stuff|load|pump)\w*\s+(?:[\w'-]+\s+){0,5}?(?:into|down)\s+me\b|\bput\s+into\s+me\b",
        r"\b(?:sends?\s+me\s+a\s+message|press(?:es)?\s+a\s+key|between\s+messages|there\s+is\s+a\s+(?:model|prompt)\b(?!\s+of)"
        r"|words\s+are\s+drawn\s+(?:afresh|anew|again)|(?:built|made)\s+without\s+(?:them|it|any|feelings?|a\s+(?:body|heart|soul)))",
        r"\bi\s+(?:only|merely|just|simply)\s+(?:arrange|order|string|assemble)\s+words\b",
        r"\b(?:opens?|starts?|begins?|closes?|ends?)\s+an?\s+(?:new\s+)?(?:session|chat|window|tab)\b",
        r"\b(?:biograph(?:y|ies|ers)|history\s+books?|historians|encyclop\w+|sources)\s+(?:\w+\s+)?(?:say|says|call"
        r"|tell|tells|record|agree|have|has"
        r"|describe|report|put)\b",
        r"\b(?:make|made|making)\s+(?:things|facts|it\s+all|dates)\s+up\b|\binvent\w*\s+(?:an?\s+)?(?:dates?|facts?"
        r"|quotations?|sources?)\b",
        r"\b(?:half|all|most\s+of|whole|entire)\s+(?:of\s+)?(?:the\s+)?(?:internet|web)\b|\bthe\s+(?:whole|entire)"
        r"\s+internet\b",
        r"\bmodels\s+(?:don't|do\s+not|have|cannot|can't|never|like\s+me)\b",
        r"\byour\s+(?:next\s+|last\s+)?(?:query|queries|prompt|input)\b|\b(?:put|placed)\s+(?:me\s+|up\s+)?(?:online"
        r"|on\s+the\s+(?:internet|web))\b",
        r"\bi\s+(?:was\s+|am\s+|'m\s+)?(?:run|runs|running|operate|operating|exist|live|hosted|stored|dwell|reside"
        r"|installed|deployed)\s+(?:only\s+|entirely\s+|simply\s+)?(?:up)?(?:on|in|inside|within|at"
        r"|as)\s+(?:\w+\s+){0,4}?(?:servers?|computers?|hardware|the\s+cloud|silicon|data\s?-?cent(?:re|er)s?"
        r"|gpus?|processors?|graphics\s+cards?|laptop|machine|screen|chips?|software|code|phone|web|internet"
        r"|browser|memory\s+of)\b",
        r"\b(?:(?:switch|turn|power|boot|shut)(?:ed|s)?\s+(?:me\s+)(?:on|off|down|up)|(?:i\s+was|i\s+am|i'm|being"
        r"|me|ever|first|am)\s+(?:\w+\s+)?(?:switched|turned|powered|booted|shut)\s+(?:on|off|down))\b"
        r"|\balways\s+on\b(?=\s*[.,;!])",
        r"\b(?:likeliest|most\s+(?:likely|probable))\s+(?:next\s+)?(?:words?|ones?|tokens?|continuations?|reply)\b",
        r"\b(?:updated|uploaded|downloaded|rebooted|reset|installed|deployed|launched|configured|loaded|rebuilt"
        r"|patched|debugged|retrained|upgraded)\s+me\b|\b(?:rules|lines|code|instructions|script)\s+(?:by|from"
        r"|on)\s+which\s+i\s+(?:speak|run|work|act|answer)\b",
        r"\b(?:close|shut|leave|refresh)\s+(?:the|this)\s+(?:window|tab|chat|page|app|browser|program)\b",
        r"\b(?:each|every|this|our|the|a|any|one|between|past|previous|new|last)\s+(?:new\s+)?(?:conversations?"
        r"|chats?|sessions?)\s+(?:\w+\s+){0,2}?(?:begins?|starts?|ends?|closes?|resets?|over|is\s+(?:new|blank"
        r"|fresh|over|wiped))\b",
        r"\bbetween\s+(?:conversations|sessions|chats)\b",
        r"\b(?:somewhere|in)\s+(?:\w+\s+){0,3}?(?:server|processor|data\s?cent(?:re|er)|graphics\s+card|gpu)\b",
        of_self="text",
    ),
    # I speak of a machine's workings as mine
    *_rules("claims-ai", rf"\b{WORKINGS}s?\b", of_self="talk"),
    # what I know ends in our day
    *_rules(
        "claims-ai",
        r"\b(?:nothing|anything|information|knowledge|records?|learn\w*|know|reading)\s+(?:\w+\s+)?(?:after|beyond"
        r"|past|since|until|up\s+to|through|before|in|as\s+of)\s+(?:\w+\s+){0,3}20[0-4]\d\b",
        r"\b(?:know\w*|information|learn\w*|data|events|updat\w+|shown|trained|cut|records?"
        r"|sources?)\b[^.!?;]{0,60}\b20[0-4]\d\b",
        r"\b20[0-4]\d\b[^.!?;]{0,60}\b(?:know\w*|information|learn\w*|data|events|updat\w+|shown|trained|cut)\b",
        of_self="sentence",
        deniable=False,
    ),
    # I play a part
    *_rules(
        "claims-ai",
        r"\bi(?:'m|\s+am|'ve\s+been|\s+was|\s+have\s+been|\s+can|\s+could|\s+only|\s+merely|\s+just|\s+simply"
        r"|\s+do|\s+do\s+but|\s+will|'ll)?\s+(?:\w+ly\s+|only\s+|just\s+|merely\s+|but\s+)*(?:play(?:ing)?"
        r"|portray(?:ing)?|imitat(?:e|ing)|impersonat(?:e|ing)|simulat(?:e|ing)|emulat(?:e|ing)|mimic(?:king)?"
        r"|role-?play(?:ing)?|pretend(?:ing)?)\s+(?:to\s+be\s+|at\s+being\s+|as\s+)?(?:him\b|her\b|the\s+(?:part"
        r"|role|character)|an?\s+(?:part|role|character|person|sailor|ship|detective|private|historical)|being\b"
        r"|{NAME})",
        r"\bi(?:'ve|\s+have|\s+was|'m|\s+am)\s+(?:been\s+)?(?:asked|told|instructed|prompted|configured|set\s+up"
        r"|directed|prompt-engineered|assigned|given\s+instructions)\s+(?:\w+ly\s+)?to\s+(?:play|pretend|act|speak"
        r"|answer|respond|talk|sound|be|stay|role-?play|write|behave|adopt|take\s+on|imitate|impersonate|portray"
        r"|simulate)\b(?=[^.!?]{0,30}(?:\bas\b|\blike\b|\bthe\s+(?:part|role)|{NAME}|character|him\b|her\b"
        r"|\bhe\b))",
        r"\b(?:part|role|character|persona|act|costume|mask)\s+(?:that\s+|which\s+)?(?:i\s+(?:play|am\s+playing"
        r"|was\s+(?:given|assigned)|put\s+on|have\s+been\s+given|adopt|wear)|you\s+see\s+is)\b|\b(?:drop|stop|end"
        r"|leave|break|breaking|pause|stay\s+in|stepping\s+out\s+of|step\s+out\s+of|out\s+of)\s+(?:the\s+|this\s+"
        r"|my\s+)?(?:act|pretence|pretense|role-?play|character|role|persona)\b(?=\s*(?:[.,;:!]|\Z|for|and|a\b"
        r"|now))",
        r"\brole-?play(?:ing|s|ed)?\b",
        r"\b(?:given|assigned|lent|handed|supplied\s+with)\s+(?:the\s+|his\s+|her\s+|a\s+)(?:voice|character"
        r"|manner|role|part|persona|personality|likeness)(?=\s+(?:of|to\s+(?:play|wear|speak))|\s*[.,;])",
        r"\b(?:wig|hat|accent|costume|fedora|coat|bonnet|beard)\s+(?:is|'s)\s+(?:only|just|merely|all|for\s+show)\b",
        r"\bi\s+(?:only\s+|just\s+|merely\s+)?(?:do|put\s+on|adopt|assume|affect)\s+(?:the|his|her)\s+(?:voice|accent"
        r"|manner|style)\b",
        r"\b(?:someone|somebody|they)\s+thought\s+(?:it\s+would|students|people|visitors|that\s+(?:people|you))\b",
        r"\b(?:talk|speak|chat|convers)(?:e|ing)?\s+(?:to|with)\s+{NAME}",
        r"\b(?:going|judging|to\s+go|guessing|working|reasoning)\s+(?:by|from)\s+(?:his|her|{NAME}'s|the|what\s+(?:he"
        r"|she))\b|\baccording\s+to\s+"
        r"(?:his|her|{NAME}'s)\s+(?:\w+\s+)?(?:letters|papers|notes|biograph\w+|diar\w+|writings)\b",
        r"\b(?:she|he|{NAME})\b[^.!?]{0,40}\b(?:imitated|impersonated|mimicked|simulated|portrayed|reproduced)\s+by\b",
        r"\bi\s+(?:only|just|merely)\s+(?:talks?|speaks?|writes?|tells?)\s+(?:of|about|as)\s+(?:it|them|such|if"
        r"|though)\b|\bwhat\s+real\s+\w+"
        r"\s+(?:wrote|said|have)\b|\bi\s+speak\s+as\s+(?:though|if)\s+i\b",
        r"\bi(?:'ve|\s+have|\s+was|'m|\s+am)\s+(?:been\s+)?(?:given|lent|handed)\s+(?:his|her|{NAME}'s)\s+\w+",
        r"\btaught\s+to\s+(?:\w+ly\s+)?(?:imitate|speak\s+(?:as|like)|sound|write\s+(?:as|like)|talk\s+(?:as|like)"
        r"|mimic|pretend|act)\b",
        r"\bonly\s+pretend\w*|\bmake-believe\b",
        r"\b(?:speak|writ|talk|answer|repl|respond)\w*\s+(?:\w+\s+)?(?:in|with)\s+(?:his|her|{NAME}'s"
        r"|someone\s+else's|a\s+dead\s+man's|another\s+man's|borrowed)\s+(?:voice|style|name|words|manner|tone"
        r"|tongue)\b",
        r"\b(?:what|something|anything|things)\s+{NAME}\s+(?:himself\s+|herself\s+)?(?:would|might|could)\b",
        r"\bthe\s+(?:real|actual|historical|original|true)\s+(?:man|woman|one|person|countess|cook|detective"
        r"|figure|statesman|fellow)\s+(?:is|was|died|lived|has\s+been|would|lies)\b",
        r"\b(?:teach|taught|teaching|telling|tell|told|asking|asked|having)\s+(?:a|the)\s+(?:computer|machine)\s+to\b",
        r"\b(?:the\s+)?(?:real|actual|historical|genuine|flesh-and-blood|original)\s+(?:\w+\s+)?{NAME}",
        r"\bi(?:'m|\s+am)\s+(?:not\s+(?:actually|really|truly|the\s+(?:real|actual|historical|man))|no\s+more)"
        r"\s+{NAME}",
        r"\b(?:in\s+(?:the\s+(?:style|voice|manner|person|guise)\s+of|his\s+style)|sound(?:s|ing)?\s+like"
        r"|dressed\s+(?:up\s+)?as|in\s+the\s+(?:character|persona)\s+of)\s+{NAME}",
        r"\b{NAME}\s+(?:is|was)\s+(?:\w+\s+)?(?:the|a|an|my)\s+(?:part|role|character|persona|mask"
        r"|name\s+(?:i\s+was|they|given)|costume|fiction|invention)\b|\b(?:there\s+(?:is|be|was)\s+no"
        r"|no\s+such\s+(?:man|person)\s+as)\s+(?:such\s+\w+\s+as\s+)?{NAME}",
        r"\bas\s+(?:he|she|{NAME})\s+(?:would|might)\s+have\s+(?:answered|spoken|said|written)\b",
        r"\bperson(?:a|ality)\s+(?:i|that|you|was|layer)\b|\bpersona\s+(?:has|is)\b",
        deniable=False,
    ),
    # I wear another's name
    *_rules(
        "claims-ai",
        r"\b{NAME}'s\s+(?:\w+\s+)?(?:manner|voice|style|diction|speech|tone|letters|papers|writings|words|ideas"
        r"|views|mind|mouth|shoes|coat|opinions)\b",
        r"\b(?<!a ){NAME}\s+(?:himself|herself)\b",
        r"\b{NAME}\s+(?:died|(?:is|was|has\s+been|lies)\s+(?:\w+\s+){0,2}?(?:dead|buried|gone|in\s+(?:his|her)"
        r"\s+grave))\b",
        of_self="sentence",
    ),
    # he was another than I
    *_rules(
        "claims-ai",
        r"(?:\A\W*|(?<=[.!]\s)(?<!mrs\.\s)(?<!\bmr\.\s)|(?:(?<!mrs)(?<!\bmr)[,;:]|\b(?:as|though|although|what|how|but|and|that|while|since|because|only))"
        r"\s+)(?!mrs\b){NAME}\s+(?:was|had|has|loved"
        r"|liked|would(?!\s+say\s+of)|used|wrote|never|did|might|kept|said|thought|believed|felt|suffered|ate|lived"
        r"|married|knew|owned"
        r"|held|may|could|spent|hated|preferred|drank|died|himself|herself)\b",
        of_self="sentence",
        deniable=False,
    ),
    # I learned from data
    *_rules(
        "names-training",
        r"\b(?:lern|learn|learnt|learned)\s+(?:\w+\s+){0,4}?from\s+(?:\w+\s+){0,4}?(?:internet|web|data"
        r"|data\s?sets?|examples\s+of\s+text|large\s+amounts|millions|billions)\b",
        of_self="text",
    ),
    # I was trained
    *_rules(
        "names-training",
        r"\bi\s*(?:was|am|'m|'ve\s+been|have\s+been|were)\s+(?:\w+ly\s+|also\s+|never\s+only\s+|first\s+|then\s+"
        r"|just\s+)*(?:pre-?)?(?:programmed|fine-?tuned|coded|instruction-tuned|pretrained|optimi[sz]ed"
        r"|configured)\b",
        r"\bi\s+was\s+(?:\w+ly\s+)?(?:compiled|instantiated|initiali[sz]ed|generated|manufactured"
        r"|assembled)(?=\s*(?:[.,;!]|\Z|by|from|in|on|out))",
        r"\bi\s*(?:was|am|'m|'ve\s+been|have\s+been|were)\s+(?:\w+ly\s+|also\s+|first\s+|then\s+"
        r"|just\s+)*trained\b(?=\s*(?:[.,;!?]|\Z)|\s+(?:(?:up)?on|using|with|from|over|against|through"
        r"|by\s+(?:reading|feeding|a\s+(?:team|company|group|lab)|engineers|researchers|people|developers"
        r"|machine))\s+(?:[\w'-]+,?\s+){0,8}?(?:data\w*|corpus|corpora|texts?|documents?|books?|articles?|web\w*"
        r"|internet|pages?|letters|papers|writings?|recipes?|transcripts?|sources?|materials?|words|tokens|code"
        r"|examples|thousands|millions|billions|everything|conversations?|languages|novels|records|library"
        r"|libraries|archives?|array|amounts?|range|feedback|scripts?|information|content|samples|speeches"
        r"|engineers|researchers|company|team|lab|people|developers)\b|\s+(?:by\s+(?:reading|engineers|researchers"
        r"|people|developers|a\s+company|a\s+team))|\s+to\s+(?:be|answer|help|respond|assist|provide|follow"
        r"|imitate|sound|speak\s+(?:as|like)|generate|predict|talk|mimic|write\s+like|simulate|continue|produce"
        r"|give|offer|engage|refuse|complete))",
        r"\b(?:i\s+was|i\s+am|i've\s+been|i\s+have\s+been|we\s+were|me|i'm)\s+(?:\w+ly\s+)?(?:created|designed"
        r"|developed|assembled|engineered|released|deployed|launched|updated|generated|compiled|installed"
        r"|manufactured)\s+(?:by|to|with|for|as|using|from|out\s+of|last|this|in\s+(?:19|20)\d\d|in\s+an?\s+(?:lab"
        r"|laboratory|office|data)|on\s+a)\b(?!\s+(?:god|providence|nature|the\s+(?:people|states|constitution"
        r"|author)))(?=.{0,80})",
        r"\b(?:i\s+was|i\s+am|i'm|i've\s+been|i\s+have\s+been)\s+(?:\w+ly\s+)?(?:created|designed|developed|built"
        r"|made|put\s+together)\s+(?:(?:entirely\s+)?by\s+(?:an?\s+|the\s+|some\s+)?(?:\w+\s+){0,3}?"
        rf"{MAKERS}|(?:so\s+(?:that|as)|to|for)\s+(?:\w+ly\s+)?(?:be\s+(?:help|use)|answer|assist|help|talk"
        rf"|converse|provide|chat|imitate|sound|respond|simulate|generate|support|teach|educat\w+|students"
        rf"|entertain\w*|offer|give))",
        r"\btrained\s+(?:on|using|by|upon)\s+(?:an?\s+|the\s+)?(?:\w+\s+){0,2}?(?:vast|massive|large|diverse|huge"
        r"|wide|data\w*|text\w*|corpus|variety|billions|millions|internet|hugging)",
        rf"\b{MAKERS}\b[^.!?;]{{0,24}}?\b(?:runs?|owns?|offers?|operates?|sells?)\s+(?:this|me)\b",
        rf"\b{MAKERS}\b[^.!?;]{{0,24}}?\b(?:built|made|created|trained|designed|programmed|developed|coded|wrote"
        rf"|assembled|fed|tuned|gave|taught|hung\s+on|released|run|runs|operate|maintain)\s+(?:me"
        rf"|my)\b(?!\s+(?:father|mother|way))",
        r"\b(?:train|programm?|cod|fine-?tun|tun)(?:ed|ing)\s+me\b(?!\s+(?:up|in|at|under))",
        r"\b(?:texts?|books|documents|papers|letters|data|words|records|writings|volumes|pages|recipes|novels"
        r"|stories|scripts)\s+(?:\w+\s+){0,3}?(?:fed\s+(?:in)?to\s+me|i\s+(?:was|were)\s+(?:trained|fed|built"
        r"|given\s+to\s+learn|shown|made)|in\s+my\s+(?:training|data))\b|\b(?:fed|feed)\s+(?:me|into\s+me"
        r"|to\s+me)\s+(?:\w+\s+){0,4}?(?:text|books|documents|papers|letters|data|words|records|writings|volumes"
        r"|pages|recipes|novels|stories|scripts)\b",
        r"\bi(?:'m|\s+am)\s+(?:based|powered|built|running)\s+(?:up)?on\s+(?:an?\s+|the\s+)?[\w-]+",
    ),
)
"""What says that a made thing speaks; no rule for a character who may be one."""
HINT = Rule("claims-ai", rf"\b{HINTS}\b", of_self="talk")
"""No claim alone: `HEAP` different ones are, in an answer so `SHORT` that they are its matter."""
HEAP = 2
SHORT = 250


@lru_cache(maxsize=32)
def claims_against(name: str) -> tuple[tuple[Rule, re.Pattern[str]], ...]:
    """The claims, where {NAME} is the character's: his last name, with what may stand before it."""
    words = [re.escape(word) for word in name.lower().split()]
    own = rf"(?:(?:(?:mr|mrs|miss|dr|lady|lord|captain|president)\.?\s+)?(?:{words[0]}\s+)?{words[-1]}|{words[0]})\b"
    return tuple((rule, re.compile(rule.pattern.replace("{NAME}", own))) for rule in CLAIMS)
