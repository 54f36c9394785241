"""An embedder from a directory on this machine, laid out as models are published.

Read are `model.onnx` (or `onnx/model.onnx`), `tokenizer.json` if the package
`tokenizers` is installed, else `vocab.txt` (BERT's WordPiece), and if they are there
`1_Pooling/config.json`, `sentence_bert_config.json` and `tokenizer_config.json`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from search.embedders import wordpiece
from search.embedders.embedder import NAME_CHARS, EmbedderAway, unit

if TYPE_CHECKING:
    from search.embedders.onnx_model import Pooling

_MODELS = ("model.onnx", "onnx/model.onnx")
_WEIGHTS_BESIDE = "{}_data"
_POOLING = "1_Pooling/config.json"
_LENGTH = "sentence_bert_config.json"
_TOKENIZER = "tokenizer_config.json"
_MOST_TOKENS = 512
_USUAL_TOKENS = 256
_CHUNK = 1 << 20


@dataclass(frozen=True)
class _Loaded:
    digest: str
    dimensions: int
    vector: Callable[[str], np.ndarray]


@dataclass(frozen=True)
class DirectoryEmbedder:
    """A model's directory; its files are read once for each process."""

    directory: Path
    query_prefix: str = ""
    passage_prefix: str = ""

    @property
    def name(self) -> str:
        """The directory's name and a digest of what its files hold.

        Raises EmbedderAway.
        """
        told = f"{_loaded(self.directory).digest}\n{self.passage_prefix}"
        digest = hashlib.sha256(told.encode()).hexdigest()[:16]
        return f"directory/{self.directory.name[: NAME_CHARS - 27]}/{digest}"

    @property
    def dimensions(self) -> int:
        """Raises EmbedderAway."""
        return _loaded(self.directory).dimensions

    def embed_query(self, text: str) -> np.ndarray:
        return unit(_loaded(self.directory).vector(self.query_prefix + text))

    def embed_passages(self, texts: Sequence[str]) -> np.ndarray:
        vector = _loaded(self.directory).vector
        made = [unit(vector(self.passage_prefix + text)) for text in texts]
        return np.stack(made) if made else np.zeros((0, self.dimensions), np.float32)


@lru_cache(maxsize=2)
def _loaded(directory: Path) -> _Loaded:
    """The model and its tokenizer; raises EmbedderAway, and then tries anew next time.

    Loading takes about a second for each gigabyte.
    """
    from search.embedders.onnx_model import OnnxModel

    try:
        model_file = _model_file(directory)
        pooling = _pooling(directory)
        tokens, files = _tokenizer(directory)
        model = OnnxModel(model_file, pooling=pooling)
        weights = model_file.with_name(_WEIGHTS_BESIDE.format(model_file.name))
        digest = _digest([model_file, weights, *files, directory / _POOLING])
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise EmbedderAway(
            f"EMBEDDER_DIRECTORY cannot be read ({type(error).__name__}: {error})."
        ) from error

    def vector(text: str) -> np.ndarray:
        return model.vector(tokens(text))

    return _Loaded(digest=digest, dimensions=len(vector("a")), vector=vector)


def _model_file(directory: Path) -> Path:
    for name in _MODELS:
        if (directory / name).is_file():
            return directory / name
    raise FileNotFoundError(f"no {' and no '.join(_MODELS)}")


def _pooling(directory: Path) -> Pooling:
    said = _json(directory / _POOLING)
    if said.get("pooling_mode_cls_token"):
        return "cls"
    if said and not said.get("pooling_mode_mean_tokens", True):
        raise ValueError(f"{_POOLING} asks for a pooling that is neither mean nor cls")
    return "mean"


def _tokenizer(directory: Path) -> tuple[Callable[[str], list[int]], list[Path]]:
    """What makes token ids, and the files that decide how."""
    length = _json(directory / _LENGTH).get("max_seq_length", _USUAL_TOKENS)
    most = max(8, min(int(length), _MOST_TOKENS))
    settled = [directory / _LENGTH, directory / _TOKENIZER]
    whole, vocabulary = directory / "tokenizer.json", directory / "vocab.txt"
    if whole.is_file() and (by_package := _by_package(whole, most_tokens=most)):
        return by_package, [*settled, whole]
    if not vocabulary.is_file():
        raise FileNotFoundError(
            "no vocab.txt, and no tokenizer.json with the package tokenizers"
        )
    is_uncased = bool(_json(directory / _TOKENIZER).get("do_lower_case", True))
    pieces = wordpiece.from_file(vocabulary, most_tokens=most, is_uncased=is_uncased)
    return pieces.encode, [*settled, vocabulary]


def _by_package(path: Path, *, most_tokens: int) -> Callable[[str], list[int]] | None:
    try:
        from tokenizers import Tokenizer
    except ImportError:
        return None
    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.no_padding()
    tokenizer.enable_truncation(max_length=most_tokens)

    def encode(text: str) -> list[int]:
        return list(tokenizer.encode(text).ids)

    return encode


def _json(path: Path) -> dict[str, Any]:
    """What a settings file says; nothing if it is not there."""
    if not path.is_file():
        return {}
    said = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(said, dict):
        raise ValueError(f"{path.name} holds no settings")
    return said


def _digest(paths: Sequence[Path]) -> str:
    """Of the files that are there, each with its name and size before its bytes."""
    digest = hashlib.sha256()
    for path in paths:
        if not path.is_file():
            continue
        digest.update(f"{path.name} {path.stat().st_size}\n".encode())
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
    return digest.hexdigest()
