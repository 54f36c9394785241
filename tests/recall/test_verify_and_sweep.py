from __future__ import annotations

import getpass
import gzip
import io

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import IntegrityError, InternalError, connection
from django.db.utils import Error

from audit.models import Event
from blobs import directory, members, places, store
from blobs.models import Blob
from blobs.objects import objects
from knowledge import publishing
from knowledge.models import Document
from recall import verifying
from sessions.models import Segment, Transcript
from tests.archiving import (
    ACTOR,
    AT,
    digest,
    files,
    jsonl,
    make_workspace,
    only_blob,
    overwrite,
    receive,
    stored,
)

pytestmark = pytest.mark.django_db
everywhere = pytest.mark.usefixtures("each_place")
CONTENT = b"".join(b'{"line": %d, "x": "%060d"}\n' % (n, n) for n in range(6000))


@pytest.fixture
def workspace():
    return make_workspace()


def verify(*options: str) -> tuple[int, list[str]]:
    """The command's exit status and the lines it prints."""
    output = io.StringIO()
    try:
        call_command("verify", *options, stdout=output, stderr=io.StringIO())
        status = 0
    except SystemExit as exit_:
        status = exit_.code
    return status, output.getvalue().splitlines()


def damaged(line: str) -> tuple[int, list[str]]:
    return 1, [f"DAMAGED: {line}", "1 damaged, 0 orphans, 0 strays."]


@everywhere
def test_a_sound_archive_passes(workspace):
    receive(workspace, CONTENT)
    receive(workspace, CONTENT + jsonl("more")[:-1])
    receive(workspace, jsonl("other"))
    receive(workspace, CONTENT, agent_id="a1")

    for options in ([], ["--deep"]):
        assert verify(*options) == (0, ["0 damaged, 0 orphans, 0 strays."])


@everywhere
def test_an_empty_archive_passes():
    assert verify("--deep") == (0, ["0 damaged, 0 orphans, 0 strays."])


def flip(stored: bytes) -> bytes:
    middle = len(stored) // 2
    return stored[:middle] + bytes([stored[middle] ^ 1]) + stored[middle + 1 :]


@everywhere
@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        (flip, "the file's bytes changed"),
        (lambda stored: b"\x1f\x8b\x08\x01" + stored[4:], "the file's bytes changed"),
        (lambda stored: stored[:-1], "the file has {less} bytes, not {size}"),
        (lambda stored: stored + b"x", "the file has {more} bytes, not {size}"),
        (lambda stored: b"", "the file has 0 bytes, not {size}"),
        (None, "the file is missing"),
    ],
)
def test_every_damage_to_a_file_is_found(workspace, damage, problem):
    receive(workspace, CONTENT)
    packed = stored(only_blob())
    if damage:
        overwrite(only_blob(), damage(packed))
    else:
        objects().delete(only_blob())

    size = len(packed)
    found = problem.format(size=size, less=size - 1, more=size + 1)
    assert verify() == damaged(f"blob {digest(CONTENT)}: {found}")


@everywhere
def test_two_damages_are_both_listed_and_nothing_else(workspace):
    receipts = [
        receive(workspace, jsonl(name), session_id=name) for name in ("a", "b", "c")
    ]
    for receipt in receipts[:2]:
        objects().delete(receipt.sha256)

    status, printed = verify()

    assert status == 1
    assert sorted(printed[:2]) == sorted(
        f"DAMAGED: blob {receipt.sha256}: the file is missing"
        for receipt in receipts[:2]
    )
    assert printed[2:] == ["2 damaged, 0 orphans, 0 strays."]


@everywhere
def test_only_deep_finds_other_bytes_under_a_sound_hash(workspace):
    receive(workspace, CONTENT)
    other = b"Z" * len(CONTENT)
    packed = members.deflate(other)
    overwrite(only_blob(), packed)
    Blob.objects.update(stored_sha256=digest(packed), stored_bytes=len(packed))
    Blob.objects.update(members=members.row(members.Member(0, 0, 0)))

    assert verify()[0] == 0
    status, printed = verify("--deep")
    assert status == 1
    assert printed[0] == (
        f"DAMAGED: blob {digest(CONTENT)}: the raw bytes are not those of its name"
    )


