"""Which embedder the settings name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from django.conf import settings

from search.embedders.embedder import Embedder, EmbedderAway
from search.embedders.packaged import PackagedEmbedder

if TYPE_CHECKING:
    from search.embedders.directory import DirectoryEmbedder

KINDS = ("packaged", "openai", "directory", "off")


def is_off() -> bool:
    """Whether this installation does without vectors."""
    return not settings.EMBEDDINGS_ENABLED or settings.EMBEDDER == "off"


def current() -> Embedder | None:
    """The embedder that new vectors are made with; None if there shall be none.

    Raises EmbedderAway if the settings name one that cannot be.
    """
    return None if is_off() else _of_kind(settings.EMBEDDER)


def named(name: str) -> Embedder | None:
    """The embedder that recorded itself by this name, if it can still be had.

    The packaged one always can; the others as long as the settings describe them.
    """
    for embedder in _describable():
        try:
            if embedder.name == name:
                return embedder
        except EmbedderAway:
            continue
    return None


def _describable() -> Iterator[Embedder]:
    for kind in ("packaged", "directory", "openai"):
        try:
            yield _of_kind(kind)
        except EmbedderAway:
            continue


def _of_kind(kind: str) -> Embedder:
    if kind == "packaged":
        return _shared(PackagedEmbedder())
    if kind == "directory":
        return _shared(_directory())
    if kind == "openai":
        return _openai()
    raise EmbedderAway(f"EMBEDDER must be one of {', '.join(KINDS)}.")


def _shared(local: PackagedEmbedder | DirectoryEmbedder) -> Embedder:
    """The embedder, in the process that holds it for all if there is one."""
    if not settings.EMBEDDER_SOCKET:
        return local
    from search.embedders.shared import SharedEmbedder

    return SharedEmbedder(local, Path(settings.EMBEDDER_SOCKET))


def _directory() -> DirectoryEmbedder:
    from search.embedders.directory import DirectoryEmbedder

    if not settings.EMBEDDER_DIRECTORY:
        raise EmbedderAway("EMBEDDER_DIRECTORY names no directory.")
    return DirectoryEmbedder(
        directory=Path(settings.EMBEDDER_DIRECTORY).absolute(),
        query_prefix=settings.EMBEDDER_QUERY_PREFIX,
        passage_prefix=settings.EMBEDDER_PASSAGE_PREFIX,
    )


def _openai() -> Embedder:
    if not (settings.EMBEDDER_URL and settings.EMBEDDER_MODEL):
        raise EmbedderAway("EMBEDDER_URL and EMBEDDER_MODEL must name an endpoint.")
    if not 1 <= settings.EMBEDDER_DIMENSIONS <= 16_384:
        raise EmbedderAway("EMBEDDER_DIMENSIONS must say how long its vectors are.")
    from search.embedders.openai import OpenAIEmbedder

    return OpenAIEmbedder(
        url=settings.EMBEDDER_URL,
        model=settings.EMBEDDER_MODEL,
        dimensions=settings.EMBEDDER_DIMENSIONS,
        key=settings.EMBEDDER_API_KEY.strip(),
        query_prefix=settings.EMBEDDER_QUERY_PREFIX,
        passage_prefix=settings.EMBEDDER_PASSAGE_PREFIX,
    )
