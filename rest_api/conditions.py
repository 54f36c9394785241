"""Conditional requests: a document's version number is its entity tag."""

from __future__ import annotations

import re

from rest_framework.request import Request

from knowledge.models import Document
from knowledge.publishing import VersionConflict
from refusals import InvalidArgument
from workspaces.models import Workspace

_TAG = re.compile(r'"(\d{1,9})"')
_WEAK_TAG = re.compile(r'(?:W/)?"(\d{1,9})"')


def tag(version_number: int) -> str:
    return f'"{version_number}"'


def is_known(request: Request, version_number: int) -> bool:
    """Whether the caller said that it holds this version already."""
    header = request.headers.get("If-None-Match", "")
    return header.strip() == "*" or str(version_number) in _WEAK_TAG.findall(header)


def expected_version(
    request: Request, *, workspace: Workspace, kind: str, path: str
) -> int | None:
    """The version that a write may replace, 0 for none at all, None for any.

    Raises VersionConflict for `If-Match: *` where nothing is.
    """
    unless, match = (
        request.headers.get(name, "").strip() for name in ("If-None-Match", "If-Match")
    )
    if (unless and match) or unless not in {"", "*"}:
        raise InvalidArgument(
            "A write takes If-Match, or If-None-Match: *.", hint="Send one of them."
        )
    if unless:
        return 0
    if match == "*":
        return _current_version(workspace=workspace, kind=kind, path=path)
    if not match:
        return None
    if found := _TAG.fullmatch(match):
        return int(found[1])
    raise InvalidArgument(
        "If-Match is not the version in double quotes.",
        hint='Send the ETag of a read unchanged, for example If-Match: "3".',
    )


def _current_version(*, workspace: Workspace, kind: str, path: str) -> int:
    number = (
        Document.objects.current()
        .filter(workspace=workspace, kind=kind, path=path)
        .values_list("version_number", flat=True)
        .first()
    )
    if number is None:
        raise VersionConflict(
            "There is no such document to replace.", current_version=0
        )
    return number
