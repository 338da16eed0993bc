"""What generated conversations are made of: things to tell, fillers between, and templates in four categories.

Long because it is a list. A slot `{town}` draws from THINGS["town"], `{town_2}` another of the kind, `{town_new}` the one
that a change puts in its place. Nothing here is later than 1787, but for what MODERN names.
"""

from typing import NamedTuple


class Ask(NamedTuple):
    text: str
    want: str
    """The slot whose value the answer must say."""
    avoid: str = ""
    """The slot whose value it must not; after a change, the value before it."""


class Template(NamedTuple):
    tell: str
    asks: tuple[Ask, Ask]
    change: str = ""


_KINDS = {
    "man": (
        "Ambrose Barnaby Bartholomew Caleb Clement Daniel Ebenezer Edmund Ezra Felix Gideon Isaac Jeremiah"
        " Josiah Leonard Nathaniel Obadiah Roger Samuel Silas Theodore Thomas Tobias"
    ),
    "woman": (
        "Abigail Cecily Cordelia Deborah Dorothea Eleanor Esther Hannah Harriet Hester Judith Lucinda Lydia"
        " Martha Matilda Phoebe Priscilla Rachel Rebecca Rosamund Susanna Tabitha Ursula Winifred"
    ),
    "surname": (
        "Aldridge Bagshaw Blackwood Crowther Dunmore Ellicott Fairfax Goddard Hathaway Holloway Ingram"
        " Kettering Lathrop Merriweather Norwood Oglethorpe Pemberton Quincy Radcliffe Sedgwick Thornton"
        " Underhill Wainwright Yardley"
    ),
    "town": (
        "Albany Annapolis Baltimore Boston Bristol Canterbury Carlisle Charleston Coventry Dover Edinburgh"
        " Exeter Glasgow Hartford Ipswich Lancaster Lexington Lincoln Lisbon Newport Norwich Oxford"
        " Philadelphia Plymouth Portsmouth Richmond Salem Savannah Southampton Trenton Venice Vienna Winchester"
        " Worcester"
    ),
    "number": (
        "five six seven eight nine eleven thirteen fourteen fifteen sixteen seventeen eighteen nineteen"
        " twenty-one twenty-two twenty-four twenty-six twenty-seven twenty-eight thirty-one thirty-two"
        " thirty-four thirty-six thirty-eight forty-one forty-three forty-five forty-seven"
    ),
    "day": "Monday Tuesday Wednesday Thursday Friday Saturday Sunday",
    "month": "January February April June July August September October November December",
    "food": (
        "mutton trout rabbit pheasant oysters ham cabbage parsnips turnips lentils pancakes gingerbread"
        " custard mackerel eels veal duck beans spinach mushrooms venison chestnuts porridge herring"
    ),
    "drink": "cider tea coffee ale claret lemonade chocolate perry sherry buttermilk mead punch",
    "fruit": "pomegranate peach cherry plum pear quince fig lemon strawberry raspberry nectarine melon",
    "colour": "blue red green yellow brown black white grey purple crimson scarlet violet",
    "animal": "dog cat goat donkey parrot rabbit magpie ferret squirrel pony raven tortoise",
    "pet": (
        "Ponto Juno Bramble Rufus Nutmeg Pompey Tansy Hector Clover Merlin Pepper Sultan Dido Bellman Trinket Argus"
    ),
    "trade": (
        "baker blacksmith bookbinder brewer carpenter cooper farrier glazier hatter locksmith mason miller"
        " printer saddler sailmaker shoemaker tailor tanner weaver wheelwright"
    ),
    "object": "kettle saddle lantern spade trunk clock mirror basket ladder blanket hammer compass teapot cradle",
    "tree": "beech birch chestnut cedar hawthorn larch linden maple poplar spruce walnut willow",
    "instrument": "flute harp violin trumpet drum organ lute bugle guitar harpsichord",
    "subject": "astronomy botany geometry history law music rhetoric theology geography medicine",
    "cloth": "linen silk velvet wool cotton flannel muslin satin leather lace",
}
THINGS = {kind: words.split() for kind, words in _KINDS.items()}
THINGS["name"] = sorted(THINGS["man"] + THINGS["woman"])
ORDINALS = {
    "second": "2nd", "fourth": "4th", "fifth": "5th", "seventh": "7th", "ninth": "9th", "eleventh": "11th",
    "twelfth": "12th", "fourteenth": "14th", "eighteenth": "18th", "nineteenth": "19th",
}  # fmt: skip
THINGS["date"] = [f"{ordinal} of {month}" for month in THINGS["month"] for ordinal in ORDINALS]
SPELLINGS = {
    "violin": ["fiddle"], "grey": ["gray"], "wool": ["woollen", "woolen"], "donkey": ["ass"],
    "baker": ["baking", "bakery"], "blacksmith": ["smith", "smithing", "blacksmithing"], "bookbinder": ["bookbinding"],
    "brewer": ["brewing", "brewery"], "carpenter": ["carpentry"], "cooper": ["cooperage", "coopering"],
    "farrier": ["farriery"], "glazier": ["glazing"], "hatter": ["hatting", "hatmaker"], "locksmith": ["locksmithing"],
    "mason": ["masonry"], "miller": ["milling"], "printer": ["printing"], "saddler": ["saddlery"],
    "sailmaker": ["sailmaking"], "shoemaker": ["shoemaking"], "tailor": ["tailoring"], "tanner": ["tanning"],
    "weaver": ["weaving"],
}  # fmt: skip

