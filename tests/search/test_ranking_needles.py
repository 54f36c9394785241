"""Whoever types what stands verbatim in one passage gets that passage first."""

import random
import re

import pytest
from embedding_server import DIMENSIONS, serving
from messages import AT, message

from jobs.running import run_due
from search import meaning, passages, vector_cache
from search.embedders import breaker, openai
from search.finding import Query, find
from search.passages import Source

NEEDLES = [
    "fetchRowsById",
    "MAX_CLOCK_SKEW",
    "retry-after-seconds",
    "search/index/builder.py",
    "src/main/App.tsx:214",
    "v2.14.0-rc3",
    "the tablets parse the price as a string",
    "Do not restart the worker before the queue is empty",
    "why did we choose the smaller machine after all?",
    '"lock order is account before invoice"',
    "TypeError: compare_digest: comparing strings with non-ASCII characters",
    "ERROR 1213 (40001): Deadlock found when trying to get lock",
    "error[E0502]: cannot borrow `self.rows` as mutable",
    "connect ECONNREFUSED 10.4.0.17:5432",
]
# It stands in the middle of what people and tools write; {} is where.
PLACES = {
    "user": "By the way {} and that was all about it on that quokka day",
    "assistant": "I looked. " + "It took a while to see. " * 6 + "{} quokka is all.",
    "tool_input": '{{"command": "grep -n quokka", "pattern": "{}", "timeout": 30}}',
    "tool_output": "".join(f"quokka line {n} ok\n" for n in range(150))
    + "{}\n"
    + "".join(f"quokka line {n} done\n" for n in range(150)),
    "document": "## Quokka notes\n\nWritten down for later: {}.\n\nThe end.",
}
DISTRACTORS = 240
# An identifier, a path or something quoted.
IS_NAME = re.compile(r"^\S+$|^\"")


def shuffled(needle: str, *, seed: int) -> list[str]:
    """Messages with all words of the needle, over and over, never as it was typed."""
    chance = random.Random(seed)
    words = re.findall(r"[A-Z]?[a-z]+|[A-Z]+|\d+", needle)
    pieces = words if len(words) > 1 else [*words, "other"]
    made = []
    while len(made) < DISTRACTORS:
        drawn = pieces * chance.randint(1, 3)
        chance.shuffle(drawn)
        text = " ".join(drawn) + chance.choice(["", "?", " and so on", " I said"])
        if needle.strip('"').casefold() not in text.casefold():
            made.append(text)
    return made


@pytest.fixture
def endpoint(settings):
    """All texts mean the same as what is typed; only the needle's own passage does not,
    so that meaning says the opposite of what is right.
    """

    def always(asked: dict) -> tuple[int, dict, dict]:
        data = [
            {
                "index": index,
                "embedding": [
                    float(place == ("quokka" in text.casefold()))
                    for place in range(DIMENSIONS)
                ],
            }
            for index, text in enumerate(asked["input"])
        ]
        return 200, {}, {"data": data, "model": asked["model"]}

    with serving() as running:
        running.always = always
        settings.EMBEDDER = "openai"
        settings.EMBEDDER_URL = running.url
        settings.EMBEDDER_MODEL = "contrary"
        settings.EMBEDDER_DIMENSIONS = DIMENSIONS
        breaker._away_until.clear()
        meaning.forget()
        vector_cache.forget()
        yield running
        openai._client().close()
        openai._client.cache_clear()
        meaning.forget()
        vector_cache.forget()


@pytest.mark.parametrize("needle", NEEDLES)
def test_a_needle_comes_first(endpoint, workspace, needle):
    texts = shuffled(needle, seed=len(needle))
    for source_id in range(1, 7):
        passages.add(
            Source(workspace.pk, "transcript", source_id),
            [message(i, text) for i, text in enumerate(texts[source_id::6])],
            at=AT,
        )
    run_due()

    missed = []
    for source_id, (role, place) in enumerate(PLACES.items(), start=50):
        kind = "knowledge" if role == "document" else "transcript"
        source = Source(workspace.pk, kind, source_id)
        hidden = message(0, place.format(needle.strip('"')), role=role, speaker="")
        passages.add(source, [hidden], at=AT)
        run_due()
        for mode in ("keyword", "hybrid"):
            for grouped in (False, True):
                query = Query(
                    text=needle,
                    mode=mode,
                    workspace_ids=[workspace.pk],
                    kinds=["transcript", "knowledge"],
                    limit=3,
                    group_by_source=grouped,
                )
                best = find(query).hits[0]
                # Of a whole session a sentence in it is only a part.
                is_part = grouped and not IS_NAME.search(needle)
                if best.source_id != source_id and not is_part:
                    missed.append((role, mode, grouped))
        passages.remove(source)

    assert missed == []
