"""What a database superuser does to a sealed trail, and where it shows."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from people import NOW
from trails import as_superuser, sealed, taken_back, verify, write

from audit import anchoring, merkle, sealing, signing, trail, verifying
from audit.models import Checkpoint, Event

pytestmark = pytest.mark.django_db

# What an edit changes, one for each column.
EDITS = {
    "at": "at + interval '1 second'",
    "actor": "'somebody else'",
    "token_id": "coalesce(token_id, 0) + 1",
    "transport": "'rest'",
    "through": "'other_tool'",
    "action": "'memory.get'",
    "workspace_slug": "'b'",
    "target": "'other'",
    "outcome": "'refused'",
    "code": "'X'",
    "request_id": "'r-2'",
    "address_digest": "'00'",
    "detail": """'{"chars": 99}'""",
}
COPY = ", ".join(["at", *(name for name in EDITS if name != "at")])


def edit(pk: int, other: int, column: str) -> None:
    as_superuser(
        f"UPDATE audit_event SET {column} = {EDITS[column]} WHERE id = %(pk)s", pk=pk
    )


def delete(pk: int, other: int, column: str) -> None:
    as_superuser("DELETE FROM audit_event WHERE id = %(pk)s", pk=pk)


def delete_and_unlist(pk: int, other: int, column: str) -> None:
    delete(pk, other, column)
    as_superuser(
        "UPDATE audit_checkpoint SET event_ids = array_remove(event_ids, %(pk)s),"
        " count = count - 1 WHERE %(pk)s = ANY(event_ids)",
        pk=pk,
    )


def insert(pk: int, other: int, column: str) -> None:
    as_superuser(
        f"INSERT INTO audit_event (id, {COPY})"
        f" SELECT -id, {COPY} FROM audit_event WHERE id = %(pk)s",
        pk=pk,
    )


def insert_and_list(pk: int, other: int, column: str) -> None:
    insert(pk, other, column)
    as_superuser(
        "UPDATE audit_checkpoint SET event_ids = -%(pk)s || event_ids,"
        " count = count + 1, first_event = -%(pk)s WHERE %(pk)s = ANY(event_ids)",
        pk=pk,
    )


def swap(pk: int, other: int, column: str) -> None:
    for old, new in ((pk, -1), (other, pk), (-1, other)):
        as_superuser(
            "UPDATE audit_event SET id = %(new)s WHERE id = %(old)s", old=old, new=new
        )


def edit_and_compute_anew(pk: int, other: int, column: str) -> None:
    """All of it but the signature, for which the key is needed."""
    edit(pk, other, column)
    checkpoint = Checkpoint.objects.sealing(pk)
    leaves = sealing.leaves(checkpoint.event_ids, version=1)
    checkpoint.root = merkle.root([each for each in leaves if each])
    as_superuser(
        "UPDATE audit_checkpoint SET root = %(root)s, digest = sha256(%(said)s)"
        " WHERE sequence = %(sequence)s",
        root=checkpoint.root,
        said=checkpoint.statement,
        sequence=checkpoint.sequence,
    )


def remove_batch(pk: int, other: int, column: str) -> None:
    """Its events as well, so that only the number is missing."""
    checkpoint = Checkpoint.objects.sealing(pk)
    as_superuser(
        "DELETE FROM audit_event WHERE id = ANY(%(ids)s)", ids=checkpoint.event_ids
    )
    as_superuser(
        "DELETE FROM audit_checkpoint WHERE sequence = %(n)s", n=checkpoint.sequence
    )


ATTACKS: list[Callable[[int, int, str], None]] = [
    *(edit, delete, delete_and_unlist, insert, insert_and_list, swap),
    *(edit_and_compute_anew, remove_batch),
]


def test_every_attack_shows_and_names_its_batch():
    ids = sealed(17, batch=5)
    assert verify().is_whole

    @settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
    @given(
        st.sampled_from(ATTACKS),
        st.lists(st.sampled_from(ids), min_size=2, max_size=2, unique=True),
        st.sampled_from(list(EDITS)),
    )
    def attacked(attack, places, column):
        with taken_back():
            sequence = Checkpoint.objects.sealing(places[0]).sequence
            attack(*places, column)
            found = verify()

            assert not found.is_whole, attack
            named = {problem.checkpoint for problem in found.problems}
            # What was put in past the sealer belongs to no batch.
            expected = None if attack is insert else sequence
            assert expected in named, found.problems

    attacked()


def test_what_was_cut_off_at_the_end_shows_by_the_anchor_alone():
    ids = sealed(12, batch=5)
    as_superuser("DELETE FROM audit_event WHERE id > %(last)s", last=ids[9])
    as_superuser("DELETE FROM audit_checkpoint WHERE sequence > 2")

    assert verify(anchored=False).is_whole
    assert [str(each) for each in verify().problems] == [
        "checkpoint 3: is in the anchor and not in the database"
    ]


def test_a_trail_that_was_sealed_anew_with_another_key_shows(tmp_path, settings):
    sealed(6, batch=3)
    good, anchor = signing.own_keys(), anchoring.path()
    settings.MEMORY_ROOT = tmp_path / "forged"
    settings.MEMORY_ROOT.mkdir()
    as_superuser("DELETE FROM audit_checkpoint")
    as_superuser("INSERT INTO audit_waiting SELECT id FROM audit_event")
    assert sealing.seal(at=NOW, batch=3).is_anchored

    # To the key and the file that now lie there everything is as it should be.
    assert verify().is_whole
    by_key = verify(keys=good, anchored=False)
    assert [each.checkpoint for each in by_key.problems] == [1, 2]
    assert "is not known" in str(by_key.problems[0])
    by_anchor = verify(anchor=anchor)
    assert {str(each) for each in by_anchor.problems} == {
        f"checkpoint {n}: is another in the anchor" for n in (1, 2)
    }


def test_an_event_that_was_removed_before_it_was_sealed_shows():
    gone, _ = write(2)
    as_superuser("DELETE FROM audit_event WHERE id = %(pk)s", pk=gone)
    sealing.seal(at=NOW)

    assert [str(each) for each in verify().problems] == [
        f"event {gone} was removed before it was sealed"
    ]


def test_lines_that_were_put_into_or_taken_out_of_the_anchor_show():
    sealed(9, batch=3)
    first, second, third = anchoring.path().read_bytes().splitlines(keepends=True)
    found = {}
    for name, content in {
        "taken out": first + third,
        "junk": first + b"{}\n" + second + third,
        "swapped": first + third + second,
        "cut": first + second,
    }.items():
        anchoring.path().write_bytes(content)
        found[name] = [each.checkpoint for each in verify().problems]

    assert found == {"taken out": [2], "junk": [None], "swapped": [2, 2], "cut": []}


def test_a_later_part_is_verified_alone():
    first = sealed(5)
    write(5)
    sealing.seal(at=NOW + timedelta(hours=2))
    since = NOW + timedelta(hours=1)
    with taken_back():
        edit(first[0], 0, "actor")
        later, whole = verify(since=since), verify()

    assert (later.checkpoints, later.events, later.is_whole) == (1, 5, True)
    assert not whole.is_whole
    as_superuser("UPDATE audit_checkpoint SET digest = root WHERE sequence = 1")
    assert [each.checkpoint for each in verify(since=since).problems] == [2]


def test_one_event_is_proved_to_somebody_without_the_database():
    ids = sealed(7)
    given = json.loads(json.dumps(verifying.proof(ids[3])))

    said = json.loads(given["checkpoint"])
    proved = merkle.root_of_path(
        merkle.leaf(given["event"].encode()),
        index=given["index"],
        size=given["size"],
        path=[bytes.fromhex(each) for each in given["path"]],
    )
    assert proved.hex() == said["root"]
    assert json.loads(given["event"])["id"] == ids[3]
    (waiting,) = write(1)
    with pytest.raises(verifying.NotSealed):
        verifying.proof(waiting)


def test_operators_verify_and_hear_which_batch_was_changed(capsys, tmp_path):
    ids = sealed(6, batch=3)
    call_command("audit_verify")
    assert "nothing was changed" in capsys.readouterr().out
    noted = Event.objects.get(action="audit.verify")
    assert (noted.outcome, noted.through) == ("done", "audit_verify")

    edit(ids[4], 0, "target")
    with pytest.raises(CommandError, match="1 problems"):
        call_command("audit_verify", "--json")
    said = json.loads(capsys.readouterr().out)
    assert (said["ok"], said["problems"][0]["checkpoint"]) == (False, 2)
    assert Event.objects.newest_first().first().outcome == "failed"

    copy = tmp_path / "copy.jsonl"
    anchoring.path().rename(copy)
    with pytest.raises(CommandError, match="No such file"):
        call_command("audit_verify")
    with pytest.raises(CommandError, match="1 problems"):
        call_command("audit_verify", "--anchor", copy)
    call_command("audit_seal")
    assert "3 events in 1 checkpoints" in capsys.readouterr().out


def test_memory_does_not_grow_with_the_trail():
    """As many queries for a batch, whatever came before it."""
    sealed(30, batch=2)

    with connection.execute_wrapper(counting := Counting()):
        verify(anchored=False)

    assert counting.rows_at_once <= 50


class Counting:
    """The most checkpoints or events that one query asked for."""

    rows_at_once = 0

    def __call__(self, execute, sql, params, many, context):
        result = execute(sql, params, many, context)
        self.rows_at_once = max(self.rows_at_once, context["cursor"].rowcount)
        return result


def test_what_was_archived_is_still_proved_by_its_roots(tmp_path):
    """And nobody without the key calls a deletion an archive."""
    old = sealed(6, batch=3)
    write(3)
    sealing.seal(at=NOW + timedelta(hours=2))
    file, before = tmp_path / "old.jsonl.gz", (NOW + timedelta(hours=1)).isoformat()

    call_command("audit_archive", file, "--before", before)

    assert not Event.objects.filter(pk__in=old).exists()
    found = verify(archives=[file])
    assert (found.is_whole, found.archived, found.checkpoints) == (True, 6, 3)
    with pytest.raises(CommandError, match="File exists"):
        call_command("audit_archive", file, "--before", "2100-01-01")
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        Event.objects.all().delete()

    lines = gzip.decompress(file.read_bytes())
    file.write_bytes(gzip.compress(lines.replace(b"token 4", b"token 9")))
    assert [each.checkpoint for each in verify(archives=[file]).problems] == [2]

    file.write_bytes(file.read_bytes()[:-20])
    assert "no whole archive" in str(verify(archives=[file]).problems[-1])

    as_superuser("DELETE FROM audit_event WHERE action = 'memory.save'")
    forged = {"first": 3, "last": 3, "events": 3, "sha256": "", "signature": "00" * 64}
    trail.record(
        actor=trail.Actor(name="x"), action="audit.archive", at=NOW, detail=forged
    )
    sealing.seal(at=NOW + timedelta(hours=3))
    assert [each.checkpoint for each in verify().problems] == [3]


def test_a_batch_that_was_changed_is_not_archived(tmp_path):
    ids = sealed(3)
    edit(ids[1], 0, "actor")

    with pytest.raises(CommandError, match="not as it was sealed"):
        call_command("audit_archive", tmp_path / "x.gz", "--before", "2100-01-01")

    assert Event.objects.count() == 3
