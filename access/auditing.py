"""Who may read what of the audit trail."""

from __future__ import annotations

from dataclasses import replace

from access.principals import Principal
from audit import reading
from audit.reading import Page, Wanted


def page(
    principal: Principal, wanted: Wanted, *, page: int = 1, limit: int = 50
) -> Page:
    """One page of events, newest first: an admin token's are everybody's, any other's
    its own. To the others, somebody else's token has done nothing.

    Raises what audit.reading.page does.
    """
    if principal.kind != "admin":
        if wanted.token_id not in (None, principal.token_id):
            return Page([], page, limit, has_more=False)
        wanted = replace(wanted, token_id=principal.token_id)
    return reading.page(wanted, page=page, limit=limit)
