"""From what people say ("the States", "Holland", "Dubai") to a country of ISO 3166-1.

Only an exact name is taken; a near one ("Germny") is offered, never assumed.
"""

from __future__ import annotations

import difflib
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache

from engine import ToolUserError

from .formatting import listing

# Everyday names where ISO's own is a lawyer's. Kosovo has no ISO code; XK is the usual one.
FRIENDLY_NAMES = {
    "BN": "Brunei", "BQ": "Caribbean Netherlands", "CC": "Cocos Islands", "CD": "DR Congo",
    "CG": "Congo-Brazzaville", "CZ": "Czech Republic", "FK": "Falkland Islands",
    "FM": "Micronesia", "MF": "Saint Martin", "PS": "Palestine", "RU": "Russia",
    "SH": "Saint Helena", "SX": "Sint Maarten", "VA": "Vatican City",
    "VG": "British Virgin Islands", "VI": "US Virgin Islands", "XK": "Kosovo",
}  # fmt: skip

OTHER_NAMES = {
    "AE": "uae, emirates", "AG": "antigua", "AT": "osterreich", "BA": "bosnia", "BR": "brasil",
    "CH": "schweiz, suisse, svizzera", "DE": "deutschland", "ES": "espana", "IT": "italia",
    "CD": "drc, congo kinshasa",
    "CG": "congo brazzaville", "CI": "ivory coast", "CN": "prc, mainland china",
    "CV": "cape verde", "CZ": "czechia", "DO": "dominican rep", "FK": "falklands",
    "GB": "uk, great britain, britain, england, scotland, wales, northern ireland",
    "IE": "republic of ireland, eire", "KN": "saint kitts", "KR": "s korea", "KP": "n korea",
    "MK": "macedonia", "MM": "burma", "MO": "macau", "NL": "holland", "NZ": "nz",
    "PG": "png", "SA": "ksa, saudi", "SZ": "swaziland", "TL": "east timor", "TR": "turkey",
    "TT": "trinidad, tobago", "US": "us, usa, u s, u s a, america, states", "VA": "vatican",
    "VC": "saint vincent",
}  # fmt: skip

# Where people go and name instead of the country.
PLACES = {
    "AE": "dubai, abu dhabi", "AR": "buenos aires", "AT": "vienna, salzburg", "AU": "sydney, "
    "melbourne, brisbane, perth", "BE": "brussels, bruges", "BR": "rio de janeiro, rio, sao paulo",
    "CA": "toronto, vancouver, montreal, quebec", "CH": "zurich, geneva", "CN": "beijing, shanghai",
    "CZ": "prague", "DE": "berlin, munich, hamburg, frankfurt, bavaria",
    "DK": "copenhagen", "EG": "cairo, sharm el sheikh, hurghada", "ES": "barcelona, madrid, ibiza, "
    "mallorca, majorca, tenerife, canary islands, gran canaria, lanzarote, seville, valencia",
    "FI": "helsinki, lapland", "FR": "paris, nice, lyon, marseille, corsica",
    "GB": "london, edinburgh, glasgow, manchester, belfast, cardiff",
    "GR": "athens, crete, rhodes, corfu, santorini, mykonos", "HR": "dubrovnik, zagreb",
    "HU": "budapest", "ID": "bali, jakarta", "IE": "dublin", "IL": "tel aviv, jerusalem",
    "IN": "mumbai, delhi, new delhi, goa, bangalore", "IS": "reykjavik",
    "IT": "rome, milan, venice, florence, naples, sicily, sardinia, tuscany",
    "JP": "tokyo, osaka, kyoto, okinawa", "KE": "nairobi", "KR": "seoul", "MA": "marrakesh, "
    "marrakech, casablanca", "MX": "mexico city, cancun, tijuana", "MY": "kuala lumpur",
    "NL": "amsterdam, rotterdam", "NO": "oslo", "NZ": "auckland", "PE": "lima, cusco",
    "PL": "warsaw, krakow", "PT": "lisbon, porto, madeira, azores, algarve", "QA": "doha",
    "RU": "moscow", "SE": "stockholm", "TH": "bangkok, phuket", "TR": "istanbul, antalya",
    "TZ": "zanzibar", "US": "new york, hawaii, alaska, miami, los angeles, las vegas, florida, "
    "california, texas, san francisco, chicago", "VN": "hanoi, ho chi minh city, saigon",
    "ZA": "cape town, johannesburg",
}  # fmt: skip

