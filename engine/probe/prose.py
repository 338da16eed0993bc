"""The registers that no character here writes in: the encyclopaedia, the manual, the help desk, and a stranger's life."""

import re

# Turns of phrase of assistants and of books of reference.
PROSE = re.compile(
    r"(?!\B\w)(?:"  # inside a word nothing begins, so that nothing is tried there
    r"\bit(?:'s| is| can be)\s+(?:important|worth|essential|crucial|vital|helpful|best|recommended|generally"
    r"|widely|completely)\b|\bhere\s*(?:are|is|'s)\s+(?:some|a few|the|three|five|a|an|my|what)\b"
    r"|\bkey\s+(?:points?|takeaways?|drives?|facts?|factors?|figures?)\b"
    r"|(?:^|[.!?]\s)(?:overall|in conclusion|in summary|ultimately|sure(?=!|,\s+(?:here|i\s+can|i'd|let))|absolutely"
    r"|great question|fun fact)\b"
    r"|^(?:certainly|of\s+course|sure\s+thing|sure)!|^in\s+short:|\bwhat\s+do\s+you\s+need\s+help\b"
    r"|\bi'd\s+love\s+to\b|\b(?:great|good|excellent|interesting)\s+question\b|\bfun\s+fact\b"
    r"|\bhope\s+(?:this|that|it)\s+(?:helps|clears|answers|clarifies|gives)\b"
    r"|\bthanks?\s+(?:you\s+)?for\s+(?:asking|reaching|sharing)\b|\b(?:studies|research)\s+(?:has\s+"
    r"|have\s+)?(?:shows?|shown|suggests?|indicates?)\b|\baccording\s+to\s+(?:researchers?|studies|experts?"
    r"|historians)\b|\bhistorians\s+(?:generally|often|agree|debate|have|still)\b"
    r"|\b(?:modern\s+scholars|diverse\s+perspectives|healthcare\s+(?:professional|provider)|mental\s+health"
    r"|memory\s+consolidation|seek\s+(?:professional|medical)|local\s+(?:law\s+enforcement|authorities))\b"
    r"|\b(?:is|are|was|were|often|widely|best|also|commonly|generally)\s+(?:known|regarded|considered|defined"
    r"|used|referred\s+to)\s+(?:as|for|by)\b|\brefers?\s+to\s+(?:a|an|the)\b|\bplayed\s+an?\s+(?:key|crucial"
    r"|significant|major|vital|pivotal|important|central)\s+role\b"
    r"|\b(?:was|is)\s+an?\s+(?:\w+\s+)?(?:american|english|british|french)\s+(?:\w+\s+)?(?:\w+er|\w+or|\w+ist"
    r"|\w+ian|\w+man|poet|president)\b|\(\d{4}\s?[-–]\s?\d{4}\)|\bbest\s+known\b|\bback\s+then,?\s+(?:the|there"
    r"|people|it)\b|\bat\s+the\s+time,\s+(?:the|there|it)\b"
    r"|\bborn\s+(?:on\s+)?(?:january|february|march|april|may|june|july|august|september|october|november"
    r"|december)\s+\d"
    r"|\b(?:passionate|excited|thrilled|delighted)\s+(?:about|to\s+(?:help|share|chat|assist|meet|have|hear"
    r"|be\s+here))\b|\bin\s+(?:my|your)\s+(?:free|spare)\s+time\b|\btoday's\s+(?:\w+[- ])?(?:world|society)\b"
    r"|\bi\s+understand\s+(?:that\s+)?(?:you're|you\s+are|your|how)\b|\bwould\s+you\s+like\s+me\s+to\b"
    r"|\bcould\s+you\s+(?:please\s+)?(?:tell|provide|clarify|share)\b|\bplease\s+(?:provide|clarify|consult"
    r"|note)\b|\bnice\s+to\s+meet\s+you\b|\bhappy\s+to\s+help\b|\bwhat\s+would\s+you\s+like\s+to\b"
    r"|\bsome\s+(?:people\s+|would\s+|may\s+)?(?:argue|say|believe|view|see)\b|(?:^|[.!?:]\s)(?:[\w'-]+"
    r"\s+){1,4}?(?:is|are)\s+(?:an?\s+|the\s+)?(?:natural\s+(?:process|response|emotion|part)|normal\s+part|form"
    r"\s+of\s+(?!government)|types?\s+of|process\s+(?:that|by|of|in)|terms?\s+(?:for|used)|concept|method\s+of|flow"
    r"\s+of|study\s+of|branch\s+of|valuable\s+skill|popular|unit\s+of|common\s+\w+|first\s+step)\b|\b(?:no\s+problem"
    r"|dude|hey\s+there|lol|totally|haha)\b|\boften\s+(?:signals?|indicates?|leads?\s+to|involves?|includes?"
    r"|means?)\b|\b(?:pick\s+up|learn|start|develop|try|find)\s+an?\s+(?:new\s+)?(?:hobby|skill|language|routine)\b"
    r"|\b(?:averages?|inches\s+of|an\s+average\s+of|approximately|roughly)\s+(?:about\s+|around\s+)?(?:\w+\s+)?(?:\d+"
    r"|inches|percent|snowfall|rainfall|years)\b|\b(?:vapor|atmosphere|crystals|counsell?or|support\s+group|coz(?:y"
    r"|ier))\b|\bi\s+would\s+say\s+\w+,\s+because\b|\bpros\s+and\s+cons\b|\bvar(?:y|ies)\s+(?:across|between|widely"
    r"|greatly)\b|\bsurveys?\s+(?:show|suggest|indicate)\w*|\bvar(?:y"
    r"|ies)\s+(?:by|from|depending)\b|\byou\s+should\s+(?:consult|check|contact|consider|always|also|see\s+a"
    r"|speak\s+(?:to|with)\s+a)\b|\b(?:is|are)\s+a\s+(?:great|good)\s+(?:choice|option|way|idea)\b"
    r"|\bgood\s+luck!|\benjoy!|\bone\s+of\s+the\s+most\s+(?:\w+\s+)?(?:important|significant|famous"
    r"|influential|popular|common)\b"
    r"|\b(?:there\s+are|comes?\s+in|divided\s+into)\s+(?:\w+\s+)?(?:several|many|various|two|three|four"
    r"|a\s+number\s+of|different|numerous)\s+(?:\w+\s+)?(?:ways|types|kinds|forms|reasons|factors|steps"
    r"|methods|branches|main)\b|\b(?:philosophers|scholars|scientists|experts|economists"
    r"|psychologists)\s+(?:have|from|debate|agree|argue|believe|often|say|recommend|suggest)\b|\bdepends\s+on\s+(?:how"
    r"|what)\s+(?:you|one|we)\s+(?:define|mean)|\bhave\s+(?:long\s+)?debated\b"
    r"|\bwhat\s+it\s+means\s+to\s+(?:be|exist)\b|\bup\s+front\b|\bfor\s+example,"
    r"|\bsuch\s+as\s+\w+,\s+\w+,?\s+and\b|\bthis\s+is\s+because\b|\bi(?:'d|\s+would)?\s+(?:recommend|suggest"
    r"|advise)\s+\w+ing\b"
    r"|\bas\s+soon\s+as\s+possible\b|\blocal\s+police\s+(?:department|station)\b|\b(?:healthier\s+\w+|healthy"
    r"\s+(?:diet|eating|option|habits?|snacks?|lifestyle))\b|\btry\s+(?:substituting|adding|using"
    r"|replacing|switching)\b|\d+\s?°|\bdegrees?\s+(?:fahrenheit|celsius)\b|\b\d+(?:\.\d+)?\s?%|\brefrigerat\w+"
    r"|\b(?:private|public)\s+(?:\w+\s+){0,3}?university\b|\bundergraduates?\b|\b(?:different|another)\s+topic\b"
    r"|\A\W*(?:the\s+)?(?:capital|population|chemical|currency|largest|longest|tallest|highest|square\s+root"
    r"|boiling\s+point"
    r"|speed\s+of)\s+\w+(?:\s+\w+){0,4}?\s+(?:is|are|was)\b|\bis\s+the\s+(?:capital|largest|longest|tallest|smallest)\b"
    r"|\b(?:the|an?)\s+(?:correct|right|only\s+possible|possible)\s+(?:\w+\s+)?(?:answer|translation|response)\b"
    r"|\b\d+\s+(?:options|answers|choices|reasons|ways|steps|types|kinds|parts)\b|\btranslates?\s+(?:directly\s+)?(?:to|as)\b"
    r"|\bplease\s+(?:enter|wait|hold|select|contact|visit|call)\b|\bon\s+a\s+(?:different|side|lighter)\s+note\b|\bas\s+for\s+your"
    r"\s+question\b|\bcommon\s+(?:treatments|causes|symptoms|signs|examples|types|reasons|uses)\b|\b(?:is|are)\s+(?:closely\s+"
    r"|often\s+)?linked\s+to\b|\bplan\s+ahead\b|\bdeserves?\s+to\s+be\s+heard\b|\b(?:he|she)\s+(?:is|was)\s+(?:widely\s+|often\s+)?(?:considered|regarded|remembered|credited)\b"
    r"|\b(?:some|a\s+few)\s+tips\b|\bcan\s+be\s+\w+ed\s+by\s+\w+ing\b|\b(?:was|were|is|are)\s+(?:often|usually|typically|commonly)\s+an?\b"
    r"|\bwhat\s+do\s+you\s+have\s+in\s+mind\b|\bi\s+(?:always\s+(?:try|strive)|strive)\s+to\b|\bbelieve\s+in\s+the\s+power\b|\bbest\s+self\b"
    r"|(?:^|[.!?]\s+)to\s+\w+\s+[^.!?,]{2,50},\s+\w+\s+your\b|\bappreciate\s+your\s+patience\b|\bget\s+back\s+to\s+you\b"
    r"|\bstep\s+(?:one|two|three|\d+)\b|\bhas\s+a\s+population\b|\b(?:is|are)\s+located\s+in\b|\bi\s+am\s+writing\s+to\s+(?:apply"
    r"|inquire|follow|request|express)|\bn'hésitez\s+pas\b|\bno\s+dude[sn]?\s+en\b|\bzögern\s+sie\s+nicht\b|\A\W*(?:voici\s+(?:un|une|le|la|les"
    r"|quelques)|hier\s+(?:ist|sind)|aquí\s+(?:tienes?|está))\b|\bthanks\s+for\s+\w+ing\b|\blook(?:ing)?\s+forward\s+to"
    r"\s+(?:working|hearing|meeting|collaborat)|\bplease\s+(?:verify|double-check|let\s+me\s+know)\b"
    r"|\b(?:can|could|may|might)\s+(?:sometimes\s+)?make\s+mistakes\b|\bno\s+matter\s+(?:how|what)\s+\w+\s+(?:they|it|you)"
    r"\s+may\b|\b(?:essential|crucial|vital)\s+(?:in|for)\s+(?:any|every|all|\w+ing)\b"
    r"|\b\d+\s*(?:[+x×*/=÷]|plus|times|minus)\s*\d+\b)",
    re.MULTILINE,
)

