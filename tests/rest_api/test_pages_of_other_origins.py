"""Which web pages may call the REST API from a browser."""

import asgi_requests
import pytest

KNOWN = "https://app.example"


@pytest.fixture(autouse=True)
def known(settings):
    settings.ALLOWED_ORIGINS = [KNOWN]


def ask(origin, path="/v1/health", method="GET", **headers):
    return asgi_requests.send(
        method, path, chunks=[b""], headers={"origin": origin, **headers}
    )


@pytest.mark.django_db(transaction=True)
def test_a_page_of_a_known_origin_reads_answers():
    answer = ask(KNOWN)

    assert answer.status == 200
    assert answer.headers["access-control-allow-origin"] == KNOWN
    assert "x-request-id" in answer.headers["access-control-expose-headers"]
    assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.django_db(transaction=True)
def test_its_refusals_are_read_too():
    answer = ask(KNOWN, "/v1/memories")

    assert answer.status == 401
    assert answer.headers["access-control-allow-origin"] == KNOWN


def test_its_browser_is_told_what_it_may_send():
    answer = ask(
        KNOWN,
        "/v1/memories",
        "OPTIONS",
        **{
            "access-control-request-method": "POST",
            "access-control-request-headers": "authorization, idempotency-key",
        },
    )

    assert answer.status == 204
    assert answer.headers["access-control-allow-origin"] == KNOWN
    assert "POST" in answer.headers["access-control-allow-methods"]
    allowed = answer.headers["access-control-allow-headers"]
    assert allowed == "authorization, idempotency-key"
    assert answer.headers["access-control-max-age"] == "600"


@pytest.mark.parametrize("origin", ["https://other.example", "null", f"{KNOWN}.evil"])
@pytest.mark.parametrize("method", ["GET", "OPTIONS"])
def test_a_page_of_another_origin_is_refused(origin, method):
    answer = ask(origin, method=method)

    assert (answer.status, answer.json["error"]["code"]) == (403, "ORIGIN_REFUSED")
    assert not [name for name in answer.headers if name.startswith("access-control")]


@pytest.mark.django_db(transaction=True)
def test_any_page_may_where_the_operator_says_so(settings):
    settings.ALLOWED_ORIGINS = ["*"]

    answer = ask("https://other.example")

    assert answer.headers["access-control-allow-origin"] == "https://other.example"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("path", ["/v1/billing/webhook", "/v1/webhooks/memory"])
def test_what_is_signed_may_come_from_any_page(path):
    answer = ask("https://pay.example", path, "POST")

    assert answer.json["error"]["code"] != "ORIGIN_REFUSED"
    assert "access-control-allow-origin" not in answer.headers
