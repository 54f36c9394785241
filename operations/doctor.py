"""Looks at everything an operator can get wrong, and says how to mend it.

It writes nothing into the database. Each examination is on its own: one that fails is
told and keeps no other from its turn.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import redis
from django.conf import settings
from django.core import checks
from django.db import Error
from django.utils import timezone

from access.models import Token
from blobs import verifying
from jobs.models import Job
from operations import certificates, dependencies, health, machine, safekeeping
from operations.findings import ORDER, Finding, broken, fine, warning
from refusals import Refusal
from search.embedders import chosen, shared
from search.embedders.embedder import EmbedderAway

_LOOPBACK = {"127.0.0.1", "::1", "localhost"}
_BLOBS_LOOKED_AT = 25
_UNUSED_DAYS = 30
_SOON_DAYS = 14
_CERTIFICATE_DAYS = 21
_MOST_NAMED = 5


def examine() -> list[Finding]:
    """Everything that was looked at, worst first, by area; takes some seconds."""
    found = [each for look in _OF_THE_MACHINE for each in _told(look)]
    if health.is_database_there():
        found += [each for look in _OF_THE_DATABASE for each in _told(look)]
    return sorted(found, key=lambda each: (ORDER[each.state], each.area))


def state_of(found: list[Finding]) -> str:
    """The worst of them: ok, warning or broken."""
    return min((each.state for each in found), key=ORDER.__getitem__, default="ok")


def _told(look: Callable[[], Iterator[Finding]]) -> list[Finding]:
    try:
        return list(look())
    except (Error, OSError, redis.RedisError, Refusal) as error:
        area = look.__name__.strip("_").replace("_", " ")
        return [
            broken(
                area,
                f"This could not be looked at ({type(error).__name__}).",
                why="What it depends on does not answer.",
                mend="Mend what else is broken, then `manage.py doctor` again.",
            )
        ]


def _settings() -> Iterator[Finding]:
    is_local = urlsplit(settings.PUBLIC_URL).hostname in _LOOPBACK
    said = [
        each
        for each in checks.run_checks(include_deployment_checks=True)
        if each.level >= checks.WARNING
        and not each.is_silenced()
        # Cookies and HSTS of a server that only this machine reaches.
        and not (is_local and str(each.id).startswith("security."))
    ]
    for each in said:
        make = broken if each.level >= checks.ERROR else warning
        yield make(
            "settings",
            str(each.msg).strip(),
            why=f"`manage.py check --deploy` refuses it ({each.id}).",
            mend=str(each.hint or "See docs/operations.md."),
        )
    if not said:
        yield fine("settings", "Nothing is unsafe about them.")


_MENDS = {
    "database": "`manage.py dbshell` shows what the driver says; then DATABASE_URL.",
    "redis": '`redis-cli -u "$REDIS_URL" ping`; then REDIS_URL.',
    "disk": "`df -h` and `df -i`; remove what is not ours, then `manage.py sweep`.",
    "worker": "`systemctl restart` its unit; its log says why it went.",
    "jobs": "Restart the worker; `manage.py run_jobs` runs what waits in this process.",
}
_WHYS = {
    "database": "Without it nothing is served.",
    "redis": "Jobs wait, limits hold for each process alone, kept answers rest.",
    "disk": "Uploads are refused when it is full; reading goes on.",
    "worker": "What is uploaded is kept, but not found before a worker indexes it.",
    "jobs": "What is uploaded is kept, but not found before a worker indexes it.",
}


def _readiness() -> Iterator[Finding]:
    for check in health.checks():
        what = f"{check.detail[:1].upper()}{check.detail[1:]}."
        if check.state == "ok":
            yield fine(check.name, what)
            continue
        make = broken if check.state == "broken" else warning
        mend = f"{check.hint} {_MENDS[check.name]}"
        yield make(check.name, what, why=_WHYS[check.name], mend=mend)


def _failed_jobs() -> Iterator[Finding]:
    rows = Job.objects.filter(gave_up=True).values_list("verb", "error")
    if failed := Counter(rows).most_common(_MOST_NAMED):
        total = Job.objects.filter(gave_up=True).count()
        told = ", ".join(f"{n} × {verb} ({error})" for (verb, error), n in failed)
        yield warning(
            "jobs",
            f"{total} were given up: {told}.",
            why="What they were about is kept, but not fully indexed or removed.",
            mend="Mend the cause that worker.log names, then in the console Jobs → "
            "gave up → Ask again.",
        )


def _archive() -> Iterator[Finding]:
    damages = verifying.sampled(count=_BLOBS_LOOKED_AT)
    for damage in damages[:_MOST_NAMED]:
        yield broken(
            "archive",
            f"{damage.subject}: {damage.problem}.",
            why="What it holds cannot be read until it is restored.",
            mend="`manage.py verify` lists all damages; take them from a backup.",
        )
    if not damages:
        yield fine("archive", "A sample of the blobs is as it was stored.")


def _embedder() -> Iterator[Finding]:
    if chosen.is_off():
        yield fine("embedder", "Turned off: searches go by words.")
        return
    why = "Searches go by words alone, and passages wait for their vectors."
    try:
        told = _embedder_told()
    except EmbedderAway as error:
        yield broken(
            "embedder",
            error.message,
            why=why,
            mend="See EMBEDDER in docs/operations.md; start its process or endpoint.",
        )
    else:
        yield fine("embedder", told)


def _embedder_told() -> str:
    embedder = chosen.current()
    if isinstance(embedder, shared.SharedEmbedder):
        is_loaded = shared.has_loaded(embedder.socket)
        return f"Its process answers; model {'' if is_loaded else 'not '}loaded."
    if settings.EMBEDDER == "openai" and embedder is not None:
        embedder.embed_query("a question that nobody asked")
        return f"{embedder.name} answers."
    return f"{embedder.name if embedder else 'None'}, loaded by each process."


def _tokens() -> Iterator[Finding]:
    at = timezone.now()
    good = Token.objects.usable(at=at)
    unused = good.filter(
        last_used_at=None, created_at__lt=at - timedelta(days=_UNUSED_DAYS)
    )
    yield from _named(
        "tokens",
        [str(token) for token in unused.order_by("id")[:100]],
        f"never used in {_UNUSED_DAYS} days",
        why="A token that nobody needs is one more to lose.",
        mend="`manage.py revoke_token NAME`.",
    )
    ending = good.filter(expires_at__lt=at + timedelta(days=_SOON_DAYS))
    yield from _named(
        "tokens",
        [str(token) for token in ending.order_by("id")[:100]],
        f"end within {_SOON_DAYS} days",
        why="Their holders are refused from then on.",
        mend="`manage.py create_token NAME --kind KIND` and hand the new one over.",
    )
    expired = Token.objects.filter(
        revoked_at=None,
        expires_at__lte=at,
        last_used_at__gt=at - timedelta(days=_SOON_DAYS),
    )
    yield from _named(
        "tokens",
        [str(token) for token in expired.order_by("id")[:100]],
        "expired and were used until then",
        why="Their holders are refused.",
        mend="`manage.py create_token NAME --kind KIND`, or nothing if they left.",
    )
    yield fine("tokens", f"{good.count()} work.")


def _named(
    area: str, names: list[str], what: str, *, why: str, mend: str
) -> Iterator[Finding]:
    if names:
        more = f" and {len(names) - _MOST_NAMED} more" * (len(names) > _MOST_NAMED)
        told = ", ".join(names[:_MOST_NAMED]) + more
        yield warning(area, f"{len(names)} {what}: {told}.", why=why, mend=mend)


def _certificate() -> Iterator[Finding]:
    url = urlsplit(settings.PUBLIC_URL)
    if url.scheme != "https" or url.hostname is None:
        return
    try:
        ends_at = certificates.end_of(url.hostname, url.port or 443)
    except OSError as error:
        yield warning(
            "certificate",
            f"{settings.PUBLIC_URL} is not reached from here ({type(error).__name__}).",
            why="Clients may fare the same; or only this machine cannot go that way.",
            mend=f"`curl -v {settings.PUBLIC_URL}/healthz` here and elsewhere.",
        )
        return
    yield _lasting(ends_at, at=timezone.now())


def _lasting(ends_at: datetime, *, at: datetime) -> Finding:
    told = f"The certificate of {settings.PUBLIC_URL} ends {ends_at:%Y-%m-%d}."
    if ends_at - at > timedelta(days=_CERTIFICATE_DAYS):
        return fine("certificate", told)
    make = broken if ends_at <= at else warning
    return make(
        "certificate",
        told,
        why="From then on no client connects.",
        mend="`certbot renew`, or put a new one in place and reload the proxy.",
    )


_OF_THE_MACHINE: tuple[Callable[[], Iterator[Finding]], ...] = (
    *(_readiness, dependencies.redis_settings, machine.files, machine.syncing),
    *(_settings, _embedder, _certificate, safekeeping.backups),
)
_OF_THE_DATABASE: tuple[Callable[[], Iterator[Finding]], ...] = (
    *(dependencies.database, dependencies.migrations, dependencies.clock),
    *(_failed_jobs, _archive, _tokens, safekeeping.trail),
)