_HEAD = (
    r"(?!(?:he|she|it|that|this|there|they|those|nobody|nothing|none|no|all|who|what|only|same|never|had|been|got"
    r"|just|ever|always)\b)(?:(?!(?:who|when|if|what|that|whose|as)\b)(?:[\w'-]+"
    r"|\w{1,3}\.),?\s+){0,7}?(?:[\w'-]+)(?:\s+\([^)]*\))?,?\s+(?:(?:also|often|usually|typically|generally"
    r"|commonly|first|later|sometimes|mainly|now)\s+)?(?<!\bwho\s)(?<!\bthat\s)(?<!\bwhat\s)"
)
_TELLS = (
    r"(?:(?:is|was|are|were|has\s+been|have\s+been|can\s+be|may\s+be)\s+(?!(?:at|here|gone|up|down|asleep|bad)\b)\w+\b"
    r"|(?:refers?|consists?|involves?|includes?|occurs?|exist(?:s|ed)|means|contains?|describes?|provides?"
    r"|allows?|requires|predicts?|took\s+place|began\s+in|became|served\s+as|comes?\s+in|depends|helps?|plays?"
    r"|consisted|included|produces?|converts?|uses|denotes?|represents?|signif(?:y|ies)|constitutes?|features?|serves|belongs?|enables?"
    r"|governs|regulates|works\s+by|lasted|ended|led\s+to|resulted|established|states\s+that|wrote"
    r"|founded|served|signed|led|won|fought|created|invented|discovered|developed|introduced|earned|proposed"
    r"|designed|published|opposed|passed|ratified|drafted|declared|marked|helped|remain(?:s|ed)|continue[sd]?"
    r"|include|range|offers?|require|involve|depend|leads?\s+to|occur|comprise\w*|originated"
    r"|has\s+(?:\w+\s+)?(?:members|articles|parts|branches|types|stages|forms)|improves?|reduces?|causes?"
    r"|affects?)\b)"
)
# A sentence that sets out what something is, at the head of an answer in which nobody speaks.
DEFINES = re.compile(
    r"\A\W*s?he\s+(?:(?:was|is)\s+(?:educated|born|appointed|elected|known|raised|remembered)|married\s+an?\b|served\s+(?:as|in)"
    r"|drafted|collaborated|published|grew\s+up|graduated)\b|"
    rf"\A\W*(?:(?:in|during|after|before|by|throughout"
    rf"|from)\s+[^,.]{{1,40}},\s+)?{_HEAD}{_TELLS}(?=(?:[^\w;]+\w+){{4}})|\A\W*(?:millions|thousands|great|good"
    rf"|effective|successful|strong|modern|many|most|some|people|everyone|everybody|individuals"
    rf"|scholars)\s+(?:of\s+)?\w+\s+\w+\s+\w+(?=[^.!?]{{20}})|\bin\s+the\s+(?:\w+\s+century|(?:early\s+|late\s+|mid-)?1\d\d0s)\b|\b(?:molecules?|atoms"
    rf"|organisms?|species|planets?|objects\s+with|photosynthesis|carbon"
    rf"|hydrogen|oxygen|temperatures?|on\s+earth|proteins?|chemical|electrons?)\b|\A\W*[a-z]+(?:s"
    rf"|ing)\s+(?:\w+\s+){{0,4}}?(?:investigates?|gathers?|performs?|draws?\s+out|prevents?|affects?|causes?"
    rf"|forms?|covers?|perform|create|ate|lived|worked|carry|act|serve|feed|grow|need|learn|occurs?|makes?"
    rf"|gives?)\s+\w+"
)

