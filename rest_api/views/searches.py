from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from access import scoping
from access.requirements import Requirement
from knowledge import searching as documents
from refusals import InvalidArgument
from rest_api.resource import Resource
from rest_api.serializers import Searching
from rest_api.wire import hits_fields
from sessions import searching as transcripts

_ONLY_OF = {
    "sessions": ("roles", "group_by_session"),
    "knowledge": ("path_prefix",),
}


class SearchView(Resource):
    """Search over everything that the token may read."""

    requirement = Requirement()
