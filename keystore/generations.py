"""How often what a workspace holds has changed, so that kept answers know their age.

An answer is kept with the generation that it was computed at and is worth nothing at
any other. Whatever changes what recall would answer calls `advance`; it counts when the
caller's transaction has committed, so that an answer that is computed before never has
the generation of one computed after (ADR 16).
"""

from __future__ import annotations

from functools import partial

from django.db import transaction

import keystore

_ADVANCE = "for i = 1, #KEYS do redis.call('INCR', KEYS[i]) end"
_FORGET = """
for _, answer in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
    redis.call('DEL', answer)
end
redis.call('DEL', KEYS[1])
"""


def advance(workspace_id: int) -> None:
    """Count a change of what this workspace holds, or of who may read it.

    Redis away: answers kept before live to their end, fifteen seconds at most.
    """
    transaction.on_commit(partial(_advance, workspace_id))


def key(workspace_id: int | None) -> str:
    """Where the generation of a workspace is, or with None that of all together."""
    return keystore.key("generation", "all" if workspace_id is None else workspace_id)


def forget_answers() -> None:
    """Delete every kept answer now: they are nobody's after a change, but still there.

    Redis away: they end by themselves within fifteen seconds.
    """
    try:
        keystore.run(_FORGET, [answers_key()])
    except keystore.Away:
        return


def answers_key() -> str:
    """The index of kept answers, by when they were last asked for."""
    return keystore.key("answers")


def _advance(workspace_id: int) -> None:
    try:
        keystore.run(_ADVANCE, [key(workspace_id), key(None)])
    except keystore.Away:
        # What was written stands; see `advance` for what this costs.
        return
