"""What each tool does, in the words of the policy (memorynode contract, section 3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["read", "write", "neither", "exempt"]
Arguments = Mapping[str, Any]


@dataclass(frozen=True)
class Action:
    """What a call does.

    `looks_up` is a question whose likeness to earlier ones is watched, `saves` a text
    that should be new, `erases` what cannot be had back. `is_bulk` carries whole
    documents, whose length nobody's context pays for. An exempt one is a machine's
    upload, which the limiter bounds.
    """

    name: str
    kind: Kind
    looks_up: bool = False
    saves: bool = False
    erases: bool = False
    is_bulk: bool = False


_RECALL = Action("recall", "read", looks_up=True)
_CONTEXT = Action("context", "read", looks_up=True)
_WHO = Action("whoAmI", "neither")
_SAVE = Action("memory.save", "write", saves=True)
_SAVE_TALK = Action("memory.conversation_save", "write", saves=True, is_bulk=True)
_FORGET = Action("memory.forget", "write", erases=True)
_CONFIRM = Action("memory.confirm_forget", "write", erases=True)
_READ = Action("memory.read", "read")
_ARCHIVE = Action("archive.read", "read")
# Tools of a server that is not this one, such as those of the conformance suite.
_OTHER = Action("other", "neither")
_UPLOAD = Action("archive.upload", "exempt")

_ACTIONS = {
    "recall": _RECALL,
    "search": _RECALL,
    "memory_search": _RECALL,
    "context": _CONTEXT,
    "context_pack": _CONTEXT,
    "memory_context": _CONTEXT,
    "memory_get": _READ,
    "memory_list": _READ,
    "usage_today": Action("usage.today", "read"),
    "audit_log_list": Action("audit.log.list", "read"),
    "billing_get": Action("billing.status", "read"),
    "connector_settings_get": Action("connector.settings.get", "read"),
    "identity_get": _WHO,
    "whoAmI": _WHO,
    "whoami": _WHO,
    "memory_save": _SAVE,
    "memory_insert": _SAVE,
    "memory_conversation_save": _SAVE_TALK,
    "memory_forget": _FORGET,
    "memory_forget_confirm": _CONFIRM,
    "memory_delete": Action("memory.delete", "write", erases=True),
    "memory_export": Action("memory.export", "read"),
    "ingest_dispatch": Action("ingest.dispatch", "write", is_bulk=True),
    "connector_settings_update": Action("connector.settings.update", "write"),
    "billing_checkout_create": Action("billing.checkout.create", "write"),
    "get_overview": _ARCHIVE,
    "list_workspaces": _ARCHIVE,
    "list_knowledge": _ARCHIVE,
    "read_knowledge": _ARCHIVE,
    "search_knowledge": _ARCHIVE,
    "list_sessions": _ARCHIVE,
    "read_session": _ARCHIVE,
    "search_sessions": _ARCHIVE,
    "register_workspace": Action("workspace.register", "neither"),
    "write_overview": Action("overview.write", "write", is_bulk=True),
    "delete_knowledge": Action("knowledge.delete", "write", erases=True),
    "upload_knowledge": _UPLOAD,
    "upload_session": _UPLOAD,
}
_MULTIPLEXED: dict[str, Action] = {
    "save": _SAVE,
    "forget": _FORGET,
    "confirm_forget": _CONFIRM,
}
NAMES = frozenset({*_ACTIONS, "memory"})


def action_of(tool: str, arguments: Arguments) -> Action:
    """What this call does; of the tool `memory` its argument `action` says so."""
    if tool == "memory":
        return _MULTIPLEXED[str(arguments.get("action") or "save")]
    return _ACTIONS.get(tool, _OTHER)


def text_of(action: Action, arguments: Arguments) -> str:
    """The question that is asked or the text that is saved; empty where neither is."""
    if action.looks_up:
        return str(arguments.get("query") or "")
    if action.saves:
        return str(arguments.get("content") or "")
    return ""
