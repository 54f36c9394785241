"""Identity, connectors, usage, audit trail and billing as tool results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from access.containers import DEFAULT_TAG
from access.principals import Principal
from audit.models import Event
from audit.reading import Page
from mcp_api import memory_shapes, negotiation
from mcp_api.presenting.entries import flat, iso
from mcp_api.presenting.receipts import POLICY_VERSION, done
from mcp_api.quoting import NOTICE, Writing
from mcp_api.registry import Result
from memories.owners import SHARED_APP
from workspaces.models import SyncSource, Workspace

# What clients of the MemoryNode surface look for.
CLIENT = "memorynode-mcp-http"


def identity(
    principal: Principal,
    *,
    home: Workspace | None,
    user_id: str,
    session_id: str,
    billing: Mapping[str, Any],
) -> Result:
    """`home` is where the caller writes, None while that is still to be made."""
    tag = (home.container_tag or home.slug) if home else DEFAULT_TAG
    known = memory_shapes.Identity(
        workspace_id=home.slug if home else "",
        user_id=user_id or SHARED_APP.owner_id,
        namespace=tag,
        container_tag=tag,
        session_id=session_id,
        client=CLIENT,
        policy_version=POLICY_VERSION,
        tool_manifest_version=negotiation.TOOL_MANIFEST_VERSION,
        scoped_container_tag=principal.workspace_slug,
        product_plan=billing["plan"],
        api_plan=billing["effective_plan"] or billing["plan_status"],
        trial=False,
        trial_expires_at=None,
        token_name=principal.name,
        token_kind=principal.kind,
        scopes=sorted(principal.scopes),
        tool_profile=principal.tool_profile,
    )
    text = (
        f"Token {flat(principal.name)} of kind {principal.kind}, scopes "
        f"{', '.join(known['scopes']) or 'none'}, plan {known['api_plan']}.\n"
        f"Memories go to {known['workspace_id'] or 'a new workspace'} "
        f"(containerTag {tag})."
    )
    return Result(memory_shapes.WhoAmI(status="ok", identity=known), text)


def connectors(found: Sequence[SyncSource]) -> Result:
    rows = [_row(source) for source in found]
    lines = "\n".join(map(_row_line, rows)) or "No connector has settings of its own."
    return done("ok", {"settings": rows}, lines)


def connector(source: SyncSource) -> Result:
    row = _row(source)
    return done("ok", row, _row_line(row))


def usage(fields: Mapping[str, Any]) -> Result:
    counted = ("writes", "reads", "embeds", "storage_bytes")
    said = ", ".join(f"{fields[name]} {name}" for name in counted)
    text = f"Today ({fields['day']}), plan {fields['plan']}: {said}."
    for alert in fields["cap_alerts"]:
        text += (
            f"\n{alert['severity']}: {alert['used']} of {alert['cap']} "
            f"{alert['resource']}"
        )
    return done("ok", fields, text)


def billing(fields: Mapping[str, Any]) -> Result:
    ends = fields["current_period_end"]
    text = f"Plan {fields['plan']}, {fields['plan_status']}"
    return done("ok", fields, text + (f", until {ends}." if ends else "."))


def checkout(form: Mapping[str, Any]) -> Result:
    structured = memory_shapes.Checkout(
        provider=form["provider"],
        method=form["method"],
        url=form["url"],
        fields=form["fields"],
    )
    return Result(structured, f"Send the form to {form['url']} to pay.")


def audit(page: Page) -> Result:
    entries = [_entry(event) for event in page.events]
    structured = memory_shapes.Audit(
        notice=NOTICE,
        entries=entries,
        page=page.page,
        limit=page.limit,
        has_more=page.has_more,
    )
    writing = Writing()
    writing.say(f"{len(entries)} events, newest first, page {page.page}")
    if entries:
        writing.quote("\n".join(map(_entry_line, entries)))
    if page.has_more:
        writing.say(f"More with page={page.page + 1}")
    return Result(structured, str(writing))


def _row(source: SyncSource) -> memory_shapes.ConnectorEntry:
    return {
        "connector_id": source.connector_id,
        "sync_enabled": source.sync_enabled,
        "capture_types": source.capture_types,
        "updated_at": iso(source.updated_at),
    }


def _row_line(row: memory_shapes.ConnectorEntry) -> str:
    types = ", ".join(name for name, on in row["capture_types"].items() if on)
    state = "syncs" if row["sync_enabled"] else "is off"
    return f"- {flat(row['connector_id'])} {state}: {types or 'nothing'}"


def _entry(event: Event) -> memory_shapes.AuditEntry:
    return {
        "id": event.pk,
        "created_at": iso(event.at),
        "actor": event.actor,
        "api_key_id": event.token_id,
        "transport": event.transport,
        "through": event.through,
        "action": event.action,
        "workspace_id": event.workspace_slug,
        "target": event.target,
        "outcome": event.outcome,
        "code": event.code,
        "request_id": event.request_id,
        "ip_hash": event.address_digest,
    }


def _entry_line(entry: memory_shapes.AuditEntry) -> str:
    code = f" {entry['code']}" if entry["code"] else ""
    return (
        f"- {entry['created_at']} {entry['action']} {entry['outcome']}{code} by "
        f"{flat(entry['actor'])} through {entry['transport']}: "
        f"{entry['workspace_id']} {flat(entry['target'])}"
    )
