"""Clients whose id is the address of their description, and what that must not do."""

from __future__ import annotations

import time
from urllib.parse import urlencode

import pytest
from django.test import Client
from documents_server import dripping, sending
from documents_server import serving as serving_documents
from flow import Flow
from oauth2_provider.cimd import CIMDError
from oauth2_provider.models import get_application_model

from oauth import client_documents
from oauth.client_documents import MAX_BYTES, TIMEOUT_SECONDS, Fetcher

CALLBACK = "http://127.0.0.1:50123/callback"


@pytest.fixture(scope="module")
def documents(tmp_path_factory):
    with serving_documents(tmp_path_factory.mktemp("documents")) as running:
        yield running


@pytest.fixture
def under_test(documents, settings):
    """This machine's documents may be fetched, and its certificate is believed."""
    settings.OAUTH_TEST_CA_FILE = str(documents.ca_file)
    documents.asked.clear()
    documents.answers.clear()
    return documents


def test_a_described_client_signs_in(under_test, browser):
    flow = Flow(browser, under_test.describe(), CALLBACK)

    page = flow.page().content.decode()
    given = flow.tokens()

    assert "Described assistant" in page
    assert f"<strong>{under_test.base.removeprefix('https://')}</strong>" in page
    # Any program there could wait for the answer in its place.
    assert "on the machine in front of you" in page
    assert given["access_token"].startswith("fms_ai_")


def test_a_document_is_read_once_while_it_is_fresh(under_test, browser):
    flow = Flow(browser, under_test.describe(), CALLBACK)

    for _ in range(3):
        assert flow.page().status_code == 200

    assert under_test.asked == ["/client.json"]


def test_nobody_without_a_login_makes_the_server_fetch(under_test, db):
    client_id = under_test.describe()
    flow = Flow(Client(), client_id, CALLBACK)

    assert flow.page().status_code == 302
    assert flow.page(prompt="none").status_code == 302
    assert flow.redeem("code").status_code == 401
    assert flow.revoke("token").status_code == 401
    assert under_test.asked == []


def test_hosts_that_the_operator_did_not_name_are_not_asked(
    under_test, browser, settings
):
    settings.OAUTH_CLIENT_HOSTS = [".assistant.example"]
    flow = Flow(browser, under_test.describe(), CALLBACK)

    assert flow.page().status_code == 400
    assert under_test.asked == []


def test_an_address_that_the_document_does_not_name_is_refused(under_test, browser):
    flow = Flow(browser, under_test.describe(), "https://evil.example/callback")

    assert flow.page().status_code == 400


def test_a_document_that_speaks_for_another_is_refused(under_test, browser):
    under_test.describe("/real.json")
    under_test.answers["/fake.json"] = under_test.answers["/real.json"]
    flow = Flow(browser, under_test.client_id("/fake.json"), CALLBACK)

    assert flow.page().status_code == 400


@pytest.mark.parametrize(
    "changed",
    [
        {"token_endpoint_auth_method": "private_key_jwt"},
        {"client_secret": "s3cret"},
        {"redirect_uris": []},
        {"redirect_uris": ["http://127.0.0.1/callback"] * 30},
        {"redirect_uris": "http://127.0.0.1/callback"},
        {"grant_types": ["client_credentials"]},
        {"client_name": "x" * 300},
        {"client_name": "a\0b"},
    ],
    ids=lambda changed: "-".join(changed),
)
def test_documents_that_ask_for_too_much_are_refused(under_test, browser, changed):
    flow = Flow(browser, under_test.describe(**changed), CALLBACK)

    assert flow.page().status_code == 400
    assert not get_application_model().objects.exists()


# -- where the server goes -------------------------------------------------------------