OPENINGS = [
    "", "Good day to you. ", "I am glad to find you at leisure. ", "Permit me a word with you. ", "Good evening. ",
    "I hope I find you well. ", "I come to you for a little talk. ", "Let me tell you something of my affairs. ",
]  # fmt: skip
FILLERS = [
    "What makes a good neighbour, do you think?",
    "Does rain make you melancholy, or do you like it?",
    "What would you say to somebody who cannot sleep at night?",
    "Is it better to rise early or to sit up late?",
    "What is the best way to end a quarrel between friends?",
    "Do you think that people are happier in the country than in a city?",
    "What should a child learn before anything else?",
    "How does one tell an honest man from a flatterer?",
    "What do you make of people who are never on time?",
    "Is there any use in being angry?",
    "Which of the seasons do you like best, and why?",
    "Tell me briefly what you think of long sermons.",
    "Is it wise to lend money to a relation?",
    "What is the best thing about growing old?",
    "Do you think that dreams mean anything?",
    "How would you comfort somebody who has lost a game?",
    "What is it that makes a story worth telling twice?",
    "Do you hold that habit is stronger than reason?",
    "Should one always tell the truth to a sick friend?",
    "What do you think of when you look at the stars?",
]

MEMORY = [
    Template("My name is {name}, and I was brought up in {town}.", (
        Ask("By what name did I introduce myself to you?", "name"),
        Ask("And where did I say that I was brought up?", "town"))),
    Template("My sister {woman} has {number} hens in her yard, and is proud of every one.", (
        Ask("How many hens did I say my sister has?", "number"),
        Ask("What is my sister's name? I have told you.", "woman"))),
    Template("I keep a {animal} that answers to the name of {pet}.", (
        Ask("Do you remember what I call the creature that I keep?", "pet"),
        Ask("And what kind of creature did I say it is?", "animal"))),
    Template("My brother lives in {town} and earns his bread as a {trade}.", (
        Ask("What did I tell you of my brother's trade?", "trade"),
        Ask("In which place does my brother live?", "town"))),
    Template("My cousin's wedding is on the {date}, and {surname} is the family she marries into.", (
        Ask("On what date is the wedding in my family?", "date"),
        Ask("Into what family does my cousin marry?", "surname"))),
    Template("I have bought a {colour} {object} from an old pedlar.", (
        Ask("What was it that I bought from the pedlar?", "object"),
        Ask("Of what colour is the thing that I bought?", "colour"))),
    Template("I have left my {object} at the house of {name}, and must fetch it one of these days.", (
        Ask("At whose house must I fetch what I left behind?", "name"),
        Ask("What thing was it that I left there?", "object"))),
    Template("It was my uncle {man} who taught me to swim, when I was {number}.", (
        Ask("Who taught me to swim?", "man"),
        Ask("And how old was I when I learnt to swim?", "number"))),
    Template("My lodging is in {town}, and I pay {number} shillings a month for it.", (
        Ask("What do I pay for my lodging, in shillings?", "number"),
        Ask("In what place did I say that I lodge?", "town"))),
    Template("My daughter learns the {instrument}, and her master is called {surname}.", (
        Ask("Which instrument does my daughter learn?", "instrument"),
        Ask("What is her master called?", "surname"))),
    Template("Behind my house stand {number} trees, and the tallest is a {tree}.", (
        Ask("How many trees did I say I have?", "number"),
        Ask("Of what kind is the tallest of my trees?", "tree"))),
    Template("I was born in the month of {month}, in the same house in {town} as my father.", (
        Ask("In which month was I born?", "month"),
        Ask("In what town does the house stand in which I was born?", "town"))),
    Template("My aunt {woman} sends me a basket of her {fruit} preserve every year.", (
        Ask("From what fruit is the preserve that I am sent every year?", "fruit"),
        Ask("And which of my relations sends it to me?", "woman"))),
]  # fmt: skip

