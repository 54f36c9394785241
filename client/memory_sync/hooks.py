"""What a client's hook starts: leave word, start a run, and be gone.

Imports little: the hook runs after every turn of a conversation. Whatever it prints or
returns reaches the conversation, so it prints nothing (but the context that was asked
for) and never fails.
"""

from __future__ import annotations

import json
import sys

from memory_sync.files import home, log, read_cache
from memory_sync.spool import spool, start_draining

MAX_HOOK_BYTES = 16 * 2**20
_KEPT = (
    "hook_event_name",
    "session_id",
    "transcript_path",
    "agent_transcript_path",
    "cwd",
)


def run_hook() -> int:
    """Take a hook's word that a session moved on."""
    try:
        payload = json.loads(sys.stdin.buffer.read(MAX_HOOK_BYTES))
        spool({name: payload[name] for name in _KEPT if payload.get(name)})
        start_draining()
        if payload.get("hook_event_name") == "SessionStart":
            _tell_context(payload)
    except Exception as error:
        log(f"claude-hook: {type(error).__name__}: {error}")
    return 0


def _tell_context(payload: dict[str, object]) -> None:
    """Print what the last run prepared for the directory, where that was asked for.

    The hook asks no server: `sync` keeps the text in context.json.
    """
    told = read_cache(home() / "context.json")
    budget = int(told.get("chars") or 0)
    texts = told.get("directories")
    text = texts.get(str(payload.get("cwd"))) if isinstance(texts, dict) else None
    if budget and isinstance(text, str) and text:
        sys.stdout.buffer.write(text[:budget].encode("utf-8", "replace"))
        sys.stdout.flush()
