"""A doctor's practice, for tests: dates, times, enums, booleans, lists and free text."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Annotated, Any, Literal

from pydantic import Field

from engine.tools.function import effect

Doctor = Literal["Okafor", "Lindqvist", "Moreau"]
AppointmentId = Annotated[str, Field(pattern=r"^A\d{4}$", description="The appointment's number")]


@effect("read")
def list_appointments() -> dict[str, Any]:
    """Show the coming appointments: when, with whom and what they cost."""
    return {
        "appointments": [
            {
                "appointment_id": "A1203",
                "doctor": "Okafor",
                "day": "2026-12-09",
                "at": "09:30",
                "fee_usd": 40,
            },
            {
                "appointment_id": "A1250",
                "doctor": "Moreau",
                "day": "2026-12-02",
                "at": "16:00",
                "fee_usd": 95,
            },
        ],
        "insurance": "Helvetia Basic",
        "deductible_left_usd": 180,
        "summary": "You have two appointments, on 2 and 9 December.",
    }


@effect("write")
def book_appointment(
    doctor: Annotated[Doctor, Field(description="Which doctor")],
    day: Annotated[date, Field(description="The day")],
    at: Annotated[time, Field(description="The time of day")],
    kind: Annotated[
        Literal["check-up", "follow-up", "vaccination"], Field(description="What it is for")
    ] = "check-up",
    urgent: Annotated[bool, Field(description="Whether it is urgent")] = False,
) -> dict[str, Any]:
    """Book an appointment with a doctor."""
    return {"appointment_id": "A1300", "fee_usd": 40}


@effect("write")
def move_appointment(
    appointment_id: AppointmentId,
    to: Annotated[datetime, Field(description="The new day and time")],
) -> dict[str, Any]:
    """Move an appointment to another day and time."""
    return {"moved": appointment_id}


@effect("destructive")
def cancel_appointment(appointment_id: AppointmentId) -> dict[str, Any]:
    """Cancel an appointment."""
    return {"cancelled": appointment_id}


@effect("read")
def list_prescriptions() -> dict[str, Any]:
    """List the prescriptions: medicine, dose and how many refills are left."""
    return {
        "prescriptions": [
            {"medicine": "ibuprofen", "dose_mg": 400, "refills_left": 2, "price_usd": 6},
            {"medicine": "ramipril", "dose_mg": 5, "refills_left": 0, "price_usd": 11},
        ]
    }


@effect("write")
def refill_prescription(
    medicine: Annotated[str, Field(description="The medicine's name")],
    packs: Annotated[int, Field(ge=1, le=6, description="How many packs")] = 1,
    delivery: Annotated[bool, Field(description="Whether to send it by post")] = False,
) -> dict[str, Any]:
    """Order a refill of a medicine."""
    return {"ordered": medicine, "price_usd": 6}


@effect("write")
def report_symptoms(
    symptoms: Annotated[list[str], Field(min_length=1, description="What the patient has")],
    since: Annotated[date | None, Field(description="Since when")] = None,
) -> dict[str, Any]:
    """Report symptoms to the practice."""
    return {"noted": symptoms}


@effect("write")
def log_measurement(
    kind: Annotated[
        Literal["weight", "temperature", "pulse"], Field(description="What was measured")
    ],
    value: Annotated[float, Field(gt=0, description="The number")],
) -> dict[str, Any]:
    """Write a measurement into the patient's record."""
    return {"kind": kind, "value": value}


@effect("write")
def send_message(
    recipient: Annotated[Literal["nurse", "doctor", "billing"], Field(description="To whom")],
    text: Annotated[str, Field(description="What to say")],
) -> dict[str, Any]:
    """Send a message to somebody at the practice."""
    return {"sent": True}


@effect("write")
def set_alarm(
    medicine: Annotated[str, Field(description="Which medicine to take")],
    every: Annotated[timedelta, Field(description="How often")],
) -> dict[str, Any]:
    """Set a recurring alarm for taking a medicine."""
    return {"every": str(every)}
