"""Making a transcript findable: from archived lines to passages.

Works through the lines in batches. Each batch is one transaction that adds passages and
moves the transcript's progress, so that it may be stopped anywhere and goes on from
there, and memory stays bounded however long the transcript is.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import islice

from django.db import transaction

from jobs import outbox
from search import masking, passages
from sessions import reading, shortening
from sessions.formats import lines as formats
from sessions.formats.messages import Message, Parsed
from sessions.formats.state import REPLAYED_LINES, State
from sessions.models import Transcript
from sessions.reading import Line

KIND = "transcript"
VERB = "transcripts.index"
# Past this a line is kept and read, but not searched; parsed JSON takes several times
# its bytes of memory.
INDEXED_LINE_BYTES = 16 * 2**20
BATCH_BYTES = 4 * 2**20
BATCH_LINES = 2000

_TITLE_CHARS = 200
_TITLE_SOURCE_CHARS = 4000
_MOST_MODELS = 20
_LEADING_TAG = re.compile(r"\s*<([a-z_-]+)>.*?</\1>\s*", re.DOTALL)


class Overtaken(Exception):
    """Somebody else indexed these lines, or a newer revision replaced them."""


def index(transcript_id: int, *, renew: Callable[[], None], at: datetime) -> None:
    """Index what was not yet: nothing, the new lines, or the whole transcript.

    Calls `renew` before each batch. Only the newest revision of a session is findable.
    Safe to run twice and to stop anywhere. Raises BlobDamaged.
    """
    transcript = Transcript.objects.filter(pk=transcript_id).first()
    if transcript is None:
        return
    if not transcript.is_latest:
        forget(transcript_id)
        return
    _forget_older_revisions(transcript)
    _Indexing(transcript, at=at).run(renew)


def ask(transcript: Transcript, *, at: datetime) -> None:
    """Have a transcript indexed once the current transaction commits."""
    outbox.ask(verb=VERB, subject=str(transcript.pk), at=at)


def forget(transcript_id: int) -> None:
    """Take a transcript out of the index, as if it had just been uploaded."""
    with transaction.atomic():
        locked = Transcript.objects.select_for_update(no_key=True)
        transcript = locked.filter(pk=transcript_id).first()
        if transcript is not None:
            passages.remove(_source(transcript))
            transcript.mark_unindexed()


def _forget_older_revisions(transcript: Transcript) -> None:
    if transcript.revision == 1:
        return
    older = Transcript.objects.filter(
        workspace=transcript.workspace_id,
        session_id=transcript.session_id,
        agent_id=transcript.agent_id,
        is_latest=False,
        indexed_line_count__gt=0,
    )
    for transcript_id in older.values_list("pk", flat=True):
        forget(transcript_id)


class _Indexing:
    """One run over one transcript, whose fields are changed here and saved by batch."""

    def __init__(self, transcript: Transcript, *, at: datetime) -> None:
        self.transcript = transcript
        self.source = _source(transcript)
        self.at = at
        self.state = State()
        self.counted = transcript.indexed_line_count
        self.rewritten_from: int | None = None
        # Whether this run recorded which other sessions begin as this one does.
        self.has_forks = False
        # An upload's time stands in until a line tells a better one.
        self.has_times = transcript.started_at != transcript.created_at
        self.latest = transcript.updated_at + timedelta(days=1)

    def run(self, renew: Callable[[], None]) -> None:
        done = self._unchanged_lines()
        if done == self.transcript.line_count:
            return
        self._warm_up(done)
        for batch in _batches(self.transcript, first_line=done + 1):
            renew()
            self._index(batch)

    def _unchanged_lines(self) -> int:
        """How many indexed lines need not be read again.

        The last one changes when a file without a final newline grows: its passages are
        written anew then, because citations cover the newline too.
        """
        last = self.counted
        if not last:
            return 0
        known = passages.first_of_line(self.source, last)
        if known is None or known.lines_sha256 == reading.lines_sha256(
            self.transcript, last, last
        ):
            return last
        self.rewritten_from = self.transcript.indexed_message_count = known.position
        return last - 1

    def _warm_up(self, done: int) -> None:
        """Restore the parser's state from the lines that it may depend on."""
        recent = max(done - REPLAYED_LINES, 0)
        for first, last in (1, min(REPLAYED_LINES, recent)), (recent + 1, done):
            for line in _lines(self.transcript, first_line=first, last_line=last):
                formats.read(line, state=self.state)

    def _index(self, batch: list[Line]) -> None:
        found: list[tuple[Message, str]] = []
        for line in batch:
            parsed = formats.read(line, state=self.state)
            if line.number > self.counted:
                self._note(parsed)
            indexed = [message for message in parsed if message.is_indexed]
            if indexed:
                sha256 = hashlib.sha256(line.raw).hexdigest()
                found += [(message, sha256) for message in indexed]
        first = self.transcript.indexed_message_count
        with transaction.atomic():
            if self.rewritten_from is not None:
                passages.remove(self.source, from_position=self.rewritten_from)
            passages.add(
                self.source,
                [_passage(each, first + n, sha) for n, (each, sha) in enumerate(found)],
                at=self.at,
            )
            self._save(line_count=batch[-1].number, message_count=first + len(found))
        self.rewritten_from = None

    def _save(self, *, line_count: int, message_count: int) -> None:
        transcript = self.transcript
        # Taken last, because uploads of the same session wait for this row.
        locked = Transcript.objects.select_for_update(no_key=True)
        now = locked.filter(pk=transcript.pk, is_latest=True)
        if now.values_list("indexed_line_count", flat=True).first() != self.counted:
            raise Overtaken(f"transcript {transcript.pk}")
        transcript.mark_indexed(line_count=line_count, message_count=message_count)
        if transcript.origin_key is not None and not self.has_forks:
            Transcript.objects.record_forks(transcript)
            self.has_forks = True
        self.counted = line_count

    def _note(self, parsed: Parsed) -> None:
        """Let the transcript's own fields learn from one line."""
        transcript = self.transcript
        transcript.client = transcript.client or parsed.client
        transcript.cwd = transcript.cwd or _shown(parsed.cwd, 1024)
        transcript.git_branch = _shown(parsed.git_branch, 255) or transcript.git_branch
        transcript.unknown_line_count += parsed.is_unknown
        model, models = _shown(parsed.model, 100), transcript.model_names
        if model and model not in models and len(models) < _MOST_MODELS:
            models.append(model)
        if parsed.at is not None and parsed.at <= self.latest:
            self._note_time(parsed.at)
        for message in parsed:
            self._note_message(message)

    def _note_time(self, at: datetime) -> None:
        transcript = self.transcript
        if not self.has_times:
            transcript.started_at = transcript.ended_at = at
            self.has_times = True
        transcript.started_at = min(transcript.started_at, at)
        transcript.ended_at = max(transcript.ended_at, at)

    def _note_message(self, message: Message) -> None:
        transcript = self.transcript
        if transcript.origin_key is None and message.is_indexed:
            transcript.origin_key = _origin_key(message)
        # What a subagent embedded here is asked is not a turn of this conversation.
        if message.is_prompt and (message.channel == "user" or transcript.agent_id):
            transcript.turn_count += 1
            transcript.title = transcript.title or _title(message.text)