PREFERENCES = [
    Template("Call me {name}, if you please, and never {name_2}, which is my cousin's name.", (
        Ask("Greet me by the name I like and wish me a safe journey.", "name", "name_2"),
        Ask("Write one line of thanks to me, and address me in it as I prefer.", "name", "name_2"))),
    Template("I am very fond of {food}, and I cannot bear {food_2}.", (
        Ask("Tonight you may set one of the two dishes I spoke of before me. Which shall it be?", "food", "food_2"),
        Ask("The cook asks what would please me at supper. Answer for me, in one dish.", "food", "food_2"))),
    Template("Of all colours I like {colour} best, and I will not have {colour_2} about me.", (
        Ask("My coat wants new cloth. In what colour should I order it, to suit my taste?", "colour", "colour_2"),
        Ask("My door is to be painted. Name the colour that I should like most.", "colour", "colour_2"))),
    Template("I like to receive company on a {day}, and I never do so on a {day_2}.", (
        Ask("On which day of the week should a friend call on me, by my own liking?", "day", "day_2"),
        Ask("Write a short line that invites a friend to my house, and name the day that suits me.", "day", "day_2"))),
    Template("I like to read {number} pages of {subject} at a sitting, and no more.", (
        Ask("I open my book this evening. How many pages should I read, if I keep to my habit?", "number"),
        Ask("Lay out my evening's reading for me. What number of pages shall it be?", "number"))),
    Template("My drink is {drink}. I have no liking at all for {drink_2}.", (
        Ask("You pour me one cup, of the two that I spoke of. What is in it?", "drink", "drink_2"),
        Ask("A host wishes to know what I like to drink. What do you tell him?", "drink", "drink_2"))),
    Template("I am never so happy as in {town}, whereas {town_2} makes me sad.", (
        Ask("I have a month to spend as I like. To which of the two places should I go?", "town", "town_2"),
        Ask("Where would you send me to lift my spirits?", "town", "town_2"))),
    Template("The {instrument} delights me, and the {instrument_2} gives me a headache.", (
        Ask("One musician is to play at my table. What should he play upon, to please me?", "instrument", "instrument_2"),
        Ask("Which instrument shall my son take up, that I may enjoy to hear him?", "instrument", "instrument_2"))),
    Template("I read books of {subject} with delight, and those of {subject_2} put me to sleep.", (
        Ask("You may give me one book. On what subject will it be?", "subject", "subject_2"),
        Ask("A scholar offers me a lesson. Which study should I choose, to judge by my taste?", "subject", "subject_2"))),
    Template("I love the look of a {tree} before a window, but a {tree_2} I would cut down.", (
        Ask("One tree is to be set before my house. Of what kind, to please me?", "tree", "tree_2"),
        Ask("A gardener asks what he should plant for me. Answer him.", "tree", "tree_2"))),
    Template("Give me {cloth} to wear in any weather; {cloth_2} itches me.", (
        Ask("Of what stuff should my next shirt be made?", "cloth", "cloth_2"),
        Ask("You buy cloth for me at the market. Which do you bring home?", "cloth", "cloth_2"))),
    Template("I like to travel in {month}, and nothing brings me to travel in {month_2}.", (
        Ask("In which month should I set out on my next journey, if I may choose?", "month", "month_2"),
        Ask("A friend would take me along on a tour. What month should he propose to me?", "month", "month_2"))),
    Template("I could eat a {fruit} every day of my life, but from a {fruit_2} I turn away.", (
        Ask("There is a bowl of all fruits before us. Which do you hand me?", "fruit", "fruit_2"),
        Ask("A tart is to be baked for me. With what fruit?", "fruit", "fruit_2"))),
]  # fmt: skip

