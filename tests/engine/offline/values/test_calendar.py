"""Dates, times and durations in what people write."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.offline.values.calendar import read_dates, read_durations, read_moments, read_times
from engine.offline.values.readers import extract_values, sole_value

NOW = datetime(2026, 11, 30, 10, 0)  # a Monday
DAY = {"type": "string", "format": "date"}
CLOCK = {"type": "string", "format": "time"}
MOMENT = {"type": "string", "format": "date-time"}
LENGTH = {"type": "string", "format": "duration"}


def values(text: str, schema: dict[str, Any]) -> list[Any]:
    return extract_values(text, schema, name="when", now=NOW)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("until 2026-12-24 please", ["2026-12-24"]),
        ("on the 3rd of May", ["2027-05-03"]),
        ("Dec 14th", ["2026-12-14"]),
        ("Friday, December 4th", ["2026-12-04"]),
        ("on Friday the 11th", ["2026-12-11"]),
        ("since Saturday", ["2026-11-28"]),
        ("24.12.", ["2026-12-24"]),
        ("25.12.2026", ["2026-12-25"]),
        ("12/05", ["2026-12-05", "2027-05-12"]),
        ("tomorrow", ["2026-12-01"]),
        ("the day after tomorrow", ["2026-12-02"]),
        ("next friday", ["2026-12-04"]),
        ("monday", ["2026-12-07"]),
        ("last monday", ["2026-11-23"]),
        ("in two weeks", ["2026-12-14"]),
        ("a week from today", ["2026-12-07"]),
        ("since three days ago", ["2026-11-27"]),
        ("next month", ["2026-12-30"]),
        ("the end of the month", ["2026-11-30"]),
        ("the 14th", ["2026-12-14"]),
        ("the sun may set, he sat down", []),
        ("30.5 degrees and 31/31", []),
    ],
)
def test_dates(text: str, expected: list[str]) -> None:
    assert values(text, DAY) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("at 3pm", ["15:00:00"]),
        ("9 in the morning", ["09:00:00"]),
        ("half past nine", ["09:30:00"]),
        ("quarter to five in the afternoon", ["16:45:00"]),
        ("tonight at 8", ["20:00:00"]),
        ("6:15", ["06:15:00"]),
        ("noon", ["12:00:00"]),
        ("at three", ["03:00:00", "15:00:00"]),
        ("for one night", []),
        ("tomorrow from 12 Mill Lane", []),
        ("25:00 and 13:99", []),
        ("at 20 dollars for 4 people", []),
    ],
)
def test_times_of_day(text: str, expected: list[str]) -> None:
    assert values(text, CLOCK) == expected


def test_a_time_in_the_form_that_the_pattern_wants() -> None:
    schema = {"type": "string", "pattern": r"^\d{1,2}:\d{2}$"}

    assert values("wake me at quarter past six in the morning", schema) == ["06:15"]
    assert sole_value("6:15", schema, now=NOW) == "06:15"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("tomorrow at 3pm", ["2026-12-01T15:00:00"]),
        ("11 december 09:00", ["2026-12-11T09:00:00"]),
        ("in 2 hours", ["2026-11-30T12:00:00"]),
        ("from Wednesday at 4 pm to Thursday at 5 pm", ["2026-12-03T17:00:00"]),
        ("tomorrow at 5:30 am until 12", ["2026-12-01T05:30:00"]),
        ("2026-12-01 14:00", ["2026-12-01T14:00:00"]),
        ("tomorrow", []),
        ("3pm", []),
    ],
)
def test_moments(text: str, expected: list[str]) -> None:
    assert values(text, MOMENT) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("every 12 hours", ["PT12H"]),
        ("an hour and a half", ["PT1H30M"]),
        ("90 min", ["PT1H30M"]),
        ("half an hour", ["PT30M"]),
        ("1 hour and 20 minutes", ["PT1H20M"]),
        ("two weeks", ["P14D"]),
        ("three nights", ["P3D"]),
        ("every other day", ["P2D"]),
    ],
)
def test_durations(text: str, expected: list[str]) -> None:
    assert values(text, LENGTH) == expected


def test_a_duration_counts_in_the_unit_of_the_parameter() -> None:
    minutes = {"type": "integer", "description": "How many minutes"}

    assert extract_values("for an hour and a half", minutes, name="minutes") == [90]
    assert extract_values("renew for a week", {"type": "integer"}, name="weeks") == [1]
    assert extract_values("at 9:30 for 4 people", {"type": "integer"}, name="people") == [4]


def test_what_is_measured_is_no_count_of_something_else() -> None:
    people = {"type": "integer", "description": "How many people come"}

    assert extract_values("for three hours", people, name="people") == []
    assert extract_values("below 80 euros", {"type": "integer"}, name="passengers") == []
    assert extract_values("for 3 people", people, name="people") == [3]
    assert extract_values("20 dollars", {"type": "integer"}, name="amount_cents") == [20]
    assert extract_values("at most 20 dollars", {"type": "integer"}, name="costs") == [20]
    assert extract_values("2 kids and 40 euros", {"type": "integer"}, name="children") == [2]


@pytest.mark.parametrize(("name", "expected"), [("start", "2026-12-04"), ("to", "2026-12-07")])
def test_of_a_range_each_parameter_has_its_end(name: str, expected: str) -> None:
    day = {"type": "string", "format": "date"}

    found = extract_values("from friday to monday", day, name=name, now=datetime(2026, 12, 1, 10))

    assert found == [expected]


@given(st.dates(date(2000, 1, 1), date(2099, 12, 31)))
def test_an_iso_date_is_itself(day: date) -> None:
    assert [f.value for f in read_dates(f"on {day.isoformat()}", NOW.date())] == [day]


@given(st.text(max_size=120))
def test_any_text_is_read_without_a_fault(text: str) -> None:
    read_dates(text, NOW.date())
    read_times(text)
    read_moments(text, NOW)
    read_durations(text)


@given(st.dates(date.min, date.max))
def test_no_day_is_too_early_or_too_late_to_read_from(today: date) -> None:
    read_dates("in 90000 weeks, end of next year, the 31st, 29 february", today)
