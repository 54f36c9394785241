"""Brings an installation up to date: schema, files, tokens, first operator, demo.

Safe to run at every start; whatever is there already is left as it is.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

from access import tokens
from audit import trail
from blobs import store
from jobs import running
from jobs.models import Job
from memory_server import demo
from memory_server.supervising.preflight import write_private
from search import masking, vectorising

Say = Callable[[str], None]
PREPARE = trail.Actor(name=tokens.ENVIRONMENT, through="prepare")


def bring_up_to_date(*, has_demo: bool, at: datetime, say: Say) -> None:
    """Do whatever this release, or a first start, still needs."""
    migrate(say)
    collect_static_files(say)
    store.prepare()
    tokens.ensure_bootstrap(
        ai=settings.MCP_TOKEN or kept_secret("ai_token", lambda: tokens.new_text("ai")),
        sync=settings.SYNC_TOKEN
        or kept_secret("sync_token", lambda: tokens.new_text("sync")),
        at=at,
    )
    ensure_operator()
    compile_secret_rules(say)
    ask_for_vectors(at=at)
    if has_demo and demo.is_wanted():
        say("Loading demo data (start with DEMO=0 to go without)")
        demo.load(at=at)
        index_words()


def ask_for_vectors(*, at: datetime) -> None:
    """Have the worker make what a changed embedder has not made yet."""
    if vectorising.pending(most_blocks=1):
        vectorising.ask(at=at)


def compile_secret_rules(say: Say) -> None:
    if not masking.is_compiled():
        say("Compiling the rules that find secrets (once; some ten seconds)")
        masking.compile_rules()


def index_words() -> None:
    """Do now what the worker would soon do, so that the very first search finds.

    Vectors are left to the worker: they need the embedder, and time.
    """
    waiting = Job.objects.unfinished().exclude(verb="search.embed").order_by("id")
    for job_id in waiting.values_list("pk", flat=True):
        running.run(job_id)


def migrate(say: Say) -> None:
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if plan:
        say(f"Applying {len(plan)} migrations")
        call_command("migrate", interactive=False, verbosity=0)
        trail.record(
            actor=PREPARE,
            action="server.migrate",
            at=timezone.now(),
            detail={"migrations": len(plan)},
        )


def collect_static_files(say: Say) -> None:
    """Gather and compress, unless nothing changed: it takes seconds."""
    stamp = Path(settings.STATIC_ROOT) / ".fingerprint"
    fingerprint = _static_fingerprint()
    if stamp.is_file() and stamp.read_text() == fingerprint:
        return
    say("Collecting static files")
    call_command("collectstatic", interactive=False, verbosity=0)
    stamp.write_text(fingerprint)


def kept_secret(name: str, make: Callable[[], str]) -> str:
    """The secret in MEMORY_ROOT/secrets, made now if it is not there."""
    directory = Path(settings.MEMORY_ROOT) / "secrets"
    directory.mkdir(exist_ok=True)
    directory.chmod(0o700)
    path = directory / name
    if not path.exists():
        write_private(path, make())
    return path.read_text().strip()


def ensure_operator() -> None:
    """Make the console's first login; later ones are made in the console."""
    users = get_user_model().objects
    if not users.filter(is_superuser=True).exists():
        password = kept_secret("admin_password", lambda: secrets.token_urlsafe(15))
        users.create_superuser("admin", password=password)
        trail.record(
            actor=PREPARE, action="operator.create", at=timezone.now(), target="admin"
        )


def _static_fingerprint() -> str:
    digest = hashlib.sha256()
    for finder in get_finders():
        for path, storage in finder.list([]):
            found = Path(storage.path(path)).stat()
            digest.update(f"{path} {found.st_size} {found.st_mtime_ns}\n".encode())
    return digest.hexdigest()
