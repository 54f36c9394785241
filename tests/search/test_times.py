from datetime import UTC, datetime, timedelta, timezone

import pytest

from search import times

# A Saturday.
NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)

# What a question says, and the time it names first: from, up to and without.
NAMED = """
what did we do yesterday|2026-11-20|2026-11-21
what happened today|2026-11-21|2026-11-22
the day before yesterday|2026-11-19|2026-11-20
what broke last Tuesday|2026-11-17|2026-11-18
what did I say on Friday|2026-11-20|2026-11-21
the crash on Friday morning|2026-11-20T06|2026-11-20T12
what we decided yesterday evening|2026-11-20T17|2026-11-21
the deploy this morning|2026-11-21T06|2026-11-21T12
the alarm last night|2026-11-20T18|2026-11-21T06
errors at 3 pm yesterday|2026-11-20T15|2026-11-20T16
which test failed 3 days ago|2026-11-18|2026-11-19
the plan from two weeks ago|2026-11-02|2026-11-09
what broke a month ago|2026-10-01|2026-11-01
everything this week|2026-11-16|2026-11-23
what did Anna decide last week|2026-11-09|2026-11-16
what was done last month|2026-10-01|2026-11-01
the budget of last year|2025-01-01|2026-01-01
what did we plan this year|2026-01-01|2027-01-01
what was shipped this month|2026-11-01|2026-12-01
where did we go last weekend|2026-11-14|2026-11-16
the talk in March|2026-03-01|2026-04-01
the talk in December|2025-12-01|2026-01-01
the migration in March 2025|2025-03-01|2025-04-01
the migration of March of last year|2025-03-01|2025-04-01
what happened on 8 May|2026-05-08|2026-05-09
what happened on May 8th|2026-05-08|2026-05-09
what happened on May 8, 2023|2023-05-08|2023-05-09
the meeting on the 8th of May 2023|2023-05-08|2023-05-09
the meeting of 2026-03-04|2026-03-04|2026-03-05
the log of 2026/03/04|2026-03-04|2026-03-05
the report of 2026-03|2026-03-01|2026-04-01
the invoice of 04.03.2026|2026-03-04|2026-03-05
the invoice of 3/4/2026|2026-04-03|2026-04-04
the invoice of 25/4/2026|2026-04-25|2026-04-26
what did we ship in 2024|2024-01-01|2025-01-01
numbers of Q1 2026|2026-01-01|2026-04-01
numbers of the first quarter of 2026|2026-01-01|2026-04-01
numbers of last quarter|2026-07-01|2026-10-01
the trip in summer 2025|2025-06-01|2025-09-01
the trip last winter|2025-12-01|2026-03-01
notes between 3 and 7 May|2026-05-03|2026-05-08
notes from 3 to 7 May 2025|2025-05-03|2025-05-08
notes of May 3-7|2026-05-03|2026-05-08
work between March and May 2025|2025-03-01|2025-06-01
work from Monday to Wednesday|2026-11-16|2026-11-19
logs from 2026-03-01 to 2026-03-05|2026-03-01|2026-03-06
changes since Monday|2026-11-16|2026-11-22
changes since March 2026|2026-03-01|2026-11-22
changes in the last 3 days|2026-11-18|2026-11-22
changes over the past two weeks|2026-11-07|2026-11-22
everything before May 2024|1970-01-02|2024-05-01
everything after 10 November|2026-11-11|2026-11-22
the freeze in early March|2026-03-01|2026-03-11
the freeze at the end of March|2026-03-21|2026-04-01
the freeze in mid-2025|2025-05-01|2025-09-01
the week of 4 May|2026-05-04|2026-05-11
the outage of Nov 19 at 14:30|2026-11-19T14:30|2026-11-19T15:30
the outage at 2026-03-04T14:30|2026-03-04T14:30|2026-03-04T15:30
what will we do tomorrow|2026-11-22|2026-11-23
plans for next week|2026-11-23|2026-11-30
was haben wir gestern gemacht|2026-11-20|2026-11-21
was war letzte Woche|2026-11-09|2026-11-16
der Fehler vom 8. Mai 2023|2023-05-08|2023-05-09
was war vor zwei Wochen|2026-11-02|2026-11-09
die Besprechung im März|2026-03-01|2026-04-01
la réunion de la semaine dernière|2026-11-09|2026-11-16
la réunion du 8 mai 2023|2023-05-08|2023-05-09
ce qui est arrivé avant-hier|2026-11-19|2026-11-20
lo que pasó ayer|2026-11-20|2026-11-21
la reunión del 8 de mayo de 2023|2023-05-08|2023-05-09
what about December|2025-12-01|2026-01-01
Monday's meeting|2026-11-16|2026-11-17
the party on Sunday|2026-11-15|2026-11-16
Friday night|2026-11-20T18|2026-11-21T06
the bill of the 25th|2026-10-25|2026-10-26
on the 5th|2026-11-05|2026-11-06
next March|2027-03-01|2027-04-01
the end of summer 2023|2023-08-01|2023-09-01
over the summer of 2023|2023-06-01|2023-09-01
a few days ago|2026-11-15|2026-11-21
in the past few weeks|2026-10-10|2026-11-22
in the last 2 hours|2026-11-21T10|2026-11-21T12
an hour ago|2026-11-21T10:30|2026-11-21T11:30
invoice of 25.4.2026|2026-04-25|2026-04-26
the day before 9 May 2023|2023-05-08|2023-05-09
depuis lundi|2026-11-16|2026-11-22
im Sommer 2025|2025-06-01|2025-09-01
l'année dernière|2025-01-01|2026-01-01
hace tres días|2026-11-18|2026-11-19
ce qu'on a fait hier|2026-11-20|2026-11-21
What did we agree on the evening of 12 November?|2026-11-12T17|2026-11-13
the release from last Thursday afternoon|2026-11-19T12|2026-11-19T18
What was decided in the meeting on October 2nd?|2026-10-02|2026-10-03
in the first half of 2026|2026-01-01|2026-07-01
What did I ask you earlier this month?|2026-11-01|2026-12-01
the bug we fixed the week before last|2026-11-02|2026-11-09
commits between 2026-01-05 and 2026-01-09|2026-01-05|2026-01-10
stuff from Jan 2026|2026-01-01|2026-02-01
notes dated 5.3.26|2026-03-05|2026-03-06
what happened on 14/07/2025|2025-07-14|2025-07-15
what happened on 07/14/2025|2025-07-14|2025-07-15
what did he do on Sunday morning|2026-11-15T06|2026-11-15T12
the outage at 9am on Wednesday|2026-11-18T09|2026-11-18T10
conversation from about 6 weeks ago|2026-10-05|2026-10-12
since the start of the year|2026-01-01|2026-11-22
over the last 48 hours|2026-11-19T12|2026-11-21T12
until the end of October|1970-01-02|2026-11-01
all of 2025|2025-01-01|2026-01-01
the sprint of November 2-13|2026-11-02|2026-11-14
the second week of October|2026-10-08|2026-10-15
from January through March 2026|2026-01-01|2026-04-01
late 2025|2025-09-01|2026-01-01
What happened on the night of 3 May?|2026-05-03T18|2026-05-04T06
who was on call Wednesday|2026-11-18|2026-11-19
seit letztem Freitag|2026-11-20|2026-11-22
Anfang Oktober|2026-10-01|2026-10-11
am 3. Oktober|2026-10-03|2026-10-04
Mitte 2025|2025-05-01|2025-09-01
en septiembre de 2025|2025-09-01|2025-10-01
il y a trois jours|2026-11-18|2026-11-19
lundi dernier|2026-11-16|2026-11-17
may the 4th be with you|2026-05-04|2026-05-05
"""

