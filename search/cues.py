"""Who and when: what a question tells of them, and what a passage tells of itself.

Nothing here decides; a ranker weighs what is found. Doubt is settled towards silence:
"will the mark be set" names neither Will nor Mark.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

import re2

from search import time_words, times
from search.times import Span

__all__ = [
    "HAS_NUMBER",
    "HAS_TIME_WORD",
    "IS_FIRST_PERSON",
    "IS_QUESTION",
    "Cues",
    "Span",
    "flags",
    "read",
]

HAS_TIME_WORD = 1
IS_QUESTION = 2
HAS_NUMBER = 4
IS_FIRST_PERSON = 8

READ_CHARS = 2000


@dataclass(frozen=True, slots=True)
class Cues:
    """What a question says about who and when.

    `names` are those of the given speakers that it names, as they were given, in the
    order of the question; `roles` are "user" and "assistant", whose words it asks for.
    """

    asks_when: bool = False
    asks_who: bool = False
    asks_how_many: bool = False
    spans: tuple[Span, ...] = ()
    names: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()


def flags(text: str) -> int:
    """What a passage has, as a sum of the constants above; 2 µs for 600 characters."""
    try:
        found = _PASSAGE.Match(text)
    except UnicodeEncodeError:
        found = _PASSAGE.Match(text.encode("utf-8", "replace"))
    bits = 0
    for index in found or ():
        bits |= _BITS[index]
    return bits


def read(text: str, *, now: datetime, speakers: Sequence[str] = ()) -> Cues:
    """What a question tells; never raises, READ_CHARS of it are looked at.

    Give the speakers that occur where the search looks: no other name is recognised.
    A name counts by its whole, its first or its last word, whatever the case, but one
    that is also an ordinary word needs a capital inside the sentence or a possessive.
    """
    text = text[:READ_CHARS]
    named = times.spans(text, now=now)
    plain = time_words.folded(text).replace("’", "'")
    roles = tuple(role for role, way in _ROLES.items() if way.search(plain))
    known = _known(tuple(speakers), with_products="assistant" in roles)
    return Cues(
        asks_when=bool(_ASKS_WHEN.search(plain)),
        asks_who=bool(_ASKS_WHO.search(plain)),
        asks_how_many=bool(_ASKS_HOW_MANY.search(plain)),
        spans=named,
        names=tuple(dict.fromkeys(_names(text, plain, named, known))),
        roles=roles,
    )


@dataclass(frozen=True, slots=True)
class _Known:
    """Speakers by the words of their names, folded."""

    wholes: dict[str, tuple[tuple[tuple[str, ...], str], ...]]
    words: dict[str, tuple[str, ...]]
    first_words: tuple[tuple[str, str], ...]


@lru_cache(maxsize=64)
def _known(speakers: tuple[str, ...], *, with_products: bool) -> _Known:
    """Without the names of products, unless one of them is asked for what it said."""
    wholes: dict[str, list[tuple[tuple[str, ...], str]]] = {}
    words: dict[str, list[str]] = {}
    firsts: list[tuple[str, str]] = []
    for speaker in speakers:
        parts = _WORD.findall(time_words.folded(speaker))
        if not parts or speaker.strip().lower() in _ROLE_NAMES:
            continue
        if parts[0] in _PRODUCTS and not with_products:
            continue
        if len(parts) > 1:
            wholes.setdefault(parts[0], []).append((tuple(parts), speaker))
        for part in dict.fromkeys((parts[0], parts[-1])):
            if len(part) > 1 and not part.isdigit():
                words.setdefault(part, []).append(speaker)
        firsts.append((parts[0], speaker))
    return _Known(
        {first: tuple(found) for first, found in wholes.items()},
        {word: tuple(found) for word, found in words.items()},
        tuple(firsts),
    )


def _names(
    text: str, plain: str, named: Sequence[Span], known: _Known
) -> Iterator[str]:
    if not known.words:
        return
    found = list(_WORD.finditer(plain))
    skipped = 0
    for index, match in enumerate(found):
        if index < skipped:
            continue
        word, (start, end) = match.group(), match.span()
        if any(span.at <= start < span.at + len(span.text) for span in named):
            continue
        for parts, speaker in known.wholes.get(word, ()):
            following = found[index : index + len(parts)]
            if tuple(one.group() for one in following) == parts:
                skipped = index + len(parts)
                yield speaker
        if skipped > index:
            continue
        is_capital = text[start].isupper()
        if word not in known.words:
            # Mel for Melanie, if there is but one.
            if is_capital and end - start >= _SHORT_NAME and not _begins(plain, start):
                longer = [
                    one for first, one in known.first_words if first.startswith(word)
                ]
                if len(longer) == 1 and word not in _ORDINARY:
                    yield longer[0]
            continue
        is_possessive = bool(_POSSESSIVE.match(plain, end))
        is_named = is_possessive or (is_capital and not _begins(plain, start))
        if is_named or word not in _ORDINARY or _DOES.match(plain, end):
            yield from known.words[word]


def _begins(plain: str, start: int) -> bool:
    """Whether a sentence begins here, where a capital says nothing."""
    before = plain[:start].rstrip(" \"'([¿¡")
    return not before or before[-1] in ".?!:\n"


_SHORT_NAME = 3
_WORD = re.compile(r"[^\W_]+")
_POSSESSIVE = re.compile(r"'s\b|'(?!\w)")

# Given names that are words, and words that agents are called by.
_ORDINARY = frozenset(
    re.findall(
        r"\w+",
        "ace agent amber angel april art ash august autumn bay bear bill bob bot "
        "brand brook brooks buck bud build chance chase chip chuck clay clever code "
        "coder cook dale data dawn dean deploy dev dick doc don drew duke earl "
        "ernest explore explorer faith fisher ford forest frank gene general gift "
        "glen grace grant gray green guy hail harmony harper hazel heath heather "
        "helper holly hope hunter iris ivy jack jade jasmine jay jean jet joy june "
        "king lake lance lane lee lily main major march marina mark mars mason max "
        "may mercy mike miles misty model nick norm olive opal ops page parker pat "
        "patience patty pearl peg penny pepper pierce plan planner poppy porter "
        "price prince purpose queen rain randy ray red reed research review "
        "reviewer rich river rob robin rocky rod rose ruby rusty sage sandy scout "
        "search security skip sky smith sonny spencer star stone storm sub sue "
        "summer sun sunny support task test tester trip tucker van victor violet "
        "wade walker ward warren wells west will winter wood worker you young",
    )
)

_SAYING = (
    r"(?:said|says?|saying|asked|asks?|told|tells?|mention(?:ed|s)?|suggest(?:ed|s)?"
    r"|propos(?:ed?|es)|recommend(?:ed|s)?|decid(?:ed?|es)|wrote|writes?|answer(?:ed|s)?"
    r"|repl(?:y|ied|ies)|explain(?:ed|s)?|claim(?:ed|s)?|promis(?:ed?|es)|wanted|wants?"
    r"|request(?:ed|s)?|prefer(?:red|s)?|complain(?:ed|s)?|agree[ds]?|refus(?:ed?|es)"
    r"|thought|thinks?|believed?|offered|offers?|advis(?:ed?|es)|confirm(?:ed|s)?"
    r"|need(?:ed|s)?|means?|meant|like[ds]?|describ(?:ed?|es)|admit(?:ted|s)?|correct(?:ed|s)?|reject(?:ed|s)?"
    r"|approv(?:ed?|es)|call(?:ed|s)?|point(?:ed|s)?\sout|state[ds]?|note[ds]?)"
)
_ASIDE = r"\s+(?:(?:just|also|then|first|once|already|ever|last|never|originally)\s+)*"
# What only a person does, after a name that may be a word: "Will said".
_DOES = re.compile(
    rf"{_ASIDE}(?:said|says|asked|told|mentioned|suggested|proposed|recommended|decided"
    r"|wrote|answered|replied|explained|promised|wanted|agreed|refused|thought|thinks"
    r"|believed|offered|advised|went|did|likes|loves|bought|lives|works)\b"
)
# Assistants that are named as often for the programs they are.
_PRODUCTS = (
    "claude",
    "chatgpt",
    "gpt",
    "codex",
    "gemini",
    "copilot",
    "cursor",
    "cline",
)
_PRODUCT = rf"(?:{'|'.join(_PRODUCTS)})(?!\s+(?:code|desktop|api|cli|sdk)\b)"
_ASSISTANT = (
    r"(?:(?:the\s+)?assistant|the\s+(?:ai|agent|model|bot|chatbot|llm)"
    rf"|{_PRODUCT})"
)
_SAID = (
    r"(?:questions?|requests?|messages?|prompts?|words|ideas?|suggestions?|answers?"
    r"|repl(?:y|ies)|proposals?|recommendations?|opinions?|preferences?|instructions?"
    r"|explanations?|reasons?|reasoning|decisions?|advice|wish(?:es)?|feedback|complaints?"
    r"|comments?|summar(?:y|ies)|conclusions?|plans?)"
)
_ROLE_NAMES = {"user", "assistant", "human", "system", "tool"}
_HAD = r"(?:did|have|had|was|were|when|that|what)"
_ROLES = {
    "user": re.compile(
        r"\b(?:(?:did|have|had|was)\s+i\b"
        rf"|(?:i|the\s+user|users?)(?:'d|'ve|\s+have|\s+had)?{_ASIDE}{_SAYING}\b"
        rf"|(?:my|(?:the\s+)?user's)\s+(?:\w+\s+)?{_SAID}\b"
        rf"|{_SAYING}\s+by\s+(?:me|the\s+user)\b|according\s+to\s+(?:me|the\s+user)\b"
        r"|(?:habe|hatte|wollte)\s+ich\b|ich\s+(?:gesagt|gefragt)\b|ai-je\b|j'ai\s+dit\b"
        r"|(?:he\s+)?dije\b)"
    ),
    "assistant": re.compile(
        rf"\b(?:(?:did|have|had|were)\s+(?:you|(?:the\s+)?assistant|{_PRODUCT})\b"
        rf"|(?:you|{_ASSISTANT})(?:'d|'ve|\s+have|\s+had)?{_ASIDE}{_SAYING}\b"
        rf"|(?:your|{_ASSISTANT}'s)\s+(?:\w+\s+)?{_SAID}\b"
        rf"|{_SAYING}\s+by\s+(?:you|{_ASSISTANT})(?!\w)"
        rf"|according\s+to\s+(?:you|{_ASSISTANT})(?!\w)"
        r"|(?:hast|hattest)\s+du\b|(?:haben|hatten)\s+sie\b|as-tu\b|avez-vous\b|dijiste\b)"
    ),
}

_OPENING = r"(?:^|[.?!:;\n]|\b(?:and|but|so|or|und|et|y)\s|,)[\s\"'(¿]{0,3}"
_KNOWING = (
    r"(?:know|tell|say|said|remember|recall|check|wonder|find\s+out|figure\s+out|see"
    r"|exactly|roughly|since|about|around|me|us|show|list|sure|unclear)"
)
_AUX = (
    r"(?:did|do|does|was|were|is|are|am|has|have|had|will|would|should|shall|can|could"
    r"|might|may|must)"
)
_ASKS_WHEN = re.compile(
    rf"{_OPENING}when(?:'s|'d|\s+{_AUX})\b|{_OPENING}when\b[^,?\n]{{0,150}}\?"
    rf"|\b{_KNOWING}\s+when\b|\bwhen\s*\?"
    r"|\b(?:what|which)\s+(?:exact\s+|calendar\s+)?(?:date|day|weekday|week|month|year"
    r"|season|quarter|time|hour)s?\b(?!\s+of\s+(?:type|thing))"
    r"|\bhow\s+(?:long\s+ago|long\s+(?:since|has\s+it\s+been)|recently|many\s+(?:days|weeks"
    r"|months|years)\s+ago)\b|\b(?:the\s+)?(?:date|day|time)\s+(?:when|that|on\s+which)\b"
    r"|\bwann\b|\b(?:welche[mnrs]?|was\s+fur\s+ein)\s+(?:tag|datum|monat|jahr|woche)\b"
    rf"|{_OPENING}(?:depuis\s+)?quand\b|\bquel(?:le)?s?\s+(?:jour|date|mois|annee|heure)\b"
    rf"|{_OPENING}(?:desde\s+)?cuando\b|\ba?\s?que\s+(?:dia|fecha|mes|ano|hora)\b"
)
_ASKS_WHO = re.compile(
    rf"{_OPENING}(?:who|whom|whose)(?:'s|'d)?\b|\b{_KNOWING}\s+(?:who|whose)\b"
    r"|\b(?:by|with|to|from|for)\s+(?:whom|who|whose)\b|\bwho\s*\?"
    r"|\b(?:which|what)\s+(?:person|people|user|speaker|colleague|teammate|friend|member"
    r"|developer|customer|reviewer|author)s?\b|\bwhich\s+(?:one\s+)?of\s+(?:us|them)\b"
    rf"|{_OPENING}(?:mit\s+|von\s+|fur\s+)?(?:wer|wem|wen|wessen)\b"
    rf"|{_OPENING}(?:avec\s+|a\s+|de\s+|pour\s+)?qui\b"
    rf"|{_OPENING}(?:con\s+|a\s+|de\s+|para\s+)?quien(?:es)?\b"
)
_ASKS_HOW_MANY = re.compile(
    r"\bhow\s+(?:many|much|old|long(?!\s+ago)|often|far|big|large|tall|high|fast|expensive)"
    r"\b|\bwhat\s+(?:number|amount|percentage|price|size|version|port)\b|\bwie\s?viele?\b"
    r"|\bcombien\b|\bcuant[oa]s?\b"
)


def _accented(word: str) -> str:
    return "".join(_WITH_ACCENTS.get(character, character) for character in word)


def _passage_set() -> re2.Set:
    """Every question put to a passage, answered in one pass over it."""
    found = re2.Set.SearchSet()
    for pattern, _ in _PASSAGE_PATTERNS:
        found.Add(pattern)
    found.Compile()
    return found


_WITH_ACCENTS = {
    "a": "[aáàâä]",
    "e": "[eéèê]",
    "i": "[iíî]",
    "o": "[oóô]",
    "u": "[uúûü]",
    "n": "[nñ]",
}
_UNIT = r"(?:second|minute|hour|day|night|week|weekend|month|quarter|year|decade)"
_SHORT_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sept?|oct|nov|dec|march)"
_PART = r"(?:morning|afternoon|evening|night|noon|spring|summer|autumn|fall|winter)"
_DAY = r"(?:mon|tues|wednes|thurs|fri|satur|sun)days?"
_COUNT = (
    r"(?:\d+|an?|one|two|three|four|five|six|seven|eight|nine|ten|few|several"
    r"|couple\sof)"
)
_TIME_WORD = "|".join(
    (
        r"yesterday|today|tonight|tomorrow|midnight|weekends?|recently|lately",
        _DAY,
        r"january|february|april|june|july|august|september|october|november|december",
        rf"(?:this|last|next|past|previous|every|each)\s(?:few\s|{_COUNT}\s)?"
        rf"(?:{_UNIT}s?|{_PART}|march|may)",
        rf"{_COUNT}\s{_UNIT}s?\s(?:ago|later|earlier|before|back)",
        rf"{_SHORT_MONTH}\.?\s\d{{1,2}}|\d{{1,2}}(?:st|nd|rd|th)?\s(?:of\s)?{_SHORT_MONTH}",
        r"(?:in|on|since|by|until|during|early|late|mid)[\s-](?:the\s)?"
        r"(?:march|may|spring|summer|autumn|winter|(?:19|20)\d\d)",
        r"(?:19|20)\d\d[-/](?:0[1-9]|1[0-2])(?:[-/]\d\d)?",
        r"\d{1,2}[./]\d{1,2}[./](?:19|20)?\d\d",
        r"(?:[01]?\d|2[0-3]):[0-5]\d|(?:1[0-2]|[1-9])\s?[ap]\.?m|o['’]clock",
        r"q[1-4]\s(?:19|20)\d\d",
        *(_accented(word) for word in time_words.TELLING),
        r"(?:letzte|diese|vorige|nächste)[nrsm]?\s(?:woche|monat|jahr|tag)",
        r"(?:semaine|mois|année|an)\s(?:dernière|dernier|prochaine?|passée?)",
        r"(?:semana|mes|año)\s(?:pasad[oa]|próxim[oa])",
    )
)
_PASSAGE_PATTERNS = (
    (rf"(?i)\b(?:{_TIME_WORD})\b", HAS_TIME_WORD),
    (r"[?？؟][\s\"'”’“‘»«)\]*_~`]*\z", IS_QUESTION),
    (
        r"(?i)\b\d+(?:[.,]\d+)*\s?(?:%|[a-z]{1,3}\b)?(?:\W|\z)"
        r"|\b(?:two|three|four|five|six|seven|eight|nine|ten|twelve|dozen|hundred"
        r"|thousand)\b",
        HAS_NUMBER,
    ),
    (
        # A lone small i is a loop variable as often.
        r"\bI\b|(?i:\b(?:my|mine|me|myself|ich|mein(?:e[nmrs]?)?|je|moi"
        r"|j['’](?:ai|etais|étais)|i['’](?:m|ve|d|ll)"
        r"|i\s(?:am|was|have|had|think|want|need|did|do|don['’]t|can|can['’]t|will|would"
        r"|just|like|love|got|went|saw|know|see|mean|guess))\b)",
        IS_FIRST_PERSON,
    ),
)
_BITS = tuple(bit for _, bit in _PASSAGE_PATTERNS)
_PASSAGE = _passage_set()