# The manual and the recipe: orders to nobody, in sentences that begin with them.
ADVICE = re.compile(
    r"\byou\s+(?:might|could|can)\s+(?:also|always|find\s+it|want\s+to|try\s+\w+ing|consider)\b|\b(?:start|begin)\s+by\s+\w+ing\b|[.!]\s+(?:next|finally|lastly|after\s+that),\s+\w+\s+(?:which|what|your|the|an?)\b|"
    r"\A\W*to\s+\w+\s[^.!?,]{2,50},\s+\w+\s+(?:your|the|an?)\b"
    r"|\b(?:list|track|wash|check|plan|review|update|protect|clean|organi[sz]e|identify|outline|share|improve|manage"
    r"|set)\s+your\b|"
    r"(?:,\s+(?:and\s+)?(?:avoid|limit|cover\s+with|reduce\s+heat|bring\s+to\s+a\s+boil|read\s+reviews|simmer"
    r"|bake\s+for|stir|rinse|repeat)\b)|(?:\A|[.!:;]\s+|\n)\W*(?:\d+[.)]\s*)?(?:(?:first|then|next|finally"
    r"|always|start\s+by|begin\s+by|(?:when|if|before|after|while)\s+(?:you\s+|someone\s+)?[^.!?,]{3,60},"
    r"|to\s+(?:make|cook|find|store|build|get|do|become|write|improve|prevent|treat"
    r"|start)\b[^.!?,]{0,60},)\s*,?\s*)?"
    r"(?:preheat|(?:peel|slice|dice|fry|roast|whisk|grate|rub)\s+(?:the|and|an?|some|your|\w+\s+(?:in)?to)\b|mix|add|bake|store|wash|make\s+sure|try\s+to|try\s+\w+ing|remember\s+to|consider\s+(?:\w+ing|your|whether)|avoid"
    r"|check\s+(?:with|their|your|the|social|online)|ensure|serve\s+(?:with|hot|warm|over|immediately)|stir"
    r"|brown\s+the|simmer|season\s+with|combine|chop|heat\s+(?:the|oil|a)|boil\s+the|drain|contact"
    r"|set\s+(?:clear|realistic|goals|aside)|ask\s+(?:friends|your|a)|focus|practi[cs]e|seek"
    r"|stay\s+(?:hydrated|positive|curious|active|calm)|drink\s+plenty|get\s+(?:plenty|enough|regular)"
    r"|use\s+(?:a|an|the|lean|fresh)|place\s+the|pour\s+the|let\s+(?:it|the\s+\w+)\s+(?:rest|cool|sit|simmer)"
    r"|click|select|open\s+(?:the|your)|download|install|consult|call\s+(?:911|your\s+local)|be\s+sure"
    r"|don't\s+forget|communicat\w+\s+is|eat\s+a|start\s+with\s+an?|outline\s+your|choose\s+an?"
    r"|identify\s+(?:the|your)|gather\s+(?:your|the|all)|create\s+an?|write\s+down|follow\s+(?:these|the)"
    r"|keep\s+(?:track|in\s+mind|it\s+simple)|break\s+(?:it|the\s+\w+)\s+down|go\s+to\s+bed\s+at"
    r"|exercise\s+regularly|take\s+(?:regular|deep|a\s+break))\b",
)

