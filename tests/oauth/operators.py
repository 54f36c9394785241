"""An operator with a browser: signs in, looks at the consent page, answers it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import unescape

import httpx

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
        assert page.status_code == 200, page.text[:3000]
        scopes = re.findall(r'name="scopes" value="(\w+)"', page.text)
        form = {"answer": answer, "scopes": scopes, "workspace": "", **_csrf(page.text)}
        reply = self.browser.post(address, data=form)
        assert reply.status_code == 302, reply.text[:3000]
        return reply.headers["location"]

    def read(self, path: str) -> str:
        page = self.browser.get(f"{self.base}{path}")
        assert page.status_code == 200, page.text[:500]
        return unescape(page.text)

    def press(self, path: str) -> str:
        """Send the form of a page."""
        form = _csrf(self.read(path))
        return unescape(self.browser.post(f"{self.base}{path}", data=form).text)


def _csrf(page: str) -> dict[str, str]:
    found = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
    assert found, page[:500]
    return {"csrfmiddlewaretoken": found[1]}
