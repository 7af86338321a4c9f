"""What Helix can do for a customer: the functions that the intents of this catalogue offer.

A function's signature and docstring are all that a model sees of it. The rules and the books are
in `backend/`; a write happens once under its action's id, however often it is called.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from engine import ToolContext, effect

from .backend import balance, contract, data, payment, roaming
from .backend.store import once, read
from .backend.store import outcome_of as outcome_of  # what became of an interrupted action

MONEY_UNITS = ["$", "usd", "dollar", "dollars", "buck", "bucks"]
DATA_UNITS = ["gb", "gbs", "gig", "gigs", "giga", "gigas", "gigabyte", "gigabytes"]


def _amount_schema(description: str, units: list[str]) -> WithJsonSchema:
    """A plain number; Pydantic's own for `Decimal` also allows a string, which confuses models."""
    return WithJsonSchema(
        {"type": "number", "exclusiveMinimum": 0, "description": description, "x-units": units}
    )


def _plan(value: object) -> object:
    """ "l", "plan L", "the unlimited plan" and "large" are plans, too."""
    if not isinstance(value, str):
        return value
    words = [word for word in re.findall(r"\w+", value.casefold()) if word not in {"the", "plan"}]
    sizes = {"small": "S", "medium": "M", "large": "L", "s": "S", "m": "M", "l": "L"}
    sizes["unlimited"] = "Unlimited"
    return sizes.get(" ".join(words), value)


def _invoice_id(value: object) -> object:
    """ "inv 1042", "#1042", "1042" and 1042 all mean INV-1042."""
    match = re.fullmatch(r"(?:invoice|inv)?[\s#-]*([0-9]+)", str(value).strip(), re.IGNORECASE)
    return f"INV-{match[1].zfill(4)}" if match else value


def _method(value: object) -> object:
    """ "PayPal", "credit card" and "bank transfer" as the back end writes them."""
    if not isinstance(value, str):
        return value
    word = re.sub(r"[\s_-]+", "_", value.strip().casefold())
    others = {
        "pay_pal": "paypal",
        "credit_card": "card",
        "debit_card": "card",
        "visa": "card",
        "bank": "bank_transfer",
        "transfer": "bank_transfer",
        "wire": "bank_transfer",
        "wire_transfer": "bank_transfer",
    }
    return others.get(word, word)


Dollars = Annotated[
    Decimal,
    Field(gt=0, decimal_places=2),
    _amount_schema("How many dollars to add", MONEY_UNITS),
]
Gigabytes = Annotated[
    Decimal,
    Field(gt=0, decimal_places=1),
    _amount_schema("How many gigabytes (GB) to add", DATA_UNITS),
]
Country = Annotated[
    str, Field(min_length=1, max_length=80, description="The country's name, like Spain")
]
Plan = Annotated[
    Literal["S", "M", "L", "Unlimited"],
    BeforeValidator(_plan),
    Field(description="The new plan"),
]
Reason = Annotated[str, Field(max_length=500, description="Why the customer leaves, if they said")]
InvoiceId = Annotated[
    str,
    Field(pattern=r"^INV-[0-9]{4}$", description="The invoice number, like INV-1234"),
    BeforeValidator(_invoice_id),
]
Method = Annotated[payment.Method, BeforeValidator(_method), Field(description="How to pay")]


@effect("read")
def get_balance(context: ToolContext) -> balance.Balance:
    """Show how much money is left on the account."""
    return read(context, balance.get)


@effect("write", rehearses=True)
def top_up_balance(context: ToolContext, amount: Dollars) -> balance.TopUp:
    """Add money to the account balance."""
    return once(context, balance.top_up, amount)


@effect("read")
def get_data_balance(context: ToolContext) -> data.DataBalance:
    """Show how much mobile data (GB) is left, how much is used and when it renews."""
    return read(context, data.get)


@effect("write", rehearses=True)
def top_up_data(context: ToolContext, amount: Gigabytes) -> data.DataTopUp:
    """Add more mobile data (GB) to this month."""
    return once(context, data.top_up, amount)


@effect("read")
def roaming_cost_for_country(context: ToolContext, country: Country) -> roaming.RoamingCost:
    """Show what calls, texts and data cost when travelling in a country, and whether it is free."""
    return read(context, roaming.cost, country)


@effect("read")
def get_contract(context: ToolContext) -> contract.Contract:
    """Show the customer's current plan and contract, and the prices of all plans."""
    return read(context, contract.get)


@effect("write", rehearses=True)
def change_plan(context: ToolContext, plan: Plan) -> contract.PlanChange:
    """Switch the customer to another plan: S, M, L or Unlimited."""
    return once(context, contract.change_plan, plan)


@effect("destructive", rehearses=True)
def cancel_contract(context: ToolContext, reason: Reason = "") -> contract.Cancellation:
    """Cancel the contract: the customer wants to leave or end it."""
    return once(context, contract.cancel, reason)


@effect("read")
def get_last_bill(context: ToolContext) -> payment.Bill:
    """Show the latest bill: its amount, what it is made of and when it is due."""
    return read(context, payment.last_bill)


@effect("read")
def list_invoices(context: ToolContext) -> payment.Invoices:
    """List the invoices: which are unpaid, how much is owed, and which are paid."""
    return read(context, payment.invoices)


@effect("write", rehearses=True)
def pay_invoice(
    context: ToolContext, invoice_id: InvoiceId, method: Method = "card"
) -> payment.Payment:
    """Pay one invoice, by its number."""
    return once(context, payment.pay, invoice_id, method)
