"""Words for days, months and spans of time, and German, French and Spanish in English.

The dates of a question are read by a parser that knows English. `in_english` puts the
common ways of naming a time in the other languages into its words and leaves the rest
of the text as it is.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

_MONTHS = (
    "january february march april may june july august september october november "
    "december"
)
_DAYS = "monday tuesday wednesday thursday friday saturday sunday"
_SEASONS = "spring summer autumn winter"
_UNITS = "day week weekend month quarter year hour minute"

# Accents are left out; those of a question are folded before it is looked at.
_MONTHS_ELSEWHERE = {
    "de": "januar februar marz april mai juni juli august september oktober november "
    "dezember",
    "fr": "janvier fevrier mars avril mai juin juillet aout septembre octobre novembre "
    "decembre",
    "es": "enero febrero marzo abril mayo junio julio agosto septiembre octubre "
    "noviembre diciembre",
}
_DAYS_ELSEWHERE = {
    "de": "montag dienstag mittwoch donnerstag freitag samstag sonntag",
    "fr": "lundi mardi mercredi jeudi vendredi samedi dimanche",
    "es": "lunes martes miercoles jueves viernes sabado domingo",
}
_SEASONS_ELSEWHERE = {
    "de": "fruhling sommer herbst winter",
    "fr": "printemps ete automne hiver",
    "es": "primavera verano otono invierno",
}
_UNITS_ELSEWHERE = {
    "de": "tag woche wochenende monat quartal jahr stunde minute",
    "fr": "jour semaine week-end mois trimestre annee heure minute",
    "es": "dia semana finde mes trimestre ano hora minuto",
}
# Other forms of the units, by the English one.
_UNIT_FORMS = {
    "day": "tage tagen jours dias",
    "week": "wochen semaines semanas",
    "month": "monate monaten monats meses",
    "year": "jahre jahren jahres an ans annees anos",
    "hour": "stunden heures horas",
    "minute": "minuten minutes minutos",
}
_TODAYS = {
    "heute": "today",
    "gestern": "yesterday",
    "vorgestern": "day before yesterday",
    "aujourd'hui": "today",
    "aujourd’hui": "today",
    "avant-hier": "day before yesterday",
    "hoy": "today",
    "ayer": "yesterday",
    "anteayer": "day before yesterday",
    "antier": "day before yesterday",
}
_NUMBERS = {
    word: str(number)
    for number, words in enumerate(
        (
            "ein eine einen einem einer un une una uno",
            "zwei deux dos",
            "drei trois tres",
            "vier quatre cuatro",
            "funf cinq cinco",
            "sechs six seis",
            "sieben sept siete",
            "acht huit ocho",
            "neun neuf nueve",
            "zehn dix diez",
        ),
        start=1,
    )
    for word in words.split()
}
_BEFORE_A_NAME = {
    "letzt": "last",
    "vergangen": "last",
    "vorig": "last",
    "dies": "this",
    "nachst": "next",
    "kommend": "next",
    "cette": "this",
    "cet": "this",
    "ce": "this",
    "esta": "this",
    "este": "this",
}
_AFTER_A_NAME = {
    "dernier": "last",
    "derniere": "last",
    "passe": "last",
    "passee": "last",
    "pasado": "last",
    "pasada": "last",
    "prochain": "next",
    "prochaine": "next",
    "proximo": "next",
    "proxima": "next",
}
_PREPOSITIONS = {
    "im": "in",
    "am": "on",
    "vom": "on",
    "seit": "since",
    "vor": "before",
    "nach": "after",
    "bis": "until",
    "ende": "end of",
    "anfang": "early",
    "mitte": "mid",
    "en": "in",
    "depuis": "since",
    "avant": "before",
    "apres": "after",
    "debut": "early",
    "fin": "end of",
    "mi": "mid",
    "desde": "since",
    "antes de": "before",
    "despues de": "after",
    "hasta": "until",
}


def _english(elsewhere: dict[str, str], names: str) -> dict[str, str]:
    return {
        word: name
        for words in elsewhere.values()
        for word, name in zip(words.split(), names.split(), strict=True)
    }


_MONTH = _english(_MONTHS_ELSEWHERE, _MONTHS) | {
    "janner": "january",
    "setiembre": "september",
}
_DAY = _english(_DAYS_ELSEWHERE, _DAYS) | {"sonnabend": "saturday"}
_SEASON = _english(_SEASONS_ELSEWHERE, _SEASONS) | {"fruhjahr": "spring"}
_UNIT = _english(_UNITS_ELSEWHERE, _UNITS) | {
    word: name for name, words in _UNIT_FORMS.items() for word in words.split()
}
NAMES = _MONTH | _DAY | _SEASON | _UNIT

# Months and days of the other languages that no English text has in another sense.
TELLING = sorted(
    {
        *(set(_MONTH) - {"mars", "mai", *_MONTHS.split()}),
        *(set(_DAY) - {"martes", "domingo"}),
        *(word for word in _TODAYS if word.isalpha()),
    }
)

# French for yesterday is German for here.
_FRENCH = re.compile(r"\b(?:la|les|des|est|qui|que|quoi|nous|vous|je|tu|on|ce|qu|a)\b")


@dataclass(frozen=True)
class Translated:
    """A text in English, and where its pieces stood in the text that was given."""

    text: str
    moved: tuple[tuple[int, int, int, int], ...] = ()

    def place(self, start: int, end: int) -> tuple[int, int]:
        """The characters of the given text that a piece of the English one is."""
        return self._given(start, is_end=False), self._given(end, is_end=True)

    def _given(self, at: int, *, is_end: bool) -> int:
        shift = 0
        for out_start, out_end, start, end in self.moved:
            if at <= out_start:
                break
            if at <= out_end:
                return end if is_end or at == out_end else start
            shift = end - out_end
        return at + shift


def folded(text: str) -> str:
    """Lower case without accents, every character in its old place."""
    if text.isascii():
        return text.lower()
    return "".join(map(_folded, text))


def in_english(text: str) -> Translated:
    """The text with times named in German, French or Spanish put into English."""
    plain = folded(text)
    if not _ANY.search(plain):
        return Translated(text)
    out: list[str] = []
    moved: list[tuple[int, int, int, int]] = []
    done = length = 0
    for match in _SHAPES.finditer(plain):
        english = _HOW[match.lastgroup or ""](match, plain)
        start, end = match.span()
        if english is None:
            continue
        out += [text[done:start], english]
        length += start - done
        moved.append((length, length + len(english), start, end))
        length += len(english)
        done = end
    return Translated("".join([*out, text[done:]]), tuple(moved))


@lru_cache(maxsize=4096)
def _folded(character: str) -> str:
    base = unicodedata.normalize("NFKD", character)[0].lower()
    return base if len(base) == 1 else character


def _one_of(words: dict[str, str]) -> str:
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))


def _ago(match: re.Match[str], _: str) -> str:
    count = match["ago_count"]
    unit = _UNIT.get(match["ago_unit"], match["ago_unit"])
    return f"{_NUMBERS.get(count, count)} {unit}s ago"


def _before(match: re.Match[str], _: str) -> str:
    which = next(
        english
        for word, english in _BEFORE_A_NAME.items()
        if match["which"].startswith(word)
    )
    lead = f"{_preposition(match['lead'])} " if match["lead"] else ""
    return f"{lead}{which} {NAMES[match['before_name']]}"


def _after(match: re.Match[str], _: str) -> str:
    return f"{_AFTER_A_NAME[match['which_after']]} {NAMES[match['after_name']]}"


def _date(match: re.Match[str], _: str) -> str:
    month, year = _MONTH[match["month"]], match["date_year"]
    return f"{match['day']} {month} {year}" if year else f"{match['day']} {month}"


def _prefixed(match: re.Match[str], _: str) -> str | None:
    name, year = match["prefixed"], match["year"]
    if name == "ete" and not year:
        # More often "been" than summer.
        return None
    english = NAMES[name]
    preposition = _preposition(match["preposition"])
    if english in _DAYS.split() and preposition == "in":
        preposition = "on"
    return f"{preposition} {english} {year}" if year else f"{preposition} {english}"


def _year(match: re.Match[str], _: str) -> str:
    return f"{_preposition(match['year_lead'])} {match['year_alone']}"


def _preposition(words: str) -> str:
    return _PREPOSITIONS[" ".join(words.split())]


def _todays(match: re.Match[str], plain: str) -> str | None:
    word = match["todays"]
    if word == "hier":
        return "yesterday" if _FRENCH.search(plain) else None
    return _TODAYS[word]


_HOW: dict[str, Callable[[re.Match[str], str], str | None]] = {
    "ago": _ago,
    "before_shape": _before,
    "after_shape": _after,
    "date": _date,
    "prefixed_shape": _prefixed,
    "year_shape": _year,
    "todays_shape": _todays,
}
_ARTICLE = r"(?:(?:la|le|les|el|los|l['’]|der|die|das|dem|den)\s*)?"
_TIMED = _MONTH | _SEASON | _DAY
_PREPOSITION = _one_of(_PREPOSITIONS).replace("\\ ", r"\s+")
_BEFORE_A_YEAR = r"(?:seit|bis|mitte|anfang|ende|depuis|debut|fin|desde|hasta|en)"
_SHAPES = re.compile(
    rf"""\b(?:
    (?P<ago>(?:vor|il\s+y\s+a|hace)\s+(?P<ago_count>\d{{1,3}}|{_one_of(_NUMBERS)})
        \s+(?P<ago_unit>{_one_of(_UNIT)}))
  | (?P<before_shape>(?:(?P<lead>{_PREPOSITION})\s+)?
        (?P<which>(?:letzt|vergangen|vorig|dies|nachst|kommend)e[nrsm]?
        |cette|cet|ce|est[ae])\s+(?P<before_name>{_one_of(NAMES)})(?:-ci)?)
  | (?P<after_shape>{_ARTICLE}(?P<after_name>{_one_of(NAMES)})
        \s+(?P<which_after>{_one_of(_AFTER_A_NAME)}))
  | (?P<date>(?P<day>\d{{1,2}})(?:\.|er)?\s+(?:de\s+)?(?P<month>{_one_of(_MONTH)})
        (?:\s+(?:del?\s+)?(?P<date_year>(?:19|20)\d\d))?)
  | (?P<prefixed_shape>(?P<preposition>{_PREPOSITION})
        [\s-]+{_ARTICLE}(?P<prefixed>{_one_of(_TIMED)})
        (?:\s+(?:del?\s+)?(?P<year>(?:19|20)\d\d))?)
  | (?P<year_shape>(?P<year_lead>{_BEFORE_A_YEAR})\s+(?P<year_alone>(?:19|20)\d\d))
  | (?P<todays_shape>(?P<todays>{_one_of(_TODAYS)}|hier))
    )\b""",
    re.VERBOSE,
)
_ANY = re.compile(
    rf"\b(?:{_one_of(NAMES | _TODAYS)}|hier|{_BEFORE_A_YEAR}\s+(?:19|20)\d\d)\b"
)
