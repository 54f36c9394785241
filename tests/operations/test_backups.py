"""Backups by the command itself, of this process's database and files."""

from __future__ import annotations

import json
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyrage
import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import override_settings

from audit.models import Event
from blobs import sweeping
from blobs.directory import Directory, path_of
from blobs.models import Blob
from operations.backups import kept, making
from refusals import InvalidArgument
from sessions.models import Segment, Transcript
from tests.archiving import ACTOR, LATER, bytes_of, jsonl, make_workspace, receive

pytestmark = pytest.mark.django_db(transaction=True)
MORNING = datetime(2026, 11, 21, 6, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def an_archive(memory_root) -> None:
    workspace = make_workspace()
    receive(workspace, jsonl("one"), session_id="one")
    receive(workspace, jsonl("two"), session_id="two")
    (memory_root / "tombstones").mkdir()
    (memory_root / "tombstones" / "2026.jsonl").write_text("{}\n")
    (memory_root / "secrets").mkdir()
    (memory_root / "secrets" / "secret_key").write_text("hush")


@pytest.fixture
def directory(tmp_path) -> Path:
    return tmp_path / "backups"


def back_up(directory: Path, *, at: datetime = MORNING, **options) -> Path:
    options.setdefault("progress", lambda *_: None)
    made = making.make(directory, actor=ACTOR, at=at, **options)
    return directory / made.name


def blobs_of(home: Path) -> dict[str, int]:
    """Names of the blobs in a backup, with their inodes."""
    return {path.name: path.stat().st_ino for path in home.glob("blobs/*/*")}


def test_a_backup_holds_everything_but_secrets_and_says_so(directory):
    home = back_up(directory)

    manifest = json.loads((home / "manifest.json").read_text())
    assert manifest["counts"]["blobs.Blob"] == 2
    assert (manifest["gone"], manifest["damaged"]) == (0, [])
    assert (home / "database.dump").read_bytes().startswith(b"PGDMP")
    assert set(blobs_of(home)) == {f"{each.sha256}.gz" for each in Blob.objects.all()}
    assert (home / "tombstones" / "2026.jsonl").read_text() == "{}\n"
    assert not (home / "secrets").exists()
    modes = {path.stat().st_mode & 0o077 for path in directory.rglob("*")}
    assert modes == {0}
    assert Event.objects.filter(action="backup.make").count() == 1


def test_secrets_come_along_when_asked_for(directory):
    home = back_up(directory, with_secrets=True)

    secret = home / "secrets" / "secret_key"
    assert secret.read_text() == "hush"
    assert secret.stat().st_mode & 0o777 == 0o600


def test_the_next_backup_copies_only_what_is_new(directory):
    first = blobs_of(back_up(directory))
    receive(make_workspace("other"), jsonl("three"), session_id="three")

    second = back_up(directory, at=MORNING + timedelta(days=1))

    held = blobs_of(second)
    assert len(held) == 3
    assert {name: held[name] for name in first} == first
    # The older one may go, and the newer one is still whole.
    shutil.rmtree(directory / kept.name_at(MORNING))
    call_command("backup", directory, "--check")


def test_old_backups_go_but_never_the_newest(directory):
    for day in range(4):
        back_up(directory, at=MORNING + timedelta(days=day))

    gone = kept.prune(directory, keep_days=2, at=MORNING + timedelta(days=4))
    assert len(gone) == 2
    kept.prune(directory, keep_days=1, at=MORNING + timedelta(days=400))

    assert kept.names(directory) == [kept.name_at(MORNING + timedelta(days=3))]


def test_what_a_killed_backup_left_is_no_backup_and_is_removed(directory):
    home = back_up(directory)
    (home / "manifest.json").unlink()
    assert kept.names(directory) == []
    with pytest.raises(CommandError, match="no complete backup"):
        call_command("backup", directory, "--check")

    after = back_up(directory, at=MORNING + timedelta(hours=1))

    assert not home.exists()
    assert after.is_dir()


def test_a_failure_leaves_nothing(directory, monkeypatch):
    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Directory, "open", fail)
    with pytest.raises(OSError, match="No space"):
        back_up(directory)

    assert [path.name for path in directory.iterdir()] == [".lock"]


def test_two_backups_into_one_directory_do_not_run_at_once(directory):
    directory.mkdir()
    with kept.alone(directory), pytest.raises(kept.AnotherRuns):
        back_up(directory)


def test_a_backup_does_not_lie_in_what_it_backs_up(memory_root):
    with pytest.raises(InvalidArgument, match="lost with it"):
        back_up(memory_root / "backups")


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("name", "change", "told"),
    [
        ("database.dump", flip, "database.dump has other bytes"),
        ("blobs/*/*.gz", lambda path: path.write_bytes(b""), "has 0 bytes, not"),
        ("blobs/*/*.gz", Path.unlink, "is missing"),
        ("files.jsonl", flip, "is not the list"),
        ("manifest.json", lambda path: path.write_text("{"), "cannot be read"),
    ],
    ids=["flipped", "emptied", "deleted", "list", "manifest"],
)
def test_a_check_finds_every_damage(directory, capsys, name, change, told):
    home = back_up(directory)
    change(next(iter(sorted(home.glob(name)))))

    with pytest.raises(SystemExit) as ended:
        call_command("backup", directory, "--check")

    assert ended.value.code == 1
    assert told in capsys.readouterr().out


def test_a_damaged_backup_before_is_not_linked_to(directory):
    home = back_up(directory)
    next(iter(sorted(home.glob("blobs/*/*.gz")))).write_bytes(b"")

    back_up(directory, at=MORNING + timedelta(days=1))

    call_command("backup", directory, "--check")


