"""Where an answer may go: nowhere but to what was registered."""

from __future__ import annotations

import pytest
from django.test import override_settings
from hypothesis import given
from hypothesis import strategies as st

from oauth import redirects

pytestmark = pytest.mark.usefixtures("schemes")


@pytest.fixture(scope="module")
def schemes():
    """What the operator lists, with a scheme of a desktop client."""
    with override_settings(OAUTH_REDIRECT_SCHEMES=["https", "http", "cursor"]):
        yield


LOOPBACK = "http://127.0.0.1:8888/callback"


@pytest.mark.parametrize(
    "uri",
    ["https://a.example/cb", "https://a.example/cb?x=1", "cursor://app/cb", LOOPBACK],
)
def test_what_was_registered_is_allowed(uri):
    assert redirects.is_allowed(uri, [uri])
    assert redirects.is_allowed(uri, ["https://b.example/", uri])


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
def test_any_port_of_the_own_machine_is_the_same(host):
    registered = [f"http://{host}/callback"]

    for port in ("", ":1", ":65535"):
        assert redirects.is_allowed(f"http://{host}{port}/callback", registered)


@pytest.mark.parametrize(
    ("uri", "registered"),
    [
        # Ports count everywhere else.
        ("https://a.example:444/cb", "https://a.example/cb"),
        ("https://127.0.0.1:444/cb", "https://127.0.0.1/cb"),
        # Names of the own machine are not each other.
        ("http://localhost:1/cb", "http://127.0.0.1:1/cb"),
        ("http://127.0.0.1/cb?", "http://127.0.0.1/cb"),
        ("http://127.0.0.1/cb;x", "http://127.0.0.1/cb"),
        ("http://127.0.0.1/CB", "http://127.0.0.1/cb"),
        ("http://127.0.0.1.evil.example/cb", "http://127.0.0.1/cb"),
        ("http://127.0.0.1:x/cb", "http://127.0.0.1/cb"),
        ("http://u@127.0.0.1/cb", "http://127.0.0.1/cb"),
        ("HTTPS://a.example/cb", "https://a.example/cb"),
        ("https://a.example/cb/../cb", "https://a.example/cb"),
        ("https://a.example/%63b", "https://a.example/cb"),
    ],
)
def test_what_is_nearly_registered_is_not(uri, registered):
    assert not redirects.is_allowed(uri, [registered])


@pytest.mark.parametrize(
    "uri",
    [
        "http://a.example/cb",
        "https://a.example/cb#x",
        "https://u:p@a.example/cb",
        "https://a.example/c b",
        "https://a.example\\@evil.example/cb",
        "https://a.example/\ncb",
        "https://ä.example/cb",
        "javascript:alert(1)",
        "vscode://app/cb",
        "https://a.example/" + "x" * 2000,
        "/cb",
        "",
    ],
)
def test_some_addresses_cannot_be_registered_at_all(uri):
    assert not redirects.is_allowed(uri, [uri])


@given(st.text(max_size=60), st.sampled_from([LOOPBACK, "https://a.example/cb"]))
def test_only_the_port_of_the_own_machine_may_differ(tail, registered):
    """Whatever is appended to a registered address makes it another one."""
    assert redirects.is_allowed(registered + tail, [registered]) is (tail == "")


@given(st.text(max_size=80))
def test_no_text_is_too_odd_to_be_refused(uri):
    assert redirects.is_allowed(uri, ["https://a.example/cb"]) is (
        uri == "https://a.example/cb"
    )


@pytest.mark.parametrize(
    ("uri", "source"),
    [
        ("https://a.example:444/cb?x=1", "https://a.example:444"),
        (LOOPBACK, "http://127.0.0.1:8888"),
        ("http://[::1]:5/cb", "http:"),
        ("cursor://app/cb", "cursor:"),
    ],
)
def test_a_policy_can_name_where_an_answer_goes(uri, source):
    assert redirects.origin(uri) == source
