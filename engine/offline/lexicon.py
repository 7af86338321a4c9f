"""English word lists for reading values out of what people write."""

from __future__ import annotations

_UNITS = """
$ € £ ¥ % usd eur gbp dollar dollars buck bucks cent cents euro euros pound pounds quid yen rupee
rupees peso pesos franc francs percent
k kb mb gb tb kbs mbs gbs tbs m g meg megs mega gig gigs giga gigas kilobyte kilobytes megabyte
megabytes gigabyte gigabytes terabyte terabytes
second seconds sec secs minute minutes min mins hour hours hr hrs am pm day days night nights week
weeks month months year years time times st nd rd th
km kms kilometre kilometres kilometer kilometers mile miles metre metres meter meters kg kgs kilo
kilos gram grams lb lbs degrees
text texts sms call calls people persons sim sims line lines phone phones kid kids
"""
_FILLERS = """
please pls thanks thank you ok okay yes yeah yep sure well um uh no nope and or so then to for in on
at by from with via of it it's it’s is be make that that's that’s this the a an one just only rather
actually sorry i i'd i'll i’d i’ll want like would need prefer mean meant say let's let’s let us go
take use choose pick put give me do what about how another more add maybe my number option now
instead will should can could
"""
_TALK = """
never mind nevermind stop cancel forget help hello hi hey bye goodbye quit exit back why when who
where which whose show tell pay get check list top up change switch end send see know not nothing
none any some there here what's whats don't dont hate stupid idiot cool great wow lol hmm joke wait
later out away other others else are am was were did does have has had your yours mine we they he
she if but because
"""
_CALENDAR = """
monday tuesday wednesday thursday friday saturday sunday january february march april may june july
august september october november december christmas easter ramadan thanksgiving
"""
_YES = "yes yeah yep yup y sure ok okay alright fine absolutely definitely please"
_AROUND_YES = """
do it that go ahead sounds good all right of course thanks you can after actually then well oh hm
hmm
"""
_ON = "on send sign subscribe enable enabled activate start resume yes want unmute open allow"
_OFF = """
end off disable disabled deactivate stop pause don't no without never mute close forbid unsubscribe
not won't
"""
_SWITCHES = """
subscribe unsubscribe enable enabled disable disabled activate deactivate mute unmute stop end off
sign send don't
"""
_UNDOING = """
cancel undo revert reverse refund withdraw annul void rescind remove deduct subtract retract
"""
_TIMES = (
    "date dates day days time times when month week start begin end until deadline due schedule"
)
_EXCLUDING = """
not
no longer
except for
except
excluding
without
instead of
rather than
apart from
other than
"""
_CLAUSE = "i we you please but and or so then just put give add let"
_CORRECTING = """
or, no, nope, ok, okay, same, rather, actually, make it, make that, instead, sorry, i mean, i meant,
wait
"""
_TOLD = "because since as due reason named called titled saying says note message subject text"

_COUNTED = """
text texts sms call calls people persons sim sims line lines phone phones kid kids st nd rd th times
time
"""

