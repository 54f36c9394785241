from __future__ import annotations

import hashlib

import pytest
from documents import SECRET, delete, noon, publish
from people import NOW, OPERATOR, a_principal, a_workspace
from threads import at_once

from audit.models import Event
from blobs import store
from blobs.models import Blob
from blobs.store import BlobTooLarge, ContentRefused, HashMismatch
from jobs.models import Job
from knowledge import publishing, reading
from knowledge.models import Document, Version
from knowledge.paths import PathInvalid
from knowledge.publishing import VersionConflict
from knowledge.reading import DocumentNotFound, VersionNotFound


@pytest.fixture
def workspace(db):
    return a_workspace()


def stored(version: Version) -> bytes:
    return b"".join(store.read(version.blob))


def test_every_change_is_a_new_version(workspace):
    first = publish(workspace, "# One\n", at=noon(1))
    second = publish(workspace, "# Two\n", at=noon(2))

    document = second.document
    assert (first.version_number, second.version_number) == (1, 2)
    assert [stored(v) for v in document.versions.order_by("number")] == [
        b"# One\n",
        b"# Two\n",
    ]
    assert (document.title, document.size_bytes) == ("Two", 6)
    assert document.sha256 == hashlib.sha256(b"# Two\n").hexdigest()
    assert (document.created_at, document.updated_at) == (noon(1), noon(2))


def test_bytes_are_kept_verbatim(workspace):
    text = "\ufeffline\r\n\ttab \u202e\u200b é\u0301\n\nno newline at the end"
    published = publish(workspace, text)

    assert stored(published.document.versions.get()) == text.encode()


def test_the_same_bytes_make_no_version(workspace):
    publish(workspace, "same")
    events = Event.objects.count()
    again = publish(workspace, "same", expected_version=7)

    assert (again.changed, again.version_number) == (False, 1)
    assert Version.objects.count() == 1
    assert Event.objects.count() == events


def test_a_version_says_who_wrote_it_through_which_channel(workspace):
    principal = a_principal("ai", name="claude")
    published = publish(workspace, "x", actor=principal.actor, channel="assistant")

    version = published.document.versions.get()
    assert (version.created_by, version.channel) == ("claude", "assistant")
    assert version.token_id == principal.token_id
    event = Event.objects.get(action="knowledge.publish")
    assert (event.target, event.workspace_slug) == ("notes.md", workspace.slug)
    assert event.detail["version"] == 1


def test_publishing_asks_for_indexing_and_counts_as_activity(workspace):
    published = publish(workspace, "x", at=noon(25))

    job = Job.objects.get(verb="knowledge.index")
    assert job.subject == str(published.document.pk)
    workspace.refresh_from_db()
    assert workspace.last_active_at == noon(25)


def test_a_stale_writer_gets_the_current_text_masked(workspace):
    publish(workspace, "one")
    publish(workspace, f"two {SECRET}")

    with pytest.raises(VersionConflict) as refused:
        publish(workspace, "three", expected_version=1)

    detail = refused.value.detail
    assert detail["current_version"] == 2
    assert detail["current_text"].startswith("two [REDACTED:")
    assert SECRET not in str(detail)
    assert (detail["deleted"], detail["truncated"]) == (False, False)
    assert Version.objects.count() == 2
    assert not Blob.objects.filter(sha256=hashlib.sha256(b"three").hexdigest()).exists()


def test_a_long_current_text_is_cut(workspace):
    publish(workspace, "wort " * 10_000)

    with pytest.raises(VersionConflict) as refused:
        publish(workspace, "x", expected_version=0)

    assert len(refused.value.detail["current_text"]) == 20_000
    assert refused.value.detail["truncated"] is True


def test_zero_expects_that_nothing_is_there(workspace):
    assert publish(workspace, "one", expected_version=0).version_number == 1
    with pytest.raises(VersionConflict):
        publish(workspace, "two", expected_version=0)
    delete(workspace)
    assert publish(workspace, "two", expected_version=0).version_number == 3


def test_expecting_a_version_of_nothing_makes_nothing(workspace):
    with pytest.raises(VersionConflict) as refused:
        publish(workspace, "one", expected_version=3)

    assert refused.value.detail["current_version"] == 0
    assert not Document.objects.exists()


@pytest.mark.parametrize("text", ["a\0b", "\ud800", "ok \udfff"])
def test_what_is_no_text_is_refused(workspace, text):
    with pytest.raises(ContentRefused):
        publish(workspace, text)

    assert not Document.objects.exists()


def test_sizes_are_bounded_in_bytes(workspace, settings):
    settings.MAX_DOCUMENT_BYTES = settings.MAX_OVERVIEW_BYTES = 10

    publish(workspace, "é" * 5)
    publish(workspace, "é" * 5, kind="overview")
    for kind in ("knowledge", "overview"):
        with pytest.raises(BlobTooLarge):
            publish(workspace, "é" * 5 + "x", kind=kind)