@everywhere
def test_only_deep_finds_a_wrong_member_table(workspace):
    receive(workspace, CONTENT)
    table = members.Table(Blob.objects.get().members)
    rows = [table[index] for index in range(len(table))]
    wrong = members.Member(rows[1].newlines_before + 1, *_offsets(rows[1]))
    Blob.objects.update(members=b"".join(map(members.row, [rows[0], wrong, *rows[2:]])))

    assert verify()[0] == 0
    assert verify("--deep") == damaged(
        f"blob {digest(CONTENT)}: member 1 is not where the table says"
    )


def _offsets(member: members.Member) -> tuple[int, int]:
    return member.raw_offset, member.file_offset


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (
            lambda first, second: Segment.objects.filter(pk=first).delete(),
            "segment 1 is missing",
        ),
        (
            lambda first, second: Segment.objects.filter(pk=second).delete(),
            "its segments are not as long as its head",
        ),
        (
            lambda first, second: Segment.objects.filter(pk=second).update(
                first_offset=1
            ),
            "segment 2 begins at 1, not {size}",
        ),
        (
            lambda first, second: Segment.objects.filter(pk=second).update(
                size_bytes=1
            ),
            "segment 2 is not as long as its blob",
        ),
        (
            lambda first, second: Segment.objects.filter(pk=second).update(
                newlines_before=1
            ),
            "segment 2 counts the newlines before it wrongly",
        ),
        (
            lambda first, second: Segment.objects.filter(pk=first).update(
                prefix_sha256="0" * 64
            ),
            "its first segment is not the blob that was acknowledged",
        ),
        (
            lambda first, second: Transcript.objects.update(head_sha256="0" * 64),
            "its last segment does not end in its head's digest",
        ),
        (
            lambda first, second: Transcript.objects.update(line_count=1),
            "its segments have not as many lines as its head",
        ),
        (
            lambda first, second: Transcript.objects.update(is_latest=False),
            "its newest revision is not the one marked as latest",
        ),
        (lambda first, second: Segment.objects.all().delete(), "it has no segments"),
    ],
)
def test_every_damage_to_a_transcript_is_found(workspace, change, problem):
    receive(workspace, CONTENT)
    receive(workspace, CONTENT + jsonl("more"))
    change(*Segment.objects.order_by("number").values_list("pk", flat=True))

    status, printed = verify()

    assert status == 1
    assert printed[0] == (
        "DAMAGED: transcript laptop-claude-code-memory/one revision 1: "
        + problem.format(size=len(CONTENT))
    )


def test_only_deep_finds_a_wrong_digest_in_the_middle(workspace):
    content = b""
    for text in ("one", "two", "three"):
        content += jsonl(text)
        receive(workspace, content)
    Segment.objects.filter(number=2).update(prefix_sha256="0" * 64)

    assert verify()[0] == 0
    assert verify("--deep") == damaged(
        "transcript laptop-claude-code-memory/one revision 1: "
        "the bytes up to segment 2 are not its digest's"
    )


@pytest.fixture
def document(workspace):
    for text in ("# First\n", "# Second\n"):
        publishing.publish(
            workspace=workspace,
            path="notes.md",
            text=text,
            channel="assistant",
            actor=ACTOR,
            at=AT,
        )
    return Document.objects.get()


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"sha256": "0" * 64}, "it is not what its version 2 holds"),
        ({"version_number": 3}, "its newest version is 2, not 3"),
        ({"deleted_at": AT}, "its newest version disagrees about it being deleted"),
    ],
)
def test_every_damage_to_a_document_is_found(document, change, problem):
    assert verify() == (0, ["0 damaged, 0 orphans, 0 strays."])
    Document.objects.update(**change)

    assert verify() == damaged(
        f"knowledge laptop-claude-code-memory/notes.md: {problem}"
    )


def test_a_document_without_versions_is_found(document):
    document.versions.all().delete()

    assert (
        damaged("knowledge laptop-claude-code-memory/notes.md: it has no versions")[1][
            0
        ]
        in verify()[1]
    )


