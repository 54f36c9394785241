"""Make .venv and install the pinned packages, with nothing but Python's own library.

    python3 bootstrap.py          what the server runs on, and what OAUTH_ENABLED or
                                  OTEL_EXPORTER_OTLP_ENDPOINT ask for beside it
    python3 bootstrap.py --dev    and what tests and checks need

Does nothing when the requirements have not changed since the last time.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

BASE = Path(__file__).resolve().parent
VENV = Path(os.environ.get("VENV") or BASE / ".venv")
PYTHON = VENV / "bin" / "python"
RUNTIME, DEVELOPMENT = "requirements.txt", "requirements-dev.txt"
WITH_OAUTH, WITH_TRACING = "requirements-oauth.txt", "requirements-otel.txt"
# Each with those that it names in turn.
CONTAINED = {
    RUNTIME: (RUNTIME,),
    WITH_OAUTH: (RUNTIME, WITH_OAUTH),
    WITH_TRACING: (RUNTIME, WITH_TRACING),
    DEVELOPMENT: (RUNTIME, WITH_OAUTH, WITH_TRACING, DEVELOPMENT),
}


def main() -> None:
    if sys.version_info < (3, 11):  # noqa: UP036 - whoever runs it may be older
        sys.exit(
            f"Python 3.11 or newer is needed; this is {sys.version.split()[0]}. Name"
            " another with `make PYTHON=python3.11 …`."
        )
    wanted = chosen()
    if all(map(is_installed, wanted)):
        return
    try:
        with (BASE / ".bootstrap.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not all(map(is_installed, wanted)):
                make_environment()
                install(wanted)
    except PermissionError as error:
        sys.exit(
            f"{error.filename} cannot be written; run as the checkout's owner, or"
            " name a directory of your own with VENV=…"
        )


def chosen() -> list[str]:
    if "--dev" in sys.argv[1:]:
        return [DEVELOPMENT]
    # As django-environ reads it.
    said = os.environ.get("OAUTH_ENABLED", "").lower()
    wanted = []
    if said in ("1", "true", "on", "yes", "y", "ok"):
        wanted.append(WITH_OAUTH)
    if os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT"):
        wanted.append(WITH_TRACING)
    return wanted or [RUNTIME]


def is_installed(requirements: str) -> bool:
    stamp = VENV / f"installed-{requirements}"
    return stamp.is_file() and stamp.read_text() == digest(requirements) and works()


def digest(requirements: str) -> str:
    """Of everything that decides what pip installs."""
    names = {*CONTAINED[requirements], "constraints.txt"}
    contents = [(BASE / name).read_bytes() for name in sorted(names)]
    return hashlib.sha256(b"\0".join(contents)).hexdigest()


def works() -> bool:
    """False after the Python it was made from went away or was upgraded."""
    try:
        asked = subprocess.run([PYTHON, "-c", ""], capture_output=True)
    except OSError:
        return False
    return asked.returncode == 0


def make_environment() -> None:
    if works() and has_pip():
        return
    say(f"Making {VENV}")
    shutil.rmtree(VENV, ignore_errors=True)
    for attempt in (with_venv, with_virtualenv, with_system_pip, with_apt):
        if attempt() and works() and has_pip():
            return
        shutil.rmtree(VENV, ignore_errors=True)
    sys.exit(
        "Python's venv module is incomplete here; install it (Debian: apt-get install"
        " python3-venv) and try again."
    )


def has_pip() -> bool:
    return succeeds(PYTHON, "-m", "pip", "--version")


def with_venv() -> bool:
    # Without ensurepip, Debian's venv would fail halfway with a page of advice.
    if importlib.util.find_spec("ensurepip") is None:
        return False
    return succeeds(sys.executable, "-m", "venv", VENV)


def with_virtualenv() -> bool:
    return succeeds(sys.executable, "-m", "virtualenv", VENV)


def with_system_pip() -> bool:
    if not succeeds(sys.executable, "-m", "pip", "--version"):
        return False
    if not succeeds(sys.executable, "-m", "venv", "--without-pip", VENV):
        return False
    return succeeds(sys.executable, "-m", "pip", "--python", PYTHON, "install", "pip")


def with_apt() -> bool:
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        return False
    say("Installing python3-venv")
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (
        ["update"],
        ["install", "-y", "--no-install-recommends", "python3-venv"],
    ):
        if subprocess.run(["apt-get", "-qq", *command], env=quiet).returncode != 0:
            return False
    return succeeds(sys.executable, "-m", "venv", VENV)


def succeeds(*command: str | Path) -> bool:
    try:
        return subprocess.run(command, capture_output=True).returncode == 0
    except OSError:
        return False


def install(wanted: list[str]) -> None:
    said = " and ".join(wanted)
    say(f"Installing {said} (once; a minute or two)")
    began = time.monotonic()
    pip: list[str | Path] = [
        PYTHON,
        "-m",
        "pip",
        "install",
        "--disable-pip-version-check",
    ]
    pip += ["--no-input", "--progress-bar=off"]
    for name in wanted:
        pip += ["-r", BASE / name]
    output: list[str] = []
    with subprocess.Popen(
        pip, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as running:
        seen = total = 0
        for line in running.stdout or ():
            output.append(line)
            if line.startswith("Collecting "):
                seen += 1
                show(f"{seen:4} {line.split()[1]}")
            elif line.startswith("Installing collected"):
                total = line.count(",") + 1
                show(f"unpacking {total} packages")
    if running.returncode != 0:
        sys.exit(f"pip could not install {said}:\n{''.join(output[-12:])}")
    for name in {name for each in wanted for name in CONTAINED[each]}:
        (VENV / f"installed-{name}").write_text(digest(name))
    show(f"{total} packages in {time.monotonic() - began:.0f} s", last=True)


def say(text: str) -> None:
    print(text, flush=True)


def show(text: str, last: bool = False) -> None:
    """One line that changes in a terminal; elsewhere only the last is worth keeping."""
    if sys.stdout.isatty():
        print(f"\r\033[K  {text}", end="\n" if last else "", flush=True)
    elif last:
        print(f"  {text}", flush=True)


if __name__ == "__main__":
    main()
