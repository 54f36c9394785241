"""What the tests of the tools register and upload."""

import json

TRIPLE = {"machine": "laptop", "tool": "claude-code", "project": "shop"}
SLUG = "laptop-claude-code-shop"


def line(role, text, at="2026-11-20T10:00:00Z"):
    return json.dumps({"role": role, "content": text, "timestamp": at}) + "\n"


def transcript(*turns):
    return "".join(line(role, text) for role, text in turns)


TALK = transcript(
    ("user", "Why does the checkout page throw a NullBasketError?"),
    ("assistant", "The basket cookie is dropped by the proxy; I will pin SameSite."),
)