def test_orphans_and_strays_are_listed_and_do_no_harm(workspace):
    receive(workspace, CONTENT)
    Segment.objects.all().delete()
    Transcript.objects.all().delete()
    path = directory.path_of(only_blob())
    Blob.objects.all().delete()
    left = places.root() / places.STAGING / "left"
    left.write_bytes(b"half")
    store.prepare()
    stray = places.root() / "00" / "notes.txt"
    stray.write_bytes(b"not ours")
    misplaced = places.root() / "00" / path.name
    misplaced.write_bytes(path.read_bytes())

    assert verify() == (
        0,
        [
            f"orphan: {path}",
            f"orphan: {left}",
            *sorted([f"stray: {misplaced}", f"stray: {stray}"]),
            "0 damaged, 2 orphans, 2 strays.",
        ],
    )


def state() -> list[object]:
    entries = list(objects().list())
    found: list[object] = [(each, stored(each.sha256)) for each in entries] + files()
    for model in (Blob, Transcript, Segment, Document, Event):
        found.append(list(model.objects.order_by("pk").values()))
    return found


@everywhere
def test_verify_writes_nothing_even_where_it_finds_damage(document, workspace):
    receive(workspace, CONTENT)
    overwrite(next(objects().list()).sha256, b"damaged")
    (places.root() / places.STAGING / "left").write_bytes(b"half")
    before = state()

    assert verify("--deep")[0] == 1

    assert state() == before


@pytest.mark.django_db(transaction=True)
def test_the_database_refuses_to_be_written_while_verifying():
    tried = []

    def write(*_: object) -> None:
        try:
            make_workspace()
        except (InternalError, Error) as error:
            tried.append(str(error))

    verifying.verify(deep=False, progress=write)
    receive(make_workspace(), CONTENT)
    verifying.verify(deep=False, progress=write)

    assert tried
    assert all("read-only transaction" in message for message in tried)
    make_workspace("writable-again-now")


def test_progress_is_shown(workspace):
    receive(workspace, CONTENT)
    shown = io.StringIO()

    call_command("verify", stdout=io.StringIO(), stderr=shown)

    assert shown.getvalue().splitlines() == ["blobs 1/1", "transcripts 1/1"]


def sweep(*options: str) -> str:
    output = io.StringIO()
    call_command("sweep", *options, stdout=output)
    return output.getvalue().strip()


@everywhere
def test_the_sweep_command_removes_and_records(workspace):
    receive(workspace, jsonl("one"))
    Transcript.objects.all().delete()
    size = len(stored(only_blob()))
    said = f"1 unreferenced blobs, 1 files and 0 temporary files: {size} bytes."

    assert sweep() == (
        "Removed 0 unreferenced blobs, 0 files and 0 temporary files: 0 bytes."
    )
    at_once = "--grace-seconds", "0"
    assert sweep("--dry-run", *at_once) == f"Would remove {said}"
    assert sweep(*at_once) == f"Removed {said}"

    assert files() == []
    event = Event.objects.filter(action="blob.sweep").latest("id")
    assert (event.actor, event.through) == (getpass.getuser(), "sweep")
    assert event.detail == {
        "rows": 1,
        "files": 1,
        "temporary_files": 0,
        "freed_bytes": size,
    }


def test_a_negative_grace_is_refused():
    with pytest.raises(CommandError):
        sweep("--grace-seconds", "-1")


def test_a_mentioned_blob_cannot_be_deleted_at_all(workspace):
    receive(workspace, jsonl("one"))

    delete = "SET CONSTRAINTS ALL IMMEDIATE; DELETE FROM blobs_blob"
    with connection.cursor() as cursor, pytest.raises(IntegrityError):
        cursor.execute(delete)


def test_zcat_over_the_segments_gives_the_transcript(workspace):
    transcript = receive(workspace, CONTENT).transcript
    receive(workspace, CONTENT + jsonl("more"))

    blobs = transcript.segments.order_by("number").values_list(
        "blob__sha256", flat=True
    )
    packed = b"".join(stored(sha256) for sha256 in blobs)
    assert gzip.decompress(packed) == CONTENT + jsonl("more")
