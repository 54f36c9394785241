"""What callers say about answers; kept for evaluation, never for ranking."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import redis
from django.core.cache import cache
from django.db import transaction

from access.principals import Principal
from audit import trail
from memories.models import Feedback
from refusals import Code, InvalidArgument, Refusal

VERDICTS = ("positive", "negative")
MOST_PASSAGES = 200
MAX_ID_CHARS = 128
# How long after an answer its caller may say what it was worth.
_REMEMBERED_SECONDS = 24 * 3600


class AnswerUnknown(Refusal):
    """Feedback about a request that this caller did not make lately."""

    code = Code.NOT_FOUND
    hint = "Pass the request_id of an answer of the last 24 hours."


def remember(asker: Principal) -> None:
    """Note that this request was answered, so that feedback about it is taken."""
    if not asker.request_id:
        return
    try:
        cache.set(_key(asker, asker.request_id), 1, _REMEMBERED_SECONDS)
    except (redis.RedisError, OSError):
        # Then feedback about this answer is not taken; the answer matters more.
        return


def verdict(principal: Principal, *, request_id: str, said: str, at: datetime) -> None:
    """Keep whether an answer was good; saying it again replaces what was said.

    Raises InvalidArgument, and AnswerUnknown for a request that was not this caller's
    or is longer ago than a day.
    """
    _check_id("request_id", request_id)
    if said not in VERDICTS:
        raise InvalidArgument(
            f"There is no feedback {said[:40]!r}.", hint="Say positive or negative."
        )
    about = Feedback.objects.filter(token_id=principal.token_id, request_id=request_id)
    with transaction.atomic():
        if not about.exclude(verdict="").update(verdict=said, created_at=at):
            if not about.exists() and not _was_answered(principal, request_id):
                raise AnswerUnknown("No answer to such a request is known.")
            Feedback.objects.create(
                token_id=principal.token_id,
                request_id=request_id,
                verdict=said,
                created_at=at,
            )
        trail.record(
            actor=principal.actor,
            action="feedback.verdict",
            at=at,
            target=request_id,
            detail={"verdict": said},
        )


def of_context(
    principal: Principal,
    *,
    trace_id: str,
    used: Sequence[str],
    unused: Sequence[str],
    at: datetime,
) -> Feedback:
    """Keep which passages of a context pack were of use; each call is one row.

    Raises InvalidArgument.
    """
    _check_id("trace_id", trace_id)
    for name, ids in (("chunk_ids_used", used), ("chunk_ids_unused", unused)):
        if len(ids) > MOST_PASSAGES:
            raise InvalidArgument(f"{name} has more than {MOST_PASSAGES} entries.")
        for each in ids:
            _check_id(name, each)
    with transaction.atomic():
        trail.record(
            actor=principal.actor, action="feedback.context", at=at, target=trace_id
        )
        return Feedback.objects.create(
            token_id=principal.token_id,
            request_id=trace_id,
            used=list(used),
            unused=list(unused),
            created_at=at,
        )


def _check_id(name: str, value: str) -> None:
    if not 1 <= len(value) <= MAX_ID_CHARS:
        raise InvalidArgument(f"{name} must have 1 to {MAX_ID_CHARS} characters.")


def _was_answered(principal: Principal, request_id: str) -> bool:
    try:
        return bool(cache.get(_key(principal, request_id)))
    except (redis.RedisError, OSError):
        return False


def _key(principal: Principal, request_id: str) -> str:
    return f"recall.answered.{principal.token_id}.{request_id}"
