"""What calls, texts and data cost abroad: every country lies in one zone, a zone has one price.

The operator's home is the United States. Countries that apply "roam like at home" among
themselves (Regulation (EU) 2022/612: the EU with its outermost regions, and the EEA) are part of
every plan.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from . import countries
from .formatting import dollars, money
from .store import Store

# ISO 3166-1 codes; what no other zone lists is in the rest of the world.
ZONES = {
    "home": "US PR GU VI AS MP UM",
    "europe": "AT BE BG HR CY CZ DK EE FI FR DE GR HU IE IT LV LT LU MT NL PL PT RO SK SI ES SE "
    "IS LI NO AX GF GP MQ MF RE YT",
    "europe_other": "AD AL BA BY CH FO GB GG GI IM JE MC MD ME MK RS RU SJ SM TR UA VA XK",
    "americas": "AG AI AR AW BB BL BM BO BQ BR BS BZ CA CL CO CR CU CW DM DO EC FK GD GL GT GY HN "
    "HT JM KN KY LC MS MX NI PA PE PM PY SR SV SX TC TT UY VC VE VG",
    "asia_pacific": "AU BD BN BT CC CK CN CX FJ FM HK ID IN JP KH KI KP KR KZ KG LA LK MH MM MN MO "
    "MV MY NC NF NP NR NU NZ PF PG PH PK PN PW SB SG TH TJ TK TL TM TO TV TW UZ VN VU WF WS",
    "satellite": "AQ BV GS HM IO TF",
}


@dataclass(frozen=True)
class RoamingCost:
    """Prices in US dollars, per minute, text message and megabyte. `included`: no extra cost."""

    country: str
    zone: str
    included: bool
    minute_usd: Decimal
    sms_usd: Decimal
    megabyte_usd: Decimal
    summary: str


def cost(books: Store, country: str) -> RoamingCost:
    """Raises `ToolUserError` when what was said is not one country."""
    found = countries.find(country)
    row = books.rows(
        "SELECT * FROM country JOIN zone ON zone.key = country.zone WHERE code = ?", found.code
    )[0]
    where = countries.in_a_sentence(row["name"])
    included = not (row["minute_cents"] or row["sms_cents"] or row["megabyte_cents"])
    if row["key"] == "home":
        answer = (
            f"There is no roaming in {where}: it is part of your home network, at no extra cost."
        )
    elif included:
        answer = (
            f"Roaming in {where} is free: it is in zone {row['title']}, "
            "where calls, texts and data are part of your plan, at no extra cost."
        )
    else:
        answer = (
            f"Roaming in {where} costs extra: calls {money(row['minute_cents'])} a minute, "
            f"texts {money(row['sms_cents'])} each and data {money(row['megabyte_cents'])} a "
            f"megabyte (zone {row['title']})."
        )
    if found.place:
        answer = f"{found.place} is in {where}. {answer}"
    return RoamingCost(
        country=row["name"],
        zone=row["title"],
        included=included,
        minute_usd=dollars(row["minute_cents"]),
        sms_usd=dollars(row["sms_cents"]),
        megabyte_usd=dollars(row["megabyte_cents"]),
        summary=answer,
    )
