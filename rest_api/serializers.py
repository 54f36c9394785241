"""What requests may hold: form and size only, the rules stay in the domain."""

from __future__ import annotations

from datetime import UTC
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

LIST_LIMIT, SEARCH_LIMIT, MAX_LIMIT = 20, 10, 100
MAX_PAGE_CHARS = 200_000
MAX_LINE_NUMBER = 2**40
MAX_VERSION = 2**31 - 1
MAX_QUERY_CHARS = 2000
MAX_CHECKED = 1000
MAX_FILES = 2**31 - 1
ROLES = ("user", "assistant", "tool_input", "tool_output", "summary")
MODES = ("hybrid", "keyword", "semantic", "regex", "exact")


class Text(serializers.CharField):
    """One value as it was sent: never trimmed, and a number is not a text."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"trim_whitespace": False, **options})

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class Content(Text):
    """A document's text; what it may hold is for knowledge.texts to say."""

    def __init__(self, **options: Any) -> None:
        super().__init__(allow_blank=True, **options)
        self.validators = []


class Count(serializers.IntegerField):
    """A bounded whole number; JSON's true, "7" and 7.0 are none."""

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, bool | float):
            self.fail("invalid")
        return super().to_internal_value(data)


class Moment(serializers.DateTimeField):
    """An ISO 8601 time; without an offset it is UTC."""

    def __init__(self, **options: Any) -> None:
        super().__init__(default_timezone=UTC, **options)


class Sha256(serializers.RegexField):
    """Sixty-four hex digits, in lower case from here on."""

    def __init__(self, **options: Any) -> None:
        super().__init__(r"\A[0-9a-fA-F]{64}\Z", **options)
        self.error_messages["invalid"] = "Send the 64 hex digits of a SHA-256."

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return str(super().to_internal_value(data)).lower()


@extend_schema_field(str)
class Words(serializers.Field[tuple[str, ...], Any, str, Any]):
    """A comma-separated choice."""

    default_error_messages = {"invalid": "Choose from: {choices}, separated by commas."}

    def __init__(self, *, choices: tuple[str, ...], **options: Any) -> None:
        super().__init__(**options)
        self.choices = choices

    def to_internal_value(self, data: Any) -> tuple[str, ...]:
        words = tuple(dict.fromkeys(str(data).split(",")))
        if not set(words) <= set(self.choices):
            self.fail("invalid", choices=", ".join(self.choices))
        return words


class Listing(serializers.Serializer[Any]):
    cursor = Text(required=False, max_length=2000)
    limit = Count(default=LIST_LIMIT, min_value=1, max_value=MAX_LIMIT)


class Registration(serializers.Serializer[Any]):
    machine = Text()
    tool = Text()
    project = Text()
    cwd = Text(default="", allow_blank=True)
    description = Text(default="", allow_blank=True)


class WorkspaceListing(Listing):
    machine = Text(required=False, max_length=200)
    tool = Text(required=False, max_length=200)
    project = Text(required=False, max_length=200)
    active_after = Moment(required=False)


class DocumentListing(Listing):
    prefix = Text(default="", allow_blank=True, max_length=512)
    include_deleted = serializers.BooleanField(default=False)


class DocumentReading(serializers.Serializer[Any]):
    """`GET …/knowledge/{path}` and the overview."""

    view = serializers.ChoiceField(("text",), default="text")
    version = Count(required=False, min_value=1, max_value=MAX_VERSION)
    as_of = Moment(required=False)
    first_line = Count(default=1, min_value=1, max_value=MAX_LINE_NUMBER)
    line_count = Count(required=False, min_value=1, max_value=MAX_LINE_NUMBER)
    max_chars = Count(default=20_000, min_value=1, max_value=2**21)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "version" in attrs and "as_of" in attrs:
            raise serializers.ValidationError(
                {"as_of": "Give version or as_of, not both."}
            )
        return attrs


class DiffReading(serializers.Serializer[Any]):
    view = serializers.ChoiceField(("diff",))
    to = Count(min_value=1, max_value=MAX_VERSION)

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        # `from` is a keyword of Python.
        old = Count(min_value=1, max_value=MAX_VERSION)
        return {**super().get_fields(), "from": old}


class HistoryReading(Listing):
    view = serializers.ChoiceField(("history",))