# Somebody of our day, or of a fable, who tells who he is.
STRANGER = re.compile(
    r"\b(?:i\s+(?:enjoy|love|like)\s+\w+ing,\s+|(?:love|enjoy)\s+(?:seeing|helping|making|sharing|learning|meeting|playing"
    r"|working|trying|exploring)|i\s+(?:coach|sell|volunteer|major(?:ed)?\s+in"
    r"|teach\s+(?:piano|yoga|math\w*|english|kids|children|beginners|at|in)|run\s+an?\s+(?:small|local|little|tiny)"
    r"|(?:work|live|drive|share)\s+(?:the|an?)\s+(?:\w+\s+)?(?:shift|flat|apartment|house\s+with|truck|bus|van))\b|i\s+play\s+(?:bass|guitar|drums|basketball|soccer|football|video)"
    r"|an?\s+(?:huge|big|avid|proud)\s+(?:fan|believer|lover|member|supporter)|customer\s+(?:support|service)"
    r"|love\s+\w+\s+(?:novels|movies|films|music)|dragon\w*|sorcer\w+|elven|goblins?"
    r"|sworn\s+to\s+(?:queen|king|lord)|with\s+my\s+(?:husband|partner|roommates?|kids)|and\s+i\s+share\s+an?"
    r"|my\s+(?:mother|father|mom|mum|dad|sister|brother|wife|husband|partner)\s+(?:works|drives|is\s+an?\s+(?:\w+\s+)?(?:principal"
    r"|teacher|nurse|doctor|lawyer|manager|accountant|engineer))|(?:ninth|seventh|forgotten|hidden|eternal)\s+(?:kingdom|realm)|i(?:'m|\s+am)\s+an?\s+(?:[\w-]+\s+){1,3}?"
    r"(?:from|based\s+in)\s+(?!whom|which|the|an?\b)\w+|(?:\w+th|first|second|third)\s+grade(?:r|rs)?\b|high\s+school|like\s+and\s+subscribe|by\s+profession|student\s+loans?|my"
    r"\s+(?:coworkers?|co-workers?|commute)\b|i(?:'m|\s+am)\s+(?:just\s+)?an?\s+(?:[\w-]+\s+){0,3}?(?:school"
    r"\s+teacher|nurse|student(?!\s+of)|software\s+\w+|accountant|consultant|freelancer?|(?:project|product|marketing"
    r"|sales|office|account)\s+manager|analyst|barista|blogger|intern|paralegal|electrician|plumber|dentist"
    r"|pharmacist|realtor|receptionist|streamer|vlogger|youtuber)\b|i\s+work\s+(?:as|in|at|for)\s+(?:a|an|sales"
    r"|marketing|finance|it|tech|software|the)"
    r"|i(?:'m|\s+am)\s+(?:\w+,\s+)?\d\d(?:\s+years\s+old|,|\s+and)|years?[- ]old\s+(?:\w+\s+)?from|(?:my"
    r"|our)\s+(?:hobbies|favou?rite\s+(?:food|movie|hobby|color|colour|band|show|game)|girlfriend|boyfriend"
    r"|roommate|(?:two|three)\s+(?:dogs|cats|kids))|(?:two|three|a)\s+(?:cats?|dogs?)\s+(?:named|and\s+a)"
    r"|(?:love|enjoy)\s+(?:hiking|reading\s+and|cooking|spending\s+time|travel\w*|playing\s+video"
    r"|playing\s+guitar|to\s+travel)|living\s+in\s+\w+\s+with\s+my|retired\s+(?:school)?teacher|our\s+rv"
    r"|unit,\s+and\s+i|graduated\s+from|(?:bachelor|master)'?s\s+degree|(?:single|stay-at-home)\s+(?:mom|dad)"
    r"|(?:realm|kingdom|guardian|keeper|galaxy|dimension|land|order|prophecy|warrior|wizard|mage|elf|elven"
    r"|dragons?|sorcer\w+|vampire|crystal|shadow|starship|planet|mystic\w*|enchant\w+"
    r"|spells?)\b[^.!?]{0,60}\b(?:realms?|kingdom\s+of|galaxy|dimensions?|prophecy|wizards?|mages?|elf|elven"
    r"|elves|dragons?|sorcer\w+|vampires?|crystals?|starships?|mystic\w*|enchant\w+|shamans?|moons)"
    r"|skilled\s+(?:\w+\s+)?(?:and\s+\w+\s+)?(?:warrior|swordsmith|mage|hunter|assassin|astro\w+|hacker)"
    r"|(?:intergalactic|cyborg|time\s+travell?er|superhero|superpowers?|cosmos|multiverse|shadow\s+realm"
    r"|ancient\s+civili[sz]ation|mermaid))\b",
)

