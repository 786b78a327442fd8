"""Write questions with checkable answers from templates of 13 kinds; grading.py grades the answers."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

CAPITALS = dict(
    pair.split(":")
    for pair in (
        "France:Paris,Germany:Berlin,Italy:Rome,Spain:Madrid,Portugal:Lisbon,Greece:Athens,"
        "Austria:Vienna,Poland:Warsaw,"
        "Norway:Oslo,Sweden:Stockholm,Finland:Helsinki,Denmark:Copenhagen,Ireland:Dublin,"
        "Belgium:Brussels,Hungary:Budapest,"
        "Romania:Bucharest,Bulgaria:Sofia,Croatia:Zagreb,Serbia:Belgrade,Russia:Moscow,Ukraine:Kyiv,"
        "Turkey:Ankara,Egypt:Cairo,"
        "Kenya:Nairobi,Nigeria:Abuja,Ghana:Accra,Morocco:Rabat,Algeria:Algiers,Tunisia:Tunis,"
        "Libya:Tripoli,Sudan:Khartoum,"
        "Ethiopia:Addis Ababa,Uganda:Kampala,Tanzania:Dodoma,Zambia:Lusaka,Zimbabwe:Harare,"
        "Angola:Luanda,Senegal:Dakar,"
        "Mali:Bamako,Chad:N'Djamena,Canada:Ottawa,Mexico:Mexico City,Cuba:Havana,Jamaica:Kingston,"
        "Haiti:Port-au-Prince,"
        "Guatemala:Guatemala City,Honduras:Tegucigalpa,Nicaragua:Managua,Costa Rica:San Jose,Panama:Panama City,"
        "Colombia:Bogota,Venezuela:Caracas,Ecuador:Quito,Peru:Lima,Bolivia:La Paz,Chile:Santiago,"
        "Argentina:Buenos Aires,"
        "Uruguay:Montevideo,Paraguay:Asuncion,Brazil:Brasilia,China:Beijing,Japan:Tokyo,South Korea:Seoul,"
        "North Korea:Pyongyang,Mongolia:Ulaanbaatar,India:New Delhi,Pakistan:Islamabad,Bangladesh:Dhaka,"
        "Nepal:Kathmandu,"
        "Sri Lanka:Colombo,Thailand:Bangkok,Vietnam:Hanoi,Laos:Vientiane,Cambodia:Phnom Penh,Malaysia:Kuala Lumpur,"
        "Indonesia:Jakarta,the Philippines:Manila,Australia:Canberra,New Zealand:Wellington,Iran:Tehran,Iraq:Baghdad,"
        "Syria:Damascus,Lebanon:Beirut,Jordan:Amman,Israel:Jerusalem,Saudi Arabia:Riyadh,Qatar:Doha,"
        "Kuwait:Kuwait City,"
        "Oman:Muscat,Yemen:Sanaa,Afghanistan:Kabul,Georgia:Tbilisi,Armenia:Yerevan,Iceland:Reykjavik,Estonia:Tallinn,"
        "Latvia:Riga,Lithuania:Vilnius,Switzerland:Bern,the Netherlands:Amsterdam,the Czech Republic:Prague"
    ).split(",")
)
OPPOSITES = dict(
    pair.split(":")
    for pair in (
        "hot:cold,big:small,fast:slow,happy:sad,up:down,left:right,open:closed,light:dark,early:late,"
        "young:old,rich:poor,"
        "strong:weak,high:low,long:short,wet:dry,full:empty,loud:quiet,clean:dirty,hard:soft,near:far,"
        "good:bad,true:false,"
        "day:night,black:white,first:last,inside:outside,above:below,love:hate,win:lose,buy:sell,push:pull,begin:end,"
        "laugh:cry,give:take,front:back,heavy:light,thick:thin,wide:narrow,sharp:dull,smooth:rough,"
        "sweet:sour,safe:dangerous,"
        "easy:difficult,cheap:expensive,brave:cowardly,asleep:awake,alive:dead,accept:reject,"
        "arrive:depart,ancient:modern,"
        "victory:defeat,friend:enemy,peace:war,success:failure,summer:winter,north:south,east:west,"
        "male:female,husband:wife,"
        "king:queen,brother:sister,hope:despair,increase:decrease,attack:defend,create:destroy,"
        "more:less,always:never,"
        "everything:nothing,question:answer,teacher:student,hero:villain,healthy:sick,polite:rude,generous:selfish,"
        "public:private,raw:cooked,simple:complex,straight:crooked,tall:short,tight:loose,"
        "visible:invisible,lead:follow,"
        "remember:forget,save:spend,sit:stand,start:stop,throw:catch,wise:foolish,yes:no,maximum:minimum"
    ).split(",")
)
SPANISH = dict(
    pair.split(":")
    for pair in (
        "dog:perro,cat:gato,house:casa,water:agua,book:libro,red:rojo,blue:azul,green:verde,"
        "white:blanco,black:negro,one:uno,"
        "two:dos,three:tres,four:cuatro,five:cinco,six:seis,seven:siete,eight:ocho,nine:nueve,ten:diez,friend:amigo,"
        "mother:madre,father:padre,brother:hermano,sister:hermana,son:hijo,daughter:hija,man:hombre,"
        "woman:mujer,boy:niño,"
        "girl:niña,day:día,night:noche,week:semana,month:mes,year:año,today:hoy,tomorrow:mañana,"
        "yesterday:ayer,sun:sol,"
        "moon:luna,star:estrella,sky:cielo,sea:mar,river:río,mountain:montaña,tree:árbol,flower:flor,"
        "bread:pan,milk:leche,"
        "cheese:queso,meat:carne,fish:pescado,egg:huevo,apple:manzana,orange:naranja,wine:vino,"
        "beer:cerveza,coffee:café,"
        "tea:té,sugar:azúcar,salt:sal,table:mesa,chair:silla,door:puerta,window:ventana,bed:cama,"
        "kitchen:cocina,street:calle,"
        "city:ciudad,country:país,school:escuela,teacher:maestro,doctor:médico,hand:mano,head:cabeza,"
        "eye:ojo,heart:corazón,"
        "foot:pie,horse:caballo,cow:vaca,bird:pájaro,pig:cerdo,love:amor,life:vida,death:muerte,"
        "time:tiempo,money:dinero,"
        "work:trabajo,good:bueno,bad:malo,big:grande,small:pequeño,happy:feliz,sad:triste,hello:hola,"
        "goodbye:adiós,thanks:gracias"
    ).split(",")
)
ANIMALS = dict(
    pair.split(":")
    for pair in (
        "eagle:bird,sparrow:bird,robin:bird,owl:bird,penguin:bird,parrot:bird,crow:bird,swan:bird,"
        "pigeon:bird,hawk:bird,"
        "duck:bird,goose:bird,turkey:bird,ostrich:bird,flamingo:bird,salmon:fish,trout:fish,tuna:fish,"
        "shark:fish,cod:fish,"
        "carp:fish,herring:fish,sardine:fish,goldfish:fish,eel:fish,bass:fish,pike:fish,halibut:fish,mackerel:fish,"
        "anchovy:fish,ant:insect,bee:insect,wasp:insect,beetle:insect,butterfly:insect,moth:insect,mosquito:insect,"
        "fly:insect,cricket:insect,grasshopper:insect,ladybug:insect,termite:insect,dragonfly:insect,"
        "cockroach:insect,"
        "flea:insect,dog:mammal,cat:mammal,horse:mammal,cow:mammal,lion:mammal,tiger:mammal,"
        "elephant:mammal,whale:mammal,"
        "dolphin:mammal,bat:mammal,rabbit:mammal,mouse:mammal,wolf:mammal,bear:mammal,monkey:mammal,"
        "sheep:mammal,goat:mammal,"
        "camel:mammal,giraffe:mammal,zebra:mammal,snake:reptile,lizard:reptile,crocodile:reptile,turtle:reptile,"
        "alligator:reptile,tortoise:reptile,iguana:reptile,gecko:reptile,cobra:reptile,python:reptile"
    ).split(",")
)
PEOPLE = ("Anna", "Tom", "Maria", "Sam", "Lucy", "Omar", "Nina", "Paul", "Rosa", "Ken")
THINGS = ("apples", "books", "coins", "pens", "cards", "eggs", "stamps", "balls", "keys", "cups")
LIKED = (
    "I love",
    "We really enjoyed",
    "What a wonderful",
    "I am delighted with",
    "Everyone was happy with",
    "Simply perfect:",
)
HATED = (
    "I hate",
    "We were bored by",
    "What a terrible",
    "I am disappointed by",
    "Everyone complained about",
    "Never again:",
)
TOPICS = (
    "this film", "the soup", "our hotel room", "the new phone", "the concert", "her last novel",
    "the bus tour", "the coffee here",
    "this game", "the service", "the garden", "his speech", "the museum", "the cake", "the garage", "this pillow",
)  # fmt: skip
WORDS = (
    "banana", "window", "garden", "computer", "river", "elephant", "music", "yellow", "doctor", "planet",
    "orange", "pencil",
    "mountain", "kitchen", "summer", "rabbit", "bottle", "castle", "dragon", "engine", "forest", "guitar",
    "hammer", "island",
    "jacket", "kettle", "ladder", "magnet", "needle", "ocean", "pepper", "queen", "rocket", "silver",
    "ticket", "umbrella",
    "violin", "wallet", "zebra", "anchor", "basket", "candle", "desert", "eagle", "feather", "glove",
    "helmet", "insect",
    "jungle", "kitten", "lemon", "mirror", "nurse", "onion", "parrot", "quilt", "ribbon", "saddle", "tiger", "uncle",
)  # fmt: skip


@dataclass(frozen=True)
class Question:
    """One question.

    Args:
        id: opaque.
        kind: of question.
        text: of the question.
        answer: right answer.
    """

    id: str
    kind: str
    text: str
    answer: str


def _sum_small(chance: random.Random) -> tuple[str, str]:
    a, b = chance.randint(1, 9), chance.randint(1, 9)
    return f"What is {a} plus {b}?" if chance.random() < 0.5 else f"{a} + {b} = ?", str(a + b)


def _sum_large(chance: random.Random) -> tuple[str, str]:
    a, b = chance.randint(11, 89), chance.randint(11, 89)
    return f"What is {a} plus {b}?" if chance.random() < 0.5 else f"{a} + {b} = ?", str(a + b)


def _difference(chance: random.Random) -> tuple[str, str]:
    a, b = chance.randint(2, 20), chance.randint(1, 9)
    a, b = max(a, b), min(a, b)
    return f"What is {a} minus {b}?" if chance.random() < 0.5 else f"{a} - {b} = ?", str(a - b)


def _product(chance: random.Random) -> tuple[str, str]:
    a, b = chance.randint(2, 12), chance.randint(2, 10)
    return f"What is {a} times {b}?" if chance.random() < 0.5 else f"{a} x {b} = ?", str(a * b)


def _capital(chance: random.Random) -> tuple[str, str]:
    country = chance.choice(sorted(CAPITALS))
    return f"What is the capital of {country}?", CAPITALS[country]


def _opposite(chance: random.Random) -> tuple[str, str]:
    word = chance.choice(sorted(OPPOSITES))
    return f'What is the opposite of "{word}"?', OPPOSITES[word]


def _spanish(chance: random.Random) -> tuple[str, str]:
    word = chance.choice(sorted(SPANISH))
    return f'What is "{word}" in Spanish?', SPANISH[word]


def _animal(chance: random.Random) -> tuple[str, str]:
    animal = chance.choice(sorted(ANIMALS))
    return f"Is a {animal} a bird, a fish, an insect, a mammal or a reptile?", ANIMALS[animal]


def _sentiment(chance: random.Random) -> tuple[str, str]:
    liked = chance.random() < 0.5
    opening = chance.choice(LIKED if liked else HATED)
    return (
        f'Is this review positive or negative? "{opening} {chance.choice(TOPICS)}."',
        "positive" if liked else "negative",
    )


def _larger(chance: random.Random) -> tuple[str, str]:
    a, b = chance.sample(range(1, 1000), 2)
    return f"Which number is larger, {a} or {b}?", str(max(a, b))


def _next(chance: random.Random) -> tuple[str, str]:
    start, step = chance.randint(1, 20), chance.randint(1, 10)
    shown = ", ".join(str(start + step * i) for i in range(4))
    return f"What number comes next: {shown}?", str(start + 4 * step)


def _story(chance: random.Random) -> tuple[str, str]:
    name, thing = chance.choice(PEOPLE), chance.choice(THINGS)
    a, b = chance.randint(2, 12), chance.randint(1, 9)
    if chance.random() < 0.5:
        return f"{name} has {a} {thing} and gets {b} more. How many {thing} does {name} have now?", str(a + b)
    a, b = max(a, b) + 1, min(a, b)
    return f"{name} has {a} {thing} and gives away {b}. How many {thing} does {name} have now?", str(a - b)


def _letter(chance: random.Random) -> tuple[str, str]:
    word = chance.choice(WORDS)
    which = chance.choice(("first", "last"))
    return f'What is the {which} letter of the word "{word}"?', word[0] if which == "first" else word[-1]


KINDS: dict[str, Callable[[random.Random], tuple[str, str]]] = {
    "sum_small": _sum_small,
    "sum_large": _sum_large,
    "difference": _difference,
    "product": _product,
    "capital": _capital,
    "opposite": _opposite,
    "spanish": _spanish,
    "animal": _animal,
    "sentiment": _sentiment,
    "larger": _larger,
    "next": _next,
    "story": _story,
    "letter": _letter,
}
SHOTS = 5


def examples(kind: str) -> list[tuple[str, str]]:
    """Return the answered questions in the prompts of a kind; they are never asked."""
    chance, answers = random.Random(f"examples:{kind}"), {}
    while len(answers) < SHOTS:
        text, answer = KINDS[kind](chance)
        answers[text] = answer
    return list(answers.items())


def prompt_of(question: Question) -> str:
    """Return the prompt: five answered questions of the kind, then the question."""
    before = "".join(f"Q: {text}\nA: {answer}\n\n" for text, answer in examples(question.kind))
    return f"{before}Q: {question.text}\nA:"


def write_questions(count: int, *, seed: int) -> list[Question]:
    """Write ``count`` different questions, the kinds in turn; a shorter list is a prefix of a longer one."""
    return [question for question, _ in zip(_endless(seed), range(count), strict=False)]


def _endless(seed: int) -> Iterator[Question]:
    chances = {kind: random.Random(f"{seed}:{kind}") for kind in KINDS}
    seen = {text for kind in KINDS for text, _ in examples(kind)}
    while True:
        for kind, write in KINDS.items():
            for _ in range(200):  # an exhausted kind is skipped
                text, answer = write(chances[kind])
                if text not in seen:
                    seen.add(text)
                    yield Question(f"{kind}-{len(seen):05d}", kind, text, answer)
                    break
