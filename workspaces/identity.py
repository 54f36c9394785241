"""The readable id of a workspace, made from its machine, tool and project."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterator

MAX_PART_LENGTH = 40
MAX_SLUG_LENGTH = 128
_SUFFIX_LENGTH = 6


def slugify_part(text: str) -> str:
    """Reduce one part to lower-case ASCII words joined by hyphens.

    A part without any ASCII letter or digit becomes `x` and six hex digits of its
    SHA-256, so that two such parts rarely meet.
    """
    ascii_text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    words = re.sub(r"[^a-z0-9]+", "-", ascii_text.lower()).strip("-")
    return words[:MAX_PART_LENGTH].rstrip("-") or f"x{_digest(text)[:_SUFFIX_LENGTH]}"


def slug_candidates(*, machine: str, tool: str, project: str) -> Iterator[str]:
    """Yield the slugs that a triple may take, the plain one first, without end.

    The later ones carry a hash of the whole triple: two triples that meet in the plain
    slug must not share a workspace.
    """
    parts = (machine, tool, project)
    plain = "-".join(slugify_part(part) for part in parts)
    yield plain
    head = plain[: MAX_SLUG_LENGTH - _SUFFIX_LENGTH - 1].rstrip("-")
    attempt = 0
    while True:
        seed = "\0".join((*parts, str(attempt)) if attempt else parts)
        yield f"{head}-{_digest(seed)[:_SUFFIX_LENGTH]}"
        attempt += 1


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
