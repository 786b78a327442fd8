"""The texts of the simulated log: eight kinds of query, each written by templates.

Every kind is a function of a random generator and a level in [0, 1): the higher the level, the harder the task that
the text states. A text tells its own difficulty only partly, as in life; `generate.py` adds what it does not tell.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import numpy as np

Generator = np.random.Generator
PEOPLE = (
    "Amara Okafor", "Jonas Lindqvist", "Mei-Ling Chen", "Rafael Duarte", "Priya Raman", "Oksana Hrytsenko",
    "Tomasz Wilk", "Fatima El-Sayed", "Hannah Bergmann", "Kenji Watanabe", "Lucía Romero", "Sam O'Connell",
)  # fmt: skip
FIRMS = (
    "Northwind Cartage", "Bluefern Analytics", "Kestrel Marine", "Halden Foods", "Ortiz & Sons", "Quarry Lane Clinic",
    "Silverbirch Energy", "Tallow Street Press", "Vantor Robotics", "Mossgate Housing", "Lumen Tiles", "Arbor Dental",
)  # fmt: skip
GOODS = (
    "crates of lemons", "printer cartridges", "bicycle helmets", "sacks of flour", "concert tickets", "garden chairs",
    "rolls of copper wire", "school notebooks", "boxes of tiles", "bottles of ink", "camp stoves", "sensor boards",
)  # fmt: skip
MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October")


def pick(rng: Generator, options: Sequence[str]) -> str:
    """Draw one of some texts."""
    return options[int(rng.integers(len(options)))]


def some(rng: Generator, options: Sequence[str], count: int) -> list[str]:
    """Draw so many different texts, in random order."""
    return [options[i] for i in rng.permutation(len(options))[:count]]


def arithmetic(rng: Generator, level: float) -> str:
    """Sums from one step to five, in figures or in words."""
    digits = 2 + int(3 * level)
    numbers = [int(n) for n in rng.integers(10 ** (digits - 1), 10**digits, size=6)]
    goods, person, firm = pick(rng, GOODS), pick(rng, PEOPLE), pick(rng, FIRMS)
    a, b, c, percent = numbers[0], numbers[1], numbers[2], int(rng.integers(3, 48))
    if level < 0.25:
        return pick(rng, (
            f"What is {a} + {b} - {c // 3}?",
            f"{person} buys {a} {goods} and gives {b % a + 1} away. How many are left?",
            f"Add {a} and {b}. Answer with the number only.",
        ))  # fmt: skip
    if level < 0.5:
        return pick(rng, (
            f"{firm} sells {a} {goods} at ${b % 90 + 5} each and pays {percent}% tax. How much tax is due?",
            f"Compute {a} * {b % 97 + 3} - {c}.",
            f"{person} packs {a} {goods} into boxes of {b % 17 + 4}. How many boxes are full, and how many remain?",
        ))  # fmt: skip
    if level < 0.75:
        return pick(rng, (
            f"A tank holds {a} litres. It loses {percent}% on the first day and {percent // 2 + 1}% of the rest on the "
            f"second, then {c} litres are added. What is in it now, to one decimal?",
            f"Evaluate ({a} - {b}) * {c % 89 + 11} + {numbers[3]} / {percent + 1}, rounded to two decimals.",
            f"{firm} borrows ${a * 10} at {percent / 4:.2f}% a year, compounded monthly. What is owed after "
            f"{b % 7 + 2} years?",
        ))  # fmt: skip
    return pick(rng, (
        f"Find the remainder of {a}^{b % 900 + 100} divided by {c % 97 + 13}.",
        f"Two pumps fill a basin in {a % 40 + 11} and {b % 40 + 23} minutes, a drain empties it in {c % 50 + 70}. All "
        f"three run, but the drain is blocked for the first {percent} minutes. When is the basin full?",
        f"How many ways are there to hand {b % 9 + 12} identical {goods} to {a % 4 + 4} people so that each gets at "
        f"least one and nobody more than {c % 3 + 5}?",
        f"{firm} repays ${a * 100} in {b % 120 + 60} equal monthly instalments at {percent / 5:.1f}% a year. What is "
        f"the instalment, and how much interest is paid in the first {c % 4 + 2} years?",
    ))  # fmt: skip


NAMES = ("rows", "orders", "prices", "events", "samples", "invoices", "scores", "messages", "sessions", "tokens")
FUNCTIONS = ("total", "latest", "merge", "group", "window", "dedupe", "rank", "smooth", "collect", "settle")
BUGS = (
    ("def {f}({x}):\n    for i in range(1, len({x})):\n        print({x}[i])",
     "The first item of {x} is never printed."),
    ("def {f}({x})\n    return sum({x}) / len({x})", "Python says SyntaxError on the first line."),
    ("def {f}({x}, n={n}):\n    return {x}[-n:] if n > 0 else {x}[:n + 1]", "With n=0 we get one item, not none."),
    ("def {f}({x}, seen=[]):\n    for item in {x}:\n        if item not in seen:\n            seen.append(item)\n"
     "    return seen", "On the second call results of the first call come back."),
    ("const {f} = ({x}) => {{\n  {x}.sort();\n  return {x}.slice(0, {n});\n}};", "They come out as 1, 10, {n}, 9."),
    ("SELECT customer, SUM(amount) FROM {x}\nWHERE SUM(amount) > {n}\nGROUP BY customer;", "The database refuses it."),
    ("async def {f}({x}):\n    return [fetch(item) for item in {x}]", "The list holds coroutine objects, not replies."),
    ("def {f}({x}):\n    jobs = [lambda: item * {n} for item in {x}]\n    return [job() for job in jobs]",
     "All results are the same."),
    ("class {F}:\n    def __init__(self):\n        self._lock = Lock()\n\n    def put(self, item):\n"
     "        with self._lock:\n            self.{x}.append(item)\n            self.flush()\n\n    def flush(self):\n"
     "        with self._lock:\n            self.{x}.clear()", "Under load it hangs for ever, now and then."),
    ("func {f}({x} []int) int {{\n\tvar best int\n\tfor _, v := range {x} {{\n\t\tgo func() {{ if v > best {{ best = v "
     "}} }}()\n\t}}\n\treturn best\n}}", "It returns another number on each run, often 0."),
    ("fn {f}({x}: &mut Vec<u32>) {{\n    for v in {x}.iter() {{\n        if *v > {n} {{ {x}.push(*v); }}\n    }}\n}}",
     "The borrow checker rejects it; keep it linear in time."),
    ("def {f}({x}, k={n}):\n    heap = []\n    for item in {x}:\n        heappush(heap, item)\n"
     "        if len(heap) > k:\n            heap.pop()\n    return sorted(heap)",
     "It should keep the k largest of {x}, but for some inputs it does not."),
)  # fmt: skip


def code(rng: Generator, level: float) -> str:
    """A short program with a fault, from a missing colon to a race."""
    chosen = int(np.clip(np.floor(level * len(BUGS) + rng.normal(0, 1)), 0, len(BUGS) - 1))
    program, symptom = BUGS[chosen]
    function = pick(rng, FUNCTIONS)
    words = {"f": function, "F": function.title(), "x": pick(rng, NAMES), "n": int(rng.integers(3, 60))}
    ask = pick(rng, ("Fix this:", "What is wrong here, and how do I fix it?", "Please repair this function.",
                     "Find the bug and give a corrected version.", "A colleague left me this code."))  # fmt: skip
    return f"{ask}\n\n```\n{program.format(**words)}\n```\n{symptom.format(**words)}"


def extraction(rng: Generator, level: float) -> str:
    """Fields to take out of a message; more fields and more distraction at higher levels."""
    person, other = some(rng, PEOPLE, 2)
    firm, goods = pick(rng, FIRMS), pick(rng, GOODS)
    day, month, amount = int(rng.integers(1, 29)), pick(rng, MONTHS), int(rng.integers(120, 98000))
    number = f"{pick(rng, ('INV', 'PO', 'RE', 'A'))}-{int(rng.integers(1000, 99999))}"
    lines = [f"Dear {other.split()[0]}, please find invoice {number} for {amount / 100:.2f} EUR, due {day} {month}."]
    more = (
        f"It covers {int(rng.integers(2, 60))} {goods}, delivered to {firm}.",
        f"Note that {number}-B was cancelled; the {amount / 50:.2f} EUR in my last mail was an error.",
        f"Kindly pay to the account ending in {int(rng.integers(1000, 9999))}, not to the old one.",
        f"{person} is away until the {day % 20 + 3}th, so reach me at {person.split()[-1].lower()}@example.com.",
        f"A discount of {int(rng.integers(1, 9))}% applies if you settle within {int(rng.integers(5, 20))} days.",
    )
    lines += some(rng, more, 1 + int(4 * level)) + [f"Best regards, {person}, {firm}"]
    fields = some(rng, ("number", "amount", "due date", "sender", "goods", "account", "discount"), 2 + int(4 * level))
    ask = pick(rng, ("Extract {} as JSON.", "Return {} from this e-mail, null where absent.", "Which {} are stated?"))
    return f"{ask.format(', '.join(fields))}\n\n{' '.join(lines)}"


REPORTS = (
    "{firm} opened a second depot in {month} after two years of delays.",
    "Turnover rose by {n}% while the margin fell for the third quarter in a row.",
    "{person} told the board that {goods} will be dropped from the range.",
    "Staff asked for clearer shift plans; the works council has agreed to a trial of {n} weeks.",
    "An outside audit found {n} minor faults and one that has to be mended before winter.",
    "Customers in the north wait {n} days on average, those in the south less than three.",
    "The supplier of {goods} went out of business, and no replacement has been signed.",
    "According to {person}, the new software saved {n} hours a month, though two teams still use paper.",
    "The city will close the access road until the end of {month}, which affects half of all deliveries.",
    "A pilot with {firm} is to show whether returns can be handled within a day.",
    "The insurer has declined to cover the loss and points to clause {n} of the policy.",
    "Nobody objected to the minutes; the next meeting is set for {n} {month}.",
)


def summary(rng: Generator, level: float) -> str:
    """A report to be shortened; longer and with a narrower brief at higher levels."""
    lines = [
        line.format(firm=pick(rng, FIRMS), month=pick(rng, MONTHS), person=pick(rng, PEOPLE), goods=pick(rng, GOODS),
                    n=int(rng.integers(4, 29)))
        for line in some(rng, REPORTS, 3 + int(8 * level))
    ]  # fmt: skip
    easy = ("Summarise this in two sentences.", "Give me the gist of this note.", "tl;dr please")
    hard = ("Summarise for the board in exactly 40 words, decisions first, no adjectives.",
            "List what is still open and who has to act; leave out what is settled.",
            "Write one sentence a journalist could quote and one that corrects its likely misreading.")  # fmt: skip
    return f"{pick(rng, hard if level > 0.55 else easy)}\n\n{' '.join(lines)}"


CLAUSES = (
    "Either party may terminate this agreement with {n} days' written notice to the end of a month.",
    "The supplier's liability is limited to the fees paid in the preceding {n} months, except for wilful default.",
    "Invoices are payable within {n} days; late payment bears interest of {k}% per annum above the base rate.",
    "The customer may not assign this agreement without consent, which shall not be unreasonably withheld.",
    "Notwithstanding clause {k}, confidentiality survives for {n} months after termination.",
    "If the service is unavailable for more than {k} hours in a month, a credit of {n}% is due on request.",
    "The term renews by one year each time unless notice is given {n} days before its end.",
    "Amendments must be in writing and signed by both parties; e-mail does not suffice.",
    "In the event of force majeure lasting more than {n} days, clause {k} applies in place of this one.",
)
CONTRACT_EASY = (
    "How much notice does {firm} have to give?", "Within how many days must {firm} pay an invoice?",
    "May {firm} change the contract by e-mail?",
)  # fmt: skip
CONTRACT_HARD = (
    "{firm} gave notice by e-mail on {n} {month}, and by letter a week later. When does the agreement end?",
    "{firm} was bought by another company in {month}. Does the agreement pass to the buyer, and which clause decides?",
    "The service failed for {n} hours and {firm} withheld a month's fee. Was it entitled to, and what is it owed?",
    "Can {firm} claim damages beyond the cap if a former employee of the supplier leaks its data in {month}?",
)


def contract(rng: Generator, level: float) -> str:
    """A question about clauses: looked up at low levels, to be reasoned out at high ones."""
    clauses = [
        clause.format(n=int(rng.integers(10, 90)), k=int(rng.integers(2, 13)))
        for clause in some(rng, CLAUSES, 3 + int(5 * level))
    ]
    text = "\n".join(f"{i}. {clause}" for i, clause in enumerate(clauses, start=1))
    asked = pick(rng, CONTRACT_HARD if rng.random() < level else CONTRACT_EASY)
    month, day = pick(rng, MONTHS), int(rng.integers(2, 28))
    return f"{text}\n\n{asked.format(firm=pick(rng, FIRMS), month=month, n=day)}"


SENTENCES = (
    "The {goods} arrive on {n} {month}.", "Could you send {n} {goods} to {firm}?", "{person} lost the key again.",
    "I would have called, had {person} not already left for {firm}.", "Mind the step, it is wet.",
    "Whoever ordered {n} {goods} had better be able to explain it.", "The early bird may have the worm.",
    "Time flies like an arrow, said {person}, and fruit flies like {goods}.",
)  # fmt: skip
FOREIGN = (
    "Der Vertrag wird erst wirksam, wenn {person} ihn am {n}. unterschrieben hat.",
    "Il faut que {n} colis soient livrés à {firm} avant midi.",
    "Договор с {firm} вступает в силу через {n} дней после подписания.",
    "お手数ですが、{n}日までに{firm}へご返信いただけますでしょうか。",
    "يرجى إرسال {n} نسخة من الفاتورة إلى {firm} قبل نهاية الشهر.",
    "कृपया {n} तारीख तक {firm} को उत्तर भेज दें।",
    "这批货物预计{n}天后运抵{firm}，请提前安排仓库。",
    "Ο {person} είπε ότι θα χρειαστούν {n} μέρες ακόμη.",
    "{n}일까지 {firm}에 계약서 원본을 보내 주시기 바랍니다.",
)
LANGUAGES = ("Spanish", "German", "French", "Portuguese", "Polish", "Turkish", "Japanese", "Arabic", "Hindi", "Swahili")


def translation(rng: Generator, level: float) -> str:
    """A sentence or three to translate, to and from several scripts; rarer languages at higher levels."""
    words = {"goods": pick(rng, GOODS), "month": pick(rng, MONTHS), "firm": pick(rng, FIRMS)}
    words |= {"person": pick(rng, PEOPLE), "n": str(int(rng.integers(2, 29)))}
    if rng.random() < 0.4:
        source = pick(rng, FOREIGN).format(**words)
        return f"{pick(rng, ('Translate into English:', 'What does this say?', 'English, please:'))} {source}"
    language = LANGUAGES[int(np.clip(level * len(LANGUAGES) + rng.normal(0, 1.5), 0, len(LANGUAGES) - 1))]
    text = " ".join(some(rng, SENTENCES, 1 + int(3 * level))).format(**words)
    return f"Translate into {language}, {pick(rng, ('formally', 'as one would say it', 'word plays included'))}: {text}"


TRIANGLES = ("triangle ABC", "acute triangle PQR", "triangle XYZ", "scalene triangle KLM")
CYCLIC = ("cyclic quadrilateral ABCD", "cyclic quadrilateral KLMN", "quadrilateral PQRS inscribed in a circle")
THEOREMS = (
    (TRIANGLES, "the angles at {a} and {b} are equal if the sides opposite them are"),
    (CYCLIC, "opposite angles add up to two right angles"),
    (TRIANGLES, "the medians meet in one point, which divides each of them two to one"),
    (CYCLIC, "the bisectors of the angles at {a} and {b} meet the circle in points that you should describe"),
    (TRIANGLES, "the altitude from {a} and the circumradius to {a} make equal angles with the sides there"),
    (CYCLIC, "the product of the diagonals equals the sum of the products of opposite sides"),
    (TRIANGLES, "the midpoints of the sides and the feet of the altitudes from {a} and {b} lie on one circle"),
    (CYCLIC, "the incentres of the four triangles that its corners form are the corners of a rectangle"),
    (TRIANGLES, "the circle through the midpoints of the sides touches the incircle and the excircle at {a}"),
)


def geometry(rng: Generator, level: float) -> str:
    """A proof in plane geometry, from school to competition."""
    chosen = int(np.clip(level * len(THEOREMS) + rng.normal(0, 0.8), 0, len(THEOREMS) - 1))
    figures, theorem = THEOREMS[chosen]
    figure = pick(rng, figures)
    a, b = some(rng, re.findall("[A-Z]", figure), 2)
    given = pick(rng, (f" with {a}{b} = {int(rng.integers(3, 40))}", ", drawn in the plane,",
                       f" where the angle at {a} is {int(rng.integers(20, 88))} degrees"))  # fmt: skip
    ask = pick(rng, ("prove that", "show that", "give an elementary proof that", "explain to a pupil why"))
    return f"In the {figure}{given}: {ask} {theorem.format(a=a, b=b)}.".replace(",:", ":")


PLACES = ("Norway", "Peru", "Vietnam", "Ghana", "Slovenia", "Mongolia", "Uruguay", "Iceland", "Oman", "Laos", "Malta",
          "Bolivia", "Kenya", "Latvia", "Fiji", "Jordan", "Nepal", "Chile", "Estonia", "Morocco")  # fmt: skip
THINGS = ("the zip fastener", "penicillin", "the barometer", "the tango", "shorthand", "the safety pin", "cellophane",
          "the theremin", "the telegraph", "the game of go", "the stapler", "vulcanised rubber")  # fmt: skip
TRIVIA = (
    ("What is the capital of {place}?", "Which sea or ocean touches {place}, if any?", "Who invented {thing}?"),
    ("Which river is the longest in {place}?", "In which century was {thing} invented, and where?",
     "Name {n} towns in {place} with more than {n}0,000 inhabitants."),
    ("Who was head of government of {place} in 19{y}?", "Who held the first patent on {thing}, and who contested it?",
     "Which treaty settled the border of {place} after 19{y}, and who signed it?"),
)  # fmt: skip


def trivia(rng: Generator, level: float) -> str:
    """A question of fact, from capitals to footnotes of history."""
    words = {"place": pick(rng, PLACES), "thing": pick(rng, THINGS)}
    words |= {"n": str(int(rng.integers(2, 7))), "y": str(int(rng.integers(20, 99)))}
    ask = pick(rng, ("", "", "Quick question: ", "For a pub quiz: ", "Answer in one line. ", "My daughter asks: "))
    return ask + pick(rng, TRIVIA[int(level * len(TRIVIA))]).format(**words)


KINDS: dict[str, Callable[[Generator, float], str]] = {
    "arithmetic": arithmetic,
    "code": code,
    "extraction": extraction,
    "summary": summary,
    "contract": contract,
    "translation": translation,
    "geometry": geometry,
    "trivia": trivia,
}
