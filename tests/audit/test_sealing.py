from __future__ import annotations

import hashlib
import json
import subprocess

import psycopg
import pytest
from django.db import DatabaseError, connection, transaction
from people import NOW
from threads import at_once
from trails import as_superuser, sealed, taken_back, verify, write

from audit import anchoring, canonical, sealing, signing, tasks
from audit.models import Checkpoint, Event, Waiting

TABLES = [Event, Checkpoint]


@pytest.mark.django_db
def test_batches_are_chained_signed_and_written_outside():
    ids = sealed(12, batch=5)
    first, second, third = Checkpoint.objects.in_order()

    assert [first.event_ids, second.event_ids, third.event_ids] == [
        ids[:5],
        ids[5:10],
        ids[10:],
    ]
    assert bytes(first.previous) == sealing.NOTHING
    assert bytes(second.previous) == bytes(first.digest)
    assert bytes(third.digest) == hashlib.sha256(third.statement).digest()
    assert signing.is_signed_by(
        signing.own_key(),
        message=sealing.signed_text(third.statement),
        signature=bytes(third.signature),
    )
    assert not Waiting.objects.exists()
    written = anchoring.path().read_bytes().splitlines()
    assert written == [anchoring.line(each) for each in (first, second, third)]
    assert anchoring.path().stat().st_mode & 0o077 == 0


@pytest.mark.django_db
def test_the_canonical_form_says_all_of_an_event_and_never_changes():
    """Sealed trails are verified by it for years: a change here breaks them all."""
    values = (
        *(7, NOW, "é\n", 3, "mcp", "memory_save", "memory.save", "a-b-c", "x", "done"),
        *("", "r-1", "ab", {"n": 1, "b": True, "a": None}),
    )
    assert {field.attname for field in Event._meta.concrete_fields} == set(
        canonical.FIELDS[canonical.VERSION]
    )
    assert canonical.event(values, version=1).decode() == (
        '{"action":"memory.save","actor":"é\\n","address_digest":"ab",'
        '"at":"2026-11-21T09:00:00.000000Z","code":"","detail":{"a":null,"b":true,'
        '"n":1},"id":7,"outcome":"done","request_id":"r-1","target":"x",'
        '"through":"memory_save","token_id":3,"transport":"mcp","v":1,'
        '"workspace_slug":"a-b-c"}'
    )


@pytest.mark.django_db(transaction=True)
def test_an_event_that_commits_late_is_sealed_all_the_same():
    parameters = connection.get_connection_params()
    parameters.pop("cursor_factory", None)
    parameters.pop("context", None)
    with psycopg.connect(**parameters) as slow:
        slow.execute(
            "INSERT INTO audit_event (at, actor, transport, action, workspace_slug,"
            " target, outcome, code, request_id, address_digest, detail) VALUES"
            " (now(), 'slow', 'rest', 'session.upload', '', '', 'done', '', '', '',"
            " '{}')"
        )
        (quick,) = write(1)
        sealing.seal(at=NOW)
        assert Checkpoint.objects.get().event_ids == [quick]
    late = Event.objects.get(actor="slow").pk
    assert late < quick

    tasks.seal()

    assert Checkpoint.objects.last_one().event_ids == [late]
    assert verify().is_whole


@pytest.mark.django_db(transaction=True)
def test_several_sealers_and_writers_at_once_seal_everything_once():
    def work(number: int) -> None:
        for _ in range(5):
            write(1) if number % 2 else sealing.seal(at=NOW, batch=3)

    assert at_once(6, work) == [None] * 6
    while sealing.seal(at=NOW, batch=3).events:
        pass

    listed = [pk for each in Checkpoint.objects.in_order() for pk in each.event_ids]
    assert sorted(listed) == sorted(Event.objects.values_list("pk", flat=True))
    assert len(listed) == 15
    assert verify().is_whole


@pytest.mark.django_db
def test_a_file_that_lost_its_end_in_a_crash_catches_up():
    sealed(4, batch=2)
    whole = anchoring.path().read_bytes()
    anchoring.path().write_bytes(whole[:-40])

    sealed(1)

    assert anchoring.path().read_bytes().startswith(whole)
    assert verify().anchored == 3


@pytest.mark.django_db
def test_a_file_that_tells_of_other_checkpoints_is_left_as_it_is(caplog):
    sealed(4, batch=2)
    kept = anchoring.path().read_bytes()
    with taken_back():
        as_superuser("DELETE FROM audit_checkpoint WHERE sequence = 2")
        write(1)
        assert not sealing.seal(at=NOW).is_anchored

    assert "audit_anchor_failed" in caplog.text
    assert anchoring.path().read_bytes() == kept


@pytest.mark.django_db
def test_a_file_that_cannot_be_written_holds_up_no_sealing(settings, tmp_path):
    settings.AUDIT_ANCHOR = str(tmp_path)
    write(2)

    done = sealing.seal(at=NOW)

    assert (done.events, done.is_anchored) == (2, False)


@pytest.mark.django_db
@pytest.mark.parametrize("model", TABLES, ids=["events", "checkpoints"])
@pytest.mark.parametrize("verb", ["UPDATE {0} SET {1} = {1}", "DELETE FROM {0}"])
def test_the_database_refuses_to_change_what_is_sealed(model, verb):
    sealed(2)
    statement = verb.format(model._meta.db_table, model._meta.pk.column)

    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        connection.cursor().execute(statement)


@pytest.mark.django_db
@pytest.mark.parametrize("model", TABLES, ids=["events", "checkpoints"])
def test_the_database_refuses_to_empty_the_trail(model):
    sealed(2)
    table = model._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER {table}_no_truncate")

    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        connection.cursor().execute(f"TRUNCATE {table} CASCADE")


@pytest.mark.django_db
def test_somebody_with_openssl_alone_checks_a_checkpoint(tmp_path):
    sealed(3)
    line = json.loads(anchoring.path().read_bytes())
    signature = bytes.fromhex(line.pop("signature"))
    digest = line.pop("digest")
    said = json.dumps(line, sort_keys=True, separators=(",", ":")).encode()
    (tmp_path / "said").write_bytes(b"federated-memory audit checkpoint\n" + said)
    (tmp_path / "sig").write_bytes(signature)
    (tmp_path / "key.pem").write_text(signing.pem_of(signing.own_key()))

    command = ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", "key.pem"]
    command += ["-rawin", "-in", "said", "-sigfile", "sig"]
    done = subprocess.run(command, cwd=tmp_path, check=False, capture_output=True)

    assert done.returncode == 0, done.stderr
    assert hashlib.sha256(said).hexdigest() == digest
