"""A trip: a hotel booking, and a seat on the plane."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from engine.tools.function import effect

Nights = Annotated[int, Field(gt=0, json_schema_extra={"x-units": ["night", "nights"]})]


@effect("read")
def get_booking() -> str:
    """Show the hotel booking: dates, price, breakfast."""
    return "Four nights in Lisbon from 3 May, without breakfast."


@effect("write")
def add_nights(nights: Nights) -> str:
    """Extend the booking by some nights."""
    return f"{nights} nights added."


@effect("write")
def add_breakfast() -> str:
    """Add breakfast to the booking."""
    return "Breakfast is added."


@effect("destructive")
def cancel_booking() -> str:
    """Cancel the booking."""
    return "Cancelled."


@effect("read")
def get_seat() -> str:
    """Show the seat on the plane."""
    return "Seat 14B, in the middle."


@effect("write")
def change_seat(seat: Literal["window", "aisle"]) -> str:
    """Change the seat on the plane."""
    return f"A seat at the {seat}."
