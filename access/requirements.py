"""What a tool, view, consumer or command asks of its caller; each declares one."""

from __future__ import annotations

from dataclasses import dataclass

from access.principals import Principal
from refusals import Code, Refusal


class TokenKindRefused(Refusal):
    """The right door for another kind of token."""

    code = Code.TOKEN_KIND_REFUSED


class ScopeMissing(Refusal):
    code = Code.SCOPE_MISSING


ALL_KINDS = frozenset({"ai", "sync", "admin"})


@dataclass(frozen=True)
class Requirement:
    """Which kinds of token may call, with which scope.

    `public` needs no token at all; `staff` needs an operator's login or shell, which no
    token stands for.
    """

    kinds: frozenset[str] = ALL_KINDS
    scope: str | None = "read"
    public: bool = False
    staff: bool = False

    def check(self, principal: Principal) -> None:
        """Raise TokenKindRefused or ScopeMissing unless the principal meets this."""
        if self.public:
            return
        if self.staff:
            raise TokenKindRefused(
                "This is for signed-in operators.", hint="Sign in to the console."
            )
        if principal.kind not in self.kinds:
            kinds = " or ".join(sorted(self.kinds))
            raise TokenKindRefused(
                f"A token of kind {principal.kind} may not do this.",
                hint=f"Use a token of kind {kinds}.",
            )
        if self.scope is not None:
            require_scope(principal, self.scope)


def require_scope(principal: Principal, scope: str) -> None:
    """Raise ScopeMissing unless the token holds the scope."""
    if scope not in principal.scopes:
        raise ScopeMissing(
            f"This token lacks the scope {scope}.",
            hint=f"Ask the operator for a token with the scope {scope}.",
            scope=scope,
        )
