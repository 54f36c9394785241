"""Vectors from an endpoint that speaks OpenAI's embeddings API, local or far away.

Texts leave this machine only if the operator names an endpoint elsewhere.
"""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import Any

import httpx
import numpy as np
import orjson

from search.embedders.breaker import Breaker
from search.embedders.embedder import NAME_CHARS, EmbedderAway, TextRefused, unit

QUERY_SECONDS = 2.0
_CONNECT_SECONDS = 1.0
# A job holds its lease for a minute.
PASSAGES_SECONDS = 45.0
TEXTS_A_REQUEST = 32
# What servers answer to a text that is longer than the model takes.
_TEXT_REFUSED = {400, 413, 422}
_SHORTEST_CHARS = 200
_ATTEMPTS = 4
_FIRST_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 600.0
# JSON spends some 22 bytes on each number.
_BYTES_A_NUMBER = 64
_SPARE_BYTES = 1 << 20


class _Failed(Exception):
    """One request failed.

    `is_passing`: another try may help. `is_for_text`: the texts are to blame.
    """

    def __init__(
        self,
        message: str,
        *,
        is_passing: bool = False,
        is_for_text: bool = False,
        wait_seconds: float | None = None,
    ) -> None:
        super().__init__(message)
        self.is_passing = is_passing
        self.is_for_text = is_for_text
        self.wait_seconds = wait_seconds


