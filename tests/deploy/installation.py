"""An installation below a directory: installed, run and reached as operators would.

install.sh and deploy.sh do the work; `units.py` stands for systemd, and nginx is the
real one with the files that were written for it.
"""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from memory_server import scratch

PROJECT = Path(__file__).resolve().parents[2]
DEPLOY = PROJECT / "deploy"
NGINX = """
daemon off;
user root;
worker_processes 1;
pid {root}/run/nginx.pid;
error_log {root}/var/log/memory-server/nginx.log warn;
events {{ worker_connections 4096; }}
http {{
    {temporary}
    include {root}/etc/nginx/conf.d/*.conf;
}}
"""
_TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


@dataclass
class Installation:
    root: Path
    https: int
    http: int
    environment: dict[str, str]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.http}"

    @property
    def access_log(self) -> str:
        return (self.root / "var/log/memory-server/access.log").read_text()

    def log_of(self, unit: str) -> str:
        path = self.root / f"var/log/memory-server/units/{unit}.service.log"
        return path.read_text() if path.exists() else ""

    def setting(self, name: str) -> str:
        lines = (self.root / "etc/memory-server/server.env").read_text().splitlines()
        (found,) = [line for line in lines if line.startswith(f"{name}=")]
        return found.partition("=")[2].strip("'")

    def set(self, **settings: str) -> None:
        with (self.root / "etc/memory-server/server.env").open("a") as file:
            file.writelines(f"{name}='{value}'\n" for name, value in settings.items())

    def script(self, name: str, *arguments: str | Path) -> subprocess.CompletedProcess:
        """Run install.sh, deploy.sh or uninstall.sh for this directory."""
        return subprocess.run(
            [DEPLOY / name, "--root", self.root, *arguments],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def release(self) -> str:
        return (self.root / "opt/memory-server/current").resolve().name


@contextmanager
def installed(*, web: int = 2, workers: int = 2) -> Iterator[Installation]:
    """Set up below a directory, with a database of its own, and nothing running."""
    with (
        tempfile.TemporaryDirectory(prefix="memory-deploy-") as directory,
        scratch.services() as (admin_url, redis_url),
        _database(admin_url) as database_url,
    ):
        root = Path(directory)
        # Whoever runs the tools' workers must come through.
        root.chmod(0o711)
        found = Installation(
            root,
            free_port(),
            free_port(),
            {
                "PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin",
                "SYSTEMCTL": str(_systemctl(root)),
                # Packages are installed once for all tests.
                "MEMORY_VENV": sys.prefix,
                "HEALTH_SECONDS": "40",
            },
        )
        done = found.script(
            "install.sh",
            *("--no-start", "--host", "localhost"),
            *("--database", database_url, "--redis", redis_url),
            *("--web", str(web), "--workers", str(workers)),
            *("--https-port", str(found.https), "--http-port", str(found.http)),
        )
        assert done.returncode == 0, done.stdout
        found.set(REDIS_PREFIX=f"deploy-{secrets.token_hex(6)}")
        found.set(CELERY_QUEUE=f"deploy-{secrets.token_hex(6)}", EMBEDDER="off")
        yield found


@contextmanager
def running(here: Installation, source: Path) -> Iterator[None]:
    """Everything started by deploying a release, behind nginx."""
    with (
        _process(
            [sys.executable, Path(__file__).with_name("units.py"), here.root, "serve"]
        ),
        _nginx(here),
    ):
        wait_for((here.root / "run/units.sock").exists)
        began = time.monotonic()
        done = here.script("deploy.sh", source)
        assert done.returncode == 0, done.stdout
        print(f"first release: {time.monotonic() - began:.0f} s", flush=True)
        yield


def archive(path: Path) -> Path:
    """The checkout as it is, with what is not committed yet, as a .tar.gz."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=PROJECT,
        capture_output=True,
        check=True,
        text=True,
    ).stdout
    with tarfile.open(path, "w:gz", compresslevel=1) as packed:
        for name in filter(None, listed.split("\0")):
            if (PROJECT / name).exists():
                packed.add(PROJECT / name, f"memory-server/{name}")
    return path


def wait_for(is_so, *, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


@contextmanager
def _database(admin_url: str) -> Iterator[str]:
    name = f"deploy_{secrets.token_hex(6)}"
    scratch._do(admin_url, f'CREATE DATABASE "{name}"')
    try:
        yield scratch._with_database(admin_url, name)
    finally:
        scratch._do(admin_url, f'DROP DATABASE "{name}" WITH (FORCE)')


def _systemctl(root: Path) -> Path:
    path = root / "systemctl"
    units = Path(__file__).with_name("units.py")
    path.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{units}" "{root}" "$@"\n')
    path.chmod(0o755)
    return path


@contextmanager
def _nginx(here: Installation) -> Iterator[None]:
    configuration = here.root / "nginx.conf"
    temporary = " ".join(
        f"{kind}_temp_path {here.root}/nginx-{kind};" for kind in _TEMPORARY
    )
    text = NGINX.format(root=here.root, temporary=temporary)
    if os.geteuid() != 0:
        text = text.replace("user root;\n", "")
    configuration.write_text(text)
    nginx = shutil.which("nginx", path=here.environment["PATH"])
    subprocess.run([nginx, "-t", "-q", "-c", configuration], check=True)
    with _process([nginx, "-c", configuration]):
        yield


@contextmanager
def _process(command: list[str | Path]) -> Iterator[None]:
    process = subprocess.Popen(command)
    try:
        yield
    finally:
        process.terminate()
        process.wait(90)