NOT_NAMED = """
may I ask what the mark of Will was
how do we march through the list in order
open port 2023 and read 2048 bytes
it fails in 2000 lines
reads 2048 at once
the second test of version 1.2.3 failed
how may the function be called
what does day_of_week return
is there a sun or moon icon
spring boot falls back in the fall through case
issue 12/3 on 10.1
the first three days of baking
was steht hier im Code
recently and lately
the last time we used rye
this time it works
a day in the life of a baker
run every day at 5
the 3 day trial
24/7 support
10 minutes timeout
night mode toggle
sat on the chair
marching band in the mar theatre
error 404 in 2 of 3 pods
HTTP 1.1 vs 2.0
Python 3.11.2 release notes
page 12 of 2024 lines
convert oct to dec
the sun icon
"""


def at(text: str) -> datetime:
    whole = text if ":" in text or "T" not in text else f"{text}:00"
    return datetime.fromisoformat(whole).replace(tzinfo=UTC)


@pytest.mark.parametrize("line", NAMED.strip().splitlines())
def test_a_time_that_is_named_is_read_as_a_range(line):
    question, start, end = line.split("|")

    first = times.spans(question, now=NOW)[0]

    assert (first.start, first.end) == (at(start), at(end))
    assert question[first.at : first.at + len(first.text)] == first.text


@pytest.mark.parametrize("question", NOT_NAMED.strip().splitlines())
def test_words_that_only_look_like_times_name_none(question):
    assert times.spans(question, now=NOW) == ()


def test_the_words_for_a_time_are_told_as_they_stand():
    question = "Was hat Anna letzte Woche über die Fête du 8 mai 2023 gesagt?"

    found = times.spans(question, now=NOW)

    assert [span.text for span in found] == ["letzte Woche", "8 mai 2023"]
    assert [question.index(span.text) for span in found] == [span.at for span in found]


def test_a_date_that_reads_both_ways_gives_both():
    found = times.spans("the invoice of 3/4/2026", now=NOW)

    assert {span.start.date().isoformat() for span in found} == {
        "2026-03-04",
        "2026-04-03",
    }


def test_times_are_in_the_zone_of_now():
    tokyo = timezone(timedelta(hours=9))
    # Already the 22nd there.
    now = datetime(2026, 11, 21, 20, 0, tzinfo=UTC).astimezone(tokyo)

    (span,) = times.spans("yesterday", now=now)

    assert span.start == datetime(2026, 11, 21, 0, 0, tzinfo=tokyo)


def test_at_most_eight_times_are_told():
    question = ", ".join(f"{day} May 2025" for day in range(1, 20))

    found = times.spans(question, now=NOW)

    assert [span.start.day for span in found] == list(range(1, 9))
