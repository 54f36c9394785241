"""Writes that are asked twice and done once.

The key is claimed in a transaction of its own before the work starts, so that a twin
that arrives meanwhile sees the claim; the answer is kept with it afterwards.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q, TextField
from django.db.models.functions import Cast

from access.models import IdempotencyKey
from access.principals import Principal
from refusals import Code, InvalidArgument, Refusal


class IdempotencyConflict(Refusal):
    """The key belongs to another request, or its first request still runs."""

    code = Code.IDEMPOTENCY_CONFLICT


# How long an answer is remembered, and after which time a claim without an answer is
# taken for one whose process died.
KEPT_FOR = timedelta(hours=24)
ABANDONED_AFTER = timedelta(minutes=10)
_MAX_KEY_LENGTH = 128


@dataclass
class Attempt:
    """One try at a write: answer with what is `earlier`, or work and then `answer`."""

    row: IdempotencyKey | None
    earlier: Answer | None = None
    is_answered: bool = False

    def answer(self, *, status: int, body: Any) -> None:
        """Keep the answer (plain JSON) for whoever asks the same again.

        Called inside the transaction of the work, it stands or falls with it.
        """
        self.is_answered = True
        if self.row is not None:
            self.row.keep_answer(status=status, body=body)

    def forget(self) -> None:
        """Free the key unless an answer stands with it."""
        if self.row is not None:
            IdempotencyKey.objects.filter(pk=self.row.pk, status=None).delete()


@dataclass(frozen=True)
class Answer:
    status: int
    body: Any


@contextmanager
def remembered(
    *, principal: Principal, key: str | None, fingerprint: str, at: datetime
) -> Iterator[Attempt]:
    """Claim a key for one request; leaving without an answer frees it again.

    `fingerprint` is the hex SHA-256 of everything that makes the request what it is.
    Without a key the attempt is an ordinary one. Must not be entered inside a
    transaction. Raises IdempotencyConflict when the key was used for another
    fingerprint or its first request has not finished, and InvalidArgument for a key
    that is not 1 to 128 printable ASCII characters.
    """
    if key is None:
        yield Attempt(row=None)
        return
    _check(key)
    attempt = _claim(principal, key, fingerprint, at=at)
    if attempt.earlier is not None:
        yield attempt
        return
    try:
        yield attempt
    except BaseException:
        # The answer may have been rolled back with the work, or have been committed
        # before something else went wrong; the row alone knows.
        attempt.forget()
        raise
    if not attempt.is_answered:
        attempt.forget()


def forget_answers(names: Sequence[str]) -> int:
    """Delete the answers that name any of these ids or paths; returns how many.

    For what is erased: an answer may repeat its text.
    """
    naming = Q()
    for name in names:
        naming |= Q(raw__contains=json.dumps(name, ensure_ascii=False)[1:-1])
    told = IdempotencyKey.objects.annotate(raw=Cast("body", TextField()))
    return told.filter(naming).delete()[0] if names else 0


def forget_token(token_id: int, *, since: datetime | None) -> int:
    """Delete the answers that a token got, from a time on; returns how many."""
    mine = IdempotencyKey.objects.filter(token_id=token_id)
    if since is not None:
        mine = mine.filter(created_at__gte=since)
    return mine.delete()[0]


def _claim(
    principal: Principal, key: str, fingerprint: str, *, at: datetime
) -> Attempt:
    with transaction.atomic():
        mine = IdempotencyKey.objects.filter(token_id=principal.token_id)
        mine.filter(created_at__lt=at - KEPT_FOR).delete()
        mine.filter(key=key, status=None, created_at__lt=at - ABANDONED_AFTER).delete()
        row, is_new = mine.get_or_create(
            token_id=principal.token_id,
            key=key,
            defaults={"fingerprint": fingerprint, "created_at": at},
        )
    if is_new:
        return Attempt(row=row)
    if row.fingerprint != fingerprint:
        raise IdempotencyConflict(
            "This idempotency key was used for another request.",
            hint="Use a new key for each new request.",
        )
    if row.status is None:
        raise IdempotencyConflict(
            "The first request with this idempotency key still runs.",
            hint="Wait a moment and send the same request again.",
        )
    return Attempt(row=row, earlier=Answer(row.status, row.body), is_answered=True)


def _check(key: str) -> None:
    is_plain = key.isascii() and key.isprintable()
    if not (is_plain and 0 < len(key) <= _MAX_KEY_LENGTH):
        raise InvalidArgument(
            "The idempotency key is not 1 to 128 printable ASCII characters.",
            hint="Use a random UUID.",
        )
