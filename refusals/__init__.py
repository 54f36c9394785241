"""The closed list of reasons why a request is refused, shared by MCP and REST.

Every domain error derives from Refusal and lives beside the function that raises it; it
says which code it is and what the caller can do. Interfaces translate the code, never
the class, so a new error cannot reach a client without an entry here.
"""

from __future__ import annotations

from enum import StrEnum


class Code(StrEnum):
    """What went wrong, in the words of docs/errors.md."""

    INVALID_ARGUMENT = "INVALID_ARGUMENT"
    MALFORMED_BODY = "MALFORMED_BODY"
    PATH_INVALID = "PATH_INVALID"
    CURSOR_INVALID = "CURSOR_INVALID"
    REGEX_INVALID = "REGEX_INVALID"
    UNAUTHENTICATED = "UNAUTHENTICATED"
    TOKEN_EXPIRED = "TOKEN_EXPIRED"
    TOKEN_REVOKED = "TOKEN_REVOKED"
    TOKEN_KIND_REFUSED = "TOKEN_KIND_REFUSED"
    SCOPE_MISSING = "SCOPE_MISSING"
    WORKSPACE_REFUSED = "WORKSPACE_REFUSED"
    BINDING_REQUIRED = "BINDING_REQUIRED"
    BINDING_INVALID = "BINDING_INVALID"
    BINDING_EXPIRED = "BINDING_EXPIRED"
    WRITE_TOKEN_INVALID = "WRITE_TOKEN_INVALID"
    ORIGIN_REFUSED = "ORIGIN_REFUSED"
    NOT_FOUND = "NOT_FOUND"
    WORKSPACE_NOT_FOUND = "WORKSPACE_NOT_FOUND"
    DOCUMENT_NOT_FOUND = "DOCUMENT_NOT_FOUND"
    VERSION_NOT_FOUND = "VERSION_NOT_FOUND"
    SESSION_NOT_FOUND = "SESSION_NOT_FOUND"
    CITATION_NOT_FOUND = "CITATION_NOT_FOUND"
    METHOD_NOT_ALLOWED = "METHOD_NOT_ALLOWED"
    NOT_ACCEPTABLE = "NOT_ACCEPTABLE"
    VERSION_CONFLICT = "VERSION_CONFLICT"
    BASE_MISMATCH = "BASE_MISMATCH"
    IDEMPOTENCY_CONFLICT = "IDEMPOTENCY_CONFLICT"
    CONTENT_TOO_LARGE = "CONTENT_TOO_LARGE"
    LINE_TOO_LONG = "LINE_TOO_LONG"
    MEDIA_TYPE_UNSUPPORTED = "MEDIA_TYPE_UNSUPPORTED"
    HASH_MISMATCH = "HASH_MISMATCH"
    CONTENT_REFUSED = "CONTENT_REFUSED"
    WEBHOOK_SIGNATURE_INVALID = "WEBHOOK_SIGNATURE_INVALID"
    UNAUTHORIZED_SCOPE = "UNAUTHORIZED_SCOPE"
    CONFLICT = "CONFLICT"
    CONFIRMATION_REQUIRED = "CONFIRMATION_REQUIRED"
    GONE = "GONE"
    DAILY_CAP_EXCEEDED = "DAILY_CAP_EXCEEDED"
    PERIOD_CAP_EXCEEDED = "PERIOD_CAP_EXCEEDED"
    ENTITLEMENT_EXPIRED = "ENTITLEMENT_EXPIRED"
    PLAN_LIMIT_EXCEEDED = "PLAN_LIMIT_EXCEEDED"
    PLAN_NOT_SUPPORTED = "PLAN_NOT_SUPPORTED"
    INGEST_THROTTLED = "INGEST_THROTTLED"
    BILLING_DISABLED = "BILLING_DISABLED"
    NOT_CONFIGURED = "NOT_CONFIGURED"
    VERIFY_API_UNAVAILABLE = "VERIFY_API_UNAVAILABLE"
    VERIFY_API_BAD_RESPONSE = "VERIFY_API_BAD_RESPONSE"
    RATE_LIMITED = "RATE_LIMITED"
    BLOB_DAMAGED = "BLOB_DAMAGED"
    INTERNAL_ERROR = "INTERNAL_ERROR"
    SERVICE_UNAVAILABLE = "SERVICE_UNAVAILABLE"
    STORAGE_FULL = "STORAGE_FULL"