def refused(client_id: str) -> str:
    with pytest.raises(CIMDError) as caught:
        Fetcher().fetch(client_id)
    return str(caught.value)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "[::1]",
        "0.0.0.0",
        "169.254.169.254",
        "10.0.0.8",
        "192.168.1.1",
        "172.16.0.1",
        "100.64.0.1",
        "[::ffff:127.0.0.1]",
        "[::ffff:169.254.169.254]",
        "[64:ff9b::7f00:1]",
        "[fd00::1]",
        "[fe80::1]",
        "2130706433",
        "127.1",
    ],
)
def test_addresses_that_are_not_public_are_not_connected_to(host):
    assert "not public" in refused(f"https://{host}/client.json")


def test_a_name_with_one_private_address_is_not_connected_to(monkeypatch):
    def resolved(host, port, **_):
        return [(2, 1, 6, "", (each, port)) for each in ("93.184.216.34", "10.0.0.1")]

    monkeypatch.setattr(client_documents.socket, "getaddrinfo", resolved)

    assert "10.0.0.1, which is not public" in refused("https://a.example/client.json")


@pytest.mark.parametrize(
    "client_id",
    [
        "http://a.example/client.json",
        "https://a.example",
        "https://u:p@a.example/client.json",
        "https://a.example/client.json#x",
        "https://a.example/../client.json",
        "https://a.example:99999/client.json",
        "https:///client.json",
    ],
)
def test_what_is_no_address_of_a_document_is_not_looked_up(client_id, monkeypatch):
    def never(*_arguments, **_more):
        raise AssertionError("looked up")

    monkeypatch.setattr(client_documents.socket, "getaddrinfo", never)

    assert refused(client_id)


def test_this_machine_is_reached_only_by_a_server_that_is_not_public(
    under_test, settings
):
    client_id = under_test.describe()
    assert Fetcher().fetch(client_id)[0]["client_id"] == client_id

    settings.PUBLIC_URL = "https://memory.example"

    assert "not public" in refused(client_id)


def test_a_certificate_of_another_name_is_not_believed(under_test):
    client_id = under_test.describe().replace("localhost", "127.0.0.1")

    assert "certificate" in refused(client_id).lower()


# -- what comes back -------------------------------------------------------------------


def test_a_redirect_is_not_followed(under_test):
    under_test.describe("/real.json")
    under_test.answers["/client.json"] = sending(
        b"", status=302, Location=under_test.client_id("/real.json")
    )

    assert "answered 302" in refused(under_test.client_id())
    assert under_test.asked == ["/client.json"]


@pytest.mark.parametrize("size", [MAX_BYTES + 1, 20_000_000])
def test_a_large_document_is_not_read_to_its_end(under_test, size):
    under_test.answers["/client.json"] = sending(b" " * size)

    assert "larger than" in refused(under_test.client_id())


@pytest.mark.parametrize("head", [True, False], ids=["in its head", "in its body"])
def test_a_slow_document_is_given_up(under_test, head, monkeypatch):
    monkeypatch.setattr(client_documents, "TIMEOUT_SECONDS", 0.5)
    under_test.answers["/client.json"] = dripping(head=head)
    began = time.monotonic()

    assert "Timeout" in refused(under_test.client_id())

    # It would drip for half a minute.
    assert time.monotonic() - began < 10
    assert TIMEOUT_SECONDS <= 5


@pytest.mark.parametrize(
    "answer",
    [
        sending(b"{}", status=500),
        sending(b"<html>", kind="text/html"),
        sending(b"not json"),
        sending(b"[]"),
        sending(b"\xff\xfe"),
        sending(b"\x1f\x8b\x08\x00", **{"Content-Encoding": "gzip"}),
    ],
)
def test_what_is_no_document_is_refused(under_test, answer):
    under_test.answers["/client.json"] = answer

    assert refused(under_test.client_id())


def test_a_document_that_failed_is_left_alone_for_a_while(under_test, browser):
    flow = Flow(browser, under_test.client_id(), CALLBACK)

    for _ in range(3):
        assert flow.page().status_code == 400

    assert under_test.asked == ["/client.json"]


def test_long_ids_are_refused_before_anything(browser):
    long = "https://a.example/" + "x" * 5000
    address = f"/oauth/authorize?{urlencode({'client_id': long})}"

    assert browser.get(address).status_code == 400
