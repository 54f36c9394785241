"""Recognising a line and handing it to the parser of its shape."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sessions.formats import claude_code, codex, plain
from sessions.formats.messages import Json, Line, Message, Parsed
from sessions.formats.state import State
from sessions.formats.values import loads

_TYPE = b'"type":"'
_NOISE = {name.encode(): claude_code.CLIENT for name in claude_code.NOISE}
_NOISE_ITEMS = (
    b'"type":"response_item","payload":{"type":"reasoning"',
    b'"type":"event_msg","payload":{"type":"token_count"',
    b'"type":"event_msg","payload":{"type":"exec_command_end"',
    b'"type":"event_msg","payload":{"type":"agent_reasoning"',
)
_PEEKED_BYTES = 2048


def read(line: Line, *, state: State) -> Parsed:
    """What this line says; never raises. Unknown and broken lines say so."""
    noise = _peek(line.raw)
    if noise is not None:
        return noise
    record = loads(line.raw)
    if not isinstance(record, dict):
        return Parsed(is_unknown=bool(line.raw.strip()))
    parsed = _read(record, line=line.number, state=state)
    parsed.messages = [message for message in parsed.messages if message.text.strip()]
    return parsed


def parse(lines: Iterable[Line], *, state: State) -> Iterator[Message]:
    """Every message of these lines, in order."""
    for line in lines:
        yield from read(line, state=state)


def warm_up(lines: Iterable[Line], *, state: State) -> None:
    """Bring the state to where it stands after these lines."""
    for line in lines:
        read(line, state=state)


def _read(record: Json, *, line: int, state: State) -> Parsed:
    kind = record.get("type")
    if not isinstance(kind, str):
        kind = ""
    if kind in claude_code.TYPES and "role" not in record:
        return claude_code.read(record, line=line, state=state)
    if kind in codex.RECORDS:
        return codex.read(record, line=line, state=state)
    if kind in codex.ITEMS and (kind != "message" or _has_codex_parts(record)):
        return codex.read_old(record, line=line, state=state)
    if "role" in record and "content" in record:
        return plain.read(record, line=line)
    if codex.is_old_header(record):
        return codex.read_old(record, line=line, state=state)
    return Parsed(is_unknown=True)


def _has_codex_parts(record: Json) -> bool:
    content = record.get("content")
    return isinstance(content, list) and any(
        isinstance(part, dict) and part.get("type") in ("input_text", "output_text")
        for part in content
    )


def _peek(raw: bytes) -> Parsed | None:
    """Tell machine noise by its first bytes, without parsing what may be megabytes.

    The first `"type":"` is the record's own when nothing was opened before it, and it
    cannot lie inside a string, where its quotes would be escaped.
    """
    start = raw.find(_TYPE, 0, _PEEKED_BYTES)
    if start < 0 or raw.find(b"[", 0, start) >= 0 or raw.find(b"{", 1, start) >= 0:
        return None
    name = raw[start + len(_TYPE) : raw.find(b'"', start + len(_TYPE))]
    if name in _NOISE and not (name == b"progress" and b'"agent_progress"' in raw):
        return Parsed(client=_NOISE[name])
    if raw.startswith(_NOISE_ITEMS, start):
        return Parsed(client=codex.CLIENT)
    return None