def test_damaged_blobs_are_named_and_the_rest_is_kept(directory, capsys):
    damaged = Blob.objects.order_by("pk")[0]
    flip(path_of(damaged.sha256))

    with pytest.raises(CommandError, match="1 blobs are damaged"):
        call_command("backup", directory)

    manifest = kept.manifest_of(directory / kept.names(directory)[0])
    assert manifest.damaged == [damaged.sha256]
    assert len(blobs_of(directory / manifest.name)) == 1


def test_what_is_swept_meanwhile_is_no_damage(directory):
    def sweep_when_dumped(counted, done, total):
        if (counted, done) == ("blobs", 0):
            Segment.objects.all().delete()
            sweeping.sweep(at=LATER, grace_seconds=3600)

    home = back_up(directory, progress=sweep_when_dumped)

    manifest = kept.manifest_of(home)
    assert (manifest.gone, manifest.damaged) == (2, [])


@contextmanager
def nowhere(root: Path) -> Iterator[None]:
    """An empty database and a root that is not there yet, in place of ours."""
    name, ours = f"restored_{secrets.token_hex(4)}", connection.settings_dict["NAME"]
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name}")
    try:
        use(name)
        with override_settings(MEMORY_ROOT=root):
            yield
    finally:
        use(ours)
        with connection.cursor() as cursor:
            cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")


def use(database: str) -> None:
    connection.close()
    connection.settings_dict["NAME"] = database


def test_an_encrypted_backup_opens_with_its_key_only(tmp_path, directory, capsys):
    for owner in ("ours", "theirs"):
        identity = pyrage.x25519.Identity.generate()
        (tmp_path / owner).write_text(f"# {owner}\n{identity}\n")
        (tmp_path / f"{owner}.public").write_text(f"{identity.to_public()}\n")
    keys = tmp_path / "ours.public"
    call_command("backup", directory, "--encrypt", keys, "--with-secrets")
    call_command("backup", directory, "--check")
    held = [path for path in directory.rglob("*") if path.is_file()]
    in_clear = {path.name for path in held if path.suffix != ".age"}
    assert in_clear == {".lock", "files.jsonl", "manifest.json"}
    assert not any(b"PGDMP" in path.read_bytes() for path in held)
    contents = {each.session_id: bytes_of(each) for each in Transcript.objects.all()}

    root = tmp_path / "restored"
    with nowhere(root):
        with pytest.raises(CommandError, match="This backup is encrypted"):
            call_command("restore", directory)
        with pytest.raises(CommandError, match="does not decrypt"):
            call_command("restore", directory, "--identity", tmp_path / "theirs")
        # What the tries before have left is written over.
        call_command("restore", directory, "--identity", tmp_path / "ours")
        assert "0 damaged" in capsys.readouterr().out
        restored = Transcript.objects.all()
        assert {each.session_id: bytes_of(each) for each in restored} == contents
        assert (root / "secrets" / "secret_key").read_text() == "hush"
        assert not (root / "restoring").exists()
        assert {path.stat().st_mode & 0o077 for path in root.rglob("*.gz")} == {0}
        # Now there is something to lose.
        with pytest.raises(CommandError, match="has tables"):
            call_command("restore", directory, "--identity", tmp_path / "ours")


def test_a_restore_does_not_mix_with_blobs_that_are_there(tmp_path, directory):
    back_up(directory)
    stranger = tmp_path / "restored" / "blobs" / "ab" / "file.gz"
    stranger.parent.mkdir(parents=True)
    stranger.touch()

    with nowhere(tmp_path / "restored"):
        with pytest.raises(CommandError, match="holds files"):
            call_command("restore", directory)
        assert connection.introspection.table_names() == []


def test_a_restore_puts_blobs_where_they_belong(
    tmp_path, directory, object_store, settings, capsys
):
    back_up(directory)
    contents = {each.session_id: bytes_of(each) for each in Transcript.objects.all()}
    bucket = object_store.storage(secrets.token_hex(8))
    elsewhere = override_settings(STORAGES={**settings.STORAGES, "blobs": bucket})

    with nowhere(tmp_path / "restored"), elsewhere:
        call_command("restore", directory)
        assert "0 damaged" in capsys.readouterr().out
        restored = Transcript.objects.all()
        assert {each.session_id: bytes_of(each) for each in restored} == contents
        assert list((tmp_path / "restored").rglob("*.gz")) == []
    there_already = pytest.raises(CommandError, match="is there already")
    with nowhere(tmp_path / "again"), elsewhere, there_already:
        call_command("restore", directory)


def test_a_damaged_backup_is_refused_before_anything_is_written(tmp_path, directory):
    flip(back_up(directory) / "database.dump")

    with nowhere(tmp_path / "restored"):
        with pytest.raises(CommandError, match=r"database\.dump has other bytes"):
            call_command("restore", directory)
        assert connection.introspection.table_names() == []
    assert list((tmp_path / "restored").rglob("*")) == []


def test_an_older_backup_comes_back_with_the_newest_tombstones(
    tmp_path, directory, memory_root
):
    older = back_up(directory)
    stones = memory_root / "tombstones" / "2026.jsonl"
    stones.write_text("{}\n{}\n")
    back_up(directory, at=MORNING + timedelta(days=1))

    with nowhere(tmp_path / "restored"):
        call_command("restore", directory, "--name", older.name)

    assert (
        tmp_path / "restored" / "tombstones" / stones.name
    ).read_text() == "{}\n{}\n"
