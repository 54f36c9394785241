"""The resources that the suite reads and subscribes to."""

from __future__ import annotations

import json
import re

from access.principals import Principal
from mcp_api.calls import Call
from mcp_api.conformance import samples
from mcp_api.resources import ResourceNotFound
from mcp_api.wire import Json

_CONTENTS: dict[str, Json] = {
    "test://static-text": {
        "mimeType": "text/plain",
        "text": "This is the content of the static text resource.",
    },
    "test://static-binary": {"mimeType": "image/png", "blob": samples.PNG},
    "test://watched-resource": {"mimeType": "text/plain", "text": "Watched."},
}
_TEMPLATE = "test://template/{id}/data"
_FROM_TEMPLATE = re.compile(r"test://template/([^/]{1,100})/data")


def listing(params: Json, call: Call) -> Json:
    return {
        "resources": [
            {
                "uri": uri,
                "name": uri.removeprefix("test://"),
                "description": f"A resource for testing: {uri}.",
                "mimeType": content["mimeType"],
            }
            for uri, content in _CONTENTS.items()
        ]
    }


def templates(params: Json, call: Call) -> Json:
    template = {
        "uriTemplate": _TEMPLATE,
        "name": "template",
        "description": "A resource for each id.",
        "mimeType": "application/json",
    }
    return {"resourceTemplates": [template]}


def read(params: Json, call: Call) -> Json:
    uri = str(params["uri"])
    return {"contents": [{"uri": uri, **_content(uri)}]}


def watchable(uri: str, principal: Principal) -> str:
    """These tell of themselves; raises ResourceNotFound for any other."""
    _content(uri)
    return uri


def _content(uri: str) -> Json:
    if uri in _CONTENTS:
        return _CONTENTS[uri]
    if found := _FROM_TEMPLATE.fullmatch(uri):
        data = {
            "id": found[1],
            "templateTest": True,
            "data": f"Data for ID: {found[1]}",
        }
        return {"mimeType": "application/json", "text": json.dumps(data)}
    raise ResourceNotFound("There is no such resource for testing.")
