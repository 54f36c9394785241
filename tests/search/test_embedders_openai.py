import logging
import math
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import numpy as np
import pytest
from django.core.cache import cache
from embedding_server import DIMENSIONS, after, serving, status, vector_of, well

from search.embedders import breaker, openai
from search.embedders.embedder import EmbedderAway, TextRefused
from search.embedders.openai import OpenAIEmbedder


@pytest.fixture
def server():
    with serving() as running:
        yield running
        openai._client().close()
        openai._client.cache_clear()


@pytest.fixture
def embedder(server):
    made = OpenAIEmbedder(
        url=server.url, model="small", dimensions=DIMENSIONS, key="secret-key"
    )
    # The port may have been another test's a moment ago.
    cache.delete(breaker.Breaker(f"{made.url} {made.name}")._key)
    return made


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Shorter waits."""
    monkeypatch.setattr(openai, "QUERY_SECONDS", 0.5)
    monkeypatch.setattr(openai, "PASSAGES_SECONDS", 3.0)
    monkeypatch.setattr(openai, "_FIRST_PAUSE_SECONDS", 0.05)
    breaker._away_until.clear()


def test_passages_come_back_in_their_order_and_of_unit_length(server, embedder):
    texts = [f"text {n}" for n in range(openai.TEXTS_A_REQUEST + 3)]

    vectors = embedder.embed_passages(texts)

    assert vectors.shape == (len(texts), DIMENSIONS)
    assert vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    for text, vector in zip(texts, vectors, strict=True):
        assert np.allclose(
            vector, np.array(vector_of(text)) / math.hypot(*vector_of(text))
        )
    assert [len(asked["input"]) for _, _, asked in server.asked] == [32, 3]


def test_no_texts_need_no_request(server, embedder):
    assert embedder.embed_passages([]).shape == (0, DIMENSIONS)
    assert server.asked == []


def test_a_request_is_openais(server, embedder):
    embedder.embed_query("how?")

    [(path, headers, asked)] = server.asked
    assert path == "/v1/embeddings"
    assert headers["authorization"] == "Bearer secret-key"
    assert asked == {"model": "small", "input": ["how?"]}


def test_without_a_key_none_is_sent(server):
    OpenAIEmbedder(url=server.url, model="m", dimensions=DIMENSIONS).embed_query("x")

    [(_, headers, _)] = server.asked
    assert "authorization" not in headers


def test_prefixes_go_before_the_texts(server):
    embedder = OpenAIEmbedder(
        url=f"{server.url}/embeddings/",
        model="e5",
        dimensions=DIMENSIONS,
        query_prefix="query: ",
        passage_prefix="passage: ",
    )

    embedder.embed_query("a")
    embedder.embed_passages(["b"])

    assert [path for path, _, _ in server.asked] == ["/v1/embeddings"] * 2
    assert [asked["input"] for _, _, asked in server.asked] == [
        ["query: a"],
        ["passage: b"],
    ]


def test_a_name_tells_what_decides_about_a_passages_vector(server):
    def name(**changed):
        values = {"url": server.url, "model": "m", "dimensions": 32} | changed
        return OpenAIEmbedder(**values).name

    assert name() == name(url="http://elsewhere/v1", key="k", query_prefix="q: ")
    assert (
        len({name(), name(model="n"), name(passage_prefix="p"), name(dimensions=8)})
        == 4
    )
    assert len(name(model="m" * 200)) <= 64


@pytest.mark.parametrize("failure", [status(500), status(503), status(429)])
def test_passages_are_asked_for_again_after_a_passing_failure(
    server, embedder, failure
):
    server.answers = [failure, failure]

    assert embedder.embed_passages(["x"]).shape == (1, DIMENSIONS)
    assert len(server.asked) == 3


def test_passages_wait_as_long_as_the_server_asks(server, embedder):
    server.answers = [status(429, **{"Retry-After": "1"})]
    began = time.monotonic()

    embedder.embed_passages(["x"])

    assert time.monotonic() - began >= 1.0


def test_a_wait_until_a_date_is_understood(server, embedder):
    then = datetime.now(UTC) + timedelta(seconds=100)
    server.answers = [
        status(503, **{"Retry-After": format_datetime(then, usegmt=True)})
    ]

    with pytest.raises(EmbedderAway) as caught:
        embedder.embed_passages(["x"])

    assert 90 < caught.value.retry_after_seconds <= 100


@pytest.mark.parametrize("said", ["soon", "nan", "-5", "Wed, 21 Oct 2015 07:28:00"])
def test_a_wait_that_means_nothing_is_not_waited_for(server, embedder, said):
    server.answers = [status(503, **{"Retry-After": said})]
    began = time.monotonic()

    assert len(embedder.embed_passages(["x"])) == 1
    assert time.monotonic() - began < 1


def test_a_wait_longer_than_a_job_may_take_is_handed_to_the_job(server, embedder):
    server.answers = [status(429, **{"Retry-After": "120"})]

    with pytest.raises(EmbedderAway, match="429") as caught:
        embedder.embed_passages(["x"])

    assert caught.value.retry_after_seconds == 120
    assert len(server.asked) == 1


def test_passages_are_not_asked_for_for_ever(server, embedder):
    server.always = status(500)

    with pytest.raises(EmbedderAway, match="500"):
        embedder.embed_passages(["x"])

    assert len(server.asked) == 4


@pytest.mark.parametrize("code", [301, 401, 403, 404])
def test_a_lasting_refusal_is_not_repeated(server, embedder, code):
    server.always = status(code, location="http://127.0.0.1:9/v1")

    with pytest.raises(EmbedderAway, match=str(code)):
        embedder.embed_passages(["x"])

    assert len(server.asked) == 1


def test_a_text_too_long_for_the_model_is_shortened(server, embedder):
    def picky(asked):
        if any(len(text) > 400 for text in asked["input"]):
            return 400, {}, {"error": {"message": "too long"}}
        return well(asked)

    server.always = picky

    vectors = embedder.embed_passages(["short", "l" * 1000])

    expected = OpenAIEmbedder(
        url=server.url, model="m", dimensions=DIMENSIONS
    ).embed_passages(["short", "l" * 250])
    assert np.array_equal(vectors, expected)


def test_a_request_refused_whatever_its_length_ends(server, embedder):
    server.always = status(400)

    with pytest.raises(TextRefused, match="400"):
        embedder.embed_passages(["short", "l" * 2000])

    assert len(server.asked) <= 8


def changed(change):
    def answer(asked):
        code, headers, told = well(asked)
        change(told["data"])
        return code, headers, told

    return answer


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (changed(lambda data: data.pop()), "gave 1 vectors for 2"),
        (changed(lambda data: data.append(data[0])), "gave 3 vectors for 2"),
        (
            changed(lambda data: data[0].update(index=data[1]["index"])),
            "gave 2 vectors",
        ),
        (changed(lambda data: data[0]["embedding"].append(1.0)), "33 dimensions"),
        (changed(lambda data: data[0].update(embedding="AAAA")), "dimensions"),
        (changed(lambda data: data[0].update(embedding=[0.0] * 32)), "direction"),
        (changed(lambda data: data[0].update(embedding=["x"] * 32)), "none"),
        (changed(lambda data: data[0].pop("index")), "form"),
        (lambda asked: (200, {}, b"<html>"), "form"),
        (lambda asked: (200, {}, {"data": None}), "form"),
        (lambda asked: (200, {}, b"[" + b"1," * 2_000_000 + b"1]"), "does not end"),
    ],
)
def test_an_answer_that_is_not_the_vectors_asked_for_is_refused(
    server, embedder, bad, said
):
    server.always = bad

    with pytest.raises(EmbedderAway, match=said):
        embedder.embed_passages(["a", "b"])


def test_a_query_waits_no_longer_than_it_may(server, embedder):
    server.always = after(3)
    began = time.monotonic()

    with pytest.raises(EmbedderAway):
        embedder.embed_query("x")

    assert time.monotonic() - began < 1.5


@pytest.mark.parametrize("bad", [status(500), status(401), after(1), changed(list.pop)])
def test_after_a_failure_queries_do_not_wait_for_a_minute(server, embedder, bad):
    server.answers = [bad]
    with pytest.raises(EmbedderAway):
        embedder.embed_query("x")
    # Another process knows of it by the cache alone.
    breaker._away_until.clear()

    with pytest.raises(EmbedderAway, match="a moment ago"):
        embedder.embed_query("x")

    assert len(server.asked) == 1


def test_a_question_that_the_model_refuses_costs_the_others_nothing(server, embedder):
    server.answers = [status(400)]
    with pytest.raises(TextRefused, match="400"):
        embedder.embed_query("x")

    assert embedder.embed_query("y").shape == (DIMENSIONS,)


def test_after_its_minute_the_endpoint_is_asked_again(server, embedder, monkeypatch):
    monkeypatch.setattr(breaker, "AWAY_SECONDS", 1)
    server.answers = [status(500)]
    with pytest.raises(EmbedderAway):
        embedder.embed_query("x")
    time.sleep(1.1)

    assert embedder.embed_query("x").shape == (DIMENSIONS,)


def test_the_breaker_works_without_redis(server, embedder, settings):
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": "unix:///nowhere/valkey.sock",
        }
    }
    server.answers = [status(500)]

    for _ in range(2):
        with pytest.raises(EmbedderAway):
            embedder.embed_query("x")

    assert len(server.asked) == 1


def test_an_endpoint_that_is_not_there_is_away():
    embedder = OpenAIEmbedder(
        url="http://127.0.0.1:1/v1", model="m", dimensions=DIMENSIONS
    )

    with pytest.raises(EmbedderAway, match="ConnectError"):
        embedder.embed_query("x")


@pytest.mark.parametrize(
    "changed_to", [{"url": "http://[::1"}, {"url": "nowhere"}, {"key": "k\u00e9y"}]
)
def test_settings_that_http_cannot_send_are_told(server, changed_to):
    values = {"url": server.url, "model": "m", "dimensions": DIMENSIONS} | changed_to

    with pytest.raises(EmbedderAway, match=r"not answer|cannot be sent"):
        OpenAIEmbedder(**values).embed_passages(["x"])


def test_the_key_is_never_shown(server, embedder, caplog):
    caplog.set_level(logging.DEBUG)
    server.answers = [status(401)]
    with pytest.raises(EmbedderAway) as caught:
        embedder.embed_query("x")

    assert "secret-key" not in repr(embedder)
    assert "secret-key" not in str(caught.value) + repr(caught.value.__cause__)
    assert "secret-key" not in caplog.text
