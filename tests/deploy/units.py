#!/usr/bin/env python3
"""Runs the units of an installation below a directory, where systemd is not PID 1.

    units.py DIRECTORY serve              holds sockets and processes until it is ended
    units.py DIRECTORY start|stop|restart|is-active [--quiet] UNIT...

It reads what `install.sh --root DIRECTORY` wrote, with drop-ins, and does as systemd
would for ExecStart, ExecStartPost, EnvironmentFile, Environment, WorkingDirectory,
Sockets, NonBlocking, RuntimeDirectory, KillSignal, TimeoutStopSec and Restart. There is
no sandbox and no change of user.
"""

from __future__ import annotations

import contextlib
import fnmatch
import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path


class Manager:
    def __init__(self, root: Path) -> None:
        self.root = root
        self.units = root / "etc/systemd/system"
        self.logs = root / "var/log/memory-server/units"
        self.logs.mkdir(parents=True, exist_ok=True)
        self.sockets: dict[str, socket.socket] = {}
        self.processes: dict[str, subprocess.Popen] = {}
        self.lock = threading.RLock()

    def serve(self) -> None:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit())
        path = control(self.root)
        path.unlink(missing_ok=True)
        threading.Thread(target=self.keep_alive, daemon=True).start()
        with socket.socket(socket.AF_UNIX) as door:
            door.bind(str(path))
            door.listen()
            try:
                while True:
                    asked, _ = door.accept()
                    threading.Thread(target=self.answer, args=(asked,)).start()
            finally:
                for name in list(self.processes):
                    self.stop(name)

    def answer(self, asked: socket.socket) -> None:
        with asked, asked.makefile("rw") as wire:
            verb, names = json.loads(wire.readline())
            try:
                done = [self.do(verb, name) for name in names]
            except (OSError, RuntimeError, subprocess.SubprocessError) as error:
                print(f"{verb} {names}: {error!r}", file=sys.stderr, flush=True)
                done = [False]
            wire.write(f"{json.dumps(all(done))}\n")

    def do(self, verb: str, name: str) -> bool:
        if "*" in name:
            return all(self.do(verb, n) for n in fnmatch.filter(self.processes, name))
        with self.lock:
            if verb == "is-active":
                return self.is_active(name)
            if verb in {"stop", "restart"}:
                self.stop(name)
            if verb in {"start", "restart"}:
                self.start(name)
        return True

    def is_active(self, name: str) -> bool:
        process = self.processes.get(name)
        return name in self.sockets or (process is not None and process.poll() is None)

    def keep_alive(self) -> None:
        """Restart=always, RestartSec=1."""
        while True:
            time.sleep(1)
            with self.lock:
                for name, process in list(self.processes.items()):
                    if process.poll() is not None:
                        self.start(name)

    def start(self, name: str) -> None:
        if self.is_active(name):
            return
        unit = self.read(name)
        if name.endswith(".socket"):
            self.listen(name, unit)
            return
        for each in unit.get("Sockets", []):
            self.start(each)
        inherited = [self.sockets[each] for each in unit.get("Sockets", [])]
        for each in unit.get("RuntimeDirectory", []):
            shutil.rmtree(self.root / "run" / each, ignore_errors=True)
            (self.root / "run" / each).mkdir(parents=True)
        environment = self.environment(unit)
        self.processes[name] = self.spawn(name, unit, environment, inherited)
        for each in unit.get("ExecStartPost", []):
            subprocess.run(
                command(each, environment),
                env=environment,
                cwd=unit["WorkingDirectory"][-1],
                check=True,
            )

    def spawn(self, name, unit, environment, inherited) -> subprocess.Popen:
        words = command(unit["ExecStart"][-1], environment)
        if inherited:
            (only,) = inherited
            # Of the socket itself, for all that share it: as systemd sets it.
            os.set_blocking(only.fileno(), unit.get("NonBlocking", ["no"])[-1] != "yes")
            # $LISTEN_PID is the process itself, which only it can know.
            adopt = 'exec 3<&"$1"; shift; LISTEN_FDS=1 LISTEN_PID=$$ exec "$@"'
            words = ["/bin/bash", "-c", adopt, "bash", str(only.fileno()), *words]
        with (self.logs / f"{name}.log").open("ab") as log:
            return subprocess.Popen(
                words,
                env=environment,
                cwd=unit["WorkingDirectory"][-1],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                pass_fds=[each.fileno() for each in inherited],
                umask=int(unit["UMask"][-1], 8),
            )

    def listen(self, name: str, unit: dict[str, list[str]]) -> None:
        path = Path(unit["ListenStream"][-1])
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        held = socket.socket(socket.AF_UNIX)
        held.bind(str(path))
        path.chmod(int(unit["SocketMode"][-1], 8))
        held.listen(int(unit["Backlog"][-1]))
        self.sockets[name] = held

    def stop(self, name: str) -> None:
        process = self.processes.pop(name, None)
        if process is None:
            return
        unit = self.read(name)
        number = signal.Signals[unit.get("KillSignal", ["SIGTERM"])[-1]]
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(number)
        try:
            process.wait(float(unit.get("TimeoutStopSec", ["90"])[-1]))
        except subprocess.TimeoutExpired:
            print(f"{name} had to be killed", file=sys.stderr, flush=True)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        for each in unit.get("RuntimeDirectory", []):
            shutil.rmtree(self.root / "run" / each, ignore_errors=True)

    def read(self, name: str) -> dict[str, list[str]]:
        """Every value of every key, in order, of the unit and its drop-ins."""
        prefix, at, rest = name.partition("@")
        template = f"{prefix}@.{rest.rpartition('.')[2]}" if at else name
        instance = rest.rpartition(".")[0]
        paths = [self.units / template]
        if name.endswith(".service"):
            paths += sorted(self.units.glob("memory-server-.service.d/*.conf"))
        paths += sorted(self.units.glob(f"{template}.d/*.conf"))
        found: dict[str, list[str]] = {}
        for path in paths:
            for line in path.read_text().splitlines():
                key, is_pair, value = line.partition("=")
                if is_pair and not line.startswith("#"):
                    value = value.replace("%%", "\0").replace("%i", instance)
                    found.setdefault(key, []).append(value.replace("\0", "%"))
        return found

    def environment(self, unit: dict[str, list[str]]) -> dict[str, str]:
        environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent"}
        for line in unit.get("Environment", []):
            environment |= dict(pair.split("=", 1) for pair in shlex.split(line))
        for path in unit.get("EnvironmentFile", []):
            for line in Path(path).read_text().splitlines():
                if line and not line.startswith("#"):
                    name, _, value = line.partition("=")
                    environment[name] = "".join(shlex.split(value))
        return environment


def command(line: str, environment: dict[str, str]) -> list[str]:
    """As systemd splits and fills in: ${NAME} within a word, $NAME as words."""
    words: list[str] = []
    for word in shlex.split(line):
        if re.fullmatch(r"\$\w+", word):
            words += environment.get(word[1:], "").split()
        else:
            words.append(
                re.sub(r"\$\{(\w+)\}", lambda m: environment.get(m[1], ""), word)
            )
    return words


def control(root: Path) -> Path:
    return root / "run" / "units.sock"


def ask(root: Path, verb: str, names: list[str]) -> bool:
    with socket.socket(socket.AF_UNIX) as wire:
        wire.connect(str(control(root)))
        with wire.makefile("rw") as lines:
            lines.write(f"{json.dumps([verb, names])}\n")
            lines.flush()
            return bool(json.loads(lines.readline()))


def main() -> int:
    root, verb = Path(sys.argv[1]).resolve(), sys.argv[2]
    names = [each for each in sys.argv[3:] if not each.startswith("--")]
    if verb == "serve":
        (root / "run").mkdir(parents=True, exist_ok=True)
        Manager(root).serve()
    return 0 if ask(root, verb, names) else 1


if __name__ == "__main__":
    sys.exit(main())