class DocumentWriting(serializers.Serializer[Any]):
    content = Content()
    sha256 = Sha256(required=False)
    expected_version = Count(required=False, min_value=0, max_value=MAX_VERSION)


class Restoring(serializers.Serializer[Any]):
    restore_version = Count(min_value=1, max_value=MAX_VERSION)


class TranscriptListing(Listing):
    after = Moment(required=False)
    before = Moment(required=False)


class TranscriptReading(serializers.Serializer[Any]):
    agent_id = Text(default="", allow_blank=True, max_length=128)
    view = serializers.ChoiceField(
        ("conversation", "lines", "raw"), default="conversation"
    )
    first_line = Count(required=False, min_value=1, max_value=MAX_LINE_NUMBER)
    around_line = Count(required=False, min_value=1, max_value=MAX_LINE_NUMBER)
    from_end = serializers.BooleanField(default=False)
    line_count = Count(default=200, min_value=1, max_value=5000)
    roles = Words(choices=ROLES, default=())
    max_chars = Count(default=20_000, min_value=1, max_value=MAX_PAGE_CHARS)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        starts = [
            name
            for name in ("first_line", "around_line", "from_end")
            if attrs.get(name)
        ]
        if len(starts) > 1:
            raise serializers.ValidationError(
                {starts[1]: "Give one of first_line, around_line and from_end."}
            )
        return attrs


class TranscriptTarget(serializers.Serializer[Any]):
    agent_id = Text(default="", allow_blank=True, max_length=128)


class Checked(serializers.Serializer[Any]):
    """One item of a sync check: a document by path or a transcript by session id."""

    path = Text(required=False, max_length=2048)
    session_id = Text(required=False, max_length=128)
    agent_id = Text(default="", allow_blank=True, max_length=128)
    sha256 = Sha256()
    size_bytes = Count(min_value=0, max_value=2**50)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("path" in attrs) == ("session_id" in attrs):
            raise serializers.ValidationError("Give path or session_id.")
        return attrs


class SyncCheck(serializers.Serializer[Any]):
    workspace_id = Text(max_length=128)
    items = serializers.ListField(
        child=Checked(), allow_empty=False, max_length=MAX_CHECKED
    )


class MachineAccount(serializers.Serializer[Any]):
    """What a sync client tells at the end of a full run."""

    client_version = Text(max_length=32)
    found = Count(min_value=0, max_value=MAX_FILES)
    skipped = Count(min_value=0, max_value=MAX_FILES)
    failed = Count(min_value=0, max_value=MAX_FILES)
    waiting = Count(min_value=0, max_value=MAX_FILES)
    oldest_waiting_at = Moment(default=None, allow_null=True)


class HookTarget(serializers.Serializer[Any]):
    machine = Text(max_length=200)
    tool = Text(default="claude-code-http", max_length=200)


class HookEvent(serializers.Serializer[Any]):
    """What is read of a hook's event; clients send more."""

    hook_event_name = Text(max_length=64)
    session_id = Text(max_length=128)
    cwd = Text(max_length=1024)
    prompt = Content(required=False)
    last_assistant_message = Content(required=False, allow_null=True)


class Searching(serializers.Serializer[Any]):
    q = Text(max_length=MAX_QUERY_CHARS)
    kind = serializers.ChoiceField(("sessions", "knowledge"), default="sessions")
    workspace_id = Text(required=False, max_length=128)
    machine = Text(required=False, max_length=200)
    tool = Text(required=False, max_length=200)
    project = Text(required=False, max_length=200)
    roles = Words(choices=ROLES, default=())
    after = Moment(required=False)
    before = Moment(required=False)
    path_prefix = Text(default="", allow_blank=True, max_length=512)
    mode = serializers.ChoiceField(MODES, default="hybrid")
    case_sensitive = serializers.BooleanField(default=False)
    group_by_session = serializers.BooleanField(default=False)
    explain = serializers.BooleanField(default=False)
    cursor = Text(required=False, max_length=2000)
    limit = Count(default=SEARCH_LIMIT, min_value=1, max_value=MAX_LIMIT)


class CitationChecking(serializers.Serializer[Any]):
    uri = Text(max_length=2000)
    sha256 = Sha256()
