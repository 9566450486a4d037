"""Other words for the short values that requests name in their own way: units, currencies, languages, orders, days.

Between two bars stands one meaning: any of its words may stand for any other. The tables are compact on purpose: a
value that they do not hold is looked for as it is written.
"""

from collections.abc import Iterable

_MEANINGS = """
km kilometer kilometre kms | m meter metre | cm centimeter centimetre | mm millimeter millimetre | mi mile |
ft foot feet | in inch inches " | yd yard | nmi nautical_mile | nm nanometer nanometre | ly light_year |
au astronomical_unit | kg kilogram kilo kilogramme | g gram gramme | mg milligram | lb lbs pound | oz ounce |
t tonne ton metric_ton | st stone | l liter litre | ml milliliter millilitre | gal gallon | qt quart | pt pint |
tbsp tablespoon | tsp teaspoon | c celsius centigrade °_c degree_c | f fahrenheit °_f degree_f | k kelvin degree_k |
s sec second | min minute | h hr hrs hour hourly | d day daily | w wk week weekly | month monthly mo |
yr year yearly annual annually annum | quarter quarterly | ms millisecond | decade ten_year |
fortnight biweekly two_week | kmh km_h kph kilometer_per_hour km_per_hour kilometre_per_hour km_hr |
mph mile_per_hour mi_h | mps m_s meter_per_second metre_per_second | kn knot kt |
fps ft_s foot_per_second feet_per_second | sqm m2 square_meter square_metre | sqft ft2 square_foot square_feet |
sqkm km2 square_kilometer square_kilometre | ha hectare | ac acre | j joule | kj kilojoule | cal calorie |
kcal kilocalorie | kwh kilowatt_hour | wh watt_hour | btu british_thermal_unit | w watt | kw kilowatt |
hp horsepower | pa pascal | kpa kilopascal | bar | psi pound_per_square_inch | atm atmosphere | hz hertz | b byte |
kb kilobyte | mb megabyte | gb gigabyte | tb terabyte | kib kibibyte | mib mebibyte | gib gibibyte | bit |
deg degree ° | rad radian | pct percent % percentage | bpm beat_per_minute |
usd dollar $ us_dollar american_dollar buck | eur euro € | gbp pound £ british_pound sterling pound_sterling |
jpy yen ¥ japanese_yen | cny yuan renminbi rmb chinese_yuan | inr rupee ₹ indian_rupee | chf franc swiss_franc |
cad canadian_dollar | aud australian_dollar | nzd new_zealand_dollar kiwi_dollar | sek krona swedish_krona |
nok krone norwegian_krone | dkk danish_krone | brl real brazilian_real | mxn peso mexican_peso |
krw won korean_won | try lira turkish_lira | pln zloty polish_zloty | zar rand south_african_rand |
rub ruble rouble | sgd singapore_dollar | hkd hong_kong_dollar | thb baht | ils shekel | czk koruna | huf forint |
btc bitcoin | eth ethereum | en english eng | fr french | de german | es spanish | it italian | pt portuguese |
nl dutch | sv swedish | no norwegian | da danish | fi finnish | pl polish | ru russian | ja japanese |
zh chinese mandarin | ko korean | ar arabic | hi hindi | tr turkish | sw swahili |
us usa united_state america american u_s | uk gb united_kingdom britain great_britain british england u_k |
eu european_union europe | de germany german | fr france french | it italy italian | es spain spanish |
jp japan japanese | cn china chinese | in india indian | ca canada canadian | au australia australian |
br brazil brazilian | mx mexico mexican | ch switzerland swiss | se sweden swedish | no norway norwegian |
nl netherlands holland dutch | pt portugal portuguese | kr korea korean | nz new_zealand | pl poland polish |
asc ascend increase lowest_first smallest_first low_to_high smallest_to_largest lowest_to_highest
shortest_first oldest_first small_to_large |
desc descend decrease highest_first largest_first high_to_low largest_to_smallest highest_to_lowest
longest_first newest_first reverse |
largest_to_small large_to_small biggest_first | mon monday | tue tues tuesday | wed wednesday |
thu thur thurs thursday | fri friday | sat saturday | sun sunday | jan january | feb february | mar march |
apr april | jun june | jul july | aug august | sep sept september | oct october | nov november | dec december |
max maximum highest largest most biggest top | min minimum lowest smallest least | avg average mean |
std standard_deviation | sum total add | med medium moderate | lg large big | sm small little | xl extra_large |
m male man men boy masculine | f female woman women girl feminine | add addition plus sum + |
subtract subtraction minus difference | multiply multiplication times product | divide division quotient |
upper uppercase capital all_cap | lower lowercase small_letter | title title_case capitalize |
up round_up ceiling ceil | down round_down floor | nearest closest | rent rental | buy purchase | n north | e east |
s south | w west | hex hexadecimal | dec decimal | bin binary | oct octal | vegan plant_based | veg vegetarian |
morning am | evening pm | first 1st | repo repository | lang language | temp temperature |
sedentary inactive no_exercise | metric si | imperial us_customary
"""