REGIONS = (
    "europe, eu, european union, asia, africa, latin america, south america, "
    "central america, north america, caribbean, middle east, scandinavia, balkans, oceania, "
    "abroad, overseas, world, far east, southeast asia"
)

_WITH_ARTICLE = {"Bahamas", "Comoros", "Gambia", "Isle of Man", "Maldives", "Netherlands",
                 "Philippines", "Caribbean Netherlands", "DR Congo"}  # fmt: skip


@dataclass(frozen=True)
class FoundCountry:
    """A country's code, and the place in it that was said instead of its name."""

    code: str
    place: str = ""


@cache
def names() -> Mapping[str, str]:
    """Every country's code and everyday name."""
    import pycountry  # 70 ms that only a new file and a question about roaming need

    iso = {
        country.alpha_2: getattr(country, "common_name", country.name)
        for country in pycountry.countries
    }
    return iso | FRIENDLY_NAMES


def find(said: str) -> FoundCountry:
    """The one country that is meant. Raises `ToolUserError` with the likely ones otherwise."""
    said = " ".join(said.split())
    # "it" or "in" in a sentence is a word; a code is written in capitals.
    if said.isupper() and (code := _codes().get(said)):
        return FoundCountry(code)
    key = _folded(said)
    codes = _index().get(key, frozenset())
    if len(codes) == 1:
        return FoundCountry(*codes)
    if codes:
        raise ToolUserError(f"“{said}” could be {listing(_named(codes), 'or')}: which one?")
    if place := _places().get(key):
        return FoundCountry(place, said.title() if said.islower() else said)
    if key in _split(REGIONS):
        raise ToolUserError(
            "Roaming has a price for each country: please name one, for instance Spain or Japan."
        )
    near = difflib.get_close_matches(key, _index(), n=3, cutoff=0.75)
    if near:
        likely = _named(code for name in near for code in _index()[name])
        raise ToolUserError(
            f"I don't know a country called “{said}”. Did you mean {listing(likely, 'or')}?"
        )
    raise ToolUserError(
        f"I don't know a country called “{said}”. Please give its usual English name, "
        "for instance Spain or Japan."
    )


def in_a_sentence(name: str) -> str:
    """ "the Netherlands", but "Spain"."""
    ends = name.split()[-1]
    plural = ends in {"Islands", "Republic", "Territory", "Territories", "Emirates", "States"}
    needs = plural or name in _WITH_ARTICLE or name.startswith("United ")
    return f"the {name}" if needs else name


def _named(codes: Iterable[str]) -> list[str]:
    return sorted({names()[code] for code in codes})


@cache
def _codes() -> Mapping[str, str]:
    import pycountry

    return {
        code: country.alpha_2
        for country in pycountry.countries
        for code in (country.alpha_2, country.alpha_3)
    }


@cache
def _index() -> Mapping[str, frozenset[str]]:
    """Folded names → codes. "Korea" is the head of two names and so stands for both."""
    import pycountry

    index: defaultdict[str, set[str]] = defaultdict(set)
    for country in pycountry.countries:
        for name in (
            country.name,
            country.name.split(",")[0].split(" (")[0],
            getattr(country, "official_name", ""),
            getattr(country, "common_name", ""),
        ):
            index[_folded(name)].add(country.alpha_2)
    for code, name in FRIENDLY_NAMES.items():
        index[_folded(name)].add(code)
    for code, others in OTHER_NAMES.items():
        for name in _split(others):
            index[name].add(code)
    del index[""]
    return {name: frozenset(codes) for name, codes in index.items()}


@cache
def _places() -> Mapping[str, str]:
    return {place: code for code, places in PLACES.items() for place in _split(places)}


def _split(text: str) -> list[str]:
    return text.split(", ")


def _folded(text: str) -> str:
    """Without case, accents, punctuation and article, "St." written out."""
    plain = unicodedata.normalize("NFKD", text.casefold().replace("&", " and "))
    letters = "".join(c if c.isalnum() else " " for c in plain if not unicodedata.combining(c))
    words = ["saint" if word == "st" else word for word in letters.split()]
    return " ".join(words[1:] if words[:1] == ["the"] else words)
