"""A call as the policy looks at it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from access.principals import Principal
from policy import actions, costs
from policy.actions import Action
from policy.costs import Tokens

# What differs each time that the same thing is asked again.
_PASSING = frozenset({"nonce", "timestamp_ms", "binding"})


@dataclass(frozen=True)
class Request:
    """One call of a tool, before it runs.

    `arguments` are checked ones, by the names of Python. `scope` is what the call is
    about as its client names it, `session_id` that of the MCP session, if it has one.
    """

    tool: str
    arguments: Mapping[str, Any]
    principal: Principal
    scope: str
    session_id: str
    policy_version: str

    @cached_property
    def action(self) -> Action:
        return actions.action_of(self.tool, self.arguments)

    @cached_property
    def text(self) -> str:
        return actions.text_of(self.action, self.arguments)

    @cached_property
    def tokens(self) -> Tokens:
        return costs.estimate(self.action, self.arguments)

    @cached_property
    def session(self) -> str:
        """Whose calls are counted together: a session's, else its token's."""
        return _digest(f"{self.principal.token_id}\0{self.session_id}")

    @cached_property
    def scope_key(self) -> str:
        """Where likeness and saves are counted; two tokens never share one."""
        return _digest(f"{self.principal.token_id}\0{self.scope}")

    @property
    def scope_hash(self) -> str:
        """The scope in the contract's form: djb2 with xor, 32 bits, hexadecimal."""
        value = 5381
        for byte in self.scope.encode("utf-8", "replace"):
            value = (value * 33 ^ byte) & 0xFFFFFFFF
        return f"{value:x}"

    @property
    def nonce(self) -> str:
        return str(self.arguments.get("nonce") or "")

    @cached_property
    def nonce_digest(self) -> str:
        return _digest(self.nonce)

    @property
    def fingerprint(self) -> str:
        """What makes the request what it is."""
        asked = {
            name: value
            for name, value in self.arguments.items()
            if name not in _PASSING
        }
        return _digest(json.dumps([self.tool, asked], sort_keys=True, default=str))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:24]