def stem(word: str) -> str:
    """A crude stem, one for the usual forms of an English word: ``cities`` and ``city``, ``coding`` and ``code``."""
    size = len(word)
    if size > 3 and word[-1] == "s" and word[-2] not in "sui":
        word = word[:-3] + "y" if word.endswith("ies") and size > 4 else word[:-1]
    size = len(word)
    for ending in ("ing", "ed", "ly"):
        if size >= len(ending) + 4 and word.endswith(ending):
            word = word[: -len(ending)]
            if len(word) > 3 and word[-1] == word[-2] and word[-1] not in "ls":
                word = word[:-1]
            break
    if len(word) > 3 and word[-1] == "e":
        word = word[:-1]
    return word[:-1] + "i" if len(word) > 3 and word[-1] == "y" else word


WEAK = frozenset("a i in it no us am is as at so me be de es do or an on".split())
"""Short values that are also plain words: they count only in capitals, after a number, or in quotes."""

_SIGNS = frozenset('$\u20ac\u00a3\u00a5\u20b9%\u00b0"+')


def _table(meanings: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """For each word (stemmed, spaces between several) all the others of its meanings, each with a space around.

    A short word that may be something else, too, does not stand for the long one: not every "in" is an inch.
    """
    out: dict[str, dict[str, None]] = {}
    for meaning in meanings:
        words = [" ".join(stem(part) for part in word.split("_")) for word in meaning.split()]
        for word in words:
            others = (
                other for other in words if other != word and other not in WEAK and (len(other) > 1 or other in _SIGNS)
            )
            out.setdefault(word, {}).update((f" {other} ", None) for other in others)
    return {word: tuple(others) for word, others in out.items()}


SYNONYMS = _table(_MEANINGS.split("|"))
"""Stemmed word or words -> other stemmed words with the same meaning, each as ``" word "``."""

SHORT = {
    stem(word): frozenset(other for other in meaning.split() if len(other) == 1 or other in WEAK)
    for meaning in _MEANINGS.split("|")
    for word in meaning.split()
}
"""Stemmed word -> its short forms, which count as `WEAK` words do: the C of 20 C for celsius."""

MONTHS = {
    name: number
    for number, names in enumerate(
        ("january jan", "february feb", "march mar", "april apr", "may", "june jun", "july jul", "august aug",
         "september sept sep", "october oct", "november nov", "december dec"), start=1)
    for name in names.split()
}  # fmt: skip
"""Month names and their number."""

CARDINALS = {
    word: number
    for number, word in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
        "seventeen eighteen nineteen".split()
    )
} | {
    word: number * 10 for number, word in enumerate("twenty thirty forty fifty sixty seventy eighty ninety".split(), 2)
}
"""Words of numbers below a hundred."""

ORDINALS = {
    word: number
    for number, word in enumerate(
        "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth "
        "fifteenth sixteenth seventeenth eighteenth nineteenth twentieth".split(), 1)
} | {"thirtieth": 30, "fortieth": 40, "fiftieth": 50, "hundredth": 100}  # fmt: skip
"""Words of ordinal numbers."""

SCALES = {"hundred": 100, "thousand": 1_000, "million": 1_000_000, "billion": 10**9, "trillion": 10**12, "dozen": 12}
"""Words that multiply the number before them."""

SINGLE: dict[str, tuple[float, ...]] = {
    "once": (1,), "twice": (2,), "thrice": (3,), "double": (2,), "triple": (3,), "both": (2,), "couple": (2,),
    "pair": (2,), "single": (1,), "half": (0.5,), "halve": (0.5,), "quarter": (0.25,), "doubled": (2,), "tripled": (3,),
    "daily": (365, 1),
    "weekly": (52, 7), "week": (7,), "fortnight": (14,), "monthly": (12,), "quarterly": (4,), "semiannually": (2,),
    "annually": (1,), "yearly": (1,), "annual": (1,), "decade": (10,), "century": (100,),
}  # fmt: skip
"""Other words that say a number; by themselves no figure that the calls must hold."""

COMPARISONS = {
    ">": ("greater than", "more than", "above", "over", "exceed"),
    "<": ("less than", "below", "under", "fewer than"),
    ">=": ("at least", "or more", "minimum", "not less than", "from"),
    "<=": ("at most", "or less", "maximum", "up to", "not more than", "within"),
    "=": ("equal", "is", "exactly", "named"),
    "==": ("equal", "is", "exactly", "named"),
    "!=": ("not", "other than", "except"),
    "+": ("plus", "add", "sum"),
    "-": ("minus", "subtract", "less", "difference"),
    "*": ("times", "multipl", "product"),
    "/": ("divide", "over", "quotient"),
}
"""Signs and the words that say them."""

NEGATIONS = frozenset(
    stem(word)
    for word in "no not without non dont don doesn isn won never exclude excluding skip omit omitting disable avoid "
    "ignore instead neither nor leave drop hide false less".split()
)
"""Stems that turn a request for what follows into its opposite."""

LATER_NEGATIONS = frozenset(stem(word) for word in "excluded off out disabled omitted ignored removed".split())
"""Stems that do so for what stands before them."""

FILLERS = frozenset("the a an of in on at to for by and or with per is".split())
"""Words of a value that a request may leave out."""

FLAG_FILLERS = frozenset(
    stem(word)
    for word in "is are be use used using has have with include included including enable enabled allow allowed want "
    "should only flag show do return get in of the a as to or and add apply require required whether set".split()
)
"""Stems in a boolean's name that do not say what it is about."""
