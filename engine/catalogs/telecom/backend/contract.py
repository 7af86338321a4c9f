"""The contract: the plan the customer is on, the plans on offer, and the end of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from engine import ToolUserError

from .formatting import (
    day,
    dollars,
    gigabytes,
    last_of_month,
    listing,
)
from .store import Store


@dataclass(frozen=True)
class Plan:
    """`data_gb` None is unlimited."""

    name: str
    price_usd: Decimal
    data_gb: Decimal | None


@dataclass(frozen=True)
class Contract:
    customer: str
    phone_number: str
    plan: Plan
    since: date
    ends_on: date | None
    other_plans: tuple[Plan, ...]
    summary: str


@dataclass(frozen=True)
class PlanChange:
    old_plan: str
    new_plan: Plan
    summary: str


@dataclass(frozen=True)
class Cancellation:
    ends_on: date
    summary: str


def get(books: Store) -> Contract:
    row = books.rows("SELECT * FROM contract JOIN customer ON customer.id = customer_id")[0]
    offers = _offers(books)
    own = offers.pop(row["plan"])
    since, end = date.fromisoformat(row["since"]), ends_on(books)
    if end is None:
        state = f"You are on plan {_described(own)}, since {day(since)}."
    elif end >= books.today:
        state = (
            f"You are on plan {_described(own)}; your contract is cancelled and ends {day(end)}."
        )
    else:
        state = f"Your contract (plan {own.name}) ended on {day(end)}."
    others = listing([_described(plan) for plan in offers.values()])
    return Contract(
        customer=row["name"],
        phone_number=row["phone_number"],
        plan=own,
        since=since,
        ends_on=end,
        other_plans=tuple(offers.values()),
        summary=f"{state} The other plans are {others}.",
    )


def change_plan(books: Store, plan: str) -> PlanChange:
    """Move to another plan at once. Raises `ToolUserError` for the same plan or after the end."""
    offers = _offers(books)
    if plan not in offers:
        raise ToolUserError(f"There is no plan {plan}. The plans are {listing([*offers])}.")
    old = books.rows("SELECT plan FROM contract")[0]["plan"]
    if end := ends_on(books):
        raise ToolUserError(
            f"Your contract is cancelled and ends {day(end)}, so the plan cannot be changed. "
            f"It stays {old}."
        )
    if plan == old:
        raise ToolUserError(f"You are already on plan {_described(offers[old])}.")
    books.write("UPDATE contract SET plan = ?", plan)
    return PlanChange(
        old,
        offers[plan],
        f"Done: you are now on plan {_described(offers[plan])} instead of plan {old}. "
        "Your next bill has the new price.",
    )


def cancel(books: Store, reason: str) -> Cancellation:
    """End the contract with this month. Raises `ToolUserError` when that was done before."""
    if end := ends_on(books):
        raise ToolUserError(f"Your contract is already cancelled; it ends {day(end)}.")
    end = last_of_month(books.today)
    books.write("UPDATE contract SET ends_on = ?, end_reason = ?", end.isoformat(), reason or None)
    return Cancellation(
        end,
        f"Your contract is cancelled and ends on {day(end)}. "
        "Until then everything works as before. We're sorry to see you go!",
    )


def ends_on(books: Store) -> date | None:
    """The last day of a cancelled contract."""
    value = books.rows("SELECT ends_on FROM contract")[0]["ends_on"]
    return date.fromisoformat(value) if value else None


def _offers(books: Store) -> dict[str, Plan]:
    rows = books.rows("SELECT * FROM plan ORDER BY price_cents")
    return {
        row["name"]: Plan(
            row["name"],
            dollars(row["price_cents"]),
            gigabytes(row["allowance_mb"]) if row["allowance_mb"] else None,
        )
        for row in rows
    }


def _described(plan: Plan) -> str:
    data = f"{plan.data_gb:f} GB" if plan.data_gb else "unlimited data"
    return f"{plan.name} ({data}, ${plan.price_usd} a month)"