# Words that measure something. Next to a number they say what it counts; a parameter that names
# its own units is not meant where another one stands.
UNITS = frozenset(_UNITS.split())
# Of these, what measures rather than counts.
MEASURES = UNITS - frozenset(_COUNTED.split())
# Plurals that do not look it.
PLURALS = frozenset({"people", "children"})
# What may stand around a value when a message is nothing but that value.
FILLERS = frozenset(_FILLERS.split())
# Words that carry a conversation or a wish of their own: with one of them a short text is not
# just a value.
TALK = FILLERS - {"the", "of", "and"} | frozenset(_TALK.split())
CALENDAR = frozenset(_CALENDAR.split())
# What is switched on or off by these words.
ON = frozenset(_ON.split())
OFF = frozenset(_OFF.split())
# Of these, what switches by itself: "I want" may be about anything.
SWITCHES = frozenset(_SWITCHES.split())
# What announces that something is told in the person's own words.
TOLD = frozenset(_TOLD.split())
# Behind these stands a place, or what something is for.
PREPOSITIONS = frozenset({"in", "of", "to", "from", "for", "at", "near"})
# What takes something back, or makes it less: "cancel my top-up" orders no top-up.
UNDOING = frozenset(_UNDOING.split())
# What stands behind these is excluded ("in Rome, not in Paris"), up to a word of a clause's own;
# "but" only behind a word for all ("all but INV-2210").
EXCLUDING = tuple(tuple(line.split()) for line in _EXCLUDING.strip().splitlines())
ALL = frozenset({"all", "everything", "any", "anything"})
CLAUSE = frozenset(_CLAUSE.split())
# With one of these in its name a parameter says when.
TIMES = frozenset(_TIMES.split())
# And with one of these, when something begins.
STARTS = frozenset({"start", "starts", "begin", "begins", "first", "from", "depart", "departure"})
# With these a message goes on from the one before, or ends in the place that was spoken of.
FOLLOWING = ("and ", "what about ", "how about ")
CORRECTING = tuple(f"{line.strip()} " for line in _CORRECTING.strip().split(","))
PLACES = (" there", " in that country", " in that place", " in that one")
NO_PLACES = (" is there", " are there", " was there", " be there", " on there")
PRONOUNS = frozenset({"it", "that", "this", "they", "them", "those", "these"})
# What says yes, and what may stand around it when a message is nothing but a yes.
YES = frozenset(_YES.split())
AROUND_YES = frozenset(_AROUND_YES.split())
# By a word of a parameter's name, what announces a whole clause for it.
_MESSAGE = ("that", "saying", "says", "say", "to say", "know")
_REASON = ("because", "since", "as", "due to", "reason is", "for the reason that")
CLAUSES: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("message", "text", "note", "body", "comment", "content"), _MESSAGE),
    **dict.fromkeys(("reason", "why", "cause", "justification"), _REASON),
}
# By a word of a parameter's name or description, what stands before a name for it.
CUES: dict[str, tuple[str, ...]] = {
    "author": ("by",),
    "artist": ("by",),
    "writer": ("by",),
    "wrote": ("by",),
    "title": ("called", "titled", "named"),
    "name": ("called", "named"),
    "destination": ("to",),
    "to": ("to",),
    "target": ("to",),
    "environment": ("to", "on", "in"),
    "origin": ("from",),
    "source": ("from",),
    "from": ("from",),
    "place": ("in", "at", "near"),
    "country": ("in", "to", "from", "for", "at"),
    "city": ("in", "at", "near", "to"),
    "location": ("in", "at", "near"),
    "room": ("in",),
    "recipient": ("to",),
    "assignee": ("to",),
    "owner": ("to",),
    "guest": ("for",),
    "person": ("for", "with"),
    "query": ("about", "for", "on"),
    "topic": ("about", "on"),
    "subject": ("about",),
    "label": ("as",),
}
# What asks for a date, for a number, and for two things side by side.
WHEN = frozenset({"when", "until", "date", "day", "deadline"})
COUNTS = frozenset({"much", "many", "cost", "costs", "price", "long"})
_PRICES = """
cost costs price prices pay paid owe owed charge charged spend spent money dollars euros expensive
cheap fee fees worth bill rate
"""
PRICES = frozenset(_PRICES.split())
SETTLED = frozenset({"paid", "returned", "cancelled", "canceled", "closed", "completed"})
TOTALS = frozenset({"total", "together", "altogether", "sum"})
COMPARES = frozenset({"compare", "difference", "versus", "vs", "differ", "between", "comparison"})
# Which one of several, by what it is compared in and whether the most or the least is meant.
_MOST: dict[str, tuple[str, ...]] = {
    "price": ("priciest", "dearest", "dearer", "pricier", "costliest", "expensive"),
    "date": ("newest", "latest", "newer", "later", "recent", "last"),
    "size": ("largest", "biggest", "highest", "most", "larger", "bigger", "higher", "longest"),
}
_LEAST: dict[str, tuple[str, ...]] = {
    "price": ("cheapest", "cheaper", "cheap"),
    "date": ("oldest", "earliest", "older", "earlier", "soonest", "first", "next"),
    "size": ("smallest", "lowest", "least", "smaller", "lower", "fewest", "shortest"),
}
SUPERLATIVES: dict[str, tuple[str, int]] = {
    word: (sort, sign)
    for table, sign in ((_MOST, 1), (_LEAST, -1))
    for sort, listed in table.items()
    for word in listed
}
