"""What tokens cost: own prices from the configuration, else the list's, else unknown.

The list is that of `genai-prices`. A model that it does not know has no price, which is not zero;
neither has a request whose tokens the server did not report. A server on this machine has no
price either, for it may pass requests on to one that is paid: who runs a model there says so with
an own price, which may be 0.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.chat_model import Usage

Price = Callable[["Usage"], float | None]

_KEYS = ("input", "cached", "output")
_MILLION = Decimal(1_000_000)


@dataclass(frozen=True)
class OwnPrice:
    """US dollars for a million tokens: sent, sent and read from the prompt cache, written."""

    input: Decimal
    cached: Decimal
    output: Decimal

    def __call__(self, usage: Usage) -> float | None:
        """Return what the request cost; None if the server did not report its tokens."""
        if usage.estimated:
            return None if any((self.input, self.cached, self.output)) else 0.0
        cached = min(usage.cached_tokens, usage.input_tokens)
        total = (
            (usage.input_tokens - cached) * self.input
            + cached * self.cached
            + usage.output_tokens * self.output
        )
        return float(total / _MILLION)


def free(_: Usage) -> float | None:
    """Return the price of a model that runs on this machine."""
    return 0.0


def price_at(
    provider_url: str, *, azure: bool = False, own: Mapping[str, OwnPrice] | None = None
) -> Price:
    """The price in US dollars of requests to the provider behind `provider_url`, None if unknown.

    `own` prices, by the name of the model or deployment, win over the list. The lookup imports
    its price table on first use.
    """

    def price(usage: Usage) -> float | None:
        mine = (own or {}).get(usage.model)
        if mine is not None:
            return mine(usage)
        return None if usage.estimated else _listed(usage, provider_url, azure=azure)

    return price


def _listed(usage: Usage, provider_url: str, *, azure: bool) -> float | None:
    from genai_prices import Usage as Tokens
    from genai_prices import calc_price

    tokens = Tokens(
        input_tokens=usage.input_tokens,
        cache_read_tokens=min(usage.cached_tokens, usage.input_tokens),
        output_tokens=usage.output_tokens,
    )
    try:
        if azure:
            found = calc_price(tokens, usage.model, provider_id="azure")
        else:
            found = calc_price(tokens, usage.model, provider_api_url=provider_url)
    except (LookupError, ValueError):
        return None
    return float(found.total_price)


def read_own(table: object) -> dict[str, OwnPrice]:
    """Return the own prices of a configuration's table `prices`, by the name of the model.

    Raises `ValueError`, whose text says what to change.
    """
    if not isinstance(table, dict) or not all(isinstance(one, dict) for one in table.values()):
        raise ValueError('prices are written under [prices."MODEL"], MODEL being the model\'s name')
    return {str(name): _read_one(name, given) for name, given in table.items()}


def _read_one(name: str, given: Mapping[str, object]) -> OwnPrice:
    where = f'[prices."{name}"]'
    if unknown := sorted(set(given) - set(_KEYS)):
        raise ValueError(f"{where}: {unknown[0]!r} is not a price; known are {', '.join(_KEYS)}")
    if missing := [key for key in ("input", "output") if key not in given]:
        raise ValueError(f"{where}: {missing[0]!r} is missing: US dollars for a million tokens")
    prices = {key: _dollars(where, key, value) for key, value in given.items()}
    # If nothing is said about the cache, there is no discount.
    return OwnPrice(prices["input"], prices.get("cached", prices["input"]), prices["output"])


def _dollars(where: str, key: str, value: object) -> Decimal:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    dollars = Decimal(str(value)) if is_number else Decimal("NaN")
    if not dollars.is_finite() or dollars < 0:
        raise ValueError(
            f"{where}: {key} = {value!r} is not an amount: write US dollars for a million tokens, "
            "such as 0.25"
        )
    return dollars
