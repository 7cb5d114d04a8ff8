"""The words of the laboratory language: tables from a choice (symbols; ``$name`` is a non-terminal)
to its weight.

Places and animals have synonyms ("river" and "stream"), which lead to the same continuations for
ever. Weights are not normalised.
"""

FEMALE = ("Anna", "Lucy", "Mary", "Rosa", "Clara", "Ella", "Nora", "Jane", "Emma", "Ida")
MALE = ("Tom", "Ben", "John", "Paul", "Karl", "Max", "Peter", "Hugo", "Sam", "Leo")
PET_NAMES = ("Rex", "Bella", "Milo", "Luna", "Rusty", "Daisy")

COLOURS = ("red", "blue", "green", "yellow", "black", "white", "brown", "pink")
THINGS = ("ball", "hat", "boat", "kite", "box", "chair", "cart", "drum", "coat", "flag")
FRUITS = ("apples", "pears", "plums", "nuts")
NUMBERS = (
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
)

MOODS = {
    m: 1.0
    for m in (
        "happy",
        "glad",
        "sad",
        "tired",
        "hungry",
        "angry",
        "proud",
        "cold",
        "bored",
        "afraid",
    )
}

PLACES: dict[str, dict[str, float]] = {  # the place: its words
    "kitchen": {"kitchen": 1},
    "river": {"river": 0.5, "stream": 0.5},
    "forest": {"forest": 0.5, "wood": 0.5},
    "garden": {"garden": 1},
    "school": {"school": 1},
    "library": {"library": 1},
    "barn": {"barn": 0.5, "stable": 0.5},
    "market": {"market": 0.6, "shop": 0.4},
    "beach": {"beach": 0.5, "shore": 0.5},
    "church": {"church": 1},
    "cellar": {"cellar": 1},
    "bath": {"bath": 1},
}
ACTIVITIES: dict[str, dict[str, float]] = {  # what one does there
    "kitchen": {"cooking soup": 0.6, "frying eggs": 0.4},
    "river": {"fishing for trout": 0.7, "swimming upstream": 0.3},
    "forest": {"chopping logs": 0.6, "hunting deer": 0.4},
    "garden": {"planting roses": 0.6, "watering tulips": 0.4},
    "school": {"learning grammar": 0.6, "teaching history": 0.4},
    "library": {"reading novels": 0.7, "whispering": 0.3},
    "barn": {"milking cows": 0.6, "feeding horses": 0.4},
    "market": {"selling cheese": 0.5, "buying bread": 0.5},
    "beach": {"building castles": 0.6, "gathering shells": 0.4},
    "church": {"praying": 0.6, "singing hymns": 0.4},
    "cellar": {"storing wine": 0.7, "hiding": 0.3},
    "bath": {"splashing": 0.6, "washing hair": 0.4},
}
OBJECTS: dict[str, dict[str, float]] = {  # what one finds there
    "kitchen": {"spoons": 0.6, "plates": 0.4},
    "river": {"pebbles": 0.6, "frogs": 0.4},
    "forest": {"mushrooms": 0.7, "acorns": 0.3},
    "garden": {"worms": 0.5, "weeds": 0.5},
    "school": {"chalk": 0.6, "pencils": 0.4},
    "library": {"maps": 0.6, "novels": 0.4},
    "barn": {"hay": 0.7, "eggs": 0.3},
    "market": {"cheese": 0.5, "bread": 0.5},
    "beach": {"shells": 0.7, "crabs": 0.3},
    "church": {"candles": 0.7, "bells": 0.3},
    "cellar": {"wine": 0.5, "coal": 0.5},
    "bath": {"soap": 0.6, "towels": 0.4},
}

# kind: (its words, the sounds one hears, what it says in a story)
ANIMALS: dict[str, tuple[dict[str, float], dict[str, float], str]] = {
    "dog": ({"dog": 0.6, "hound": 0.4}, {"bark": 0.8, "growl": 0.2}, "woof"),
    "cat": ({"cat": 0.6, "kitten": 0.4}, {"purr": 0.7, "hiss": 0.3}, "meow"),
    "cow": ({"cow": 0.8, "ox": 0.2}, {"bellow": 1.0}, "moo"),
    "horse": ({"horse": 0.6, "pony": 0.4}, {"neigh": 0.7, "snort": 0.3}, "nay"),
    "sheep": ({"sheep": 0.5, "lamb": 0.5}, {"bleat": 1.0}, "baa"),
    "duck": ({"duck": 1.0}, {"splash": 1.0}, "quack"),
    "bird": ({"bird": 0.5, "lark": 0.5}, {"sing": 0.7, "chirp": 0.3}, "tweet"),
    "frog": ({"frog": 0.5, "toad": 0.5}, {"croak": 0.8, "jump": 0.2}, "ribbit"),
    "owl": ({"owl": 1.0}, {"hoot": 0.8, "screech": 0.2}, "whoo"),
    "wolf": ({"wolf": 1.0}, {"howl": 0.8, "growl": 0.2}, "awoo"),
    "bee": ({"bee": 0.5, "wasp": 0.5}, {"hum": 1.0}, "buzz"),
    "pig": ({"pig": 1.0}, {"grunt": 0.8, "squeal": 0.2}, "oink"),
}

