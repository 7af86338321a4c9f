"""A travel agency, for tests: codes, dates with times, lengths, units, nested values and lists."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from engine.tools.function import effect

TripId = Annotated[str, Field(pattern=r"^T-\d{4}$", description="The trip's number")]


class Driver(BaseModel):
    """Who drives a rented car."""

    name: Annotated[str, Field(description="The driver's name")]
    age: Annotated[int, Field(ge=18, le=99, description="The driver's age in years")]


@effect("read")
def list_trips() -> dict[str, Any]:
    """List the booked trips: where they go, when they leave and what they cost."""
    return {
        "trips": [
            {
                "trip_id": "T-4410",
                "destination": "Lisbon",
                "departs_on": "2026-12-18",
                "price_usd": 340,
                "nights": 4,
                "refundable": True,
            },
            {
                "trip_id": "T-4432",
                "destination": "Oslo",
                "departs_on": "2027-02-05",
                "price_usd": 515.5,
                "nights": 3,
                "refundable": False,
            },
            {
                "trip_id": "T-4457",
                "destination": "Kyoto",
                "departs_on": "2027-04-02",
                "price_usd": 1890,
                "nights": 12,
                "refundable": True,
            },
        ],
        "miles": 18200,
        "miles_expire_on": "2027-09-30",
        "status": "Silver",
        "summary": "You have three trips: Lisbon in December, Oslo in February, Kyoto in April.",
    }


@effect("read")
def search_flights(
    origin: Annotated[str, Field(description="The city to fly from")],
    destination: Annotated[str, Field(description="The city to fly to")],
    depart: Annotated[date, Field(description="The day of departure")],
    return_on: Annotated[date | None, Field(description="The day of the return flight")] = None,
    cabin: Annotated[
        Literal["economy", "premium", "business"], Field(description="The class")
    ] = "economy",
    passengers: Annotated[int, Field(ge=1, le=9, description="How many people fly")] = 1,
    direct_only: Annotated[bool, Field(description="Only direct flights")] = False,
) -> dict[str, Any]:
    """Search for flights between two cities."""
    return {"flights": [{"flight": "ZX204", "price_usd": 210, "stops": 0}]}


@effect("write")
def book_hotel(
    city: Annotated[str, Field(description="The city")],
    check_in: Annotated[date, Field(description="The day of arrival")],
    nights: Annotated[int, Field(ge=1, le=60, description="How many nights")],
    room: Annotated[Literal["single", "double", "suite"], Field(description="Which room")],
    breakfast: Annotated[bool, Field(description="Whether with breakfast")] = False,
) -> dict[str, Any]:
    """Book a hotel room."""
    return {"hotel": "Astoria", "price_usd": 130}


@effect("destructive")
def cancel_trip(trip_id: TripId) -> dict[str, Any]:
    """Cancel a booked trip."""
    return {"cancelled": trip_id}


@effect("write")
def add_baggage(
    trip_id: TripId,
    kind: Annotated[
        Literal["cabin", "checked", "sports"],
        Field(
            description="Which kind of bag",
            json_schema_extra={
                "x-synonyms": {"cabin": ["hand", "carry-on"], "sports": ["skis", "golf clubs"]}
            },
        ),
    ],
    weight_kg: Annotated[
        float,
        Field(
            gt=0,
            description="Weight in kilograms",
            json_schema_extra={"x-units": ["kg", "kilo", "kilos", "kilogram", "kilograms"]},
        ),
    ],
) -> dict[str, Any]:
    """Add a bag to a trip."""
    return {"price_usd": 35}


@effect("write")
def order_taxi(
    pickup: Annotated[datetime, Field(description="The day and time of the pick-up")],
    address: Annotated[str, Field(description="Where to be picked up")],
    flight: Annotated[
        str, Field(pattern=r"^([A-Z]{2}\d{2,4})?$", description="The flight's number")
    ] = "",
) -> dict[str, Any]:
    """Order a taxi to the airport."""
    return {"ordered": True}


@effect("write")
def set_price_alert(
    destination: Annotated[str, Field(description="The city to fly to")],
    below: Annotated[
        float,
        Field(
            gt=0,
            description="Price in dollars under which to send the alert",
            json_schema_extra={"x-units": ["$", "usd", "dollar", "dollars", "bucks"]},
        ),
    ],
) -> dict[str, Any]:
    """Send an alert when flights to a city get cheap."""
    return {"set": True}


@effect("write")
def rent_car(
    city: Annotated[str, Field(description="Where to collect the car")],
    start: Annotated[date, Field(description="The first day")],
    length: Annotated[timedelta, Field(description="For how long")],
    extras: Annotated[
        list[Literal["child seat", "roof rack", "navigation", "snow chains"]],
        Field(description="What else is needed"),
    ] = [],  # noqa: B006
) -> dict[str, Any]:
    """Rent a car."""
    return {"price_usd": 220}


@effect("write")
def add_driver(
    trip_id: TripId, driver: Annotated[Driver, Field(description="The driver")]
) -> dict[str, Any]:
    """Add a driver to a rented car."""
    return {"added": driver.name}


@effect("write")
def invite_travellers(
    trip_id: TripId,
    emails: Annotated[
        list[Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+\.\w+$")]],
        Field(min_length=1, description="The addresses of who comes along"),
    ],
) -> dict[str, Any]:
    """Invite other travellers to a trip by e-mail."""
    return {"invited": len(emails)}


@effect("write")
def set_newsletter(
    subscribed: Annotated[bool, Field(description="Whether the newsletter is sent")],
    frequency: Annotated[
        Literal["daily", "weekly", "monthly"], Field(description="How often")
    ] = "weekly",
) -> dict[str, Any]:
    """Subscribe to the newsletter with offers, or end that."""
    return {"subscribed": subscribed}
