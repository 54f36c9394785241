"""Without OAUTH_ENABLED there is none of it: no address, no table, no import."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

_LOOK = """
import django, sys
django.setup()
import memory_server.asgi, memory_server.urls
from django.apps import apps
from django.test import Client
from django.urls import Resolver404, get_resolver

print(sorted(
    name for name in sys.modules
    if name.split(".")[0] in ("oauth", "oauth2_provider", "oauthlib", "jwcrypto")
))
print([app.name for app in apps.get_app_configs() if "oauth" in app.name])
print(type(memory_server.asgi.mcp_application).__name__)
for path in (
    "/.well-known/oauth-protected-resource", "/.well-known/oauth-authorization-server",
    "/.well-known/oauth-protected-resource/mcp", "/oauth/authorize", "/oauth/token",
    "/oauth/revoke", "/oauth/register", "/console/connections/",
):
    try:
        print("served", get_resolver().resolve(path))
    except Resolver404:
        pass
"""


def test_nothing_of_it_is_there(tmp_path):
    environment = {
        **os.environ,
        "OAUTH_ENABLED": "0",
        "DJANGO_SETTINGS_MODULE": "memory_server.settings",
        "MEMORY_ROOT": str(tmp_path),
    }

    done = subprocess.run(
        [sys.executable, "-c", _LOOK],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.splitlines() == ["[]", "[]", "function"]


def test_the_issuer_must_be_an_origin_that_others_can_trust(settings):
    from oauth import checks

    for url, is_good in (
        ("https://memory.example", True),
        ("http://127.0.0.1:8000", True),
        ("http://memory.example", False),
        ("https://example.org/memory", False),
    ):
        settings.PUBLIC_URL = url
        assert (checks.issuer_is_an_origin() == []) is is_good, url


def test_a_public_server_is_not_left_in_test_mode(settings):
    from oauth import checks

    assert checks.tests_are_over() == []
    settings.OAUTH_TEST_CA_FILE = "/somewhere/ca.pem"
    assert [each.id for each in checks.tests_are_over()] == ["oauth.E002"]