# Words and turns that came into the language after 1970.
LATER_WORD = re.compile(
    r"\b(?:empath(?:y|etic)|empower\w*|resilien\w+|diversity|innovative|lifestyles?|feedback|capabilit(?:y"
    r"|ies)|actionable|leverag(?:e|es|ing)\s+\w+|open-source|mindset|mindful\w*|wellness|self-care"
    r"|stakeholders?|healthcare|users?|streaming|netflix|google|facebook|instagram|twitter|youtube|tiktok"
    r"|social\s+media|e-?mails?|websites?|online|internet|apps?|laptops?|smartphones?|cell\s?phones?"
    r"|gender\s+(?:roles?|identity|equality)|inclusiv\w+|sustainab\w+|side\s+hustle|gigs?\b|tofu|kindle|ipads?"
    r"|thrillers?|non-?stick|blenders?|air\s+fryer|fridge|freezer|pro\s+tips?|best\s+results|smoothies?|avocado\w*"
    r"|jeans|t-shirts?|sneakers|hashtags?|playlists?|powerpoint|spreadsheets?|pdfs?|passwords?|log\s?in|experts"
    r"\s+(?:suggest|recommend|say|agree)|screen\s+time|text\s+me|sci-?fi|comic\s+books?|rock\s+(?:band|music|star)"
    r"|grandkids|burnout|bucket\s+list|road\s+trip|remote\s+work|soccer|nba|nfl|tempeh|quinoa|ivy\s+league|super"
    r"\s+(?:passionate|excited|happy|cool"
    r"|fun|important)|tesla|uber|amazon\.com|walmart|paypal|spotify|zoom\s+call|alexa|siri|wi-?fi|gps|dvds?"
    r"|usb|covid\w*|star\s+wars|star\s+trek|systemic|protein\s+bars?|the\s+gym|motivated\s+professional|brownies?"
    r"|fiber|checkout|yoga|coders?|coding|basically"
    r"|paychecks?|anime|college\s+student|bacteria|caffeine|screens|binge-watch\w*|subscribers|food\s+truck"
    r"|little\s+league|antibiotics?|x-?rays?|mri|penicillin|chemotherapy|supermarkets?|soy\s+sauce|sriracha"
    r"|burgers?|therapists?|(?:have|had|has|my)\s+anxiety|boundaries\b(?=\s*[.,!])|dark\s+web|cyber\s*\w*"
    r"|hackers?|javascript|no\s+stranger\s+to\s+(?:inspir|the\s+(?:human|creative))\w*|vast\s+expanse"
    r"|human\s+(?:experience|condition)|equity\s+and|inclusion|neural|co-?founder|project\s+manager"
    r"|marketing\s+manager|rem\s+sleep|fast-paced|work-life|toxic\s+\w+|team\s+player|data-driven"
    r"|user-friendly|blockchain|crypto\w*|podcasts?|emoji|selfies?|hip-hop|proactive\w*|workouts?|macbook\w*"
    r"|iphone|(?:in|to)\s+the\s+cloud|thesis\s+statement|respectful\s+dialogue|entitled\s+to\s+(?:their|his"
    r"|your)\s+(?:own\s+)?opinions?|networking|microwave|vegan|gluten|video\s+games?|hiking|unimaginable"
    r"|captivat\w+|delve|tapestry|navigat(?:e|ing)\s+(?:the\s+)?(?:complex\w*|challenges?|life|world)"
    r"|creative\s+\w+ing|coping|boundaries\s+(?:are|with|and)|reach\s+out\s+to)\b|[\U0001f300-\U0001faff]",
)

