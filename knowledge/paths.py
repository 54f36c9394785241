"""Which names a document may have: the same rules at the wire and at the store."""

from __future__ import annotations

import re
import unicodedata

from django.conf import settings

from refusals import Code, Refusal

MAX_PATH_BYTES = 512
MAX_SEGMENT_BYTES = 255

# Names that Windows gives to devices, whatever suffix follows; so a sync client there
# could never write the file.
_RESERVED = re.compile(
    r"(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9¹²³]) *(?:\..*)?",
    re.IGNORECASE,
)
_DRIVE = re.compile(r"[A-Za-z]:")
# Control characters, lone surrogates, line and paragraph separators.
_REFUSED_CATEGORIES = frozenset({"Cc", "Cs", "Zl", "Zp"})
# Marks that make a name read as another one.
_DIRECTION_MARKS = re.compile(r"[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


class PathInvalid(Refusal):
    code = Code.PATH_INVALID


def normalise(path: str) -> str:
    """Check a document's path and give its one spelling (NFC).

    Raises PathInvalid. Normalising again changes nothing.
    """
    path = unicodedata.normalize("NFC", path)
    if not path:
        raise _invalid("is empty")
    if any(unicodedata.category(each) in _REFUSED_CATEGORIES for each in path):
        raise _invalid("holds control characters")
    if _DIRECTION_MARKS.search(path):
        raise _invalid("holds marks that change the direction of text")
    if "\\" in path:
        raise _invalid("holds a backslash", hint="Separate folders with /.")
    if path.startswith("/"):
        raise _invalid("is absolute", hint="Leave the leading / out.")
    if len(path.encode()) > MAX_PATH_BYTES:
        raise _invalid(f"is longer than {MAX_PATH_BYTES} bytes")
    for segment in path.split("/"):
        _check_segment(segment)
    suffixes = tuple(settings.KNOWLEDGE_SUFFIXES)
    if not path.endswith(suffixes):
        raise _invalid(f"does not end in {' or '.join(suffixes)}")
    return path


def _check_segment(segment: str) -> None:
    if not segment:
        raise _invalid("has an empty part", hint="Use single slashes, none at the end.")
    if segment in {".", ".."}:
        raise _invalid("has a . or .. part", hint="Give the path from the top.")
    if segment.startswith("."):
        raise _invalid("has a part that starts with a dot")
    if segment.endswith((" ", ".")) or segment.startswith(" "):
        raise _invalid("has a part that starts with a space or ends in a space or dot")
    if len(segment.encode()) > MAX_SEGMENT_BYTES:
        raise _invalid(f"has a part longer than {MAX_SEGMENT_BYTES} bytes")
    if _DRIVE.match(segment):
        raise _invalid("has a drive letter")
    if _RESERVED.fullmatch(segment):
        raise _invalid("has a part that Windows reserves for a device")


def _invalid(
    fact: str, *, hint: str = "Use a relative path such as notes/design.md."
) -> PathInvalid:
    return PathInvalid(f"The path {fact}.", hint=hint)
