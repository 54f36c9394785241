"""Lines of a Claude Code transcript, with all the metadata that real ones carry."""

from __future__ import annotations

import base64
import random
import time
import uuid
from collections.abc import Sequence

import orjson

Json = dict[str, object]

_VERSION = "2.1.42"
_MODEL = "claude-opus-4-5-20251101"


class Lines:
    """What was written: `written` without newlines, `size` in bytes with them."""

    def __init__(self, chance: random.Random, *, session_id: str, project: str) -> None:
        self.session_id, self.written, self.size = session_id, list[bytes](), 0
        self._chance, self._project = chance, project
        self._at = 1_735_689_600 + chance.randrange(300 * 86_400)
        self._parent: str | None = None

    def summary(self, text: str) -> None:
        self._put({"type": "summary", "summary": text, "leafUuid": self.uuid()})

    def user(self, content: object, **more: object) -> None:
        message = {"role": "user", "content": content}
        self._put({**self._frame("user"), "message": message, **more})

    def assistant(self, content: Sequence[Json], *, stop: str | None = None) -> None:
        chance = self._chance
        message = {
            "model": _MODEL,
            "id": f"msg_{chance.getrandbits(96):024x}",
            "type": "message",
            "role": "assistant",
            "content": content,
            "stop_reason": stop,
            "stop_sequence": None,
            "usage": {
                "input_tokens": chance.randrange(3, 900),
                "cache_creation_input_tokens": chance.randrange(9_000),
                "cache_read_input_tokens": chance.randrange(10_000, 150_000),
                "cache_creation": {
                    "ephemeral_5m_input_tokens": chance.randrange(9_000),
                    "ephemeral_1h_input_tokens": 0,
                },
                "output_tokens": chance.randrange(1, 2_500),
                "service_tier": "standard",
            },
        }
        request = f"req_{chance.getrandbits(120):030x}"
        frame = self._frame("assistant")
        self._put({**frame, "message": message, "requestId": request})

    def thinking(self, text: str) -> None:
        signature = self.noise(self._chance.randrange(200, 1500))
        block = {"type": "thinking", "thinking": text, "signature": signature}
        self.assistant([block])

    def progress(self) -> None:
        """What a hook or a running command reports; nobody searches it."""
        chance = self._chance
        call = f"toolu_{chance.getrandbits(96):024x}"
        data: Json = {
            "type": "hook_progress",
            "hookEvent": "PostToolUse",
            "hookName": "PostToolUse:Bash",
            "command": "callback",
        }
        if chance.random() < 0.4:
            output = "\n".join(
                f"{n:4d} of 400 steps done in {chance.randrange(99)} ms"
                for n in range(chance.choice([10, 40, 200, 600]))
            )
            data = {
                "type": "bash_progress",
                "output": output[-600:],
                "fullOutput": output,
                "elapsedTimeSeconds": chance.randrange(3, 90),
                "totalLines": output.count("\n"),
            }
        more = {"toolUseID": f"bash-progress-{chance.randrange(50)}"}
        self._put(
            {**self._frame("progress"), "data": data, "parentToolUseID": call, **more}
        )

    def snapshot(self) -> None:
        kept = {"messageId": self.uuid(), "trackedFileBackups": {}, "timestamp": "x"}
        line: Json = {"type": "file-history-snapshot", "messageId": self.uuid()}
        self._put({**line, "snapshot": kept, "isSnapshotUpdate": False})

    def noise(self, characters: int) -> str:
        """Base64 that says nothing and does not compress."""
        data = self._chance.randbytes(characters * 3 // 4)
        return base64.b64encode(data).decode()

    def uuid(self) -> str:
        return str(uuid.UUID(int=self._chance.getrandbits(128), version=4))

    def _frame(self, kind: str) -> Json:
        self._at += self._chance.expovariate(1 / 9)
        moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(self._at))
        before, self._parent = self._parent, self.uuid()
        return {
            "parentUuid": before,
            "isSidechain": False,
            "userType": "external",
            "cwd": f"/home/dev/{self._project}",
            "sessionId": self.session_id,
            "version": _VERSION,
            "gitBranch": "main",
            "type": kind,
            "uuid": self._parent,
            "timestamp": f"{moment}.000Z",
        }

    def _put(self, line: Json) -> None:
        data = orjson.dumps(line)
        self.written.append(data)
        self.size += len(data) + 1