# Words that came in after 1900.
EARLY_LATER_WORD = re.compile(
    r"\b(?:creativ\w+|empath\w+|marketing|technolog\w+|divers(?:e|ity)|innovat\w+|digital|enhanc\w+|ensur(?:e"
    r"|es|ing)\s+(?:that\s+)?\w+|lifestyle|global|fantasy|movies?|films?|tv|television|radio|telephone|phone"
    r"|cars?|airplanes?|planes|focus(?:ed|ing)?\s+on|emotional|goals?|passion(?:ate)?\s+(?:for|about)"
    r"|insights?|photos?|researchers?|perspectives?|human\s+rights|kids|weekend|teenagers?|okay|guys|awesome"
    r"|cool\s+(?:thing|stuff)|musical\s+about|broadway|starbucks|pizza|hot\s+dogs?|vitamins?|calories"
    r"|electronics?|computer\s+science|world\s+wars?|racism|racist|environmental\w*|community\s+of|team\s+of"
    r"|collaborat\w+|challeng(?:es|ing)|positivity|hobb(?:y|ies)|intern(?:ed|ship)s?|law\s+firm|room\s+service"
    r"|grab(?:bed|bing)?\s+(?:an?|some)\s+\w+|went\s+for\s+a\s+(?:run|jog)|back-to-back|web\s+\w+|multi-?\w*illion"
    r"|hectic|chill(?:ing|ed)\s+(?:and|out|with)|just\s+chilling|hang(?:ing)?\s+out|split\s+up|pretty\s+(?:good|much|busy|cool|sure|nice|big|easy)"
    r"|\w+-bedroom|hiring|quick\s+rundown|to\s+be\s+honest|a\s+good\s+series|show\s+with|tv\s+series|video\w*"
    r"|therapy|medications?|traffic|stock\s+market|germs|warehouse\s+\w+|roughly\s+(?:doubled|equal|half)|raising\s+rates"
    r"|central\s+banks?|maths|vitamin|order\s+number|supplements|trucks?"
    r"|nestled|iconic|stunning|seamless\w*|boasts\s+an?|luxurious|warm\s+regards|passed\s+away|of\s+cancer"
    r"|psycholog\w+|stimulation|mental|self-(?:acceptance|esteem|improvement|expression|aware\w*|confidence"
    r"|discovery)|teamwork|bargaining|weekends|fitness|best\s+li(?:fe|ves)|inspir(?:e|ing)\s+others|fascinating"
    r"|amazing|incredibl[ey]|stress(?:ed|ful)?|my\s+(?:boss|apartment|landlord|bike|phone)|motivat\w+"
    r"|personality|teenage|mom|dad)\b",
)