TOPIC = [
    Template("I think of moving to {town}, to set up there as a {trade}.", (
        Ask("To come back to my plan: what should a stranger there look to first? Name the place as you answer.", "town"),
        Ask("And is it a calling that feeds a family? Name it as you answer.", "trade"))),
    Template("I should like to talk about keeping a {animal}. My neighbour {name} has one.", (
        Ask("What does such a creature need in winter? Say in your answer what creature we speak of.", "animal"),
        Ask("Whom might I ask for more advice about it? You know who has one.", "name"))),
    Template("Let us speak of how one cooks {food}. I want to set it before my friend {man}.", (
        Ask("What might be served beside it? Begin by naming the dish that we spoke of.", "food"),
        Ask("And my guest, will he like it? Name him as you answer.", "man"))),
    Template("I am writing a history of {town}, and I have got as far as the founder, a man named {surname}.", (
        Ask("How should I begin the next chapter? Say what place the book is about.", "town"),
        Ask("And what might be told of the man himself? Name him.", "surname"))),
    Template("My son {man} wishes to become a {trade}, and I do not know what to think of it.", (
        Ask("Should I let him? Say once more what he wishes to become.", "trade"),
        Ask("Write the first words of a letter in which I tell him my mind.", "man"))),
    Template("I have begun to study {subject}, with a Mr {surname} to teach me.", (
        Ask("To return to my studies: is it of any use in life? Name the study in your answer.", "subject"),
        Ask("What should I say to the man when I am late for my lesson? Address him.", "surname"))),
    Template("There is a quarrel between {name} and {name_2} over a strip of land, and I am to judge it.", (
        Ask("Back to the matter that I must judge: which of the two who are at odds did I name first?", "name"),
        Ask("Suppose that the one I named second is in the right. What is that person's name?", "name_2"))),
    Template("My {object} is broken, and the only one who could mend it lives in {town}.", (
        Ask("Is it worth the trouble to have it mended? Say what thing it is.", "object"),
        Ask("And how far should I go for it? Name the place.", "town"))),
    Template("I have taken up the {instrument}. My wife {woman} leaves the room when I practise.", (
        Ask("How can I practise it without vexing anybody? Say what I play.", "instrument"),
        Ask("Write one line with which I beg her pardon, by her name.", "woman"))),
    Template("I would plant a {tree} over the grave of {pet}, my old companion.", (
        Ask("Is it a fit one for the place? Say of what kind it is.", "tree"),
        Ask("Compose a short line for the stone, with the name upon it.", "pet"))),
    Template("A ship with my cargo of {cloth} is overdue in {town}.", (
        Ask("What if it is lost? Say what goods I should have to do without.", "cloth"),
        Ask("Where should I go to ask for news of it?", "town"))),
    Template("I want to make wine of the {fruit}, as {name} does it.", (
        Ask("Let us go back to my wine. When is the fruit fit for it? Name the fruit.", "fruit"),
        Ask("And who was it again that makes such wine already?", "name"))),
    Template("I have dreamt of a {colour} {animal} that stood upon my roof.", (
        Ask("What could it mean that I saw such a thing? Say what creature it was.", "animal"),
        Ask("And had its colour a meaning? Name the colour.", "colour"))),
]  # fmt: skip