def _source(transcript: Transcript) -> passages.Source:
    return passages.Source(transcript.workspace_id, KIND, transcript.pk)


def _lines(
    transcript: Transcript, *, first_line: int, last_line: int
) -> Iterator[Line]:
    if first_line <= last_line:
        with closing(
            reading.stream(
                transcript, first_line=first_line, max_bytes=INDEXED_LINE_BYTES
            )
        ) as lines:
            yield from islice(lines, last_line - first_line + 1)


def _batches(transcript: Transcript, *, first_line: int) -> Iterator[list[Line]]:
    batch: list[Line] = []
    size_bytes = 0
    for line in _lines(
        transcript, first_line=first_line, last_line=transcript.line_count
    ):
        batch.append(line)
        size_bytes += len(line.raw)
        if size_bytes >= BATCH_BYTES or len(batch) >= BATCH_LINES:
            yield batch
            batch, size_bytes = [], 0
    if batch:
        yield batch


def _passage(message: Message, position: int, sha256: str) -> passages.Message:
    return passages.Message(
        position=position,
        first_line=message.line,
        last_line=message.line,
        lines_sha256=sha256,
        role=message.role,
        speaker=message.speaker,
        channel=message.channel,
        at=message.at,
        text=shortening.shorten(message.text, shortening.INDEXED),
        origin_key=_origin_key(message),
    )


def _origin_key(message: Message) -> bytes | None:
    """Equal for a message and its copies in forks; None if nothing tells them apart."""
    if not message.uuid and message.at is None:
        return None
    at = message.at.isoformat() if message.at else ""
    # A plain file's ids may be mere numbers, so the text has its say as well.
    told = "\0".join((message.role, message.uuid, at, message.text))
    return hashlib.blake2b(told.encode(), digest_size=16).digest()


def _title(prompt: str) -> str:
    text = _LEADING_TAG.sub("", prompt[:_TITLE_SOURCE_CHARS])
    return _shown(" ".join(text.split()), _TITLE_CHARS)


# Nearly every line repeats the same few names.
@lru_cache(maxsize=256)
def _shown(text: str, most_chars: int) -> str:
    """A short text as every view may show it."""
    if not text:
        return ""
    shown = masking.mask(text)
    return shown if len(shown) <= most_chars else f"{shown[: most_chars - 1]}…"