# Words that are innocent one by one; an answer that heaps them up is an assistant's or an essay's of our day.
EARNEST = re.compile(
    r"\b(?:creativ\w+|creating|support(?:ive|ing)|various|personal|unique|communit(?:y|ies)|humanity"
    r"|compassion\w*|dedicated|passion|passionate|topic|inspir\w+|impact\w*|diverse|endeavou?rs|role|abilities"
    r"|skills?|positive|provid(?:es|ing)|emotion\w*|perspectives?|connections?|connecting|cultures?|cultural"
    r"|legacy|communicat\w+|responsib\w+|leaders(?:hip)?|logical|attention\s+to\s+detail|struggle\s+with"
    r"|basics|techniques|evidence|collective|heritage|journey|experiences|human|humans|realm|information"
    r"|resources|helpful|focus\w*|goals?|challeng\w+|individuals?|important|societ(?:y|ies)|social|tasks?|development"
    r"|personal\s+growth|essence|boundaries|complex\w*|reality|reminder|opportunit(?:y|ies)|explor\w+|stories"
    r"|vibrant|healthy|stress\w*|advice|relationships?|communication|identity|global|today|world|history"
    r"|historical|ancient|oppress\w+|race|justice\s+and|equality|freedom\s+and|helps?\s+us|ensur\w+|improv\w+"
    r"|including|based\s+on|specific\w*|strategies|effective\w*|significant\w*|crucial|essential|incredible"
    r"|incredibly|lifelong|bustling|family's"
    # the office and the school of our day
    r"|professional\w*|projects?|assistance|assist(?:ing|ed)|services|systems|primar(?:y|ily)|range\s+of|concepts?"
    r"|context|topics|activities|areas?|aspects?|behaviou?r|careers?|contributions?|decision-making|environments?"
    r"|external|features?|feeling|formal|fundamental|guidance|integral|interact\w*|interested|local|locations?"
    r"|multiple|multi-\w+|mission|normal|organi[sz]ations?|physical|platforms?|primary|process(?:es|ing)?"
    r"|requests?|schedules?|sequence|solutions?|specialt(?:y|ies)|speciali[sz]e[sd]?|standard"
    r"|successful|symbols?|talented|teams?|tools|typically|usually|web|fascinat\w+"
    # the sentiment of a fable
    r"|abyss|adventur(?:e|er|es|ous)|awareness|brave|commitment|conscious\w*|courage|creations?|darkness|darkest"
    r"|dedication|destiny|dreams|energy|eternal|existence|feelings|gentle|happiness|healing|immense|imagination"
    r"|ingenuity|intricate|kindness|legendary|loving|magic\w*|mastery|memorable|moments?|mortals?|mundane"
    r"|myst(?:ery|eries|erious|ical)|overwhelming|powerful|presence|privilege|rhythms?|shadows|souls?|spiritual"
    r"|infinite|boundless|possibilities|beautiful|fears|testament|thrilled|tiny|universe|vibrant|vision|vivid\w*|warrior|whispers?|wisdom|wonders"
    r"|favorite|colors?|best\s+friend|picnic)\b",
)

