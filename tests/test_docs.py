"""The documents name every setting, tool, command, route and error code there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.apps import apps
from django.core.management import get_commands
from django.urls import URLPattern, URLResolver, get_resolver

from mcp_api.registry import tools
from refusals import HTTP_STATUS, Code

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
OURS = {app.name for app in apps.get_app_configs() if (ROOT / app.name).is_dir()}
ENVIRONMENT = re.compile(r'\benv(?:\.\w+)?\(\s*"([A-Z][A-Z0-9_]*)"')


def document(name: str) -> str:
    return (DOCS / name).read_text()


def environment_names() -> list[str]:
    sources = [
        ROOT / "memory_server" / "settings.py",
        *ROOT.glob("memory_server/**/*.py"),
    ]
    found = {name for path in sources for name in ENVIRONMENT.findall(path.read_text())}
    return sorted(found)


def our_commands() -> list[str]:
    return sorted(
        name
        for name, app in get_commands().items()
        if (app if isinstance(app, str) else app.__module__).split(".")[0] in OURS
    )


def routes() -> list[str]:
    """Every address of ours, as the documents write it: {name} for a parameter."""

    def walk(patterns, prefix):
        for pattern in patterns:
            if isinstance(pattern, URLResolver):
                if pattern.app_name not in {"admin", "console"}:
                    yield from walk(pattern.url_patterns, prefix + str(pattern.pattern))
            elif isinstance(pattern, URLPattern):
                yield prefix + str(pattern.pattern)

    addresses = walk(get_resolver().url_patterns, "/")
    return sorted(re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", each) for each in addresses)


@pytest.mark.parametrize("name", environment_names())
def test_setting_is_documented(name):
    assert f"`{name}`" in document("operations.md")


@pytest.mark.parametrize("name", our_commands())
def test_command_is_documented(name):
    assert re.search(rf"`(manage\.py )?{name}\b", document("operations.md"))


@pytest.mark.parametrize("name", list(tools()))
def test_tool_is_documented(name):
    assert re.search(rf"\b{name}\b", document("mcp.md"))


def test_tool_descriptions_name_no_tool_that_is_not_there():
    words = set(re.findall(r"`([a-z]+_[a-z_]+)`", document("mcp.md")))
    looks_like_a_tool = re.compile(
        r"(get|list|register|read|search|write|delete|upload)_"
        r"(overview|workspaces?|knowledge|sessions?)"
    )
    assert {word for word in words if looks_like_a_tool.fullmatch(word)} <= set(tools())


@pytest.mark.parametrize("route", routes())
def test_route_is_documented(route):
    # rest.md calls the parameters as clients know them.
    written = route.replace("{slug}", "{id}")
    short = written.replace("/api/v1/workspaces/{id}", "…")
    text = document("rest.md") + document("oauth.md")
    assert re.search(
        rf"`(GET|POST|PUT|PATCH|HEAD|DELETE) {re.escape(written)}[`?]", text
    ) or (f" {short}`" in text)


@pytest.mark.parametrize("code", list(Code))
def test_error_code_is_documented_with_its_status(code):
    assert f"| `{code}` | {HTTP_STATUS[code]} |" in document("errors.md")


def test_no_error_code_is_documented_that_is_not_there():
    documented = re.findall(r"^\| `([A-Z_]+)` \|", document("errors.md"), re.MULTILINE)
    assert sorted(documented) == sorted(Code)


def test_every_error_code_has_a_status():
    assert set(HTTP_STATUS) == set(Code)


@pytest.mark.parametrize(
    "path", sorted(ROOT.glob("docs/**/*.md")), ids=lambda p: p.name
)
def test_links_between_documents_lead_somewhere(path):
    targets = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", path.read_text())
    broken = [
        target
        for target in targets
        if "://" not in target and not (path.parent / target).exists()
    ]
    assert broken == []
