"""One text's vector by an ONNX model on the processor, in little memory."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import onnxruntime

from search.embedders.embedder import EmbedderAway, TextRefused

# The C library's own; other systems' libraries have none.
_trim = getattr(ctypes.CDLL(None), "malloc_trim", None)

Pooling = Literal["mean", "cls"]

# Models that pool by themselves call what they made so.
_POOLED = "sentence_embedding"


def give_back() -> None:
    """Return to the system what was freed: 60 MB after a model of 23 MB was loaded.

    Takes a few milliseconds.
    """
    if _trim is not None:
        _trim(0)


class OnnxModel:
    """A transformer that takes token ids; safe to use from several threads."""

    def __init__(self, path: Path, *, pooling: Pooling) -> None:
        """Raises EmbedderAway if the file is no model that runs here."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        # The arena keeps the largest text's memory for ever; a query gains nothing.
        options.enable_cpu_mem_arena = False
        options.enable_mem_pattern = False
        options.log_severity_level = 3
        # The runtime's errors have no base of their own but Exception.
        try:
            self._session: Any = onnxruntime.InferenceSession(
                str(path), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:
            raise EmbedderAway(
                f"{path.name} cannot be loaded ({type(error).__name__})."
            ) from error
        give_back()
        self._inputs = {value.name for value in self._session.get_inputs()}
        outputs = [value.name for value in self._session.get_outputs()]
        self._output = _POOLED if _POOLED in outputs else outputs[0]
        self._pooling = pooling

    def vector(self, ids: Sequence[int]) -> np.ndarray:
        """The vector of one text's tokens, of the model's own length.

        Raises TextRefused.

        One text at a time: an int8 model scales each batch as a whole, so that the same
        text would get another vector in other company; nor is a batch faster.
        """
        tokens = np.array([ids], dtype=np.int64)
        given = {
            "input_ids": tokens,
            "attention_mask": np.ones_like(tokens),
            "token_type_ids": np.zeros_like(tokens),
        }
        fed = {name: given[name] for name in given if name in self._inputs}
        try:
            out = np.asarray(self._session.run([self._output], fed)[0][0], np.float32)
        except Exception as error:
            raise TextRefused(
                f"The model does not take such texts ({type(error).__name__})."
            ) from error
        if out.ndim == 1:
            return out
        return np.asarray(out[0] if self._pooling == "cls" else out.mean(axis=0))
