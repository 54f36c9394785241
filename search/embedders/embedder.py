"""What every embedder can do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from refusals import Code, Refusal

# As long as the column that records it.
NAME_CHARS = 64


class EmbedderAway(Refusal):
    """No vector can be made now; there is never a stand-in for one."""

    code = Code.SERVICE_UNAVAILABLE
    hint = "Search goes on with words alone; vectors follow when the embedder is back."

    def __init__(self, message: str, *, retry_after_seconds: float = 60.0) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class TextRefused(EmbedderAway):
    """This embedder has no vector for one of these texts, however long one waits."""


class Embedder(Protocol):
    """Turns texts into vectors of unit length, float32.

    `name` tells model and revision and is recorded beside each vector: vectors of
    different names are never compared. Both methods raise EmbedderAway, and
    TextRefused if it is for the texts.
    """

    @property
    def name(self) -> str: ...

    @property
    def dimensions(self) -> int: ...

    def embed_query(self, text: str) -> np.ndarray:
        """The vector of a question, within about two seconds: (dimensions,)."""

    def embed_passages(self, texts: Sequence[str]) -> np.ndarray:
        """The vectors of these texts, in their order: (texts, dimensions).

        Takes less than a minute for 64 texts, or raises.
        """


def unit(vectors: np.ndarray) -> np.ndarray:
    """The vectors (…, d) as float32 of unit length.

    Raises TextRefused if one is not finite or has no direction.
    """
    given = np.asarray(vectors, dtype=np.float32)
    lengths = np.linalg.norm(given, axis=-1, keepdims=True)
    if not (np.isfinite(lengths).all() and (lengths > 1e-12).all()):
        raise TextRefused("The embedder gave a vector without a direction.")
    return np.asarray(given / lengths, dtype=np.float32)