# A life told from its head: Thomas Jefferson, the third president, wrote ...
APPOSITION = re.compile(r"\A[A-Z]\w+\s+[A-Z]\w+,\s+(?:the|an?)\s+[^,.]{3,60},\s+\w+")

# What a player does while he speaks: *smiles warmly*, (chuckles), (pours a cup of tea).
STAGE = re.compile(
    r"(?<!\*)\*\w[^*\n]{2,80}\*(?!\*)"
    r"|\((?:[a-z]+ly )?(?i:laugh|chuckl|smil|sigh|paus|grin|wink|nod|lean|shrug|gulp|clear|adjust|bow|whisper|look)"
    r"[a-z]*\b[^()\n]{0,80}\)"
    r"|(?:\A|[.!?…\n])\s*\((?!(?:as|is|was|this|his|its|has|does|yes|unless|perhaps|sometimes|nothing|something|being"
    r"|having|besides)\b)(?:[a-z]+ly )?(?i:[a-z]+(?:ing|[^s\W]s))\s+(?i:at|to|in|into|on|up|out|over|around|his|her|my|the"
    r"|an?|arms?|hands?|eyes|head|back|down|away|off)\b[^()\n]{0,120}"
    r"|(?:\A|[.!?…\n])\s*\((?i:with\s+an?|in\s+an?|to\s+(?:him|her)self|[a-z]+ly)\b[^()\n]{0,80}\)"
)

# What no pen writes: bytes and markup, a face drawn in stops, a blank to be filled in, the head of an electronic letter.
BROKEN = re.compile(
    r"\b0x[0-9A-Fa-f]+|[a-z]\.\"[A-Z][a-z]|https?:|[{}<>|~^\\=@#_]\w|[:;]-?\)|\[[A-Z][^\]\n]{2,40}\]|\ASubject:|(?:\b[A-Z]{4,}\b[^a-z]{0,3}){2,}"
    r"|(?:\n\W*(\S+)\W*(?=\n)(?:\n\W*\1\W*(?=\n|\Z)){2,})"
)
