"""Whom a memory belongs to: metadata for filters, never a right to read or write."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

from memories.models import Memory
from refusals import InvalidArgument

MAX_OWNER_CHARS = 200
# Names that clients use for the same thing.
_ID_NAMES = ("userId", "user_id", "owner_id", "entity_id")
_TYPE_NAMES = ("owner_type", "ownerType", "entity_type")


@dataclass(frozen=True)
class Owner:
    owner_id: str
    owner_type: str


SHARED_APP = Owner("shared_app", Memory.OwnerType.APP)


def owner_of(given: Mapping[str, object]) -> Owner:
    """The owner that a request names, under any of the names for it.

    Nobody named is the owner `shared_app`; somebody without a type is a user; the type
    "agent" is an app. Raises InvalidArgument where names do not match each other, or
    are no text of 1 to 200 characters.
    """
    owner_id = _agreed(given, _ID_NAMES)
    owner_type = _agreed(given, _TYPE_NAMES)
    if not owner_id:
        return SHARED_APP
    return Owner(_checked_id(owner_id), owner_type_of(owner_type or "user"))


def owner_type_of(name: str) -> str:
    """The type of owner that a request means; raises InvalidArgument."""
    owner_type = "app" if name == "agent" else name
    if owner_type not in Memory.OwnerType.values:
        raise InvalidArgument(
            f"There is no owner_type {name[:40]!r}.", hint="Types: user, team, app."
        )
    return owner_type


def _agreed(given: Mapping[str, object], names: tuple[str, ...]) -> str:
    values = {name: given[name] for name in names if given.get(name) not in (None, "")}
    texts = [value.strip() for value in values.values() if isinstance(value, str)]
    if len(texts) != len(values):
        raise InvalidArgument(
            f"{' and '.join(values)} must be text.", hint="Send one plain name."
        )
    if len(set(texts)) > 1:
        raise InvalidArgument(
            f"{' and '.join(values)} must match.", hint="Send only one of them."
        )
    return texts[0] if texts else ""


def _checked_id(owner_id: str) -> str:
    is_plain = not any(
        unicodedata.category(character) in {"Cc", "Cs"} for character in owner_id
    )
    if not is_plain or len(owner_id) > MAX_OWNER_CHARS:
        raise InvalidArgument(
            f"owner_id is no line of at most {MAX_OWNER_CHARS} characters.",
            hint="Use a short id without line breaks.",
        )
    return owner_id