@dataclass(frozen=True)
class OpenAIEmbedder:
    """A model behind `url`, such as http://127.0.0.1:11434/v1; the key may be empty."""

    url: str
    model: str
    dimensions: int
    key: str = field(default="", repr=False)
    query_prefix: str = ""
    passage_prefix: str = ""

    @property
    def name(self) -> str:
        """The model and what else decides about a passage's vector.

        Not the address: the same model may move to another one.
        """
        told = f"{self.model}\n{self.passage_prefix}\n{self.dimensions}"
        digest = hashlib.sha256(told.encode()).hexdigest()[:8]
        return f"openai/{self.model[: NAME_CHARS - 16]}/{digest}"

    def embed_query(self, text: str) -> np.ndarray:
        breaker = Breaker(f"{self.url} {self.name}")
        if breaker.is_open():
            raise EmbedderAway("The embedding endpoint was away a moment ago.")
        until = time.monotonic() + QUERY_SECONDS
        try:
            vector = self._asked([self.query_prefix + text], until=until)[0]
        except _Failed as error:
            if error.is_for_text:
                raise TextRefused(str(error)) from error
            breaker.failed()
            raise EmbedderAway(str(error)) from error
        breaker.worked()
        return np.asarray(vector)

    def embed_passages(self, texts: Sequence[str]) -> np.ndarray:
        until = time.monotonic() + PASSAGES_SECONDS
        made = [np.zeros((0, self.dimensions), np.float32)]
        for start in range(0, len(texts), TEXTS_A_REQUEST):
            batch = [
                self.passage_prefix + text
                for text in texts[start : start + TEXTS_A_REQUEST]
            ]
            made.append(self._accepted(batch, until=until))
        return np.concatenate(made)

    def _accepted(self, texts: list[str], *, until: float) -> np.ndarray:
        """Ask; texts that the model refuses are shortened, each by itself."""
        try:
            return self._asked_patiently(texts, until=until)
        except _Failed as error:
            if not error.is_for_text:
                raise EmbedderAway(str(error)) from error
            if max(map(len, texts)) <= _SHORTEST_CHARS:
                raise TextRefused(str(error)) from error
        if len(texts) == 1:
            return self._accepted([texts[0][: len(texts[0]) // 2]], until=until)
        return np.concatenate([self._accepted([each], until=until) for each in texts])

    def _asked_patiently(self, texts: Sequence[str], *, until: float) -> np.ndarray:
        """Ask, and again after a pause if that may help and there is time for it.

        Raises EmbedderAway, and _Failed if asking again does not help.
        """
        for attempt in range(_ATTEMPTS):
            try:
                return self._asked(texts, until=until)
            except _Failed as error:
                pause = error.wait_seconds or _FIRST_PAUSE_SECONDS * 2**attempt
                if not error.is_passing:
                    raise
                if attempt == _ATTEMPTS - 1 or time.monotonic() + pause >= until:
                    raise EmbedderAway(
                        str(error),
                        retry_after_seconds=min(
                            max(error.wait_seconds or 60.0, 1.0), _LONGEST_PAUSE_SECONDS
                        ),
                    ) from error
                time.sleep(pause)
        raise AssertionError("unreachable")

    def _asked(self, texts: Sequence[str], *, until: float) -> np.ndarray:
        """One request; raises _Failed and TextRefused."""
        most = _SPARE_BYTES + len(texts) * self.dimensions * _BYTES_A_NUMBER
        body = b"".join(self._received(texts, until=until, most_bytes=most))
        try:
            rows = orjson.loads(body)["data"]
            ordered = sorted(rows, key=lambda row: row["index"])
            indexes = [row["index"] for row in ordered]
            lists = [row["embedding"] for row in ordered]
        except (ValueError, TypeError, KeyError) as error:
            raise _Failed(
                "The embedding endpoint's answer is not of OpenAI's form.",
            ) from error
        if indexes != list(range(len(texts))):
            raise _Failed(
                f"The embedding endpoint gave {len(rows)} vectors for "
                f"{len(texts)} texts."
            )
        lengths = {len(each) if isinstance(each, list) else -1 for each in lists}
        if lengths != {self.dimensions}:
            raise _Failed(
                f"The embedding endpoint's vectors have {max(lengths)} dimensions; "
                f"EMBEDDER_DIMENSIONS says {self.dimensions}."
            )
        try:
            given = np.array(lists, dtype=np.float32)
        except (ValueError, TypeError) as error:
            raise _Failed("The embedding endpoint gave vectors that are none.") from (
                error
            )
        return unit(given)

    def _received(
        self, texts: Sequence[str], *, until: float, most_bytes: int
    ) -> Iterator[bytes]:
        left = until - time.monotonic()
        if left <= 0:
            raise _Failed("The embedding endpoint is too slow.", is_passing=True)
        headers = {"content-type": "application/json"}
        if self.key:
            headers["authorization"] = f"Bearer {self.key}"
        asked = orjson.dumps({"model": self.model, "input": list(texts)})
        try:
            with _client().stream(
                "POST",
                _address(self.url),
                content=asked,
                headers=headers,
                timeout=httpx.Timeout(left, connect=min(left, _CONNECT_SECONDS)),
            ) as answer:
                _check(answer)
                received = 0
                for chunk in answer.iter_bytes():
                    received += len(chunk)
                    # A timeout of the client starts anew with every byte.
                    if time.monotonic() > until or received > most_bytes:
                        raise _Failed(
                            "The embedding endpoint's answer does not end.",
                            is_passing=True,
                        )
                    yield chunk
        except (httpx.TransportError, httpx.DecodingError) as error:
            raise _Failed(
                f"The embedding endpoint does not answer ({type(error).__name__}).",
                is_passing=isinstance(error, httpx.TransportError),
            ) from error
        except (httpx.InvalidURL, UnicodeEncodeError) as error:
            raise _Failed(
                "EMBEDDER_URL or EMBEDDER_API_KEY cannot be sent over HTTP."
            ) from error


def _check(answer: httpx.Response) -> None:
    """Raise _Failed for a status that is not 200; its body is not repeated."""
    status = answer.status_code
    if status == 200:
        return
    raise _Failed(
        f"The embedding endpoint answers {status}.",
        is_passing=status == 429 or status >= 500,
        is_for_text=status in _TEXT_REFUSED,
        wait_seconds=_retry_after(answer.headers.get("retry-after", "")),
    )


def _retry_after(value: str) -> float | None:
    """Seconds to wait by RFC 9110, section 10.2.3: a number of them or a date."""
    try:
        seconds = float(value)
    except ValueError:
        try:
            then = parsedate_to_datetime(value)
        except ValueError:
            return None
        if then.tzinfo is None:
            then = then.replace(tzinfo=UTC)
        seconds = (then - datetime.now(UTC)).total_seconds()
    return max(seconds, 0.1) if math.isfinite(seconds) else None


def _address(url: str) -> str:
    stem = url.rstrip("/")
    return stem if stem.endswith("/embeddings") else f"{stem}/embeddings"


@lru_cache(maxsize=1)
def _client() -> Any:
    """One client keeps its connections for the whole process; threads may share it.

    It follows no redirect: the key goes where the operator sent it.
    """
    return httpx.Client(follow_redirects=False)
