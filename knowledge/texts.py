"""What a document's text must be, and how its lines are counted and shown."""

from __future__ import annotations

import hashlib

from blobs.store import BlobTooLarge, ContentRefused, HashMismatch
from search import masking

# Masking a secret may uncover another; real texts need one or two looks.
_LOOKS = 8


def checked(text: str, *, max_bytes: int, sha256: str | None = None) -> bytes:
    """Give the bytes of a text that may be stored.

    Raises ContentRefused for NUL and lone surrogates, BlobTooLarge, and HashMismatch
    when `sha256` (hexadecimal) is not that of the bytes.
    """
    try:
        raw = text.encode()
    except UnicodeEncodeError as error:
        raise ContentRefused(
            "The text holds half a surrogate pair, which UTF-8 cannot write.",
            hint="Send the text as valid UTF-8.",
        ) from error
    if b"\0" in raw:
        raise ContentRefused(
            "The text holds NUL characters.", hint="Send text, not binary data."
        )
    if len(raw) > max_bytes:
        raise BlobTooLarge(
            f"The text has {len(raw)} bytes; at most {max_bytes} are taken.",
            hint="Split it into several documents.",
            max_bytes=max_bytes,
        )
    computed = hashlib.sha256(raw).hexdigest()
    if sha256 is not None and sha256.strip().lower() != computed:
        raise HashMismatch(
            "The text does not have the SHA-256 that came with it.", sha256=computed
        )
    return raw


def decoded(raw: bytes) -> str:
    """Read bytes that should be UTF-8; raises ContentRefused."""
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        raise ContentRefused(
            f"The text is not UTF-8 at byte {error.start}.",
            hint="Save the file as UTF-8.",
        ) from error


def lines(text: str) -> list[str]:
    r"""The lines of a text, each with its "\n"; nothing else ends a line."""
    found = text.split("\n")
    kept = [line + "\n" for line in found[:-1]]
    return [*kept, found[-1]] if found[-1] else kept


def shown_lines(text: str) -> list[str]:
    """The lines as they may be shown: masked as a whole, yet counted as in `lines`.

    A secret over several lines, such as a private key, leaves its mark and empty lines.
    """
    text = masking.neutralise(text)
    for _ in range(_LOOKS):
        wide = [s for s in masking.spans(text) if "\n" in text[s.start : s.end]]
        if not wide:
            break
        for span in reversed(wide):
            secret = text[span.start : span.end]
            mark = f"[REDACTED:{span.rule}:{span.fingerprint}]"
            text = "".join(
                [text[: span.start], mark, "\n" * secret.count("\n"), text[span.end :]]
            )
    masked = masking.mask(text)
    if masked.count("\n") != text.count("\n"):
        return [masking.mask(line) for line in lines(text)]
    return lines(masked)


def secret_line_ranges(text: str) -> list[range]:
    """The line numbers of each secret that spans lines."""
    found = []
    for span in masking.spans(text):
        inside = text.count("\n", span.start, span.end)
        if inside:
            first = text.count("\n", 0, span.start) + 1
            found.append(range(first, first + inside + 1))
    return found
