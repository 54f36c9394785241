"""What a client's hook starts: leave word, start a run, and be gone.

It runs after every turn of a conversation, so it imports almost nothing: pathlib,
argparse and subprocess together cost more than all that it does. Whatever it prints or
returns reaches the conversation, so it prints nothing (but the context that was asked
for) and never fails.
"""

from __future__ import annotations

import json
import os
import sys
import time

from memory_sync.home import home_folder, program_file

MAX_HOOK_BYTES = 16 * 2**20
SPOOL_LIMIT = 1000
_KEPT = (
    "hook_event_name",
    "session_id",
    "transcript_path",
    "agent_transcript_path",
    "cwd",
)


def run_hook() -> int:
    """Take a hook's word that a session moved on; beside a plugin, sweep at a start."""
    try:
        payload = json.loads(sys.stdin.buffer.read(MAX_HOOK_BYTES))
        spool({name: payload[name] for name in _KEPT if payload.get(name)})
        is_start = payload.get("hook_event_name") == "SessionStart"
        start_run(only_spool=not is_start or _has_timer())
        if is_start:
            _tell_context(payload)
    except Exception as error:
        from memory_sync.files import log

        log(f"claude-hook: {type(error).__name__}: {error}")
    return 0


def spool(entry: dict[str, object]) -> None:
    """Leave word that a transcript grew. Only its path is kept, so this stays small."""
    folder = os.path.join(home_folder(), "spool")
    os.makedirs(folder, mode=0o700, exist_ok=True)
    waiting = sorted(name for name in os.listdir(folder) if name.endswith(".json"))
    for name in waiting[: max(0, len(waiting) + 1 - SPOOL_LIMIT)]:
        # The sweep finds the file of a forgotten entry all the same.
        try:
            os.unlink(os.path.join(folder, name))
        except FileNotFoundError:
            continue
    path = os.path.join(folder, f"{time.time_ns():020d}-{os.getpid()}.json")
    # Written beside and renamed: a run must not read half of it.
    handle = os.open(path + ".tmp", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump(entry, file)
    os.replace(path + ".tmp", path)


def _has_timer() -> bool:
    """Whether something else sweeps now and then; beside a plugin nothing does."""
    return os.path.exists(os.path.join(home_folder(), "install.json"))


def start_run(*, only_spool: bool) -> None:
    """Start a run that outlives the hook: clients kill what takes too long."""
    words = [sys.executable, program_file(), "sync", "--background"]
    words += ["--spool"] if only_spool else []
    if sys.platform != "win32":
        try:
            _spawned(words)
        except (NotImplementedError, AttributeError):
            import subprocess

            null = subprocess.DEVNULL
            subprocess.Popen(
                words, stdin=null, stdout=null, stderr=null, start_new_session=True
            )
        return
    import subprocess

    flags = subprocess.CREATE_NO_WINDOW | subprocess.CREATE_NEW_PROCESS_GROUP
    null = subprocess.DEVNULL
    try:
        # Leave the client's job object, which dies with the client.
        breakaway = flags | subprocess.CREATE_BREAKAWAY_FROM_JOB
        subprocess.Popen(
            words, stdin=null, stdout=null, stderr=null, creationflags=breakaway
        )
    except OSError:
        subprocess.Popen(
            words, stdin=null, stdout=null, stderr=null, creationflags=flags
        )


def _spawned(words: list[str]) -> None:
    """Start a program in a session of its own, without what we hold open."""
    null = [
        (os.POSIX_SPAWN_OPEN, descriptor, os.devnull, os.O_RDWR, 0)
        for descriptor in (0, 1, 2)
    ]
    os.posix_spawn(words[0], words, os.environ, file_actions=null, setsid=True)


def _tell_context(payload: dict[str, object]) -> None:
    """Print what the last run prepared for the directory, where that was asked for.

    The hook asks no server: `sync` keeps the text in context.json.
    """
    try:
        path = os.path.join(home_folder(), "context.json")
        with open(path, encoding="utf-8") as file:
            told = json.load(file)
    except FileNotFoundError:
        return
    budget = int(told.get("chars") or 0)
    text = told.get("directories", {}).get(str(payload.get("cwd")))
    if budget and isinstance(text, str) and text:
        sys.stdout.buffer.write(text[:budget].encode("utf-8", "replace"))
        sys.stdout.flush()
