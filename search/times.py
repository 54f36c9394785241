"""The times that a question names, as ranges.

date-wrangler finds and reads the dates: of the seven parsers that were tried it alone
answers with ranges instead of instants, was right most often (45 of 70 expressions, the
next one 32) and stays quiet about "port 2023" and "how may I". What it leaves out on
purpose is added here: times of day, seasons, hours and "a few days ago", years taken so
that nothing lies in the future unless it is said to, and three more languages.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING

from search import time_words

if TYPE_CHECKING:
    from date_wrangler import DateMatch, WranglerConfig

MOST_SPANS = 8
# A longer text is pasted, and dates in pasted text say nothing about when to look. The
# parser takes up to 10 ms for as many characters of nothing but dates.
READ_CHARS = 600
# Where "before May" begins: after second 0, in whatever zone.
EARLIEST = datetime(1970, 1, 2, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Span:
    """A time named in a text: from `start` up to, and without, `end`.

    `text` is what names it, text[at : at + len(text)] of what was read.
    """

    start: datetime
    end: datetime
    text: str
    at: int


@dataclass(frozen=True, slots=True)
class _Found:
    """A range of time without its zone, and the place of its name."""

    start: datetime
    end: datetime
    first: int
    last: int


def spans(text: str, *, now: datetime) -> tuple[Span, ...]:
    """The times that a text names, in its order, at most MOST_SPANS.

    Times are in the zone of `now`. A name that fits many times means the latest that
    has begun ("in May", "on Friday"); a date that reads both ways (3/4/2026) gives
    both. Weeks begin on Monday, seasons are those of the north.
    """
    english = time_words.in_english(text[:READ_CHARS])
    read = english.text
    today = datetime.combine(now.date(), time())
    try:
        found = _rough(read, now=now.replace(tzinfo=None))
        found += _dates(read, today=today.date())
        found = _apart([_by_the_clock(one, read) for one in found])
    except (OverflowError, ValueError):
        # A year that the calendar does not have.
        return ()
    zone = now.tzinfo
    named: list[Span] = []
    for one in found[:MOST_SPANS]:
        first, last = english.place(one.first, one.last)
        start, end = one.start.replace(tzinfo=zone), one.end.replace(tzinfo=zone)
        named.append(Span(start, end, text[first:last], first))
    return tuple(named)


def _apart(found: list[_Found]) -> list[_Found]:
    """In the order of the text; of names that overlap only the first given stays."""
    kept: list[_Found] = []
    for one in found:
        if all(
            one.last <= other.first
            or other.last <= one.first
            or (one.first, one.last) == (other.first, other.last)
            for other in kept
        ):
            kept.append(one)
    return sorted(kept, key=lambda one: one.first)


def _dates(text: str, *, today: date) -> list[_Found]:
    # Takes half a second to import, which workers that only index need not spend.
    from date_wrangler import parse

    matches = parse(text, today=today, config=_config())
    for sure in islice(_SURE_NAMES.finditer(text), MOST_SPANS):
        # Without a word such as "on" before it the parser does not trust a name.
        if all(
            one.span[1] <= sure.start() or sure.end() <= one.span[0] for one in matches
        ):
            alone = parse(sure.group(), today=today, config=_config())
            matches += [replace(one, span=sure.span()) for one in alone[:1]]
    found: list[_Found] = []
    for match in sorted(matches, key=lambda one: one.span)[:MOST_SPANS]:
        if not _is_something_else(match, text, today):
            found += _readings(match, text, today)
    return found


def _readings(match: DateMatch, text: str, today: date) -> list[_Found]:
    """The ranges that one name stands for: one, or two if it can be read both ways."""
    from date_wrangler import parse

    first, last = match.span
    named = text[first:last]
    if match.range.end is None and _FROM.match(named):
        # "The notes from Monday" are Monday's; the parser reads "from Monday on".
        first += len("from ")
        alone = parse(text[first:last], today=today, config=_config())
        return [_found(one, first, last, today) for one in alone[:1]]
    if _ROLLING.search(named):
        rolled = parse(named, today=today, config=_config(is_rolling=True))
        return [_found(one, first, last, today, 1) for one in rolled[:1]]
    if _ALL_NUMBERS.search(named) and match.confidence == _READS_BOTH_WAYS:
        ways = [_config(is_day_first=True), _config()]
        if "." in named:
            ways = ways[:1]
        read = [parse(named, today=today, config=way) for way in ways]
        return [_found(one[0], first, last, today) for one in read if one]
    return [_found(_not_in_the_future(match, text, today), first, last, today)]


def _found(
    match: DateMatch, first: int, last: int, today: date, and_days: int = 0
) -> _Found:
    start, end = match.range.start, match.range.end
    end = end + timedelta(and_days) if end else max(today, start or today)
    if match.range.end is None:
        end += timedelta(1)
    return _Found(
        datetime.combine(start, time()) if start else EARLIEST.replace(tzinfo=None),
        datetime.combine(end, time()),
        first,
        last,
    )


def _not_in_the_future(match: DateMatch, text: str, today: date) -> DateMatch:
    """The same name one year, month or week ago, if it was read as yet to come."""
    from date_wrangler import YEAR_GUESSED, Grain

    whole = match.range
    first, last = match.span
    named = text[first:last].lower()
    is_to_come = _TO_COME.search(named) or _BEFORE_TO_COME.search(
        text, max(0, first - 12), first
    )
    if is_to_come or whole.start is None or whole.start <= today:
        return match
    if _NTH.fullmatch(named):
        back = whole.shift(-1, Grain.MONTH)
    elif _A_WEEKDAY.fullmatch(named):
        back = whole.shift(-7, Grain.DAY)
    elif match.confidence <= YEAR_GUESSED:
        back = whole.shift(-1, Grain.YEAR)
    else:
        return match
    return replace(match, range=back)


def _is_something_else(match: DateMatch, text: str, today: date) -> bool:
    """Whether it is a count (2048 bytes) or a short word (dec, sun), not a time."""
    first, last = match.span
    named = text[first:last]
    if _SHORT.fullmatch(named):
        return not _CUE.search(text, max(0, first - 8), first)
    if not _A_NUMBER.fullmatch(named):
        return False
    start = match.range.start
    is_far = start is not None and start.year > today.year + _YEARS_AHEAD
    return is_far or bool(_COUNTED.match(text, last))


def _rough(text: str, *, now: datetime) -> list[_Found]:
    """Seasons, hours and parts of today, and what "a few" of them are."""
    today = datetime.combine(now.date(), time())
    found: list[_Found] = []
    for match in _ROUGH.finditer(text):
        kind = match.lastgroup
        if kind == "season":
            start, end = _season(match, now)
        elif kind == "part":
            part = match["this_part"] or match["last_part"] or "night"
            day = today - timedelta(1) if match["last_part"] else today
            start, end = (
                day + timedelta(hours=hours) for hours in _HOURS[part.lower()]
            )
        elif kind == "past_few":
            unit = _LENGTHS[match["few_unit"].lower()]
            start, end = now - 6 * unit, now
        elif kind == "few_ago":
            unit = _LENGTHS[match["ago_unit"].lower()]
            start, end = now - 6 * unit, now - unit
        elif kind == "past_hours":
            unit = _LENGTHS[match["past_unit"].lower()]
            start, end = now - int(match["past_count"] or 1) * unit, now
        else:
            unit = _LENGTHS[match["small_unit"].lower()]
            start = now - _number(match["small_count"]) * unit - unit / 2
            end = start + unit
        if kind in {"past_few", "few_ago"} and unit >= timedelta(1):
            start, end = _midnight(start), _midnight(end) + timedelta(1)
        found.append(_Found(start, end, *match.span()))
    return found


def _season(match: re.Match[str], now: datetime) -> tuple[datetime, datetime]:
    name = (match["season_name"] or match["season_in"]).lower()
    month = _SEASON_MONTHS[name]
    which = (match["which"] or "").lower()
    year = int(match["season_year"]) if match["season_year"] else now.year
    start = datetime(year, month, 1)  # noqa: DTZ001
    if not match["season_year"]:
        if which == "next":
            year += start <= now
        elif start > now or (which == "last" and _three_months(year, month) > now):
            year -= 1
        start = datetime(year, month, 1)  # noqa: DTZ001
    end = _three_months(year, month)
    third = (end - start) / 3
    part = (match["season_part"] or "").lower().removeprefix("the ").strip()
    if part.startswith(("early", "begin", "start")):
        end = _midnight(start + third)
    elif part.startswith(("late", "end")):
        start = _midnight(end - third)
    elif part:
        start, end = _midnight(start + third), _midnight(end - third)
    return start, end


def _three_months(year: int, month: int) -> datetime:
    return datetime(year + (month + 2) // 12, (month + 2) % 12 + 1, 1)  # noqa: DTZ001


def _midnight(at: datetime) -> datetime:
    return datetime.combine(at.date(), time())


def _number(word: str) -> int:
    return int(word) if word.isdigit() else _COUNTS.get(word.lower(), 1)


def _by_the_clock(one: _Found, text: str) -> _Found:
    """The part of a day, or the hour, that is named beside the day."""
    if one.end - one.start != timedelta(1) or one.start.time() != time():
        return one
    after = _CLOCK_AFTER.match(text, one.last)
    before = None
    if after is None:
        before = _CLOCK_BEFORE.search(text, max(0, one.first - 24), one.first)
    named = after or before
    if named is None:
        return one
    if named["part"]:
        low, high = (timedelta(hours=hours) for hours in _HOURS[named["part"].lower()])
    else:
        hour = int(named["hour"] or named["hour_24"])
        half = (named["half"] or "").lower()[:1]
        if half:
            hour = hour % 12 + (12 if half == "p" else 0)
        minute = int(named["minute"] or named["minute_24"] or 0)
        low = timedelta(hours=hour, minutes=minute)
        high = low + timedelta(hours=1)
    return _Found(
        one.start + low,
        one.start + high,
        before.start("clock") if before else one.first,
        after.end() if after else one.last,
    )


@cache
def _config(*, is_rolling: bool = False, is_day_first: bool = False) -> WranglerConfig:
    from date_wrangler import Anchor, DateOrder, WranglerConfig

    return WranglerConfig(
        anchor=Anchor.ROLLING if is_rolling else Anchor.ANCHORED,
        date_order=DateOrder.DMY if is_day_first else DateOrder.MDY,
    )


# What the parser says of a date such as 3/4/2026.
_READS_BOTH_WAYS = 0.9
# Plans reach this far; larger numbers count something.
_YEARS_AHEAD = 10

_ANY_DAY = r"(?:mon|tue(?:s)?|wed(?:nes)?|thu(?:rs?)?|fri|sat(?:ur)?|sun)(?:day)?"
_A_WEEKDAY = re.compile(rf"(?:on )?{_ANY_DAY}", re.IGNORECASE)
_SURE_NAMES = re.compile(
    r"\b(?:(?:mon|tues|wednes|thurs|fri|satur|sun)day|january|february|july|september"
    r"|october|november|december)\b",
    re.IGNORECASE,
)
_NTH = re.compile(r"the \d{1,2}(?:st|nd|rd|th)", re.IGNORECASE)
_TO_COME = re.compile(r"\b(?:next|coming|upcoming|this)\b", re.IGNORECASE)
_BEFORE_TO_COME = re.compile(r"\b(?:next|coming|upcoming|this)\s$", re.IGNORECASE)
_FROM = re.compile(r"from (?!.*\b(?:on|onwards?)$)", re.IGNORECASE)
# Small letters: octal to decimal is "oct to dec".
_SHORT = re.compile(
    r"jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec|mon|tue|wed|thu|fri|sat|sun"
)
_CUE = re.compile(
    r"\b(?:in|on|since|by|until|before|after|during|of)\s$", re.IGNORECASE
)
_ALL_NUMBERS = re.compile(r"\d[./-]\d")
_A_NUMBER = re.compile(r"(?:[a-z]+ )?(?:\d\d? (?:of )?)?\d{4}", re.IGNORECASE)
_COUNTED = re.compile(
    r"[\s-]*(?:(?:kilo|mega|giga)?bytes?|[kmg]i?b|px|ms|lines?|rows?|files?|tokens?|words?"
    r"|char(?:acter)?s?|items?|requests?|users?|times|tests?|calls?|messages?|points?"
    r"|dollars?|euros?|people|passages?|records?|entries|steps?|errors?|connections?)\b",
    re.IGNORECASE,
)
_ROLLING = re.compile(
    r"\b(?:past\s|(?:last|previous)\s+(?:\d+|a\s+couple|couple|two|three|four|five|six"
    r"|seven|eight|nine|ten|eleven|twelve)\b)",
    re.IGNORECASE,
)

_HOURS = {
    "morning": (6, 12),
    "noon": (12, 13),
    "lunchtime": (12, 14),
    "afternoon": (12, 18),
    "evening": (17, 24),
    "night": (18, 30),
    "midnight": (23, 25),
}
_PART = "morning|noon|lunchtime|afternoon|evening|night|midnight"
_SEASON_MONTHS = {"spring": 3, "summer": 6, "autumn": 9, "fall": 9, "winter": 12}
_LENGTHS = {
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(1),
    "week": timedelta(7),
    "month": timedelta(30),
    "year": timedelta(365),
}
_COUNTS = {
    "one": 1,
    "two": 2,
    "three": 3,
    "four": 4,
    "five": 5,
    "six": 6,
    "seven": 7,
    "eight": 8,
    "nine": 9,
    "ten": 10,
    "twelve": 12,
}
_CLOCK = rf"""(?P<clock>(?:(?:early|late)\s+)?(?P<part>{_PART})\b
    | (?P<hour>1[0-2]|0?[1-9])(?::(?P<minute>[0-5]\d))?\s?(?P<half>[ap]\.?m\b\.?)
    | (?P<hour_24>[01]?\d|2[0-3])(?::(?P<minute_24>[0-5]\d)(?::[0-5]\d)?\b(?!\.\d)
        |\s?(?:uhr|h)\b))"""
_CLOCK_AFTER = re.compile(
    rf"(?:t|,?\s+(?:(?:at|around|about|in\s+the|um|@)\s+)?){_CLOCK}",
    re.IGNORECASE | re.VERBOSE,
)
_CLOCK_BEFORE = re.compile(
    rf"\b{_CLOCK},?\s+(?:(?:on|of)\s+)?$", re.IGNORECASE | re.VERBOSE
)
_ROUGH = re.compile(
    r"""\b(?:
    (?P<season>(?:(?P<season_part>early|mid|late|(?:the\s+)?(?:beginning|start|middle|end)
            \s+of)[\s-]+)?
        (?:(?:the\s+)?(?P<which>last|this|next)\s+(?P<season_name>spring|summer|autumn|fall
            |winter)
          |(?:(?:in|of|during|since|over)\s+(?:the\s+)?)?
            (?P<season_in>(?:spring|summer|autumn|fall|winter)
                (?=(?:\s+of)?\s+(?:19|20)\d\d\b)
              |(?<=in\s)(?:summer|autumn|winter)\b
              |(?<=the\s)(?:summer|autumn|winter)\b))
        (?:(?:\s+of)?\s+(?P<season_year>(?:19|20)\d\d)\b)?)
  | (?P<part>this\s+(?P<this_part>morning|afternoon|evening)
        |(?:late\s+)?last\s+(?P<last_part>night|evening)|tonight)
  | (?P<past_few>(?:the\s+)?(?:last|past)\s+(?:few|several|couple\s+of)
        \s+(?P<few_unit>minute|hour|day|week|month|year)s)
  | (?P<few_ago>(?:a\s+)?(?:few|several)
        \s+(?P<ago_unit>minute|hour|day|week|month|year)s\s+ago)
  | (?P<past_hours>(?:the\s+)?(?:last|past)\s+(?:(?P<past_count>\d{1,3})\s+)?
        (?P<past_unit>minute|hour)s?)
  | (?P<small_ago>(?P<small_count>an?|\d{1,3}|one|two|three|four|five|six|seven|eight
        |nine|ten|twelve)\s+(?P<small_unit>minute|hour)s?\s+ago)
    )\b""",
    re.IGNORECASE | re.VERBOSE,
)
