"""What was written for other programs, checked by those programs."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from installation import PROJECT, Installation

# Program and the Debian package that brings it.
TOOLS = {
    "nginx": "nginx",
    "fail2ban-regex": "fail2ban",
    "systemd-analyze": "systemd",
    "shellcheck": "shellcheck",
    "nft": "nftables",
    "logrotate": "logrotate",
    "curl": "curl",
    "openssl": "openssl",
}
# In tenths: sockets only, and with a network.
HARDENED, WITH_NETWORK = 5, 11
OURS = ("web@1", "worker@1", "beat", "embedder", "postgres", "redis", "backup")


def missing_packages() -> list[str]:
    path = f"{os.environ['PATH']}:/usr/sbin:/sbin"
    return sorted({p for name, p in TOOLS.items() if not shutil.which(name, path=path)})


def scripts() -> None:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    shells = [name for name in listed.split("\0") if name and _is_shell(PROJECT / name)]
    assert {".ci/run", "deploy/install.sh", "deploy/memory-server"} <= {*shells}
    _run("shellcheck", "--external-sources", *shells, cwd=PROJECT)


def _is_shell(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        first = file.readline(80)
    return path.suffix == ".sh" or (
        first[:2] == b"#!" and b"sh" in first.split(b"/")[-1]
    )


def repeating_changes_nothing(here: Installation) -> None:
    """A second install.sh writes no file anew, and --dry-run none at all."""
    options = (
        "--no-start",
        "--database",
        "postgres://x@/y?host=/z",
        "--redis",
        "unix:///z",
    )
    ports = ("--https-port", str(here.https), "--http-port", str(here.http))
    sizes = ("--host", "localhost", "--web", "2", "--workers", "2")
    before = _files(here.root)
    dry = here.script("install.sh", "--dry-run", *options, *ports, *sizes)
    assert dry.returncode == 0, dry.stdout
    assert _files(here.root) == before
    again = here.script("install.sh", *options, *ports, *sizes)
    assert again.returncode == 0, again.stdout
    written = [x for x in again.stdout.splitlines() if x.startswith("wrote ")]
    # It knows that another kind of database was named.
    assert [x.rpartition("/")[2] for x in written] in ([], ["deploy.env"]), written


def _files(root: Path) -> dict[str, tuple[int, int]]:
    return {
        str(path): (path.lstat().st_mtime_ns, path.lstat().st_mode)
        for path in sorted(root.rglob("*"))
    }


def units(here: Installation) -> None:
    directory = here.root / "etc/systemd/system"
    names = [path.name for path in directory.glob("memory-*.*") if path.is_file()]
    assert len(names) == 12, names
    instances = [name.replace("@.", "@1.") for name in names]
    environment = {"SYSTEMD_UNIT_PATH": f"{directory}:"}
    said = _run("systemd-analyze", "verify", "--man=no", *instances, more=environment)
    assert "memory-" not in said, said
    for name in OURS:
        _exposure(here, name, HARDENED)
    network = PROJECT / "deploy/systemd/network.conf"
    drop_in = directory / "memory-server-web@.service.d" / "network.conf"
    drop_in.parent.mkdir(exist_ok=True)
    networks = "localhost 10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 fc00::/7"
    drop_in.write_text(network.read_text().replace("@NETWORKS@", networks))
    _exposure(here, "web@1", WITH_NETWORK)
    drop_in.unlink()


def _exposure(here: Installation, name: str, most: int) -> None:
    said = _run(
        *("systemd-analyze", "security", "--offline=true", "--no-pager"),
        *(f"--threshold={most}", f"memory-server-{name}.service"),
        more={"SYSTEMD_UNIT_PATH": f"{here.root}/etc/systemd/system:"},
    )
    print(f"  {said.strip().splitlines()[-1].lstrip('→ ')}", flush=True)


def firewall(here: Installation) -> None:
    _run("nft", "-c", "-f", here.root / "etc/memory-server/firewall/memory-server.nft")


def rotation(here: Installation) -> None:
    """Only read: -d changes nothing."""
    _run("logrotate", "-d", here.root / "etc/logrotate.d/memory-server")


def jail(here: Installation) -> None:
    """The machine's own configuration with our two files in it."""
    copy = here.root / "fail2ban"
    shutil.copytree("/etc/fail2ban", copy, symlinks=True)
    for kind in ("filter.d", "jail.d"):
        shutil.copy(here.root / f"etc/fail2ban/{kind}/memory-server.conf", copy / kind)
    (here.root / "var/log/memory-server/access.log").touch()
    said = _run("fail2ban-client", "-c", copy, "-t")
    assert "OK" in said, said


def _run(
    *command: str | Path, cwd: Path | None = None, more: dict | None = None
) -> str:
    path = f"{os.environ['PATH']}:/usr/sbin:/sbin"
    done = subprocess.run(
        list(map(str, command)),
        cwd=cwd,
        env={**os.environ, "PATH": path, **(more or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{' '.join(map(str, command))}\n{done.stdout}"
    return done.stdout