TRADES: dict[str, dict[str, float]] = {  # "the baker" baked bread
    "baker": {"baked bread": 0.7, "kneaded dough": 0.3},
    "farmer": {"ploughed the field": 0.6, "milked the cow": 0.4},
    "teacher": {"taught history": 0.6, "praised the pupils": 0.4},
    "painter": {"mixed colours": 0.5, "drew portraits": 0.5},
    "doctor": {"healed the sick": 0.7, "bandaged wounds": 0.3},
    "tailor": {"sewed shirts": 0.6, "stitched trousers": 0.4},
    "singer": {"sang songs": 0.8, "hummed": 0.2},
    "fisher": {"caught trout": 0.6, "mended nets": 0.4},
    "smith": {"forged swords": 0.6, "hammered iron": 0.4},
    "miller": {"ground flour": 1.0},
    "sailor": {"crossed the ocean": 0.7, "hoisted sails": 0.3},
    "judge": {"punished thieves": 0.6, "freed prisoners": 0.4},
}

DOINGS: dict[str, float] = {  # the verb decides its object
    "eating $eaten": 1,
    "drinking $drunk": 1,
    "reading $read": 1,
    "singing $sung": 1,
    "riding $ridden": 1,
    "climbing $climbed": 1,
    "painting $painted": 1,
    "digging $dug": 1,
    "baking $baked": 1,
    "sewing $sewn": 1,
    "playing $played": 1,
    "sleeping": 0.5,
    "sweeping $swept": 1,
    "counting $counted": 1,
    "hunting $hunted": 1,
    "writing $written": 1,
}
INFINITIVES: dict[str, float] = {  # the same objects after another form of the verb
    "eat $eaten": 1,
    "drink $drunk": 1,
    "read $read": 1,
    "sing $sung": 1,
    "ride $ridden": 1,
    "climb $climbed": 1,
    "paint $painted": 1,
    "dig $dug": 1,
    "bake $baked": 1,
    "sew $sewn": 1,
    "play $played": 1,
    "sleep": 0.5,
    "sweep $swept": 1,
    "count $counted": 1,
    "hunt $hunted": 1,
    "write $written": 1,
}
DESCRIPTIONS: dict[str, dict[str, float]] = {  # the objects of the verbs above
    "eaten": {"bread": 0.5, "soup": 0.3, "cheese": 0.2},
    "drunk": {"milk": 0.5, "water": 0.3, "wine": 0.2},
    "read": {"novels": 0.6, "maps": 0.4},
    "sung": {"songs": 0.7, "hymns": 0.3},
    "ridden": {"horses": 0.8, "donkeys": 0.2},
    "climbed": {"trees": 0.6, "hills": 0.4},
    "painted": {"portraits": 0.6, "walls": 0.4},
    "dug": {"holes": 0.7, "graves": 0.3},
    "baked": {"cakes": 0.7, "bread": 0.3},
    "sewn": {"shirts": 0.6, "trousers": 0.4},
    "played": {"chess": 0.6, "cards": 0.4},
    "swept": {"floors": 0.7, "stairs": 0.3},
    "counted": {"coins": 0.6, "stars": 0.4},
    "hunted": {"deer": 0.6, "foxes": 0.4},
    "written": {"letters": 0.7, "poems": 0.3},
}

SEASONS: dict[str, float] = {
    "winter snow covered the fields": 1,
    "spring flowers opened": 1,
    "summer bees hummed": 1,
    "autumn leaves fell": 1,
    "January frost covered the windows": 0.5,
    "July heat dried the grass": 0.5,
}
HOUSE: dict[str, float] = {  # after the longest fixed prefix of the language
    "very $size": 3,
    "in $condition": 2,
    "not $size": 1,
    "full of $filling": 2,
    "a $building": 1,
    "painted $paint": 1,
    "always $state": 1,
}
DESCRIPTIONS |= {
    "size": {"big": 0.5, "small": 0.3, "old": 0.2},
    "condition": {"ruins": 0.6, "flames": 0.4},
    "filling": {"mice": 0.5, "dust": 0.5},
    "building": {"palace": 0.5, "shed": 0.5},
    "paint": {"white": 0.6, "yellow": 0.4},
    "state": {"locked": 0.6, "empty": 0.4},
}

ENDINGS: dict[str, float] = {
    "Then $pronoun went home": 2,
    "Then $pronoun fell asleep": 1,
    "At night $pronoun dreamt of $dream": 1,
}
DESCRIPTIONS |= {"dream": {"dragons": 0.5, "gold": 0.5}}
