"""The disk is full, lies, forgets, takes half, or cannot be written at all."""

from __future__ import annotations

import importlib.util
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from running import RunningServer
from stand import Client, in_make_faults, lines, needs_root, wait_until

from memory_server.scratch import PROJECT

HERE = Path(__file__).parent
EIO = 5
needs_fuse = pytest.mark.skipif(
    os.geteuid() != 0
    or not Path("/dev/fuse").exists()
    or importlib.util.find_spec("mfusepy") is None,
    reason="not run: needs root, /dev/fuse, libfuse and mfusepy",
)


@contextmanager
def mounted(place: Path, *options: str) -> Iterator[None]:
    subprocess.run(["mount", *options, str(place)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def lay_out(place: Path) -> None:
    """Make the directories that blobs go into."""
    for name in ["staging", *(f"{number:02x}" for number in range(256))]:
        (place / name).mkdir()


class Disk:
    """The file system of fuse_disk.py, steered from here."""

    def __init__(self, place: Path) -> None:
        self.place = place

    def fail(self, op: str, *, call: int = 1, number: int = EIO) -> None:
        self._say("user.fail", f"{op} {call} {number}")

    def write_half(self) -> None:
        self._say("user.short", "1")

    def lose_power(self, *, after: int) -> None:
        self._say("user.power", str(after))

    def power_on(self, *, seed: int) -> None:
        self._say("user.power", f"on {seed}")

    def _say(self, name: str, words: str) -> None:
        os.setxattr(self.place, name, words.encode())


@pytest.fixture
def disk(stand):
    """Blobs lie on a disk that fails when told to."""
    place = stand.server.blobs
    child = subprocess.Popen([sys.executable, str(HERE / "fuse_disk.py"), str(place)])
    try:
        wait_until(place.is_mount, seconds=20)
        lay_out(place)
        stand.empty()
        yield Disk(place)
    finally:
        stand.empty()
        subprocess.run(["umount", "--lazy", str(place)], check=False)
        child.kill()
        child.wait()


def reads_back(client: Client, session_id: str, content: bytes) -> bool:
    """Whether the archived bytes come back as they were sent."""
    address = f"{client.place}/sessions/{session_id}?view=raw&line_count=100"
    answer = client.ask("GET", address, token=client.server.ai_token)
    if answer.status != 200:
        return False
    given = "".join(f"{each['text']}\n" for each in answer.json()["lines"])
    return given.encode() == content


@in_make_faults
@needs_fuse
def test_f02_power_lost_at_any_moment_loses_nothing_acknowledged(stand, disk):
    """I1, I2, I3: 300 tries, each ends at a random change on the disk."""
    client = stand.client("f02")
    chance = random.Random(2)
    cut = 0
    for trial in range(300):
        disk.lose_power(after=chance.randint(1, 15))
        for number in range(2):
            name = f"s{trial}-{number}"
            answer = client.upload(name, lines(f"{name} {chance.random()}"))
            cut += answer.status == 503
            assert answer.status in {201, 503}, answer
        disk.power_on(seed=trial)
    stand.verify()

    assert cut > 100
    assert len(client.kept) > 100
    assert client.lost() == []


@in_make_faults
@needs_fuse
def test_f02_the_disk_does_forget_what_nobody_synced(disk):
    """Without this, the test above proves nothing."""
    lost = 0
    for trial in range(20):
        path = disk.place / "00" / f"unsynced{trial}"
        path.write_bytes(b"x" * 1000)
        disk.power_on(seed=trial)
        lost += not path.exists() or path.read_bytes() != b"x" * 1000

    assert lost > 5


@in_make_faults
@needs_fuse
@pytest.mark.parametrize("op", ["create", "write", "fsync", "link", "fsyncdir"])
def test_f03_an_error_of_the_disk_is_503_and_leaves_nothing(stand, disk, op):
    """I3, I8: nothing is tried again on a file whose fsync failed."""
    client = stand.client(f"f03-{op}")
    content = lines(f"a {op} that fails")
    disk.fail(op)

    refused = client.upload("one", content)

    assert refused.status == 503, refused
    assert int(refused.headers["Retry-After"]) > 0
    assert stand.one("SELECT count(*) FROM blobs_blob") == 0
    assert list((disk.place / "staging").iterdir()) == []
    assert client.upload("one", content).status == 201
    assert reads_back(client, "one", content)
    stand.verify()


@in_make_faults
@needs_fuse
def test_f03_what_cannot_be_read_is_500_and_named(stand, disk):
    client = stand.client("f03-read")
    content = lines("cannot be read")
    client.upload("one", content)
    disk.fail("read")

    answer = client.ask(
        "GET",
        f"{client.place}/sessions/one?view=raw",
        token=stand.server.ai_token,
    )

    assert answer.status == 500, answer
    assert answer.json()["error"]["code"] == "BLOB_DAMAGED"
    assert reads_back(client, "one", content)


@in_make_faults
@needs_fuse
def test_f05_a_write_that_takes_half_is_gone_on_with(stand, disk):
    """I3."""
    client = stand.client("f05")
    for number in range(5):
        content = lines(*(f"{number} {random.Random(n).random()}" for n in range(90)))
        disk.write_half()
        assert client.upload(f"s{number}", content).status == 201
        assert reads_back(client, f"s{number}", content)
    stand.verify()


@in_make_faults
@needs_root
def test_f04_a_full_disk_is_507_keeps_reads_and_recovers(stand):
    """I17."""
    client = stand.client("f04")
    place = stand.server.blobs
    stand.empty()
    with mounted(place, "-t", "tmpfs", "-o", "size=1m,nr_inodes=0", "tmpfs"):
        lay_out(place)
        first = lines("fits")
        client.upload("first", first)
        filler = place / "filler"
        filler.write_bytes(os.urandom(800_000))
        large = lines(os.urandom(400_000).hex())

        refused = client.upload("large", large)

        assert refused.status == 507, refused
        assert refused.json()["error"]["code"] == "STORAGE_FULL"
        assert stand.one("SELECT count(*) FROM blobs_blob") == 1
        assert list((place / "staging").iterdir()) == []
        assert reads_back(client, "first", first)
        filler.unlink()
        assert client.upload("large", large).status == 201
        stand.verify()
        stand.empty()


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


DAMAGES = {
    "bit": flip,
    "cut": lambda path: path.write_bytes(path.read_bytes()[:-7]),
    "gone": Path.unlink,
    "empty": lambda path: path.write_bytes(b""),
}


@in_make_faults
def test_f06_damaged_files_are_listed_and_never_given_out(stand):
    """I1, I18: verify says exactly which, and reading says 500, not other bytes."""
    client = stand.client("f06")
    paths = {}
    for name in (*DAMAGES, "sound"):
        client.upload(name, lines(name, *(f"turn {n}" for n in range(50))))
        digest = stand.one(
            "SELECT b.sha256 FROM blobs_blob b JOIN transcripts_segment s ON"
            " s.blob_id = b.id JOIN transcripts_transcript t ON t.id = s.transcript_id"
            " JOIN workspaces_workspace w ON w.id = t.workspace_id"
            f" WHERE w.project = 'f06' AND t.session_id = '{name}'"
        )
        paths[name] = stand.server.blobs / digest[:2] / f"{digest}.gz"
    before = {name: path.read_bytes() for name, path in paths.items()}
    for name, damage in DAMAGES.items():
        damage(paths[name])

    with pytest.raises(subprocess.CalledProcessError) as failed:
        stand.server.manage("verify")

    listed = failed.value.stdout
    assert failed.value.returncode == 1
    assert listed.count("DAMAGED") == len(DAMAGES)
    for name in DAMAGES:
        assert f"blob {paths[name].name.removesuffix('.gz')}" in listed
        address = f"{client.place}/sessions/{name}?view=raw"
        answer = client.ask("GET", address, token=stand.server.ai_token)
        assert answer.status == 500, (name, answer)
        assert answer.json()["error"]["code"] == "BLOB_DAMAGED"
    # What a backup holds can be put back while the server runs.
    for name, path in paths.items():
        path.write_bytes(before[name])
    stand.verify()


@in_make_faults
@needs_root
def test_f24_a_root_that_cannot_be_written_is_told_at_start(stand, tmp_path):
    client = stand.client("f24")
    content = lines("before")
    client.upload("before", content)
    place = stand.server.root
    with mounted(place, "--bind", str(place)):
        subprocess.run(["mount", "-o", "remount,ro,bind", str(place)], check=True)
        assert client.upload("one", lines("one")).status == 503
        assert reads_back(client, "before", content)
        told = subprocess.run(
            [sys.executable, "manage.py", "check", "--deploy"],
            cwd=PROJECT,
            env=stand.server.environment,
            capture_output=True,
            text=True,
        )
        assert told.returncode == 1
        assert "memory_server.E002" in told.stderr
        supervised = RunningServer(place)
        supervised.log = tmp_path / "output"
        assert "cannot be written" in supervised.refusal()
    assert client.upload("one", lines("one")).status == 201
