"""Dates, times of day and durations, as people write them, from the local date.

Of the libraries for this, dateparser 1.5 reads "a week from today" as a week ago and "the 14th" as
the last one, and neither "half past three" nor "the end of the month"; parsedatetime 2.6 (of 2020)
reads "the 3rd of May" as the first. All of them would have to be told where in a message the date
stands, which is most of what is here.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any

from engine.offline.values.numbers import NUMERAL, numerals
from engine.offline.values.schema import Found

_MONTHS = {name.casefold(): n for n, name in enumerate(calendar.month_name) if name}
_MONTHS |= {name[:3]: n for name, n in _MONTHS.items()} | {"sept": 9}
_DAYS = {name.casefold(): n for n, name in enumerate(calendar.day_name)}
_DAYS |= {name[:3]: n for name, n in _DAYS.items()} | {"tues": 1, "thur": 3, "thurs": 3}
_ORDINAL_WORDS = """
first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth
fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth twentieth twenty-first
twenty-second twenty-third twenty-fourth twenty-fifth twenty-sixth twenty-seventh twenty-eighth
twenty-ninth thirtieth thirty-first
"""
_ORDINALS = {word: n for n, word in enumerate(_ORDINAL_WORDS.split(), 1)}
_SECONDS = {"second": 1, "minute": 60, "hour": 3_600, "day": 86_400, "week": 604_800}
_SECONDS["night"] = _SECONDS["day"]
_SHORT = {"sec": "second", "min": "minute", "hr": "hour", "h": "hour", "s": "second", "d": "day"}
_UNIT = (
    r"(?P<unit>seconds?|secs?|minutes?|mins?|hours?|hrs?|h|days?|nights?|weeks?|fortnights?|months?|"
    r"years?)\b"
)
_COUNT = rf"(?P<count>\b(?:\d+|an?|(?:{NUMERAL})(?:[\s-](?:{NUMERAL}))?))"
_MONTH = "|".join(sorted(_MONTHS, key=len, reverse=True))
_WEEKDAY = "|".join(sorted(_DAYS, key=len, reverse=True))
_ORDINAL = "|".join(sorted(_ORDINALS, key=len, reverse=True))
_DAY = rf"(?P<day>\d{{1,2}}(?:st|nd|rd|th)?|{_ORDINAL})"
_YEAR = r"(?:,?\s+(?P<year>\d{4}))?"

# In order: what stands first takes its characters.
_DATES = tuple(
    (kind, re.compile(pattern, re.IGNORECASE))
    for kind, pattern in (
        ("iso", r"(?<![\w-])(?P<year>\d{4})-(?P<month>\d{1,2})-(?P<day>\d{1,2})(?![\d-])"),
        (
            "figures",
            r"(?<![\w/.])(?P<one>\d{1,2})(?:/(?P<two>\d{1,2})(?:/(?P<year>\d{4}|\d{2}))?"
            r"|\.(?P<second>\d{1,2})\.(?P<full>\d{4}|\d{2})?)(?![\w/])",
        ),
        (
            "month",
            rf"\b(?:the\s+)?{_DAY}(?:\s+of)?\s+(?P<month>{_MONTH})\b\.?{_YEAR}",
        ),
        (
            "month",
            rf"\b(?P<month>{_MONTH})\b\.?(?:,?\s+on)?\s+(?:the\s+)?{_DAY}(?![\w:]|\s*[ap]m\b){_YEAR}",
        ),
        (
            "weekday",
            rf"\b(?:(?P<which>next|this|last|coming|following)\s+)?(?P<weekday>{_WEEKDAY})\b"
            r"(?:\s+(?P<week>next week|in a week))?",
        ),
        ("after", r"\b(?:the\s+)?day\s+(?P<side>after\s+tomorrow|before\s+yesterday)\b"),
        (
            "count",
            rf"\b(?:in\s+)?{_COUNT}\s+{_UNIT}\s+(?P<side>ago|from\s+(?:now|today|"
            r"tomorrow)|from\s+today\s+on)\b",
        ),
        (
            "named",
            r"\b(?P<name>today|tonight|tomorrow|yesterday|"
            r"this\s+(?:morning|afternoon|evening)|last\s+night)\b",
        ),
        ("count", rf"\b(?P<side>in|within)\s+{_COUNT}\s*{_UNIT}"),
        ("period", r"\b(?P<which>next|last)\s+(?P<period>week|month|year)\b"),
        (
            "end",
            r"\b(?:the\s+)?(?P<side>end|beginning|start)\s+of\s+(?P<which>the|this|next)\s+"
            r"(?P<period>week|month|year)\b",
        ),
        ("day", rf"\b(?:the|on)\s+(?P<day>\d{{1,2}}(?:st|nd|rd|th)|{_ORDINAL})(?!\s*\w)"),
        (
            "day",
            r"\b(?:the|on)\s+(?P<day>\d{1,2}(?:st|nd|rd|th))(?=\s+(?:at|for|in|with|and|until)\b)",
        ),
    )
)
_HOURS = "one two three four five six seven eight nine ten eleven twelve"
_HOUR_WORDS = tuple(_HOURS.split())
_HOUR = rf"(?P<hour>\d{{1,2}}|{'|'.join(_HOUR_WORDS)})"
_HALF_OF_DAY = (
    r"(?:\s*(?P<half>[ap]\.?m\b\.?)|\s+(?:in\s+the\s+|at\s+)"
    r"(?P<part>morning|afternoon|evening|night)\b)"
)
_TIMES = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"(?<![\w:.-])(?P<hour>[01]?\d|2[0-4]):(?P<minute>[0-5]\d)(?::(?P<second>[0-5]\d))?(?![\w:]\d)"
        rf"{_HALF_OF_DAY}?",
        rf"\b(?P<past>half|quarter|twenty|ten|five|\d{{1,2}})(?:\s+minutes)?\s+"
        rf"(?P<side>past|to|after|before)\s+{_HOUR}\b{_HALF_OF_DAY}?",
        rf"(?<![\w:.,-]){_HOUR}(?:[.:](?P<minute>\d{{2}}))?{_HALF_OF_DAY}",
        rf"(?<![\w:.,-]){_HOUR}\s*o['’]?clock\b{_HALF_OF_DAY}?",
        rf"(?:\b(?:at|around|from|by|till|until|to)|@)\s*{_HOUR}(?:[.](?P<minute>\d{{2}}))?"
        r"(?![\w:/]|[.,-]\d|\s+(?-i:[A-Z])|\s+[^\W\d_]*(?:"
        r"dollars?|people|persons?|percent|days?|weeks?|hours?|minutes?|months?|years?|st|nd|rd|th"
        rf"|of|{_MONTH})\b)",
        r"\b(?:at\s+)?(?P<name>noon|midday|midnight)\b",
    )
)
_DAY_BEFORE = re.compile(r"(?:^|\b(?:on|by|until|till|since|from|for|to|at)\s+)$", re.IGNORECASE)
_BARE = 4  # the place of the pattern for an hour without minutes or half of the day
_GAP = re.compile(r"\s*(?:,|\bat\b|\bon\b|\bfrom\b|\bby\b|\s)*\s*", re.IGNORECASE)
_PART_AFTER = re.compile(r"\b(?P<part>morning|afternoon|evening|tonight|night)\b", re.IGNORECASE)
_ARTICLE = re.compile(r"(?:an?|one)(?:\s+other)?", re.IGNORECASE)
_DURATION = re.compile(
    rf"(?P<count>\b(?:an?|half\s+an?|one|other)\s+|)(?P<glue>-?){_UNIT}(?P<half>\s+and\s+a\s+half\b)?",
    re.IGNORECASE,
)


def read_dates(text: str, today: date) -> list[Found]:
    """The dates of the text, as `date`. One that may be read in two ways is there twice."""
    taken: list[Found] = []
    for kind, pattern in _DATES:
        for match in pattern.finditer(text):
            here = Found(None, *match.span())
            if any(here.overlaps(other) for other in taken):
                continue
            days = [day for day in _days(kind, match, today) if day is not None]
            taken += [Found(day, *match.span(), measured=True) for day in days]
    taken.sort(key=lambda f: f.start)
    return _one_of_twice(text, taken)


def _one_of_twice(text: str, found: list[Found]) -> list[Found]:
    """Without the weekday beside the date that it belongs to: "Friday, 4 December"."""
    kept: list[Found] = []
    for one in found:
        last = kept[-1] if kept else None
        if (
            last
            and last.value.weekday() == one.value.weekday()
            and _GAP.fullmatch(text, last.end, one.start)
        ):  # of "Friday the 11th" the weekday may be that of an earlier week
            kept[-1] = Found(max(last.value, one.value), last.start, one.end, measured=True)
        else:
            kept.append(one)
    return kept


def _days(kind: str, match: re.Match[str], today: date) -> list[date | None]:
    """What a match may mean; several where it is not clear."""
    said = {name: value for name, value in match.groupdict().items() if value}
    match kind:
        case "iso":
            return [_day(int(said["year"]), int(said["month"]), int(said["day"]))]
        case "figures":
            return _figures(said, today)
        case "month":
            return [_in_month(said, today)]
        case "weekday":
            # The sun is no Sunday: what is short stands where only a day can.
            short = len(said["weekday"]) == 3 and "which" not in said
            led = _DAY_BEFORE.search(match.string, 0, match.start("weekday"))
            since = led is not None and led[0].casefold().startswith("since")
            return [] if short and not led else [_weekday(said, today, past=since)]
        case "after":
            return [today + timedelta(days=2 if said["side"].startswith("after") else -2)]
        case "named":
            offsets = {"tomorrow": 1, "yesterday": -1}
            name = said["name"].casefold()
            offset = -1 if name.startswith("last") else offsets.get(name, 0)
            return [today + timedelta(days=offset)]
        case "count":
            return [_counted(said, today)]
        case "period":
            sign = 1 if said["which"].casefold() == "next" else -1
            return [_shifted(today, sign, said["period"].casefold())]
        case "end":
            return [_edge(said, today)]
        case _:
            return [_upcoming(_ordinal(said["day"]), today)]


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year if year > 99 else 2000 + year, month, day)
    except ValueError:
        return None


def _figures(said: dict[str, str], today: date) -> list[date | None]:
    """12/05 may be in May or in December; 12.05. is in May."""
    one, two = int(said["one"]), int(said.get("two") or said.get("second") or 0)
    year = said.get("year") or said.get("full")
    orders = [(two, one)] if "second" in said else [(one, two), (two, one)]
    found = []
    for month, day in orders:
        read = _day(int(year) if year else today.year, month, day)
        found.append(read if year or read is None or read >= today else _year_on(read))
    return list(dict.fromkeys(found))


def _year_on(day: date) -> date | None:
    return _day(day.year + 1, day.month, day.day)


def _ordinal(written: str) -> int:
    word = written.casefold()
    return _ORDINALS.get(word) or int(re.sub(r"\D", "", word) or 0)


def _in_month(said: dict[str, str], today: date) -> date | None:
    month, day = _MONTHS[said["month"].casefold()], _ordinal(said["day"])
    if "year" in said:
        return _day(int(said["year"]), month, day)
    read = _day(today.year, month, day)
    # What is some weeks ago was not this year's for who speaks of the coming one.
    return read if read is None or read >= today - timedelta(days=60) else _year_on(read)


def _weekday(said: dict[str, str], today: date, *, past: bool) -> date:
    ahead = (_DAYS[said["weekday"].casefold()] - today.weekday() - 1) % 7 + 1
    if past or said.get("which", "").casefold() == "last":
        return today + timedelta(days=ahead - 7 or -7)
    return today + timedelta(days=ahead + (7 if "week" in said else 0))


def _counted(said: dict[str, str], today: date) -> date | None:
    count = _count(said["count"])
    unit = said["unit"].casefold().rstrip("s")
    if count is None or unit not in ("day", "week", "fortnight", "month", "year"):
        return None
    side = " ".join(said["side"].casefold().split())
    begin = today + timedelta(days=1) if side == "from tomorrow" else today
    return _shifted(begin, -count if side == "ago" else count, unit)


def _count(written: str) -> int | None:
    if _ARTICLE.fullmatch(written.strip()):
        return 1
    numbers = numerals(written)
    whole = len(numbers) == 1 and numbers[0].start == 0 and numbers[0].end == len(written)
    return int(numbers[0].value) if whole and numbers[0].value.is_integer() else None


def _shifted(begin: date, count: int, unit: str) -> date | None:
    """The date so many units on; the last day of a month that is too short for it."""
    try:
        if unit in ("day", "week", "fortnight"):
            return begin + timedelta(days=count * {"day": 1, "week": 7, "fortnight": 14}[unit])
        months = begin.year * 12 + begin.month - 1 + count * (12 if unit == "year" else 1)
        year, month = divmod(months, 12)
        return date(year, month + 1, min(begin.day, calendar.monthrange(year, month + 1)[1]))
    except (ValueError, OverflowError):
        return None


def _edge(said: dict[str, str], today: date) -> date | None:
    """The first or last day of a week, a month or a year."""
    period, later = said["period"].casefold(), said["which"].casefold() == "next"
    here = _shifted(today, 1, period) if later else today
    if here is None:
        return None
    first = {
        "week": here - timedelta(days=here.weekday()),
        "month": here.replace(day=1),
        "year": here.replace(month=1, day=1),
    }[period]
    if said["side"].casefold() != "end":
        return first
    last = _shifted(first, 1, period)
    return last - timedelta(days=1) if last else None


def _upcoming(day: int, today: date) -> date | None:
    """The next day of that number: "the 14th"."""
    for month in range(12):
        begin = _shifted(today.replace(day=1), month, "month")
        read = _day(begin.year, begin.month, day) if begin else None
        if read is not None and read >= today:
            return read
    return None


def read_times(text: str) -> list[Found]:
    """The times of day, as `time`. "At three" is there twice: at night and in the afternoon."""
    taken: list[Found] = []
    for place, pattern in enumerate(_TIMES):
        for match in pattern.finditer(text):
            here = Found(None, *match.span())
            if any(here.overlaps(other) for other in taken):
                continue
            # "To 21" may be a time, and may be a number of anything else.
            sure = place != _BARE
            taken += [Found(t, *match.span(), measured=sure) for t in _clock(match, text)]
    return sorted(taken, key=lambda f: f.start)


def _clock(match: re.Match[str], text: str) -> Iterator[time]:
    said = {name: value.casefold() for name, value in match.groupdict().items() if value}
    if name := said.get("name"):
        yield time(0 if name == "midnight" else 12)
        return
    hour = _hour(said["hour"])
    minutes = hour * 60 + int(said.get("minute", 0))
    if past := said.get("past"):
        count = {"half": 30, "quarter": 15}.get(past)
        count = int(numerals(past)[0].value) if count is None else count
        minutes += count if said["side"] in ("past", "after") else -count
    half = said.get("half", "").replace(".", "")
    around = _PART_AFTER.search(text)
    part = said.get("part") or (around["part"].casefold() if around else "")
    written = match[0].strip()
    open_half = not re.match(r"\d{1,2}:|0|1[3-9]|2", written) and hour <= 12
    late = (
        half == "pm"
        or part in ("afternoon", "evening", "tonight")
        or (part == "night" and hour > 5)
    )
    if half == "am" or part == "morning":
        minutes %= 12 * 60
    elif late and hour <= 12:
        minutes = minutes % (12 * 60) + 12 * 60
    elif open_half and not part and 1 <= hour <= 6:
        yield from (t for t in (_time(minutes), _time(minutes + 12 * 60)) if t)
        return
    if (read := _time(minutes, int(said.get("second", 0)))) is not None:
        yield read


def _hour(written: str) -> int:
    return int(written) if written.isdigit() else _HOUR_WORDS.index(written) + 1


def _time(minutes: int, second: int = 0) -> time | None:
    try:
        return time(minutes // 60, minutes % 60, second)
    except ValueError:
        return None


def read_moments(text: str, now: datetime) -> list[Found]:
    """A day with a time of it, as `datetime`; a day or a time alone is none."""
    found = [
        Found(
            datetime.combine(now.date(), time()).fromisoformat(match[0].replace(" ", "T")),
            *match.span(),
            measured=True,
        )
        for match in re.finditer(r"\b\d{4}-\d{2}-\d{2}[T ][0-2]\d:[0-5]\d(?::[0-5]\d)?\b", text)
    ]
    if found:
        return found
    dates, times = read_dates(text, now.date()), read_times(text)
    if not dates and re.search(r"\b(?:tonight|today)\b", text, re.IGNORECASE):
        dates = [Found(now.date(), 0, 0)]
    times = [clock for clock in times if clock.measured] or times
    days, clocks = ({(f.start, f.end): f for f in found} for found in (dates, times))
    paired = (
        len(days) == len(clocks) == 2
        and all(  # "from Wednesday at 4 to Thursday at 5"
            day[1] <= clock[0] and not text[day[1] : clock[0]].count(" ") > 2
            for day, clock in zip(days, clocks, strict=True)
        )
    )
    order = {place: n for found in (days, clocks) for n, place in enumerate(found)}
    moments = [
        Found(
            datetime.combine(day.value, clock.value),
            min(day.start, clock.start),
            max(day.end, clock.end),
            measured=True,
        )
        for day in dates
        for clock in times
        if not paired or order[day.start, day.end] == order[clock.start, clock.end]
    ]
    for span in read_durations(text):
        lead = re.search(r"\bin\s+$", text[: span.start], re.IGNORECASE)
        if lead and span.value < timedelta(days=1):
            exact = (now + span.value).replace(second=0, microsecond=0)
            moments.append(Found(exact, lead.start(), span.end, measured=True))
    return moments


def read_durations(text: str) -> list[Found]:
    """The lengths of time, as `timedelta`; "an hour and 20 minutes" is one of them."""
    parts: list[Found] = []
    numbers = {numeral.end: numeral for numeral in numerals(text)}
    for match in _DURATION.finditer(text):
        unit = match["unit"].casefold()
        name = unit.rstrip("s") if len(unit) > 1 else unit
        seconds = _SECONDS.get(_SHORT.get(name, name), 14 * 86_400 if name == "fortnight" else 0)
        before = re.search(r"[\s-]*$", text[: match.start("unit")])
        numeral = numbers.get(before.start() if before else match.start("unit"))
        count = (
            numeral.value
            if numeral
            else {"a": 1.0, "an": 1.0, "one": 1.0, "other": 2.0}.get(
                (match["count"] or "").casefold().strip()
            )
        )
        if count is None and (match["count"] or "").casefold().startswith("half"):
            count = 0.5
        # "Every week", "hourly": once in one of it.
        every = re.search(r"\b(?:every|each|per)\s+$", text[: match.start("unit")], re.IGNORECASE)
        count = 1.0 if count is None and every else count
        if count is None or not seconds:
            continue
        start = numeral.start if numeral else match.start()
        value = timedelta(seconds=(count + (0.5 if match["half"] else 0)) * seconds)
        parts.append(Found(value, start, match.end(), measured=True))
    joined: list[Found] = []
    for part in parts:
        last = joined[-1] if joined else None
        if last and re.fullmatch(r"\s*(?:,|and)?\s*", text[last.end : part.start]):
            joined[-1] = Found(last.value + part.value, last.start, part.end, measured=True)
        else:
            joined.append(part)
    return joined


def iso_duration(value: timedelta) -> str:
    """The duration as ISO 8601 writes it, and JSON Schema's format `duration`."""
    days, seconds = value.days, value.seconds
    hours, minutes, rest = seconds // 3_600, seconds % 3_600 // 60, seconds % 60
    clock = "".join(f"{n}{u}" for n, u in ((hours, "H"), (minutes, "M"), (rest, "S")) if n)
    return "P" + (f"{days}D" if days else "") + (f"T{clock}" if clock else "" if days else "T0S")


def to_json(value: Any, written: str = "") -> Any:
    """A date, a time or a duration as JSON has it."""
    if isinstance(value, timedelta):
        return iso_duration(value)
    if isinstance(value, datetime | date):
        return value.isoformat()
    return value.isoformat(written or "seconds") if isinstance(value, time) else value
