"""A public library, for tests: dates, enums, booleans, lists, identifiers and free text."""

from __future__ import annotations

from datetime import date, time
from typing import Annotated, Any, Literal

from pydantic import Field

from engine.tools.function import effect

Branch = Literal["central", "riverside", "university hill"]
LoanId = Annotated[str, Field(pattern=r"^L-\d{5}$", description="The loan's number")]


@effect("read")
def find_books(
    query: Annotated[str, Field(description="Title, author or subject")],
    medium: Annotated[
        Literal["print", "ebook", "audiobook"] | None, Field(description="The kind of copy")
    ] = None,
) -> dict[str, Any]:
    """Search the catalogue for books, by title, author or subject."""
    return {"books": [{"title": query, "copies": 2, "medium": medium or "print"}]}


@effect("write")
def reserve_book(
    title: Annotated[str, Field(description="The book's title")],
    branch: Annotated[Branch, Field(description="Where to pick it up")],
    until: Annotated[date | None, Field(description="Last day the reservation is wanted")] = None,
) -> dict[str, Any]:
    """Reserve a book for pick-up at a branch."""
    return {"reserved": title}


@effect("read")
def list_loans() -> dict[str, Any]:
    """List the books on loan: when each is due and what is owed for it."""
    return {
        "loans": [
            {
                "loan_id": "L-10021",
                "title": "Middlemarch",
                "due_on": "2026-12-04",
                "fine_usd": 0,
                "overdue": False,
            },
            {
                "loan_id": "L-10034",
                "title": "The Waves",
                "due_on": "2026-11-20",
                "fine_usd": 2.5,
                "overdue": True,
            },
            {
                "loan_id": "L-10040",
                "title": "Dune",
                "due_on": "2026-12-19",
                "fine_usd": 0,
                "overdue": False,
            },
        ],
        "card_number": "77 3120",
        "card_expires_on": "2027-06-30",
        "fines_usd": 2.5,
        "summary": "You have three books on loan; one of them, The Waves, is overdue.",
    }


@effect("write")
def renew_loan(
    loan_id: LoanId,
    weeks: Annotated[int, Field(ge=1, le=6, description="For how many weeks")] = 2,
) -> dict[str, Any]:
    """Renew a loan, so that the book may be kept longer."""
    return {"loan_id": loan_id, "due_on": "2026-12-18"}


@effect("write")
def book_room(
    day: Annotated[date, Field(description="The day")],
    start: Annotated[time, Field(description="When it begins")],
    people: Annotated[int, Field(ge=1, le=20, description="How many people come")],
    equipment: Annotated[
        list[Literal["projector", "whiteboard", "speakers"]],
        Field(description="What is needed in the room"),
    ] = [],  # noqa: B006
) -> dict[str, Any]:
    """Book a study room."""
    return {"room": "B2", "day": str(day), "price_usd": 4}


@effect("write")
def set_reminders(
    enabled: Annotated[bool, Field(description="Whether reminders are sent")],
    days_before: Annotated[int, Field(ge=1, le=14, description="Days before the due date")] = 3,
) -> dict[str, Any]:
    """Switch e-mail reminders about due dates on or off."""
    return {"enabled": enabled}


@effect("write")
def change_email(
    email: Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+\.\w+$", description="The new address")],
) -> dict[str, Any]:
    """Change the e-mail address on the library account."""
    return {"email": email}


@effect("write")
def suggest_purchase(
    title: Annotated[str, Field(description="The book's title")],
    author: Annotated[str, Field(description="Who wrote it")] = "",
    reason: Annotated[str, Field(description="Why the library should have it")] = "",
) -> dict[str, Any]:
    """Suggest a book that the library should buy."""
    return {"suggested": title}
