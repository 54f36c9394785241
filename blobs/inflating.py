"""Undoing the compression that bytes came with, without trusting it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from blobs import members
from blobs.staging import BlobTooLarge
from refusals import Code, Refusal

_INFLATE_BYTES = 256 * 1024
# Real transcripts pack 4 to 50 times; deflate reaches 1,032.
_BOMB_RATIO = 200
_BOMB_ALLOWANCE_BYTES = 32 * 2**20


class ContentRefused(Refusal):
    """Bytes that are not what they claim to be."""

    code = Code.CONTENT_REFUSED
    hint = "Compress the file again with gzip and send the whole of it."


def gunzip(chunks: Iterable[bytes], *, max_bytes: int) -> Iterator[bytes]:
    """Inflate a gzip stream of one or more members, in bounded pieces.

    Raises ContentRefused for what is not gzip, is cut short, has something behind it or
    inflates like a bomb, and BlobTooLarge past `max_bytes`.
    """
    taken = given = 0
    stream, is_fresh = members.inflater(), True
    for chunk in chunks:
        rest: bytes = chunk
        while rest:
            if stream.eof:
                stream, is_fresh = members.inflater(), True
            taken += len(rest)
            piece, rest = _inflated(stream, rest)
            taken -= len(rest)
            is_fresh = False
            given += len(piece)
            if given > max_bytes:
                raise BlobTooLarge(f"More than {max_bytes} bytes when inflated.")
            if given > max(_BOMB_ALLOWANCE_BYTES, taken * _BOMB_RATIO):
                raise ContentRefused("The gzip data inflates far too much.")
            if piece:
                yield piece
    if is_fresh or not stream.eof:
        raise ContentRefused("The gzip data is cut short.")


def _inflated(stream: Any, data: bytes) -> tuple[bytes, bytes]:
    """The next bounded piece, and the input that is still to be read."""
    try:
        piece: bytes = stream.decompress(data, _INFLATE_BYTES)
    except members.Invalid as error:
        raise ContentRefused("The content is not valid gzip data.") from error
    return piece, stream.unused_data if stream.eof else stream.unconsumed_tail
