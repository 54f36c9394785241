"""What a memory's text must be, and when two texts say the same or the opposite."""

from __future__ import annotations

import hashlib
import re
import unicodedata

from django.conf import settings

from memories.owners import Owner
from refusals import InvalidArgument
from search import analysis

_FINGERPRINT_WORDS = 24
_ALIKE = 0.9
_WORD = re.compile(r"\w+(?:['’]\w+)?")
_DENYING = """
    no not never none nothing nobody neither nor without cannot cant dont doesnt didnt
    isnt arent wasnt werent wont wouldnt shouldnt mustnt couldnt havent hasnt hadnt aint
    avoid avoids stop stops forbid forbids forbidden disable disables disabled dislike
    dislikes hate hates refuse refuses against unlike false off
"""
_NEGATIONS = frozenset(_DENYING.split())
# They carry a stance or hold a sentence together; a topic is what is left.
_GLUE = """
    a an and are as at be been but by can could did do does for from had has have he her
    his how i if in into is it its like likes always must my of on only or our please
    prefer preferred prefers enable enabled enables allow allowed allows love loves
    should she so that the their them they this to true use used user uses using usually
    want wants was we were when which who will with would you your anymore any longer
    now
"""
_NO_TOPIC = _NEGATIONS | frozenset(_GLUE.split())


def checked(text: str) -> str:
    """The text itself if it may be stored; raises InvalidArgument."""
    if not text.strip():
        raise InvalidArgument("The text is empty.", hint="Say what to remember.")
    if len(text) > settings.MAX_MEMORY_CHARS:
        raise InvalidArgument(
            f"The text has {len(text)} characters; at most "
            f"{settings.MAX_MEMORY_CHARS} are taken.",
            hint="Publish a long text as a document.",
            max_chars=settings.MAX_MEMORY_CHARS,
        )
    if "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise InvalidArgument(
            "The text holds NUL characters or half a surrogate pair.",
            hint="Send valid UTF-8 text.",
        )
    return text


def normalise(text: str) -> str:
    """The text without case and with single spaces, as equal texts are known."""
    lower = unicodedata.normalize("NFC", text).lower()
    return " ".join(unicodedata.normalize("NFC", lower).split())


def canonical_sha256(text: str, *, owner: Owner, memory_type: str) -> str:
    """Equal for texts of one owner and type that normalise to the same."""
    parts = (owner.owner_type, owner.owner_id, memory_type, normalise(text))
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def fingerprint(text: str) -> str:
    """Equal for texts that begin with the same 24 words of more than two letters.

    Equal fingerprints only propose a duplicate: what differs may be a number, or stand
    behind the beginning. `is_nearly` decides.
    """
    words = [word for word in _words(text) if len(word) > 2][:_FINGERPRINT_WORDS]
    told = " ".join(words) or normalise(text)
    return hashlib.sha256(told.encode()).hexdigest()


def is_nearly(one: str, other: str, *, least: float = _ALIKE) -> bool:
    """Whether two texts tell the same: hardly a word differs, and none that decides.

    Numbers, names with digits and words that negate decide. `least` is the similarity
    that the rest must have.
    """
    return (
        similarity(one, other) >= least
        and _deciding(one) == _deciding(other)
        and polarity(one) == polarity(other)
    )


def similarity(one: str, other: str) -> float:
    """The Jaccard similarity of the words of two texts, 0 to 1."""
    return overlap(word_set(one), word_set(other))


def word_set(text: str) -> frozenset[str]:
    """The different words of a text, to compare it with many."""
    return frozenset(_words(text))


def polarity(text: str) -> int:
    """1 for a text that affirms, -1 for one that denies: an odd count of negations."""
    negations = sum(word in _NEGATIONS for word in _bare_words(text))
    return -1 if negations % 2 else 1


def topic(text: str) -> frozenset[str]:
    """The stems of the words that say what a text is about."""
    return frozenset(
        analysis.term_of(analysis.fold(word))
        for word in _bare_words(text)
        if word not in _NO_TOPIC
    )


def topic_similarity(one: str, other: str) -> float:
    """The Jaccard similarity of the topics of two texts, 0 to 1."""
    return overlap(topic(one), topic(other))


def _words(text: str) -> list[str]:
    return _WORD.findall(normalise(text))


def _bare_words(text: str) -> list[str]:
    return [word.replace("'", "").replace("’", "") for word in _words(text)]


def _deciding(text: str) -> list[str]:
    """Words with digits, in their order."""
    return [word for word in _words(text) if any(map(str.isdigit, word))]


def overlap(one: frozenset[str], other: frozenset[str]) -> float:
    """The Jaccard similarity of two sets, 0 to 1; two empty ones are equal."""
    if not one and not other:
        return 1.0
    return len(one & other) / len(one | other)