HTTP_STATUS: dict[Code, int] = {
    Code.INVALID_ARGUMENT: 400,
    Code.MALFORMED_BODY: 400,
    Code.PATH_INVALID: 400,
    Code.CURSOR_INVALID: 400,
    Code.REGEX_INVALID: 400,
    Code.UNAUTHENTICATED: 401,
    Code.TOKEN_EXPIRED: 401,
    Code.TOKEN_REVOKED: 401,
    Code.TOKEN_KIND_REFUSED: 403,
    Code.SCOPE_MISSING: 403,
    Code.WORKSPACE_REFUSED: 403,
    Code.BINDING_REQUIRED: 403,
    Code.BINDING_INVALID: 403,
    Code.BINDING_EXPIRED: 403,
    Code.WRITE_TOKEN_INVALID: 403,
    Code.ORIGIN_REFUSED: 403,
    Code.NOT_FOUND: 404,
    Code.WORKSPACE_NOT_FOUND: 404,
    Code.DOCUMENT_NOT_FOUND: 404,
    Code.VERSION_NOT_FOUND: 404,
    Code.SESSION_NOT_FOUND: 404,
    Code.CITATION_NOT_FOUND: 404,
    Code.METHOD_NOT_ALLOWED: 405,
    Code.NOT_ACCEPTABLE: 406,
    Code.VERSION_CONFLICT: 409,
    Code.BASE_MISMATCH: 409,
    Code.IDEMPOTENCY_CONFLICT: 409,
    Code.CONTENT_TOO_LARGE: 413,
    Code.LINE_TOO_LONG: 413,
    Code.MEDIA_TYPE_UNSUPPORTED: 415,
    Code.HASH_MISMATCH: 422,
    Code.CONTENT_REFUSED: 422,
    Code.WEBHOOK_SIGNATURE_INVALID: 403,
    Code.UNAUTHORIZED_SCOPE: 403,
    Code.CONFLICT: 409,
    Code.CONFIRMATION_REQUIRED: 409,
    Code.GONE: 410,
    Code.DAILY_CAP_EXCEEDED: 402,
    Code.PERIOD_CAP_EXCEEDED: 402,
    Code.ENTITLEMENT_EXPIRED: 402,
    Code.PLAN_LIMIT_EXCEEDED: 402,
    Code.PLAN_NOT_SUPPORTED: 400,
    Code.INGEST_THROTTLED: 429,
    Code.BILLING_DISABLED: 503,
    Code.NOT_CONFIGURED: 503,
    Code.VERIFY_API_UNAVAILABLE: 502,
    Code.VERIFY_API_BAD_RESPONSE: 502,
    Code.RATE_LIMITED: 429,
    Code.BLOB_DAMAGED: 500,
    Code.INTERNAL_ERROR: 500,
    Code.SERVICE_UNAVAILABLE: 503,
    Code.STORAGE_FULL: 507,
}


class Refusal(Exception):
    """A request that is turned down for a reason the caller can act on.

    `message` says what is wrong with this request, `hint` what to do about it and
    `detail` carries facts a program may read (plain JSON values). Nothing was stored.
    """

    code: Code = Code.INTERNAL_ERROR
    hint: str = ""

    def __init__(
        self, message: str, *, hint: str | None = None, **detail: object
    ) -> None:
        super().__init__(message)
        self.message = message
        self.detail = detail
        if hint is not None:
            self.hint = hint

    @property
    def status(self) -> int:
        """The HTTP status of this refusal."""
        return HTTP_STATUS[self.code]


class InvalidArgument(Refusal):
    """A value that is outside its documented type, form or bound."""

    code = Code.INVALID_ARGUMENT
