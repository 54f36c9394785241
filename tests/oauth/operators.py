"""An operator with a browser: signs in, looks at the consent page, answers it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from html import unescape

import httpx

from memory_server.scratch import Server, serving

PASSWORD = "a password of a test 1"


@dataclass
class Operator:
    """Speaks HTTP to a running server and carries the cookies of its login."""

    base: str
    browser: httpx.Client

    def sign_in(self) -> None:
        page = self.browser.get(f"{self.base}/admin/login/")
        form = {"username": "operator", "password": PASSWORD, **_csrf(page.text)}
        answer = self.browser.post(f"{self.base}/admin/login/?next=/admin/", data=form)
        assert answer.status_code == 302, answer.text[:500]

    def answer(self, address: str, answer: str = "allow") -> str:
        """Open the page that a client sent the operator to; where the answer leads."""
        page = self.browser.get(address)
        assert page.status_code == 200, _plain(page.text)[:3000]
        scopes = re.findall(r'name="scopes" value="(\w+)"', page.text)
        form = {"answer": answer, "scopes": scopes, "workspace": "", **_csrf(page.text)}
        reply = self.browser.post(address, data=form)
        assert reply.status_code == 302, _plain(reply.text)[:3000]
        return reply.headers["location"]

    def read(self, path: str) -> str:
        page = self.browser.get(f"{self.base}{path}")
        assert page.status_code == 200, page.text[:500]
        return unescape(page.text)

    def press(self, path: str) -> str:
        """Send the form of a page."""
        form = _csrf(self.read(path))
        return unescape(self.browser.post(f"{self.base}{path}", data=form).text)


@contextmanager
def serving_clients_that_sign_in(**settings: str) -> Iterator[Server]:
    """A server with OAuth, its console's pages and an operator's account."""
    given = {"EMBEDDINGS_ENABLED": "0", "OAUTH_ENABLED": "1", **settings}
    with serving(**given) as running:
        # Static files are found when the process starts.
        running.stop()
        running.manage("collectstatic", "--noinput", "-v0")
        running.start()
        running.manage(
            "createsuperuser",
            "--noinput",
            "--username=operator",
            "--email=operator@example.org",
            DJANGO_SUPERUSER_PASSWORD=PASSWORD,
        )
        yield running


@contextmanager
def an_operator(server: Server) -> Iterator[Operator]:
    """The operator, signed in to the console."""
    with httpx.Client(timeout=60) as browser:
        operator = Operator(server.base, browser)
        operator.sign_in()
        yield operator


def _plain(page: str) -> str:
    """What a page says, without how it looks."""
    words = re.sub(r"(?s)<(style|script|svg).*?</\1>|<[^>]+>", " ", page)
    return " ".join(unescape(words).split())


def _csrf(page: str) -> dict[str, str]:
    found = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
    assert found, page[:500]
    return {"csrfmiddlewaretoken": found[1]}
