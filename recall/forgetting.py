"""Forgetting in two steps: say what to forget, then confirm which memory was meant.

A memory that answers far better than any other is erased at once. Else the caller gets
candidates and a token that only this caller can use, once, within three minutes, for
one of them.
"""

from __future__ import annotations

import hashlib
import secrets
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from django.db import transaction

from access.containers import ReadScope
from access.principals import Principal
from audit import trail
from erasures.models import Erasure
from memories import erasing, reading
from memories.models import ForgetRequest
from memories.reading import MemoryNotFound
from recall import recalling
from recall.recalling import Found, Wanted
from refusals import Code, InvalidArgument, Refusal
from search.question import TEXT_CHARS
from workspaces.models import Workspace

Status = Literal["forgot", "needs_confirmation", "no_match"]

MAX_CHARS = 10_000
CANDIDATES = 3
CONFIRM_WITHIN = timedelta(seconds=180)
# How sure search must be, and how far the next best must lie behind, on the scale of
# scores, to erase without asking.
_SURE = 0.75
_GAP = 0.12
# Passages looked at for the candidates; a long memory may have several.
_HITS = 20
_TOKEN_BYTES = 32
_LONGEST_TOKEN = 128
# How long a request is kept to say that it was used.
_KEPT_FOR = timedelta(days=1)


class ConfirmationRequired(Refusal):
    """No token, or none that this caller may use here, now, for this memory."""

    code = Code.CONFIRMATION_REQUIRED
    hint = "Stage the request anew and confirm within 180 seconds."


@dataclass(frozen=True)
class Candidate:
    """A memory that may be meant; `text` is masked, `score` 0 to 1."""

    memory_id: str
    score: float
    text: str


@dataclass(frozen=True)
class Staged:
    """What became of a wish to forget.

    `token` and `expires_at` are set when it needs a confirmation, `erasure` when it is
    done.
    """

    status: Status
    candidates: tuple[Candidate, ...] = ()
    token: str = ""
    expires_at: datetime | None = None
    erasure: Erasure | None = None


def stage(
    *,
    principal: Principal,
    workspace: Workspace,
    text: str,
    payer: Principal | None = None,
    at: datetime,
) -> Staged:
    """Look for the memory of a workspace that a text means, and erase it if sure.

    The first 2,000 characters are searched for; what the search costs is charged to
    `payer`. Raises InvalidArgument and what recalling.recall does.
    """
    found = _best(_searched(workspace, _checked(text), payer=payer, at=at))
    candidates = tuple(
        Candidate(hit.id, round(hit.passage.score, 4), hit.text) for hit in found
    )
    if not found:
        return Staged("no_match")
    if _is_sure(candidates):
        erasure = _erased(found[0].id, workspace, actor=principal.actor, at=at)
        return Staged("forgot", candidates[:1], erasure=erasure)
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    with transaction.atomic():
        ForgetRequest.objects.filter(
            token_id=principal.token_id, created_at__lt=at - _KEPT_FOR
        ).delete()
        ForgetRequest.objects.create(
            digest=_digest(token),
            workspace=workspace,
            memory=found[0].memory,
            candidates=[
                {"memory_id": each.memory_id, "score": each.score}
                for each in candidates
            ],
            token_id=principal.token_id,
            created_at=at,
            created_by=principal.name[:200],
            expires_at=at + CONFIRM_WITHIN,
        )
        trail.record(
            actor=principal.actor,
            action="memory.forget.stage",
            at=at,
            workspace_slug=workspace.slug,
            detail={"candidates": [each.memory_id for each in candidates]},
        )
    return Staged(
        "needs_confirmation", candidates, token=token, expires_at=at + CONFIRM_WITHIN
    )


def confirm(
    *,
    principal: Principal,
    workspace: Workspace,
    token: str | None = None,
    memory_id: str | None = None,
    at: datetime,
) -> Erasure:
    """Erase the best candidate of a staged request, or the one that is named.

    Raises ConfirmationRequired, the same for every reason, without using the token up;
    MemoryNotFound where the candidate is gone already, and InvalidArgument.
    """
    wanted = _checked_id(memory_id)
    with transaction.atomic():
        # Before the request's row, which other erasures take candidates out of.
        erasing.wait_for_others()
        request = _usable(token, principal, workspace, wanted, at=at)
        chosen = wanted or _first(request)
        if chosen is None:
            raise MemoryNotFound("What was to be forgotten is gone already.")
        ForgetRequest.objects.filter(pk=request.pk).update(confirmed_at=at)
        return _erased(chosen, workspace, actor=principal.actor, at=at)


def _checked(text: str) -> str:
    if not text.strip() or len(text) > MAX_CHARS:
        raise InvalidArgument(
            f"What to forget must be 1 to {MAX_CHARS} characters.",
            hint="Say it in the words of the memory.",
        )
    return text.strip()[:TEXT_CHARS]


def _searched(
    workspace: Workspace, text: str, *, payer: Principal | None, at: datetime
) -> list[Found]:
    here = Workspace.objects.filter(pk=workspace.pk)
    # Without a home: its bonus would make a score seem surer than it is.
    scope = ReadScope(here, None, workspace.slug)
    wanted = Wanted(text=text, limit=_HITS, kinds=(recalling.MEMORY,), is_counted=False)
    return recalling.recall(scope, wanted, payer=payer, at=at).hits


def _best(hits: Sequence[Found]) -> list[Found]:
    """The first hit of each memory, of the three best."""
    by_memory: dict[str, Found] = {}
    for hit in hits:
        by_memory.setdefault(hit.id, hit)
    return list(by_memory.values())[:CANDIDATES]


def _is_sure(candidates: Sequence[Candidate]) -> bool:
    best, *others = candidates
    next_best = others[0].score if others else 0.0
    return best.score >= _SURE and best.score - next_best >= _GAP


def _usable(
    token: str | None,
    principal: Principal,
    workspace: Workspace,
    wanted: str | None,
    *,
    at: datetime,
) -> ForgetRequest:
    """The request of a token, locked; whoever waits for the lock finds it used."""
    request = (
        ForgetRequest.objects.select_for_update(of=("self",))
        .filter(
            digest=_digest(token or ""),
            token_id=principal.token_id,
            workspace=workspace,
            confirmed_at=None,
            expires_at__gt=at,
        )
        .first()
    )
    if request is None or (wanted is not None and wanted not in _offered(request)):
        raise ConfirmationRequired("There is nothing that this confirms.")
    return request


def _offered(request: ForgetRequest) -> list[str]:
    return [each["memory_id"] for each in request.candidates]


def _first(request: ForgetRequest) -> str | None:
    """The best candidate as staged; None if it was erased since, not the next one."""
    memory = request.memory
    return str(memory.memory_id) if memory else None


def _erased(
    memory_id: str, workspace: Workspace, *, actor: trail.Actor, at: datetime
) -> Erasure:
    here = Workspace.objects.filter(pk=workspace.pk)
    memory = reading.find(memory_id, workspaces=here)
    return erasing.erase(memory=memory, actor=actor, at=at)


def _checked_id(memory_id: str | None) -> str | None:
    if not memory_id:
        return None
    try:
        return str(uuid.UUID(memory_id))
    except ValueError as error:
        raise InvalidArgument(
            "memory_id is no UUID.", hint="Use the id of one of the candidates."
        ) from error


def _digest(token: str) -> str:
    return hashlib.sha256(token[:_LONGEST_TOKEN].encode("utf-8", "replace")).hexdigest()
