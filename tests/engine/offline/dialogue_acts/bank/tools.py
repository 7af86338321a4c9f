"""A bank: money in savings, and a card."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from engine.tools.function import effect

Money = Annotated[float, Field(gt=0, json_schema_extra={"x-units": ["$", "dollar", "dollars"]})]


@effect("read")
def get_savings() -> str:
    """Show how much money is in savings."""
    return "There are 700 dollars in savings."


@effect("write")
def move_to_savings(amount: Money) -> str:
    """Move money to savings."""
    return f"{amount} dollars moved."


@effect("read")
def get_card() -> str:
    """Show the card: its state and its limit."""
    return "The card is active; its limit is 400 dollars."


@effect("write")
def freeze_card() -> str:
    """Freeze the card so that nobody can pay with it."""
    return "The card is frozen."


@effect("write")
def replace_card() -> str:
    """Order a new card in place of this one."""
    return "A new card is on its way."


@effect("write")
def set_card_limit(amount: Money) -> str:
    """Set the limit of the card."""
    return f"The limit is {amount} dollars."
