"""Tools about the caller itself: identity, connectors, usage, audit trail, billing."""

from __future__ import annotations

from mcp_server import MCPToolset

from access import auditing
from access.requirements import Requirement
from audit.reading import Wanted
from mcp_api import calls, deprecation, memory_shapes, presenting, scope, writes
from mcp_api.arguments import (
    AuditAction,
    AuditLimit,
    AuditOutcome,
    AuditPage,
    Binding,
    CaptureTypes,
    ConnectorId,
    ContainerTag,
    Email,
    FirstName,
    Moment,
    Nonce,
    Phone,
    Plan,
    TimestampMs,
    TokenId,
    WorkspaceId,
)
from mcp_api.registry import Result, memory_tool
from mcp_api.writes import WRITE, Write
from usage import reporting
from usage.billing import checkout
from usage.billing.checkout import Customer
from workspaces import connectors

# Whoever has a valid token may know whose it is.
ANY_TOKEN = Requirement(scope=None)


class AccountTools(MCPToolset):
    @memory_tool(
        title="Connector settings",
        requirement=Requirement(),
        result=memory_shapes.Connectors,
        reads_only=True,
        listed_from="full",
    )
    def connector_settings_get(self, container_tag: ContainerTag = None) -> Result:
        """WHAT: What each sync client may capture in a workspace.
        WHEN: When a person asks what is captured, or before you change it.
        INSTEAD: connector_settings_update to change it.
        RETURNS: A row for each connector: whether it syncs, which file types it takes.
        """
        home = scope.writes_to(container_tag)
        found = connectors.settings_of(home) if home else []
        return presenting.connectors(found)

    @memory_tool(
        title="Update connector settings",
        requirement=WRITE,
        result=memory_shapes.Connector,
        idempotent=True,
        listed_from="full",
    )
    def connector_settings_update(
        self,
        connector_id: ConnectorId,
        sync_enabled: bool | None = None,
        capture_types: CaptureTypes | None = None,
        container_tag: ContainerTag = None,
        binding: Binding | None = None,
        nonce: Nonce = None,
        timestamp_ms: TimestampMs = None,
    ) -> Result:
        """WHAT: Set what one sync client may capture in your workspace.
        WHEN: Only when the person asked for it.
        INSTEAD: connector_settings_get to look.
        RETURNS: The row as it holds now.
        """
        call, tool = calls.current(), "connector_settings_update"
        write = Write(tool, container_tag, binding, nonce, timestamp_ms)

        def work() -> Result:
            source = connectors.update(
                workspace=write.workspace(),
                connector_id=connector_id,
                sync_enabled=sync_enabled,
                capture_types=capture_types,
                actor=call.principal.actor,
                at=call.at,
            )
            return presenting.connector(source)

        return write.once(
            work,
            connector_id=connector_id,
            sync_enabled=sync_enabled,
            capture_types=capture_types,
        )

    @memory_tool(
        title="Usage today",
        requirement=Requirement(),
        result=memory_shapes.Done,
        reads_only=True,
        listed_from="full",
    )
    def usage_today(self) -> Result:
        """WHAT: What your account used today, with its caps.
        WHEN: When a call was refused for a cap, or the person asks.
        INSTEAD: billing_get for the plan itself.
        RETURNS: Counts, limits, the period, and alerts from 80 percent on.
        """
        call = calls.current()
        usage = reporting.usage_today(call.principal, scope.writes_to(), at=call.at)
        return presenting.usage(usage)

    @memory_tool(
        title="Audit log",
        requirement=Requirement(),
        result=memory_shapes.Audit,
        reads_only=True,
        listed_from="full",
    )
    def audit_log_list(
        self,
        page: AuditPage = 1,
        limit: AuditLimit = 50,
        since: Moment | None = None,
        until: Moment | None = None,
        api_key_id: TokenId | None = None,
        workspace_id: WorkspaceId | None = None,
        action: AuditAction | None = None,
        outcome: AuditOutcome | None = None,
    ) -> Result:
        """WHAT: What was done and refused, newest first.
        WHEN: To find out who changed or erased something, and when.
        INSTEAD: memory_list or list_sessions for what is stored.
        RETURNS: A page of events: your own token's; those of all for an admin token.
        """
        wanted = Wanted(
            token_id=api_key_id,
            workspace=workspace_id,
            action=action,
            outcome=outcome,
            since=since,
            until=until,
        )
        found = auditing.page(calls.current().principal, wanted, page=page, limit=limit)
        return presenting.audit(found)

    @memory_tool(
        title="Billing",
        requirement=Requirement(),
        result=memory_shapes.Done,
        reads_only=True,
        listed_from="full",
    )
    def billing_get(self) -> Result:
        """WHAT: The plan that your account is on.
        WHEN: When a call was refused for its plan, or the person asks.
        INSTEAD: usage_today for what is used up.
        RETURNS: Plan, its state and the end of the period.
        """
        call = calls.current()
        billing = reporting.billing(call.principal, scope.writes_to(), at=call.at)
        return presenting.billing(billing)

    @memory_tool(
        title="Start checkout",
        requirement=WRITE,
        result=memory_shapes.Checkout,
        idempotent=True,
        opens_world=True,
        listed_from="full",
    )
    def billing_checkout_create(
        self,
        plan: Plan = checkout.DEFAULT_PLAN,
        firstname: FirstName = "",
        email: Email = "",
        phone: Phone = "",
        binding: Binding | None = None,
        nonce: Nonce = None,
        timestamp_ms: TimestampMs = None,
    ) -> Result:
        """WHAT: Prepare a payment with the payment provider for a plan.
        WHEN: Only when the person asked to buy it; the person pays, not you.
        INSTEAD: billing_get to see the plan there is.
        RETURNS: The form that the person's browser must send: url and fields.
        BILLING_DISABLED where the operator sells nothing.
        """
        call = calls.current()
        writes.check_fresh(timestamp_ms, at=call.at)
        form = checkout.create(
            principal=call.principal,
            workspace=scope.writing(None, binding),
            plan=plan,
            customer=Customer(firstname=firstname, email=email, phone=phone),
            # The purchase is what is remembered; the buyer's address is not to be kept.
            idempotency_key=nonce,
            at=call.at,
        )
        return presenting.checkout(form)

    @memory_tool(
        title="Identity",
        requirement=ANY_TOKEN,
        result=memory_shapes.WhoAmI,
        reads_only=True,
        listed_from="full",
    )
    def identity_get(self) -> Result:
        """WHAT: Who you are to this server and where your memories go.
        WHEN: When something lands in the wrong workspace or is refused.
        INSTEAD: usage_today for what is used up.
        RETURNS: Workspace, containerTag, token kind and scopes, plan, versions.
        """
        return _identity()

    @memory_tool(
        name="whoAmI",
        title="Who am I",
        requirement=ANY_TOKEN,
        result=memory_shapes.WhoAmI,
        reads_only=True,
    )
    def who_am_i(self) -> Result:
        """WHAT: Who you are to this server and where your memories go.
        WHEN: When something lands in the wrong workspace or is refused.
        INSTEAD: register_workspace to choose where you write.
        RETURNS: Workspace, containerTag, token kind and scopes, plan, versions.
        """
        return _identity()

    @memory_tool(
        title="Who am I (old name)",
        requirement=ANY_TOKEN,
        result=memory_shapes.WhoAmIByOldName,
        reads_only=True,
        listed_from="all",
    )
    def whoami(self) -> Result:
        """WHAT: Old name of identity_get.
        WHEN: Only in clients that know no other name.
        INSTEAD: identity_get or whoAmI.
        RETURNS: What identity_get returns, and what to call instead.
        """
        return deprecation.alias(
            "whoami",
            canonical="identity_get",
            alias_for="identity_get",
            answer=_identity,
        )


def _identity() -> Result:
    call = calls.current()
    home = scope.writes_to()
    return presenting.identity(
        call.principal,
        home=home,
        user_id=scope.user_id(),
        session_id=call.session.id if call.session else "",
        billing=reporting.billing(call.principal, home, at=call.at),
    )