def test_a_wrong_hash_is_refused_and_a_right_one_taken(workspace):
    right = hashlib.sha256(b"text").hexdigest()

    with pytest.raises(HashMismatch):
        publish(workspace, "text", sha256="0" * 64)
    assert publish(workspace, "text", sha256=right.upper()).changed


def test_a_bad_path_is_refused_by_every_verb(workspace):
    for verb in (
        lambda: publish(workspace, "x", path="../a.md"),
        lambda: delete(workspace, path="../a.md"),
        lambda: reading.find(workspace=workspace, path="../a.md"),
    ):
        with pytest.raises(PathInvalid):
            verb()


def test_the_overview_is_a_document_of_its_own(workspace):
    publish(workspace, "knowledge", path="overview.md")
    first = publish(workspace, "overview", kind="overview", path="whatever")
    publish(workspace, "again", kind="overview")

    assert first.document.path == "overview.md"
    assert Document.objects.count() == 2
    assert Event.objects.filter(action="overview.write").count() == 2
    assert Job.objects.filter(verb="knowledge.index").count() == 1


def test_deleting_leaves_a_tombstone(workspace):
    publish(workspace, "one", at=noon(1))
    version = delete(workspace, at=noon(2))

    document = Document.objects.get()
    assert (version.number, version.is_tombstone, version.blob) == (2, True, None)
    assert (document.deleted_at, document.size_bytes) == (noon(2), 0)
    assert Event.objects.get(action="knowledge.delete").detail["version"] == 2
    with pytest.raises(DocumentNotFound) as refused:
        delete(workspace)
    assert refused.value.detail == {"deleted_by_version": 2}


def test_deleting_what_is_not_there_or_has_moved_on_is_refused(workspace):
    with pytest.raises(DocumentNotFound):
        delete(workspace)
    publish(workspace, "one")
    publish(workspace, "two")
    with pytest.raises(VersionConflict):
        delete(workspace, expected_version=1)
    assert delete(workspace, expected_version=2).number == 3


def test_the_same_text_after_a_deletion_is_a_new_version(workspace):
    publish(workspace, "one")
    delete(workspace)
    again = publish(workspace, "one")

    assert (again.changed, again.version_number) == (True, 3)
    assert Document.objects.get().deleted_at is None
    assert Blob.objects.count() == 1


def restore(document, number):
    return publishing.restore(document=document, number=number, actor=OPERATOR, at=NOW)


def test_restoring_makes_a_new_version_of_an_old_text(workspace):
    publish(workspace, "# One", channel="assistant")
    document = publish(workspace, "# Two", channel="sync").document
    restored = restore(document, 1)

    newest = reading.version_of(restored.document, 3)
    assert restored.changed
    assert stored(newest) == b"# One"
    assert newest.channel == "assistant"
    assert restored.document.title == "One"
    assert Event.objects.get(action="knowledge.restore").detail["restored"] == 1


def test_restoring_brings_a_deleted_document_back(workspace):
    document = publish(workspace, "one").document
    delete(workspace)

    assert restore(document, 1).version_number == 3
    assert Document.objects.get().deleted_at is None


def test_restoring_what_stands_there_changes_nothing(workspace):
    document = publish(workspace, "one").document

    assert restore(document, 1).changed is False
    assert Version.objects.count() == 1


@pytest.mark.parametrize("number", [0, -1, 2, 9, 2**31, 2**70])
def test_restoring_a_tombstone_or_nothing_is_refused(workspace, number):
    document = publish(workspace, "one").document
    delete(workspace)

    with pytest.raises(VersionNotFound):
        restore(document, number)


@pytest.mark.django_db(transaction=True)
def test_writers_at_once_never_share_a_number():
    workspace = a_workspace()

    done = at_once(8, lambda number: publish(workspace, f"text {number}"))

    assert sorted(each.version_number for each in done) == list(range(1, 9))
    document = Document.objects.get()
    newest = reading.version_of(document, 8)
    assert newest.blob.sha256 == document.sha256


@pytest.mark.django_db(transaction=True)
def test_of_writers_that_expect_the_same_version_one_wins():
    workspace = a_workspace()
    publish(workspace, "base")

    done = at_once(
        6, lambda number: publish(workspace, f"t{number}", expected_version=1)
    )

    winners = [each for each in done if not isinstance(each, Exception)]
    assert [each.version_number for each in winners] == [2]
    losers = [each for each in done if isinstance(each, Exception)]
    assert {type(each) for each in losers} == {VersionConflict}
    texts = {each.detail["current_text"] for each in losers}
    assert len(texts) == 1
    assert Version.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_of_makers_of_one_document_one_wins():
    workspace = a_workspace()

    done = at_once(
        6, lambda number: publish(workspace, f"t{number}", expected_version=0)
    )

    assert sum(isinstance(each, VersionConflict) for each in done) == 5
    assert Document.objects.get().version_number == 1


@pytest.mark.django_db(transaction=True)
def test_the_same_text_from_many_at_once_is_one_version():
    workspace = a_workspace()

    done = at_once(6, lambda _: publish(workspace, "same"))

    assert sum(each.changed for each in done) == 1
    assert Version.objects.count() == 1
    assert Blob.objects.count() == 1