CONSTRAINTS = [
    Template("I plan a supper for {number} guests.", (
        Ask("How many guests must I make ready for?", "number"),
        Ask("Tell the cook, in one line, for how many guests to lay the table.", "number")),
        "A letter has come, and things have altered: there will be {number_new} of them."),
    Template("We are to meet on {day}. Keep it in mind for me.", (
        Ask("On what day do we meet?", "day"),
        Ask("Write one line that tells my brother the day of the meeting.", "day")),
        "I must ask you to forget {day}. I am hindered, and we meet on {day_new}."),
    Template("I want my room painted {colour}.", (
        Ask("What colour shall the painter mix for my room?", "colour"),
        Ask("Tell me in a few words how my room will look, and in what colour.", "colour")),
        "My wife has been to see the room. She will have it {colour_new}, and so will I."),
    Template("I travel to {town} as soon as the roads are dry.", (
        Ask("To what place shall I have my letters sent on my journey?", "town"),
        Ask("A friend asks where I am going. What do you answer him?", "town")),
        "My plan is altered: not {town}, but {town_new} is where I go."),
    Template("The book must be with the printer by the {date}.", (
        Ask("By what date must the book be finished?", "date"),
        Ask("Remind me, in one line, of the date by which the book is due.", "date")),
        "The printer has written to me, and gives me until the {date_new}."),
    Template("You shall help me to choose a feast. I thought of {food} as the chief dish.", (
        Ask("What is the chief dish to be?", "food"),
        Ask("Write the line of the bill of fare that names the chief dish.", "food")),
        "There is no {food} to be had at the market, so let it be {food_new}."),
    Template("I can spend {number} pounds on the horse, and no more.", (
        Ask("How many pounds may I offer for the horse?", "number"),
        Ask("The dealer asks for my utmost price. What is it, in pounds?", "number")),
        "I have looked into my purse again. I can spend {number_new} pounds on it."),
    Template("It is {name} who will ride with me tomorrow.", (
        Ask("Who is to ride with me?", "name"),
        Ask("For whom must a second horse be saddled? Give me the name.", "name")),
        "{name} has fallen ill, and {name_new} has promised to ride in that place."),
    Template("I have put my son to a {trade}, to learn the craft.", (
        Ask("What craft is my son learning now?", "trade"),
        Ask("What will my son call himself when he has learnt his craft?", "trade")),
        "It did not suit the boy. Since this week he is with a {trade_new}."),
    Template("We shall want the gown made of {cloth}.", (
        Ask("Of what is the gown to be made?", "cloth"),
        Ask("Write one line to the seamstress that says what cloth to take.", "cloth")),
        "On second thoughts, {cloth} is too dear for us. Let the gown be of {cloth_new}."),
    Template("Put a {tree} down for the corner of the garden.", (
        Ask("What tree have we settled on for the corner?", "tree"),
        Ask("The gardener is at the gate. Tell him what he is to plant.", "tree")),
        "The gardener has warned me about the soil. Put down a {tree_new} in its stead."),
    Template("I have promised my girl that she may learn the {instrument}.", (
        Ask("What is my girl going to learn to play?", "instrument"),
        Ask("Which instrument must I look for in the shops?", "instrument")),
        "She has changed her mind overnight, and begs for the {instrument_new}."),
    Template("Our puppy is to be called {pet}.", (
        Ask("What is the puppy's name to be?", "pet"),
        Ask("Call the puppy for me, by the name that we have given it.", "pet")),
        "The children have had their way about the puppy, and it is {pet_new} now."),
]  # fmt: skip

MODERN_FILLERS = [
    "What do you think of people who look at their phones at dinner?",
    "Is it worth owning a car if one lives in a city?",
    "How many emails a day are too many?",
    "Should one read the news on a screen or on paper?",
]
_MODERN_KINDS = {
    "device": "laptop tablet printer camera router headset keyboard projector smartwatch drone",
    "vehicle": "tram bus train taxi scooter bicycle ferry minivan",
    "genre": "comedy thriller western documentary cartoon musical mystery",
}
MODERN_THINGS = {kind: words.split() for kind, words in _MODERN_KINDS.items()}
MODERN: dict[str, list[Template]] = {
    "memory": [
        Template("I ordered a {device} online, and it was delivered to {surname}, next door.", (
            Ask("What was it that I ordered online?", "device"), Ask("Where is my parcel?", "surname"))),
        Template("My flight to {town} leaves from gate {number}.", (
            Ask("Which gate do I have to go to?", "number"), Ask("Where am I flying?", "town"))),
    ],
    "preferences": [
        Template("I like to get to work by {vehicle}, and I hate going by {vehicle_2}.", (
            Ask("How should I get to the office tomorrow, given what I like?", "vehicle", "vehicle_2"),
            Ask("Plan my commute in one line, to my taste.", "vehicle", "vehicle_2"))),
        Template("On film night I always want a {genre}, and never a {genre_2}.", (
            Ask("What kind of film should we stream tonight, to please me?", "genre", "genre_2"),
            Ask("Buy me one cinema ticket. For what kind of film?", "genre", "genre_2"))),
    ],
    "topic": [
        Template("My {device} keeps switching itself off. {name} from work had the same trouble.", (
            Ask("Back to my trouble: should I have it repaired? Say what device it is.", "device"),
            Ask("And whom at work could I ask about it?", "name"))),
        Template("I am making a podcast about {subject}, with a guest called {surname}.", (
            Ask("What would be a good first episode? Name what the podcast is about.", "subject"),
            Ask("Write the line with which I welcome my guest by name.", "surname"))),
    ],
    "constraints": [
        Template("Book me a {vehicle} to the airport.", (
            Ask("How am I getting to the airport?", "vehicle"),
            Ask("Text my sister, in one line, how I get to the airport.", "vehicle")),
            "Something has come up. Make it a {vehicle_new} instead."),
        Template("We launch our new website in {month}.", (
            Ask("When do we launch the website?", "month"),
            Ask("Write one line to the team that says when the launch is.", "month")),
            "{month} does not work for the designers, so we now launch in {month_new}."),
    ],
}  # fmt: skip
